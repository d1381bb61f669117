"""The end of a month's promises: what vouchers held and no statement used goes back."""

from __future__ import annotations

from datetime import datetime

from chalicelib.budgets import actions as budgets
from chalicelib.budgets.rules import ledger
from chalicelib.budgets.store import ledger as books
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import Month, local_day
from chalicelib.policy.actions import list_packs
from chalicelib.policy.rules import Pack

# A roster remembers a hundred and twenty days, so a month is not corrected after the fifth.
MONTHS_SETTLED_AGAIN = 3


def months_to_settle(at: datetime) -> list[tuple[Pack, Month]]:
    """Return which packs' months may return what no statement used, on the day of an event.

    The newest month whose term (`settle_after_months`) has passed, and those before it that can
    still be corrected: a reversal leaves money committed that nobody will use.
    """
    today = local_day(at)
    wanted: list[tuple[Pack, Month]] = []
    for pack in list_packs():
        # What the last months of a programme that is over did not use goes back, too.
        rules = pack.nearest(today)
        if not any(kind.reserved for kind in rules.voucher_kinds.values()):
            continue
        month = Month.containing(at).before()
        for _ in range(rules.budget.settle_after_months):
            month = month.before()
        for _ in range(MONTHS_SETTLED_AGAIN + 1):
            if pack.holds(month.last):
                wanted.append((pack, month))
            month = month.before()
    return wanted


def settle_months(at: datetime, *, by: Actor) -> list[dict[str, str | int]]:
    """Settle what the calendar settles on the day of an event; return what went back, by month.

    One call sees which months hold anything. Each is settled by itself, so a run that was killed
    goes on with the next one.
    """
    settled: list[dict[str, str | int]] = []
    wanted = months_to_settle(at)
    held = books.balances(a for pack, month in wanted for a in _promised(pack, month, at))
    for pack, month in wanted:
        if not any(held[account] for account in _promised(pack, month, at)):
            continue
        left = budgets.settle_month(pack.programme, pack.area, month, by=by, now=at)
        if left:
            settled.append(
                {
                    "programme": pack.programme,
                    "area": pack.area,
                    "month": str(month),
                    "returned_tiyn": left,
                }
            )
    return settled


def _promised(pack: Pack, month: Month, at: datetime) -> list[str]:
    """Return the accounts of what vouchers hold of a month, one per budget."""
    return [
        ledger.committed(pack.programme, pack.area, month, direction)
        for direction in budgets.directions_of(pack, pack.within(local_day(at)))
    ]
