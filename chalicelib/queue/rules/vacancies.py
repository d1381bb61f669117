"""A freed place, filled without deciding the city anew, and with the same result.

Whoever has the best right among those who would rather be there moves in; the place it left is
filled the same way, until a place stays free or goes to somebody who had none (vacancy chain). A
new place can also untie a ring of children who stood in each other's way; such a ring, in which
every mover has the best right of all who would rather be there, moves as well (stable improvement
cycles, Erdil and Ergin 2008). What comes out is what `match` gives for the city with that place.

Only for markets without batches and without a reserve, whose outcome depends on who came when.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator

from chalicelib.queue.rules.matching import LINE, NONE, Market, Matching

_NOBODY = (array("i"), array("i"), array("i"))


class Vacancies:
    """An outcome that goes on as places become free. Built once in the time of a run's own."""

    def __init__(self, market: Market, matching: Matching) -> None:
        if market.batches or market.reserve:
            raise ValueError("a city with batches or reserves is decided as a whole")
        self.market = market
        self.seat = array("i", matching.seat)
        # How far each got in its list; whoever has no place would take all of it.
        self.asked = array("i", matching.asked)
        taken = array("i", [0]) * len(market.places)
        for group in self.seat:
            if group != NONE:
                taken[group] += 1
        self.free = array("i", (p - t for p, t in zip(market.places, taken, strict=True)))
        self._wanting = self._by_group()
        self._in_tail: list[list[int]] = [[] for _ in market.shared]
        for child, tail in enumerate(market.tails):
            if tail != NONE:
                self._in_tail[tail].append(child)
        self._tails_of: dict[int, list[tuple[int, int]]] = {}
        for tail, shared in enumerate(market.shared):
            for place, group in enumerate(shared):
                self._tails_of.setdefault(group, []).append((tail, place))
        # Children only rise, so whoever wants a group no more never wants it again.
        self._first: dict[tuple[int, int], int] = {}
        self._best_of: dict[int, tuple[int, int]] = {}
        self._best_in: dict[int, set[int]] = {}
        for group in range(len(market.places)):
            self._best(group)

    def fill(self, group: int) -> list[tuple[int, int, int]]:
        """Give away one more place of a group; return the moves: (child, from or NONE, to)."""
        moves: list[tuple[int, int, int]] = []
        vacant = group
        while vacant != NONE:
            child, at = self._best(vacant)
            if child == NONE:
                self.free[vacant] += 1
                break
            vacant = self._move(child, at, vacant, moves)
        touched: set[int] = set()
        looked = 0
        while looked < len(moves):
            touched.update(self._passed(moves[looked:]))
            looked = len(moves)
            for child, at, to in next(self._rings(touched), ()):
                self._move(child, at, to, moves)
        return moves

    def _move(self, child: int, at: int, to: int, moves: list[tuple[int, int, int]]) -> int:
        left = self.seat[child]
        self.seat[child] = to
        self.asked[child] = at + 1
        moves.append((child, left, to))
        return left

    def _best(self, group: int) -> tuple[int, int]:
        """Return who has the best right of all who would rather be in a group, and the wish."""
        child, at = self._best_of.get(group, (NONE, 0))
        if group not in self._best_of or (child != NONE and not self._wants(child, at)):
            self._best_in.get(child, set()).discard(group)
            child, at = self._best_of[group] = self._look_for_best(group)
            if child != NONE:
                self._best_in.setdefault(child, set()).add(group)
        return child, at

    def _look_for_best(self, group: int) -> tuple[int, int]:
        best, best_at, right = NONE, 0, LINE << 1
        rights, children, wishes = self._wanting.get(group, _NOBODY)
        at = self._first.get((group, NONE), 0)
        while at < len(children) and not self._wants(children[at], wishes[at]):
            at += 1
        self._first[group, NONE] = at
        if at < len(children):
            best, best_at, right = children[at], wishes[at], rights[at]
        for tail, place in self._tails_of.get(group, ()):
            waiting, ends = self._in_tail[tail], self.market.ends
            at = self._first.get((group, tail), 0)
            while at < len(waiting) and not self._wants(waiting[at], ends[waiting[at]] + place):
                at += 1
            self._first[group, tail] = at
            if at < len(waiting) and LINE | waiting[at] < right:
                right = LINE | waiting[at]
                best, best_at = waiting[at], ends[waiting[at]] + place
        return best, best_at

    def _wants(self, child: int, at: int) -> bool:
        return self.seat[child] == NONE or at < self.asked[child] - 1

    def _passed(self, moves: Iterable[tuple[int, int, int]]) -> Iterator[int]:
        """Yield the groups whose first envious child may be another one after these moves."""
        for child, _, _ in moves:
            yield from self._best_in.get(child, ())

    def _rings(self, starts: Iterable[int]) -> Iterator[list[tuple[int, int, int]]]:
        """Yield rings of groups, each of which would take the child that is in the next one."""
        seen: set[int] = set()
        for start in sorted(starts):
            path: list[tuple[int, int, int]] = []
            place: dict[int, int] = {}
            group = start
            while group != NONE and group not in seen and group not in place:
                place[group] = len(path)
                child, at = self._best(group)
                if child == NONE:
                    group = NONE
                    break
                path.append((child, at, group))
                group = self.seat[child]
            if group != NONE and group in place:
                yield path[place[group] :]
            seen.update(place)

    def _by_group(self) -> dict[int, tuple[array[int], array[int], array[int]]]:
        """Return by group who named it: rights in their order, children, and which wish it is."""
        market = self.market
        found: dict[int, list[tuple[int, int, int]]] = {}
        start = 0
        for child, end in enumerate(market.ends):
            for at in range(start, end):
                group = market.wishes[at]
                found.setdefault(group, []).append((market.right(child, group), child, at))
            start = end
        # In a shared list all stand in the order of the line; who has a better right is named here.
        for child, groups in market.siblings.items():
            shared = market.shared[market.tails[child]] if market.tails[child] != NONE else ()
            for place, group in enumerate(shared):
                if group in groups:
                    at = market.ends[child] + place
                    found.setdefault(group, []).append((market.right(child, group), child, at))
        packed = {}
        for group, named in found.items():
            named.sort()
            packed[group] = (
                array("i", (right for right, _, _ in named)),
                array("i", (child for _, child, _ in named)),
                array("i", (at for _, _, at in named)),
            )
        return packed
