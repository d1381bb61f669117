"""A partner system's timesheet → signed records, one chain per site.

A partner is a recorder like a tablet: each site's head pairs it with a one-time code, it signs
what it hands in. It knows children by
their applications, so it needs the list of enrolments that the head lets it read.

What was acknowledged is remembered in the key file, so the same file again sends nothing. Records
that were signed and not acknowledged are sent again as they are before anything new is signed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from infra.client import Api
from infra.imports import names, sheets, vocabulary
from infra.imports.cells import Row, at
from infra.imports.report import Refused
from infra.imports.running import NotAllowed, Progress, Result, Unfinished, heading, read_rows
from infra.imports.sheets import Sheet
from infra.local.places import write_whole
from infra.tablet import MOST_RECORDS, Record, Tablet

REQUIRED = ("site", "number", "day", "mark")
LABEL = "partner system"
Now = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Mark:
    """A row as it will be signed."""

    line: int
    site: str
    number: str
    day: date
    code: str
    came: datetime | None
    left: datetime | None

    @property
    def name(self) -> str:
        """Return the name under which a sent row is remembered; says nothing about the child."""
        told = f"{self.site}|{self.number}|{self.day}|{self.code}|{self.came}|{self.left}"
        return hashlib.sha256(told.encode()).hexdigest()[:24]


@dataclass(slots=True)
class Recorder:
    """The partner's chain at one site."""

    tablet: Tablet
    paired: bool = False
    sent: set[str] = field(default_factory=set)
    waiting: list[tuple[str, int, Record]] = field(default_factory=list)


class Timesheet:
    """Gathers marks by site."""

    required: tuple[str, ...] = REQUIRED

    def __init__(self) -> None:
        self.sites: dict[str, list[Mark]] = {}

    def take(self, row: Row, line: int) -> None:
        """Read one row. Raises CellRefused."""
        day = row.day("day")
        code = row.word("mark")
        came = left = None
        if code == "P":
            came = at("in", day, row.text("in"))
            left = at("out", day, row.text("out")) if row.optional("out") else None
        mark = Mark(line, row.text("site"), row.text("number"), day, code, came, left)
        self.sites.setdefault(mark.site, []).append(mark)

    def requests(self) -> list[Any]:
        """Marks are not requests: they become a chain first."""
        return []


def run(
    path: Path,
    api: Api,
    *,
    key: Path,
    heads: Callable[[str], Api | None],
    system: str,
    at_once: int,
    now: Now,
    on_progress: Progress,
) -> Result:
    """Import a timesheet. heads: site code → a client with the head's token, None without one.

    Raises Unreadable, NotAllowed, Unfinished, SystemSilent.
    """
    sheet = sheets.read(path)
    timesheet = Timesheet()
    result = Result(sheet.name, sheet.digest, rows=len(sheet.lines))
    read_rows("attendance", sheet, timesheet, result)
    recorders = _load(key)
    done = len(result.refused)
    on_progress(done, result.rows)

    def one(site: str) -> list[Refused]:
        recorder = recorders.setdefault(site, Recorder(Tablet.new()))
        head = heads(site)
        return _site(sheet, site, timesheet.sites[site], recorder, api, head, system, now)

    with ThreadPoolExecutor(max(1, at_once)) as pool:
        try:
            for site, refused in zip(timesheet.sites, pool.map(one, timesheet.sites), strict=True):
                done += len(timesheet.sites[site])
                result.refused += refused
                on_progress(done, result.rows)
        finally:
            _keep(key, recorders)
    result.refused.sort(key=lambda r: r.line)
    result.taken = result.rows - len({r.line for r in result.refused})
    return result


def _site(
    sheet: Sheet,
    site: str,
    marks: list[Mark],
    recorder: Recorder,
    api: Api,
    head: Api | None,
    system: str,
    now: Now,
) -> list[Refused]:
    columns = vocabulary.columns("attendance", sheet.headings)

    def no(line: int, column: str, code: str) -> Refused:
        return Refused(sheet.name, line, heading(sheet, columns, column), code)

    if head is None:
        return [no(mark.line, "site", "import/no-device") for mark in marks]
    site_id = names.site(site, system=system)
    if not recorder.paired:
        _pair(recorder, api, head, site_id)
    enrolled = _enrolments(head, site_id)
    refused: list[Refused] = []
    fresh: list[tuple[datetime, Mark, str, str]] = []
    for mark in sorted(marks, key=lambda m: (m.day, m.line)):
        if mark.name in recorder.sent:
            continue
        enrolment = _enrolment(enrolled, mark, system)
        if enrolment is None:
            refused.append(no(mark.line, "number", "import/not-enrolled"))
            continue
        fresh += [(moment, mark, enrolment, kind) for moment, kind in _moments(mark)]
        recorder.sent.add(mark.name)
    # As a tablet would have signed them: a clock that steps back between records is odd.
    for moment, mark, enrolment, kind in sorted(fresh, key=lambda one: one[0]):
        reason = mark.code if kind == "absence" else None
        record = recorder.tablet.sign(enrolment, kind, moment, reason=reason)
        recorder.waiting.append((mark.name, mark.line, record))
    while recorder.waiting:
        part = recorder.waiting[:MOST_RECORDS]
        answer = recorder.tablet.upload(api, [record for _, _, record in part], now())
        if not answer.good:
            raise Unfinished(f"{site}: {answer.detail or answer.code}")
        for (name, line, _), outcome in zip(part, answer.json()["outcomes"], strict=True):
            if outcome["outcome"] == "refused":
                recorder.sent.discard(name)
                refused.append(no(line, "day", f"attendance/{outcome['code']}"))
        recorder.waiting = recorder.waiting[MOST_RECORDS:]
    return list({r.line: r for r in refused}.values())


def _pair(recorder: Recorder, api: Api, head: Api, site_id: str) -> None:
    invited = head.put(
        f"/v1/attendance/pairings/pair-{recorder.tablet.device_id}",
        {"site_id": site_id, "label": LABEL},
    )
    if not invited.good:
        raise NotAllowed(f"the head's token may not pair a recorder: {invited.detail}")
    paired = recorder.tablet.pair(api, invited.json()["code"], LABEL)
    if not paired.good:
        raise Unfinished(f"the recorder is not paired: {paired.detail or paired.code}")
    recorder.paired = True


def _enrolments(head: Api, site_id: str) -> dict[str, list[Mapping[str, Any]]]:
    """Return application id → its enrolments at a site."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    cursor: str | None = None
    while True:
        answer = head.get(f"/v1/vouchers/sites/{site_id}/enrolments", limit=100, cursor=cursor)
        if not answer.good:
            raise NotAllowed(f"the head's token may not read enrolments: {answer.detail}")
        page = answer.json()
        for enrolment in page["items"]:
            found.setdefault(enrolment["application_id"], []).append(enrolment)
        cursor = page.get("next_cursor")
        if not cursor:
            return found


def _enrolment(
    enrolled: Mapping[str, list[Mapping[str, Any]]], mark: Mark, system: str
) -> str | None:
    """Return the enrolment that holds on the day; None when the child is not there then."""
    day = mark.day.isoformat()
    for entry in enrolled.get(names.application(mark.number, system=system), []):
        if entry["starts_on"] <= day and (entry["ends_on"] is None or day <= entry["ends_on"]):
            return str(entry["enrolment_id"])
    return None


def _moments(mark: Mark) -> list[tuple[datetime, str]]:
    """Return what happened that day, and when."""
    if mark.came is None:
        return [(at("day", mark.day, "9:30"), "absence")]
    came = [(mark.came, "in")]
    return came if mark.left is None else [*came, (mark.left, "out")]


def _load(key: Path) -> dict[str, Recorder]:
    if not key.exists():
        return {}
    kept = json.loads(key.read_text("utf-8"))
    return {
        site: Recorder(
            Tablet.of(entry["tablet"]),
            entry["paired"],
            set(entry["sent"]),
            [(name, line, record) for name, line, record in entry["waiting"]],
        )
        for site, entry in kept.items()
    }


def _keep(key: Path, recorders: Mapping[str, Recorder]) -> None:
    """Keep keys, chains and what was sent; readable by the owner only."""
    kept = {
        site: {
            "tablet": r.tablet.kept(),
            "paired": r.paired,
            "sent": sorted(r.sent),
            "waiting": r.waiting,
        }
        for site, r in recorders.items()
    }
    write_whole(key, json.dumps(kept).encode(), mode=0o600)
