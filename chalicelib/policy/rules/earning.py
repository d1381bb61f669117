"""The rows about attendance and money: what a day earns, at which rate, and when it is paid.

The field names are the keys of the pack files; a name that ends in a unit is in that unit.
"""

# No postponed annotations here: the reader of pack files uses them as they are.

from dataclasses import dataclass, field
from datetime import date, time
from typing import Literal

from chalicelib.kernel.money import PER_MILLE, Tiyn
from chalicelib.kernel.periods import Month
from chalicelib.kernel.workdays import Calendar
from chalicelib.policy.rules.texts import (
    AT_LEAST_ONE,
    CODE,
    DAY_OF_MONTH,
    HOUR_AND_MINUTE,
    Dated,
    between,
)

Reason = Literal["P", "S", "Q", "W", "V", "R", "F", "N", "H", "X"]
REASONS: tuple[Reason, ...] = ("P", "S", "Q", "W", "V", "R", "F", "N", "H", "X")
GroupKind = Literal["general", "correctional", "sanatorium"]
Hours = Literal["9", "10.5", "24"]
Locality = Literal["urban", "rural"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Payable(Dated):
    """What becomes of a day with this code in the timesheet.

    paid: earns a day's share, up to days_max_month and days_max_year working days (None is no
    limit). counted: False for days outside the question (weekend, not enrolled), which are
    neither payable nor missed. proof: what supports the day; None when nothing is asked.
    """

    reason: Reason
    paid: bool
    counted: bool = True
    days_max_month: int | None = field(default=None, metadata=between(1, 31))
    days_max_year: int | None = field(default=None, metadata=between(1, 366))
    proof: str | None = field(default=None, metadata=CODE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate(Dated):
    """What one child-month costs in one sort of group.

    rate_tiyn: per child-month, before coefficients. The coefficients are integers per mille,
    multiplied and rounded once by whoever bills. act: the akimat's resolution, None by policy.
    """

    kind: GroupKind
    hours: Hours
    locality: Locality
    rate_tiyn: Tiyn
    sen_per_mille: int = field(default=PER_MILLE, metadata=between(PER_MILLE, 10 * PER_MILLE))
    ecology_per_mille: int = field(default=PER_MILLE, metadata=between(PER_MILLE, 10 * PER_MILLE))

    @property
    def coefficients(self) -> tuple[int, int]:
        """Return the per-mille factors to multiply the rate with."""
        return self.sen_per_mille, self.ecology_per_mille


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounding(Dated):
    """How a child's monthly sum becomes whole tenge."""

    method: Literal["half-up-tenge"]


@dataclass(frozen=True, slots=True)
class MonthDates:
    """The real dates on which one timesheet month is closed, approved, checked and paid."""

    close_on: date
    approve_from: date
    approve_to: date
    reminders: tuple[date, ...]
    department_from: date
    department_to: date
    check_from: date
    check_to: date
    claim_from: date
    claim_to: date
    pay_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthCalendar(Dated):
    """Days of the month after the one that was attended."""

    close_day: int = field(metadata=DAY_OF_MONTH)
    approve_from: int = field(metadata=DAY_OF_MONTH)
    approve_to: int = field(metadata=DAY_OF_MONTH)
    reminders: tuple[int, ...] = field(metadata=DAY_OF_MONTH)
    department_from: int = field(metadata=DAY_OF_MONTH)
    department_to: int = field(metadata=DAY_OF_MONTH)
    check_from: int = field(metadata=DAY_OF_MONTH)
    check_to: int = field(metadata=DAY_OF_MONTH)
    claim_from: int = field(metadata=DAY_OF_MONTH)
    claim_to: int = field(metadata=DAY_OF_MONTH)
    pay_day: int = field(metadata=DAY_OF_MONTH)

    def close_on(self, month: Month, calendar: Calendar) -> date:
        """Return when a provider closes the timesheet: never on a day off, so the next working."""
        return calendar.next_working(self._day(month, self.close_day))

    def pay_on(self, month: Month, calendar: Calendar) -> date:
        """Return when money for a month is paid: never late, so the previous working day."""
        return calendar.previous_working(self._day(month, self.pay_day))

    def dates(self, month: Month, calendar: Calendar) -> MonthDates:
        """Return all dates that follow an attended month. Raises CalendarMissing.

        Only closing and payday move; a family may use its whole published window, day 1 to 7,
        on any day of the week.
        """
        return MonthDates(
            close_on=self.close_on(month, calendar),
            approve_from=self._day(month, self.approve_from),
            approve_to=self._day(month, self.approve_to),
            reminders=tuple(self._day(month, day) for day in self.reminders),
            department_from=self._day(month, self.department_from),
            department_to=self._day(month, self.department_to),
            check_from=self._day(month, self.check_from),
            check_to=self._day(month, self.check_to),
            claim_from=self._day(month, self.claim_from),
            claim_to=self._day(month, self.claim_to),
            pay_on=self.pay_on(month, calendar),
        )

    @staticmethod
    def _day(month: Month, day: int) -> date:
        return month.next().first.replace(day=day)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttendanceRule(Dated):
    """When and how a visit may be marked.

    opens, closes: "HH:MM", Kazakhstan's time, the end not included. clock_skew_seconds_max: how
    far a tablet's clock may run ahead of ours. late_days_max: calendar days after a visit during
    which an offline tablet may still hand it in.
    """

    opens: str = field(metadata=HOUR_AND_MINUTE)
    closes: str = field(metadata=HOUR_AND_MINUTE)
    clock_skew_seconds_max: int
    late_days_max: int = field(metadata=AT_LEAST_ONE)
    ways: tuple[Literal["educator", "pin", "qr"], ...]

    @property
    def opens_at(self) -> time:
        return time.fromisoformat(self.opens)

    @property
    def closes_at(self) -> time:
        return time.fromisoformat(self.closes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion(Dated):
    """One thing families rate."""

    code: str = field(metadata=CODE)


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingRule(Dated):
    """Who may rate and when it is shown; `criteria` are those in force."""

    min_days: int = field(metadata=AT_LEAST_ONE)
    per_quarter: int = field(metadata=AT_LEAST_ONE)
    shown_from: int = field(metadata=AT_LEAST_ONE)
    criteria: tuple[Criterion, ...] = field(default=(), metadata={"derived": True})


@dataclass(frozen=True, slots=True, kw_only=True)
class ExclusionRule(Dated):
    """Consecutive working days without a registered reason, and the term to object."""

    warning_working_days: int = field(metadata=AT_LEAST_ONE)
    proposal_working_days: int = field(metadata=AT_LEAST_ONE)
    objection_working_days: int = field(metadata=AT_LEAST_ONE)
