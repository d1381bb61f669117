"""HTTP of the queue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import Meta, Struct

from chalicelib.edge import pages
from chalicelib.edge.routes import Call, File, Routes
from chalicelib.edge.tables import CSV_MEDIA_TYPE, csv_file
from chalicelib.edge.texts import text
from chalicelib.kernel.money import Tiyn, shown_tenge
from chalicelib.kernel.periods import from_stamp, local
from chalicelib.kernel.refusals import AnotherContent, Unknown
from chalicelib.kernel.workdays import CalendarMissing
from chalicelib.policy.actions import NoPack
from chalicelib.policy.rules import NoRuleInForce
from chalicelib.queue import actions, rules
from chalicelib.queue.rules import Run

routes = Routes(__name__, "queue")

Code = Annotated[str, Meta(min_length=1, max_length=64, pattern="^[a-z0-9-]+$")]
Limit = Annotated[int, Meta(ge=1, le=100)]
Cursor = Annotated[str, Meta(max_length=512)]
_ORDER = "/v1/queue/order"
_RUNS = "/v1/queue/runs"


class AreaAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """A programme in an area."""

    programme: Code
    area: Code


class StopAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Why a run is stopped."""

    reason: rules.StopReason


class ListAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """A page of an area's list."""

    programme: Code
    area: Code
    limit: Limit = 50
    cursor: Cursor | None = None


class OrderAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """A page of an area's order: the newest, or that of a checkpoint."""

    programme: Code
    area: Code
    checkpoint: Annotated[str, Meta(max_length=128, pattern="^[A-Za-z0-9_-]+$")] | None = None
    limit: Limit = 50
    cursor: Cursor | None = None


class OutcomesAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """A page of a run's outcomes."""

    limit: Limit = 50
    cursor: Cursor | None = None


class FiguresAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Figures of an area, as JSON or CSV."""

    programme: Code
    area: Code
    format: Literal["json", "csv"] = "json"


class AheadShown(Struct, frozen=True):
    """How many stand ahead, and why; the parts add up to `total`.

    Where places of an age are waited for, those of the child's birth cohort; else everybody.
    own_category: earlier in the same category. better_right: a better category. alternation: the
    other of two queues that alternate, by its turns. other_ages: older children, served before.
    """

    total: int
    own_category: int
    better_right: int
    alternation: int
    other_ages: int = 0


class CategoryShown(Struct, frozen=True):
    """A category: its number and its name."""

    number: int
    text: str


class MissingShown(Struct, frozen=True):
    """The money an application waits for, where vouchers come by budget.

    missing_tiyn: what the direction lacks for a voucher for this child and all before it; 0 when
    the next run issues one. text: the same in plain words.
    """

    direction: str
    name: str | None
    missing_tiyn: int
    text: str


class DrawShown(Struct, frozen=True):
    """The intake whose draw orders an application. draws_at: when it can be, None once it is."""

    intake_id: str
    draws_at: str | None
    text: str


class CauseShown(Struct, frozen=True):
    """One cause of a change of place: how many it concerns, and what it says."""

    cause: str
    count: int
    text: str


class MovedShown(Struct, frozen=True):
    """A place on a platform that closed and the place here; the causes lead from one to the other.

    there, here: among all who wait, in the order of serving. Causes `overtook…` and `gone` move
    forward, the others back.
    """

    there: int
    here: int
    text: str
    causes: list[CauseShown]


class PlaceAnswered(Struct, frozen=True):
    """Where an application stands, as counted at `as_of`.

    place: in the category, 1 is the first, of `waiting`. older_cohorts: children of older birth
    years, who are served before where a group takes several ages. Without a place: the
    application does not wait any more, or came after the last checkpoint; the next tells. Before
    the draw of its intake the place is the best that it may become.
    """

    application_id: str
    ticket: str
    state: str
    as_of: str | None
    next_checkpoint_at: str
    category: CategoryShown | None = None
    place: int | None = None
    waiting: int | None = None
    ahead: AheadShown | None = None
    older_cohorts: int | None = None
    money: MissingShown | None = None
    draw: DrawShown | None = None
    moved: MovedShown | None = None


class OrderLine(Struct, frozen=True):
    """A ticket of the public order, its place within categories that are shown together.

    intake: whose published seed gives the ticket its number within a category; the place is None
    until it is drawn.
    """

    categories: tuple[int, ...]
    place: int | None
    ticket: str
    intake: str | None = None


class OrderAnswered(Struct, frozen=True):
    """A page of the public order, as counted at `as_of`.

    checkpoint_id: asks for this very order later (`checkpoint=`); None before the first.
    """

    checkpoint_id: str | None
    as_of: str | None
    next_checkpoint_at: str
    lines: list[OrderLine]
    cursor: str | None = None


class CellAnswered(Struct, frozen=True):
    """Categories that are shown together, and how many wait in them."""

    categories: list[CategoryShown]
    waiting: int


class ShortageAnswered(Struct, frozen=True):
    """What money a direction lacks for everybody who waits for it; None where 1 to 4 would show."""

    direction: str
    name: str | None
    waiting: int | None
    missing_tiyn: int | None


class RunLineAnswered(Struct, frozen=True):
    """A run in public. before, issued, after: None where a count of 1 to 4 would show."""

    run_id: str
    proposed_at: str
    ended_at: str | None
    state: str
    pack: str
    before: int | None
    issued: int | None
    after: int | None


class RunsAnswered(Struct, frozen=True):
    """A page of an area's runs, newest first."""

    runs: list[RunLineAnswered]
    cursor: str | None = None


class FiguresAnswered(Struct, frozen=True):
    """The queue by category as of the newest checkpoint, and before and after the last runs.

    missing: the money that is missing for everybody who waits, where vouchers come by budget.
    """

    as_of: str | None
    queue: list[CellAnswered]
    runs: list[RunLineAnswered]
    missing: list[ShortageAnswered] = []


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


class CheckpointAnswered(Struct, frozen=True):
    """A published checkpoint."""

    checkpoint_id: str
    programme: str
    area: str
    as_of: str
    pack: str
    waiting: int


@routes.get(
    "/places/{application_id}",
    action="queue/see-place",
    answers=PlaceAnswered,
    refuses=(Unknown, CalendarMissing),
)
def see_place(call: Call[None], application_id: str) -> PlaceAnswered:
    """See where an own application stands: place, category, how many are ahead and why."""
    seen = actions.place_of(application_id, by=call.actor, now=call.now)
    bare = PlaceAnswered(
        application_id=seen.application_id,
        ticket=seen.ticket,
        state=seen.state,
        as_of=seen.as_of,
        next_checkpoint_at=seen.next_checkpoint_at,
    )
    rank = seen.rank
    if rank is None or seen.category_text is None:
        return bare
    return PlaceAnswered(
        application_id=seen.application_id,
        ticket=seen.ticket,
        state=seen.state,
        as_of=seen.as_of,
        next_checkpoint_at=seen.next_checkpoint_at,
        category=CategoryShown(rank.category, seen.category_text.in_(call.language)),
        place=rank.place,
        waiting=rank.waiting,
        ahead=AheadShown(
            total=rank.ahead.total,
            own_category=rank.ahead.own_category,
            better_right=rank.ahead.better_right,
            alternation=rank.ahead.alternation,
            other_ages=rank.ahead.other_ages,
        ),
        older_cohorts=rank.older_cohorts,
        money=_missing(seen, call.language),
        draw=_draw(seen, call.language),
        moved=_moved(rank, call.language),
    )


@routes.get(
    "/order",
    action="queue/order",
    query=OrderAsked,
    answers=OrderAnswered,
    refuses=(NoPack, Unknown, pages.BadCursor),
)
def order(call: Call[None]) -> OrderAnswered:
    """See the order of the queue without persons: tickets by category, as published.

    The newest, or that of a checkpoint: all are kept.
    """
    asked: OrderAsked = call.query
    of = f"{_ORDER}?{asked.programme}&{asked.area}"
    if asked.checkpoint:
        of += f"&{asked.checkpoint}"
    page = actions.order_page(
        asked.programme,
        asked.area,
        now=call.now,
        position=pages.position(asked.cursor, of=of) if asked.cursor else None,
        limit=asked.limit,
        checkpoint_id=asked.checkpoint,
    )
    return OrderAnswered(
        checkpoint_id=page.checkpoint_id,
        as_of=page.as_of,
        next_checkpoint_at=page.next_checkpoint_at,
        lines=[
            OrderLine(line.categories, line.place, line.ticket, line.intake) for line in page.lines
        ],
        cursor=pages.cursor(page.position, of=of) if page.position else None,
    )


@routes.get(
    "/figures",
    action="queue/figures",
    query=FiguresAsked,
    answers=FiguresAnswered,
    refuses=(NoPack,),
)
def figures(call: Call[None]) -> FiguresAnswered | File:
    """See how many wait by category, what money is missing, and the queue around the last runs."""
    asked: FiguresAsked = call.query
    as_of, cells, lacking = actions.figures(asked.programme, asked.area)
    runs, _ = actions.runs_page(asked.programme, asked.area, position=None, limit=100)
    if asked.format == "json":
        return FiguresAnswered(
            as_of=as_of,
            queue=[
                CellAnswered(
                    [
                        CategoryShown(number, name.in_(call.language))
                        for number, name in zip(cell.categories, cell.texts, strict=True)
                    ],
                    cell.waiting,
                )
                for cell in cells
            ],
            runs=[_run_line(run) for run in runs],
            missing=[
                ShortageAnswered(
                    one.direction,
                    one.text.in_(call.language) if one.text else None,
                    one.waiting,
                    one.missing_tiyn,
                )
                for one in lacking
            ],
        )
    rows: list[tuple[object, ...]] = [
        (
            "queue",
            as_of,
            " + ".join(str(number) for number in cell.categories),
            " + ".join(name.in_(call.language) for name in cell.texts),
            cell.waiting,
            None,
            None,
        )
        for cell in cells
    ]
    rows += [
        ("run", run.ended_at, run.run_id, run.state, run.before, run.issued, run.after)
        for run in runs
    ]
    headings: tuple[str, ...] = (
        *("what", "at", "number", "name", "waiting", "issued", "waiting_after"),
    )
    if lacking:
        headings = (*headings, "missing_tiyn")
        rows = [(*row, None) for row in rows]
        rows += [
            (
                *("missing", as_of, one.direction),
                one.text.in_(call.language) if one.text else None,
                *(one.waiting, None, None, one.missing_tiyn),
            )
            for one in lacking
        ]
    return File(csv_file(headings, rows), CSV_MEDIA_TYPE, f"queue-{asked.area}.csv")


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
        runs=[_run_line(run) for run in runs],
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
    action="queue/see-run",
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


@routes.put(
    "/checkpoints/{checkpoint_id}",
    action="queue/publish-checkpoint",
    asks=AreaAsked,
    answers=CheckpointAnswered,
    refuses=(Unknown, NoPack, NoRuleInForce, AnotherContent),
)
def publish_checkpoint(call: Call[AreaAsked], checkpoint_id: str) -> CheckpointAnswered:
    """Publish everybody's place in the queue as of now."""
    head = actions.publish(
        checkpoint_id,
        programme=call.asked.programme,
        area=call.asked.area,
        by=call.actor,
        now=call.now,
    ).head
    return CheckpointAnswered(
        checkpoint_id=head.checkpoint_id,
        programme=head.programme,
        area=head.area,
        as_of=head.as_of,
        pack=head.pack,
        waiting=head.waiting,
    )


def _missing(seen: actions.PlaceShown, language: str) -> MissingShown | None:
    rank = seen.rank
    if rank is None or rank.direction is None or rank.missing_tiyn is None:
        return None
    name = seen.direction_text.in_(language) if seen.direction_text else None
    said = "queue/money-covered" if rank.missing_tiyn == 0 else "queue/money-missing"
    facts = {"missing": shown_tenge(Tiyn(rank.missing_tiyn)), "ahead": rank.ahead.total}
    return MissingShown(
        rank.direction, name, rank.missing_tiyn, text(f"place:{said}", language, facts)
    )


def _draw(seen: actions.PlaceShown, language: str) -> DrawShown | None:
    rank = seen.rank
    if rank is None or rank.intake is None:
        return None
    said = "place:queue/drawn" if rank.drawn else "place:queue/not-drawn"
    at = local(from_stamp(seen.draws_at)).strftime("%d.%m.%Y %H:%M") if seen.draws_at else ""
    return DrawShown(rank.intake, seen.draws_at, text(said, language, {"draws_at": at}))


def _moved(rank: rules.Rank, language: str) -> MovedShown | None:
    moved = rank.moved
    if moved is None:
        return None
    counts = {
        "overtaken-by-right": moved.overtaken_by_right,
        "overtaken-by-time": moved.overtaken_by_time,
        "newcomers": moved.newcomers,
        "overtook-by-right": moved.overtook_by_right,
        "overtook-by-time": moved.overtook_by_time,
        "gone": moved.gone,
    }
    return MovedShown(
        moved.there,
        moved.here,
        text("place:queue/moved", language, {"there": moved.there, "here": moved.here}),
        [
            CauseShown(cause, count, text(f"place:queue/{cause}", language, {"count": count}))
            for cause, count in counts.items()
            if count
        ],
    )


def _run_line(run: actions.RunShown) -> RunLineAnswered:
    return RunLineAnswered(
        run_id=run.run_id,
        proposed_at=run.proposed_at,
        ended_at=run.ended_at,
        state=run.state,
        pack=run.pack,
        before=run.before,
        issued=run.issued,
        after=run.after,
    )


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
