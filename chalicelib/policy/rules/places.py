"""The rows about queue and places: who is eligible, in what order, in which terms, with whom.

The field names are the keys of the pack files; a name that ends in a unit is in that unit.
"""

# No postponed annotations here: the reader of pack files uses them as they are.

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from chalicelib.policy.rules.texts import (
    AT_LEAST_ONE,
    CODE,
    MONTH_AND_DAY,
    Dated,
    Text,
    between,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AcademicYear(Dated):
    """An academic year is named by the year it starts in.

    starts: the day on which ages are taken. From turnover_from, allocation is for the new year.
    """

    starts: str = field(metadata=MONTH_AND_DAY)
    turnover_from: str = field(metadata=MONTH_AND_DAY)
    turnover_to: str = field(metadata=MONTH_AND_DAY)

    def first_day(self, academic_year: int) -> date:
        """Return the day the academic year starts."""
        return day_in(academic_year, self.starts)

    def year_of(self, on: date) -> int:
        """Return the academic year that a place given on this day belongs to."""
        return on.year if on >= day_in(on.year, self.turnover_from) else on.year - 1

    def in_turnover(self, on: date) -> bool:
        """Return whether groups advance and intake runs on this day; both ends included."""
        return day_in(on.year, self.turnover_from) <= on <= day_in(on.year, self.turnover_to)

    def age_on(self, birth_date: date, academic_year: int) -> int:
        """Return completed years on the first day of an academic year; negative if unborn."""
        return completed_months(birth_date, self.first_day(academic_year)) // 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier(Dated):
    """A group of persons with one right; order 1 goes first."""

    code: str = field(metadata=CODE)
    order: int = field(metadata=AT_LEAST_ONE)
    # Gathered from the statuses in force, so that the two can never disagree.
    statuses: tuple[str, ...] = field(default=(), metadata={"derived": True})


@dataclass(frozen=True, slots=True, kw_only=True)
class Status(Dated):
    """A social status that lifts a child into a tier.

    proof: asked from a register, or shown on paper. A closed register can never be asked.
    proof_valid_days: calendar days for which a paper counts after its date; None is no limit.
    """

    code: str = field(metadata=CODE)
    tier: str
    proof: Literal["registry", "paper"]
    closed_register: bool
    proof_valid_days: int | None = field(default=None, metadata=AT_LEAST_ONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeRule(Dated):
    """Who may hold a voucher and how children form birth cohorts.

    oldest_age: completed years on the first day of the academic year.
    youngest_age_months: completed months on the day asked about.
    cohorts: how many birth years queue apart; the oldest is academic year - oldest_age.
    youngest_last: the youngest cohort gets vouchers only when all others are served.
    label: the name of a category; {tier} and {year} are filled in.
    """

    oldest_age: int = field(metadata=between(1, 18))
    youngest_age_months: int = field(metadata=between(1, 216))
    cohorts: int = field(metadata=between(1, 18))
    youngest_last: bool
    label: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Interleave(Dated):
    """How two tiers alternate: `first_count` of `first`, then `then_count` of `then`, again.

    reading "merged-queue": the two tiers are merged into one order before any place is given, so
    the ratio holds for the line and not for each kindergarten. Tiers not named stand before or
    behind the merged line as their order says.
    """

    first: str
    first_count: int = field(metadata=AT_LEAST_ONE)
    then: str
    then_count: int = field(metadata=AT_LEAST_ONE)
    reading: Literal["merged-queue"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Term(Dated):
    """One term or limit; the codes are the fields of `Terms`."""

    code: str
    value: int | bool | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The values of the terms in force; each has its own row, text and source."""

    confirm_working_days: int
    restore_calendar_days: int
    restores_max: int
    contract_working_days: int
    contract_missed: str
    waiting_offer_calendar_days: int
    waiting_lists_max: int
    prove_working_days: int
    transfers_per_month: int
    preferences_max: int
    dispute_answer_working_days: int
    turn_is_near_ahead: int
    keep_order_on_restore: bool


TERM_CHOICES: Mapping[str, tuple[str, ...]] = {"contract_missed": ("returned",)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Release(Dated):
    """How a drafted run takes effect: after `minutes` unless stopped, or by two people."""

    mode: Literal["auto", "two-person"]
    minutes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IterationRule(Dated):
    """When the scheduled run happens, in Kazakhstan's time, and what a voucher comes with."""

    hour: int = field(metadata=between(0, 23))
    minute: int = field(metadata=between(0, 59))
    working_days_only: bool
    vouchers: Literal["with-place", "by-budget"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChecklistItem(Dated):
    """One thing a provider shows to enter the List.

    validity_days: None when it does not expire. in_progress_allowed: may be handed in later.
    """

    code: str = field(metadata=CODE)
    in_progress_allowed: bool
    validity_days: int | None = field(default=None, metadata=AT_LEAST_ONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission(Dated):
    """Terms of admission to the List; `items` are the checklist in force."""

    validity_days: int = field(metadata=AT_LEAST_ONE)
    transition_days: int
    recheck_notice_days: int
    formal_check_working_days: int = field(metadata=AT_LEAST_ONE)
    correction_working_days: int = field(metadata=AT_LEAST_ONE)
    corrections_max: int
    decision_working_days: int = field(metadata=AT_LEAST_ONE)
    objection_working_days: int = field(metadata=AT_LEAST_ONE)
    answer_working_days: int = field(metadata=AT_LEAST_ONE)
    tax_debt_mci_max: int
    items: tuple[ChecklistItem, ...] = field(default=(), metadata={"derived": True})


@dataclass(frozen=True, slots=True, kw_only=True)
class PapersReason(Dated):
    """A reason for which a kindergarten may refuse papers; the list is closed."""

    code: str = field(metadata=CODE)


def day_in(year: int, month_and_day: str) -> date:
    """Return MM-DD in a year. Raises ValueError for a day that cannot exist."""
    return date(year, int(month_and_day[:2]), int(month_and_day[3:]))


def completed_months(birth_date: date, on: date) -> int:
    """Return whole months lived; one born on the 31st completes a month on its successor's first.

    That reading never makes a child older than it is.
    """
    months = (on.year - birth_date.year) * 12 + on.month - birth_date.month
    return months - (on.day < birth_date.day)
