"""Double entry: accounts, postings that sum to zero, and the limits of accounts.

Movements are signed; on what the budget owes (accrued, payable, transit, paid, returned) plus
means more. A budget's plus is what may still be spent, the treasury's minus what it has given.

    treasury ─allot→ budget ───statement──→ accrued ─agreed→ payable ─sent→ transit ─settled→ paid
                      │ ↑                     ↑                 ↑              │
                 issue│ │release, settling    │statement        └─ again ── returned
                      ↓ │                     │
                    committed ────────────────┘
What is recoverable comes back from paid, where the provider pays it into the bank, or from payable,
where it is set off against what was agreed.

A reversal takes back what is still accrued; what was agreed already becomes recoverable, and never
more than that: `rooms`. Money is committed per month and direction where a programme reserves it
when a voucher is issued.

What parents owe a site themselves stands beside all this, in accounts of its own, and never mixes
with the state's money: parents (plus is what they owe) against fees, for a site's month.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from chalicelib.kernel.periods import Month
from chalicelib.kernel.refusals import OutOfTurn, UsedUp


class BudgetShort(UsedUp):
    """The year's budget of the area does not cover this; it is zero where none was entered."""

    code = "budgets/short"


class AccountShort(OutOfTurn):
    """An account holds less than a posting would take from it."""

    code = "budgets/account-short"


@dataclass(frozen=True, slots=True)
class Movement:
    """One signed ledger line."""

    account: str
    amount_tiyn: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """A balanced set of movements under a natural name, booked once. links: ids it rests on."""

    name: str
    at: str
    movements: tuple[Movement, ...]
    links: dict[str, str] = field(default_factory=dict)


def treasury(programme: str, area: str, year: int, direction: str = "") -> str:
    return f"treasury:{programme}:{area}:{year}{_of(direction)}"


def budget(programme: str, area: str, year: int, direction: str = "") -> str:
    """Return what may still be promised or spent; direction: "" where a budget has none."""
    return f"budget:{programme}:{area}:{year}{_of(direction)}"


def committed(programme: str, area: str, month: Month, direction: str = "") -> str:
    """Return what vouchers hold of one month and no statement has used yet."""
    return f"committed:{programme}:{area}:{month}{_of(direction)}"


def accrued(site_id: str, month: Month) -> str:
    return f"accrued:{site_id}:{month}"


def recoverable(site_id: str, month: Month) -> str:
    return f"recoverable:{site_id}:{month}"


def payable(organisation_id: str) -> str:
    return f"payable:{organisation_id}"


def transit(run_id: str) -> str:
    return f"transit:{run_id}"


def paid(organisation_id: str) -> str:
    return f"paid:{organisation_id}"


def returned(organisation_id: str) -> str:
    return f"returned:{organisation_id}"


def parents(site_id: str, month: Month) -> str:
    """Return what parents owe a site for a month, by the calculation: no money of the state."""
    return f"parents:{site_id}:{month}"


def fees(site_id: str, month: Month) -> str:
    """Return what stands against the parents' share of a site's month."""
    return f"fees:{site_id}:{month}"


def _of(direction: str) -> str:
    return f":{direction}" if direction else ""


UNLIMITED = frozenset({"treasury", "recoverable", "fees"})
# Whose money an account holds: a movement never leads from one purse into the other.
_OF_THE_STATE = frozenset({"treasury", "budget", "committed"})
_OF_PARENTS = frozenset({"parents", "fees"})
_OF_A_SITE = frozenset({"accrued", "recoverable"})


def kind_of(account: str) -> str:
    """Return an account's kind, the first part of its name."""
    return account.partition(":")[0]


def floored(account: str) -> bool:
    """Return whether an account may never go below zero."""
    return kind_of(account) not in UNLIMITED


def capped(account: str) -> bool:
    """Return whether an account may never go above zero: nobody pays back more than is owed."""
    return kind_of(account) == "recoverable"


def posting(name: str, movements: Iterable[tuple[str, int]], *, at: str, **links: str) -> Posting:
    """Return a posting; movements of zero are left out. An unbalanced one is a bug of ours."""
    kept = tuple(Movement(account, amount) for account, amount in movements if amount)
    if sum(m.amount_tiyn for m in kept) != 0:
        raise ValueError(f"posting {name} does not balance")
    if len({m.account for m in kept}) != len(kept):
        raise ValueError(f"posting {name} moves an account twice")
    if of_parents(kept) != 0:
        raise ValueError(f"posting {name} mixes parents' money with the state's")
    return Posting(name=name, at=at, movements=kept, links=links)


def transfer(
    name: str, amount_tiyn: int, *, source: str, target: str, at: str, **links: str
) -> Posting:
    """Return a posting that moves an amount, above zero, from one account to another."""
    if amount_tiyn <= 0:
        raise ValueError(f"posting {name} moves nothing")
    return posting(name, ((source, -amount_tiyn), (target, amount_tiyn)), at=at, **links)


def accrual(
    movement_tiyn: int, *, accrued_tiyn: int, recoverable_tiyn: int
) -> tuple[int, int, int]:
    """Return what a statement moves on budget, accrued and recoverable; the three sum to zero.

    accrued_tiyn, recoverable_tiyn: their balances now (recoverable is zero or below). More money
    first fills what the provider owes for this month; less is taken from what is still accrued,
    and the rest is to be recovered.
    """
    if movement_tiyn >= 0:
        set_off = min(movement_tiyn, -recoverable_tiyn)
        return -movement_tiyn, movement_tiyn - set_off, set_off
    taken = min(-movement_tiyn, accrued_tiyn)
    return -movement_tiyn, -taken, movement_tiyn + taken


def of_parents(movements: Iterable[Movement]) -> int:
    """Return what movements bring into parents' accounts from others; zero unless they mix."""
    return sum(m.amount_tiyn for m in movements if kind_of(m.account) in _OF_PARENTS)


def rooms(movements: Iterable[Movement]) -> dict[str, int]:
    """Return how movements change what may still be taken back, by account of what is recoverable.

    It is what went out of a site's month and was not taken back: all that was stated less what is
    still accrued. It grows as claims are agreed, or set off against what another month owes, and
    falls as agreed money comes back to accrued or a statement takes it back; it is never negative.
    """
    moved = tuple(movements)
    months = {m.account.partition(":")[2] for m in moved if kind_of(m.account) in _OF_A_SITE}
    stated = -sum(m.amount_tiyn for m in moved if kind_of(m.account) in _OF_THE_STATE)
    if stated and len(months) > 1:
        raise ValueError("a statement is of one site's month")
    accrued_by = {
        m.account.partition(":")[2]: m.amount_tiyn for m in moved if kind_of(m.account) == "accrued"
    }
    changes = {f"recoverable:{month}": stated - accrued_by.get(month, 0) for month in months}
    return {account: change for account, change in sorted(changes.items()) if change}
