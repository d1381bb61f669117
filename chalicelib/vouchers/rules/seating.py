"""What a change of a voucher means for the groups' rows: the one place that moves seats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from chalicelib.providers.rules import (
    Group,
    Seat,
    free_places,
    free_seat,
    leave_seat,
    take_seat,
    use_seat,
)
from chalicelib.vouchers.rules.moving import seats_of
from chalicelib.vouchers.rules.values import Voucher, Waiter

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Change:
    """A voucher before and after a change; starts_on: the first day of a used seat."""

    before: Voucher
    after: Voucher
    starts_on: date | None = None


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
    return seat_together([Change(before, after, starts_on)], groups, today=today)


def seat_together(
    changes: Sequence[Change], groups: Mapping[str, Group], *, today: date, upto: date | None = None
) -> Seating:
    """Return the groups after several vouchers changed seats in one step, into each other's too.

    upto: a seat reserved anew may be kept from a later day on, this at the latest, where the one
    who leaves it has it until then. Raises NoPlace, GroupClosed.
    """
    changed = dict(groups)
    left: list[tuple[Change, dict[str, Seat | None]]] = []
    freed: set[str] = set()
    for change in changes:
        on = _leave(change.before, change.after, changed, today=today)
        left.append((change, on))
        freed |= set(seats_of(change.before) - seats_of(change.after))
    for change, on in left:
        _take(change, changed, on, today=today, upto=upto)
    taken = {change.after.group_id for change in changes}
    return Seating(changed, frozenset(freed - taken if len(changes) > 1 else freed))


def vacant_on(group: Group, first: date, upto: date, *, seats: int = 1) -> date | None:
    """Return the first day, `upto` at the latest, from which so many places are free for good."""
    ends = {s.until + _ONE_DAY for s in group.holders.values() if s.until is not None}
    for day in sorted({first, *(end for end in ends if first < end <= upto)}):
        if free_places(group, from_on=day) >= seats:
            return day
    return None


def _leave(
    before: Voucher, after: Voucher, changed: dict[str, Group], *, today: date
) -> dict[str, Seat | None]:
    """Take away the seats that a voucher gives up; return those that may go on, by group."""
    voucher_id = after.voucher_id
    freed = set(seats_of(before) - seats_of(after))
    # A seat that was left and whose job is late: the group is joined anew, not the old seat kept.
    left = {old.group_id for old in before.leaving} - {new.group_id for new in after.leaving}
    on = {
        old.group_id: changed[old.group_id].holders.get(voucher_id)
        for old in before.leaving
        if old.group_id in left and old.until >= today
    }
    for group_id in freed | left:
        changed[group_id] = free_seat(changed[group_id], voucher_id)
    for leaving in {*after.leaving} - {*before.leaving}:
        changed[leaving.group_id] = leave_seat(changed[leaving.group_id], voucher_id, leaving.until)
    return on


def _take(
    change: Change,
    changed: dict[str, Group],
    on: Mapping[str, Seat | None],
    *,
    today: date,
    upto: date | None,
) -> None:
    """Give a voucher the seats that it holds anew."""
    after, voucher_id = change.after, change.after.voucher_id
    for group_id in sorted(seats_of(after) - {old.group_id for old in after.leaving}):
        own = group_id == after.group_id
        if group_id not in changed:
            continue
        group = changed[group_id]
        if own and after.seat == "used":
            if voucher_id in group.holders:
                changed[group_id] = use_seat(group, voucher_id, change.starts_on)
            else:
                taken = take_seat(group, voucher_id, "used", change.starts_on or today)
                changed[group_id] = _gone_on(taken, voucher_id, on.get(group_id))
        else:
            since = today if upto is None else vacant_on(group, today, upto) or today
            changed[group_id] = take_seat(group, voucher_id, "reserved", since)


def _gone_on(group: Group, voucher_id: str, earlier: Seat | None) -> Group:
    """Return the group with a seat that was joined again before its last day: it goes on."""
    if earlier is None:
        return group
    seat_now = replace(group.holders[voucher_id], since=earlier.since)
    return replace(group, holders={**group.holders, voucher_id: seat_now})


def waiters(voucher: Voucher) -> dict[str, Waiter]:
    """Return the rows that a voucher's waiting lists need, by group."""
    wishes = tuple(w.group_id for w in voucher.waiting if w.standing and w.state == "waiting")
    rows = {}
    for w in voucher.waiting:
        row = Waiter(w.group_id, voucher.voucher_id, voucher.order, w.state)
        if w.group_id in wishes:
            row = replace(row, standing=True, own=voucher.group_id, wishes=wishes)
        rows[w.group_id] = row
    return rows
