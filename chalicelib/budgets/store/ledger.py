"""The ledger's rows: postings booked once, balances by ADD, a line per account and posting.

A posting's existence condition stands in the same transaction as its ADDs, so an ADD that is sent
twice counts once; an account's limit is a condition of the very update that would pass it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pynamodb.attributes import NumberAttribute
from pynamodb.expressions.update import Action

from chalicelib.budgets.rules import ledger
from chalicelib.budgets.rules.ledger import AccountShort, Posting
from chalicelib.kernel.refusals import Refusal
from chalicelib.storage import keys
from chalicelib.storage.commit import Raced, Update, Write
from chalicelib.storage.rows import MoneyRow
from chalicelib.storage.shelf import Shelf


class AccountRow(MoneyRow):
    """An account's balance, where an ADD and a condition can reach it."""

    balance_tiyn = NumberAttribute(null=True)


@dataclass(frozen=True, slots=True)
class AccountLine:
    """What one posting moved on one account."""

    posting: str
    amount_tiyn: int
    at: str


POSTINGS: Shelf[Posting] = Shelf(MoneyRow, Posting)
LINES: Shelf[AccountLine] = Shelf(MoneyRow, AccountLine)


def book(posting: Posting, *, otherwise: Mapping[str, Refusal] | None = None) -> list[Write]:
    """Describe a posting: 1 + 2 × its movements writes; none for one that moves nothing.

    otherwise: by account, the refusal when it holds less than is taken (AccountShort).
    """
    if not posting.movements:
        return []
    writes: list[Write] = [POSTINGS.create(keys.posting(posting.name), posting, otherwise=Raced())]
    for movement in posting.movements:
        row = AccountRow(*keys.account(movement.account))
        adds: list[Action] = [AccountRow.balance_tiyn.add(movement.amount_tiyn)]
        refusal = (otherwise or {}).get(movement.account)
        taken = -movement.amount_tiyn
        if taken > 0 and ledger.floored(movement.account):
            kind = movement.account.split(":", 1)[0]
            writes.append(
                Update(
                    row,
                    adds,
                    only_if=AccountRow.balance_tiyn >= taken,
                    otherwise=refusal or AccountShort(account=kind),
                )
            )
        else:
            writes.append(Update(row, adds))
        key = keys.account_line(movement.account, posting.at, posting.name)
        line = AccountLine(posting.name, movement.amount_tiyn, posting.at)
        writes.append(LINES.create(key, line))
    return writes


def balances(accounts: Iterable[str]) -> dict[str, int]:
    """Return the balances of accounts; zero for one that was never moved."""
    names = list(dict.fromkeys(accounts))
    found = dict.fromkeys(names, 0)
    for start in range(0, len(names), 100):
        wanted = [keys.account(name) for name in names[start : start + 100]]
        for row in AccountRow.batch_get(wanted, consistent_read=True):
            found[row.pk.removeprefix("ACCOUNT#")] = int(row.balance_tiyn or 0)
    return found


def was_booked(name: str) -> bool:
    """Return whether a posting of that name exists."""
    return POSTINGS.find(keys.posting(name)) is not None


def list_lines(account: str, *, limit: int | None = None) -> list[AccountLine]:
    """Return an account's lines, oldest first."""
    found = LINES.each(keys.account(account)[0], begins="LINE#", limit=limit)
    return [kept.value for kept in found]


def restore_balance(account: str) -> int:
    """Set an account's balance to the sum of its lines and return it; for the rebuilding drill."""
    balance = sum(line.amount_tiyn for line in list_lines(account))
    AccountRow(*keys.account(account), balance_tiyn=balance).save(add_version_condition=False)
    return balance
