"""Why a place moved between two checkpoints: causes that add up exactly to the difference.

A place is counted in the own category. Whoever stood ahead then and does not now has left or fallen
back, and the place is better by one; whoever stands ahead now and did not then has come in ahead,
and it is worse by one. Each of them has one cause. Who changed the category, or was drawn, has a
place that is not comparable: the change itself is the cause of the whole difference.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal, TypeVar

Gone = Literal[
    "voucher",  # got a voucher
    "withdrawn",  # the family took the application back
    "inactive",  # a voucher was not confirmed in its term
    "ended",  # left the queue for another reason: age, annulment, stop-list
    "category-left",  # stands in another category now: own right or cohort changed
    "fell-back",  # stands later in the same category: back to its end
]
Came = Literal[
    "restored",  # an inactive application was restored with its instant
    "right",  # a right was proved, or lost: came from another category
    "cohort",  # another cohort: came with the academic year
    "corrected",  # an instant or a record was corrected by an officer's act
    "brought",  # came from another platform with its instant
]
Own = Literal["own-category", "own-cohort", "own-instant", "drawn"]
Cause = Gone | Came | Own
C = TypeVar("C", bound=str)


@dataclass(frozen=True, slots=True)
class Stood:
    """Where a ticket stood: the category, its cohort, the place in it; 0 before its draw.

    instant: since when it stands, as the order counts it; whoever's changes, moves by it.
    """

    category: int
    cohort: int
    place: int
    instant: str = ""


@dataclass(frozen=True, slots=True)
class Moves:
    """From which place to which, and how many places for each cause; below zero is better."""

    before: int
    now: int
    causes: tuple[tuple[Cause, int], ...]


def moves(
    before: Mapping[str, Stood],
    now: Mapping[str, Stood],
    *,
    gone: Mapping[str, Gone],
    came: Mapping[str, Came],
) -> dict[str, Moves]:
    """Return the moves of every ticket that stands at both checkpoints.

    gone: why each ticket that stands no more left; came: why each that did not stand before may
    stand ahead of one that did. A ticket that is new and stands behind everybody needs no cause.
    Raises KeyError where a cause is needed and not given, ValueError where two changed places with
    their instants as they were: then the order itself was wrong at one of the checkpoints.
    """
    told: dict[str, Moves] = {}
    lines: dict[int, tuple[list[str], list[str]]] = {}
    for at, stood in enumerate((before, now)):
        for ticket in sorted(stood, key=lambda t: stood[t].place):
            if stood[ticket].place:
                lines.setdefault(stood[ticket].category, ([], []))[at].append(ticket)
    for ticket, was in before.items():
        stands = now.get(ticket)
        if stands is not None and (own := _own_cause(was, stands)):
            difference = stands.place - was.place
            told[ticket] = Moves(
                was.place, stands.place, ((own, difference),) if difference else ()
            )
    for then, today in lines.values():
        stayed = [ticket for ticket in today if ticket not in told and ticket in before]
        told.update(_in_line(then, today, stayed, _Causes(before, now, gone, came)))
    return told


def _own_cause(was: Stood, stands: Stood) -> Own | None:
    if was.cohort != stands.cohort:
        return "own-cohort"
    if was.category != stands.category:
        return "own-category"
    return "drawn" if not (was.place and stands.place) else None


@dataclass(frozen=True, slots=True)
class _Causes:
    before: Mapping[str, Stood]
    now: Mapping[str, Stood]
    gone: Mapping[str, Gone]
    came: Mapping[str, Came]

    def of_leaving(self, ticket: str) -> Gone:
        return "category-left" if ticket in self.now else self.gone[ticket]

    def of_coming(self, ticket: str) -> Came:
        was = self.before.get(ticket)
        if was is None:
            return self.came[ticket]
        return "cohort" if was.cohort != self.now[ticket].cohort else "right"


def _in_line(
    then: Sequence[str], today: Sequence[str], stayed: Sequence[str], causes: _Causes
) -> dict[str, Moves]:
    """Return the moves of those who stayed in one category.

    stayed: in today's order.
    """
    place_then = {ticket: place for place, ticket in enumerate(then)}
    place_now = {ticket: place for place, ticket in enumerate(today)}
    # Those with the instant they had keep their order among each other.
    moved = [t for t in stayed if causes.before[t].instant != causes.now[t].instant]
    by_own = set(moved)
    in_both = set(stayed)
    left = _ahead(then, in_both, causes.of_leaving)
    entered = _ahead(today, in_both, causes.of_coming)
    told = {}
    for ticket in stayed:
        was, stands = place_then[ticket], place_now[ticket]
        counts: Counter[Cause] = Counter({c: -sums[was] for c, sums in left.items()})
        counts.update({c: sums[stands] for c, sums in entered.items()})
        if ticket in by_own:
            counts["own-instant"] += stands - was - counts.total()
        else:
            for other in moved:
                ahead_then, ahead_now = place_then[other] < was, place_now[other] < stands
                counts["fell-back"] -= ahead_then and not ahead_now
                counts["corrected"] += ahead_now and not ahead_then
        if counts.total() != stands - was:
            raise ValueError(f"{ticket} moved without a cause")
        told[ticket] = Moves(
            was + 1, stands + 1, tuple((c, n) for c, n in sorted(counts.items()) if n)
        )
    return told


def _ahead(
    line: Sequence[str], stayed: set[str], cause_of: Callable[[str], C]
) -> dict[C, list[int]]:
    """Return by cause how many of those who did not stay stand ahead of each place of a line.

    Whoever stands behind all who stayed moved nobody and needs no cause.
    """
    last = max((place for place, ticket in enumerate(line) if ticket in stayed), default=0)
    found = {
        place: cause_of(ticket) for place, ticket in enumerate(line[:last]) if ticket not in stayed
    }
    return {
        cause: list(accumulate((found.get(place) == cause for place in range(last)), initial=0))
        for cause in set(found.values())
    }
