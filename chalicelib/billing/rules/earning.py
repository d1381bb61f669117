"""Earnings of a month under way: how they grow day by day.

Each day shows what it has brought for good, and what it brings if families confirm all that was
marked. Held lines are in neither: they wait for somebody else. A day's sum is what the month's
cumulative rounding adds on that day, so the days sum to the month to the tiyn.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date

from chalicelib.billing.rules.claimed import Claim
from chalicelib.billing.rules.judging import UNDECIDED, Judged
from chalicelib.billing.rules.pricing import HELD, fees_of, line_of, price
from chalicelib.billing.rules.units import SLOTS_IN_A_DAY, mask_of
from chalicelib.kernel.periods import Month


@dataclass(frozen=True, slots=True, kw_only=True)
class DayEarned:
    """What one day brought: children that earn on it, confirmed or if all of them are."""

    on: date
    confirmed: int = 0
    confirmed_tiyn: int = 0
    marked: int = 0
    if_confirmed_tiyn: int = 0
    so_far_tiyn: int = 0
    so_far_if_confirmed_tiyn: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Earned:
    """A month's earnings by day; held_tiyn, by reason, is what waits for somebody's decision."""

    days: tuple[DayEarned, ...]
    confirmed_tiyn: int
    if_confirmed_tiyn: int
    held_tiyn: dict[str, int]
    parents_tiyn: int
    parents_if_confirmed_tiyn: int


def earned(
    judged: Iterable[Judged],
    others: Mapping[str, Iterable[Claim]],
    *,
    month: Month,
    upto: date,
    by_lesson: bool,
    used: Mapping[str, Mapping[str, int]] | None = None,
) -> Earned:
    """Return what a month has brought by a day, and would bring if all were confirmed."""
    sure: Counter[date] = Counter()
    maybe: Counter[date] = Counter()
    units: Counter[date] = Counter()
    marked: Counter[date] = Counter()
    held: Counter[str] = Counter()
    fees = fees_if = 0
    for one in judged:
        site_id = one.claim.site_id
        foreign = [c for c in others.get(one.child_id, ()) if c.site_id != site_id]
        before = (used or {}).get(one.child_id)
        now = price([one.claim, *foreign], used=before)[site_id]
        hoped = if_confirmed(one)
        then = price([hoped.claim, *foreign], used=before)[site_id]
        for parts, sums, count in ((now, sure, units), (then, maybe, marked)):
            for mask, (_, tiyn) in parts.parts.items():
                on = _day(mask, month, by_lesson)
                sums[on] += tiyn
                count[on] += 1
        line = line_of(hoped, then, pack="")
        held.update({r: t for r, t in line.withheld_tiyn.items() if r in HELD})
        fees += sum(fee.tiyn for fee in fees_of(one, now))
        fees_if += sum(fee.tiyn for fee in fees_of(hoped, then))
    days: list[DayEarned] = []
    so_far = so_far_if = 0
    for on in month.days():
        if on > upto:
            break
        so_far += sure[on]
        so_far_if += maybe[on]
        days.append(
            DayEarned(
                on=on,
                confirmed=units[on],
                confirmed_tiyn=sure[on],
                marked=marked[on],
                if_confirmed_tiyn=maybe[on],
                so_far_tiyn=so_far,
                so_far_if_confirmed_tiyn=so_far_if,
            )
        )
    return Earned(
        days=tuple(days),
        confirmed_tiyn=sum(sure.values()),
        if_confirmed_tiyn=sum(maybe.values()),
        held_tiyn=dict(sorted(held.items())),
        parents_tiyn=fees,
        parents_if_confirmed_tiyn=fees_if,
    )


def if_confirmed(judged: Judged) -> Judged:
    """Return a child's month as it is once the family confirms all that it has not spoken of."""
    silent = {n for n, why in judged.standings.items() if why == UNDECIDED}
    confirmed = judged.claim.confirmed
    for number in silent:
        confirmed |= mask_of(number)
    return replace(
        judged,
        claim=replace(judged.claim, confirmed=confirmed),
        standings={n: why for n, why in judged.standings.items() if n not in silent},
    )


def _day(mask: int, month: Month, by_lesson: bool) -> date:
    number = mask.bit_length() - 1
    return month.first.replace(day=(number // SLOTS_IN_A_DAY if by_lesson else number) + 1)
