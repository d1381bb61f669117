"""The turn of the academic year: run twice, judged once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from chalicelib.applications import jobs, store
from chalicelib.journal import store as journal
from infra.local.testing import TestCloud
from tests.applications.builders import apply
from tests.children.builders import an_iin, details, registered

JULY = datetime(2026, 6, 30, 19, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Event:
    time: str


def test_on_1_july_every_queued_child_is_judged_once_for_the_new_year(cloud: TestCloud) -> None:
    parent = registered()
    apply(parent, "growing-child")
    apply(parent, "oldest-child", child=details(iin=an_iin(7), birth_date=date(2018, 12, 1)))
    before = JULY - timedelta(microseconds=1)

    cloud.set_clock(JULY)
    assert jobs.run_turnover(Event(before.isoformat())) == 0
    assert jobs.run_turnover(Event(JULY.isoformat())) == 2
    assert jobs.run_turnover(Event(JULY.isoformat())) == 2  # a schedule may fire twice
    cloud.drain()

    growing = store.load_application("growing-child").value
    oldest = store.load_application("oldest-child").value
    assert (growing.state, growing.academic_year, growing.age) == ("queued", 2026, 4)
    assert oldest.state == "expired"
    for name in ("growing-child", "oldest-child"):
        assert len(list(journal.history(f"application/{name}"))) == 2
    assert jobs.run_turnover(Event(JULY.isoformat())) == 0
