"""Signed records a year after approval: only their links stay, and nothing else changes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from chalicelib.attendance import actions, store
from chalicelib.kernel.periods import Month
from chalicelib.record.store import AnyRow, opening_of
from chalicelib.rights.actions import retaining
from infra.local.testing import TestTables
from tests.attendance.builders import (
    MARCH,
    SITE,
    at,
    child,
    enrolment,
    marks_of,
    open_site,
    pair,
    send,
)
from tests.attendance.tablets import Tablet
from tests.stories.people import almaty


@pytest.fixture
def tablet(tables: TestTables) -> Tablet:
    open_site()
    made = Tablet()
    pair(made)
    made.sign("2026-03-02T08:05:00+05:00")
    made.sign("2026-03-02T08:06:00+05:00", enrolment=enrolment(2))
    send(made, made.records)
    return made


def _last_day() -> datetime:
    """The last day on which March's records are kept whole."""
    approved = retaining._approved_by("preschool", "taldykorgan", MARCH)
    return almaty(f"{approved.replace(year=approved.year + 1).isoformat()}T12:00:00")


def _leaves() -> dict[tuple[str, str], bytes]:
    return {o.name: o.digest for o in map(opening_of, AnyRow.scan(consistent_read=True))}


def test_the_day_before_they_stay_and_the_day_after_they_go(tablet: Tablet) -> None:
    last = _last_day()

    assert retaining.thin_records(SITE, last) == 0
    (kept,) = store.each_evidence(tablet.device_id)
    assert len(kept.lines) == 2

    assert retaining.thin_records(SITE, last.replace(day=last.day + 1)) == 1
    (thinned,) = store.each_evidence(tablet.device_id)
    assert thinned.lines == ()
    assert {n: link.hash for n, link in thinned.links.items()} == {
        n: link.hash for n, link in retaining._links(kept).items()
    }
    assert thinned.value == kept.value
    assert retaining.thin_records(SITE, last.replace(day=last.day + 1)) == 0


def test_the_public_logs_leaf_stays_what_it_was(tablet: Tablet) -> None:
    before = _leaves()

    retaining.thin_records(SITE, datetime(2028, 1, 1, tzinfo=UTC))

    assert _leaves() == before


def test_marks_chain_and_rebuild_hold_without_the_records(tablet: Tablet) -> None:
    marks = marks_of(1), marks_of(2)
    retaining.thin_records(SITE, datetime(2028, 1, 1, tzinfo=UTC))

    rebuilt = actions.rebuild_marks(SITE)

    assert (marks_of(1), marks_of(2)) == marks
    assert (rebuilt.gaps, rebuilt.forks) == (0, 0)
    state = store.find_state(tablet.device_id)
    assert state is not None and state.head_counter == 2


def test_an_old_record_sent_again_is_had_and_a_changed_one_is_a_fork(tablet: Tablet) -> None:
    retaining.thin_records(SITE, datetime(2028, 1, 1, tzinfo=UTC))
    old = tablet.records[0]
    tablet.sign("2026-03-02T18:05:00+05:00", kind="out")

    receipt = send(tablet, [old, tablet.records[2]], now=at("2026-03-02 19:00"))

    assert [o.outcome for o in receipt.outcomes] == ["had", "accepted"]


def test_timesheets_go_after_five_years_and_their_statements_stay(tablet: Tablet) -> None:
    from chalicelib.kernel.actors import system

    by, month = system("rights"), Month(2026, 3)
    last = almaty("2031-03-31T12:00:00")
    retaining.end_of_site(SITE, by, last)
    assert marks_of(1)

    retaining.end_of_site(SITE, by, last.replace(month=4, day=1))

    assert store.list_sheets(SITE, month) == {}
    assert store.find_sheet(SITE, month, child()).marks == frozenset()
    actions.rebuild_marks(SITE)
    assert store.list_sheets(SITE, month) == {}
