"""What a change of a voucher means for the groups' rows: the one place that moves seats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from chalicelib.providers.rules import Group, Seat, free_seat, leave_seat, take_seat, use_seat
from chalicelib.vouchers.rules.moving import seats_of
from chalicelib.vouchers.rules.values import Voucher, Waiter


@dataclass(frozen=True, slots=True)
class Seating:
    """Groups as they become, and those among them in which a seat was freed at once."""

    groups: Mapping[str, Group]
    freed: frozenset[str]


def touched(before: Voucher | None, after: Voucher) -> frozenset[str]:
    """Return the groups whose rows a change of the voucher needs."""
    if before is None:
        return seats_of(after)
    groups = seats_of(before) ^ seats_of(after)
    groups |= {leaving.group_id for leaving in {*after.leaving} - {*before.leaving}}
    if (before.group_id, before.seat) != (after.group_id, after.seat) and after.group_id:
        groups |= {after.group_id}
    return groups


def seat(
    before: Voucher,
    after: Voucher,
    groups: Mapping[str, Group],
    *,
    today: date,
    starts_on: date | None = None,
) -> Seating:
    """Return the touched groups with the seats that `after` holds instead of those of `before`.

    starts_on: the first day of a used seat. Raises NoPlace, GroupClosed of the group that gives
    a new seat.
    """
    voucher_id = after.voucher_id
    changed = dict(groups)
    freed = set(seats_of(before) - seats_of(after))
    # A seat that was left and whose job is late: the group is joined anew, not the old seat kept.
    left = {old.group_id for old in before.leaving} - {new.group_id for new in after.leaving}
    on = {
        old.group_id: groups[old.group_id].holders.get(voucher_id)
        for old in before.leaving
        if old.group_id in left and old.until >= today
    }
    for group_id in freed | left:
        changed[group_id] = free_seat(changed[group_id], voucher_id)
    for leaving in {*after.leaving} - {*before.leaving}:
        changed[leaving.group_id] = leave_seat(changed[leaving.group_id], voucher_id, leaving.until)
    for group_id in sorted(seats_of(after) - {old.group_id for old in after.leaving}):
        own = group_id == after.group_id
        if group_id not in changed:
            continue
        group = changed[group_id]
        if own and after.seat == "used":
            if voucher_id in group.holders:
                changed[group_id] = use_seat(group, voucher_id, starts_on)
            else:
                taken = take_seat(group, voucher_id, "used", starts_on or today)
                changed[group_id] = _gone_on(taken, voucher_id, on.get(group_id))
        else:
            changed[group_id] = take_seat(group, voucher_id, "reserved", today)
    return Seating(changed, frozenset(freed))


def _gone_on(group: Group, voucher_id: str, earlier: Seat | None) -> Group:
    """Return the group with a seat that was joined again before its last day: it goes on."""
    if earlier is None:
        return group
    seat_now = replace(group.holders[voucher_id], since=earlier.since)
    return replace(group, holders={**group.holders, voucher_id: seat_now})


def waiters(voucher: Voucher) -> dict[str, Waiter]:
    """Return the rows that a voucher's waiting lists need, by group."""
    return {
        w.group_id: Waiter(w.group_id, voucher.voucher_id, voucher.order, w.state)
        for w in voucher.waiting
    }
