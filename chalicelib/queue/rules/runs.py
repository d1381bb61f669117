"""The life of a run: draft → released → committed, or stopped.

A draft takes effect when its time has come (mode "auto") or when a second person releases it; the
proposer alone never shortens the time in which others can stop it. Deadlines of families start at
the release. A stop while vouchers are being issued leaves what was issued and voids the rest.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Literal

from chalicelib.kernel.periods import Month, from_stamp, stamp
from chalicelib.kernel.refusals import NotAllowed, OutOfTurn
from chalicelib.queue.rules.cells import Together
from chalicelib.queue.rules.engine import Outcome
from chalicelib.queue.rules.funding import Money
from chalicelib.queue.rules.order import Order, next_turns

# Which algorithm decided; a later one has another name.
ENGINES: Mapping[str, str] = {"with-place": "places-2", "by-budget": "funding-1"}
PUBLIC_LEAST = 5
MONEY_GONE = "money-gone"

State = Literal["draft", "released", "committed", "stopped"]
StopReason = Literal["wrong-input", "wrong-rules", "outage", "other"]


class RunUnderWay(OutOfTurn):
    """Another run of this area is neither finished nor stopped; `run_id` says which."""

    code = "queue/run-under-way"


class RunStopped(OutOfTurn):
    """The run was stopped; what it had not issued is void."""

    code = "queue/run-stopped"


class RunCommitted(OutOfTurn):
    """The run has issued everything; nothing is left to stop."""

    code = "queue/run-committed"


class IntakeOpen(OutOfTurn):
    """An intake is open, or its order is not drawn yet; `draws_at` is when it can be."""

    code = "queue/intake-open"


class OtherEngine(OutOfTurn):
    """The run was decided by another algorithm, `engine`; the code of its time decides it again."""

    code = "queue/other-engine"


class RunOutdated(OutOfTurn):
    """The run went by the budget of a year that is over; stop it and propose another."""

    code = "queue/run-outdated"


class NeedsAnother(NotAllowed):
    """Whoever proposed a run does not release it; a second person does."""

    code = "queue/needs-another"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One iteration.

    inputs, outcome: SHA-256 of what was read and of what was decided; the parts lie under
    `inputs`' first letters, input_parts and outcome_parts of them. carry: turns by cohort, before
    the run and after what it has issued so far. waiting_before, waiting_after: by category.
    planned: how many outcomes; vouchers: how many of them get one; moves: how many holders move;
    done: up to which outcome they were made; issued, skipped, moved: what became of the vouchers
    and of the moves. money: what a run by budget went by; reserved_tiyn: what its vouchers took of
    it; short: directions whose money was found gone when it came to issuing, so that nobody behind
    passes whoever lacked it. after: the queue's run before, to whose bundle this one's is chained.
    together: which categories its counts show as one.
    """

    run_id: str
    programme: str
    area: str
    state: State
    mode: Literal["auto", "two-person"]
    academic_year: int
    pack: str
    engine: str
    asked: str
    proposed_by: str
    proposed_at: str
    inputs: str
    outcome: str
    input_parts: int
    outcome_parts: int
    planned: int
    vouchers: int
    places: int
    carry_before: Mapping[int, int]
    carry_after: Mapping[int, int]
    waiting_before: Mapping[int, int]
    waiting_after: Mapping[int, int]
    release_at: str | None = None
    released_at: str | None = None
    released_by: str | None = None
    confirm_by: str | None = None
    done: int = 0
    issued: int = 0
    skipped: int = 0
    ended_at: str | None = None
    stopped_by: str | None = None
    stop_reason: str | None = None
    money: Money | None = None
    reserved_tiyn: int = 0
    short: tuple[str, ...] = ()
    after: str | None = None
    moves: int = 0
    moved: int = 0
    together: Together | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """An area's gate: the run under way, and what its next run goes on from."""

    run_id: str | None = None
    carry: Mapping[int, int] = field(default_factory=dict)
    last_run_id: str | None = None
    together: Together | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLine:
    """A line of an area's list of runs."""

    run_id: str
    proposed_at: str
    state: State
    pack: str
    before: int
    vouchers: int
    issued: int = 0
    after: int | None = None
    ended_at: str | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of one planned voucher when it came to issuing it.

    skipped: None when the voucher was issued; "application-changed", "place-taken",
    "money-gone", or the code of the refusal that stood in the way. group_id: the group whose seat
    it holds. direction, reserved_tiyn: whose money it holds, and how much.
    """

    application_id: str
    voucher_id: str | None = None
    group_id: str | None = None
    skipped: str | None = None
    direction: str | None = None
    reserved_tiyn: int = 0


def run_id_for(programme: str, area: str, on: date) -> str:
    """Return the id of a day's scheduled run: a schedule that fires twice makes one run."""
    return f"run-{programme}-{area}-{on.isoformat()}"


def voucher_id_for(run_id: str, application_id: str) -> str:
    """Return the voucher's id: the same however often a run is resumed."""
    digest = hashlib.sha256(f"{run_id}\n{application_id}".encode()).digest()
    return base64.b32encode(digest).decode().lower()[:26]


def voucher_order(released_at: str, position: int) -> str:
    """Return a voucher's order on waiting lists: earlier runs first, then the merged order."""
    return f"{released_at.replace(':', '').replace('-', '')}-{position:07d}"


def decide_release(run: Run, *, by: str, now: datetime, confirm_by: datetime, timed: bool) -> Run:
    """Return the run released; one already released comes back as it is.

    timed: released by the clock and not by a person. Raises RunStopped, NeedsAnother, RunOutdated.
    """
    if run.state == "stopped":
        raise RunStopped(run_id=run.run_id)
    if run.state != "draft":
        return run
    if not timed and by == run.proposed_by:
        raise NeedsAnother(run_id=run.run_id)
    if run.money is not None and str(Month.containing(now)) > run.money.last:
        raise RunOutdated(run_id=run.run_id, last=run.money.last)
    return replace(
        run,
        state="released",
        released_at=stamp(now),
        released_by=by,
        confirm_by=stamp(confirm_by),
    )


def falls_due(run: Run, now: datetime) -> bool:
    """Return whether the clock releases the run now."""
    return (
        run.state == "draft"
        and run.mode == "auto"
        and run.release_at is not None
        and from_stamp(run.release_at) <= now
    )


def decide_stop(run: Run, *, by: str, reason: StopReason, now: datetime) -> Run:
    """Return the run stopped; what was issued stands. Raises RunCommitted."""
    if run.state == "stopped":
        return run
    if run.state == "committed":
        raise RunCommitted(run_id=run.run_id)
    return replace(run, state="stopped", stopped_by=by, stop_reason=reason, ended_at=stamp(now))


def advance(
    run: Run,
    *,
    done: int,
    settled: Sequence[tuple[Outcome, Settled]],
    order: Order,
) -> Run:
    """Return a run after a further slice of its outcomes was settled.

    done: up to which outcome; settled: the planned vouchers and moves among them. What is carried
    to the next run follows from the vouchers that were really issued: holders had their turn once.
    """
    issued = [outcome for outcome, result in settled if outcome.gets and result.skipped is None]
    planned = sum(outcome.gets for outcome, _ in settled)
    moved = sum(outcome.moves and result.skipped is None for outcome, result in settled)
    left = dict(run.waiting_after)
    for outcome in issued:
        left[outcome.category] = left.get(outcome.category, 0) - 1
    turns = [(outcome.cohort, outcome.turn) for outcome in issued]
    gone = [
        o.direction
        for o, result in settled
        if result.skipped == MONEY_GONE and o.direction is not None
    ]
    return replace(
        run,
        done=done,
        issued=run.issued + len(issued),
        skipped=run.skipped + planned - len(issued),
        moved=run.moved + moved,
        waiting_after=left,
        carry_after=next_turns(run.carry_after, turns, order),
        reserved_tiyn=run.reserved_tiyn + sum(result.reserved_tiyn for _, result in settled),
        short=tuple(dict.fromkeys((*run.short, *gone))),
    )


def finish(run: Run, *, now: datetime) -> Run:
    """Return the run with everything issued."""
    return replace(run, state="committed", ended_at=stamp(now))


def line_of(run: Run) -> RunLine:
    """Return a run as its area's list shows it."""
    return RunLine(
        run_id=run.run_id,
        proposed_at=run.proposed_at,
        state=run.state,
        pack=run.pack,
        before=sum(run.waiting_before.values()),
        vouchers=run.vouchers,
        issued=run.issued,
        after=sum(run.waiting_after.values()) if run.ended_at else None,
        ended_at=run.ended_at,
    )


def shown_counts(
    before: int, issued: int, after: int | None
) -> tuple[int | None, int | None, int | None]:
    """Return a run's counts as the public sees them: 1 to 4 is not shown, nor its complement."""

    def small(count: int) -> bool:
        return 0 < count < PUBLIC_LEAST

    if small(issued) or small(before) or (after is not None and small(after)):
        return (None if small(before) else before), None, None
    return before, issued, after
