"""What is true when a planned voucher is to be issued, some minutes after it was planned.

Between plan and issue a family may have withdrawn, or a holder may have chosen the planned seat.
Whoever left is passed over; whose seat is gone gets the next one by the same rule, in the same
order, so that nobody later is served before. Twins are still placed together or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from chalicelib.applications.rules import Application
from chalicelib.policy.rules import AcademicYear
from chalicelib.providers.rules import Group, free_places
from chalicelib.queue.rules.engine import Outcome, Reason, decide, waiting
from chalicelib.queue.rules.groups import Groups, Place
from chalicelib.queue.rules.matching import NONE
from chalicelib.queue.rules.order import Seeker
from chalicelib.vouchers.rules import vacant_on

APPLICATION_CHANGED = "application-changed"
PLACE_TAKEN = "place-taken"
VOUCHER_CHANGED = "voucher-changed"
RING_TOO_LONG = "ring-too-long"
# Each of a batch or ring writes three rows and more: of a longer one no commit ever holds all.
TOGETHER_MOST = 33


@dataclass(frozen=True, slots=True)
class Granted:
    """The group a unit gets now, and for each member the lists its voucher goes on."""

    group_id: str
    waiting: tuple[tuple[str, ...], ...]


def starts(on: date, academic_year: int, rule: AcademicYear) -> date:
    """Return the day from which a seat given on a day is held: places of a year begin with it."""
    return max(on, rule.first_day(academic_year))


def places_of(groups: Iterable[Group], *, academic_year: int, from_on: date) -> list[Place]:
    """Return the open groups of an academic year as the engine sees them, full ones too."""
    return [
        Place(
            group_id=group.group_id,
            age_from=group.age_from,
            age_to=group.age_to,
            language=group.language,
            kind=group.kind,
            free=free_places(group, from_on=from_on),
        )
        for group in groups
        if group.open and group.academic_year == academic_year
    ]


def still_waits(application: Application | None) -> bool:
    """Return whether an application is still one a voucher can be issued for."""
    return application is not None and application.state == "queued"


def as_planned(
    outcomes: Sequence[Outcome], groups: Mapping[str, Group], *, from_on: date, upto: date
) -> Granted | None:
    """Return the planned seats if they are free, None when they are gone.

    upto: seats that holders leave are free from this day at the latest.
    """
    group = groups.get(outcomes[0].group_id or "")
    if group is None or vacant_on(group, from_on, upto, seats=len(outcomes)) is None:
        return None
    return Granted(group.group_id, tuple(outcome.waiting for outcome in outcomes))


def otherwise(
    seekers: Sequence[Seeker], places: Sequence[Place], *, waiting_lists_max: int
) -> Granted | None:
    """Return the next seats by the engine's own rule, None when nothing that fits is free."""
    groups = Groups.of(places)
    got = decide(seekers, [list(range(len(seekers)))], groups).seat[0]
    if got == NONE:
        return None
    group_id = groups.places[got].group_id
    wished = any(group_id in seeker.preferences for seeker in seekers)
    reason: Reason = "preferred" if wished else "other-group"
    return Granted(
        group_id,
        tuple(waiting(seeker, reason, groups, most=waiting_lists_max) for seeker in seekers),
    )


def next_units(outcomes: Iterable[Outcome], most: int) -> tuple[list[list[Outcome]], int]:
    """Return about `most` planned vouchers and moves, and how many outcomes they reach over.

    outcomes: in the order in which they are made; read only as far as needed. Batches and rings,
    made in one step, stay whole.
    """
    units: list[list[Outcome]] = []
    planned = reached = 0
    for outcome in outcomes:
        joins = bool(units) and _joins(units[-1][-1], outcome)
        if planned >= most and not joins:
            break
        reached += 1
        if not (outcome.gets or outcome.moves):
            continue
        planned += 1
        if joins:
            units[-1].append(outcome)
        else:
            units.append([outcome])
    return units, reached


def _joins(before: Outcome, outcome: Outcome) -> bool:
    """Return whether an outcome is made in one step with the one before it."""
    if outcome.moves:
        return outcome.ring is not None and before.ring == outcome.ring
    return outcome.gets and outcome.batch_id is not None and before.batch_id == outcome.batch_id
