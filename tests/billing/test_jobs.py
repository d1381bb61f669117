"""Billing unattended: the schedule lists, the queue works; run twice, posted once."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from chalicelib.billing import jobs
from chalicelib.billing.store import statements
from chalicelib.budgets import actions as budgets
from chalicelib.kernel.money import tenge
from tests.attendance.builders import MARCH, SITE, child, open_site

from .test_gather import FINANCE, approve_as_stored, attend, close


@pytest.fixture(autouse=True)
def _town(cloud):
    cloud.set_clock(datetime(2026, 4, 13, 3, 0, tzinfo=UTC))
    budgets.allot(
        programme="preschool",
        area="taldykorgan",
        year=2026,
        amount_tiyn=tenge(1_000_000),
        act="act-1",
        by=FINANCE,
        now=datetime(2026, 1, 5, tzinfo=UTC),
    )
    open_site(children_count=1)
    attend(1)
    close()
    approve_as_stored(1)
    return cloud


def posted():
    return statements.load_site_month(SITE, MARCH)[1]


def event(text: str) -> SimpleNamespace:
    return SimpleNamespace(time=text)


def test_the_schedule_bills_unattended_and_twice_posts_once(cloud):
    for _ in range(2):
        assert jobs.run_billing(event("2026-04-13T01:00:00Z")) == 1
        cloud.drain()

    (statement,) = posted()
    assert statement.movement_tiyn == tenge(65_000)
    assert statement.lines[0].line.child_id == child(1)
    assert cloud.dead_letters() == []


def test_a6_an_event_that_comes_a_day_late_bills_the_month_it_was_sent_for(cloud):
    cloud.set_clock(datetime(2026, 5, 1, 3, 0, tzinfo=UTC))

    jobs.run_billing(event("2026-04-13T01:00:00Z"))
    cloud.drain()

    assert [s.month for s in posted()] == ["2026-03"]


def test_outside_the_calendar_the_schedule_asks_for_nothing():
    assert jobs.run_billing(event("2026-04-05T01:00:00Z")) == 0


def test_a7_a_site_that_does_not_exist_is_parked_and_stops_nobody(cloud):
    from chalicelib.adapters import work

    work.send(jobs.messages(["site-none", SITE], MARCH))
    cloud.drain(strict=False)

    assert len(posted()) == 1
    assert [letter["reason"] for letter in cloud.dead_letters()] == ["kezek/unknown"]
