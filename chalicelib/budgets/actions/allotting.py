"""Budgets: set by an act, promised by vouchers, spent by statements."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from chalicelib.access import actions as access
from chalicelib.budgets.rules import ledger, sharding
from chalicelib.budgets.rules.ledger import BudgetShort
from chalicelib.budgets.store import allotments as store
from chalicelib.budgets.store import ledger as books
from chalicelib.budgets.store.allotments import Allotment, Budget
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import Month, local_day, stamp
from chalicelib.kernel.refusals import AnotherContent, Malformed, OutOfTurn, Unknown
from chalicelib.policy.actions import load_pack
from chalicelib.policy.rules import NoRuleInForce, Pack
from chalicelib.storage.commit import settles


class NoDirection(Malformed):
    """Budgets of this programme are set as `directions` says: one for each, or one per area."""

    code = "budgets/no-direction"


class TooFarAhead(OutOfTurn):
    """A budget is set at most three years ahead, up to `last`: 2062 is a slip for 2026."""

    code = "budgets/too-far-ahead"


# Budgets are adopted for three years, the coming one and two after it.
YEARS_AHEAD = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetShown:
    """A year's budget: allotted by its newest act, promised to vouchers, and left to promise.

    committed_tiyn: what vouchers hold of the year's months and no statement has used yet.
    moved_tiyn: what came with children from other directions, below zero where more went with them.
    """

    programme: str
    area: str
    year: int
    direction: str
    amount_tiyn: int
    moved_tiyn: int
    committed_tiyn: int
    left_tiyn: int
    acts: tuple[Allotment, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetFigure:
    """What the public sees of one budget; allotted + moved = committed + spent + left.

    moved_tiyn: what came with children from other directions, below zero where more went with them.
    """

    direction: str
    allotted_tiyn: int
    moved_tiyn: int
    committed_tiyn: int
    spent_tiyn: int
    left_tiyn: int


def directions_of(pack: Pack, on: date) -> tuple[str, ...]:
    """Return whose budgets a programme has, by the rules of a day; ("",) for one per area."""
    rules = pack.at(on)
    return tuple(rules.kinds) if rules.budget.by == "kind" else ("",)


def short(programme: str, area: str, year: int, direction: str) -> BudgetShort:
    """Return the refusal of a budget that does not cover something, its direction in words."""
    named = {kind.code: kind.text for kind in load_pack(programme, area).rows["kinds"]}
    called = named.get(direction)
    if called is None:
        return BudgetShort(programme=programme, area=area, year=year, whose=area)
    return BudgetShort(
        programme=programme,
        area=area,
        year=year,
        direction=direction,
        whose={each: f"{area} ({called.in_(each)})" for each in ("kk", "ru", "en")},
    )


@settles
def allot(
    *,
    programme: str,
    area: str,
    year: int,
    amount_tiyn: int,
    act: str,
    direction: str = "",
    by: Actor,
    now: datetime,
) -> BudgetShown:
    """Set a year's budget by an act; the same act again changes nothing.

    Less than was promised and spent is refused by the ledger itself, a year before or after the
    programme by its rules. Raises Unknown, NoPack, NoRuleInForce, TooFarAhead, NoDirection,
    AnotherContent, BudgetShort.
    """
    access.demand(by, area=area)
    pack = load_pack(programme, area)
    if not date(year, 1, 1) <= pack.within(date(year, 1, 1)) <= date(year, 12, 31):
        raise NoRuleInForce(pack=pack.id, on=date(year, 12, 31).isoformat())
    last = local_day(now).year + YEARS_AHEAD
    if year > last:
        raise TooFarAhead(last=last)
    known = directions_of(pack, local_day(now))
    if direction not in known:
        raise NoDirection(directions=list(known))
    access.demand(by, area=area, direction=direction)
    kept = store.find_budget(programme, area, year, direction)
    acts = kept.value.acts if kept is not None else ()
    earlier = next((a for a in acts if a.act == act), None)
    if kept is not None and earlier is not None:
        if earlier.amount_tiyn != amount_tiyn:
            raise AnotherContent()
        return _shown(kept.value)
    before = kept.value.amount_tiyn if kept is not None else 0
    money = ledger.budget(programme, area, year, direction)
    budget = Budget(
        programme=programme,
        area=area,
        year=year,
        direction=direction,
        amount_tiyn=amount_tiyn,
        acts=(*acts, Allotment(act=act, amount_tiyn=amount_tiyn, at=stamp(now))),
    )
    posting = ledger.posting(
        f"budget#{budget.name}#{len(acts) + 1:04d}",
        (
            (ledger.treasury(programme, area, year, direction), before - amount_tiyn),
            (money, amount_tiyn - before),
        ),
        at=stamp(now),
        act=act,
    )
    refusal = short(programme, area, year, direction)
    entry = journal.entry(
        "budgets/allotted",
        budget.stream,
        by=by,
        now=now,
        act=act,
        amount_tiyn=amount_tiyn,
    )
    # The whole year's sum says how hot the budget will be; what it lies in, it keeps.
    moved = books.book(posting, otherwise={money: refusal}, shards=sharding.shards_for(amount_tiyn))
    journal.commit(entry, store.keep_budget(kept, budget), *moved)
    return _shown(budget)


def see_budget(
    *, programme: str, area: str, year: int, by: Actor, direction: str = ""
) -> BudgetShown:
    """Return a year's budget and what is left of it. Raises NoPack, Unknown."""
    load_pack(programme, area)
    # No row is asked for by a name that no row can have.
    known = (direction.replace("-", "").isalnum() and len(direction) <= 64) or not direction
    kept = store.find_budget(programme, area, year, direction) if known else None
    access.demand(by, area=area, direction=direction)
    if kept is None:
        raise Unknown()
    return _shown(kept.value)


def figures(programme: str, area: str, year: int) -> tuple[BudgetFigure, ...]:
    """Return a year's budgets for the public, by direction. Raises NoPack."""
    load_pack(programme, area)
    found = []
    for budget in store.list_budgets(programme, area, year):
        shown = _shown(budget)
        found.append(
            BudgetFigure(
                direction=budget.direction,
                allotted_tiyn=budget.amount_tiyn,
                committed_tiyn=shown.committed_tiyn,
                moved_tiyn=shown.moved_tiyn,
                spent_tiyn=budget.amount_tiyn
                + shown.moved_tiyn
                - shown.committed_tiyn
                - shown.left_tiyn,
                left_tiyn=shown.left_tiyn,
            )
        )
    return tuple(found)


def _shown(budget: Budget) -> BudgetShown:
    of = (budget.programme, budget.area)
    money = ledger.budget(*of, budget.year, budget.direction)
    months = [
        ledger.committed(*of, Month(budget.year, number), budget.direction)
        for number in range(1, 13)
    ]
    given = ledger.treasury(*of, budget.year, budget.direction)
    balances = books.balances([money, given, *months])
    return BudgetShown(
        programme=budget.programme,
        area=budget.area,
        year=budget.year,
        direction=budget.direction,
        amount_tiyn=budget.amount_tiyn,
        moved_tiyn=-balances[given] - budget.amount_tiyn,
        committed_tiyn=sum(balances[month] for month in months),
        left_tiyn=balances[money],
        acts=budget.acts,
    )
