"""What `make fuzz` has done so far, kept in a folder so that it may be done in several runs.

    <folder>/<digest of the code>/<programme>/<METHOD-path>.json

Cases count for the code they were tried on: another line of code is another book. A run goes on
where the last one ended, the operations with the fewest cases first. `python -m
tests.promises.fuzzbook FOLDER` prints the report; exit code 1 while something failed or is missing.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
import sys
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
MODES = ("positive", "negative")


@dataclass
class Page:
    """One operation of one programme. cases, rounds: by mode; over: modes with nothing new left.

    Where all that can be wrong, or right, about an operation is a handful of requests, more rounds
    would only repeat them.
    """

    operation: str
    programme: str
    cases: dict[str, int] = field(default_factory=lambda: dict.fromkeys(MODES, 0))
    rounds: dict[str, int] = field(default_factory=lambda: dict.fromkeys(MODES, 0))
    over: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        return sum(self.cases.values())

    def wants(self, mode: str, cases: int) -> bool:
        """Tell whether a mode is to get another round, for so many cases of both together."""
        if mode in self.over or self.total >= cases:
            return False
        other = next(m for m in MODES if m != mode)
        return other in self.over or self.cases[mode] < (cases + 1) // 2

    def done(self, cases: int) -> bool:
        return not any(self.wants(mode, cases) for mode in MODES)


class Book:
    """The pages of the code as it is now."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / digest()

    def page(self, programme: str, operation: str) -> Page:
        """Return an operation's page; an empty one where nothing was done."""
        file = self._file(programme, operation)
        if not file.exists():
            return Page(operation, programme)
        return Page(**json.loads(file.read_text("utf-8")))

    def keep(self, page: Page) -> None:
        """Write a page in one step."""
        file = self._file(page.programme, page.operation)
        file.parent.mkdir(parents=True, exist_ok=True)
        half = file.with_name(f".{file.name}.{os.getpid()}")
        half.write_text(json.dumps(dataclasses.asdict(page), indent=1), "utf-8")
        half.replace(file)

    def pages(self) -> list[Page]:
        """Return all pages, those with the fewest cases first."""
        files = sorted(self.folder.glob("*/*.json"))
        found = [Page(**json.loads(file.read_text("utf-8"))) for file in files]
        return sorted(found, key=lambda page: page.total)

    def _file(self, programme: str, operation: str) -> Path:
        name = re.sub(r"[^A-Za-z0-9_]+", "-", operation).strip("-")
        return self.folder / programme / f"{name}.json"


@cache
def digest() -> str:
    """Return what tells this code from any other: what ships, and how it is tried."""
    files = [
        _ROOT / "app.py",
        _ROOT / "requirements-dev.txt",
        _ROOT / "tests" / "promises" / "trials.py",
        _ROOT / "tests" / "promises" / "fuzz_c1.py",
        *(_ROOT / "chalicelib").rglob("*.py"),
        *(_ROOT / "chalicelib").rglob("*.toml"),
    ]
    told = hashlib.sha256()
    for file in sorted(files):
        told.update(f"{file.relative_to(_ROOT)}\n".encode() + file.read_bytes())
    return told.hexdigest()[:16]


def report(folder: Path, cases: int) -> tuple[list[str], bool]:
    """Return the report's lines, and whether everything was tried and nothing failed."""
    from tests.offered import OPERATIONS

    book = Book(folder)
    pages = book.pages()
    programmes = sorted({page.programme for page in pages})
    lines = [f"code {digest()}, {cases} cases per operation and programme"]
    good = bool(pages)
    for programme in programmes:
        mine = [page for page in pages if page.programme == programme]
        names = {f"{o.method} {o.path}" for o in OPERATIONS} - {p.operation for p in mine}
        waiting = [page for page in mine if not page.done(cases)]
        small = [page for page in mine if page.done(cases) and page.total < cases]
        failed = [page for page in mine if page.failures]
        lines.append(
            f"{programme}: {sum(p.total for p in mine)} cases of {len(mine)} operations;"
            f" {len(mine) - len(waiting)} done, {len(small)} of them have fewer requests;"
            f" {len(waiting)} under way, {len(names)} not begun; {len(failed)} failed"
        )
        lines += [f"  {p.total:>6} of {cases}  {p.operation}" for p in waiting]
        lines += [f"  {p.total:>6} are all   {p.operation}" for p in small]
        lines += [f"  not begun  {name}" for name in sorted(names)]
        lines += [f"  FAILED  {p.operation}: {why}" for p in failed for why in p.failures]
        good = good and not waiting and not names and not failed
    return lines, good


if __name__ == "__main__":
    told, whole = report(Path(sys.argv[1]), int(sys.argv[2]))
    sys.stdout.write("\n".join(told) + "\n")
    sys.exit(0 if whole else 1)
