"""The algorithm as a textbook tells it, slow and plain, sharing no line with the engine.

Gale and Shapley (1962): in each round everybody who has no place asks the next group of the own
list; each group keeps the best of those it has and those who ask, and sends the others on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

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
    """Return where everybody gets a place, -1 for nowhere; reserves as the pack means them."""
    rows = [standing(market, group) for group in range(len(market.places))]
    ranks = [{child: place for place, child in enumerate(row)} for row in rows]

    def best(group: int, asking: list[int]) -> list[int]:
        most = market.places[group]
        in_order = sorted(asking, key=ranks[group].__getitem__)
        if not market.reserve:
            return in_order[:most]
        at_home = [child for child in in_order if market.own[child] == group]
        kept_for = min(market.reserve[group], most - list(market.own).count(group))
        favoured = [c for c in in_order if market.favoured[c] and c not in at_home][:kept_for]
        line = [child for child in in_order if child not in at_home and child not in favoured]
        return [*at_home, *favoured, *line][:most]

    return accepted(lists_of(market), best, len(rows))


def accepted(lists: Lists, best: Callable[[int, list[int]], list[int]], groups: int) -> list[int]:
    """Return the outcome of deferred acceptance, in rounds; best: whom a group keeps of some."""
    asked = [0] * len(lists)
    held: list[list[int]] = [[] for _ in range(groups)]
    while True:
        inside = {child for group in held for child in group}
        asking = [
            child
            for child, listed in enumerate(lists)
            if child not in inside and asked[child] < len(listed)
        ]
        if not asking:
            break
        for child in asking:
            held[lists[child][asked[child]]].append(child)
            asked[child] += 1
        held = [best(group, there) for group, there in enumerate(held)]
    seat = [NONE] * len(lists)
    for group, there in enumerate(held):
        for child in there:
            seat[child] = group
    return seat
