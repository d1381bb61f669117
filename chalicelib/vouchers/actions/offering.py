"""A free place goes to those who wait for it, in the order of their vouchers.

It is offered when a seat is freed. Should a message be late, or should nobody have been able to
accept before, whoever asks for the place sets the offer going and is refused until it is answered.
"""

from __future__ import annotations

from datetime import datetime

from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor, system
from chalicelib.kernel.periods import local_day
from chalicelib.policy.actions import load_pack
from chalicelib.providers import store as providers
from chalicelib.providers.rules import MOST_CAPACITY, Group, free_places
from chalicelib.storage.commit import settles
from chalicelib.storage.shelf import Kept
from chalicelib.vouchers import rules, store
from chalicelib.vouchers.actions import change
from chalicelib.vouchers.rules import OthersWait, Voucher

_LOOKED_AT_ONCE = 25
_OFFERS = system("vouchers/offer")


def check_turn(voucher: Voucher, group: Group, *, now: datetime) -> None:
    """Raise OthersWait when a free place of the group belongs to somebody on its waiting list.

    Who stands first on it takes the place by choosing as well as by being offered it. Whoever has
    the offer open already holds the seat.
    """
    entry = rules.waiting_for(voucher, group.group_id)
    if entry is not None and entry.state == "offered":
        return
    first = next_waiting(group, now=now)
    if first is not None and first.value.voucher_id != voucher.voucher_id:
        offer_seats(group.group_id, by=_OFFERS, now=now)
        raise OthersWait(group_id=group.group_id)


def offer_seats(group_id: str, *, by: Actor, now: datetime) -> int:
    """Offer the free places of a group to those who wait for it, in order; return how many.

    Without free places, or with nobody waiting, nothing changes: repeating it is harmless.
    """
    offered = 0
    while offered < MOST_CAPACITY and _offer_next(group_id, by=by, now=now):
        offered += 1
    return offered


@settles
def _offer_next(group_id: str, *, by: Actor, now: datetime) -> bool:
    group = providers.find_group(group_id)
    if group is None or free_places(group.value) < 1:
        return False
    pack = load_pack(group.value.programme, group.value.area)
    kept = next_waiting(group.value, now=now)
    if kept is None:
        return False
    terms = pack.at(local_day(now)).terms

    after = rules.offer(kept.value, group_id, now=now, terms=terms, calendar=pack.calendar)

    own, rest = change.puts(change.writes(kept, after, now=now, groups={group_id: group}))
    entry = rules.waiting_for(after, group_id)
    until = entry.offered_until if entry and entry.offered_until else ""
    journal.commit(
        journal.entry(
            "vouchers/offered",
            f"voucher/{after.voucher_id}",
            by=by,
            now=now,
            pack=pack.version,
            group_id=group_id,
            until=until,
        ),
        own,
        *rest,
        *change.tell(
            after,
            "offered",
            kept.version + 1,
            now=now,
            **change.named(group.value),
            until=change.shown_at(until),
        ),
    )
    return True


def next_waiting(group: Group, *, now: datetime) -> Kept[Voucher] | None:
    """Return the first on a group's list who could accept an offer now."""
    pack = load_pack(group.programme, group.area)
    terms = pack.at(local_day(now)).terms
    waiting = (k.value for k in store.each_waiter(group.group_id) if k.value.state == "waiting")
    looked_at: list[str] = []

    def able() -> Kept[Voucher] | None:
        found = store.find_vouchers(looked_at)
        for voucher_id in looked_at:
            kept = found.get(voucher_id)
            if kept is not None and rules.may_be_offered(
                kept.value, now=now, terms=terms, calendar=pack.calendar
            ):
                return kept
        looked_at.clear()
        return None

    for waiter in waiting:
        looked_at.append(waiter.voucher_id)
        if len(looked_at) == _LOOKED_AT_ONCE and (kept := able()) is not None:
            return kept
    return able() if looked_at else None
