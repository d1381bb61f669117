"""Who gets which place when wishes meet rights: child-proposing deferred acceptance.

Everybody asks for the best place on an own list; a group keeps, of all who asked so far, those
with the best rights to it, and sends the rest on to their next wish. It ends when nobody is sent
on. Then nobody has a better right to a place that somebody else got (no justified envy), no
fitting place is left that somebody would rather have (no waste), and no other such outcome is
better for any child (Gale and Shapley 1962). Nobody gains by an untrue list (Roth 1982).

A child's number is its place in the line: 0 stands first, and holders who ask to move stand before
all who wait. In a group come first those who hold a place there already, so that nobody loses one
by asking; then siblings, where the pack says so; then the line. Where a group keeps a part in
reserve for some, those have the first right to that part, and what they leave goes to everybody.

Batches are decided together, all or none, at the turn of their last member, from places that are
free by then and that no holder may come back to; what they got is theirs. No rule can promise more
for them: with units of several, an outcome without envy need not exist.

Plain integers in flat arrays: a million children take a second. Sources: docs/fairness.md.
"""

from __future__ import annotations

from array import array
from bisect import insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

NONE = -1
# A right is one integer, the smallest the best: whether of a holder, a sibling or the line, then
# the child's number. Twenty-eight bits number more children than the country has.
_BITS = 28
_CHILD = (1 << _BITS) - 1
SIBLING = 1 << _BITS
LINE = 2 << _BITS


def _numbers() -> array[int]:
    return array("i")


@dataclass(slots=True)
class Market:
    """Children by their place in the line, groups by number, both from 0.

    places: of each group, to be given in this run, those of its movers included.
    wishes: the lists of all children one behind the other, best first; that of child c begins at
        ends[c - 1] (0 for the first) and stops before ends[c]; a mover's ends with its own group.
    own: where a mover is, NONE for who waits.
    tails: which shared list follows the own one, NONE for none; shared: those lists.
    siblings: in which groups a child has a sibling.
    batches: the numbers of those who move together; only of children who wait.
    reserve: of each group, how many of its places are kept for `favoured`; empty for no reserve.
    """

    places: Sequence[int]
    wishes: array[int] = field(default_factory=_numbers)
    ends: array[int] = field(default_factory=_numbers)
    own: array[int] = field(default_factory=_numbers)
    tails: array[int] = field(default_factory=_numbers)
    shared: Sequence[array[int]] = ()
    siblings: Mapping[int, frozenset[int]] = field(default_factory=dict)
    batches: Sequence[tuple[int, ...]] = ()
    reserve: Sequence[int] = ()
    favoured: bytearray = field(default_factory=bytearray)

    def __len__(self) -> int:
        return len(self.ends)

    def add(
        self, wishes: Iterable[int], *, own: int = NONE, tail: int = NONE, favoured: bool = False
    ) -> int:
        """Put a child at the end of the line; return its number."""
        self.wishes.extend(wishes)
        if own != NONE:
            self.wishes.append(own)
        self.ends.append(len(self.wishes))
        self.own.append(own)
        self.tails.append(tail)
        self.favoured.append(favoured)
        return len(self.ends) - 1

    def list_of(self, child: int) -> list[int]:
        """Return all that a child would take, best first, each group once."""
        start = self.ends[child - 1] if child else 0
        own = self.wishes[start : self.ends[child]]
        tail = self.shared[self.tails[child]] if self.tails[child] != NONE else ()
        return list(dict.fromkeys([*own, *tail]))

    def right(self, child: int, group: int) -> int:
        """Return a child's right to a group; of two the smaller is the better."""
        if self.own[child] == group:
            return child
        if group in self.siblings.get(child, ()):
            return SIBLING | child
        return LINE | child


def child_of(right: int) -> int:
    """Return whose right it is."""
    return right & _CHILD


@dataclass(slots=True)
class Matching:
    """Who has which place.

    seat: by child, NONE for none. asked: how far down its list each child got, as an index into
    `Market.wishes`, or behind the end of its own list by as many as in the shared one. kept: by
    group, the rights of those in it, sorted; within: of those in its reserve; fixed: the batches'.
    """

    seat: array[int]
    asked: array[int]
    kept: list[array[int]]
    within: list[array[int]]
    fixed: dict[int, list[int]]


def match(market: Market) -> Matching:
    """Return the outcome: the best for every child among those without justified envy."""
    return _Run(market).outcome()


class _Run:
    def __init__(self, market: Market) -> None:
        groups = range(len(market.places))
        self.market = market
        self.free = array("i", market.places)
        self.seat = array("i", [NONE]) * len(market)
        self.asked = array("i", [0, *market.ends[:-1]]) if len(market) else array("i")
        self.kept = [array("i") for _ in groups]
        self.fixed: dict[int, list[int]] = {}
        # Before this place of a shared list all groups are full, and a full group stays full.
        self.opens = [0] * len(market.shared)
        # The same for those whom places are kept for: no reserve before it has one left either.
        self.keeps = [0] * len(market.shared)
        # How many may come back to a group: no batch and no reserve may take the place of one.
        self.holders = array("i", [0]) * len(groups)
        for group in market.own:
            if group != NONE:
                self.holders[group] += 1
        self.reserve = array("i", market.reserve)
        for group, kept in enumerate(self.reserve):
            self.reserve[group] = min(kept, market.places[group] - self.holders[group])
        self.within = [array("i") for _ in groups] if self.reserve else []
        # Where only the line counts, nobody who sits is sent on by somebody who asks later.
        self.plain = not market.siblings and not self.reserve

    def outcome(self) -> Matching:
        last = {max(batch): tuple(sorted(batch)) for batch in self.market.batches}
        members = {child for batch in self.market.batches for child in batch}
        for child in range(len(self.market)):
            if child not in members:
                self._ask(child)
            elif child in last:
                self._ask_together(last[child])
        return Matching(self.seat, self.asked, self.kept, self.within, self.fixed)

    def _ask(self, child: int) -> None:
        """Let a child ask, and whoever is sent on by it, until nobody is."""
        market, asking = self.market, child
        if market.own[child] == NONE and child not in market.siblings:
            if not self.reserve or not market.favoured[child]:
                self._ask_at_the_end(child)
                return
            asking = self._ask_for_a_reserve(child)
        while asking != NONE:
            group = self._next_wish(asking)
            asking = self._offer(asking, group) if group != NONE else NONE

    def _ask_at_the_end(self, child: int) -> None:
        """Let a child ask whose right is the weakest so far everywhere: it only gets what is free.

        So is that of whoever waits, in its turn: all who asked before stand ahead in the line.
        """
        market, free = self.market, self.free
        for at in range(self.asked[child], market.ends[child]):
            group = market.wishes[at]
            if free[group]:
                break
        else:
            tail = market.tails[child]
            shared = market.shared[tail] if tail != NONE else ()
            opens = self.opens[tail] if tail != NONE else 0
            while opens < len(shared) and not free[shared[opens]]:
                opens += 1
            at = market.ends[child] + opens
            if tail != NONE:
                self.opens[tail] = opens
            if opens == len(shared):
                self.asked[child] = at
                return
            group = shared[opens]
        self.asked[child] = at + 1
        free[group] -= 1
        self.seat[child] = group
        self.kept[group].append(LINE | child)

    def _ask_for_a_reserve(self, child: int) -> int:
        """Let one whom places are kept for ask in its turn; return who is sent on, NONE if nobody.

        It gets what is free, or what is left of a reserve: all others of its kind stand ahead.
        """
        market, free, within, reserve = self.market, self.free, self.within, self.reserve
        for at in range(self.asked[child], market.ends[child]):
            group = market.wishes[at]
            if free[group] or len(within[group]) < reserve[group]:
                break
        else:
            tail = market.tails[child]
            shared = market.shared[tail] if tail != NONE else ()
            keeps = self.keeps[tail] if tail != NONE else 0
            while keeps < len(shared):
                group = shared[keeps]
                if free[group] or len(within[group]) < reserve[group]:
                    break
                keeps += 1
            at = market.ends[child] + keeps
            if tail != NONE:
                self.keeps[tail] = keeps
            if keeps == len(shared):
                self.asked[child] = at
                return NONE
        self.asked[child] = at + 1
        return self._offer(child, group)

    def _next_wish(self, child: int) -> int:
        """Return the next group on a child's list, NONE at its end."""
        market, at = self.market, self.asked[child]
        behind = at - market.ends[child]
        if behind < 0:
            self.asked[child] = at + 1
            return market.wishes[at]
        tail = market.tails[child]
        if tail == NONE or behind >= len(market.shared[tail]):
            return NONE
        self.asked[child] = at + 1
        return market.shared[tail][behind]

    def _offer(self, child: int, group: int) -> int:
        """Let a child ask a group; return who has to ask on, NONE when nobody."""
        market = self.market
        right = market.right(child, group)
        liked = self.reserve and market.favoured[child] and self.reserve[group]
        if not liked and not self.free[group]:
            kept = self.kept[group]
            if not kept or right > kept[-1]:
                return child
        self.seat[child] = group
        if liked and right >= SIBLING:
            # Whoever of them does not find room in the reserve stands in the line like all others.
            insort(self.within[group], right)
            over = len(self.within[group]) > self.reserve[group]
            right = self.within[group].pop() if over else NONE
        if right != NONE:
            insort(self.kept[group], right)
        if self.free[group]:
            self.free[group] -= 1
            return NONE
        sent = child_of(self.kept[group].pop())
        self.seat[sent] = NONE
        return sent

    def _ask_together(self, batch: tuple[int, ...]) -> None:
        """Seat a batch in the first group of their lists that has room for all of it.

        The lists are read one after another, that of the member who stands first to begin with.
        """
        lists = [self.market.list_of(child) for child in batch]
        wished = [
            self.market.wishes[(self.market.ends[c - 1] if c else 0) : self.market.ends[c]]
            for c in batch
        ]
        fitting = set(lists[0]).intersection(*lists[1:])
        for group in dict.fromkeys([*(g for own in wished for g in own), *lists[0]]):
            if group in fitting and self._room(group) >= len(batch):
                self._sit_down(batch, group)
                return

    def _room(self, group: int) -> int:
        """Return how many places of a group a batch may have for good."""
        free = self.free[group]
        if self.plain:
            return free  # holders stand first in the line: what they left they do not come back to
        taken = len(self.fixed.get(group, ())) + self.holders[group]
        return min(free, self.market.places[group] - taken)

    def _sit_down(self, batch: tuple[int, ...], group: int) -> None:
        self.fixed.setdefault(group, []).extend(batch)
        self.free[group] -= len(batch)
        for child in batch:
            self.seat[child] = group
        if self.reserve:
            left = self.market.places[group] - len(self.fixed[group]) - self.holders[group]
            self.reserve[group] = min(self.reserve[group], left)
            while len(self.within[group]) > self.reserve[group]:
                # What was kept is smaller now: who is beyond it stands in the line like all others.
                insort(self.kept[group], self.within[group].pop())
