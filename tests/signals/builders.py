"""Signals in tests: what a stream shows, a month whole, an officer's word."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from chalicelib.attendance import actions as attendance
from chalicelib.kernel.actors import Actor, Role
from chalicelib.kernel.periods import Month
from chalicelib.signals import actions, store
from chalicelib.signals.rules import Finding, Ref, Signal, Where
from infra.local.testing import TestTables
from tests.attendance.builders import AREA, MARCH, ORGANISATION, SITE, at, enrolment, send
from tests.attendance.tablets import Tablet

JOB = Actor("signals", frozenset({Role.SYSTEM}))
AUDITOR = Actor("auditor-1", frozenset({Role.AUDITOR}))
WHERE = Where(
    programme="preschool",
    area=AREA,
    direction="",
    site_id=SITE,
    organisation_id=ORGANISATION,
    pack="pack@1",
)
NOW = at("2026-04-10 09:00")


def evidence_images(tables: TestTables) -> list[dict[str, Any]]:
    """Return the uploads that the journal's stream has shown."""
    rows = tables.dump()["kezek-test-journal"]
    return [row for row in rows if row["pk"]["S"].startswith("EVIDENCE#")]


def arrive(tables: TestTables, *, now: datetime = NOW) -> list[Signal]:
    """Let all stored uploads pass the stream and the queue; return the signals that changed."""
    found: list[Signal] = []
    for image in evidence_images(tables):
        upload = actions.read_upload(image)
        assert upload is not None
        for odd in actions.odd_uploads([upload]):
            found += actions.judge_uploads(**odd, by=JOB, now=now)
    return found


def look(month: Month = MARCH, *, site_id: str = SITE, now: datetime = NOW) -> list[Signal]:
    return actions.judge_month(site_id, month, by=JOB, now=now)


def open_signals(area: str = AREA) -> list[Signal]:
    return store.list_signals("preschool", area, waiting=True, before=None, limit=100)[0]


def come(
    tablet: Tablet,
    days: Sequence[date],
    children: Sequence[int],
    *,
    minute: int = 0,
    leave: int = 0,
    step: int = 1,
) -> None:
    """Mark children in at 08:00 and out at 17:00 and some minutes, each a second apart."""
    for on in days:
        for kind, hour, more in (("in", 8, minute), ("out", 17, leave)):
            for n, child in enumerate(children):
                seconds = more * 60 + n * step
                text = f"{on}T{hour:02d}:{seconds // 60:02d}:{seconds % 60:02d}+05:00"
                tablet.sign(text, kind, enrolment(child))
        send(tablet, tablet.records, now=at(f"{on} 18:00"))
        tablet.records.clear()


def a_ref(child: str = "child-000001", *lines: str, site_id: str = "") -> Ref:
    return Ref(child_id=child, month=str(MARCH), lines=lines, site_id=site_id)


def a_finding(**changes: Any) -> Finding:
    said: dict[str, Any] = {
        "kind": "one-second",
        "subject": "device-1",
        "subject_of": "device",
        "period": "2026-03-02",
        "refs": (a_ref("child-000001", "2026-03-02"),),
        "facts": {"children": 1, "on": "2026-03-02"},
    }
    return Finding(**{**said, **changes})


def close(now: datetime = NOW) -> None:
    attendance.close_month(SITE, MARCH, by=JOB, now=now)
