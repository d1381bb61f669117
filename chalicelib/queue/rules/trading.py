"""Holders whose own places block each other: one wants the other's, longer rings too.

Deferred acceptance lets nobody lose a place by asking to move, and that guarantee can keep two from
swapping: while one is away from its own place somebody from the line may ask for it. So among those
who asked to move, and after all rights of the queue are served, places are traded once (top trading
cycles, Shapley and Scarf 1974): each points to the best place of another trader, each group to its
trader who stands first; every ring moves at once. Nobody is worse off, nobody of the queue loses
anything, and nobody gains by a list other than the true one (Roth 1982).
"""

from __future__ import annotations

from array import array

from chalicelib.queue.rules.matching import NONE, Market


def trade(market: Market, seat: array[int]) -> list[list[int]]:
    """Move every ring of holders who ask to move; return the rings, each as children in turn.

    seat: where each child is; changed in place. Each child of a ring gets the place of the next.
    """
    wishes = {
        child: _better(market, child, seat[child])
        for child in range(len(market))
        if market.own[child] != NONE and seat[child] != NONE
    }
    here: dict[int, list[int]] = {}
    for child in sorted(wishes, reverse=True):
        if wishes[child]:
            here.setdefault(seat[child], []).append(child)
    rings: list[list[int]] = []
    gone: set[int] = set()
    for start in sorted(child for child, better in wishes.items() if better):
        path: list[int] = []
        at: dict[int, int] = {}
        child = start if start not in gone else NONE
        while child != NONE:
            if child in at:
                ring = path[at[child] :]
                _turn(ring, seat)
                rings.append(ring)
                gone.update(ring)
                del path[at[child] :]
                for moved in ring:
                    del at[moved]
            else:
                at[child] = len(path)
                path.append(child)
            child = NONE
            while path and child == NONE:
                child = _points_to(path[-1], wishes, here, gone)
                if child == NONE:
                    # Nothing better is left for it: it keeps its place and trades no more.
                    gone.add(path[-1])
                    del at[path.pop()]
    return rings


def _better(market: Market, child: int, seat: int) -> list[int]:
    """Return the groups that a child would rather be in, best first reversed: the next one last."""
    listed = market.list_of(child)
    return listed[: listed.index(seat)][::-1]


def _points_to(
    child: int, wishes: dict[int, list[int]], here: dict[int, list[int]], gone: set[int]
) -> int:
    """Return who has the best place that is still traded, NONE when none is better."""
    better = wishes[child]
    while better:
        traders = here.get(better[-1], [])
        while traders and traders[-1] in gone:
            traders.pop()
        if traders:
            return traders[-1]
        better.pop()
    return NONE


def _turn(ring: list[int], seat: array[int]) -> None:
    given = [seat[child] for child in [*ring[1:], ring[0]]]
    for child, group in zip(ring, given, strict=True):
        seat[child] = group
