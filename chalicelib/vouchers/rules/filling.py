"""A freed place: who moves into it, and on into what is left, without deciding the city anew.

A group's list says who would rather be there, in the order of the vouchers. Who stands first and is
to be moved moves in; the place it leaves is filled the same way (vacancy chain). Who stands first
and is to be asked is offered the place for a day, and whatever follows waits for the answer, so
that nobody is overtaken. Whoever has moved stands no longer on the lists of what it wished less;
where that lets a ring of holders into each other's places, each first on its list, the ring moves
too. Among those to be moved the outcome is that of a whole run over the city with that place.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from chalicelib.vouchers.rules.values import Waiter

Line = Callable[[str], Sequence[Waiter]]


@dataclass(frozen=True, slots=True)
class Step:
    """A voucher goes from its group, None without a seat, to another."""

    voucher_id: str
    from_group: str | None
    group_id: str


@dataclass(frozen=True, slots=True)
class Filled:
    """What a freed place leads to.

    steps: in the order in which they can be made; those of one tuple at once. offer: group and
    voucher where the chain ends with somebody who is asked.
    """

    steps: tuple[tuple[Step, ...], ...] = ()
    offer: tuple[str, str] | None = None

    @property
    def vouchers(self) -> tuple[str, ...]:
        """Return all whom it concerns."""
        moving = [step.voucher_id for together in self.steps for step in together]
        return (*moving, self.offer[1]) if self.offer else tuple(moving)


def fill(group_id: str, line_of: Line, *, passed: Collection[str] = ()) -> Filled:
    """Return who moves when a place of a group is free.

    line_of: a group's waiting list, first first; asked only for groups that matter. passed: those
    who cannot move now; they keep their places on the lists.
    """
    chain = _Chain(line_of, frozenset(passed))
    offer = chain.follow(group_id)
    chain.untie()
    return Filled(tuple(chain.steps(group_id)), offer)


@dataclass(slots=True)
class _Chain:
    line_of: Line
    passed: frozenset[str]
    # Where those who moved are now, and the lists that they no longer stand on.
    moved: dict[str, Waiter] = field(default_factory=dict)
    at: dict[str, str] = field(default_factory=dict)
    touched: list[str] = field(default_factory=list)

    def follow(self, vacant: str | None) -> tuple[str, str] | None:
        """Fill a place and those that are left; return the offer it ends with."""
        while vacant is not None:
            first = self.first(vacant)
            if first is None:
                return None
            if not first.standing:
                return vacant, first.voucher_id
            left = self.seat(first)
            self.move(first, vacant)
            vacant = left
        return None

    def untie(self) -> None:
        """Let every ring of holders move, each of whom is first on the list of the next's group."""
        while self.touched:
            ring = self.ring(self.touched.pop(0))
            for waiter in ring:
                self.move(waiter, waiter.group_id)

    def ring(self, start: str) -> list[Waiter]:
        path: list[Waiter] = []
        met: dict[str, int] = {}
        group: str | None = start
        while group is not None and group not in met:
            met[group] = len(path)
            first = self.first(group)
            if first is None or not first.standing:
                return []
            path.append(first)
            group = self.seat(first)
        return path[met[group] :] if group is not None else []

    def first(self, group_id: str) -> Waiter | None:
        """Return who stands first on a list and would rather be there than where it is by now."""
        for waiter in self.line_of(group_id):
            if waiter.state == "waiting" and waiter.voucher_id not in self.passed:
                if waiter.voucher_id not in self.at:
                    return waiter
                if waiter.standing and group_id in self._dearer(waiter):
                    return waiter
        return None

    def seat(self, waiter: Waiter) -> str | None:
        return self.at.get(waiter.voucher_id, waiter.own)

    def move(self, waiter: Waiter, group_id: str) -> None:
        before = self._dearer(waiter)
        self.moved.setdefault(waiter.voucher_id, waiter)
        self.at[waiter.voucher_id] = group_id
        self.touched += before[before.index(group_id) :]

    def _dearer(self, waiter: Waiter) -> tuple[str, ...]:
        """Return the wishes that are dearer than where somebody is by now."""
        at = self.at.get(waiter.voucher_id)
        return waiter.wishes if at is None else waiter.wishes[: waiter.wishes.index(at)]

    def steps(self, group_id: str) -> Iterator[tuple[Step, ...]]:
        moves = sorted(self.moved.values(), key=lambda waiter: (waiter.order, waiter.voucher_id))
        steps = [Step(m.voucher_id, m.own, self.at[m.voucher_id]) for m in moves]
        return in_turn([step for step in steps if step.from_group != step.group_id], {group_id: 1})


def in_turn(steps: Iterable[Step], free: Mapping[str, int]) -> Iterator[tuple[Step, ...]]:
    """Yield steps in an order in which they can be made: whoever frees a seat goes first.

    Those who wait for each other's seats are yielded together. free: places before the first.
    """
    room, left = dict(free), list(steps)
    while left:
        ready = next((step for step in left if room.get(step.group_id, 0) > 0), None)
        together = (ready,) if ready is not None else _ring(left)
        for step in together:
            left.remove(step)
        if ready is not None:
            room[ready.group_id] -= 1
            if ready.from_group is not None:
                room[ready.from_group] = room.get(ready.from_group, 0) + 1
        yield together


def _ring(left: Sequence[Step]) -> tuple[Step, ...]:
    """Return steps each of which goes where the next one leaves."""
    path: list[Step] = []
    step = left[0]
    while step not in path:
        path.append(step)
        step = next(other for other in left if other.from_group == step.group_id)
    return tuple(path[path.index(step) :])
