"""B15: whoever keeps every public file of a queue for a month learns no group of one to four.

The attacker has the ordered tickets of thirty evenings and the bundles of thirty runs, knows all
rules and code, and puts them side by side: counts with their sums, one day with the next, tickets
with runs. The city is invented day by day: families come and leave, rights are proved and lost, a
run gives out the day's places. What remains open to him is written in docs/fairness.md.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import pytest

from chalicelib.policy.actions import load_pack
from chalicelib.queue.rules import (
    Cell,
    Order,
    Place,
    Seeker,
    Together,
    cells_of,
    kept_together,
    listed,
    order_of,
    plan_iteration,
    rank,
    waiting_by_category,
)

FEW = range(1, 5)
YEAR = 2026
DAYS = 30


@dataclass(frozen=True, slots=True)
class Evening:
    """What lies in public of one day: cells, and tickets by cell in their order."""

    cells: tuple[Cell, ...]
    tickets: tuple[tuple[str, ...], ...]
    served: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Truth:
    """What nobody outside knows: each ticket's category on each day."""

    evenings: tuple[Evening, ...]
    categories: tuple[Mapping[str, int], ...]


def a_month(seed: int) -> Truth:
    """Play thirty days of a small town's queue."""
    chance = random.Random(seed)
    order = order_of(load_pack("preschool", "taldykorgan").at(date(YEAR, 9, 1)), YEAR)
    queue = [_newcomer(chance, order, 0, n) for n in range(chance.randint(8, 60))]
    evenings, categories = [], []
    together: Together | None = None
    carry: Mapping[int, int] = {}
    for day in range(DAYS):
        queue = [_tomorrow(chance, order, one) for one in queue if chance.random() > 0.03]
        queue += [_newcomer(chance, order, day, n) for n in range(chance.randint(0, 4))]
        places = [
            Place(
                group_id=f"group-{n}",
                age_from=age,
                age_to=age,
                language="kk",
                kind="general",
                free=chance.choice((0, 0, 0, 1, 2)),
            )
            for n, age in enumerate((2, 3, 4, 5))
        ]
        plan = plan_iteration(queue, places, order, carry)
        served = {o.ticket: o.group_id for o in plan.outcomes if o.group_id is not None}
        carry = plan.carry
        queue = [one for one in queue if one.ticket not in served]
        waiting = waiting_by_category(queue, order)
        cells, together = published(waiting, order, together)
        ranks = rank(queue, order, carry)
        lines = listed(ranks, cells)
        by_cell = [
            tuple(line.ticket for line in lines if line.cell == number)
            for number in range(1, len(cells) + 1)
        ]
        evenings.append(Evening(cells, tuple(by_cell), served))
        categories.append({one.ticket: one.category for one in ranks})
    return Truth(tuple(evenings), tuple(categories))


def published(
    waiting: Mapping[int, int], order: Order, together: Together | None
) -> tuple[tuple[Cell, ...], Together]:
    """Return the evening's cells, and what has to stay together from then on."""
    cells = cells_of(waiting, every=order.categories.values(), together=together)
    return cells, kept_together(cells, YEAR, together)


def _newcomer(chance: random.Random, order: Order, day: int, number: int) -> Seeker:
    age = chance.choice((2, 3, 4, 5))
    return Seeker(
        application_id=f"application-{day:02d}-{number:03d}",
        ticket=f"ticket-{chance.getrandbits(40):010x}",
        tier=chance.choices(order.tiers, (1, 4, 8))[0],
        cohort=YEAR - age,
        age=age,
        ordered_at=f"2026-09-{day % 28 + 1:02d}T05:00:00.{chance.randrange(999_999):06d}Z",
        language="kk",
        kind="general",
    )


def _tomorrow(chance: random.Random, order: Order, one: Seeker) -> Seeker:
    """A right is proved, or lost, now and then."""
    if chance.random() < 0.01:
        return replace(one, tier=chance.choice(order.tiers))
    return one


def pinned(evenings: Sequence[Evening]) -> Iterator[tuple[int, frozenset[int], frozenset[str]]]:
    """Yield (day, categories, tickets): what follows when cells of several days are cut.

    Whoever stood in cells that have some categories in common must be of these, as long as its
    right did not change. Tickets that were once shown in a cell of exactly these are left out:
    there they stood among five or more, and that is no secret any more.
    """
    possible: dict[str, frozenset[int]] = {}
    shown: set[tuple[str, frozenset[int]]] = set()
    for evening in evenings:
        for cell, tickets in zip(evening.cells, evening.tickets, strict=True):
            for ticket in tickets:
                whole = frozenset(cell.categories)
                shown.add((ticket, whole))
                both = possible.get(ticket, whole) & whole
                possible[ticket] = both or whole
    for day, evening in enumerate(evenings):
        for cell, tickets in zip(evening.cells, evening.tickets, strict=True):
            narrower: dict[frozenset[int], set[str]] = {}
            for ticket in tickets:
                known = possible[ticket]
                if known < frozenset(cell.categories) and (ticket, known) not in shown:
                    narrower.setdefault(known, set()).add(ticket)
            for known, those in narrower.items():
                yield day, known, frozenset(those)


@pytest.mark.parametrize("seed", range(40))
def test_b15_no_two_days_together_show_a_small_group(seed: int) -> None:
    month = a_month(seed)

    for day, known, tickets in pinned(month.evenings):
        assert len(tickets) not in FEW, (day, known, tickets)
