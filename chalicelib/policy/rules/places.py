"""The rows about queue and places: who is eligible, in what order, in which terms, with whom.

The field names are the keys of the pack files; a name that ends in a unit is in that unit.
"""

# No postponed annotations here: the reader of pack files uses them as they are.

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from chalicelib.policy.rules.texts import (
    AT_LEAST_ONE,
    CODE,
    HOURS,
    MAY_BE_EMPTY,
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
class ProgrammeRule(Dated):
    """What a programme counts, what it pays for, and what it goes together with.

    unit: a line of a timesheet. pays: a share of a monthly rate, or a price per unit.
    by_direction: a site belongs to one kind, its direction, whose own department admits it.
    beside: programmes in which a child may hold something beside this one; both must say so.
    """

    unit: Literal["day", "lesson"]
    pays: Literal["share-of-month", "per-unit"]
    by_direction: bool
    beside: tuple[str, ...] = field(default=(), metadata={**CODE, **MAY_BE_EMPTY})


@dataclass(frozen=True, slots=True, kw_only=True)
class VoucherKind(Dated):
    """One kind of voucher: for which forms of provider, through the queue or not.

    queued: it is waited for; without a queue a free place is enough. reserved: it is issued only
    against money that is reserved for it. forms: of ownership, like "private"; a programme knows
    those its voucher kinds name.
    """

    code: str = field(metadata=CODE)
    queued: bool
    reserved: bool
    forms: tuple[str, ...] = field(metadata=CODE)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupKind(Dated):
    """A kind of group, or a direction: hours a day, or minutes of a lesson, as text.

    department: whose officers admit and pay where the programme goes by direction.
    """

    code: str = field(metadata=CODE)
    hours: tuple[str, ...] = field(metadata=HOURS)
    department: str | None = field(default=None, metadata=CODE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity(Dated):
    """What a group does, within one kind, and from which to which age, both included."""

    code: str = field(metadata=CODE)
    kind: str = field(metadata=CODE)
    age_from: int = field(metadata=between(0, 18))
    age_to: int = field(metadata=between(0, 18))

    def admits(self, age: int) -> bool:
        """Return whether a child of that age may do it."""
        return self.age_from <= age <= self.age_to


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeRule(Dated):
    """Who goes first among those who apply when intake opens.

    mode: by time; or within a window of `days` all count as simultaneous and are drawn. The
    window is announced announce_days before it opens, together with the source of the seed:
    a public beacon, whose rounds come every beacon_period_seconds since beacon_genesis (seconds
    of the Unix epoch). Outside a window, time decides in both modes.
    """

    mode: Literal["first-come", "draw"]
    days: int = field(default=0, metadata=between(0, 92))
    announce_days: int = field(default=0, metadata=between(0, 92))
    beacon: str = ""
    beacon_url: str = ""
    beacon_genesis: int = 0
    beacon_period_seconds: int = 0

    def round_at(self, moment: int) -> int:
        """Return the number of the beacon's round at a moment, in seconds of the Unix epoch."""
        return (moment - self.beacon_genesis) // self.beacon_period_seconds + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningRule(Dated):
    """Whether an application must bear its applicant's electronic signature.

    required: a voucher is confirmed only for a signed application. Nobody waits longer in the
    queue for it: order is by time of application, and who signs later loses no place.
    """

    required: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier(Dated):
    """A group of persons with one right; order 1 goes first.

    Any condition on age and status: one of `any_of` or of the statuses that name this tier, and
    completed years on the first day of the academic year from age_from to age_to, both included.
    Without a condition it is open to all, as the last tier always is.
    """

    code: str = field(metadata=CODE)
    order: int = field(metadata=AT_LEAST_ONE)
    any_of: tuple[str, ...] = ()
    age_from: int | None = field(default=None, metadata=between(0, 18))
    age_to: int | None = field(default=None, metadata=between(0, 18))
    # Gathered from the statuses in force, so that the two can never disagree.
    statuses: tuple[str, ...] = field(default=(), metadata={"derived": True})

    def admits(self, statuses: Iterable[str], age: int | None) -> bool:
        """Return whether a child with these statuses belongs here; asked of a tier of `Rules`.

        age: completed years; without it, a tier with an age condition admits nobody.
        """
        if self.age_from is not None and (age is None or age < self.age_from):
            return False
        if self.age_to is not None and (age is None or age > self.age_to):
            return False
        return not self.statuses or not set(self.statuses).isdisjoint(statuses)


@dataclass(frozen=True, slots=True, kw_only=True)
class Status(Dated):
    """A social status that lifts a child into a tier.

    tier: the tier it opens; None where tiers name their statuses (`any_of`). proof: asked from a
    register, shown on paper, or decided from our own data. A closed register can never be asked.
    proof_valid_days: calendar days for which a paper counts after its date; None is no limit.
    sen: whoever proved it has special educational needs, and is paid for as such. protected:
    health, a police record, the loss of parents: it moves the order and is displayed to nobody but
    the child's own family, and one application at a time to an officer who says why.
    """

    code: str = field(metadata=CODE)
    tier: str | None = None
    proof: Literal["registry", "paper", "own"]
    closed_register: bool
    sen: bool = False
    protected: bool = False
    proof_valid_days: int | None = field(default=None, metadata=AT_LEAST_ONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeRule(Dated):
    """Who may hold a voucher and how children form cohorts.

    oldest_age: completed years on the first day of the academic year.
    youngest_age_months: completed months on the day asked about.
    grouping: children queue apart by birth year, or by bands of age.
    cohorts: how many birth years queue apart; the oldest is academic year - oldest_age.
    bands: the oldest age of each band, ascending to oldest_age; none switches the bands off and
    all ages queue together.
    youngest_last: the youngest cohort gets vouchers only when all others are served.
    label: the name of a category; {tier} is filled in, {year} of birth years, {from} and {to} of
    bands.
    """

    oldest_age: int = field(metadata=between(1, 18))
    youngest_age_months: int = field(metadata=between(1, 216))
    grouping: Literal["birth-year", "bands"] = "birth-year"
    cohorts: int = field(default=1, metadata=between(1, 18))
    bands: tuple[int, ...] = field(default=(), metadata={**between(1, 18), **MAY_BE_EMPTY})
    youngest_last: bool
    label: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Interleave(Dated):
    """How two tiers alternate: `first_count` of `first`, then `then_count` of `then`, again.

    reading "merged-queue": the two tiers are merged into one order before any place is given, so
    the ratio holds for the line and not for each kindergarten. Tiers not named stand before or
    behind the merged line as their order says.

    reading "reserve": both stand in one line by time, and reserve_per_mille of each group's places
    are kept for `first`; what it leaves goes to the line. The counts say what share that stands
    for, and nothing else.
    """

    first: str
    first_count: int = field(metadata=between(1, 100))
    then: str
    then_count: int = field(metadata=between(1, 100))
    reading: Literal["merged-queue", "reserve"]
    reserve_per_mille: int = field(default=0, metadata=between(0, 1000))


@dataclass(frozen=True, slots=True, kw_only=True)
class Term(Dated):
    """One term or limit; the codes are the fields of `Terms`."""

    code: str
    value: int | bool | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The values of the terms in force; each has its own row, text and source.

    confirm_working_days: 0 asks for no confirmation: the voucher is issued confirmed and
    contract_working_days is the term to choose and sign. contract_missed: what becomes of a
    voucher nobody signed for: back to the pool, or back once (returns_max) to the end of its
    category. first_visit_working_days, transfers_per_month: 0 is no such term, no such limit.
    papers: whether a provider accepts papers before the contract.
    """

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
    first_visit_working_days: int
    returns_max: int
    papers: bool
    transfer_from: str


TERM_CHOICES: Mapping[str, tuple[str, ...]] = {
    "contract_missed": ("returned", "end-of-category"),
    "transfer_from": ("next-working-day", "next-day", "same-day"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Release(Dated):
    """How a drafted run takes effect: after `minutes` unless stopped, or by two people."""

    mode: Literal["auto", "two-person"]
    minutes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IterationRule(Dated):
    """When the scheduled run happens, in Kazakhstan's time, and what a voucher comes with.

    siblings: a group takes who has a brother or sister in that kindergarten before the line.
    movers: holders may ask to be moved when their turn comes, and are, before all who wait.
    swaps: those of them whose seats block each other's trade them when all others are served.
    """

    hour: int = field(metadata=between(0, 23))
    minute: int = field(metadata=between(0, 59))
    working_days_only: bool
    vouchers: Literal["with-place", "by-budget"]
    siblings: bool = False
    movers: bool = False
    swaps: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChecklistItem(Dated):
    """One thing a provider shows to enter the List.

    validity_days: None when it does not expire. in_progress_allowed: may be handed in later.
    kinds: the kinds of group it is asked of; none named is every kind.
    """

    code: str = field(metadata=CODE)
    in_progress_allowed: bool
    validity_days: int | None = field(default=None, metadata=AT_LEAST_ONE)
    kinds: tuple[str, ...] = field(default=(), metadata={**CODE, **MAY_BE_EMPTY})


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission(Dated):
    """Terms of admission to the List; `items` are the checklist in force.

    members: how many sit in the commission; quorum: how many votes make a decision.
    document_notice_days: calendar days before a document runs out on which its owner is told; 0
    tells nobody.
    """

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
    members: int = field(default=1, metadata=between(1, 99))
    quorum: int = field(default=1, metadata=between(1, 99))
    document_notice_days: int = field(default=0, metadata=between(0, 366))
    items: tuple[ChecklistItem, ...] = field(default=(), metadata={"derived": True})

    def items_for(self, kind: str) -> tuple[ChecklistItem, ...]:
        """Return what a provider of that kind shows; of no kind ("") what is asked of every."""
        return tuple(item for item in self.items if not item.kinds or kind in item.kinds)


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
