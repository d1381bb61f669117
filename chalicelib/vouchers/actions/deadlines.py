"""What happens by itself when a term ends. Each looks at the thing again and may run twice."""

from __future__ import annotations

from datetime import datetime, timedelta

from chalicelib.children import store as people
from chalicelib.children.rules import swap
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import from_stamp
from chalicelib.storage.commit import Raced, commit, settles
from chalicelib.vouchers import rules, store
from chalicelib.vouchers.actions import change
from chalicelib.vouchers.actions.enrolling import end_seats
from chalicelib.vouchers.actions.parts import ending

__all__ = ["contract_soon", "end_seats", "lapse_contract", "lapse_offer"]


@settles
def lapse_contract(voucher_id: str, *, by: Actor, now: datetime) -> bool:
    """Return a voucher to the pool whose contract was not signed in time; True when it was so."""
    kept = store.find_voucher(voucher_id)
    if kept is None or not rules.overdue_contract(kept.value, now):
        return False
    after, described = ending(kept, "return", now=now)
    own, rest = change.puts(described)
    holdings = people.load_holdings(after.child_id)
    journal.commit(
        journal.entry(
            "vouchers/returned",
            f"voucher/{voucher_id}",
            by=by,
            now=now,
            pack=change.pack_of(after).version,
            group_id=kept.value.group_id,
        ),
        own,
        *rest,
        people.keep_holdings(holdings, swap(holdings.value, voucher_id)),
        *change.tell(after, "returned", kept.version + 1, now=now),
    )
    return True


def contract_soon(voucher_id: str, *, by: Actor, now: datetime) -> bool:
    """Remind of a contract term with a day or less left, once per term; True when told."""
    del by
    kept = store.find_voucher(voucher_id)
    if kept is None or kept.value.state != "confirmed" or kept.value.paused_since is not None:
        return False
    term = kept.value.contract_by
    if term is None or not now < from_stamp(term) <= now + timedelta(days=1):
        return False
    told = change.tell(
        kept.value, "contract-soon", term, now=now, contract_by=change.shown_at(term)
    )
    try:
        commit(told)
    except Raced:
        return False
    return True


@settles
def lapse_offer(subject: str, *, by: Actor, now: datetime) -> bool:
    """Take an unanswered offer back and offer the seat on; subject: voucher id / group id."""
    voucher_id, _, group_id = subject.partition("/")
    kept = store.find_voucher(voucher_id)
    if kept is None or not rules.overdue_offer(kept.value, group_id, now):
        return False
    after = rules.lapse_offer(kept.value, group_id)
    own, rest = change.puts(change.writes(kept, after, now=now))
    journal.commit(
        journal.entry(
            "vouchers/offer-lapsed",
            f"voucher/{voucher_id}",
            by=by,
            now=now,
            pack=change.pack_of(after).version,
            group_id=group_id,
        ),
        own,
        *rest,
        *change.tell(after, "offer-lapsed", kept.version + 1, now=now),
    )
    return True
