"""An iteration: proposed from what stands in the tables, released, stopped.

A proposal writes first what it read and decided, in parts named by their digest, then the run
itself: a proposal that broke off leaves parts that nobody points to, and the next one goes through.
One run of an area is under way at a time; the area's gate row says which.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from chalicelib.access import actions as access
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor, Role
from chalicelib.kernel.periods import from_stamp, local_day, stamp
from chalicelib.kernel.refusals import AnotherContent
from chalicelib.policy.actions import load_pack
from chalicelib.queue import rules, store
from chalicelib.queue.actions import planning
from chalicelib.queue.actions.desk import settled_by
from chalicelib.queue.actions.transferring import moved_by
from chalicelib.queue.rules import Outcome, Run, Seeker, Settled, StopReason
from chalicelib.storage import agenda, outbox
from chalicelib.storage.commit import Put, Write, settles
from chalicelib.storage.secrets import fingerprint
from chalicelib.storage.shelf import Kept
from chalicelib.vouchers import store as vouchers

# More vouchers than a runner issues before it says how far it got.
LOOK_AHEAD = 300


def is_run_day(programme: str, area: str, at: datetime) -> bool:
    """Return whether the pack has a scheduled run on the day of an instant."""
    pack = load_pack(programme, area)
    day = local_day(at)
    return not pack.at(day).iteration.working_days_only or pack.calendar.is_working(day)


@settles
def propose(run_id: str, *, programme: str, area: str, by: Actor, now: datetime) -> Run:
    """Draft a run of an area's queue; the same id again gets the same run.

    A pack that waits no time releases it at once. Raises Unknown, AnotherContent, RunUnderWay,
    IntakeOpen.
    """
    _serving(by, area)
    pack = load_pack(programme, area)
    asked = fingerprint([programme, area])
    kept = store.find_run(run_id)
    if kept is not None:
        _serving(by, kept.value.area)
        if kept.value.asked != asked:
            raise AnotherContent(run_id=run_id)
        return _released_if_due(kept, now=now)
    opened = store.find_open(programme, area)
    if opened.value.run_id is not None:
        earlier = store.load_run(opened.value.run_id).value
        if earlier.state != "stopped":
            raise rules.RunUnderWay(run_id=earlier.run_id)
        wind_up(earlier.run_id, by=by, now=now)  # whoever stopped it broke off
        opened = store.find_open(programme, area)

    reading = planning.read(programme, area, now=now)
    planning.check_drawn(reading)
    money, year = reading.money, reading.academic_year
    seekers, places = planning.supply(reading, programme, area, now=now)
    # A city's entries are a third of all that is held; what a run needs of them are its seekers.
    reading = replace(reading, entries={})
    carry = opened.value.carry

    plan = planning.decide(seekers, places, money, reading.order, dict(carry))

    read = store.Input(
        programme=programme,
        area=area,
        academic_year=year,
        pack=pack.version,
        engine=reading.engine,
        carry=carry,
        money=money,
        seeds=_seeds_of(seekers, reading.order),
        pack_sha256=pack.digest,
    )
    inputs = store.digest([read, seekers, places])
    input_parts = store.input_parts(run_id, inputs, read, seekers, places)
    outcome_parts = store.outcome_parts(run_id, inputs, plan.outcomes)
    write_parts("queue/run-part", [*input_parts, *outcome_parts], by=by, now=now, pack=pack.version)

    waiting = rules.waiting_by_category(reading.seekers, reading.order)
    judged = reading.judged
    together = _together(reading, waiting, opened.value, store.find_head(programme, area))
    auto = judged.release.mode == "auto"
    release_at = now + timedelta(minutes=judged.release.minutes)
    run = Run(
        run_id=run_id,
        programme=programme,
        area=area,
        state="draft",
        mode=judged.release.mode,
        academic_year=year,
        pack=pack.version,
        engine=reading.engine,
        asked=asked,
        proposed_by=by.subject,
        proposed_at=stamp(now),
        inputs=inputs,
        outcome=store.digest(plan.outcomes),
        input_parts=len(input_parts),
        outcome_parts=len(outcome_parts),
        planned=len(plan.outcomes),
        vouchers=plan.vouchers,
        moves=plan.moves,
        places=sum(place.free for place in places),
        carry_before=carry,
        carry_after=carry,
        waiting_before=waiting,
        waiting_after=waiting,
        release_at=stamp(release_at) if auto else None,
        money=money,
        after=opened.value.last_run_id,
        together=together,
    )
    journal.commit(
        journal.entry(
            "queue/run-proposed",
            _of(run_id),
            by=by,
            now=now,
            pack=pack.version,
            programme=programme,
            area=area,
            inputs=run.inputs,
            outcome=run.outcome,
            vouchers=run.vouchers,
            moves=run.moves,
        ),
        store.create_run(run),
        store.keep_open(opened, replace(opened.value, run_id=run_id, together=together)),
        store.create_line(run, rules.line_of(run)),
        *([agenda.due(release_at, "queue/release", run_id)] if auto else []),
    )
    return _released_if_due(store.load_run(run_id), now=now)


@settles
def release(run_id: str, *, by: Actor, now: datetime) -> Run:
    """Let a draft take effect; a second person does. Again, it answers the same.

    Raises Unknown, RunStopped, NeedsAnother, RunOutdated.
    """
    kept = store.load_run(run_id)
    _serving(by, kept.value.area)
    return _release(kept, by=by, now=now, timed=False)


@settles
def release_due(run_id: str, *, by: Actor, now: datetime) -> bool:
    """Release a draft whose time has come; return whether it was."""
    kept = store.find_run(run_id)
    if kept is None or not rules.falls_due(kept.value, now):
        return False
    _release(kept, by=by, now=now, timed=True)
    return True


@settles
def stop(run_id: str, *, reason: StopReason, by: Actor, now: datetime) -> Run:
    """Stop a run: what it issued stands, the rest is void. Again, it answers the same.

    Raises Unknown, RunCommitted.
    """
    kept = store.load_run(run_id)
    run = kept.value
    _serving(by, run.area)
    stopped = rules.decide_stop(run, by=by.subject, reason=reason, now=now)
    if stopped is not run:
        # From here on nothing more is issued: each commit demands the run as it was read.
        journal.commit(
            journal.entry(
                "queue/run-stopped", _of(run_id), by=by, now=now, pack=run.pack, reason=reason
            ),
            store.keep_run(kept, stopped),
        )
    return wind_up(run_id, by=by, now=now)


@settles
def wind_up(run_id: str, *, by: Actor, now: datetime) -> Run:
    """Count what a stopped run has issued and let the area's next run begin."""
    kept = store.load_run(run_id)
    run = kept.value
    opened = store.find_open(run.programme, run.area)
    if run.state != "stopped" or opened.value.run_id != run_id:
        return run
    # Vouchers are issued in order; only the part that was under way is not counted yet.
    units, _ = rules.next_units(store.each_outcome(run, start=run.done), LOOK_AHEAD)
    ahead = [outcome for unit in units for outcome in unit]
    ids = {o.application_id: rules.voucher_id_for(run_id, o.application_id) for o in ahead}
    issued = vouchers.find_vouchers([*ids.values(), *(o.voucher_id for o in ahead if o.voucher_id)])

    def became(outcome: Outcome) -> Settled | None:
        named = outcome.voucher_id or ids[outcome.application_id]
        if named not in issued:
            return None
        voucher = issued[named].value
        return moved_by(run, voucher, outcome) if outcome.moves else settled_by(voucher, outcome)

    settled = [(o, result) for o in ahead if (result := became(o)) is not None]
    counted = rules.advance(run, done=run.done, settled=settled, order=order_for(run))
    journal.commit(
        journal.entry(
            "queue/run-ended", _of(run_id), by=by, now=now, pack=run.pack, issued=counted.issued
        ),
        store.keep_run(kept, counted),
        store.result_part(run, [result for _, result in settled]),
        *closing(counted, opened),
    )
    return counted


def closing(run: Run, opened: Kept[rules.Open]) -> list[Write]:
    """Describe the end of a run for its area: the gate is free, the turns are carried on.

    What anybody can check of it is published next, and the order as it left it: a run that was
    stopped may have issued too. A draft that was stopped changed no order.
    """
    assert run.ended_at is not None
    ended_at = from_stamp(run.ended_at)
    carried = rules.Open(
        run_id=None, carry=run.carry_after, last_run_id=run.run_id, together=opened.value.together
    )
    return [
        store.keep_open(opened, carried),
        store.keep_line(store.load_line(run), rules.line_of(run)),
        outbox.work(
            f"prove-run#{run.run_id}",
            "queue/prove-run",
            now=ended_at,
            run_id=run.run_id,
        ),
        *([_checkpoint_after(run, now=ended_at)] if run.released_at else []),
    ]


def _checkpoint_after(run: Run, *, now: datetime) -> Put:
    return outbox.work(
        f"checkpoint-after#{run.run_id}",
        "queue/checkpoint",
        now=now,
        checkpoint_id=f"after-{run.run_id}"[:64],
        programme=run.programme,
        area=run.area,
        run_id=run.run_id,
    )


def _together(
    reading: planning.Reading,
    waiting: Mapping[int, int],
    opened: rules.Open,
    head: Kept[rules.Head] | None,
) -> rules.Together:
    """Return which categories the public sees as one from this run on."""
    year, order = reading.academic_year, reading.order
    stay = rules.kept_together((), year, opened.together, head.value.together if head else None)
    telling = rules.telling_categories(order, reading.judged.telling_tiers)
    cells = rules.cells_of(waiting, telling, every=order.categories.values(), together=stay)
    return rules.kept_together(cells, year, stay)


def _seeds_of(seekers: Iterable[Seeker], order: rules.Order) -> dict[str, str]:
    """Return the seeds that order somebody who waits, for whoever counts the order again."""
    used = {seeker.intake for seeker in seekers}
    return {intake: seed for intake, seed in sorted(order.seeds.items()) if intake in used}


def order_for(run: Run) -> rules.Order:
    """Return the rules of order a run was planned by."""
    return rules.order_of(planning.judged_of(run), run.academic_year)


def write_parts(event: str, parts: Iterable[Put], *, by: Actor, now: datetime, pack: str) -> None:
    """Write parts that are named by their content; those that lie there already stay."""
    for put in parts:
        try:
            journal.commit(
                journal.entry(event, f"{put.row.pk}/{put.row.sk}", by=by, now=now, pack=pack), put
            )
        except store.WrittenAlready:
            continue


def _released_if_due(kept: Kept[Run], *, now: datetime) -> Run:
    if not rules.falls_due(kept.value, now):
        return kept.value
    return _release(kept, by=_CLOCK, now=now, timed=True)


def _release(kept: Kept[Run], *, by: Actor, now: datetime, timed: bool) -> Run:
    run = kept.value
    pack = load_pack(run.programme, run.area)
    terms = pack.at(local_day(now)).terms
    # Where nothing is to be confirmed, the term to choose and sign starts at once.
    days = terms.confirm_working_days or terms.contract_working_days
    released = rules.decide_release(
        run,
        by=by.subject,
        now=now,
        confirm_by=pack.calendar.deadline(now, working_days=days),
        timed=timed,
    )
    if released is run:
        return run
    journal.commit(
        journal.entry("queue/run-released", _of(run.run_id), by=by, now=now, pack=run.pack),
        store.keep_run(kept, released),
        store.keep_line(store.load_line(run), rules.line_of(released)),
        outbox.work(f"commit-run#{run.run_id}", "queue/commit-run", now=now, run_id=run.run_id),
    )
    return released


def _serving(by: Actor, area: str) -> None:
    access.demand(by, area=area)


def _of(run_id: str) -> str:
    return f"run/{run_id}"


_CLOCK = Actor("clock", frozenset({Role.SYSTEM}))
