"""The open groups of an area as a run sees them, and whom each of them takes."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from chalicelib.queue.rules.matching import NONE
from chalicelib.queue.rules.order import Seeker

Misfit = Literal["kind", "language", "age"]
Shortage = Literal["no-place-left", "no-group-of-kind", "no-group-in-language", "no-group-for-age"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An open group of the area: whom it takes and how many more.

    awaited: how many more holders stand on its waiting list than it has places; what movers leave
    there is offered to them before the run may give it.
    """

    group_id: str
    age_from: int
    age_to: int
    language: str
    kind: str
    free: int
    awaited: int = 0


@dataclass(slots=True)
class Groups:
    """The open groups of an area, by number, and which of them fit whom.

    shared: for each sort of child that was asked for, all groups that fit, most places first.
    """

    places: Sequence[Place]  # sorted by group id
    index: dict[str, int] = field(default_factory=dict)
    shared: list[array[int]] = field(default_factory=list)
    _sorts: dict[tuple[int, str, str], int] = field(default_factory=dict)
    _fit: list[frozenset[int]] = field(default_factory=list)
    _lack: dict[int, Shortage] = field(default_factory=dict)

    @classmethod
    def of(cls, places: Iterable[Place]) -> Groups:
        in_order = sorted(places, key=lambda place: place.group_id)
        return cls(in_order, {place.group_id: n for n, place in enumerate(in_order)})

    def sort_of(self, seeker: Seeker) -> int:
        """Return which of the shared lists holds the groups that fit a child."""
        asked = seeker.age, seeker.language, seeker.kind
        known = self._sorts.get(asked)
        if known is None:
            known = self._sorts[asked] = len(self.shared)
            fitting = [n for n in range(len(self.places)) if misfit(self.places[n], seeker) is None]
            fitting.sort(key=lambda n: -self.places[n].free)
            self.shared.append(array("i", fitting))
            self._fit.append(frozenset(fitting))
        return known

    def wished(self, seeker: Seeker) -> list[int]:
        """Return the preferred groups that fit, best first."""
        fit, index = self._fit[self.sort_of(seeker)], self.index
        return [n for g in dict.fromkeys(seeker.preferences) if (n := index.get(g, NONE)) in fit]

    def shortage(self, seeker: Seeker) -> Shortage:
        """Return why a child finds no place at all."""
        asked = self.sort_of(seeker)
        if asked not in self._lack:
            self._lack[asked] = self._shortage(seeker)
        return self._lack[asked]

    def _shortage(self, seeker: Seeker) -> Shortage:
        if self.shared[self.sort_of(seeker)]:
            return "no-place-left"
        of_kind = [place for place in self.places if place.kind == seeker.kind]
        if not of_kind:
            return "no-group-of-kind"
        if all(place.language != seeker.language for place in of_kind):
            return "no-group-in-language"
        return "no-group-for-age"


def misfit(place: Place, seeker: Seeker) -> Misfit | None:
    """Return what keeps a child out of a group whatever its places, None when it fits."""
    if place.kind != seeker.kind:
        return "kind"
    if place.language != seeker.language:
        return "language"
    if not place.age_from <= seeker.age <= place.age_to:
        return "age"
    return None


def fitting(places: Iterable[Place], seeker: Seeker) -> tuple[str, ...]:
    """Return which of some groups take a child."""
    return tuple(sorted(p.group_id for p in places if misfit(p, seeker) is None))
