"""Plant each fault by itself in a copy of the tree and see that its tests turn red.

    python -m tests.zoo                 all of them
    python -m tests.zoo access -k token those of faults/access.toml whose name has `token`
    python -m tests.zoo -j 1 --longest 1800   where others work on the same machine

A fault is caught when a test that it names fails: not when it finds no place, when its module can
no longer be read, when no test was found, or when it took too long. Ends with 1 and names the
survivors when a fault was not caught, or when its tests are red without it.
"""

from __future__ import annotations

import argparse
import queue
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.zoo.faults import ROOT, Fault, every_fault

_WORKERS = 2
_LONGEST_S = 300
_GREEN, _FAILED = 0, 1  # what pytest ends with; anything else is no answer
_NO_PLACE, _TOO_LONG = -1, -2


def main(arguments: Sequence[str] | None = None) -> int:
    """Try the faults that were asked for; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.zoo")
    parser.add_argument("family", nargs="*", help="files of tests/zoo/faults, without .toml")
    parser.add_argument("-k", default="", help="a part of the name")
    parser.add_argument("-j", type=int, default=_WORKERS, help="how many at once")
    parser.add_argument(
        "--longest", type=int, default=_LONGEST_S, help="seconds for one run of tests"
    )
    parser.add_argument(
        "--planted-only", action="store_true", help="trust that tests are green without a fault"
    )
    asked = parser.parse_args(arguments)
    faults = [
        fault
        for fault in every_fault()
        if (not asked.family or fault.family in asked.family) and asked.k in fault.name
    ]
    if not faults:
        parser.error("no such fault")
    with tempfile.TemporaryDirectory(prefix="kezek-zoo-") as folder:
        copies: queue.Queue[Path] = queue.Queue()
        for n in range(asked.j):
            copies.put(_copy(Path(folder) / str(n)))
        with ThreadPoolExecutor(asked.j) as pool:
            healthy = sorted({test for fault in faults for test in fault.tests})
            if asked.planted_only:
                healthy = []
            red = [
                test
                for test, ended in zip(
                    healthy,
                    pool.map(lambda t: _ended(copies, None, (t,), asked.longest), healthy),
                    strict=True,
                )
                if ended != _GREEN
            ]
            survivors = [
                fault.name
                for fault, ended in zip(
                    faults,
                    pool.map(lambda f: _ended(copies, f, f.tests, asked.longest), faults),
                    strict=True,
                )
                if not _told(fault, ended)
            ]
    for test in red:
        _say(f"red without any fault: {test}")
    _say(f"{len(faults) - len(survivors)} of {len(faults)} faults caught")
    for name in survivors:
        _say(f"survived: {name}")
    return 1 if survivors or red else 0


def _told(fault: Fault, ended: int) -> bool:
    said = {
        _FAILED: "caught",
        _GREEN: "SURVIVED",
        _NO_PLACE: "NO PLACE",
        _TOO_LONG: "TOO LONG",
    }.get(ended, "NO TEST")
    _say(f"{said:8}  {fault.breaks:4}  {fault.name}")
    return ended == _FAILED


def _ended(
    copies: queue.Queue[Path], fault: Fault | None, tests: Sequence[str], longest_s: int
) -> int:
    """Return what pytest ended with, in a copy with the fault in it."""
    copy = copies.get()
    try:
        place = copy / fault.file if fault else None
        healthy = place.read_text("utf-8") if place else ""
        if fault and place:
            if healthy.count(fault.find) != 1:
                return _NO_PLACE
            place.write_text(healthy.replace(fault.find, fault.put), "utf-8")
        try:
            command = [sys.executable, "-m", "pytest", "-q", "-x", "-n", "0", *tests]
            ended = subprocess.run(
                command, cwd=copy, capture_output=True, timeout=longest_s, check=False
            )
            return ended.returncode
        except subprocess.TimeoutExpired:
            return _TOO_LONG
        finally:
            if place:
                place.write_text(healthy, "utf-8")
    finally:
        copies.put(copy)


def _copy(to: Path) -> Path:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)
    if (ROOT / ".local").is_dir():
        (to / ".local").symlink_to(ROOT / ".local")
    return to


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
