"""From a closed timesheet to payday, over real weekends and holidays."""

from __future__ import annotations

from datetime import date

import pytest

from chalicelib.kernel.periods import Month
from chalicelib.kernel.workdays import CalendarMissing
from chalicelib.policy.actions import load_pack

PACK = load_pack("preschool", "taldykorgan")
MONTHS = PACK.at(date(2026, 11, 23)).month_calendar


@pytest.mark.parametrize(
    ("month", "closes", "paid"),
    [
        ("2026-08", "2026-09-01", "2026-09-18"),
        ("2026-09", "2026-10-01", "2026-10-16"),  # the 18th is a Sunday: Friday before
        ("2026-10", "2026-11-02", "2026-11-18"),  # the 1st is a Sunday: Monday after
        ("2026-12", "2027-01-05", "2027-01-18"),  # over New Year and its moved day
        ("2026-04", "2026-05-04", "2026-05-18"),  # 1 May is a holiday, then a weekend
        ("2024-12", "2025-01-05", "2025-01-17"),  # a Sunday that is worked
    ],
)
def test_closing_moves_forward_and_payday_back(month, closes, paid):
    dates = MONTHS.dates(Month.parse(month), PACK.calendar)

    assert (dates.close_on.isoformat(), dates.pay_on.isoformat()) == (closes, paid)


def test_a_family_has_its_whole_published_window():
    dates = MONTHS.dates(Month(2026, 10), PACK.calendar)

    assert (dates.approve_from, dates.approve_to) == (date(2026, 11, 1), date(2026, 11, 7))
    assert [day.day for day in dates.reminders] == [1, 3, 5, 7]
    assert (dates.department_from.day, dates.department_to.day) == (8, 10)
    assert (dates.check_from.day, dates.check_to.day) == (11, 13)
    assert (dates.claim_from.day, dates.claim_to.day) == (14, 15)


def test_the_claim_always_precedes_payday():
    month = Month(2024, 12)
    while month < Month(2027, 11):
        dates = MONTHS.dates(month, PACK.calendar)
        assert dates.close_on <= dates.approve_to
        assert dates.claim_to < dates.pay_on
        assert PACK.calendar.is_working(dates.pay_on)
        assert PACK.calendar.is_working(dates.close_on)
        month = month.next()


def test_payday_in_an_unknown_year_is_refused():
    with pytest.raises(CalendarMissing):
        MONTHS.dates(Month(2027, 12), PACK.calendar)
