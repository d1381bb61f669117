"""Working days of Kazakhstan, counted from a calendar that is data.

A calendar knows whole years. Beyond them it refuses instead of guessing: a deadline over an
unknown New Year would be wrong by days, and the family would pay for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from chalicelib.kernel.periods import Month, end_of, local_day
from chalicelib.kernel.refusals import Malformed, OutOfTurn

ONE_DAY = timedelta(days=1)
SATURDAY = 5


class CalendarMissing(OutOfTurn):
    """The public holidays of that year have not been entered yet."""

    code = "policy/calendar-missing"


class OneTermOnly(Malformed):
    """A deadline is counted in working days or in calendar days, at least one, never in both."""

    code = "kernel/one-term-only"


@dataclass(frozen=True, slots=True)
class Calendar:
    """The working days of whole years, for a five-day week.

    holidays: days off in addition to Saturdays and Sundays, days moved by law included.
    working_weekends: Saturdays and Sundays that are worked in exchange for another day.
    first_year, last_year: the years known, both included; each question beyond them raises
    CalendarMissing.
    """

    holidays: frozenset[date]
    working_weekends: frozenset[date]
    first_year: int
    last_year: int

    @property
    def known_years(self) -> range:
        """Return the years this calendar can answer for."""
        return range(self.first_year, self.last_year + 1)

    def is_working(self, day: date) -> bool:
        """Return whether kindergartens and offices work that day. Raises CalendarMissing."""
        if not self.first_year <= day.year <= self.last_year:
            raise CalendarMissing(year=day.year)
        if day.weekday() >= SATURDAY:
            return day in self.working_weekends
        return day not in self.holidays

    def is_holiday(self, day: date) -> bool:
        """Return whether the day is off for everybody, moved days included; weekends are not.

        Raises CalendarMissing.
        """
        if not self.first_year <= day.year <= self.last_year:
            raise CalendarMissing(year=day.year)
        return day in self.holidays

    def next_working(self, day: date) -> date:
        """Return the day itself when it is worked, else the first worked day after it."""
        while not self.is_working(day):
            day += ONE_DAY
        return day

    def previous_working(self, day: date) -> date:
        """Return the day itself when it is worked, else the last worked day before it."""
        while not self.is_working(day):
            day -= ONE_DAY
        return day

    def add_working_days(self, day: date, n: int) -> date:
        """Return the n-th working day after `day`, which does not count itself; n = 0 is `day`."""
        if n < 0:
            raise OneTermOnly(working_days=n)
        for _ in range(n):
            day = self.next_working(day + ONE_DAY)
        return day

    def working_days_in(self, month: Month) -> tuple[date, ...]:
        """Return the worked days of a month in date order. Raises CalendarMissing."""
        return tuple(day for day in month.days() if self.is_working(day))

    def working_days(self, month: Month) -> int:
        """Return how many days of a month are worked: the divisor of a monthly rate."""
        return len(self.working_days_in(month))

    def deadline(
        self,
        at: datetime,
        *,
        working_days: int | None = None,
        calendar_days: int | None = None,
    ) -> datetime:
        """Return the instant until which something may be done, in UTC; the end is not included.

        at: an aware instant at which the term begins. The local day it lies in does not count,
        whatever the hour, so nobody gets less than the whole number of days; the term ends at
        24:00 in Kazakhstan of its last day. Exactly one of working_days, calendar_days is given,
        1 or more. Raises CalendarMissing for working days of an unknown year.
        """
        day = local_day(at)
        match working_days, calendar_days:
            case int(n), None if n > 0:
                return end_of(self.add_working_days(day, n))
            case None, int(n) if n > 0:
                return end_of(day + n * ONE_DAY)
            case _:
                raise OneTermOnly(working_days=working_days, calendar_days=calendar_days)
