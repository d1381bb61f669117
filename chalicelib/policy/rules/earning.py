"""The rows about attendance and money: what a day earns, at which rate, and when it is paid.

The field names are the keys of the pack files; a name that ends in a unit is in that unit.
"""

# No postponed annotations here: the reader of pack files uses them as they are.

from dataclasses import dataclass, field
from datetime import date, time
from typing import Literal

from chalicelib.kernel.money import PER_MILLE, Tiyn, daily_share, half_up
from chalicelib.kernel.periods import Month
from chalicelib.kernel.workdays import Calendar
from chalicelib.policy.rules.texts import (
    AT_LEAST_ONE,
    CODE,
    DAY_OF_MONTH,
    HOUR_AND_MINUTE,
    HOURS,
    MONTH_AND_DAY,
    Dated,
    between,
)

Reason = Literal["P", "S", "Q", "W", "V", "R", "F", "N", "H", "X", "L"]
# What every programme says something about; L is known only where a unit is a lesson.
REASONS: tuple[Reason, ...] = ("P", "S", "Q", "W", "V", "R", "F", "N", "H", "X")
CANCELLED: Reason = "L"
Locality = Literal["urban", "rural"]
COEFFICIENT = between(PER_MILLE, 10 * PER_MILLE)
AT_LEAST_ONE_TIYN = {"least": 1}


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
    """What one child-month, or one unit, costs in one sort of group.

    kind, hours: one of the `kinds` in force and one of its hours. per: what rate_tiyn pays, a
    child-month or one unit (day or lesson), before coefficients. cap_tiyn: the most a child earns
    for a month, multiplied by the same coefficients; None is no cap. The coefficients are
    integers per mille, multiplied and rounded once by whoever bills. known_from: of a row that
    applies backwards, the first day on which it judges; what was posted before keeps the row it
    takes the place of, and the difference is a correction. None for a row that was known in time.
    """

    kind: str = field(metadata=CODE)
    hours: str = field(metadata=HOURS)
    locality: Locality
    per: Literal["month", "unit"] = "month"
    rate_tiyn: Tiyn
    cap_tiyn: Tiyn | None = field(default=None, metadata=AT_LEAST_ONE_TIYN)
    sen_per_mille: int = field(default=PER_MILLE, metadata=COEFFICIENT)
    rural_per_mille: int = field(default=PER_MILLE, metadata=COEFFICIENT)
    ecology_per_mille: int = field(default=PER_MILLE, metadata=COEFFICIENT)
    known_from: date | None = None

    @property
    def coefficients(self) -> tuple[int, int, int]:
        """Return the per-mille factors of rate and cap: SEN, rural on rural rows only, ecology."""
        rural = self.rural_per_mille if self.locality == "rural" else PER_MILLE
        return self.sen_per_mille, rural, self.ecology_per_mille

    @property
    def month_max_tiyn(self) -> Tiyn | None:
        """Return the most a child can earn for a month at this rate, None without a limit."""
        most = self.rate_tiyn if self.per == "month" else self.cap_tiyn
        if most is None:
            return None
        return half_up(daily_share(most, of=1, coefficients=self.coefficients))


@dataclass(frozen=True, slots=True, kw_only=True)
class ParentsShare(Dated):
    """What a family pays the provider itself for a child; never money of the budget.

    per: what amount_tiyn is for, a child-month (shared out over its working days or planned
    lessons) or one unit. counts: which units it is owed for, those that the child attended or all
    that earn. A family owes nothing for a unit that is held.
    """

    kind: str = field(metadata=CODE)
    hours: str = field(metadata=HOURS)
    locality: Locality
    per: Literal["month", "unit"] = "month"
    amount_tiyn: Tiyn = field(metadata=AT_LEAST_ONE_TIYN)
    counts: Literal["attended", "payable"] = "attended"
    known_from: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SenPart(Dated):
    """What a share of the raised financing of a child with special needs is for."""

    code: str = field(metadata=CODE)
    share_per_mille: int = field(metadata=between(1, PER_MILLE))


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetRule(Dated):
    """Whose money pays, and how long a reserved voucher holds it.

    by: one budget of the area, or one for each kind of group (a direction with its department).
    reserve_until: the last day of the year, MM-DD, up to whose month a voucher is reserved.
    settle_after_months: so many months after a month's end what it did not use of its reserve
    goes back to the budget.
    kept_free_per_mille: such a share of what is allotted is not promised to the queue; it is there
    for vouchers that need no queue and for what a month costs beyond its reserve.
    """

    by: Literal["area", "kind"]
    reserve_until: str = field(metadata=MONTH_AND_DAY)
    settle_after_months: int = field(metadata=between(1, 24))
    kept_free_per_mille: int = field(default=0, metadata=between(0, PER_MILLE))


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
    which an offline tablet may still hand it in. early_minutes: how long before a lesson an
    arrival counts for it. same_second_max: how many arrivals of one lesson may bear one second
    before they are looked at; 0 asks no such question.
    """

    opens: str = field(metadata=HOUR_AND_MINUTE)
    closes: str = field(metadata=HOUR_AND_MINUTE)
    clock_skew_seconds_max: int
    late_days_max: int = field(metadata=AT_LEAST_ONE)
    ways: tuple[Literal["educator", "pin", "qr"], ...]
    early_minutes: int = field(default=0, metadata=between(0, 240))
    same_second_max: int = 0

    @property
    def opens_at(self) -> time:
        return time.fromisoformat(self.opens)

    @property
    def closes_at(self) -> time:
        return time.fromisoformat(self.closes)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmationRule(Dated):
    """How a family confirms: the month as a whole, or line by line.

    per_line: each lesson (or day) on its own as it is held. code: a code from the notice serves,
    too. Reminders of unconfirmed lines go out remind_after_days after the line, then every
    remind_every_days; 0 sends none.
    """

    per_line: bool
    code: bool
    remind_after_days: int = field(metadata=between(0, 31))
    remind_every_days: int = field(metadata=between(0, 31))


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
    """What follows from staying away; each 0 switches its part off.

    warning_working_days, proposal_working_days: consecutive working days without a registered
    reason until the family is warned, and until a head may propose exclusion, against which it
    may object. missed_in_a_row: unexplained missed lessons until a reminder. without_visit_days:
    calendar days without a visit until a warning; release_after_warning_days: calendar days after
    it until the voucher is released.
    """

    warning_working_days: int
    proposal_working_days: int
    objection_working_days: int = field(metadata=AT_LEAST_ONE)
    missed_in_a_row: int = 0
    without_visit_days: int = 0
    release_after_warning_days: int = 0
