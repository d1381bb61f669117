"""Killed before or after any call and run again: the same signals, the same lines held (A1, A6)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.kernel.refusals import Unavailable
from chalicelib.signals import actions
from chalicelib.signals.actions.raising import raise_signals
from infra.local import faults
from infra.local.testing import TestTables
from tests.attendance.builders import MARCH, OFFICER, child, open_site
from tests.promises.rewind import Kept
from tests.signals.builders import JOB, NOW, WHERE, a_finding, a_ref, look
from tests.signals.test_months import FEBRUARY, approve, attend, working

pytestmark = pytest.mark.usefixtures("one_salt")
DAYS = [on.isoformat() for on in working(MARCH)]


def silent_families() -> None:
    """Three children whose families approved February, of two months alike; two are silent."""
    open_site(children_count=3)
    for n in (1, 2, 3):
        for month in (FEBRUARY, MARCH):
            attend(n, month, shift=n * 5)
    approve(3, MARCH)


def a_confirmed_signal() -> None:
    open_site(children_count=2)
    for n in (1, 2):
        attend(n, MARCH, shift=n * 5)
        approve(n, MARCH)
    refs = (a_ref(child(1), *DAYS[:2]), a_ref(child(2), DAYS[0]))
    (signal,) = raise_signals([a_finding(refs=refs)], WHERE, by=JOB, now=NOW)
    actions.decide(
        signal.signal_id,
        verdict="confirmed",
        reason="false-marks",
        note_code="",
        seen=signal.digest,
        by=OFFICER,
        now=NOW,
    )


def hold() -> None:
    actions.hold(_named(), by=JOB, now=NOW)


def _named() -> str:
    from chalicelib.signals.rules import id_of
    from tests.attendance.builders import SITE

    return id_of(a_finding(), SITE)


def stands(tables: TestTables) -> str:
    """Return all tables as text, versions and all."""
    return json.dumps(tables.effects(), sort_keys=True, default=str)


@pytest.mark.parametrize(
    ("before", "work"),
    [(silent_families, lambda: look()), (a_confirmed_signal, hold)],
    ids=["a month is looked at", "lines are held"],
)
def test_a6_killed_at_any_call_and_run_again_it_ends_the_same(
    tables: TestTables, before: Callable[[], None], work: Callable[[], Any]
) -> None:
    before()
    begun = Kept(tables)
    with faults.watch() as seen:
        work()
    clean = stands(tables)
    writes = [n for n, call in enumerate(seen.calls, 1) if call.writes]
    assert writes

    # Who dies at a read leaves what the write before it left.
    for crash in (faults.crash(before=1), *(faults.crash(after=at) for at in writes)):
        begun.put_back()
        with crash, pytest.raises(faults.Crash):
            work()
        work()
        assert stands(tables) == clean


@pytest.mark.parametrize("trouble", [faults.conflict, faults.throttle, faults.lost_answer])
def test_a_store_in_trouble_holds_the_same_lines(
    tables: TestTables, trouble: Callable[[int], Any]
) -> None:
    a_confirmed_signal()
    begun = Kept(tables)
    with faults.watch() as seen:
        hold()
    clean = stands(tables)

    for number in (n for n, call in enumerate(seen.calls, 1) if call.writes):
        begun.put_back()
        try:
            with trouble(number):
                hold()
        except Unavailable:
            hold()
        assert stands(tables) == clean, number
