"""What a checkpoint publishes: each family its place and why, everybody the order without persons.

A rank is counted once, at the checkpoint, and read as of its instant; nothing counts it live.

In public a category with fewer than five tickets merges upward, with the next better one that has
any, so that nothing small stands apart. Every public view uses the same cells of the same
checkpoint: a sum or difference of two views never isolates what a view alone hides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.kernel.periods import local, start_of
from chalicelib.queue.rules.order import Order, Seeker, merge

CELL_LEAST = 5
CHECKPOINT_HOUR = 19  # each evening, an hour after the iteration


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """How many stand ahead in the cohort's merged order, by cause; they add up to the total.

    own_category: earlier in the same category; better_right: a tier before the merged line;
    alternation: the other tier of the merged line, by its turns.
    """

    own_category: int
    better_right: int
    alternation: int

    @property
    def total(self) -> int:
        return self.own_category + self.better_right + self.alternation


@dataclass(frozen=True, slots=True, kw_only=True)
class Rank:
    """Where one application stands.

    place: in its category, 1 first, of `waiting`; older_cohorts: how many of older cohorts are
    served before, for groups that take several ages.
    """

    application_id: str
    ticket: str
    tier: str
    cohort: int
    category: int
    place: int
    waiting: int
    ahead: Ahead
    older_cohorts: int


@dataclass(frozen=True, slots=True)
class Cell:
    """Neighbouring categories shown as one, and how many wait in them."""

    categories: tuple[int, ...]
    waiting: int


@dataclass(frozen=True, slots=True)
class Listed:
    """A line of the public order: a cell's number, the place in the cell, the ticket."""

    cell: int
    place: int
    ticket: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The newest checkpoint of a queue.

    series: under which its pages lie; pages of them by application, lists of the public order.
    cells: empty when fewer than five wait in the whole queue. told: applications whose families
    were told that their turn is near and that still stand so.
    """

    checkpoint_id: str
    programme: str
    area: str
    as_of: str
    academic_year: int
    pack: str
    series: str
    pages: int
    lists: int
    waiting: int
    cells: tuple[Cell, ...] = ()
    told: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What was published under an id; asked: digest of what was asked."""

    checkpoint_id: str
    asked: str
    head: Head


def rank(seekers: Sequence[Seeker], order: Order, carry: Mapping[int, int]) -> list[Rank]:
    """Return the rank of everybody in the merged order; children out of age have none."""
    line = merge(seekers, order, carry)
    waiting = waiting_by_category(seekers, order)
    in_category: dict[int, int] = {}
    in_cohort: dict[int, int] = {}
    merged_in_cohort: dict[int, int] = {}
    merged = {order.first, order.then}
    ranks = []
    for at, index in enumerate(line.members):
        seeker = seekers[index]
        category = order.categories[seeker.tier, seeker.cohort]
        own = in_category.get(category, 0)
        total = in_cohort.get(seeker.cohort, 0)
        alternating = merged_in_cohort.get(seeker.cohort, 0) - own if seeker.tier in merged else 0
        ranks.append(
            Rank(
                application_id=seeker.application_id,
                ticket=seeker.ticket,
                tier=seeker.tier,
                cohort=seeker.cohort,
                category=category,
                place=own + 1,
                waiting=waiting[category],
                ahead=Ahead(
                    own_category=own,
                    better_right=total - own - alternating,
                    alternation=alternating,
                ),
                older_cohorts=at - total,
            )
        )
        in_category[category] = own + 1
        in_cohort[seeker.cohort] = total + 1
        if seeker.tier in merged:
            merged_in_cohort[seeker.cohort] = merged_in_cohort.get(seeker.cohort, 0) + 1
    return ranks


def waiting_by_category(seekers: Iterable[Seeker], order: Order) -> dict[int, int]:
    """Return how many wait in each category that has any."""
    counts: dict[int, int] = {}
    for seeker in seekers:
        if seeker.out_of_age is None:
            category = order.categories[seeker.tier, seeker.cohort]
            counts[category] = counts.get(category, 0) + 1
    return dict(sorted(counts.items()))


def cells_of(waiting: Mapping[int, int]) -> tuple[Cell, ...]:
    """Return the categories as the public sees them: none of 1 to 4 stands apart.

    A small category merges with the one before it, the first with the one behind; those that
    nobody waits in are left out. Empty when fewer than five wait in all.
    """
    cells: list[Cell] = []
    for category in sorted(waiting):
        count = waiting[category]
        if not count:
            continue
        # Small ones join the cell before; a cell that is itself too small takes the next in.
        if cells and (count < CELL_LEAST or cells[-1].waiting < CELL_LEAST):
            before = cells.pop()
            cells.append(Cell((*before.categories, category), before.waiting + count))
        else:
            cells.append(Cell((category,), count))
    if len(cells) == 1 and cells[0].waiting < CELL_LEAST:
        return ()
    return tuple(cells)


def listed(ranks: Iterable[Rank], cells: Sequence[Cell]) -> list[Listed]:
    """Return the public order: cell by cell, in each by category and place."""
    cell_of = {category: n for n, cell in enumerate(cells, 1) for category in cell.categories}
    lines: list[Listed] = []
    places: dict[int, int] = {}
    for one in sorted(ranks, key=lambda r: (r.category, r.place)):
        cell = cell_of.get(one.category)
        if cell is not None:
            places[cell] = places.get(cell, 0) + 1
            lines.append(Listed(cell, places[cell], one.ticket))
    return lines


def near(ranks: Iterable[Rank], *, ahead_max: int) -> list[str]:
    """Return the applications whose turn is near: at most so many ahead in their cohort."""
    return [one.application_id for one in ranks if one.ahead.total <= ahead_max]


def next_checkpoint(now: datetime) -> datetime:
    """Return the instant of the next evening's checkpoint, in UTC."""
    here = local(now)
    day = here.date()
    if here.hour >= CHECKPOINT_HOUR:
        day += timedelta(days=1)
    return start_of(day) + timedelta(hours=CHECKPOINT_HOUR)
