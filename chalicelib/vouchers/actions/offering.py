"""A free place goes to those who wait for it, in the order of their vouchers.

Who is to be moved moves at once, and so does who wants what it leaves; others are asked for a day.
It is given when a seat is freed. Should a message be late, or should nobody have been able to
accept before, whoever asks for the place sets the offer going and is refused until it is answered.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor, system
from chalicelib.kernel.periods import local_day
from chalicelib.kernel.refusals import Refusal, Unavailable
from chalicelib.policy.actions import load_pack
from chalicelib.policy.rules import Pack
from chalicelib.providers import store as providers
from chalicelib.providers.rules import MOST_CAPACITY, Group, GroupClosed, NoPlace, free_places
from chalicelib.storage.commit import Raced, settles
from chalicelib.storage.shelf import Kept
from chalicelib.vouchers import rules, store
from chalicelib.vouchers.actions import change
from chalicelib.vouchers.actions.moving import Move, Rows, changed, make
from chalicelib.vouchers.rules import OthersWait, Voucher, Waiter

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
    if first is None or first.value.voucher_id == voucher.voucher_id:
        return
    given = offer_seats(group.group_id, by=_OFFERS, now=now)
    if given or next_waiting(group, now=now, to_be_asked=True) is not None:
        raise OthersWait(group_id=group.group_id)


def offer_seats(group_id: str, *, by: Actor, now: datetime) -> int:
    """Give the free places of a group to those who wait for it, in order; return how many got one.

    Who is to be moved moves at once, and what it leaves is filled in turn; who is to be asked is
    offered the place for a day. Without free places, or with nobody waiting, nothing changes:
    repeating it is harmless.
    """
    given = 0
    while given < MOST_CAPACITY and (more := _give_next(group_id, by=by, now=now)):
        given += more
    return given


@settles
def _give_next(group_id: str, *, by: Actor, now: datetime) -> int:
    """Fill one place of a group, and those that are left by it; return how many got one."""
    kept = providers.find_group(group_id)
    if kept is None:
        return 0
    pack = load_pack(kept.value.programme, kept.value.area)
    terms = pack.at(local_day(now)).terms
    first_day = rules.next_start(now, terms, pack.calendar)
    if rules.vacant_on(kept.value, local_day(now), first_day) is None:
        return 0
    looked = _Looked(pack, now)
    rows = Rows(kept.value.programme, kept.value.area)
    rows.know([kept])
    while True:
        filled = looked.fill(group_id)
        moves = [
            tuple(Move(looked.vouchers[step.voucher_id], step.group_id) for step in together)
            for together in filled.steps
        ]
        if not moves:
            return int(
                filled.offer is not None and _offer(filled.offer, looked, kept, by=by, now=now)
            )
        rows.fetch([move for together in moves for move in together])
        made = _make_some(moves, looked, rows, by=by, now=now)
        if made:
            return made


def _make_some(
    moves: Sequence[tuple[Move, ...]], looked: _Looked, rows: Rows, *, by: Actor, now: datetime
) -> int:
    """Make moves one after another, as far as they can be made; return how many were.

    What cannot be made is not tried again. After a first one the rest may be left: each seat that
    was left is filled by work of its own too.
    """
    made = 0
    for together in moves:
        try:
            make(together, rows, by=by, now=now)
        except Unavailable:
            if made:
                return made
            raise
        except Refusal as refusal:
            if changed([move.kept for move in together]):
                # What was read is of several instants: it is decided anew, nobody is passed over.
                if made:
                    return made
                raise Raced() from refusal
            if isinstance(refusal, GroupClosed | NoPlace):
                looked.closed.add(str(refusal.facts["group_id"]))
            else:
                looked.passed |= {move.kept.value.voucher_id for move in together}
            return made
        made += len(together)
    return made


def _offer(
    offer: tuple[str, str], looked: _Looked, group: Kept[Group], *, by: Actor, now: datetime
) -> bool:
    """Offer a place for a day to who stands first and is to be asked; return whether it was.

    Only a place that is free today is reserved: who leaves it tomorrow has it until then.
    """
    group_id, voucher_id = offer
    if free_places(group.value) < 1:
        return False
    kept, pack = looked.vouchers[voucher_id], looked.pack
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


@dataclass(slots=True)
class _Looked:
    """Waiting lists and vouchers as they were read for one filling; each list once."""

    pack: Pack
    now: datetime
    lists: dict[str, list[Waiter]] = field(default_factory=dict)
    vouchers: dict[str, Kept[Voucher]] = field(default_factory=dict)
    passed: set[str] = field(default_factory=set)
    closed: set[str] = field(default_factory=set)

    def fill(self, group_id: str) -> rules.Filled:
        """Return who moves into a free place, and who is offered it, of those who could now.

        Raises Raced where a list and a voucher were read at different times.
        """
        while True:
            filled = rules.fill(group_id, self.line, passed=self.passed)
            self._read(filled.vouchers)
            unable = {v for v in filled.vouchers if not self._able(v)}
            if not unable:
                return filled
            self.passed |= unable
            # Several may be unable for one reason, a month that is used: look at more at once.
            ahead = [w.voucher_id for line in self.lists.values() for w in line[:_LOOKED_AT_ONCE]]
            self._read(ahead)
            self.passed |= {v for v in ahead if not self._able(v)}

    def line(self, group_id: str) -> Sequence[Waiter]:
        if group_id in self.closed:
            return ()
        if group_id not in self.lists:
            self.lists[group_id] = [k.value for k in store.each_waiter(group_id)]
        return self.lists[group_id]

    def _read(self, voucher_ids: Iterable[str]) -> None:
        unread = [v for v in dict.fromkeys(voucher_ids) if v not in self.vouchers]
        if unread:
            self.vouchers |= store.find_vouchers(unread)
        for line in self.lists.values():
            for waiter in line:
                kept = self.vouchers.get(waiter.voucher_id)
                if waiter.voucher_id in unread and not _same(waiter, kept):
                    raise Raced()

    def _able(self, voucher_id: str) -> bool:
        terms = self.pack.at(local_day(self.now)).terms
        return rules.may_be_offered(
            self.vouchers[voucher_id].value,
            now=self.now,
            terms=terms,
            calendar=self.pack.calendar,
        )


def _same(waiter: Waiter, kept: Kept[Voucher] | None) -> bool:
    """Return whether a row of a list is what the voucher says."""
    return kept is not None and rules.waiters(kept.value).get(waiter.group_id) == waiter


def next_waiting(group: Group, *, now: datetime, to_be_asked: bool = False) -> Kept[Voucher] | None:
    """Return the first on a group's list who could take a place now.

    to_be_asked: of those alone who are not moved but asked.
    """
    pack = load_pack(group.programme, group.area)
    terms = pack.at(local_day(now)).terms
    waiting = (
        k.value
        for k in store.each_waiter(group.group_id)
        if k.value.state == "waiting" and not (to_be_asked and k.value.standing)
    )
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
