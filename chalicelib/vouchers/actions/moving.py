"""Holders moved by their standing wishes: one into a place that is free, or a ring of them at once.

What moves read beside the vouchers comes in one call, and all that a move writes goes in one
transaction. Whom it concerns is told by work that the transaction leaves behind, so that a ring of
six fits into one. A seat that is left on a day is taken from the next: no day belongs to two.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from chalicelib.children import store as people
from chalicelib.children.rules import Holdings, swap
from chalicelib.journal import store as journal
from chalicelib.journal.rules import Entry
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import local_day, shown_day
from chalicelib.policy.rules import Pack
from chalicelib.providers import store as providers
from chalicelib.providers.rules import Group, GroupClosed, Site
from chalicelib.storage import outbox
from chalicelib.storage.commit import Put, Write
from chalicelib.storage.shelf import Kept, Shelf
from chalicelib.storage.together import find_together
from chalicelib.vouchers import rules, store
from chalicelib.vouchers.actions import change, enrolments
from chalicelib.vouchers.actions.enrolling import LEFT_TO_ITSELF
from chalicelib.vouchers.rules import Enrolment, Roster, Stays, Voucher

MOVED_TOPIC = "vouchers/moved"

At = tuple[Shelf[Any], tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Move:
    """A holder and the group that it is to have its seat in."""

    kept: Kept[Voucher]
    group_id: str


@dataclass(slots=True)
class Rows:
    """What moves of one area read beside the vouchers; what they wrote stands in for it."""

    programme: str
    area: str
    found: dict[tuple[str, str], Kept[Any]] = field(default_factory=dict)
    shelves: dict[tuple[str, str], Shelf[Any]] = field(default_factory=dict)

    def know(self, groups: Iterable[Kept[Group]]) -> None:
        """Take in groups that were read already."""
        for kept in groups:
            shelf, key = providers.group_at(self.programme, self.area, kept.value.group_id)
            self.shelves[key], self.found[key] = shelf, kept

    def fetch(self, moves: Sequence[Move]) -> None:
        """Read what these moves need and is not known: one call for a chain of ten or so."""
        sites = {m.kept.value.group_id: m.kept.value.site_id or "" for m in moves}
        for group_id in {move.group_id for move in moves}:
            known = self.group(group_id)
            if known is not None:
                sites[group_id] = known.value.site_id
        unknown = {move.group_id for move in moves} - sites.keys()
        if unknown:
            self._read(providers.group_at(self.programme, self.area, g) for g in unknown)
            sites |= {g: k.value.site_id for g in unknown if (k := self.group(g)) is not None}
        wanted: list[At] = []
        for move in moves:
            voucher = move.kept.value
            for of in (voucher.group_id, move.group_id):
                if of is None or of not in sites:
                    continue
                wanted.append(providers.group_at(self.programme, self.area, of))
                wanted.append(providers.site_at(sites[of]))
                if voucher.enrolment_id is not None:
                    wanted.append(store.roster_at(sites[of], of))
            if voucher.enrolment_id is not None:
                wanted.append(people.holdings_at(voucher.child_id))
                wanted.append(store.stays_at(voucher.child_id, voucher.programme))
                wanted.append(store.enrolment_at(voucher.site_id or "", voucher.enrolment_id))
        self._read(wanted)

    def forget(self) -> None:
        """Know nothing any more: somebody else changed a row."""
        self.found.clear()
        self.shelves.clear()

    def written(self, writes: Iterable[Write]) -> None:
        """Take in what a commit wrote, for the next one."""
        for write in writes:
            if isinstance(write, Put) and (write.row.pk, write.row.sk) in self.shelves:
                key = write.row.pk, write.row.sk
                self.found[key] = self.shelves[key].kept(write.row)

    def group(self, group_id: str) -> Kept[Group] | None:
        kept: Kept[Group] | None = self._find(
            providers.group_at(self.programme, self.area, group_id)
        )
        return kept

    def load_group(self, group_id: str) -> Kept[Group]:
        """Return a group. Raises GroupClosed where there is none."""
        kept = self.group(group_id)
        if kept is None:
            raise GroupClosed(group_id=group_id)
        return kept

    def site(self, site_id: str) -> Site:
        kept: Kept[Site] | None = self._find(providers.site_at(site_id))
        return kept.value if kept else providers.load_site(site_id).value

    def enrolment(self, site_id: str, enrolment_id: str) -> Kept[Enrolment]:
        kept: Kept[Enrolment] | None = self._find(store.enrolment_at(site_id, enrolment_id))
        return kept or store.load_enrolment(site_id, enrolment_id)

    def holdings(self, child_id: str) -> Kept[Holdings]:
        kept: Kept[Holdings] | None = self._find(people.holdings_at(child_id))
        return kept or people.load_holdings(child_id)

    def stays(self, child_id: str, programme: str) -> Kept[Stays]:
        kept: Kept[Stays] | None = self._find(store.stays_at(child_id, programme))
        return kept or store.find_stays(child_id, programme)

    def roster(self, site_id: str, group_id: str) -> Kept[Roster]:
        (_, key) = at = store.roster_at(site_id, group_id)
        kept: Kept[Roster] | None = self._find(at)
        return kept or Kept(Roster(site_id, group_id), *key, 0, "{}")

    def _find(self, at: At) -> Any:
        return self.found.get(at[1])

    def _read(self, wanted: Iterable[At]) -> None:
        unread = [(shelf, key) for shelf, key in wanted if key not in self.shelves]
        self.shelves |= {key: shelf for shelf, key in unread}
        self.found |= find_together(unread)


@dataclass(frozen=True, slots=True)
class _Decided:
    """A move that may be made; ended, started: of a child that is enrolled."""

    move: Move
    after: Voucher
    ended: Enrolment | None = None
    started: Enrolment | None = None

    @property
    def before(self) -> Voucher:
        return self.move.kept.value


def make(
    moves: Sequence[Move],
    rows: Rows,
    *,
    by: Actor,
    now: datetime,
    run_id: str = "",
    demands: Sequence[Write] = (),
) -> list[Voucher]:
    """Move a holder, or a ring in which each goes where the next one leaves; all or none.

    rows: fetched for these moves. demands: what else has to be true. Between runs (no run_id) the
    seat that is left is offered on. Raises WrongState, TermPassed, TransferPending,
    OneTransferAMonth, WishWithdrawn, what `check_group` raises, GroupClosed, NoPlace, BadStart; of
    a ring RingOfDirections, and TooManyWrites where it is too long for one commit.
    """
    pack = change.pack_of(moves[0].kept.value)
    today = local_day(now)
    in_force = pack.at(today)
    decided = [_decide(move, rows, pack, run_id=run_id, now=now) for move in moves]
    if len(decided) > 1 and any(d.before.direction != d.after.direction for d in decided):
        raise rules.RingOfDirections()  # an account is written once in a transaction
    seating = rules.seat_together(
        [
            rules.Change(d.before, d.after, d.started.starts_on if d.started else None)
            for d in decided
        ],
        {g: rows.load_group(g).value for g in _groups(decided)},
        today=today,
        upto=rules.next_start(now, in_force.terms, pack.calendar),
    )
    owns = [store.keep_voucher(d.move.kept, d.after) for d in decided]
    others: list[Write] = list(demands)
    for group_id, group in sorted(seating.groups.items()):
        others.append(providers.keep_group(rows.load_group(group_id), group))
    for d in decided:
        others += change.follows(d.move.kept, d.after, now=now)
    others += _enrolments(decided, rows, now=now)
    if not run_id:
        others += _offered_on(decided, rows, now=now)
    others += [_told_later(d, now=now) for d in decided]
    entries = [_entry(d, pack, len(decided), run_id=run_id, by=by, now=now) for d in decided]
    beside = [journal.beside(e, own) for e, own in zip(entries[1:], owns[1:], strict=True)]
    journal.commit(entries[0], owns[0], *owns[1:], *others, *beside)
    rows.written([*owns, *others])
    return [d.after for d in decided]


def changed(vouchers: Sequence[Kept[Voucher]]) -> bool:
    """Return whether any of these vouchers is no longer as it was read. One call."""
    now_kept = store.find_vouchers([kept.value.voucher_id for kept in vouchers])
    return any(
        kept.value.voucher_id not in now_kept
        or now_kept[kept.value.voucher_id].version != kept.version
        for kept in vouchers
    )


def _decide(move: Move, rows: Rows, pack: Pack, *, run_id: str, now: datetime) -> _Decided:
    voucher = move.kept.value
    in_force = pack.at(local_day(now))
    group = rows.load_group(move.group_id).value
    form = rows.site(group.site_id).form
    rules.demand_wish(voucher, move.group_id)
    if voucher.enrolment_id is None:
        after = rules.reseat(
            voucher, group, form=form, now=now, rules=in_force, calendar=pack.calendar
        )
        return _Decided(move, replace(after, moved_in=run_id or after.moved_in))
    current = rows.enrolment(voucher.site_id or "", voucher.enrolment_id).value
    moved = rules.transfer(
        voucher,
        current,
        group,
        enrolment_id=rules.enrolment_id_for(voucher, move.group_id, move.kept.version),
        form=form,
        now=now,
        rules=in_force,
        calendar=pack.calendar,
        limited=rows.site(current.site_id).state not in LEFT_TO_ITSELF,
    )
    after = replace(moved.voucher, moved_in=run_id or voucher.moved_in)
    return _Decided(move, after, moved.ended, moved.started)


def _groups(decided: Iterable[_Decided]) -> Collection[str]:
    return {g for d in decided for g in rules.touched(d.before, d.after)}


def _enrolments(decided: Sequence[_Decided], rows: Rows, *, now: datetime) -> list[Write]:
    """Describe the enrolments that end and begin, with rosters, stays and holdings."""
    writes: list[Write] = []
    ended: list[Enrolment] = []
    started: list[Enrolment] = []
    for d in decided:
        if d.ended is None or d.started is None:
            continue
        ended.append(d.ended)
        started.append(d.started)
        holdings = rows.holdings(d.after.child_id)
        held = swap(holdings.value, d.ended.enrolment_id, enrolments.holding(d.started, now))
        writes += [
            store.keep_enrolment(rows.enrolment(d.ended.site_id, d.ended.enrolment_id), d.ended),
            store.create_enrolment(d.started),
            enrolments.stays([d.started], [d.ended], began="transfer", read=rows.stays),
            people.keep_holdings(holdings, held),
        ]
    return [*writes, *enrolments.rosters(started, ended, now=now, read=rows.roster)]


def _offered_on(decided: Sequence[_Decided], rows: Rows, *, now: datetime) -> list[Write]:
    """Describe the work of filling the seats that nobody of a ring took."""
    taken = {d.move.group_id for d in decided}
    left = {d.before.group_id for d in decided} - taken
    return [
        change.offer_work(group_id, rows.load_group(group_id).version + 1, now=now)
        for group_id in sorted(g for g in left if g is not None)
    ]


def _entry(
    d: _Decided, pack: Pack, together: int, *, run_id: str, by: Actor, now: datetime
) -> Entry:
    facts: dict[str, object] = {"left_group": d.before.group_id, "group_id": d.move.group_id}
    if run_id:
        facts["run_id"] = run_id
    if together > 1:
        facts["ring"] = together
    if d.ended is not None and d.started is not None:
        facts |= {
            "left_site": d.ended.site_id,
            "left_enrolment": d.ended.enrolment_id,
            "site_id": d.started.site_id,
            "enrolment_id": d.started.enrolment_id,
            "starts_on": d.started.starts_on.isoformat(),
        }
    stream = f"voucher/{d.after.voucher_id}"
    return journal.entry("vouchers/moved", stream, by=by, now=now, pack=pack.version, **facts)


# --- who is told ----------------------------------------------------------------------------------


def _told_later(d: _Decided, *, now: datetime) -> Put:
    mark = d.move.kept.version + 1
    dates = {}
    if d.ended is not None and d.started is not None:
        dates = {"starts_on": d.started.starts_on, "last_day": d.ended.ends_on}
    return outbox.work(
        f"vouchers-moved#{d.after.voucher_id}#{mark}",
        MOVED_TOPIC,
        now=now,
        voucher_id=d.after.voucher_id,
        mark=mark,
        group_id=d.move.group_id,
        left=d.before.group_id,
        contract_by=d.after.contract_by if d.started is None else None,
        **{name: day.isoformat() for name, day in dates.items() if day is not None},
    )


def tell_moved(
    voucher_id: str,
    mark: int,
    group_id: str,
    *,
    left: str | None,
    contract_by: str | None,
    starts_on: str | None,
    last_day: str | None,
    now: datetime,
) -> int:
    """Tell the family and both providers of a move; told already, nothing more.

    Returns how many notices are new.
    """
    voucher = store.load_voucher(voucher_id).value
    group = providers.load_group(group_id).value
    names = change.named(group)
    if starts_on is None:
        papers = change.pack_of(voucher).at(local_day(now)).terms.papers
        what = "moved-to-hand-in" if papers else "moved-to-sign"
        facts = {"contract_by": change.shown_at(contract_by or voucher.confirm_by)}
        told = change.tell(voucher, what, mark, now=now, **names, **facts)
        told.append(
            change.tell_head(
                group.organisation_id, voucher, "expected", mark, now=now, **names, **facts
            )
        )
        return outbox.write_each(told)
    day = _shown(starts_on)
    told = change.tell(voucher, "moved", mark, now=now, **names, starts_on=day)
    told.append(
        change.tell_head(
            group.organisation_id, voucher, "signed-here", mark, now=now, **names, starts_on=day
        )
    )
    old = providers.find_group(left) if left else None
    if old is not None:
        told.append(
            change.tell_head(
                old.value.organisation_id,
                voucher,
                "left",
                mark,
                now=now,
                **change.named(old.value),
                last_day=_shown(last_day or starts_on),
                reason="transfer",
            )
        )
    return outbox.write_each(told)


def _shown(day: str) -> str:
    return shown_day(datetime.fromisoformat(day).date())
