"""Waiting lists: nobody can jump, an offer is one seat for one day.

The order of a list is the place in the merged queue at issue, so it does not matter who asks
first. While an offer is open its seat is reserved; declined or unanswered it goes to the next.
A voucher's own lists stand in the order of its holder's wishes; a standing wish is not offered but
carried out (`standing`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from chalicelib.kernel.periods import local_day, stamp
from chalicelib.kernel.workdays import Calendar
from chalicelib.policy.rules import Rules, Terms
from chalicelib.providers.rules import Group, GroupClosed, free_places
from chalicelib.vouchers.rules.enrolling import may_transfer, next_start, pending
from chalicelib.vouchers.rules.moving import (
    check_group,
    check_term,
    directed,
    may,
    overdue_contract,
    resumed,
    seated,
    seats_of,
)
from chalicelib.vouchers.rules.refusals import AlreadyThere, ListsFull, NotOffered, PlaceIsFree
from chalicelib.vouchers.rules.values import Voucher, Waiting


def waiting_for(voucher: Voucher, group_id: str) -> Waiting | None:
    """Return the voucher's entry on a group's list, None without one."""
    return next((w for w in voucher.waiting if w.group_id == group_id), None)


def join(
    voucher: Voucher,
    group: Group,
    *,
    form: str,
    others_wait: bool,
    now: datetime,
    rules: Rules,
    standing: bool | None = None,
    rank: int | None = None,
) -> Voucher:
    """Return the voucher on one more waiting list; already on it, with what is said of it anew.

    others_wait: somebody stands on the list already, so that a free place is about to be offered.
    standing: to be moved there without being asked again; rank: the how manieth wish it is, 1 the
    dearest. None: as it was, or not standing and the last. Raises WrongState, TermPassed,
    AlreadyThere, what `check_group` raises, GroupClosed, PlaceIsFree, ListsFull.
    """
    state = may(voucher, "wait")
    entry = waiting_for(voucher, group.group_id)
    if entry is not None:
        return _wished(voucher, _standing(entry, standing), rank)
    check_term(voucher, now)
    if group.group_id in seats_of(voucher):
        raise AlreadyThere()
    check_group(voucher, group, form=form, rules=rules)
    if not group.open:
        raise GroupClosed(group_id=group.group_id)
    if free_places(group) > 0 and not others_wait:
        raise PlaceIsFree()
    most = rules.terms.waiting_lists_max
    if len(voucher.waiting) >= most:
        raise ListsFull(most=most)
    entry = Waiting(group.group_id, standing=bool(standing))
    return _wished(replace(voucher, state=state, waiting=(*voucher.waiting, entry)), entry, rank)


def _standing(entry: Waiting, standing: bool | None) -> Waiting:
    return entry if standing is None else replace(entry, standing=standing)


def _wished(voucher: Voucher, entry: Waiting, rank: int | None) -> Voucher:
    """Return the voucher with an entry put where it is wished among its lists."""
    named = [w.group_id for w in voucher.waiting]
    others = [w for w in voucher.waiting if w.group_id != entry.group_id]
    others.insert(named.index(entry.group_id) if rank is None else rank - 1, entry)
    wished = tuple(others)
    return voucher if wished == voucher.waiting else replace(voucher, waiting=wished)


def leave(voucher: Voucher, group_id: str) -> Voucher:
    """Return the voucher off a waiting list, an open offer declined; not on it, as it is."""
    if waiting_for(voucher, group_id) is None:
        return voucher
    return replace(voucher, waiting=tuple(w for w in voucher.waiting if w.group_id != group_id))


def offer(
    voucher: Voucher, group_id: str, *, now: datetime, terms: Terms, calendar: Calendar
) -> Voucher:
    """Return the voucher with an open offer from a list it waits on."""
    until = calendar.deadline(now, calendar_days=terms.waiting_offer_calendar_days)
    return replace(
        voucher,
        waiting=tuple(
            replace(w, state="offered", offered_until=stamp(until)) if w.group_id == group_id else w
            for w in voucher.waiting
        ),
    )


def open_offer(voucher: Voucher, group_id: str, now: datetime) -> Waiting:
    """Return the open offer from a list. Raises NotOffered when there is none, or none any more."""
    entry = waiting_for(voucher, group_id)
    if entry is None or entry.offered_until is None or stamp(now) >= entry.offered_until:
        raise NotOffered()
    return entry


def take_offered(
    voucher: Voucher, group: Group, *, now: datetime, terms: Terms, calendar: Calendar
) -> Voucher:
    """Return a voucher without a contract with the offered seat as its own.

    The new kindergarten judges papers of its own, so the term is at least a whole one from now.
    Who is enrolled transfers instead. Raises WrongState, NotOffered, GroupClosed.
    """
    state = may(voucher, "take-offered")
    open_offer(voucher, group.group_id, now)
    if not group.open:
        raise GroupClosed(group_id=group.group_id)
    taken = directed(seated(resumed(replace(voucher, state=state), now, calendar), group), group)
    fresh = stamp(calendar.deadline(now, working_days=terms.contract_working_days))
    return replace(taken, contract_by=max(taken.contract_by or fresh, fresh))


def overdue_offer(voucher: Voucher, group_id: str, now: datetime) -> bool:
    """Return whether an offer was open and its term is over."""
    entry = waiting_for(voucher, group_id)
    return (
        entry is not None and entry.offered_until is not None and stamp(now) >= entry.offered_until
    )


def may_be_offered(voucher: Voucher, *, now: datetime, terms: Terms, calendar: Calendar) -> bool:
    """Return whether the holder could accept an offer made now.

    Who could not keeps the place on the list and is passed over this time: a missed term, a
    transfer that has not begun, or no transfer left this month.
    """
    match voucher.state:
        case "issued":
            return stamp(now) < voucher.confirm_by
        case "confirmed":
            return not overdue_contract(voucher, now)
        case "used":
            today = local_day(now)
            settled = not terms.transfers_per_month or not pending(voucher, today)
            return settled and may_transfer(voucher, next_start(now, terms, calendar), terms)
        case _:
            return False


def take_back(voucher: Voucher, group_id: str) -> Voucher:
    """Return the voucher waiting again where an offer cannot be kept: the site was closed."""
    return replace(
        voucher,
        waiting=tuple(
            replace(w, state="waiting", offered_until=None) if w.group_id == group_id else w
            for w in voucher.waiting
        ),
    )


def lapse_offer(voucher: Voucher, group_id: str) -> Voucher:
    """Return the voucher off the list whose offer it did not answer.

    Who said meanwhile that it wants to be moved need not answer: it waits, and is moved.
    """
    entry = waiting_for(voucher, group_id)
    if entry is not None and entry.standing:
        return take_back(voucher, group_id)
    return leave(voucher, group_id)
