"""One file from end to end: read, check each row, send what is good, report what is not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Protocol

from chalicelib.kernel.periods import from_stamp
from infra.client import Answer, Api
from infra.imports import sending, sheets, vocabulary
from infra.imports.applications import Applications
from infra.imports.cells import CellRefused, Row
from infra.imports.providers import Providers
from infra.imports.registers import Register
from infra.imports.report import Refused
from infra.imports.sending import Request
from infra.imports.sheets import Sheet, Unreadable

Kind = Literal["providers", "applications"]
Progress = Callable[[int, int], None]
Taken = Callable[[Request, Answer], None]

# Not the row's fault: the same request will be taken once the cause is gone.
_OURS = frozenset({401, 403, 500, 502, 503, 504})


class NotAllowed(RuntimeError):
    """The token may not import; the message is one line."""


class Unfinished(RuntimeError):
    """The system could not take the rest; what was sent stays, the same file again goes on."""


class Gathering(Protocol):
    """Takes rows, yields requests."""

    required: tuple[str, ...]

    def take(self, row: Row, line: int) -> None: ...
    def requests(self) -> Iterable[Request]: ...


@dataclass(slots=True)
class Result:
    """What became of a file: rows of it, rows taken, rows refused with their reasons.

    had: of those taken, rows that were there already. off_map: listed sites without a point on
    the map, which no family finds by distance until the head gives one.
    """

    file: str
    digest: str
    rows: int = 0
    taken: int = 0
    had: int = 0
    off_map: int = 0
    refused: list[Refused] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return the result for programs."""
        return {
            "file": self.file,
            "sha256": self.digest,
            "rows": self.rows,
            "taken": self.taken,
            "had": self.had,
            "off_map": self.off_map,
            "refused": [r.as_json() for r in self.refused],
        }


def run(
    kind: Kind,
    path: Path,
    api: Api,
    *,
    system: str,
    programme: str,
    issuer: str | None,
    at_once: int,
    on_progress: Progress,
    on_taken: Taken | None = None,
) -> Result:
    """Import a file; on_taken is told what Kezek answered for each good request.

    Raises Unreadable, NotAllowed, Unfinished, SystemSilent.
    """
    sheet = sheets.read(path)
    gathering: Gathering = (
        Providers(system=system, digest=sheet.digest, programme=programme)
        if kind == "providers"
        else Applications(system=system, digest=sheet.digest, programme=programme, issuer=issuer)
    )
    return carry(
        kind, sheet, gathering, api, at_once=at_once, on_progress=on_progress, on_taken=on_taken
    )


def register(
    path: Path,
    api: Api,
    *,
    platform: str,
    clubs_from: str,
    programme: str,
    area: str,
    issuer: str | None,
    begun: datetime,
    at_once: int,
    on_progress: Progress,
    on_taken: Taken | None = None,
) -> tuple[Result, Register]:
    """Import the register of a platform that closes; return also how each row stood there.

    begun: by Kezek's clock, before anything is sent; what was taken earlier was there already.

    Raises Unreadable, NotAllowed, Unfinished, SystemSilent.
    """
    sheet = sheets.read(path)
    gathering = Register(
        platform=platform,
        clubs_from=clubs_from,
        digest=sheet.digest,
        programme=programme,
        area=area,
        issuer=issuer,
    )
    result = carry(
        "register",
        sheet,
        gathering,
        api,
        begun=begun,
        at_once=at_once,
        on_progress=on_progress,
        on_taken=on_taken,
    )
    return result, gathering


def carry(
    kind: str,
    sheet: Sheet,
    gathering: Gathering,
    api: Api,
    *,
    at_once: int,
    on_progress: Progress,
    on_taken: Taken | None,
    begun: datetime | None = None,
) -> Result:
    """Read a sheet's rows, send what is good, and say what became of each."""
    result = Result(sheet.name, sheet.digest, rows=len(sheet.lines))
    read_rows(kind, sheet, gathering, result)
    done = len(result.refused)
    on_progress(done, result.rows)

    def on_answer(request: Request, answer: Answer) -> None:
        nonlocal done
        done += len(request.lines)
        _settle(kind, sheet, request, answer, result)
        if answer.good:
            told = answer.json()
            result.had += len(request.lines) if was_had(told, begun) else 0
            result.off_map += kind == "providers" and told.get("location") is None
            if on_taken is not None:
                on_taken(request, answer)
        on_progress(done, result.rows)

    sending.send(api, gathering.requests(), at_once=at_once, on_answer=on_answer)
    result.refused.sort(key=lambda r: r.line)
    result.taken = result.rows - len(result.refused)
    return result


def was_had(told: Mapping[str, Any], begun: datetime | None) -> bool:
    """Tell whether a row was there before this import began.

    Kezek answers a repetition as it answered the first time, with the instant of that.
    """
    taken_at = told.get("imported_at") or told.get("received_at")
    return begun is not None and bool(taken_at) and from_stamp(str(taken_at)) < begun


def read_rows(kind: str, sheet: Sheet, gathering: Gathering, result: Result) -> None:
    """Hand each row to the gathering; a refused one goes into the result. Raises Unreadable."""
    columns = vocabulary.columns(kind, sheet.headings)
    missing = [f for f in gathering.required if f not in columns]
    if missing:
        wanted = ", ".join(f"«{vocabulary.shown(kind, f)}»" for f in missing)
        fits = vocabulary.guess(sheet.headings)
        hint = f"; it looks like a file of {fits}" if fits and fits != kind else ""
        raise Unreadable(f"{sheet.name}: no column {wanted}{hint}")
    for line in sheet.lines:
        cells = {
            name: line.cells[place] if place < len(line.cells) else ""
            for name, place in columns.items()
        }
        try:
            gathering.take(Row(kind, cells), line.number)
        except CellRefused as refused:
            result.refused.append(
                Refused(
                    sheet.name,
                    line.number,
                    heading(sheet, columns, refused.field),
                    refused.code,
                    refused.facts,
                )
            )


def heading(sheet: Sheet, columns: dict[str, int], name: str) -> str:
    """Return a field's heading as this file has it."""
    return sheet.headings[columns[name]] if name in columns else ""


def _settle(kind: str, sheet: Sheet, request: Request, answer: Answer, result: Result) -> None:
    if answer.good:
        return
    if answer.status in (401, 403):
        raise NotAllowed(f"the token may not import {kind}: {answer.detail or answer.code}")
    if answer.status in _OURS:
        raise Unfinished(f"the system could not take line {request.lines[0]}: {answer.code}")
    found = answer.json()
    facts = {n: v for n, v in found.items() if n not in ("type", "title", "detail", "code")}
    code = answer.code
    columns = vocabulary.columns(kind, sheet.headings)
    column = heading(sheet, columns, request.columns.get(code, ""))
    for line in request.lines:
        result.refused.append(Refused(sheet.name, line, column, code, facts))
