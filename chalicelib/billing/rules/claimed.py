"""What a site claims of one child's month: all that other sites need for their own sums.

The claims of all sites meet in one row of the child and month; who claims what is known there,
whichever site was billed first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from chalicelib.billing.rules.units import meeting, numbers, places
from chalicelib.kernel.money import Tiyn, daily_share, half_up

# Masks of days lie below; a mask of lessons from the first morning on lies above.
DAYS_END = 1 << 31


@dataclass(frozen=True, slots=True)
class RatePart:
    """Units that share a rate. of: what divides it, 1 where it is a rate of one unit.

    cap_tiyn: the most that a child earns in a month at this rate, before coefficients; None where
    the rate itself is the month's.
    """

    units: int
    rate_tiyn: int
    per_mille: tuple[int, ...]
    of: int
    cap_tiyn: int | None = None

    @property
    def share(self) -> Fraction:
        """Return what one of these units earns, exact, in tiyn."""
        return daily_share(Tiyn(self.rate_tiyn), of=self.of, coefficients=self.per_mille)

    @property
    def cap(self) -> Tiyn | None:
        """Return the month's cap with the same coefficients, rounded once."""
        if self.cap_tiyn is None:
            return None
        return half_up(daily_share(Tiyn(self.cap_tiyn), of=1, coefficients=self.per_mille))


@dataclass(frozen=True, slots=True)
class Cap:
    """The most units of one reason that earn; None is no limit."""

    month: int | None
    year: int | None


@dataclass(frozen=True, slots=True)
class Claim:
    """The units a site claims of one child's month.

    claimed: code → units; confirmed: those of them that may earn; rates cover all claimed units.
    slots: numbers of units in one place, 1 for days; long: hours touched, two or more → units that
    do. used_tiyn: what a platform that closed has paid of the child's month already.
    """

    site_id: str
    claimed: dict[str, int] = field(default_factory=dict)
    confirmed: int = 0
    rates: tuple[RatePart, ...] = ()
    caps: dict[str, Cap] = field(default_factory=dict)
    slots: int = 1
    long: dict[int, int] = field(default_factory=dict)
    used_tiyn: int = 0

    @property
    def units(self) -> int:
        """Return all claimed units."""
        units = 0
        for mask in self.claimed.values():
            units |= mask
        return units

    @property
    def places(self) -> int:
        """Return the days, or the hours, that no other site may claim."""
        return places(self.units, slots=self.slots, long=self.long)


def doubled_units(claims: Iterable[Claim]) -> dict[str, int]:
    """Return, by site, the units that lie on a day, or in an hour, another site claims too."""
    sites = list(claims)
    seen = twice = 0
    for claim in sites:
        taken = claim.places
        twice |= seen & taken
        seen |= taken
    return {
        claim.site_id: meeting(claim.units, twice, slots=claim.slots, long=claim.long)
        for claim in sites
    }


def used_units(months: Iterable[Sequence[Claim]], code: str) -> int:
    """Return how many units of a reason earlier months of the year have used of its yearly cap."""
    used = 0
    for claims in months:
        doubled = doubled_units(claims)
        cap: int | None = None
        units = 0
        for claim in claims:
            units |= claim.claimed.get(code, 0) & claim.confirmed & ~doubled[claim.site_id]
            if code in claim.caps:
                cap = claim.caps[code].month
        count = units.bit_count()
        used += count if cap is None else min(count, cap)
    return used


def mark_of(claim: Claim) -> str:
    """Return a short digest of a claim, the same for the same content; "" for an empty one."""
    if not claim.claimed and not claim.used_tiyn:
        return ""
    said: tuple[object, ...] = (
        sorted((code, _shown(mask)) for code, mask in claim.claimed.items()),
        _shown(claim.confirmed),
        [(_shown(p.units), p.rate_tiyn, tuple(p.per_mille), p.of) for p in claim.rates],
        sorted((code, cap.month, cap.year) for code, cap in claim.caps.items()),
    )
    # Only what a claim of days does not have: its digest stays what it was before there was more.
    caps = [p.cap_tiyn for p in claim.rates]
    if any(cap is not None for cap in caps) or claim.long or claim.used_tiyn:
        long = sorted((touched, _shown(mask)) for touched, mask in claim.long.items())
        said = (*said, caps, long, claim.used_tiyn)
    return hashlib.sha256(repr(said).encode()).hexdigest()[:12]


def _shown(mask: int) -> int | list[int]:
    """Return a mask as its digest reads it: one of lessons would have thousands of digits."""
    return mask if mask < DAYS_END else list(numbers(mask))
