"""Days and months are Kazakhstan's (promise A10), instants RFC 3339 with an offset (C4)."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.kernel.periods import (
    BadMonth,
    DateRange,
    Month,
    NaiveInstant,
    end_of,
    from_stamp,
    local_day,
    shown_last_day,
    stamp,
    start_of,
)

instants = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
days = st.dates(date(2000, 1, 1), date(2998, 12, 31))


@pytest.fixture(params=["UTC", "America/New_York", "Asia/Tokyo"])
def elsewhere(request: pytest.FixtureRequest) -> Iterator[None]:
    """A machine that stands in another zone."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = request.param
    time.tzset()
    yield
    os.environ.pop("TZ") if before is None else os.environ.update(TZ=before)
    time.tzset()


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize(
    ("at", "day"),
    [
        ("2026-03-01T18:59:59Z", date(2026, 3, 1)),
        ("2026-03-01T19:00:00Z", date(2026, 3, 2)),
        ("2026-01-31T19:00:00+00:00", date(2026, 2, 1)),
        ("2026-02-01T00:00:00+05:00", date(2026, 2, 1)),
        # Until 29 February 2024 Almaty kept UTC+6; that day had 25 hours there.
        ("2024-02-28T17:59:59Z", date(2024, 2, 28)),
        ("2024-02-28T18:00:00Z", date(2024, 2, 29)),
        ("2024-02-29T18:59:59Z", date(2024, 2, 29)),
        ("2024-02-29T19:00:00Z", date(2024, 3, 1)),
    ],
)
def test_a_day_is_almatys_wherever_the_machine_stands(at: str, day: date) -> None:
    assert local_day(from_stamp(at)) == day


def test_the_day_the_clocks_went_back_had_25_hours() -> None:
    day = date(2024, 2, 29)

    assert end_of(day) - start_of(day) == timedelta(hours=25)


@given(days)
def test_a_day_begins_and_ends_at_its_own_midnights(day: date) -> None:
    assert local_day(start_of(day)) == day
    assert local_day(end_of(day) - timedelta(microseconds=1)) == day
    assert local_day(end_of(day)) == day + timedelta(days=1)


@given(instants, instants)
def test_stamps_sort_as_instants_do(one: datetime, other: datetime) -> None:
    assert (stamp(one) < stamp(other)) == (one < other)
    assert from_stamp(stamp(one)) == one


def test_a_stamp_is_utc_whatever_the_offset() -> None:
    at = datetime(2026, 3, 2, 9, 0, tzinfo=timezone(timedelta(hours=5)))

    assert stamp(at) == "2026-03-02T04:00:00.000000Z"


@pytest.mark.parametrize(
    "act",
    [
        lambda: stamp(datetime(2026, 3, 2)),
        lambda: local_day(datetime(2026, 3, 2)),
        lambda: from_stamp("2026-03-02T09:00:00"),
    ],
)
def test_a_naive_instant_is_refused(act: object) -> None:
    with pytest.raises(NaiveInstant):
        act()  # type: ignore[operator]


@given(days)
def test_months_follow_each_other_without_a_gap(day: date) -> None:
    month = Month.of(day)

    assert month.next().before() == month
    assert month.first <= day <= month.last
    assert month.last + timedelta(days=1) == month.next().first
    assert len(list(month.days())) == month.last.day
    assert Month.parse(str(month)) == month


@pytest.mark.parametrize(
    "text", ["", "2026", "2026-1", "2026-13", "2026-00", "26-01", "2026/01", "2026-0١", "2026-01\n"]
)
def test_a_month_is_written_yyyy_mm(text: str) -> None:
    with pytest.raises(BadMonth):
        Month.parse(text)


def test_the_month_before_an_instant_is_almatys() -> None:
    assert Month.preceding(from_stamp("2026-01-31T19:00:00Z")) == Month(2026, 1)
    assert Month.preceding(from_stamp("2026-01-31T18:59:59Z")) == Month(2025, 12)


ranges = st.tuples(days, st.none() | st.integers(0, 100)).map(
    lambda r: DateRange(r[0], None if r[1] is None else r[0] + timedelta(days=r[1]))
)


@given(ranges, ranges)
def test_two_ranges_overlap_when_one_holds_the_others_first_day(
    one: DateRange, other: DateRange
) -> None:
    expected = one.first in other or other.first in one

    assert one.overlaps(other) == other.overlaps(one) == expected


def test_a_deadline_at_midnight_is_shown_by_the_last_day_before_it() -> None:
    assert shown_last_day(stamp(start_of(date(2026, 4, 8)))) == "07.04.2026"
