"""What a child's month earns at each site: the claims of all sites, priced as one.

The order of pricing is fixed:

1. each unit of a child at a site, a day or a lesson, has got a verdict (`judging`);
2. the claims of all sites for that child meet in one row; a unit that lies on a day, or in an
   hour, that two sites claim is doubled and earns nothing at either until it is decided;
3. of the rest, confirmed units earn, in order of time across sites, within the caps of their
   reason and within the child's month cap;
4. the exact shares are rounded cumulatively over the whole month, so that the sites' parts sum to
   the rounded whole, and never above the month's maximum.

The month cap of a child is the greatest cap, coefficients included, among the units that earned
or would have earned so far, in order of time, minus what a platform that closed has paid. So it
never falls within a month, a move can only let the child use more of it, and the month's sum is
never above the greatest cap it met. The unit that crosses the cap earns the part up to it. What a
cap has cut is gone: later units earn again only when a greater cap comes.

Nothing depends on the order in which units, children or sites arrive, or on how often.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from itertools import accumulate

from chalicelib.billing.rules.claimed import Cap, Claim, RatePart, doubled_units
from chalicelib.billing.rules.judging import DISPUTED, PRESENT, SUSPECT, UNDECIDED, Judged, RateRow
from chalicelib.billing.rules.units import mask_of, numbers
from chalicelib.kernel.money import PER_MILLE, TIYN_IN_TENGE, Tiyn, cumulative, half_up

OVER_CAP = "over-cap"
OVER_MONTH_CAP = "over-month-cap"
DOUBLED = "doubled"
HELD = frozenset({UNDECIDED, DISPUTED, DOUBLED, SUSPECT})
BASE = "base"
RAISED = "sen"


@dataclass(frozen=True, slots=True)
class Priced:
    """What one site's units of a child's month earn, by mask of the unit, and what was held back.

    cut: of units that the month cap reached, what they would have earned above it, exact.
    """

    parts: dict[int, tuple[str, Tiyn]] = field(default_factory=dict)
    doubled: int = 0
    over_cap: int = 0
    over_month: int = 0
    cut: dict[int, Fraction] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PricedBy:
    """A row of the pack that priced units of a line: how many earned by it, and how much."""

    sort: str
    since: date
    source: str
    units: int
    tiyn: int

    @property
    def row(self) -> RateRow:
        """Return which row it is."""
        return RateRow(self.sort, self.since, self.source)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One child's line in a statement.

    payable: earning units by code, presence included. unpaid: the others by reason, and
    withheld_tiyn what they would have brought by list. pack: the rule version that priced it.
    parts: of a raised accrual, the base and what the rest is for; empty where all is base.
    rates: the rows that priced it, in order of time; they sum to the accrual, and a line of zero
    names the row it would have been priced by. parents_tiyn: what the family owes the provider for
    the same units, by the rows in fees; no money of the budget.
    """

    child_id: str
    attended: int
    payable: dict[str, int]
    unpaid: dict[str, int]
    withheld_tiyn: dict[str, int]
    accrual_tiyn: int
    pack: str
    parts: dict[str, int] = field(default_factory=dict)
    rates: tuple[PricedBy, ...] = ()
    parents_tiyn: int = 0
    fees: tuple[PricedBy, ...] = ()

    @property
    def parts_tiyn(self) -> dict[str, int]:
        """Return what the accrual is made of; the parts sum to it."""
        return self.parts or {BASE: self.accrual_tiyn}


@dataclass(frozen=True, slots=True)
class _Earning:
    """A unit that may earn, at the place it has in the month."""

    site_id: str
    one: int
    code: str
    part: RatePart


def price(claims: Iterable[Claim], *, used: Mapping[str, int] | None = None) -> dict[str, Priced]:
    """Return what each site's units of one child's month earn.

    claims: one per site, in any order. used: units by code that earned in earlier months of the
    year, for yearly caps.
    """
    sites = list(claims)
    if not sites:
        return {}
    doubled = doubled_units(sites)
    free = {c.site_id: c.units & c.confirmed & ~doubled[c.site_id] for c in sites}
    over = dict.fromkeys(free, 0)
    taken: Counter[str] = Counter()
    earning: list[_Earning] = []
    # A unit that two sites claim is free at neither, so each has one place in the month.
    free_at = {number: claim for claim in sites for number in numbers(free[claim.site_id])}
    for number, claim in sorted(free_at.items(), key=lambda item: item[0]):
        one = mask_of(number)
        code = next(code for code, units in claim.claimed.items() if units & one)
        part = next((p for p in claim.rates if p.units & one), None)
        if part is None:
            continue
        if _capped(claim.caps.get(code), taken[code], (used or {}).get(code, 0)):
            over[claim.site_id] |= one
            continue
        taken[code] += 1
        earning.append(_Earning(claim.site_id, one, code, part))
    return _within_the_month(
        {c.site_id: Priced(doubled=doubled[c.site_id], over_cap=over[c.site_id]) for c in sites},
        earning,
        paid_elsewhere=max(c.used_tiyn for c in sites),
    )


def _within_the_month(
    priced: dict[str, Priced], earning: Sequence[_Earning], *, paid_elsewhere: int
) -> dict[str, Priced]:
    """Return the sites' parts: cumulative, half up, never above the month cap."""
    running, paid = Fraction(0), 0
    over_month: Counter[str] = Counter()
    parts = {id(unit.part): unit.part for unit in earning}
    share_of = {key: part.share for key, part in parts.items()}
    cap_of = {key: part.cap for key, part in parts.items()}
    caps = accumulate((cap_of[id(unit.part)] for unit in earning), _greater)
    for unit, highest in zip(earning, caps, strict=True):
        site, share = priced[unit.site_id], share_of[id(unit.part)]
        earned = share
        if highest is not None:
            # Whole tenge, rounded down: half up must not lift the sum above the cap again.
            most = (highest - paid_elsewhere) // TIYN_IN_TENGE * TIYN_IN_TENGE
            earned = min(share, max(most - running, Fraction(0)))
        if earned != share:
            site.cut[unit.one] = share - earned
        if share and not earned:
            over_month[unit.site_id] |= unit.one
            continue
        running += earned
        rounded = half_up(running)
        site.parts[unit.one] = (unit.code, Tiyn(rounded - paid))
        paid = rounded
    return {
        site_id: Priced(one.parts, one.doubled, one.over_cap, over_month[site_id], one.cut)
        for site_id, one in priced.items()
    }


def _greater(cap: Tiyn | None, other: Tiyn | None) -> Tiyn | None:
    """Return the greater of two month caps; a rate without one ends the limit."""
    return None if cap is None or other is None else max(cap, other)


def line_of(judged: Judged, priced: Priced, *, pack: str) -> Line:
    """Return a child's line at one site: what earns, what does not, and what that would bring."""
    reasons = reasons_of(judged, priced)
    payable = Counter(code for code, _ in priced.parts.values())
    exact: dict[str, Fraction] = {}
    for number, reason in reasons.items():
        held = exact.setdefault(reason, Fraction(0))
        if number in judged.shares:
            exact[reason] = held + judged.shares[number]
    paid = Fraction(0)
    for one in priced.parts:
        cut = priced.cut.get(one, Fraction(0))
        paid += judged.shares[one.bit_length() - 1] - cut
        if cut:
            exact[OVER_MONTH_CAP] = exact.get(OVER_MONTH_CAP, Fraction(0)) + cut
    fees = fees_of(judged, priced)
    names = sorted(exact)
    withheld = cumulative([paid, *(exact[name] for name in names)])[1:]
    return Line(
        child_id=judged.child_id,
        attended=payable.get(PRESENT, 0),
        payable=dict(sorted(payable.items())),
        unpaid=dict(sorted(Counter(reasons.values()).items())),
        withheld_tiyn=dict(zip(names, (int(part) for part in withheld), strict=True)),
        accrual_tiyn=sum(part for _, part in priced.parts.values()),
        pack=pack,
        parts=parts_of(judged, priced),
        rates=rates_of(judged, priced),
        parents_tiyn=sum(fee.tiyn for fee in fees),
        fees=fees,
    )


def reasons_of(judged: Judged, priced: Priced) -> dict[int, str]:
    """Return why units earn nothing, by number."""
    reasons: dict[int, str] = dict(judged.unpaid)
    for number in numbers(judged.claim.units):
        one = mask_of(number)
        if one & priced.doubled:
            reasons[number] = DOUBLED
        elif number in judged.standings:
            reasons[number] = judged.standings[number]
        elif one & priced.over_cap:
            reasons[number] = OVER_CAP
        elif one & priced.over_month:
            reasons[number] = OVER_MONTH_CAP
    return reasons


def rates_of(judged: Judged, priced: Priced) -> tuple[PricedBy, ...]:
    """Return which rows priced a line, in order of the units; their sums are the accrual."""
    units: Counter[RateRow] = Counter()
    tiyn: Counter[RateRow] = Counter()
    for number in sorted(judged.rates):
        row = judged.rates[number]
        units.setdefault(row, 0)
        part = priced.parts.get(mask_of(number))
        if part is not None:
            units[row] += 1
            tiyn[row] += part[1]
    return tuple(_priced_by(row, count, tiyn[row]) for row, count in units.items())


def fees_of(judged: Judged, priced: Priced) -> tuple[PricedBy, ...]:
    """Return what a family owes for the units that earn, by row; cumulative, half up to a tenge.

    Only a unit that earns is owed for, so what is held is held here too.
    """
    units: Counter[RateRow] = Counter()
    exact: dict[RateRow, Fraction] = {}
    for number in sorted(judged.fees):
        owed, row = judged.fees[number]
        if mask_of(number) in priced.parts:
            units[row] += 1
            exact[row] = exact.get(row, Fraction(0)) + owed
    return tuple(
        _priced_by(row, units[row], int(tiyn))
        for row, tiyn in zip(exact, cumulative(exact.values()), strict=True)
    )


def _priced_by(row: RateRow, units: int, tiyn: int) -> PricedBy:
    return PricedBy(row.sort, row.since, row.source, units, tiyn)


def parts_of(judged: Judged, priced: Priced) -> dict[str, int]:
    """Return what raised sums are for: the base and each part, summing to the accrual.

    Each unit's sum is split by its own coefficient, exactly; then the running totals, base first
    and the parts in the pack's order, are rounded half up. {} where nothing was raised.
    """
    raised = {
        one: judged.raised[number]
        for one in priced.parts
        if (number := one.bit_length() - 1) in judged.raised
    }
    if not raised:
        return {}
    exact: dict[str, Fraction] = {BASE: Fraction(0)}
    for one in sorted(priced.parts):
        earned = Fraction(priced.parts[one][1])
        above = raised.get(one)
        if above is None:
            exact[BASE] += earned
            continue
        base = earned * PER_MILLE / above.sen_per_mille
        exact[BASE] += base
        for code, per_mille in above.parts or ((RAISED, PER_MILLE),):
            share = (earned - base) * per_mille / PER_MILLE
            exact[code] = exact.get(code, Fraction(0)) + share
    return {code: int(part) for code, part in zip(exact, cumulative(exact.values()), strict=True)}


def due(
    judged: Iterable[Judged],
    others: Mapping[str, Iterable[Claim]],
    *,
    pack: str,
    used: Mapping[str, Mapping[str, int]] | None = None,
) -> dict[str, Line]:
    """Return what a site is due for a month: a line per child, zero lines too, by child id.

    others: the claims of other sites on the same children's month. used: by child, then by code,
    units that earned earlier in the year.
    """
    lines: dict[str, Line] = {}
    for one in judged:
        site_id = one.claim.site_id
        foreign = [c for c in others.get(one.child_id, ()) if c.site_id != site_id]
        prices = price([one.claim, *foreign], used=(used or {}).get(one.child_id))
        lines[one.child_id] = line_of(one, prices[site_id], pack=pack)
    return dict(sorted(lines.items()))


def _capped(cap: Cap | None, taken: int, used: int) -> bool:
    return cap is not None and (
        (cap.month is not None and taken >= cap.month)
        or (cap.year is not None and used + taken >= cap.year)
    )
