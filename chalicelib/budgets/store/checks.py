"""What the nights' checks of the whole ledger found."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.budgets.rules.checking import Flaw
from chalicelib.storage import keys
from chalicelib.storage.commit import Put
from chalicelib.storage.rows import MoneyRow
from chalicelib.storage.shelf import Shelf


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """A night's check: what was read, the trial balance by kind of account, what was wrong.

    flaws: the first hundred; flawed: how many there are.
    """

    on: str
    at: str
    postings: int
    lines: int
    accounts: int
    by_kind: dict[str, int]
    flawed: int = 0
    flaws: tuple[Flaw, ...] = ()


NIGHTS: Shelf[Night] = Shelf(MoneyRow, Night)


def find_night(on: str) -> Night | None:
    """Return what a night's check found, or None. One read."""
    kept = NIGHTS.find(keys.ledger_check(on))
    return kept.value if kept else None


def newest_night() -> Night | None:
    """Return what the newest check found, or None. One query."""
    newest = NIGHTS.each(keys.ledger_check("")[0], newest_first=True, limit=1)
    return next((kept.value for kept in newest), None)


def keep_night(night: Night) -> Put:
    """Describe what a night's check found; once."""
    return NIGHTS.create(keys.ledger_check(night.on), night)
