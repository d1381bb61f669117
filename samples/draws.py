"""Chance that repeats: the same seed draws the same things under every Python and platform.

Only `Random.random` is promised to stay the same between versions, so all else is made of it.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Draws:
    """A stream of draws; `apart` opens another that does not disturb this one."""

    def __init__(self, seed: int | str) -> None:
        self.seed = seed
        self._random = random.Random(str(seed))

    def apart(self, name: str) -> Draws:
        """Return an independent stream, named so that a new one leaves the others as they are."""
        return Draws(f"{self.seed}/{name}")

    def number(self, first: int, last: int) -> int:
        """Return a whole number from first to last, both included."""
        return first + int(self._random.random() * (last - first + 1))

    def one(self, things: Sequence[T]) -> T:
        """Return one of several things."""
        return things[self.number(0, len(things) - 1)]

    def weighted(self, things: Sequence[tuple[T, int]]) -> T:
        """Return one of several things, each as likely as its weight."""
        left = self.number(1, sum(weight for _, weight in things))
        for thing, weight in things:
            left -= weight
            if left <= 0:
                return thing
        raise AssertionError("weights do not add up")

    def chance(self, per_mille: int) -> bool:
        """Return True as often as per_mille of a thousand."""
        return self.number(1, 1000) <= per_mille

    def some(self, things: Sequence[T], count: int) -> list[T]:
        """Return `count` different things (fewer if there are not so many) in drawn order."""
        return self.mixed(things)[:count]

    def mixed(self, things: Sequence[T]) -> list[T]:
        """Return the things in another order."""
        order = list(things)
        for last in range(len(order) - 1, 0, -1):
            other = self.number(0, last)
            order[last], order[other] = order[other], order[last]
        return order
