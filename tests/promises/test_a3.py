"""A3: each posting sums to zero; entries never change or vanish; no account passes its limit.

The store's ledger, hot accounts in several rows, beside a dictionary (`tests.budgets.model`): what
billing, claims, payment runs, the bank's answers, set-offs, allotments and a careless hand may post
in any order, twice, with other sums under the same name.
"""

from __future__ import annotations

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from chalicelib.budgets.rules import ledger
from chalicelib.budgets.store import ledger as books
from chalicelib.kernel.periods import Month
from chalicelib.kernel.refusals import Refusal
from chalicelib.storage import keys
from chalicelib.storage.commit import Raced, commit
from chalicelib.storage.rows import MoneyRow
from tests.budgets.model import Ledger, Moves

OCTOBER = Month(2026, 10)
MONTHS = (OCTOBER, OCTOBER.next())
SITES = ("site-aaaa", "site-bbbb")
OF = ("clubs", "karaganda")
BUDGET, TREASURY = ledger.budget(*OF, 2026, "sport"), ledger.treasury(*OF, 2026, "sport")
PROMISED = ledger.committed(*OF, OCTOBER, "sport")
PAYABLE, PAID = ledger.payable("org-aaaa"), ledger.paid("org-aaaa")
RETURNED, TRANSIT = ledger.returned("org-aaaa"), ledger.transit("run-aaaa")
ACCRUED = tuple(ledger.accrued(site, month) for site in SITES for month in MONTHS)
OWED = tuple(ledger.recoverable(site, month) for site in SITES for month in MONTHS)
PARENTS = tuple(ledger.parents(site, OCTOBER) for site in SITES)
FEES = tuple(ledger.fees(site, OCTOBER) for site in SITES)
OF_THE_STATE = (BUDGET, TREASURY, PROMISED)
OTHERS = (PAYABLE, PAID, RETURNED, TRANSIT, *ACCRUED, *OWED)
EVERY = (*OF_THE_STATE, *OTHERS, *PARENTS, *FEES)
AMOUNTS = st.integers(1, 400)
NAMES = st.integers(1, 60)
MONTH_NUMBERS = st.integers(0, len(ACCRUED) - 1)


def instant(second: int) -> str:
    return f"2026-11-11T00:{second // 60:02d}:{second % 60:02d}.000000Z"


class Books(RuleBasedStateMachine):
    """The store's ledger beside the model."""

    wipe = staticmethod(lambda: None)

    @initialize(shards=st.integers(1, 5))
    def begin(self, shards: int) -> None:
        type(self).wipe()
        self.model, self.written, self.clock = Ledger(), 0, 0
        self.rows: dict[tuple[str, str], str] = {}
        self.post("begin", ((TREASURY, -1_000), (BUDGET, 1_000)), shards=shards)

    # --- what happens

    @rule(n=NAMES, amount=AMOUNTS, shards=st.integers(1, 5))
    def allot(self, n: int, amount: int, shards: int) -> None:
        self.post(f"budget#{n}", ((TREASURY, -amount), (BUDGET, amount)), shards=shards)

    @rule(n=NAMES, amount=AMOUNTS)
    def cut(self, n: int, amount: int) -> None:
        self.post(f"cut#{n}", ((TREASURY, amount), (BUDGET, -amount)))

    @rule(n=NAMES, amount=AMOUNTS, back=st.booleans())
    def promise(self, n: int, amount: int, back: bool) -> None:
        moved = -amount if back else amount
        self.post(f"reserve#{n}#{back}", ((BUDGET, -moved), (PROMISED, moved)))

    @rule(n=NAMES, at=MONTH_NUMBERS, amount=st.integers(-400, 400), parents=st.integers(0, 9))
    def state(self, n: int, at: int, amount: int, parents: int) -> None:
        """As billing does it: accrued first, then what is owed; parents' share beside."""
        held = books.balances([ACCRUED[at], OWED[at]])
        drawn, accrued, owed = ledger.accrual(
            amount, accrued_tiyn=held[ACCRUED[at]], recoverable_tiyn=held[OWED[at]]
        )
        site = at // len(MONTHS)
        share = ((PARENTS[site], parents), (FEES[site], -parents))
        moves = ((BUDGET, drawn), (ACCRUED[at], accrued), (OWED[at], owed), *share)
        self.post(f"statement#{n}", moves)

    @rule(n=NAMES, at=MONTH_NUMBERS, amount=AMOUNTS)
    def agree(self, n: int, at: int, amount: int) -> None:
        self.post(f"agreed#{n}", ((ACCRUED[at], -amount), (PAYABLE, amount)))

    @rule(n=NAMES, at=MONTH_NUMBERS, amount=AMOUNTS)
    def take_agreement_back(self, n: int, at: int, amount: int) -> None:
        self.post(f"unagreed#{n}", ((PAYABLE, -amount), (ACCRUED[at], amount)))

    @rule(
        n=NAMES,
        amount=AMOUNTS,
        way=st.sampled_from(
            [
                (PAYABLE, TRANSIT),
                (TRANSIT, PAID),
                (TRANSIT, RETURNED),
                (PAID, RETURNED),
                (RETURNED, PAYABLE),
            ]
        ),
    )
    def pay(self, n: int, amount: int, way: tuple[str, str]) -> None:
        self.post(f"pay#{n}", ((way[0], -amount), (way[1], amount)))

    @rule(n=NAMES, one=MONTH_NUMBERS, other=MONTH_NUMBERS, amount=AMOUNTS)
    def set_off(self, n: int, one: int, other: int, amount: int) -> None:
        if one != other:
            self.post(f"set-off#{n}", ((ACCRUED[one], -amount), (OWED[other], amount)))

    @rule(n=NAMES, at=MONTH_NUMBERS, amount=AMOUNTS)
    def take_back_too_much(self, n: int, at: int, amount: int) -> None:
        self.post(f"taken#{n}", ((OWED[at], -amount), (BUDGET, amount)))

    @rule(n=NAMES, giver=st.sampled_from(OTHERS), taker=st.sampled_from(OTHERS), amount=AMOUNTS)
    def slip(self, n: int, giver: str, taker: str, amount: int) -> None:
        """A careless hand between any two accounts."""
        if giver != taker:
            self.post(f"slip#{n}", ((giver, -amount), (taker, amount)))

    @rule(n=NAMES)
    @precondition(lambda self: self.model.booked)
    def again(self, n: int) -> None:
        name = sorted(self.model.booked)[n % len(self.model.booked)]
        self.post(name, self.model.booked[name])

    def post(self, name: str, moves: Moves, *, shards: int = 1) -> None:
        expected, at = self.model.says(name, moves), instant(self.clock)
        posting = ledger.posting(name, moves, at=at)
        try:
            writes = books.book(posting, shards=shards)
            commit(writes)
        except Raced:
            # Who pays back read what was owed before; where it is less now, they read it again.
            fills = any(amount > 0 and account in OWED for account, amount in moves)
            assert expected == "again" or (fills and expected in ("short", "full")), (
                name,
                expected,
            )
        except Refusal as refusal:
            assert refusal.code == "budgets/account-short"
            # Where a name is taken and the money is short, either no is true.
            assert expected in ("short", "again"), (name, expected)
        else:
            assert expected == ("booked" if writes else "nothing"), name
            if writes:
                self.model.book(name, at, moves)
                self.clock += 1

    # --- what always holds

    @invariant()
    def balances_agree_and_sum_to_zero(self) -> None:
        if not hasattr(self, "model"):
            return
        found = books.balances(EVERY)
        assert found == {account: self.model.balance[account] for account in EVERY}
        assert sum(found.values()) == 0
        assert sum(found[account] for account in (*PARENTS, *FEES)) == 0

    @invariant()
    def no_row_passes_its_limit(self) -> None:
        if not hasattr(self, "model"):
            return
        for account in EVERY:
            month = account.partition(":")[2]
            if account in OWED:
                assert books.room(account) == self.model.room(month)
                assert self.model.room(month) >= 0
        for row in books.AccountRow.scan(books.AccountRow.balance_tiyn < 0, consistent_read=True):
            assert not ledger.floored(row.pk.removeprefix("ACCOUNT#")), row.pk

    @invariant()
    def what_was_written_stays(self) -> None:
        """Postings and lines are never changed and never vanish."""
        if not hasattr(self, "model"):
            return
        written = {
            (row.pk, row.sk): row.body
            for row in MoneyRow.scan(consistent_read=True)
            if row.body is not None
        }
        assert self.rows.items() <= written.items()
        self.rows = written

    def teardown(self) -> None:
        if not hasattr(self, "model"):
            return
        for name, moves in self.model.booked.items():
            body = msgspec.json.decode(self.rows[keys.posting(name)])
            booked = {m["account"]: m["amount_tiyn"] for m in body["movements"]}
            assert booked == {account: amount for account, amount in moves if amount}
        for account in self.model.accounts():
            lines = books.list_lines(account)
            assert sum(line.amount_tiyn for line in lines) == self.model.balance[account]
            for line in lines:
                assert dict(self.model.booked[line.posting])[account] == line.amount_tiyn
        self.rebuilt_from_lines()

    def rebuilt_from_lines(self) -> None:
        """A16: balances and limits are made again from what was written, to the byte."""
        before = {(r.pk, r.sk): r.serialize() for r in books.AccountRow.scan(consistent_read=True)}
        for row in books.AccountRow.scan(books.AccountRow.body.does_not_exist()):
            row.delete()
        for account in EVERY:
            books.restore_balance(account)
        after = {(r.pk, r.sk): r.serialize() for r in books.AccountRow.scan(consistent_read=True)}
        assert after == before


def test_a3_postings_balance_limits_hold_and_nothing_is_booked_twice(tables):
    Books.wipe = staticmethod(tables.wipe)
    run_state_machine_as_test(
        Books,
        settings=settings(
            max_examples=15,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
