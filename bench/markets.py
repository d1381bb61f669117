"""Invented cities for the benches of the engine: names as a city has them, and flat rows from them.

Everybody wishes for three to five groups, those of the own quarter mostly, and some are loved by
many; there are places for three quarters of the children. Always the same for a number of children.
"""

from __future__ import annotations

import random
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chalicelib.queue.rules.matching import NONE, Market, match

PER_GROUP = 100  # children for each group, whatever the city's size: cities of one shape
_QUARTER = 10  # groups


@dataclass(frozen=True, slots=True)
class Town:
    """Children in their line and groups with their places, by name; who has a sibling where."""

    wishes: Mapping[str, Sequence[str]]
    places: Mapping[str, int]
    siblings: Mapping[str, str]


def town(children: int, groups: int, *, siblings: bool, seed: int = 2026) -> Town:
    """Return a city by names; those with a sibling wish for that group first."""
    chance = random.Random(seed)
    names = [f"group-{n:04d}" for n in range(groups)]
    wishes = {}
    related = {}
    for n in range(children):
        listed = chance.sample(names, min(groups, chance.randint(3, 5)))
        wishes[f"child-{n:06d}"] = listed
        if siblings and chance.random() < 0.1:
            related[f"child-{n:06d}"] = listed[0]
    each = children * 3 // 4 // groups
    return Town(wishes, {name: chance.randint(each // 2, each * 3 // 2) for name in names}, related)


def market_of(city: Town) -> Market:
    """Return the flat rows of a city that is known by names."""
    number = {name: n for n, name in enumerate(city.places)}
    wishes, ends = array("i"), array("i")
    siblings: dict[int, frozenset[int]] = {}
    for child, (name, listed) in enumerate(city.wishes.items()):
        wishes.extend([number[group] for group in listed])
        ends.append(len(wishes))
        if name in city.siblings:
            siblings[child] = frozenset([number[city.siblings[name]]])
    none = array("i", [NONE]) * len(ends)
    return Market(
        list(city.places.values()), wishes, ends, none, array("i", none), siblings=siblings
    )


def flat(children: int, *, movers: int = 0, seed: int = 2026) -> Market:
    """Return a large city at once as flat rows: its first children are holders who ask to move."""
    chance = random.Random(seed)
    groups = max(_QUARTER, children // PER_GROUP)
    each = PER_GROUP * 3 // 4
    places = [chance.randint(each // 2, each * 3 // 2) for _ in range(groups)]
    shared = [array("i", chance.sample(range(groups), groups // 12 + 1)) for _ in range(12)]
    market = Market(places, shared=shared)
    draw = chance.random
    for child in range(children):
        quarter = int(draw() * groups)
        listed = {(quarter + int(draw() * draw() * _QUARTER)) % groups for _ in range(3)}
        listed.add(int(draw() * draw() * groups))
        if child < movers:
            own = int(draw() * groups)
            places[own] += 1
            market.add(sorted(listed - {own}), own=own)
        else:
            market.add(listed, tail=int(draw() * 12))
    return market


def seats(market: Market) -> array[int]:
    """Return where everybody gets a place."""
    return match(market).seat
