"""P0, P1, P3, P7: who gets which place, over flat rows: right, fast, and fast for a country.

P0 is no measurement: random cities against an independent checker and the textbook, and children
who tell another list than their own. P1 is the library that people take for this, `matching`; both
sides begin with the same dictionaries of names and end with who is where. P3 and the growth from
ten thousand children to two million show that no city is too large; P7, that a freed place needs
none of it.
"""

from __future__ import annotations

import math
import random
import statistics
from array import array
from collections.abc import Callable

from bench.gates import Gate
from bench.markets import Town, flat, market_of, town
from bench.measure import compare, quietly
from chalicelib.queue.rules.matching import NONE, Market, match
from chalicelib.queue.rules.vacancies import Vacancies

CITIES, LIARS = 400, 400
AGAINST_MATCHING = (5_000, 30)
LEAST_TIMES = 400.0
MOST_GROWTH = 25.0
GROWTH = (10_000, 30_000, 100_000, 300_000, 1_000_000, 2_000_000)
MOST_EXPONENT = 1.2
FREED, LEAST_FREED = 200, 500.0


def run() -> list[Gate]:
    """Return the gates of the engine."""
    return [_definition(), _library(), _freed(), *_growth()]


# --- P0 -----------------------------------------------------------------------------------------


def _definition() -> Gate:
    from tests.queue.markets import blocks, rank
    from tests.queue.textbook import textbook

    chance = random.Random(1962)
    blocking = different = gained = 0
    for _ in range(CITIES):
        market = _small(chance)
        seat = match(market).seat
        blocking += sum(1 for _ in blocks(market, seat))
        different += list(seat) != textbook(market)
    for _ in range(LIARS):
        market = _small(chance)
        liar = chance.randrange(len(market))
        told = _telling(market, liar, chance)
        truth, lie = match(market).seat[liar], match(told).seat[liar]
        gained += rank(market, liar, lie) < rank(market, liar, truth)
    return Gate(
        f"P0 {CITIES} cities by the definition, {LIARS} untrue lists",
        f"{blocking} blocking pairs, {different} unlike the textbook, {gained} gained",
        "0",
        not (blocking or different or gained),
    )


def _small(chance: random.Random) -> Market:
    """Return a small city with movers, siblings and shared lists, wanting in places."""
    groups = chance.randint(2, 8)
    numbers = range(groups)
    market = Market(
        [chance.randint(0, 4) for _ in numbers],
        shared=[array("i", chance.sample(numbers, chance.randint(0, groups))) for _ in range(2)],
    )
    places = list(market.places)
    for _ in range(chance.randint(0, 6)):
        own = chance.randrange(groups)
        places[own] += 1
        others = [g for g in numbers if g != own]
        market.add(chance.sample(others, chance.randint(0, len(others))), own=own)
    for _ in range(chance.randint(2, 30)):
        listed = chance.sample(numbers, chance.randint(0, min(5, groups)))
        market.add(listed, tail=chance.choice((NONE, 0, 1)))
    market.places = places
    market.siblings = {
        child: frozenset([chance.randrange(groups)])
        for child in range(len(market))
        if chance.random() < 0.2
    }
    return market


def _telling(market: Market, liar: int, chance: random.Random) -> Market:
    """Return the city as it would be if one child told another list; what it holds it keeps."""
    groups = range(len(market.places))
    told = Market(market.places, shared=market.shared, siblings=market.siblings)
    start = 0
    for child, end in enumerate(market.ends):
        own = market.own[child]
        listed = [g for g in market.wishes[start:end] if g != own]
        if child == liar:
            listed = chance.sample(groups, chance.randint(0, len(groups)))
            told.add([g for g in listed if g != own], own=own)
        else:
            told.add(listed, own=own, tail=market.tails[child])
        start = end
    return told


# --- P1 -----------------------------------------------------------------------------------------


def _library() -> Gate:
    children, groups = AGAINST_MATCHING
    city = town(children, groups, siblings=True)
    theirs = _with_matching(city)
    ours = _with_names(city)
    same = ours() == theirs()
    # The library takes seconds: it is timed once a block, ours often enough to be timed at all.
    found = compare(lambda: [ours() for _ in range(50)], theirs, calls=1, blocks=5)
    times = 50 / found.ratio
    return Gate(
        f"P1 {children:,} x {groups}, build and solve: `matching` / ours",
        f"{times:.0f} x  ({found.anchor_s:.1f} s / {found.ours_s * 1e3 / 50:.1f} ms), "
        f"{'same result' if same else 'ANOTHER RESULT'}",
        f"{LEAST_TIMES:.0f} x",
        same and times >= LEAST_TIMES,
        found.control,
    )


def _with_names(city: Town) -> Callable[[], dict[str, set[str]]]:
    children, groups = list(city.wishes), list(city.places)

    def solved() -> dict[str, set[str]]:
        seat = match(market_of(city)).seat
        inside: dict[str, set[str]] = {name: set() for name in groups}
        for child, group in zip(children, seat, strict=True):
            if group != NONE:
                inside[groups[group]].add(child)
        return inside

    return solved


def _with_matching(city: Town) -> Callable[[], dict[str, set[str]]]:
    from matching.games import HospitalResident

    # The library wants each group's order of all who named it; it gets that for nothing.
    orders: dict[str, list[str]] = {name: [] for name in city.places}
    for child, listed in city.wishes.items():
        for group in listed:
            orders[group].append(child)
    for group, named in orders.items():
        named.sort(key=lambda child: city.siblings.get(child) != group)

    def solved() -> dict[str, set[str]]:
        game = HospitalResident.create_from_dictionaries(city.wishes, orders, city.places)
        game.solve(optimal="resident")
        return {
            str(group.name): {str(child.name) for child in inside}
            for group, inside in game.matching.items()
        }

    return solved


# --- P3 -----------------------------------------------------------------------------------------


def _growth() -> list[Gate]:
    """Return P3, and how time grows with the number of children: one process, one shape."""
    cities = {n: flat(n) for n in GROWTH}
    small = 100_000
    found = compare(
        lambda: match(cities[1_000_000]), lambda: match(cities[small]), calls=1, blocks=7
    )
    spent = {
        n: statistics.median(quietly(lambda city=city: match(city), 1) for _ in range(5))
        for n, city in cities.items()
    }
    exponent = _slope([(math.log(n), math.log(s)) for n, s in spent.items()])
    shown = ", ".join(f"{n // 1000}k {s * 1e3:.0f}" for n, s in spent.items())
    return [
        Gate(
            "P3 1,000,000 x 10,000 / 100,000 x 1,000, CPU",
            f"{found.ratio:.1f} x  ({found.ours_s:.2f} s / {found.anchor_s * 1e3:.0f} ms)",
            f"{MOST_GROWTH:.0f} x",
            found.ratio <= MOST_GROWTH,
            found.control,
        ),
        Gate(
            "P3 growth from 10,000 to 2,000,000 children",
            f"exponent {exponent:.2f}  (ms: {shown})",
            f"{MOST_EXPONENT}",
            exponent <= MOST_EXPONENT,
            found.control,
        ),
    ]


def _slope(points: list[tuple[float, float]]) -> float:
    xs, ys = zip(*points, strict=True)
    return statistics.linear_regression(xs, ys).slope


# --- P7 -----------------------------------------------------------------------------------------


def _freed() -> Gate:
    """Return a freed place against the whole city decided again, and that both say the same."""
    market = flat(100_000, movers=5_000)
    before = match(market)
    going_on = Vacancies(market, before)
    chance = random.Random(7)
    places = list(market.places)
    # Each place is freed once, in the same outcome that goes on: that is how a day goes by.
    freed = [chance.randrange(len(places)) for _ in range(FREED * 12)]
    moves: list[int] = []
    upcoming = iter(freed)

    def fill() -> None:
        for _ in range(FREED):
            group = next(upcoming)
            places[group] += 1
            moves.append(len(going_on.fill(group)))

    found = compare(fill, lambda: match(market), calls=1, blocks=9)
    market.places = places
    same = going_on.seat == match(market).seat
    times = FREED / found.ratio
    return Gate(
        "P7 100,000 x 1,000 decided anew / one freed place",
        f"{times:,.0f} x  ({found.anchor_s * 1e3:.0f} ms / {found.ours_s * 1e6 / FREED:.0f} µs), "
        f"{statistics.mean(moves):.1f} moves, {max(moves)} at most, "
        f"{'same result' if same else 'ANOTHER RESULT'}",
        f"{LEAST_FREED:.0f} x",
        same and times >= LEAST_FREED,
        found.control,
    )
