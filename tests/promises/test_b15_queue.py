"""B15: whoever keeps every public file of a queue for a month learns no group of one to four.

The attacker has the ordered tickets of thirty evenings and the bundles of thirty runs, knows all
rules and code, and puts them side by side: counts with their sums, one day with the next, tickets
with runs. The city is invented day by day: families come and leave, rights are proved and lost, a
run gives out the day's places. What remains open to him is written in docs/fairness.md.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import pytest

from chalicelib.kernel.ids import new_ticket
from chalicelib.policy.actions import load_pack
from chalicelib.queue.rules import (
    Cell,
    Order,
    Place,
    Seeker,
    Together,
    bundles,
    cells_of,
    chain,
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


@pytest.mark.parametrize("seed", range(8))
def test_b15_every_count_is_of_five_and_more_and_sums_leave_nothing_over(seed: int) -> None:
    for evening in a_month(seed).evenings:
        counts = [cell.waiting for cell in evening.cells]
        assert not any(count in FEW for count in counts)
        assert counts == [len(tickets) for tickets in evening.tickets]


@pytest.mark.parametrize("seed", range(8))
def test_b15_no_category_comes_or_goes_with_a_ticket(seed: int) -> None:
    """All categories are named each evening, whoever waits in them; only boundaries may fall."""
    evenings = [evening for evening in a_month(seed).evenings if evening.cells]

    named = {tuple(c for cell in evening.cells for c in cell.categories) for evening in evenings}
    assert len(named) <= 1
    ends = [{cell.categories[-1] for cell in evening.cells} for evening in evenings]
    for earlier, later in itertools.pairwise(ends):
        assert later <= earlier


@pytest.mark.parametrize("seed", range(12))
def test_b15_within_a_cell_no_position_tells_a_tier(seed: int) -> None:
    """If two of one cell had each other's rights, what is published would be the same."""
    chance = random.Random(seed)
    order = order_of(load_pack("preschool", "taldykorgan").at(date(YEAR, 9, 1)), YEAR)
    queue = [_newcomer(chance, order, 0, n) for n in range(30)]
    cells = cells_of(waiting_by_category(queue, order), every=order.categories.values())
    before = listed(rank(queue, order, {}), cells)
    whose = {category: cell for cell in cells for category in cell.categories}

    for one, other in itertools.combinations(range(len(queue)), 2):
        a, b = queue[one], queue[other]
        cell = whose[order.categories[a.tier, a.cohort]]
        merged = len(cell.categories) > 1
        if merged and cell == whose[order.categories[b.tier, b.cohort]]:
            swapped = list(queue)
            swapped[one] = replace(a, tier=b.tier, cohort=b.cohort, age=b.age)
            swapped[other] = replace(b, tier=a.tier, cohort=a.cohort, age=a.age)

            assert listed(rank(swapped, order, {}), cells) == before


def test_b15_no_digest_links_two_evenings_or_an_evening_with_a_run() -> None:
    """One salt serves a ticket for ever, so the number of the evening stands in what is hashed."""
    order = order_of(load_pack("preschool", "taldykorgan").at(date(YEAR, 9, 1)), YEAR)
    seeker = _newcomer(random.Random(1), order, 0, 1)
    (one,) = rank([seeker], order, {})
    salt = bytes(16)

    evenings = {chain.leaf_digest(chain.leaf_text(one, n), salt) for n in range(1, DAYS + 1)}
    runs = {
        bundles.leaf_digest(salt, bundles.leaf_text(seeker, {}, f"run-{n}")) for n in range(DAYS)
    }

    assert len(evenings | runs) == 2 * DAYS


def test_b15_a_leaf_cannot_be_guessed_from_all_that_is_public() -> None:
    """Whoever tries every category and every place of a ticket meets the salt of 128 bits."""
    order = order_of(load_pack("preschool", "taldykorgan").at(date(YEAR, 9, 1)), YEAR)
    seeker = _newcomer(random.Random(1), order, 0, 1)
    (one,) = rank([seeker], order, {})
    published = chain.leaf_digest(chain.leaf_text(one, 7), b"sixteen bytes ..")

    tried = {
        chain.leaf_digest(chain.leaf_text(replace(one, category=c, place=p), 7), salt)
        for c in order.categories.values()
        for p in range(1, 60)
        for salt in (b"", bytes(16), seeker.ticket.encode(), seeker.application_id.encode())
    }

    assert published not in tried


def test_b15_a_tree_of_fewer_than_five_looks_like_one_of_five() -> None:
    sizes = {count + chain.blanks_for(count) for count in range(6)}

    assert sizes == {5}
    assert len(chain.blank_digest(bytes(16))) == len(chain.leaf_digest(b"text", bytes(16)))


def test_b15_a_ticket_that_comes_back_is_not_known_again() -> None:
    """Tickets are drawn anew for each application, whatever the family did before."""
    tickets = {new_ticket() for _ in range(2_000)}

    assert len(tickets) == 2_000


def test_the_attacker_wins_where_cells_forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the attack above is known to be one."""

    def careless(
        waiting: Mapping[int, int], order: Order, together: Together | None
    ) -> tuple[tuple[Cell, ...], Together]:
        return cells_of({c: n for c, n in waiting.items() if n}), Together(YEAR)

    monkeypatch.setitem(globals(), "published", careless)

    told = [
        known
        for seed in range(20)
        for _, known, tickets in pinned(a_month(seed).evenings)
        if len(tickets) in FEW
    ]

    assert told
