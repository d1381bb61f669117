"""The vouchers of a released run, a part at a time.

A voucher's id follows from run and application, and each voucher is one commit with its seat, its
place in the queue, its holding, its waiting lists, its deadlines and its notice. So whatever was
issued is found again by its id: a run that broke off anywhere is resumed by running it again, and
two that run at once issue the same. Each commit demands the run's gate: a stop is exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from chalicelib.applications import store as applications
from chalicelib.applications.rules import Application, QueueEntry, decide_offer
from chalicelib.children import store as children
from chalicelib.children.actions import representatives_of
from chalicelib.children.rules import Holding, Holdings, hold
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import from_stamp, local_day
from chalicelib.kernel.refusals import Refusal, Unavailable
from chalicelib.policy.actions import load_pack
from chalicelib.policy.rules import Rules
from chalicelib.providers import store as providers
from chalicelib.providers.rules import Group, free_places, take_seat
from chalicelib.queue import rules, store
from chalicelib.queue.actions.running import closing, order_for, wind_up
from chalicelib.queue.rules import Granted, Outcome, Run, Settled
from chalicelib.storage import outbox
from chalicelib.storage.commit import Put, Raced, Write, settles
from chalicelib.storage.shelf import Kept
from chalicelib.vouchers import store as vouchers
from chalicelib.vouchers.actions import issuing
from chalicelib.vouchers.rules import Voucher, issue

_LAST_MOMENT = timedelta(microseconds=1)
_TOLD_MAX = 4  # a batch with its people, lists and clocks stays within one commit


def commit_part(run_id: str, *, by: Actor, now: datetime, most: int) -> bool:
    """Issue the next vouchers of a released run, about `most`; return whether more are left.

    Safe to repeat, to interrupt and to run beside another. Raises Unknown, Unavailable.
    """
    kept = store.load_run(run_id)
    run = kept.value
    if run.state == "stopped":
        wind_up(run_id, by=by, now=now)
        return False
    if run.state != "released":
        return False
    if run.done < run.planned:
        units, passed = rules.next_units(store.each_outcome(run, start=run.done), most)
        done = run.done + passed
        desk = _Desk.of(run, units)
        settled: list[tuple[Outcome, Settled]] = []
        try:
            for unit in units:
                results = _settle(desk, unit, by=by, now=now)
                settled += zip(unit, results, strict=True)
        except rules.RunStopped:
            wind_up(run_id, by=by, now=now)
            return False
        advanced = rules.advance(run, done=done, settled=settled, order=order_for(run))
        try:
            journal.commit(
                journal.entry(
                    "queue/run-advanced",
                    f"run/{run_id}",
                    by=by,
                    now=now,
                    pack=run.pack,
                    done=done,
                    issued=advanced.issued,
                ),
                store.keep_run(kept, advanced),
                store.result_part(run, [result for _, result in settled]),
            )
        except Raced:
            return True  # another runner told the same, or somebody stopped the run: look again
        if done < run.planned:
            return True
    _finish(run_id, by=by, now=now)
    return False


def list_to_offer(run_id: str) -> list[str]:
    """Return the groups a run put vouchers on the waiting lists of and that have a place now.

    A seat freed between plan and issue was offered before its list had anybody on it. A seat
    freed later is offered when it is freed.
    """
    kept = store.find_run(run_id)
    if kept is None or kept.value.state not in ("committed", "stopped"):
        return []
    waited = {
        passed.group_id
        for outcome in store.each_outcome(kept.value)
        if outcome.group_id is not None
        for passed in outcome.passed
        if passed.why in ("full", "too-few")
    }
    groups = providers.find_groups(sorted(waited)).values()
    return sorted(k.value.group_id for k in groups if free_places(k.value) > 0)


@settles
def _finish(run_id: str, *, by: Actor, now: datetime) -> None:
    kept = store.load_run(run_id)
    if kept.value.state != "released":
        return
    run = rules.finish(kept.value, now=now)
    journal.commit(
        journal.entry(
            "queue/run-ended",
            f"run/{run_id}",
            by=by,
            now=now,
            pack=run.pack,
            issued=run.issued,
            skipped=run.skipped,
        ),
        store.keep_run(kept, run),
        store.shut_gate(run_id),
        *closing(run, store.find_open(run.programme, run.area)),
        outbox.work(
            f"checkpoint-after#{run_id}",
            "queue/checkpoint",
            now=now,
            checkpoint_id=f"after-{run_id}"[:64],
            programme=run.programme,
            area=run.area,
        ),
    )


@dataclass(slots=True)
class _Desk:
    """What the next vouchers need, read in hundreds; a row that changed is read anew."""

    run: Run
    judged: Rules
    from_on: date
    applications: dict[str, Kept[Application]] = field(default_factory=dict)
    entries: dict[str, Kept[QueueEntry]] = field(default_factory=dict)
    holdings: dict[str, Kept[Holdings]] = field(default_factory=dict)
    vouchers: dict[str, Kept[Voucher]] = field(default_factory=dict)
    groups: dict[str, Kept[Group]] = field(default_factory=dict)
    sites: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, run: Run, units: Sequence[Sequence[Outcome]]) -> _Desk:
        assert run.released_at is not None
        day = local_day(from_stamp(run.released_at))
        judged = load_pack(run.programme, run.area).at(day)
        desk = cls(run, judged, rules.starts(day, run.academic_year, judged.academic_year))
        desk.fetch([outcome for unit in units for outcome in unit])
        return desk

    def fetch(self, outcomes: Sequence[Outcome]) -> None:
        """Read all rows of these outcomes, over what was read before."""
        ids = [outcome.application_id for outcome in outcomes]
        for application_id in ids:
            self.applications.pop(application_id, None)
            self.entries.pop(application_id, None)
        self.applications |= applications.find_applications(ids)
        self.entries |= applications.find_entries(self.run.programme, self.run.area, ids)
        self.vouchers |= vouchers.find_vouchers([self.voucher_id(i) for i in ids])
        people = [k.value.child_id for i in ids if (k := self.applications.get(i))]
        self.holdings |= children.find_holdings(people)
        self.groups |= providers.find_groups(
            list(dict.fromkeys(o.group_id for o in outcomes if o.group_id))
        )

    def fetch_all_groups(self) -> None:
        """Read every group of the area anew."""
        kept = providers.list_groups(self.run.programme, self.run.area)
        self.groups = {k.value.group_id: k for k in kept}

    def site_name(self, site_id: str) -> str:
        """Return a kindergarten's name, as its notices have it."""
        if site_id not in self.sites:
            self.sites[site_id] = providers.load_site(site_id).value.name
        return self.sites[site_id]

    def voucher_id(self, application_id: str) -> str:
        return rules.voucher_id_for(self.run.run_id, application_id)

    def issued(self, outcome: Outcome) -> Settled | None:
        """Return the voucher this run issued for an application before."""
        kept = self.vouchers.get(self.voucher_id(outcome.application_id))
        if kept is None:
            return None
        return Settled(outcome.application_id, kept.value.voucher_id, kept.value.group_id)


@settles
def _settle(desk: _Desk, unit: Sequence[Outcome], *, by: Actor, now: datetime) -> list[Settled]:
    """Issue one voucher, or those of a batch; return what became of each.

    Raises RunStopped, Unavailable. Any other refusal passes this unit over, with its code.
    """
    before = [desk.issued(outcome) for outcome in unit]
    if all(before):
        return [settled for settled in before if settled]
    kept = [desk.applications.get(outcome.application_id) for outcome in unit]
    if not all(
        application is not None
        and rules.still_waits(application.value)
        and outcome.application_id in desk.entries
        for application, outcome in zip(kept, unit, strict=True)
    ):
        return _passed_over(unit, rules.APPLICATION_CHANGED)
    granted = _granted(desk, unit)
    if granted is None:
        return _passed_over(unit, rules.PLACE_TAKEN)
    try:
        _issue(desk, unit, granted, by=by, now=now)
    except Raced:
        desk.fetch(unit)
        desk.groups |= providers.find_groups([granted.group_id])
        raise
    except (rules.RunStopped, Unavailable):
        raise
    except Refusal as refusal:
        return _passed_over(unit, refusal.code)
    return [
        Settled(o.application_id, desk.voucher_id(o.application_id), granted.group_id) for o in unit
    ]


def _granted(desk: _Desk, unit: Sequence[Outcome]) -> Granted | None:
    def groups() -> dict[str, Group]:
        return {group_id: kept.value for group_id, kept in desk.groups.items()}

    granted = rules.as_planned(unit, groups(), from_on=desk.from_on)
    if granted is not None:
        return granted
    desk.fetch_all_groups()
    year = desk.run.academic_year
    seekers = [
        rules.seeker_of(desk.entries[outcome.application_id].value, desk.judged, year)
        for outcome in unit
    ]
    places = rules.places_of(groups().values(), academic_year=year, from_on=desk.from_on)
    return rules.as_planned(unit, groups(), from_on=desk.from_on) or rules.otherwise(
        seekers, places, waiting_lists_max=desk.judged.terms.waiting_lists_max
    )


def _issue(
    desk: _Desk, unit: Sequence[Outcome], granted: Granted, *, by: Actor, now: datetime
) -> None:
    run = desk.run
    assert run.released_at is not None and run.confirm_by is not None
    kept_group = desk.groups[granted.group_id]
    group = kept_group.value
    aggregate: Put | None = None
    others: list[Write] = [store.while_open(run.run_id)]
    for outcome, waiting in zip(unit, granted.waiting, strict=True):
        kept = desk.applications[outcome.application_id]
        entry = desk.entries[outcome.application_id]
        seeker = rules.seeker_of(entry.value, desk.judged, run.academic_year)
        voucher = issue(
            voucher_id=desk.voucher_id(outcome.application_id),
            application_id=outcome.application_id,
            child_id=kept.value.child_id,
            person_id=kept.value.person_id,
            programme=run.programme,
            area=run.area,
            age=seeker.age,
            academic_year=run.academic_year,
            language=seeker.language,
            kind=seeker.kind,
            order=rules.voucher_order(run.released_at, outcome.position),
            preferences=seeker.preferences,
            group=group,
            waiting=waiting,
            issued_at=from_stamp(run.released_at),
            confirm_by=from_stamp(run.confirm_by),
            run_id=run.run_id,
            pack=run.pack,
        )
        group = take_seat(group, voucher.voucher_id, "reserved", desk.from_on)
        offered = decide_offer(kept.value, voucher.voucher_id, run.confirm_by)
        put, rest = applications.offer(kept, entry, offered)
        if aggregate is None:
            aggregate = put
        else:
            others.append(put)
        others += rest
        others += issuing(voucher)
        others.append(_held(desk, voucher, run.released_at))
        others += _told(voucher, group, desk.site_name(group.site_id), now)
    seat = providers.keep_group(kept_group, group)
    others.append(seat)
    assert aggregate is not None
    journal.commit(
        journal.entry(
            "queue/voucher-issued",
            f"application/{unit[0].application_id}",
            by=by,
            now=now,
            pack=run.pack,
            run_id=run.run_id,
            group_id=granted.group_id,
            vouchers=[desk.voucher_id(outcome.application_id) for outcome in unit],
        ),
        aggregate,
        *others,
    )
    desk.groups[granted.group_id] = Kept(
        group, seat.row.pk, seat.row.sk, kept_group.version + 1, seat.row.body or "{}"
    )


def _held(desk: _Desk, voucher: Voucher, since: str) -> Put:
    kept = desk.holdings.get(voucher.child_id) or children.load_holdings(voucher.child_id)
    holding = Holding(
        kind="voucher",
        id=voucher.voucher_id,
        programme=voucher.programme,
        area=voucher.area,
        since=since,
    )
    return children.keep_holdings(kept, hold(kept.value, holding))


def _told(voucher: Voucher, group: Group, site: str, now: datetime) -> list[Put]:
    last_day = local_day(from_stamp(voucher.confirm_by) - _LAST_MOMENT)
    people = representatives_of(voucher.child_id, local_day(now)) or (voucher.person_id,)
    return [
        outbox.notice(
            f"voucher-issued#{voucher.voucher_id}",
            to=f"person:{person_id}",
            template="notice:queue/voucher-issued",
            now=now,
            voucher_id=voucher.voucher_id,
            application_id=voucher.application_id,
            site=site,
            group=group.name,
            last_day=last_day.strftime("%d.%m.%Y"),
        )
        for person_id in people[:_TOLD_MAX]
    ]


def _passed_over(unit: Sequence[Outcome], why: str) -> list[Settled]:
    return [Settled(outcome.application_id, skipped=why) for outcome in unit]
