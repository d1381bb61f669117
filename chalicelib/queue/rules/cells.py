"""Which categories the public sees apart, and which as one: no group of one to four, ever.

A cell is a stretch of neighbouring categories with at least five tickets. All categories of the
order are in one, those that nobody waits in too: a name that came or went with one ticket would
tell that ticket's category. And what stood together once stays together until the academic year
ends: whoever stood in the cell of 1 and 2 today and in that of 2 and 3 tomorrow is of category 2.
So the days put side by side tell no more than each does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

CELL_LEAST = 5


@dataclass(frozen=True, slots=True)
class Cell:
    """Neighbouring categories shown as one, and how many wait in them."""

    categories: tuple[int, ...]
    waiting: int


@dataclass(frozen=True, slots=True)
class Together:
    """First and last categories of what was shown as one since an academic year began."""

    academic_year: int
    ranges: tuple[tuple[int, int], ...] = ()


def cells_of(
    waiting: Mapping[int, int],
    telling: frozenset[int] = frozenset(),
    *,
    every: Iterable[int] = (),
    together: Together | None = None,
) -> tuple[Cell, ...]:
    """Return the categories as the public sees them: none of 1 to 4 stands apart.

    A small category, an empty one too, merges with the one before it, the first with the one
    behind. So does one of `telling` categories alone: whoever knows a ticket would know of its
    child's health or family. every: the categories of the order; together: what stays together.
    Empty when fewer than five wait in all, or when all there is tells.
    """
    cells: list[Cell] = []
    for categories in _units({*waiting, *every}, together):
        count = sum(waiting.get(category, 0) for category in categories)
        cells.append(Cell(categories, count))
        # What is small joins the cell before; a cell that is itself too small takes the next in.
        if len(cells) > 1 and any(_hides(cell, telling) for cell in cells[-2:]):
            last, before = cells.pop(), cells.pop()
            cells.append(_joined(before, last))
    if len(cells) == 1 and _hides(cells[0], telling):
        return ()
    return tuple(cells)


def kept_together(cells: Sequence[Cell], academic_year: int, *before: Together | None) -> Together:
    """Return what has to stay together from now on; of another year nothing does."""
    ranges = [(cell.categories[0], cell.categories[-1]) for cell in cells]
    for one in before:
        if one is not None and one.academic_year == academic_year:
            ranges += one.ranges
    merged: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(last, merged[-1][1])
        else:
            merged.append((first, last))
    return Together(academic_year, tuple(one for one in merged if one[0] < one[1]))


def _units(categories: set[int], together: Together | None) -> list[tuple[int, ...]]:
    """Return the categories in their order, those that stay together as one."""
    ranges = together.ranges if together is not None else ()
    units: dict[int, list[int]] = {}
    for category in sorted(categories):
        whose = next((first for first, last in ranges if first <= category <= last), category)
        units.setdefault(whose, []).append(category)
    return [tuple(unit) for unit in units.values()]


def _joined(before: Cell, last: Cell) -> Cell:
    return Cell((*before.categories, *last.categories), before.waiting + last.waiting)


def _hides(cell: Cell, telling: frozenset[int]) -> bool:
    """Return whether a cell may not stand alone."""
    return cell.waiting < CELL_LEAST or telling.issuperset(cell.categories)
