"""A city's budget in many rows through its year: act, vouchers, statements, reversals, the rest."""

from __future__ import annotations

import itertools
import random
from datetime import UTC, datetime

import pytest

from chalicelib.budgets import actions as budgets
from chalicelib.budgets.rules import ledger, sharding
from chalicelib.budgets.rules.ledger import BudgetShort
from chalicelib.budgets.rules.reserving import Reserve, rest
from chalicelib.budgets.store import ledger as books
from chalicelib.kernel.actors import Actor, Role, system
from chalicelib.kernel.money import tenge
from chalicelib.kernel.periods import Month, stamp
from chalicelib.storage.commit import Raced, commit
from infra.local import faults

OF = ("clubs", "karaganda")
OCTOBER, DECEMBER = Month(2026, 10), Month(2026, 12)
SEPTEMBER_9 = datetime(2026, 9, 9, 4, 0, tzinfo=UTC)
FINANCE = Actor(
    "finance-1",
    frozenset({Role.FINANCE}),
    areas=frozenset({"karaganda"}),
    directions=frozenset({"*"}),
)
YEAR = tenge(800_000_000)
MONTH_MAX = tenge(9_000_000)


def allot(amount, act="№ 1", direction="sport"):
    return budgets.allot(
        programme=OF[0],
        area=OF[1],
        year=2026,
        direction=direction,
        amount_tiyn=amount,
        act=act,
        by=FINANCE,
        now=SEPTEMBER_9,
    )


def a_reserve(amount=MONTH_MAX):
    return Reserve(
        programme=OF[0],
        area=OF[1],
        direction="sport",
        month_tiyn=amount,
        first=OCTOBER,
        last=DECEMBER,
    )


def seen():
    return budgets.see_budget(programme=OF[0], area=OF[1], year=2026, direction="sport", by=FINANCE)


def state(name, site, month, amount):
    """Post a statement, as often as it takes."""
    while True:
        movements, otherwise = budgets.using(*OF, month, "sport", amount)
        accrued = (ledger.accrued(site, month), amount)
        posting = ledger.posting(name, (*movements, accrued), at="2026-11-11T00:00:00.000000Z")
        try:
            commit(books.book(posting, otherwise=otherwise))
            return
        except Raced:
            continue


def test_a_year_of_a_budget_in_eight_rows_is_exact_to_the_tiyn(tables):
    drawn = random.Random(20261123)
    allot(YEAR)
    assert books.width(ledger.budget(*OF, 2026, "sport")) == 8

    for n in range(24):
        commit(budgets.reserving(f"reserve#{n}", [a_reserve()], at=stamp(SEPTEMBER_9)))
    stated = 0
    for n in range(24):
        amount = drawn.randint(1, MONTH_MAX)
        state(f"statement#{n}#1", f"site-{n:04d}", OCTOBER, amount)
        if n % 3 == 0:
            back = drawn.randint(1, amount)
            state(f"statement#{n}#2", f"site-{n:04d}", OCTOBER, -back)
            amount -= back
        stated += amount
    ended = [rest(a_reserve(), after=Month(2026, 11))]
    commit(budgets.releasing("release#0", ended, at=stamp(SEPTEMBER_9)))

    held = 24 * 3 * MONTH_MAX - stated - MONTH_MAX
    assert (seen().left_tiyn, seen().committed_tiyn) == (
        YEAR - 24 * 3 * MONTH_MAX + MONTH_MAX,
        held,
    )
    spent = next(f for f in budgets.figures(*OF, 2026) if f.direction == "sport").spent_tiyn
    assert spent == stated

    later = datetime(2027, 2, 1, 4, 0, tzinfo=UTC)
    settled = budgets.settle_month(*OF, OCTOBER, by=system("billing"), now=later)

    assert settled == 24 * MONTH_MAX - stated
    assert seen().left_tiyn == YEAR - stated - (24 * 2 - 1) * MONTH_MAX
    assert budgets.check_ledger(pause=lambda s: None).flaws == ()


def test_an_act_cuts_a_budget_in_rows_to_what_is_spent_and_not_below(tables):
    allot(YEAR)
    for n in range(30):
        state(f"statement#{n}", f"site-{n:04d}", OCTOBER, tenge(10_000_000))

    with pytest.raises(BudgetShort):
        allot(tenge(300_000_000) - 1, "№ 2")
    cut = allot(tenge(300_000_000), "№ 3")

    assert (cut.left_tiyn, books.width(ledger.budget(*OF, 2026, "sport"))) == (0, 8)
    assert allot(YEAR, "№ 4").left_tiyn == tenge(500_000_000)


def test_a1_an_allotment_in_rows_that_dies_anywhere_is_made_once(tables):
    allot(YEAR)
    whole = tables.effects()
    died = 0
    for when in ("before", "after"):
        for call in itertools.count(1):
            tables.wipe()
            try:
                with faults.crash(**{when: call}):
                    allot(YEAR)
            except faults.Crash:
                allot(YEAR)
                died += 1
            else:
                break
            finally:
                _same_money(tables, whole)

    assert died >= 6


def _same_money(tables, whole):
    def money(rows):
        return {
            (row["pk"]["S"], row["sk"]["S"]): row.get("balance_tiyn")
            for row in rows["money"]
            if "balance_tiyn" in row
        }

    found = tables.effects()
    key = next(name for name in whole if name.endswith("money"))
    assert money({"money": found[key]}) == money({"money": whole[key]})


def test_a_budget_that_runs_dry_pays_to_the_last_tiyn_from_whatever_row_holds_it(tables):
    allot(YEAR)
    rows = sharding.shards_for(YEAR)
    left = YEAR
    for n in range(rows * 2 - 1):
        amount = YEAR // (rows * 2) + 1
        state(f"statement#{n}", f"site-{n:04d}", OCTOBER, amount)
        left -= amount

    with pytest.raises(BudgetShort):
        state("too much", "site-9999", OCTOBER, left + 1)
    state("the rest", "site-9999", OCTOBER, left)

    assert seen().left_tiyn == 0
