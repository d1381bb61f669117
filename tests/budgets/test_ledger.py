"""Double entry: what a posting may be, and what it leaves to be taken back (A3 has the rest)."""

from __future__ import annotations

import pytest

from chalicelib.budgets.rules import ledger
from chalicelib.budgets.rules.ledger import AccountShort
from chalicelib.budgets.store import ledger as books
from chalicelib.kernel.periods import Month
from chalicelib.storage.commit import commit

MONTH = Month(2026, 10)
AT = "2026-11-11T00:00:00.000000Z"
BUDGET = ledger.budget("preschool", "taldykorgan", 2026)
TREASURY = ledger.treasury("preschool", "taldykorgan", 2026)
ACCRUED, OWED = ledger.accrued("site-aaaa", MONTH), ledger.recoverable("site-aaaa", MONTH)
PAYABLE = ledger.payable("org-aaaa")


@pytest.mark.parametrize(
    ("movement", "accrued", "recoverable", "expected"),
    [
        (100, 0, 0, (-100, 100, 0)),
        (-40, 100, 0, (40, -40, 0)),
        (-140, 100, 0, (140, -100, -40)),
        (100, 0, -40, (-100, 60, 40)),
        (30, 0, -40, (-30, 0, 30)),
        (0, 10, 0, (0, 0, 0)),
        (-1, 10, 0, (1, -1, 0)),
    ],
)
def test_a_statement_moves_what_is_accrued_and_what_is_recoverable(
    movement, accrued, recoverable, expected
):
    moved = ledger.accrual(movement, accrued_tiyn=accrued, recoverable_tiyn=recoverable)

    assert moved == expected
    assert sum(moved) == 0


def test_an_unbalanced_posting_is_a_bug_and_one_of_nothing_is_not_booked():
    with pytest.raises(ValueError, match="balance"):
        ledger.posting("x", (("a:1", 1), ("b:1", -2)), at=AT)
    with pytest.raises(ValueError, match="twice"):
        ledger.posting("x", (("a:1", 1), ("a:1", -1)), at=AT)
    with pytest.raises(ValueError, match="nothing"):
        ledger.transfer("x", 0, source="a:1", target="b:1", at=AT)
    assert books.book(ledger.posting("x", (("a:1", 0),), at=AT)) == []


PARENTS, FEES = ledger.parents("site-aaaa", MONTH), ledger.fees("site-aaaa", MONTH)


def test_parents_money_and_the_states_never_mix():
    with pytest.raises(ValueError, match="mixes"):
        ledger.posting("x", ((BUDGET, -100), (PARENTS, 100)), at=AT)

    both = ledger.posting("x", ((BUDGET, -1), (ACCRUED, 1), (FEES, -2), (PARENTS, 2)), at=AT)

    assert len(both.movements) == 4
    assert (ledger.floored(PARENTS), ledger.floored(FEES)) == (True, False)
    assert ledger.rooms(both.movements) == {}


@pytest.mark.parametrize(
    ("movements", "room"),
    [
        (((BUDGET, -100), (ACCRUED, 100)), 0),  # stated: nothing went out yet
        (((ACCRUED, -100), (PAYABLE, 100)), 100),  # agreed
        (((ACCRUED, 100), (PAYABLE, -100)), -100),  # agreed money that came back
        (((BUDGET, 140), (ACCRUED, -100), (OWED, -40)), -40),  # a reversal beyond what is accrued
        (((BUDGET, -100), (ACCRUED, 60), (OWED, 40)), 40),  # more money fills what is owed first
        (((OWED, 40), (ledger.paid("org-aaaa"), -40)), 0),  # given back by the provider
        (((TREASURY, -5), (BUDGET, 5)), 0),
    ],
)
def test_what_may_be_taken_back_is_what_went_out_of_the_month(movements, room):
    posting = ledger.posting("x", movements, at=AT)

    assert ledger.rooms(posting.movements) == ({OWED: room} if room else {})


def test_a_set_off_leaves_the_other_months_money_to_be_taken_back():
    later = ledger.accrued("site-aaaa", MONTH.next())
    posting = ledger.posting("x", ((later, -40), (OWED, 40)), at=AT)

    assert ledger.rooms(posting.movements) == {ledger.recoverable("site-aaaa", MONTH.next()): 40}
    with pytest.raises(ValueError, match="one site's month"):
        mixed = ((later, -40), (ACCRUED, 30), (BUDGET, 10))
        ledger.rooms(ledger.posting("x", mixed, at=AT).movements)


def book(name, *movements):
    commit(books.book(ledger.posting(name, movements, at=AT)))


def test_no_more_is_recoverable_than_was_agreed(tables):
    book("budget", (TREASURY, -500), (BUDGET, 500))
    book("statement#1", (BUDGET, -100), (ACCRUED, 100))
    book("agreed#1", (ACCRUED, -60), (PAYABLE, 60))

    with pytest.raises(AccountShort) as refused:
        book("statement#2", (BUDGET, 101), (ACCRUED, -40), (OWED, -61))
    book("statement#2", (BUDGET, 100), (ACCRUED, -40), (OWED, -60))

    assert refused.value.facts == {"account": "recoverable"}
    assert books.balances([OWED])[OWED] == -60
    assert books.room(OWED) == 0
