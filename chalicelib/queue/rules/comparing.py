"""One queue decided by each reading of "one to three", side by side.

    interleave       the two tiers alternate in one line
    reserve          one line by time, a part of each group kept for the first of them
    category-first   tier after tier, as if nothing alternated

Only counts leave here. They stand in cells: neighbouring tiers, and in each neighbouring
categories, joined until under no reading 1 to 4 of those who wait in a cell are served, or are left
unserved. Cells of categories lie within cells of tiers, so that no difference of two shows less.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from chalicelib.kernel.periods import from_stamp
from chalicelib.kernel.refusals import OutOfTurn
from chalicelib.queue.rules.engine import given
from chalicelib.queue.rules.groups import Place
from chalicelib.queue.rules.order import Lane, Order, Seeker

ReadingName = Literal["interleave", "reserve", "category-first"]
READINGS: tuple[ReadingName, ...] = ("interleave", "reserve", "category-first")
A_QUARTER = 250
SHOWN_LEAST = 5
_DAYS = 10  # waits are told in tens of days


class NotByPlace(OutOfTurn):
    """Vouchers come by budget here: no reading of "one to three" gives or takes a place."""

    code = "queue/not-by-place"


@dataclass(frozen=True, slots=True)
class Compared:
    """Neighbouring tiers or categories: how many wait, and by reading how many are served."""

    names: tuple[str, ...]
    waiting: int
    served: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """What one reading comes to. None: a count of 1 to 4, or one that would tell it.

    wished: how many get a preferred group, first: their first preference. longest_wait_days: of
    those it serves, in whole tens of days. otherwise: how many it serves whom the pack's own
    reading leaves without a place, and elsewhere: whom that one serves in another group.
    """

    served: int | None = None
    wished: int | None = None
    first: int | None = None
    longest_wait_days: int | None = None
    otherwise: int | None = None
    elsewhere: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A queue under each reading. own: the one the pack names."""

    own: ReadingName
    reserve_per_mille: int
    waiting: int | None
    places: int
    totals: Mapping[ReadingName, Total]
    tiers: tuple[Compared, ...]
    categories: tuple[Compared, ...]


def order_under(order: Order, reading: ReadingName, reserve_per_mille: int) -> Order:
    """Return the rules of order as if the pack named a reading."""
    if reading == "interleave":
        return replace(order, reading="interleave", reserve_per_mille=0)
    if reading == "reserve":
        return replace(order, reading="reserve", reserve_per_mille=reserve_per_mille)
    lanes = tuple(Lane(lane.cohort, (tier,)) for lane in order.lanes for tier in lane.tiers)
    return replace(order, reading="interleave", reserve_per_mille=0, lanes=lanes)


def compare(
    seekers: Sequence[Seeker],
    places: Sequence[Place],
    order: Order,
    carry: Mapping[int, int],
    *,
    reserve_per_mille: int,
    telling: Container[str],
    now: datetime,
) -> Comparison:
    """Return who of those who wait is served under each reading. telling: tiers, in no cell alone.

    Holders who ask to move are decided as in a run, and not counted. reserve_per_mille: the part
    kept, where the pack does not name its own.
    """
    kept = order.reserve_per_mille or reserve_per_mille
    own: ReadingName = order.reading
    waiting = [n for n, s in enumerate(seekers) if s.own is None and s.out_of_age is None]
    got = {name: given(seekers, places, order_under(order, name, kept), carry) for name in READINGS}
    tier_of = {tier: number for number, tier in enumerate(order.tiers)}
    telling_tiers = {number for tier, number in tier_of.items() if tier in telling}
    telling_categories = {
        number for (tier, _), number in order.categories.items() if tier in telling
    }
    by_tier = _tally((tier_of[seekers[n].tier], n) for n in waiting)
    tiers: list[Compared] = []
    categories: list[Compared] = []
    for joined in _cells(by_tier, got, telling_tiers):
        names = tuple(order.tiers[number] for number in joined)
        tiers.append(_compared(names, [n for number in joined for n in by_tier[number]], got))
        inside = [n for number in joined for n in by_tier[number]]
        by_category = _tally(
            (order.categories[seekers[n].tier, seekers[n].cohort], n) for n in inside
        )
        categories += [
            _compared(
                tuple(map(str, cell)), [n for number in cell for n in by_category[number]], got
            )
            for cell in _cells(by_category, got, telling_categories)
        ]
    return Comparison(
        own=own,
        reserve_per_mille=kept,
        waiting=_shown(len(waiting)),
        places=sum(place.free for place in places),
        totals={name: _total(seekers, waiting, got[name], got[own], now=now) for name in READINGS},
        tiers=tuple(tiers),
        categories=tuple(categories),
    )


Got = Mapping[ReadingName, Sequence[str | None]]


def _tally(numbered: Iterable[tuple[int, int]]) -> dict[int, list[int]]:
    """Return the children by a number, in its order."""
    found: dict[int, list[int]] = {}
    for number, child in numbered:
        found.setdefault(number, []).append(child)
    return dict(sorted(found.items()))


def _cells(
    members: Mapping[int, Sequence[int]], got: Got, telling: Container[int]
) -> list[tuple[int, ...]]:
    """Return the numbers joined with their neighbours until no cell tells of few; none if it must.

    A cell joins the one before it; the first takes in the next.
    """
    cells: list[list[int]] = []
    for number in members:
        cells.append([number])
        while len(cells) > 1 and any(_tells(cell, members, got, telling) for cell in cells[-2:]):
            last = cells.pop()
            cells[-1] += last
    if any(_tells(cell, members, got, telling) for cell in cells):
        return []
    return [tuple(cell) for cell in cells]


def _tells(
    cell: Sequence[int],
    members: Mapping[int, Sequence[int]],
    got: Got,
    telling: Container[int],
) -> bool:
    """Return whether a cell tells of few, or of a protected status of whoever is in it."""
    children = [child for number in cell for child in members[number]]
    if len(children) < SHOWN_LEAST or all(number in telling for number in cell):
        return True
    for seats in got.values():
        served = sum(seats[child] is not None for child in children)
        if _few(served) or _few(len(children) - served):
            return True
    return False


def _few(count: int) -> bool:
    return 0 < count < SHOWN_LEAST


def _compared(names: tuple[str, ...], children: Sequence[int], got: Got) -> Compared:
    served: dict[str, int] = {
        name: sum(seats[child] is not None for child in children) for name, seats in got.items()
    }
    return Compared(names, len(children), served)


def _total(
    seekers: Sequence[Seeker],
    waiting: Sequence[int],
    seats: Sequence[str | None],
    own: Sequence[str | None],
    *,
    now: datetime,
) -> Total:
    served = [n for n in waiting if seats[n] is not None]
    if _few(len(served)) or _few(len(waiting) - len(served)) or len(waiting) < SHOWN_LEAST:
        return Total()
    wished = [n for n in served if seats[n] in seekers[n].preferences]
    first = sum(seats[n] == seekers[n].preferences[0] for n in wished)
    otherwise = sum(own[n] is None for n in served)
    elsewhere = sum(own[n] not in (None, seats[n]) for n in served)
    oldest = min((seekers[n].ordered_at for n in served), default=None)
    return Total(
        served=len(served),
        wished=_shown(len(wished), len(served)),
        first=_shown(first, len(wished)) if _shown(len(wished), len(served)) is not None else None,
        longest_wait_days=None
        if oldest is None
        else (now - from_stamp(oldest)).days // _DAYS * _DAYS,
        otherwise=_shown(otherwise),
        elsewhere=_shown(elsewhere),
    )


def _shown(count: int, of: int | None = None) -> int | None:
    """Return a count that may be shown: neither it nor what it leaves is of 1 to 4."""
    return None if _few(count) or (of is not None and _few(of - count)) else count
