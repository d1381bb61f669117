"""In what order moves that were decided together can be made one after another.

Whoever frees a seat goes before whoever takes it. What is left when nobody can go first are rings,
in which each waits for the seat of the next: all of a ring move in one step.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from heapq import heappop, heappush


def steps(moves: Sequence[tuple[str, str]], free: Mapping[str, int]) -> list[list[int]]:
    """Return the moves in steps: one alone, or a ring, each into the seat of the next of it.

    moves: from which group to which, in the order of the line; free: places before the first move.
    The earlier in the line, the earlier a move is made where several can be. Rings are as short
    as they can be. Raises ValueError when the moves do not fit into the places.
    """
    coming: dict[str, deque[int]] = {}
    for number, (_, to) in enumerate(moves):
        coming.setdefault(to, deque()).append(number)
    room = dict(free)
    ready: list[int] = []
    for group, numbers in coming.items():
        while numbers and room.get(group, 0) > 0:
            room[group] -= 1
            heappush(ready, numbers.popleft())
    made: list[list[int]] = []
    while ready:
        number = heappop(ready)
        made.append([number])
        left = moves[number][0]
        if coming.get(left):
            heappush(ready, coming[left].popleft())
    waiting = dict.fromkeys(sorted(n for numbers in coming.values() for n in numbers))
    while waiting:
        ring = _ring(next(iter(waiting)), moves, waiting)
        made.append(ring)
        for number in ring:
            del waiting[number]
    return made


def _ring(start: int, moves: Sequence[tuple[str, str]], waiting: Mapping[int, None]) -> list[int]:
    """Return the shortest ring of those who wait that one of them is in.

    As many of them come to a group as leave it, so everyone is in a ring.
    """
    leaving: dict[str, list[int]] = {}
    for number in waiting:
        leaving.setdefault(moves[number][0], []).append(number)
    home, first = moves[start]
    came: dict[str, int] = {first: start}
    groups = deque([first])
    while groups:
        group = groups.popleft()
        for number in leaving.get(group, ()):
            to = moves[number][1]
            if to == home:
                return _back(number, came, moves, start)
            if to not in came:
                came[to] = number
                groups.append(to)
    raise ValueError("more come to a group than it has places for")


def _back(
    last: int, came: Mapping[str, int], moves: Sequence[tuple[str, str]], start: int
) -> list[int]:
    ring = [last]
    while ring[-1] != start:
        ring.append(came[moves[ring[-1]][0]])
    return ring[::-1]
