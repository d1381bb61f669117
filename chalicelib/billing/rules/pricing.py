"""From a month's days to a line per child: what it earned, what did not earn and why.

The order of pricing is fixed:

1. each working day of a child at a site gets a verdict: not enrolled, a code that is not paid,
   no proof, or *claimed*;
2. the claims of all sites for that child meet in one row; a day that two sites claim is doubled
   and earns nothing at either until it is decided;
3. of the rest, confirmed days earn, in date order across sites, within the caps of their reason;
4. the exact shares are rounded cumulatively over the whole month, so that the sites' parts sum to
   the rounded whole, and never above the month's maximum.

Nothing depends on the order in which days, children or sites arrive, or on how often.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Literal

from chalicelib.kernel.money import Tiyn, cumulative, daily_share
from chalicelib.kernel.periods import Month
from chalicelib.policy.rules import Rules

Standing = Literal["confirmed", "undecided", "disputed"]

PRESENT = "P"
NOT_ENROLLED = "X"
NO_RECORD = "no-record"
NO_PROOF = "no-proof"
OVER_CAP = "over-cap"
UNDECIDED: Standing = "undecided"
DISPUTED: Standing = "disputed"
DOUBLED = "doubled"
HELD = frozenset({UNDECIDED, DISPUTED, DOUBLED})


@dataclass(frozen=True, slots=True)
class Day:
    """One day of a timesheet as billing sees it.

    proved: what the reason asks for lies with the day (for presence: a mark that was not guessed).
    standing: confirmed by the representative or decided by the department; else held.
    """

    on: date
    code: str
    proved: bool
    standing: Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """Days (both included) during which a child is enrolled in one sort of group."""

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
    """A child's days and stays at one site in one month."""

    child_id: str
    days: tuple[Day, ...]
    stays: tuple[Stay, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderMonth:
    """All children of a site in a month, with whom is paid and by whose rules.

    closed: the provider has closed the month.
    """

    site_id: str
    organisation_id: str
    programme: str
    area: str
    month: Month
    children: tuple[ChildMonth, ...]
    closed: bool = True


@dataclass(frozen=True, slots=True)
class RatePart:
    """Days (bit n is day n + 1) that share a rate, and what divides it."""

    days: int
    rate_tiyn: int
    per_mille: tuple[int, ...]
    of: int

    @property
    def share(self) -> Fraction:
        """Return what one of these days earns, exact, in tiyn."""
        return daily_share(Tiyn(self.rate_tiyn), of=self.of, coefficients=self.per_mille)


@dataclass(frozen=True, slots=True)
class Cap:
    """The most days of one reason that earn; None is no limit."""

    month: int | None
    year: int | None


@dataclass(frozen=True, slots=True)
class Claim:
    """The days a site claims of one child's month; all other sites need for their own sums.

    claimed: code → days; confirmed: those of them that may earn; rates cover all claimed days.
    """

    site_id: str
    claimed: dict[str, int] = field(default_factory=dict)
    confirmed: int = 0
    rates: tuple[RatePart, ...] = ()
    caps: dict[str, Cap] = field(default_factory=dict)

    @property
    def days(self) -> int:
        """Return all claimed days."""
        days = 0
        for mask in self.claimed.values():
            days |= mask
        return days


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A child's month at one site before prices: the claim, and why each other day earns nothing.

    standings: for claimed days that are not confirmed, why. shares: what each working day of the
    month would earn by list, exact.
    """

    child_id: str
    claim: Claim
    unpaid: dict[date, str]
    standings: dict[date, Standing]
    shares: dict[date, Fraction]


@dataclass(frozen=True, slots=True)
class Priced:
    """What one site's days of a child's month earn: parts by day, and what was held back."""

    parts: dict[int, tuple[str, Tiyn]] = field(default_factory=dict)
    doubled: int = 0
    over_cap: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One child's line in a statement.

    payable: earning days by code, presence included. unpaid: working days by reason, and
    withheld_tiyn what they would have brought by list. pack: the rule version that priced it.
    """

    child_id: str
    attended: int
    payable: dict[str, int]
    unpaid: dict[str, int]
    withheld_tiyn: dict[str, int]
    accrual_tiyn: int
    pack: str


def bit(day: date) -> int:
    """Return the bit that stands for a day of its month."""
    return 1 << (day.day - 1)


def days_of(mask: int, month: Month) -> list[date]:
    """Return the days of a mask, in order."""
    return [day for day in month.days() if mask & bit(day)]


def judge(
    child: ChildMonth,
    *,
    site_id: str,
    working: Sequence[date],
    rules_on: Callable[[date], Rules],
) -> Judged:
    """Return which working days a site claims for a child, and why the others earn nothing.

    rules_on: the rules in force on a day (`pack.at`). Days off are outside the question, whatever
    was recorded on them. Two different records of one day hold that day.
    """
    by_day = _by_day(child.days)
    claimed: Counter[str] = Counter()
    confirmed = 0
    rates: dict[tuple[int, tuple[int, ...]], int] = {}
    caps: dict[str, Cap] = {}
    unpaid: dict[date, str] = {}
    standings: dict[date, Standing] = {}
    shares: dict[date, Fraction] = {}
    stays = sorted(child.stays, key=lambda s: (s.first, s.last or date.max, s.kind, s.hours))
    for on in working:
        stay = next((s for s in stays if on in s), None)
        listed = stay or (stays[-1] if stays else None)
        rules = rules_on(on)
        if listed is not None:
            rate = rules.rate_for(listed.kind, listed.hours, listed.locality, listed.sen)
            fact = (int(rate.rate_tiyn), rate.coefficients)
            shares[on] = daily_share(
                rate.rate_tiyn, of=len(working), coefficients=rate.coefficients
            )
        day = by_day.get(on)
        if stay is None:
            unpaid[on] = NOT_ENROLLED
            continue
        if day is None:
            unpaid[on] = NO_RECORD
            continue
        row = rules.payable(day.code)
        if not row.paid:
            unpaid[on] = day.code
        elif row.proof is not None and not day.proved:
            unpaid[on] = NO_PROOF
        else:
            claimed[day.code] |= bit(on)
            rates[fact] = rates.get(fact, 0) | bit(on)
            if row.days_max_month is not None or row.days_max_year is not None:
                caps.setdefault(day.code, Cap(row.days_max_month, row.days_max_year))
            if day.standing == "confirmed":
                confirmed |= bit(on)
            else:
                standings[on] = day.standing
    return Judged(
        child_id=child.child_id,
        claim=Claim(
            site_id,
            {code: claimed[code] for code in sorted(claimed)},
            confirmed,
            tuple(
                RatePart(days, rate_tiyn, per_mille, len(working))
                for (rate_tiyn, per_mille), days in sorted(rates.items())
            ),
            {code: caps[code] for code in sorted(caps)},
        ),
        unpaid=unpaid,
        standings=standings,
        shares=shares,
    )


def price(
    claims: Iterable[Claim], month: Month, *, used: Mapping[str, int] | None = None
) -> dict[str, Priced]:
    """Return what each site's days of one child's month earn.

    claims: one per site, in any order. used: days by code that earned in earlier months of the
    year, for yearly caps.
    """
    sites = sorted(claims, key=lambda c: c.site_id)
    doubled = doubled_days(sites)
    taken: Counter[str] = Counter()
    over: dict[str, int] = {c.site_id: 0 for c in sites}
    earning: list[tuple[str, int, str, Fraction]] = []
    for day in month.days():
        one = bit(day)
        for claim in sites:
            if not claim.confirmed & one & ~doubled:
                continue
            code = next((c for c in sorted(claim.claimed) if claim.claimed[c] & one), None)
            part = next((p for p in claim.rates if p.days & one), None)
            if code is None or part is None:
                continue
            if _capped(claim.caps.get(code), taken[code], (used or {}).get(code, 0)):
                over[claim.site_id] |= one
                continue
            taken[code] += 1
            earning.append((claim.site_id, one, code, part.share))
    priced = {c.site_id: Priced(doubled=c.days & doubled, over_cap=over[c.site_id]) for c in sites}
    parts = cumulative(share for *_, share in earning)
    for (site_id, one, code, _), part_tiyn in zip(earning, parts, strict=True):
        priced[site_id].parts[one] = (code, part_tiyn)
    return priced


def doubled_days(claims: Iterable[Claim]) -> int:
    """Return the days that more than one site claims."""
    seen = twice = 0
    for claim in claims:
        twice |= seen & claim.days
        seen |= claim.days
    return twice


def used_days(months: Iterable[Iterable[Claim]], code: str) -> int:
    """Return how many days of a reason earlier months of the year have used of its yearly cap."""
    used = 0
    for claims in months:
        held = list(claims)
        twice = doubled_days(held)
        month_days = 0
        cap: int | None = None
        for claim in held:
            month_days |= claim.claimed.get(code, 0) & claim.confirmed & ~twice
            if code in claim.caps:
                cap = claim.caps[code].month
        days = month_days.bit_count()
        used += days if cap is None else min(days, cap)
    return used


def line_of(judged: Judged, priced: Priced, month: Month, *, pack: str) -> Line:
    """Return a child's line at one site: what earns, what does not, and what that would bring."""
    reasons: dict[date, str] = dict(judged.unpaid)
    for day in days_of(judged.claim.days, month):
        one = bit(day)
        if one & priced.doubled:
            reasons[day] = DOUBLED
        elif day in judged.standings:
            reasons[day] = judged.standings[day]
        elif one & priced.over_cap:
            reasons[day] = OVER_CAP
    payable = Counter(code for code, _ in priced.parts.values())
    unpaid = Counter(reasons.values())
    exact: dict[str, Fraction] = {}
    for day, reason in reasons.items():
        exact[reason] = exact.get(reason, Fraction(0)) + judged.shares.get(day, Fraction(0))
    paid = sum((judged.shares[day] for day in days_of(sum(priced.parts), month)), start=Fraction(0))
    names = sorted(exact)
    withheld = cumulative([paid, *(exact[name] for name in names)])[1:]
    return Line(
        child_id=judged.child_id,
        attended=payable.get(PRESENT, 0),
        payable=dict(sorted(payable.items())),
        unpaid=dict(sorted(unpaid.items())),
        withheld_tiyn=dict(zip(names, (int(part) for part in withheld), strict=True)),
        accrual_tiyn=sum(part for _, part in priced.parts.values()),
        pack=pack,
    )


def due(
    judged: Iterable[Judged],
    others: Mapping[str, Iterable[Claim]],
    month: Month,
    *,
    pack: str,
    used: Mapping[str, Mapping[str, int]] | None = None,
) -> dict[str, Line]:
    """Return what a site is due for a month: a line per child, zero lines too, by child id.

    others: the claims of other sites on the same children's month. used: by child, then by code,
    days that earned earlier in the year.
    """
    lines: dict[str, Line] = {}
    for one in judged:
        site_id = one.claim.site_id
        foreign = [c for c in others.get(one.child_id, ()) if c.site_id != site_id]
        prices = price([one.claim, *foreign], month, used=(used or {}).get(one.child_id))
        lines[one.child_id] = line_of(one, prices[site_id], month, pack=pack)
    return dict(sorted(lines.items()))


def mark_of(claim: Claim) -> str:
    """Return a short digest of a claim, the same for the same content; "" for an empty one."""
    if not claim.claimed:
        return ""
    said = (
        sorted(claim.claimed.items()),
        claim.confirmed,
        [(p.days, p.rate_tiyn, tuple(p.per_mille), p.of) for p in claim.rates],
        sorted((code, cap.month, cap.year) for code, cap in claim.caps.items()),
    )
    return hashlib.sha256(repr(said).encode()).hexdigest()[:12]


def _by_day(days: Iterable[Day]) -> dict[date, Day]:
    by_day: dict[date, Day] = {}
    for day in sorted(set(days), key=lambda d: (d.on, d.code, d.proved, d.standing)):
        earlier = by_day.get(day.on)
        if earlier is None:
            by_day[day.on] = day
        else:
            # Two records say different things; neither is believed until somebody decides.
            by_day[day.on] = Day(day.on, PRESENT, True, DISPUTED)
    return by_day


def _capped(cap: Cap | None, taken: int, used: int) -> bool:
    if cap is None:
        return False
    if cap.month is not None and taken >= cap.month:
        return True
    return cap.year is not None and used + taken >= cap.year
