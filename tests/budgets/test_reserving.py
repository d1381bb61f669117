"""A promise never outgrows the budget, whatever is reserved, used, moved and released."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.budgets import actions as budgets
from chalicelib.budgets.rules import ledger
from chalicelib.budgets.rules import reserving as rules
from chalicelib.budgets.rules.ledger import BudgetShort
from chalicelib.budgets.rules.reserving import Reserve
from chalicelib.budgets.store import ledger as books
from chalicelib.kernel.money import tenge
from chalicelib.kernel.periods import Month
from chalicelib.storage.commit import commit

OF = ("clubs", "karaganda")
AT = "2026-10-01T00:00:00.000000Z"
OCTOBER, DECEMBER = Month(2026, 10), Month(2026, 12)
MONTH_MAX = tenge(18_000)


def a_reserve(direction="sport", *, tiyn=MONTH_MAX, first=OCTOBER, last=DECEMBER):
    return Reserve(
        programme=OF[0], area=OF[1], direction=direction, month_tiyn=tiyn, first=first, last=last
    )


def money(direction="sport"):
    return ledger.budget(*OF, 2026, direction)


def allotted(amount, direction="sport"):
    source = ledger.treasury(*OF, 2026, direction)
    posting = ledger.transfer(
        f"budget#{direction}#{amount}", amount, source=source, target=money(direction), at=AT
    )
    commit(books.book(posting))


def committed(month, direction="sport"):
    account = ledger.committed(*OF, month, direction)
    return books.balances([account])[account]


# --- pure ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("until", "month", "last"),
    [
        ("12-31", OCTOBER, DECEMBER),
        ("12-31", DECEMBER, DECEMBER),
        ("05-31", Month(2026, 2), Month(2026, 5)),
        ("05-31", Month(2026, 9), Month(2026, 9)),  # nothing is promised beyond the month itself
    ],
)
def test_a_voucher_reserves_to_the_end_of_its_budget_year(until, month, last):
    assert rules.last_month(until, month) == last


@pytest.mark.parametrize(
    ("ended_in", "months"),
    [
        (Month(2026, 9), 3),  # before it began: all goes back
        (OCTOBER, 2),
        (Month(2026, 11), 1),
        (DECEMBER, 0),
    ],
)
def test_what_a_voucher_that_ends_gives_back_are_the_months_not_begun(ended_in, months):
    given_back = rules.rest(a_reserve(), after=ended_in)

    assert given_back.total_tiyn == months * tenge(18_000)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["sport", "creative"]),
            st.integers(1, 10**9),
            st.integers(1, 12),
            st.integers(1, 12),
        ),
        max_size=8,
    )
)
def test_taking_and_giving_back_balance_and_undo_each_other(drawn):
    reserves = [
        a_reserve(direction, tiyn=tiyn, first=Month(2026, first), last=Month(2026, last))
        for direction, tiyn, first, last in drawn
    ]

    taken, given_back = dict(rules.taking(reserves)), dict(rules.giving_back(reserves))

    assert sum(taken.values()) == 0
    assert {account: -amount for account, amount in taken.items()} == given_back


@given(st.integers(-(10**9), 10**9), st.lists(st.integers(0, 10**9), min_size=1, max_size=4))
def test_a_statement_uses_what_is_committed_first_and_never_more(amount, held):
    promised = [(f"committed:{n}", sum_) for n, sum_ in enumerate(held)]

    moved = dict(rules.paying(amount, promised, budget="budget"))

    assert sum(moved.values()) == -amount
    assert all(moved.get(account, 0) + sum_ >= 0 for account, sum_ in promised)
    assert moved.get("budget", 0) == min(0, sum(held) - amount)


def test_a_promise_follows_a_child_that_moved_in_mid_month():
    moved = rules.paying(27_000, [("creative", 18_000), ("sport", 18_000)], budget="budget")

    assert moved == (("creative", -18_000), ("sport", -9_000))


# --- booked -------------------------------------------------------------------------------------


def test_a_promise_leaves_the_budget_and_lies_in_its_months(tables):
    allotted(tenge(100_000))

    commit(budgets.reserving("reserve#v1", [a_reserve()], at=AT))

    assert budgets.free(*OF, 2026, ["sport"]) == {"sport": tenge(100_000 - 54_000)}
    assert [committed(m) for m in a_reserve().months()] == [tenge(18_000)] * 3


def test_a_promise_that_the_budget_does_not_hold_is_refused_by_the_write_itself(tables):
    allotted(tenge(54_000) - 1)

    with pytest.raises(BudgetShort):
        commit(budgets.reserving("reserve#v1", [a_reserve()], at=AT))

    assert budgets.free(*OF, 2026, ["sport"])["sport"] == tenge(54_000) - 1
    assert committed(OCTOBER) == 0


def test_two_promises_at_once_for_money_that_is_enough_for_one(tables):
    allotted(tenge(60_000))
    start = threading.Barrier(2)
    ended: list[str] = []

    def promise(name):
        start.wait()
        try:
            commit(budgets.reserving(name, [a_reserve()], at=AT))
            ended.append("held")
        except BudgetShort:
            ended.append("short")

    both = [threading.Thread(target=promise, args=(f"reserve#v{n}",)) for n in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()

    assert sorted(ended) == ["held", "short"]
    assert budgets.free(*OF, 2026, ["sport"])["sport"] == tenge(6_000)


def test_several_promises_of_one_commit_write_each_account_once(tables):
    allotted(tenge(200_000))

    writes = budgets.reserving("reserve#run#1", [a_reserve(), a_reserve()], at=AT)
    commit(writes)

    assert len(writes) == 1 + 2 * 4  # the posting; budget and three months, each with its line
    assert committed(OCTOBER) == tenge(36_000)


def test_money_follows_a_child_to_another_direction(tables):
    allotted(tenge(54_000))
    commit(budgets.reserving("reserve#v1", [a_reserve()], at=AT))
    left = rules.rest(a_reserve(), after=OCTOBER)

    commit(budgets.moving("move#v1#1", left, "creative", at=AT))

    assert [committed(m) for m in a_reserve().months()] == [tenge(18_000), 0, 0]
    assert committed(DECEMBER, "creative") == tenge(18_000)
    assert budgets.moving("move#v1#2", left, "sport", at=AT) == []


def test_what_was_promised_is_used_and_a_reversal_can_be_used_again(tables):
    allotted(tenge(54_000))
    commit(budgets.reserving("reserve#v1", [a_reserve()], at=AT))

    def state(name, amount):
        movements, otherwise = budgets.using(*OF, OCTOBER, "sport", amount)
        site = (ledger.accrued("site-aaaa", OCTOBER), amount)
        posting = ledger.posting(name, (*movements, site), at=AT)
        commit(books.book(posting, otherwise=otherwise))

    state("statement#1", tenge(13_500))
    state("statement#2", -tenge(1_500))

    assert committed(OCTOBER) == tenge(18_000 - 13_500 + 1_500)
    assert budgets.free(*OF, 2026, ["sport"])["sport"] == 0

    with pytest.raises(BudgetShort):
        state("statement#3", tenge(6_001))


def test_the_end_of_a_voucher_gives_back_the_months_not_begun(tables):
    allotted(tenge(54_000))
    commit(budgets.reserving("reserve#v1", [a_reserve()], at=AT))

    commit(budgets.releasing("release#v1", [rules.rest(a_reserve(), after=OCTOBER)], at=AT))

    assert budgets.free(*OF, 2026, ["sport"])["sport"] == tenge(36_000)
    assert committed(OCTOBER) == tenge(18_000)
