"""Small cities for the engine, and what its outcome is by definition: slow, plain, independent."""

from __future__ import annotations

import itertools
from array import array
from collections.abc import Iterator, Sequence

from hypothesis import strategies as st

from chalicelib.queue.rules.matching import NONE, Market, Matching, child_of


@st.composite
def markets(
    draw: st.DrawFn,
    *,
    most: int = 7,
    groups: int = 4,
    movers: bool = True,
    siblings: bool = True,
    tails: bool = True,
    batches: bool = False,
    reserve: bool = False,
) -> Market:
    """Draw a city: holders who ask to move stand first, each with a place of its own."""
    count = draw(st.integers(1, groups))
    numbers = st.integers(0, count - 1)
    listed = st.lists(numbers, unique=True, max_size=count)
    places = draw(st.lists(st.integers(0, 3), min_size=count, max_size=count))
    shared = [array("i", draw(listed)) for _ in range(2 if tails else 0)]
    market = Market(places, shared=shared)
    moving = draw(st.integers(0, most // 2)) if movers else 0
    for _ in range(moving):
        own = draw(numbers)
        places[own] += 1
        market.add([g for g in draw(listed) if g != own], own=own, favoured=draw(st.booleans()))
    for _ in range(draw(st.integers(0, most - moving))):
        tail = draw(st.sampled_from([NONE, *range(len(shared))]))
        market.add(draw(listed), tail=tail, favoured=draw(st.booleans()))
    everybody = range(len(market))
    if siblings and len(market):
        having = draw(st.lists(st.sampled_from(everybody), unique=True, max_size=3))
        market.siblings = {child: frozenset([draw(numbers)]) for child in having}
    if batches and len(market) - moving >= 2:
        together = draw(st.permutations(range(moving, len(market))))
        market.batches = [tuple(together[:2]), tuple(together[2:5])][: 1 + (len(together) > 3)]
    if reserve:
        market.reserve = [draw(st.integers(0, most)) for _ in places]
    return market


def blocks(market: Market, seat: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield (child, group): who would rather be there, and may: free, or less right inside."""
    for child in range(len(market)):
        listed = market.list_of(child)
        better = listed[: listed.index(seat[child])] if seat[child] in listed else listed
        for group in better:
            inside = [other for other, held in enumerate(seat) if held == group]
            right = market.right(child, group)
            if len(inside) < market.places[group] or any(
                market.right(other, group) > right for other in inside
            ):
                yield child, group


def in_group(matching: Matching, group: int) -> list[int]:
    """Return the children whom a group keeps, those with the best right first, batches last."""
    within = matching.within[group] if matching.within else ()
    return [
        *(child_of(right) for right in sorted([*matching.kept[group], *within])),
        *matching.fixed.get(group, ()),
    ]


def outcomes(market: Market) -> Iterator[tuple[int, ...]]:
    """Yield every outcome there is: nobody anywhere but on the own list, no group overfull."""
    lists = [
        [*market.list_of(child), *([NONE] if market.own[child] == NONE else [])]
        for child in range(len(market))
    ]
    for seat in itertools.product(*lists):
        if all(seat.count(group) <= most for group, most in enumerate(market.places)):
            yield seat


def rank(market: Market, child: int, group: int) -> int:
    """Return how far down its list a child is, behind the end without a place."""
    listed = market.list_of(child)
    return listed.index(group) if group in listed else len(listed)
