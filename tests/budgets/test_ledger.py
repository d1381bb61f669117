"""A3: double entry against a small model, whatever is posted in whatever order."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from chalicelib.budgets.rules import ledger
from chalicelib.budgets.store import ledger as books
from chalicelib.kernel.periods import Month
from chalicelib.kernel.refusals import Refusal
from chalicelib.storage.commit import Raced, commit

MONTH = Month(2026, 10)
AT = "2026-11-11T00:00:00.000000Z"
BUDGET = ledger.budget("preschool", "taldykorgan", 2026)
TREASURY = ledger.treasury("preschool", "taldykorgan", 2026)
ACCOUNTS = (
    TREASURY,
    BUDGET,
    ledger.accrued("site-aaaa", MONTH),
    ledger.payable("org-aaaa"),
    ledger.transit("run-aaaa"),
    ledger.paid("org-aaaa"),
    ledger.returned("org-aaaa"),
)


@pytest.mark.parametrize(
    ("movement", "accrued", "recoverable", "expected"),
    [
        (100, 0, 0, (-100, 100, 0)),
        (-40, 100, 0, (40, -40, 0)),
        (-140, 100, 0, (140, -100, -40)),
        (100, 0, -40, (-100, 60, 40)),
        (30, 0, -40, (-30, 0, 30)),
        (0, 10, 0, (0, 0, 0)),
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


class Books(RuleBasedStateMachine):
    """The store's ledger beside a dictionary."""

    wipe = staticmethod(lambda: None)

    @initialize()
    def begin(self):
        type(self).wipe()
        self.model = dict.fromkeys(ACCOUNTS, 0)
        self.booked: set[str] = set()

    @rule(
        giver=st.sampled_from(ACCOUNTS),
        taker=st.sampled_from(ACCOUNTS),
        amount=st.integers(1, 100),
        name=st.integers(1, 12),
    )
    def post(self, giver, taker, amount, name):
        if giver == taker:
            return
        posting = ledger.transfer(f"p{name}", amount, source=giver, target=taker, at=AT)
        short = ledger.floored(giver) and self.model[giver] < amount
        try:
            commit(books.book(posting))
        except Raced:
            assert f"p{name}" in self.booked
        except Refusal as refusal:
            assert refusal.code == "budgets/account-short"
            assert short
        else:
            assert not short
            assert f"p{name}" not in self.booked
            self.booked.add(f"p{name}")
            self.model[giver] -= amount
            self.model[taker] += amount

    @invariant()
    def balances_agree_and_sum_to_zero(self):
        if not hasattr(self, "model"):
            return
        found = books.balances(ACCOUNTS)
        assert found == self.model
        assert sum(found.values()) == 0
        assert all(found[a] >= 0 for a in ACCOUNTS if ledger.floored(a))

    def teardown(self):
        for account in getattr(self, "model", ()):
            lines = books.list_lines(account)
            assert sum(line.amount_tiyn for line in lines) == self.model[account]


def test_a3_postings_balance_limits_hold_and_nothing_is_booked_twice(tables):
    Books.wipe = staticmethod(tables.wipe)
    run_state_machine_as_test(
        Books,
        settings=settings(
            max_examples=12,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
