"""Working days, counted over real Kazakhstan weekends and holidays."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.kernel.periods import Month, NaiveInstant, local
from chalicelib.kernel.workdays import Calendar, CalendarMissing, OneTermOnly
from chalicelib.policy import store
from chalicelib.policy.rules.files import read_calendar

KZ = read_calendar(store.find_text("calendar-kz.toml") or "", "calendar-kz.toml")
DAYS = st.dates(date(2025, 1, 1), date(2027, 10, 31))


@pytest.mark.parametrize(
    ("month", "working"),
    [
        ("2025-01", 20),  # 3 January off, Sunday the 5th worked, Christmas
        ("2025-03", 17),
        ("2025-09", 21),
        ("2025-10", 22),
        ("2026-01", 19),
        ("2026-03", 18),
        ("2026-05", 17),
        ("2026-08", 21),
        ("2026-09", 22),
        ("2026-10", 21),
        ("2026-11", 21),
        ("2026-12", 22),
        ("2027-01", 18),
        ("2027-03", 18),
        ("2027-05", 18),
    ],
)
def test_a_month_has_the_working_days_of_the_published_calendar(month, working):
    assert KZ.working_days(Month.parse(month)) == working
    assert len(KZ.working_days_in(Month.parse(month))) == working


@pytest.mark.parametrize(
    ("day", "worked"),
    [
        ("2025-01-03", False),
        ("2025-01-05", True),  # swapped
        ("2026-01-07", False),
        ("2026-05-27", False),  # Christmas, Kurban Ait
        ("2026-03-24", False),
        ("2026-03-25", False),
        ("2026-03-26", True),
        ("2026-08-31", True),  # no Constitution Day in August 2026
        ("2027-03-15", False),
        ("2027-08-30", True),  # it moved to 15 March
        ("2026-11-21", False),
        ("2026-11-23", True),
    ],
)
def test_a_day_is_worked_or_not(day, worked):
    assert KZ.is_working(date.fromisoformat(day)) is worked


def test_the_next_and_the_previous_working_day_include_the_day_itself():
    friday, sunday, monday = date(2026, 10, 23), date(2026, 10, 25), date(2026, 10, 26)

    assert KZ.next_working(friday) == friday
    assert KZ.next_working(sunday) == date(2026, 10, 27)  # Monday is off for Republic Day
    assert KZ.previous_working(monday) == friday


def almaty(text):
    return datetime.fromisoformat(text + "+05:00")


@pytest.mark.parametrize(
    ("at", "term", "until"),
    [
        ("2026-11-23T09:00", {"working_days": 2}, "2026-11-26T00:00"),
        ("2026-11-23T23:59", {"working_days": 2}, "2026-11-26T00:00"),
        ("2026-11-20T18:30", {"working_days": 2}, "2026-11-25T00:00"),  # Friday: over the weekend
        ("2026-03-19T18:30", {"working_days": 2}, "2026-03-27T00:00"),  # over Nauryz
        ("2026-12-31T18:30", {"working_days": 5}, "2027-01-13T00:00"),  # New Year and Christmas
        ("2026-11-21T18:30", {"calendar_days": 1}, "2026-11-23T00:00"),  # a Sunday counts
        ("2026-11-01T00:00", {"calendar_days": 28}, "2026-11-30T00:00"),
    ],
)
def test_a_deadline_ends_at_midnight_of_its_last_day(at, term, until):
    assert KZ.deadline(almaty(at), **term) == almaty(until)


def test_a_deadline_counts_from_the_local_day_of_the_instant():
    late_on_sunday_in_utc = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)  # Monday 01:00 in Almaty

    assert KZ.deadline(late_on_sunday_in_utc, working_days=1) == almaty("2026-11-25T00:00")


@pytest.mark.parametrize(
    "term",
    [
        {},
        {"working_days": 1, "calendar_days": 1},
        {"working_days": 0},
        {"calendar_days": -1},
    ],
)
def test_a_deadline_has_exactly_one_term(term):
    with pytest.raises(OneTermOnly):
        KZ.deadline(almaty("2026-11-23T09:00"), **term)


def test_a_deadline_needs_an_instant_with_an_offset():
    with pytest.raises(NaiveInstant):
        KZ.deadline(datetime(2026, 11, 23, 9, 0), working_days=1)


def test_an_unknown_year_is_refused_and_never_guessed():
    with pytest.raises(CalendarMissing) as caught:
        KZ.deadline(almaty("2027-12-30T09:00"), working_days=5)

    assert caught.value.facts == {"year": 2028}
    assert list(KZ.known_years) == [2025, 2026, 2027]


def test_calendar_days_need_no_calendar():
    assert KZ.deadline(almaty("2031-01-01T09:00"), calendar_days=1) == almaty("2031-01-03T00:00")


def test_days_cannot_be_counted_backwards():
    with pytest.raises(OneTermOnly):
        KZ.add_working_days(date(2026, 11, 23), -1)


@given(day=DAYS, n=st.integers(1, 30))
def test_the_nth_working_day_lies_n_working_days_ahead(day, n):
    reached = KZ.add_working_days(day, n)

    between = (day + timedelta(days=k) for k in range(1, (reached - day).days + 1))
    assert sum(KZ.is_working(each) for each in between) == n
    assert KZ.is_working(reached)


@given(start=DAYS, other=DAYS, n=st.integers(0, 15))
def test_a_later_start_never_ends_earlier(start, other, n):
    earlier, later = sorted((start, other))

    assert KZ.add_working_days(earlier, n) <= KZ.add_working_days(later, n)


@given(day=DAYS, a=st.integers(0, 12), b=st.integers(0, 12))
def test_terms_add_up(day, a, b):
    assert KZ.add_working_days(KZ.add_working_days(day, a), b) == KZ.add_working_days(day, a + b)


@given(day=DAYS, minutes=st.integers(0, 1439), n=st.integers(1, 10))
def test_a_deadline_gives_whole_days_and_ends_at_local_midnight(day, minutes, n):
    start = almaty(f"{day}T00:00") + timedelta(minutes=minutes)

    until = KZ.deadline(start, working_days=n)

    assert until - start >= timedelta(days=n)
    assert (local(until).hour, local(until).minute) == (0, 0)


def test_a_calendar_without_any_holiday_is_a_plain_five_day_week():
    plain = Calendar(frozenset(), frozenset(), 2026, 2026)

    assert plain.working_days(Month(2026, 8)) == 21
    assert plain.add_working_days(date(2026, 8, 7), 1) == date(2026, 8, 10)
