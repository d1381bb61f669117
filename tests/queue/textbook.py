"""The algorithm as a textbook tells it, slow and plain, sharing no line with the engine.

Gale and Shapley (1962): in each round everybody who has no place asks the next group of the own
list; each group keeps the best of those it has and those who ask, and sends the others on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chalicelib.queue.rules.matching import NONE, Market

Lists = Sequence[Sequence[int]]


def lists_of(market: Market) -> list[list[int]]:
    """Return everybody's list: the own wishes, then the shared list, each group once."""
    found = []
    start = 0
    for child, end in enumerate(market.ends):
        told = list(market.wishes[start:end])
        if market.tails[child] >= 0:
            told += [g for g in market.shared[market.tails[child]] if g not in told]
        found.append(told)
        start = end
    return found


def standing(market: Market, group: int) -> list[int]:
    """Return everybody in the order of their rights to a group, the best first."""
    everybody = range(len(market.ends))
    at_home = [child for child in everybody if market.own[child] == group]
    related = [c for c in everybody if group in market.siblings.get(c, ()) and c not in at_home]
    return [*at_home, *related, *(c for c in everybody if c not in {*at_home, *related})]


def textbook(market: Market) -> list[int]:
    """Return where everybody gets a place, -1 for nowhere. No batches, no reserve."""
    rows = [standing(market, group) for group in range(len(market.places))]
    ranks = [{child: place for place, child in enumerate(row)} for row in rows]
    return accepted(lists_of(market), ranks, market.places)


def accepted(lists: Lists, ranks: Sequence[Mapping[int, int]], places: Sequence[int]) -> list[int]:
    """Return the outcome of deferred acceptance, in rounds."""
    asked = [0] * len(lists)
    held: list[list[int]] = [[] for _ in places]
    nowhere = set(range(len(lists)))
    while True:
        asking = [child for child in nowhere if asked[child] < len(lists[child])]
        if not asking:
            break
        for child in asking:
            held[lists[child][asked[child]]].append(child)
            asked[child] += 1
            nowhere.discard(child)
        for group, inside in enumerate(held):
            inside.sort(key=ranks[group].__getitem__)
            nowhere.update(inside[places[group] :])
            del inside[places[group] :]
    seat = [NONE] * len(lists)
    for group, inside in enumerate(held):
        for child in inside:
            seat[child] = group
    return seat
