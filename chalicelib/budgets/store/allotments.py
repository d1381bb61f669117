"""Budgets as acts set them."""

from __future__ import annotations

from dataclasses import dataclass, field

from chalicelib.storage import keys
from chalicelib.storage.commit import Put
from chalicelib.storage.rows import MoneyRow
from chalicelib.storage.shelf import Kept, Shelf


@dataclass(frozen=True, slots=True, kw_only=True)
class Allotment:
    """One act that set a year's budget."""

    act: str
    amount_tiyn: int
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """A year's budget: what the newest act says, and the acts before it.

    direction: whose department it is, "" where the programme has one budget per area.
    """

    programme: str
    area: str
    year: int
    amount_tiyn: int
    acts: tuple[Allotment, ...] = field(default_factory=tuple)
    direction: str = ""

    @property
    def stream(self) -> str:
        """Return the journal's stream of this budget."""
        return "/".join(filter(None, ("budget", *self._named)))

    @property
    def name(self) -> str:
        """Return the budget's part of a posting's natural name."""
        return "#".join(filter(None, self._named))

    @property
    def _named(self) -> tuple[str, ...]:
        return self.programme, self.area, str(self.year), self.direction


BUDGETS: Shelf[Budget] = Shelf(MoneyRow, Budget)


def find_budget(programme: str, area: str, year: int, direction: str) -> Kept[Budget] | None:
    """Return a year's budget, or None."""
    return BUDGETS.find(keys.budget(programme, area, year, direction))


def list_budgets(programme: str, area: str, year: int) -> list[Budget]:
    """Return a year's budgets, by direction. One query."""
    pk, sk = keys.budget(programme, area, year)
    return [kept.value for kept in BUDGETS.each(pk, begins=sk)]


def keep_budget(kept: Kept[Budget] | None, budget: Budget) -> Put:
    """Describe a year's budget by its newest act."""
    if kept is None:
        key = keys.budget(budget.programme, budget.area, budget.year, budget.direction)
        return BUDGETS.create(key, budget)
    return BUDGETS.replace(kept, budget)


def touch(kept: Kept[Budget]) -> Put:
    """Describe a budget's next version with the same content: what its accounts did is new."""
    return BUDGETS.replace(kept, kept.value)
