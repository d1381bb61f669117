"""Writes for the commits of slices above: a voucher reserves, moves, releases; a statement uses.

They come without the journal's entry, which the caller's commit has. Each posting has a natural
name and is booked once, so the same commit twice counts once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from chalicelib.budgets.actions.allotting import directions_of, short
from chalicelib.budgets.rules import ledger
from chalicelib.budgets.rules import reserving as rules
from chalicelib.budgets.rules.reserving import Reserve
from chalicelib.budgets.store import allotments
from chalicelib.budgets.store import ledger as books
from chalicelib.kernel.periods import Month
from chalicelib.kernel.refusals import Refusal
from chalicelib.policy.actions import load_pack
from chalicelib.storage.commit import Raced, Write


def free(programme: str, area: str, year: int, directions: Iterable[str]) -> dict[str, int]:
    """Return what may still be promised of a year, by direction; one call."""
    accounts = {ledger.budget(programme, area, year, each): each for each in directions}
    return {accounts[name]: left for name, left in books.balances(accounts).items()}


def promisable(
    programme: str, area: str, year: int, directions: Iterable[str], *, kept_free_per_mille: int
) -> dict[str, int]:
    """Return what a queue may be promised of a year, by direction; one query and one call.

    Vouchers that need no queue may take the share that is kept free as well (`reserving`).
    """
    allotted = {b.direction: b.amount_tiyn for b in allotments.list_budgets(programme, area, year)}
    return {
        direction: rules.promisable(left, allotted.get(direction, 0), kept_free_per_mille)
        for direction, left in free(programme, area, year, directions).items()
    }


def reserving(name: str, reserves: Sequence[Reserve], *, at: str) -> list[Write]:
    """Describe the promise of money to new vouchers: 1 + 2 writes per account it touches.

    name: natural, for example "reserve#<voucher>"; several vouchers of one commit go in one
    posting, so that no account is written twice. The write itself refuses with BudgetShort what
    the budget does not hold.
    """
    posting = ledger.posting(name, rules.taking(reserves), at=at)
    refusals: dict[str, Refusal] = {
        ledger.budget(r.programme, r.area, month.year, r.direction): short(
            r.programme, r.area, month.year, r.direction
        )
        for r in reserves
        for month in r.months()
    }
    return books.book(posting, otherwise=refusals)


def releasing(name: str, reserves: Sequence[Reserve], *, at: str) -> list[Write]:
    """Describe the end of promises; give what is to be released only (`rules.rest`)."""
    return books.book(ledger.posting(name, rules.giving_back(reserves), at=at))


def moving(name: str, reserve: Reserve, to_direction: str, *, at: str) -> list[Write]:
    """Describe a promise that follows a child to another direction; none to the same one."""
    if reserve.direction == to_direction:
        return []
    return books.book(ledger.posting(name, rules.moving(reserve, to_direction), at=at))


def using(
    programme: str, area: str, month: Month, direction: str, amount_tiyn: int
) -> tuple[tuple[tuple[str, int], ...], dict[str, Refusal]]:
    """Return the movements that pay a statement of a month, and what a short account means.

    What is committed for the month goes first, whatever direction holds it: a promise is made to a
    child, who may go to another direction in mid-month. The rest comes from the direction's
    budget. Balances are read, and their conditions stand in the write: another statement in
    between makes the caller begin again.
    """
    known = directions_of(load_pack(programme, area), month.last)
    others = [each for each in known if each != direction]
    accounts = [ledger.committed(programme, area, month, each) for each in (direction, *others)]
    held = books.balances(accounts) if amount_tiyn > 0 else dict.fromkeys(accounts, 0)
    money = ledger.budget(programme, area, month.year, direction)
    movements = rules.paying(
        amount_tiyn, [(account, held[account]) for account in accounts], budget=money
    )
    refusal = short(programme, area, month.year, direction)
    return movements, {**{account: Raced() for account in accounts}, money: refusal}
