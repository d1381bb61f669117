"""The end of a month's promises: what nobody used goes back to the budget."""

from __future__ import annotations

from datetime import datetime

from chalicelib.budgets.actions.allotting import directions_of
from chalicelib.budgets.rules import ledger
from chalicelib.budgets.store import allotments
from chalicelib.budgets.store import ledger as books
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import Month, local_day, stamp
from chalicelib.policy.actions import load_pack
from chalicelib.storage.commit import settles


@settles
def settle_month(programme: str, area: str, month: Month, *, by: Actor, now: datetime) -> int:
    """Return to the budgets what vouchers held of a month and no statement used, in tiyn.

    Nothing before `settle_after_months` have passed since the month. Repeating is harmless; a
    reversal that comes later is returned by a later run.
    """
    pack = load_pack(programme, area)
    today = local_day(now)
    due = month
    for _ in range(pack.nearest(today).budget.settle_after_months + 1):
        due = due.next()
    if today < due.first:
        return 0
    returned = 0
    for direction in directions_of(pack, pack.within(today)):
        promised = ledger.committed(programme, area, month, direction)
        left = books.balances([promised])[promised]
        name = f"settle#{promised}#{today.isoformat()}"
        budget = allotments.find_budget(programme, area, month.year, direction)
        if left <= 0 or budget is None or books.was_booked(name):
            continue
        posting = ledger.transfer(
            name,
            left,
            source=promised,
            target=ledger.budget(programme, area, month.year, direction),
            at=stamp(now),
        )
        journal.commit(
            journal.entry(
                "budgets/settled",
                budget.value.stream,
                by=by,
                now=now,
                month=str(month),
                direction=direction,
                returned_tiyn=left,
            ),
            allotments.touch(budget),
            *books.book(posting),
        )
        returned += left
    return returned
