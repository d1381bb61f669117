"""The vouchers of a released run, a part at a time; here those that come with a place.

A voucher's id follows from run and application, and each voucher is one commit with its seat, its
place in the queue, its holding, its waiting lists, its deadlines and its notice. So whatever was
issued is found again by its id: a run that broke off anywhere is resumed by running it again, and
two that run at once issue the same. Each commit demands the run as it was read: a stop is exact,
and a runner that fell behind issues nothing. That somebody was passed over is told on the condition
that no other runner issued it a voucher. Vouchers by budget (`funding`) go the same way, some to a
commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import shown_last_day
from chalicelib.kernel.refusals import Refusal, Unavailable
from chalicelib.providers import store as providers
from chalicelib.providers.rules import Group, free_places, take_seat
from chalicelib.queue import rules, store
from chalicelib.queue.actions import planning
from chalicelib.queue.actions.desk import (
    Desk,
    asks_confirmation,
    passed_over,
    told,
)
from chalicelib.queue.actions.funding import issue_funded
from chalicelib.queue.actions.running import closing, order_for, wind_up
from chalicelib.queue.actions.transferring import move_planned
from chalicelib.queue.rules import Granted, Outcome, Run, Settled
from chalicelib.storage.commit import Check, Put, Raced, Write, settles
from chalicelib.storage.shelf import Kept
from chalicelib.vouchers import store as vouchers
from chalicelib.vouchers.actions import issuing
from chalicelib.vouchers.rules import vacant_on

# So that telling how far a run is fits into one commit, whoever was passed over.
PART_MOST = 50


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
        units, passed = rules.next_units(
            store.each_outcome(run, start=run.done), min(most, PART_MOST)
        )
        done = run.done + passed
        moving = [unit for unit in units if unit[0].moves]
        waiting = units[len(moving) :]
        settled: list[tuple[Outcome, Settled]] = []
        try:
            made, demands = move_planned(kept, moving, by=by, now=now)
            settled += zip([o for unit in moving for o in unit], made, strict=True)
            desk = Desk.of(run, waiting, now=now)
            if run.money is not None:
                planned = [outcome for unit in waiting for outcome in unit]
                settled += issue_funded(desk, kept, planned, by=by, now=now)
            else:
                for unit in waiting:
                    results = _settle(desk, kept, unit, by=by, now=now)
                    settled += zip(unit, results, strict=True)
        except store.RunMoved:
            # Another runner is further, or somebody stopped the run.
            return wind_up(run_id, by=by, now=now).state == "released"
        demands += _not_issued(desk, waiting, settled)
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
                *demands,
            )
        except Raced:
            # Another runner told the same, or gave something to whom this one passed over, or
            # somebody stopped the run: look again.
            return True
        if done < run.planned:
            return True
    _finish(run_id, by=by, now=now)
    return False


def _not_issued(
    desk: Desk,
    units: Sequence[Sequence[Outcome]],
    settled: Sequence[tuple[Outcome, Settled]],
) -> list[Check]:
    """Describe that whoever was passed over has no voucher of this run from another runner."""
    skipped = {o.application_id for o, result in settled if o.gets and result.skipped}
    return [
        vouchers.as_judged(desk.voucher_id(outcome.application_id), None)
        for unit in units
        if len(unit) <= rules.TOGETHER_MOST
        for outcome in unit
        if outcome.application_id in skipped
    ]


def list_to_offer(run_id: str, *, now: datetime) -> list[str]:
    """Return the groups with a place now that a run put vouchers on the lists of, or left free.

    A seat freed between plan and issue was offered before its list had anybody on it; one that a
    holder moved from may belong to who is to be asked. A seat freed later is offered when it is
    freed.
    """
    kept = store.find_run(run_id)
    if kept is None or kept.value.state not in ("committed", "stopped"):
        return []
    if kept.value.money is not None:
        return []  # no places were given, so none was wished for in vain
    waited: set[str] = set()
    for outcome in store.each_outcome(kept.value):
        if outcome.group_id is not None:
            waited |= {p.group_id for p in outcome.passed if p.why in ("full", "too-few")}
        if outcome.moves and outcome.from_group is not None:
            waited.add(outcome.from_group)
    upto = Desk.of(kept.value, (), now=now).upto if waited else None
    groups = providers.find_groups(sorted(waited)).values()
    return sorted(k.value.group_id for k in groups if free_places(k.value, from_on=upto) > 0)


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
        *closing(run, store.find_open(run.programme, run.area)),
    )


@settles
def _settle(
    desk: Desk, kept: Kept[Run], unit: Sequence[Outcome], *, by: Actor, now: datetime
) -> list[Settled]:
    """Issue one voucher, or those of a batch; return what became of each.

    Raises RunMoved, Unavailable. Any other refusal passes this unit over, with its code.
    """
    before = [desk.issued(outcome) for outcome in unit]
    if all(before):
        return [settled for settled in before if settled]
    if not all(desk.waits(outcome) for outcome in unit):
        return passed_over(unit, rules.APPLICATION_CHANGED)
    granted = _granted(desk, unit, now=now)
    if granted is None:
        return passed_over(unit, rules.PLACE_TAKEN)
    try:
        _issue(desk, kept, unit, granted, by=by, now=now)
    except Raced:
        desk.fetch(unit)
        desk.groups |= providers.find_groups([granted.group_id])
        raise
    except Unavailable:
        raise
    except Refusal as refusal:
        return passed_over(unit, refusal.code)
    return [
        Settled(o.application_id, desk.voucher_id(o.application_id), granted.group_id) for o in unit
    ]


def _granted(desk: Desk, unit: Sequence[Outcome], *, now: datetime) -> Granted | None:
    """Return the planned seats of a unit, else the next ones that no waiting list has a claim to.

    Two reads for each group that would be next.
    """

    def groups() -> dict[str, Group]:
        return {group_id: kept.value for group_id, kept in desk.groups.items()}

    granted = rules.as_planned(unit, groups(), from_on=desk.from_on, upto=desk.upto)
    if granted is not None:
        return granted
    desk.fetch_all_groups()
    seekers = [desk.seeker(outcome.application_id) for outcome in unit]
    found = rules.places_of(
        groups().values(), academic_year=desk.run.academic_year, from_on=desk.upto
    )
    places = {place.group_id: place for place in found}
    granted = rules.as_planned(unit, groups(), from_on=desk.from_on, upto=desk.upto)
    looked_at: set[str] = set()
    while granted is None:
        next_best = rules.otherwise(
            seekers, list(places.values()), waiting_lists_max=desk.judged.terms.waiting_lists_max
        )
        if next_best is None or next_best.group_id in looked_at:
            return next_best
        looked_at.add(next_best.group_id)
        places[next_best.group_id] = planning.behind_the_list(
            places[next_best.group_id], desk.run, desk.judged, groups(), now=now
        )
    return granted


def _issue(
    desk: Desk,
    kept: Kept[Run],
    unit: Sequence[Outcome],
    granted: Granted,
    *,
    by: Actor,
    now: datetime,
) -> None:
    run = desk.run
    kept_group = desk.groups[granted.group_id]
    group = kept_group.value
    since = vacant_on(group, desk.from_on, desk.upto, seats=len(unit)) or desk.from_on
    aggregate: Put | None = None
    others: list[Write] = [store.while_at(kept)]
    for outcome, waiting in zip(unit, granted.waiting, strict=True):
        voucher = desk.voucher(outcome, group=group, waiting=waiting)
        group = take_seat(group, voucher.voucher_id, "reserved", since)
        put, rest = desk.leaving(outcome, voucher)
        if aggregate is None:
            aggregate = put
        else:
            others.append(put)
        others += rest
        others += issuing(voucher)
        others += told(
            voucher,
            "notice:queue/voucher-issued"
            if asks_confirmation(desk.judged)
            else "notice:queue/place-to-sign",
            now,
            site=desk.site_name(group.site_id),
            group=group.name,
            last_day=shown_last_day(voucher.contract_by or voucher.confirm_by),
        )
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
        group,
        seat.row.pk,
        seat.row.sk,
        kept_group.version + 1,
        seat.row.body or "{}",
        seat.row.head,
    )
