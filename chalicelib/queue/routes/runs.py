"""Iterations: drafted, released or stopped, and what they decided."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from chalicelib.edge import pages
from chalicelib.edge.routes import Call
from chalicelib.kernel.refusals import AnotherContent, Unknown
from chalicelib.kernel.workdays import CalendarMissing
from chalicelib.policy.actions import NoPack
from chalicelib.policy.rules import NoRuleInForce
from chalicelib.queue import actions, rules
from chalicelib.queue.routes.shapes import (
    AreaAsked,
    Code,
    Cursor,
    Limit,
    RunLineAnswered,
    routes,
    run_line,
)
from chalicelib.queue.rules import Run

_RUNS = "/v1/queue/runs"


class StopAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Why a run is stopped."""

    reason: rules.StopReason


class ListAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """A page of an area's list."""

    programme: Code
    area: Code
    limit: Limit = 50
    cursor: Cursor | None = None


class OutcomesAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """A page of a run's outcomes."""

    limit: Limit = 50
    cursor: Cursor | None = None


class RunsAnswered(Struct, frozen=True):
    """A page of an area's runs, newest first."""

    runs: list[RunLineAnswered]
    cursor: str | None = None


class PotAnswered(Struct, frozen=True):
    """What a direction's budget had free when the run was drafted; "" is an area's one budget."""

    direction: str
    free_tiyn: int


class RunAnswered(Struct, frozen=True):
    """A run for officers.

    inputs, outcome: SHA-256 of what was read and decided. carry: the turn of one to three at
    which each birth cohort went on and goes on. waiting: by category. vouchers: planned; issued
    and skipped: so far. confirm_by: until when families confirm or, where nothing is to be
    confirmed, choose and sign. money: where vouchers come by budget; reserved_tiyn: taken of it so
    far.
    """

    run_id: str
    programme: str
    area: str
    state: str
    mode: str
    academic_year: int
    pack: str
    engine: str
    proposed_by: str
    proposed_at: str
    release_at: str | None
    released_by: str | None
    released_at: str | None
    confirm_by: str | None
    ended_at: str | None
    stopped_by: str | None
    stop_reason: str | None
    inputs: str
    outcome: str
    applications: int
    places: int
    vouchers: int
    issued: int
    skipped: int
    carry_before: Mapping[int, int]
    carry_after: Mapping[int, int]
    waiting_before: Mapping[int, int]
    waiting_after: Mapping[int, int]
    money: list[PotAnswered] = []
    reserved_tiyn: int = 0


class PassedAnswered(Struct, frozen=True):
    """A preferred group that was not given: why, and who got in last during this run."""

    group_id: str
    why: str
    last_category: int | None
    last_ticket: str | None


class OutcomeAnswered(Struct, frozen=True):
    """What a run decided for a ticket, and what became of it."""

    ticket: str
    category: int
    position: int
    turn: int | None
    reason: str
    group_id: str | None
    preference: int | None
    waiting: tuple[str, ...]
    passed: list[PassedAnswered]
    direction: str | None
    missing_tiyn: int | None
    settled: str | None


class OutcomesAnswered(Struct, frozen=True):
    """A page of a run's outcomes in the order of serving."""

    outcomes: list[OutcomeAnswered]
    cursor: str | None = None


@routes.get(
    "/runs",
    action="queue/list-runs",
    query=ListAsked,
    answers=RunsAnswered,
    refuses=(NoPack, pages.BadCursor),
)
def list_runs(call: Call[None]) -> RunsAnswered:
    """List an area's iterations, newest first, with how many waited and how many got a voucher."""
    asked: ListAsked = call.query
    of = f"{_RUNS}?{asked.programme}&{asked.area}"
    runs, position = actions.runs_page(
        asked.programme,
        asked.area,
        position=pages.position(asked.cursor, of=of) if asked.cursor else None,
        limit=asked.limit,
    )
    return RunsAnswered(
        runs=[run_line(run) for run in runs],
        cursor=pages.cursor(position, of=of) if position else None,
    )


@routes.put(
    "/runs/{run_id}",
    action="queue/propose-run",
    asks=AreaAsked,
    answers=RunAnswered,
    refuses=(
        Unknown,
        NoPack,
        NoRuleInForce,
        CalendarMissing,
        AnotherContent,
        rules.RunUnderWay,
        rules.IntakeOpen,
    ),
)
def propose_run(call: Call[AreaAsked], run_id: str) -> RunAnswered:
    """Draft an iteration of an area's queue; the same id again answers the same run."""
    run = actions.propose(
        run_id,
        programme=call.asked.programme,
        area=call.asked.area,
        by=call.actor,
        now=call.now,
    )
    return _run(run)


@routes.get(
    "/runs/{run_id}",
    action="queue/see-run",
    answers=RunAnswered,
    refuses=(Unknown,),
)
def see_run(call: Call[None], run_id: str) -> RunAnswered:
    """See an iteration: what it read, decided and issued so far."""
    return _run(actions.run_of(run_id, by=call.actor))


@routes.get(
    "/runs/{run_id}/outcomes",
    action="queue/see-outcomes",
    query=OutcomesAsked,
    answers=OutcomesAnswered,
    refuses=(Unknown, pages.BadCursor),
)
def see_outcomes(call: Call[None], run_id: str) -> OutcomesAnswered:
    """See what an iteration decided for each ticket, with the reason, in the order of serving."""
    asked: OutcomesAsked = call.query
    of = f"{_RUNS}/{run_id}/outcomes"
    outcomes, position = actions.run_outcomes(
        run_id,
        by=call.actor,
        position=pages.position(asked.cursor, of=of) if asked.cursor else None,
        limit=asked.limit,
    )
    return OutcomesAnswered(
        outcomes=[
            OutcomeAnswered(
                ticket=o.ticket,
                category=o.category,
                position=o.position,
                turn=o.turn,
                reason=o.reason,
                group_id=o.group_id,
                preference=o.preference,
                waiting=o.waiting,
                passed=[
                    PassedAnswered(p.group_id, p.why, p.last_category, p.last_ticket)
                    for p in o.passed
                ],
                direction=o.direction,
                missing_tiyn=o.missing_tiyn,
                settled=o.settled,
            )
            for o in outcomes
        ],
        cursor=pages.cursor(position, of=of) if position else None,
    )


@routes.put(
    "/runs/{run_id}/release",
    action="queue/release-run",
    answers=RunAnswered,
    refuses=(
        Unknown,
        CalendarMissing,
        rules.RunStopped,
        rules.NeedsAnother,
        rules.RunOutdated,
    ),
)
def release_run(call: Call[None], run_id: str) -> RunAnswered:
    """Release a drafted iteration: vouchers are issued. A second person does, not the proposer."""
    return _run(actions.release(run_id, by=call.actor, now=call.now))


@routes.put(
    "/runs/{run_id}/stop",
    action="queue/stop-run",
    asks=StopAsked,
    answers=RunAnswered,
    refuses=(Unknown, rules.RunCommitted),
)
def stop_run(call: Call[StopAsked], run_id: str) -> RunAnswered:
    """Stop an iteration: what was issued stands, the rest is void."""
    return _run(actions.stop(run_id, reason=call.asked.reason, by=call.actor, now=call.now))


def _run(run: Run) -> RunAnswered:
    return RunAnswered(
        run_id=run.run_id,
        programme=run.programme,
        area=run.area,
        state=run.state,
        mode=run.mode,
        academic_year=run.academic_year,
        pack=run.pack,
        engine=run.engine,
        proposed_by=run.proposed_by,
        proposed_at=run.proposed_at,
        release_at=run.release_at,
        released_by=run.released_by,
        released_at=run.released_at,
        confirm_by=run.confirm_by,
        ended_at=run.ended_at,
        stopped_by=run.stopped_by,
        stop_reason=run.stop_reason,
        inputs=run.inputs,
        outcome=run.outcome,
        applications=run.planned,
        places=run.places,
        vouchers=run.vouchers,
        issued=run.issued,
        skipped=run.skipped,
        carry_before=run.carry_before,
        carry_after=run.carry_after,
        waiting_before=run.waiting_before,
        waiting_after=run.waiting_after,
        money=[PotAnswered(p.direction, p.free_tiyn) for p in run.money.pots] if run.money else [],
        reserved_tiyn=run.reserved_tiyn,
    )
