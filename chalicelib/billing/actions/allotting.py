"""Budgets: set by an act, spent by statements."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chalicelib.billing.rules import ledger
from chalicelib.billing.rules.ledger import BudgetShort
from chalicelib.billing.store import ledger as books
from chalicelib.billing.store import statements as store
from chalicelib.billing.store.statements import (
    Allotment,
    Budget,
)
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor, Role
from chalicelib.kernel.periods import stamp
from chalicelib.kernel.refusals import AnotherContent, Unknown
from chalicelib.policy.actions import load_pack
from chalicelib.storage.commit import settles


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetShown:
    """A year's budget: allotted by its newest act, and what may still be spent."""

    programme: str
    area: str
    year: int
    amount_tiyn: int
    left_tiyn: int
    acts: tuple[Allotment, ...]


@settles
def allot(
    *,
    programme: str,
    area: str,
    year: int,
    amount_tiyn: int,
    act: str,
    by: Actor,
    now: datetime,
) -> BudgetShown:
    """Set a year's budget by an act; the same act again changes nothing.

    Less than was spent is refused by the ledger itself. Raises Unknown, NoPack, AnotherContent,
    BudgetShort.
    """
    if not by.serves(area):
        raise Unknown()
    load_pack(programme, area)
    kept = store.find_budget(programme, area, year)
    acts = kept.value.acts if kept is not None else ()
    earlier = next((a for a in acts if a.act == act), None)
    if earlier is not None:
        if earlier.amount_tiyn != amount_tiyn:
            raise AnotherContent()
        return see_budget(programme=programme, area=area, year=year, by=by)
    before = kept.value.amount_tiyn if kept is not None else 0
    money = ledger.budget(programme, area, year)
    posting = ledger.posting(
        f"budget#{programme}#{area}#{year}#{len(acts) + 1:04d}",
        (
            (ledger.treasury(programme, area, year), before - amount_tiyn),
            (money, amount_tiyn - before),
        ),
        at=stamp(now),
        act=act,
    )
    budget = Budget(
        programme=programme,
        area=area,
        year=year,
        amount_tiyn=amount_tiyn,
        acts=(*acts, Allotment(act=act, amount_tiyn=amount_tiyn, at=stamp(now))),
    )
    entry = journal.entry(
        "billing/allotted",
        f"budget/{programme}/{area}/{year}",
        by=by,
        now=now,
        act=act,
        amount_tiyn=amount_tiyn,
    )
    short = BudgetShort(programme=programme, area=area, year=year)
    journal.commit(
        entry, store.keep_budget(kept, budget), *books.book(posting, otherwise={money: short})
    )
    return see_budget(programme=programme, area=area, year=year, by=by)


def see_budget(*, programme: str, area: str, year: int, by: Actor) -> BudgetShown:
    """Return a year's budget and what is left of it. Raises Unknown."""
    kept = store.find_budget(programme, area, year)
    if kept is None or not (by.serves(area) or by.has(Role.AUDITOR)):
        raise Unknown()
    money = ledger.budget(programme, area, year)
    return BudgetShown(
        programme=programme,
        area=area,
        year=year,
        amount_tiyn=kept.value.amount_tiyn,
        left_tiyn=books.balances([money])[money],
        acts=kept.value.acts,
    )
