"""From a timesheet to a claim: which units a site claims for a child, and why the others earn
nothing.

Each unit gets one verdict: not enrolled, no record, a code that is not paid, no proof, or
*claimed*; and a claimed one is confirmed, undecided or disputed. In a programme of days every
working day of the month is asked about, so that a missing record is a finding; in a programme of
lessons, the lessons of the timesheet are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction
from typing import Literal

from chalicelib.billing.rules.claimed import Cap, Claim, RatePart
from chalicelib.billing.rules.units import (
    SLOTS_IN_AN_HOUR,
    day_number,
    hours_touched,
    lesson_number,
    mask_of,
)
from chalicelib.kernel.money import PER_MILLE, daily_share
from chalicelib.kernel.periods import Month
from chalicelib.policy.rules import Rate, Rules

Standing = Literal["confirmed", "undecided", "disputed", "suspect"]
Unit = Literal["day", "lesson"]

PRESENT = "P"
NOT_ENROLLED = "X"
NO_RECORD = "no-record"
NO_PROOF = "no-proof"
UNDECIDED: Standing = "undecided"
DISPUTED: Standing = "disputed"
SUSPECT: Standing = "suspect"
BY_THE_MONTH = "share-of-month"

# A rate, its coefficients per mille, what divides it, and the month's cap.
_Fact = tuple[int, tuple[int, ...], int, int | None]


@dataclass(frozen=True, slots=True)
class Day:
    """One line of a timesheet as billing sees it: a day, or a lesson of a day.

    proved: what the reason asks for lies with the line (for presence: a mark that was not
    guessed). standing: confirmed by the representative or decided by the department; else held, as
    is a line whose only proof is a tablet under suspicion.
    starts, minutes: when a lesson begins, in minutes of the day, and how long it is; None for days.
    """

    on: date
    code: str
    proved: bool
    standing: Standing
    starts: int | None = None
    minutes: int = 0

    @property
    def number(self) -> int:
        """Return the number of the unit."""
        if self.starts is None:
            return day_number(self.on)
        return lesson_number(self.on, self.starts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """Days (both included) during which a child is enrolled in one sort of group.

    sen: the child is financed as one with special educational needs.
    """

    first: date
    last: date | None
    kind: str
    hours: str
    locality: str
    sen: bool = False

    def __contains__(self, day: date) -> bool:
        return self.first <= day and (self.last is None or day <= self.last)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildMonth:
    """A child's lines and stays at one site in one month.

    used_tiyn: what a platform that closed has paid of the child's month already.
    """

    child_id: str
    days: tuple[Day, ...]
    stays: tuple[Stay, ...]
    used_tiyn: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderMonth:
    """All children of a site in a month, with whom is paid and by whose rules.

    closed: the provider has closed the month. direction: whose department and budget it is, "" in
    a programme that has one. form: public, private …, as the pack names it.
    """

    site_id: str
    organisation_id: str
    programme: str
    area: str
    month: Month
    children: tuple[ChildMonth, ...]
    closed: bool = True
    direction: str = ""
    form: str = ""


@dataclass(frozen=True, slots=True)
class Raise:
    """What a unit's sum holds above the base: the coefficient, and its parts, per mille of it."""

    sen_per_mille: int
    parts: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class RateRow:
    """The row of a pack that sets the price of a unit: its sort of group, first day and act."""

    sort: str
    since: date
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A child's month at one site before prices: the claim, and why each other unit earns nothing.

    standings: for claimed units that are not confirmed, why. shares: what each unit that is asked
    about would earn by list, exact. raised: units whose sum is raised. rates: the row that prices
    each unit of a stay. fees: what the family owes for a unit that earns, exact, and its rule; only
    units that the rule counts. All by number of the unit.
    """

    child_id: str
    claim: Claim
    unpaid: dict[int, str]
    standings: dict[int, Standing]
    shares: dict[int, Fraction]
    raised: dict[int, Raise] = field(default_factory=dict)
    rates: dict[int, RateRow] = field(default_factory=dict)
    fees: dict[int, tuple[Fraction, RateRow]] = field(default_factory=dict)


@dataclass(slots=True)
class _Row:
    """A claim as it grows."""

    claimed: Counter[str] = field(default_factory=Counter)
    confirmed: int = 0
    rates: dict[_Fact, int] = field(default_factory=dict)
    caps: dict[str, Cap] = field(default_factory=dict)
    long: dict[int, int] = field(default_factory=dict)


def judge(
    child: ChildMonth,
    *,
    site_id: str,
    working: Sequence[date],
    rules_on: Callable[[date], Rules],
    unit: Unit = "day",
) -> Judged:
    """Return which units a site claims for a child, and why the others earn nothing.

    working: the month's working days. rules_on: the rules in force on a day (`pack.at`). Days off
    are outside the question where days are counted, whatever was recorded on them. Two different
    records of one unit hold that unit.
    """
    lines = _by_number(child.days)
    asked = (
        [(day_number(on), on) for on in working]
        if unit == "day"
        else [(number, line.on) for number, line in lines.items()]
    )
    row = _Row()
    unpaid: dict[int, str] = {}
    standings: dict[int, Standing] = {}
    shares: dict[int, Fraction] = {}
    raised: dict[int, Raise] = {}
    rates: dict[int, RateRow] = {}
    fees: dict[int, tuple[Fraction, RateRow]] = {}
    stays = sorted(child.stays, key=lambda s: (s.first, s.last or date.max, s.kind, s.hours))
    divisor = len(working) if unit == "day" else _planned(lines, rules_on)
    # A month has one or two sorts of unit and twenty units; its rules are the same objects.
    known: dict[tuple[int, int], _Price] = {}

    def price_of(stay: Stay, rules: Rules) -> _Price:
        sort = (id(rules), id(stay))
        if sort not in known:
            known[sort] = _price(stay, rules, divisor)
        return known[sort]

    for number, on in asked:
        stay = next((s for s in stays if on in s), None)
        rules = rules_on(on)
        line = lines.get(number)
        # A monthly rate by list is the whole month's. Where a unit has its price, one that nobody
        # planned for the child, or that was cancelled, is on no list.
        whole = rules.programme.pays == BY_THE_MONTH
        if stay is None:
            unpaid[number] = NOT_ENROLLED
            if stays and whole:
                shares[number] = price_of(stays[-1], rules).share
            continue
        price = price_of(stay, rules)
        rates[number] = price.row
        if whole or line is None or rules.payable(line.code).counted:
            shares[number] = price.share
        if line is None:
            unpaid[number] = NO_RECORD
            continue
        payable = rules.payable(line.code)
        if not payable.paid:
            unpaid[number] = line.code
            continue
        if payable.proof is not None and not line.proved:
            unpaid[number] = NO_PROOF
            continue
        shares[number] = price.share
        one = mask_of(number)
        row.claimed[line.code] |= one
        if price.fee is not None and (line.code == PRESENT or price.fee_counts == "payable"):
            fees[number] = price.fee
        row.rates[price.fact] = row.rates.get(price.fact, 0) | one
        if payable.days_max_month is not None or payable.days_max_year is not None:
            row.caps.setdefault(line.code, Cap(payable.days_max_month, payable.days_max_year))
        if line.starts is not None:
            touched = hours_touched(line.starts, line.minutes)
            if touched > 1:
                row.long[touched] = row.long.get(touched, 0) | one
        if price.sen_per_mille > PER_MILLE:
            raised[number] = Raise(
                price.sen_per_mille, tuple((p.code, p.share_per_mille) for p in rules.sen_parts)
            )
        if line.standing == "confirmed":
            row.confirmed |= one
        else:
            standings[number] = line.standing
    return Judged(
        child_id=child.child_id,
        claim=_claim(site_id, row, unit, child.used_tiyn),
        unpaid=unpaid,
        standings=standings,
        shares=shares,
        raised=raised,
        rates=rates,
        fees=fees,
    )


@dataclass(frozen=True, slots=True)
class _Price:
    """What a unit of one sort brings, by which row; fee: what its family owes for it, if anything.

    rules: held so that the object stays the one that names the sort.
    """

    fact: _Fact
    share: Fraction
    sen_per_mille: int
    row: RateRow
    rules: Rules
    fee: tuple[Fraction, RateRow] | None
    fee_counts: str


def _price(stay: Stay, rules: Rules, divisor: int) -> _Price:
    rate = rules.rate_for(stay.kind, stay.hours, stay.locality, stay.sen)
    fact = _fact(rate, rules, divisor)
    share = daily_share(rate.rate_tiyn, of=fact[2], coefficients=rate.coefficients)
    sort = f"{stay.kind}/{stay.hours}/{stay.locality}"
    row = RateRow(sort, rate.during.first, rate.source)
    fee = rules.parents_share_for(stay.kind, stay.hours, stay.locality)
    if fee is None:
        return _Price(fact, share, rate.sen_per_mille, row, rules, None, "")
    owed = Fraction(int(fee.amount_tiyn), divisor if fee.per == "month" else 1)
    return _Price(
        fact,
        share,
        rate.sen_per_mille,
        row,
        rules,
        (owed, RateRow(sort, fee.during.first, fee.source)),
        fee.counts,
    )


def _claim(site_id: str, row: _Row, unit: Unit, used_tiyn: int) -> Claim:
    return Claim(
        site_id,
        {code: row.claimed[code] for code in sorted(row.claimed)},
        row.confirmed,
        tuple(
            RatePart(units, rate_tiyn, per_mille, of, cap_tiyn)
            for (rate_tiyn, per_mille, of, cap_tiyn), units in sorted(
                row.rates.items(),
                key=lambda item: (item[0][:3], item[0][3] is not None, item[0][3]),
            )
        ),
        {code: row.caps[code] for code in sorted(row.caps)},
        1 if unit == "day" else SLOTS_IN_AN_HOUR,
        dict(sorted(row.long.items())),
        used_tiyn,
    )


def _fact(rate: Rate, rules: Rules, divisor: int) -> _Fact:
    """Return what a unit of a stay earns by: a share of the month's rate, or the unit's own."""
    if rules.programme.pays == BY_THE_MONTH:
        return int(rate.rate_tiyn), rate.coefficients, divisor, None
    cap_tiyn = None if rate.cap_tiyn is None else int(rate.cap_tiyn)
    return int(rate.rate_tiyn), rate.coefficients, 1, cap_tiyn


def _planned(lines: Mapping[int, Day], rules_on: Callable[[date], Rules]) -> int:
    """Return how many lessons of the month are counted: what divides a monthly rate."""
    return sum(rules_on(line.on).payable(line.code).counted for line in lines.values()) or 1


def _by_number(days: Iterable[Day]) -> dict[int, Day]:
    """Return one line for each unit, in order of time."""
    by_number: dict[int, Day] = {}
    for day in sorted(
        set(days), key=lambda d: (d.on, d.starts, d.minutes, d.code, d.proved, d.standing)
    ):
        earlier = by_number.get(day.number)
        if earlier is None:
            by_number[day.number] = day
        else:
            # Two records say different things; neither is believed until somebody decides.
            by_number[day.number] = replace(
                earlier,
                code=PRESENT,
                proved=True,
                standing=DISPUTED,
                minutes=max(earlier.minutes, day.minutes),
            )
    return by_number
