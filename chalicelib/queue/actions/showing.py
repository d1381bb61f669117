"""What is answered from the published checkpoint and from the runs: never a count of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from chalicelib.access import actions as access
from chalicelib.applications import store as applications
from chalicelib.applications.rules import Application
from chalicelib.children.actions import acting_for
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import local_day, stamp
from chalicelib.kernel.refusals import Unknown
from chalicelib.policy.actions import load_pack
from chalicelib.policy.rules import Text
from chalicelib.queue import rules, store
from chalicelib.queue.rules import (
    Causes,
    Head,
    NotThere,
    Outcome,
    Passed,
    Rank,
    Run,
    RunLine,
)
from chalicelib.vouchers import store as vouchers


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceShown:
    """Where an application stands, as of the newest checkpoint; the rank is None before it.

    state: of the application; only a queued one has a place. direction_text: the name of the
    direction whose money it waits for. draws_at: when its intake can be drawn, None when it is.
    causes: of the last move, as the family may know them; texts: the names of all categories.
    preferred: why not there, by the last run that decided about it; of who has a place, what was
    wished for more.
    """

    application_id: str
    ticket: str
    state: str
    as_of: str | None
    next_checkpoint_at: str
    rank: Rank | None = None
    category_text: Text | None = None
    direction_text: Text | None = None
    draws_at: str | None = None
    causes: Causes = ()
    preferred: tuple[NotThere, ...] = ()
    texts: Mapping[int, Text] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ShortageShown:
    """What money a direction lacks for everybody who waits for it; None where it is hidden."""

    direction: str
    text: Text | None
    waiting: int | None
    missing_tiyn: int | None


@dataclass(frozen=True, slots=True)
class CellShown:
    """Categories shown as one: their numbers, their names, how many wait."""

    categories: tuple[int, ...]
    texts: tuple[Text, ...]
    waiting: int


@dataclass(frozen=True, slots=True)
class ListedShown:
    """A line of the public order; the place is None until the draw, and in a cell of several."""

    categories: tuple[int, ...]
    place: int | None
    ticket: str
    intake: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderShown:
    """A page of a checkpoint's public order; without one before the first."""

    checkpoint_id: str | None
    as_of: str | None
    next_checkpoint_at: str
    lines: tuple[ListedShown, ...] = ()
    position: str | None = None


@dataclass(frozen=True, slots=True)
class ExactShown:
    """A line of the exact order; the place in its category is None until the draw."""

    ticket: str
    category: int
    place: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunShown:
    """A run as everybody sees it: small counts are hidden with their complements."""

    run_id: str
    proposed_at: str
    ended_at: str | None
    state: str
    pack: str
    before: int | None
    issued: int | None
    after: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeShown:
    """What a run decided for one ticket and what became of it; no ids of persons.

    settled: "issued", for a holder "moved" or "swapped"; why it was passed over; "void" where the
    run was stopped first; or None while it is not settled.
    """

    ticket: str
    category: int
    position: int
    turn: int | None
    reason: str
    group_id: str | None
    preference: int | None
    waiting: tuple[str, ...]
    passed: tuple[Passed, ...]
    direction: str | None
    missing_tiyn: int | None
    settled: str | None


def place_of(application_id: str, *, by: Actor, now: datetime) -> PlaceShown:
    """Return an application's place to its child's representative. Raises Unknown."""
    kept = applications.find_application(application_id)
    if kept is None:
        raise Unknown()
    application = kept.value
    acting_for(application.child_id, by, None, local_day(now))
    access.looked([application.child_id], ("application",))
    head = store.find_head(application.programme, application.area)
    shown = PlaceShown(
        application_id=application_id,
        ticket=application.ticket,
        state=application.state,
        as_of=head.value.as_of if head else None,
        next_checkpoint_at=stamp(rules.next_checkpoint(now)),
    )
    if head is not None and application.state in ("offered", "fulfilled"):
        told = _told(application, head.value)
        return replace(shown, preferred=told, texts=_texts(head.value)) if told else shown
    if head is None or application.state != "queued":
        return shown
    rank = store.find_rank(head.value, application_id)
    if rank is None:
        return shown
    texts = _texts(head.value)
    return replace(
        shown,
        rank=rank,
        preferred=rank.preferred,
        category_text=texts[rank.category],
        causes=rank.step.causes if rank.step else (),
        texts=texts,
        direction_text=_direction_text(head.value, rank.direction),
        draws_at=None if rank.drawn else _draws_at(application.programme, application.area, rank),
    )


def _told(application: Application, head: Head) -> tuple[NotThere, ...]:
    """Return what runs said to one who has a place: the last, that which moved it, that of issue.

    Of these the newest that knew it and that a checkpoint came after. Up to 6 reads.
    """
    kept = vouchers.find_voucher(application.voucher_id) if application.voucher_id else None
    if kept is None or head.reasons_of is None:
        return ()
    voucher = kept.value
    for run_id in dict.fromkeys((head.reasons_of, voucher.moved_in, voucher.run_id)):
        run = store.find_run(run_id) if run_id else None
        told = store.find_told(run.value, application.application_id) if run else None
        if told is not None:
            # A place that it took since, or what is no better than that, is nothing to explain.
            wished = [one.group_id for one in told]
            return told[: wished.index(voucher.group_id)] if voucher.group_id in wished else told
    return ()


def order_page(
    programme: str,
    area: str,
    *,
    now: datetime,
    position: str | None,
    limit: int,
    checkpoint_id: str | None = None,
) -> OrderShown:
    """Return a page of the public order, the newest or a named one. Raises NoPack, Unknown.

    position: of a page given before. The pages of one reading are all of one checkpoint, also
    when a newer one comes in between.
    """
    load_pack(programme, area)
    start = 0
    if position is not None:
        checkpoint_id, _, number = position.rpartition("#")
        start = int(number)
    head = _head_of(programme, area, checkpoint_id)
    following = stamp(rules.next_checkpoint(now))
    if head is None:
        return OrderShown(checkpoint_id=None, as_of=None, next_checkpoint_at=following)
    lines = store.listed_from(head, start, limit + 1)
    return OrderShown(
        checkpoint_id=head.checkpoint_id,
        as_of=head.as_of,
        next_checkpoint_at=following,
        lines=tuple(
            ListedShown(
                head.cells[line.cell - 1].categories, line.place or None, line.ticket, line.intake
            )
            for line in lines[:limit]
        ),
        position=f"{head.checkpoint_id}#{start + limit}" if len(lines) > limit else None,
    )


def exact_page(
    checkpoint_id: str, *, by: Actor, position: str | None, limit: int
) -> tuple[Head, tuple[ExactShown, ...], str | None]:
    """Return a page of a checkpoint's exact order, category by category. Raises Unknown.

    Whose tickets they are is noted as seen. Each page reads all pages of ranks, in one query.
    """
    kept = store.find_checkpoint(checkpoint_id)
    if kept is None:
        raise Unknown()
    head = kept.value.head
    access.demand(by, area=head.area)
    start = int(position) if position else 0
    stands = rules.in_exact_order(store.each_stand(head))
    page = stands[start : start + limit]
    found = applications.find_applications([one.application_id for one in page])
    access.looked({kept.value.child_id for kept in found.values()}, ("application",))
    lines = tuple(
        ExactShown(one.ticket, one.category, one.place if one.drawn else None) for one in page
    )
    return head, lines, str(start + limit) if len(stands) > start + limit else None


def figures(
    programme: str, area: str
) -> tuple[str | None, tuple[CellShown, ...], tuple[ShortageShown, ...]]:
    """Return as of when, how many wait by public cell, what money is missing. Raises NoPack."""
    load_pack(programme, area)
    head = store.find_head(programme, area)
    if head is None:
        return None, (), ()
    texts = _texts(head.value)
    cells = tuple(
        CellShown(cell.categories, tuple(texts[c] for c in cell.categories), cell.waiting)
        for cell in head.value.cells
    )
    lacking = tuple(
        ShortageShown(
            one.direction,
            _direction_text(head.value, one.direction),
            one.waiting,
            one.missing_tiyn,
        )
        for one in head.value.shortages
    )
    return head.value.as_of, cells, lacking


def runs_page(
    programme: str, area: str, *, position: str | None, limit: int
) -> tuple[tuple[RunShown, ...], str | None]:
    """Return an area's runs, newest first, and the position to go on from. Raises NoPack."""
    load_pack(programme, area)
    shown: list[RunShown] = []
    last = None
    for sk, line in store.each_line(programme, area, before=position):
        if len(shown) == limit:
            return tuple(shown), last
        shown.append(_run_shown(line))
        last = sk
    return tuple(shown), None


def run_of(run_id: str, *, by: Actor) -> Run:
    """Return a run to an officer of its area or an auditor. Raises Unknown."""
    run = store.load_run(run_id).value
    access.demand(by, area=run.area)
    return run


def run_outcomes(
    run_id: str, *, by: Actor, position: str | None, limit: int
) -> tuple[tuple[OutcomeShown, ...], str | None]:
    """Return what a run decided, ticket by ticket in the order of serving. Raises Unknown.

    Whose tickets they are is noted as seen: a read of each, a call per hundred.
    """
    run = run_of(run_id, by=by)
    start = int(position) if position else 0
    outcomes: list[Outcome] = []
    for outcome in store.each_outcome(run, start=start):
        outcomes.append(outcome)
        if len(outcomes) > limit:
            break
    settled = {one.application_id: one for one in store.each_settled(run)}

    def became(outcome: Outcome) -> str | None:
        one = settled.get(outcome.application_id)
        if one is None:
            planned = outcome.gets or outcome.moves
            return "void" if run.state == "stopped" and planned else None
        return one.skipped or (outcome.reason if outcome.moves else "issued")

    page = tuple(
        OutcomeShown(
            ticket=o.ticket,
            category=o.category,
            position=o.position,
            turn=o.turn,
            reason=o.reason,
            group_id=o.group_id,
            preference=o.preference,
            waiting=o.waiting,
            passed=o.passed,
            direction=o.direction,
            missing_tiyn=o.missing_tiyn,
            settled=became(o),
        )
        for o in outcomes[:limit]
    )
    access.looked(_children_of(outcomes[:limit]), ("application",))
    return page, str(start + limit) if len(outcomes) > limit else None


def _children_of(outcomes: Sequence[Outcome]) -> set[str]:
    """Return whose tickets outcomes name: their own, and who got in last where they did not."""
    own = {outcome.ticket: outcome.application_id for outcome in outcomes}
    others = {p.last_ticket for o in outcomes for p in o.passed if p.last_ticket} - own.keys()
    ids = {*own.values(), *applications.find_tickets(sorted(others)).values()}
    found = applications.find_applications(sorted(ids))
    return {kept.value.child_id for kept in found.values()}


def _run_shown(line: RunLine) -> RunShown:
    before, issued, after = rules.shown_counts(line.before, line.issued, line.after)
    return RunShown(
        run_id=line.run_id,
        proposed_at=line.proposed_at,
        ended_at=line.ended_at,
        state=line.state,
        pack=line.pack,
        before=before,
        issued=issued,
        after=after,
    )


def _head_of(programme: str, area: str, checkpoint_id: str | None) -> Head | None:
    """Return a checkpoint of an area, the newest where none is named. Raises Unknown."""
    if checkpoint_id is None:
        newest = store.find_head(programme, area)
        return newest.value if newest else None
    kept = store.find_checkpoint(checkpoint_id)
    if kept is None or (kept.value.head.programme, kept.value.head.area) != (programme, area):
        raise Unknown()
    return kept.value.head


def _texts(head: Head) -> dict[int, Text]:
    """Return the names of the categories of a checkpoint's day."""
    cohorts = load_pack(head.programme, head.area).at(_day(head.as_of)).cohorts
    year = head.academic_year
    return {
        cohorts.category_number(tier.code, cohort, year): cohorts.category_text(
            tier.code, cohort, year
        )
        for tier in cohorts.tiers
        for cohort in cohorts.cohorts(year)
    }


def _direction_text(head: Head, direction: str | None) -> Text | None:
    """Return the name of a direction on a checkpoint's day; None for an area's one budget."""
    kinds = load_pack(head.programme, head.area).at(_day(head.as_of)).kinds
    return kinds[direction].text if direction is not None and direction in kinds else None


def _draws_at(programme: str, area: str, rank: Rank) -> str | None:
    """Return when the intake that orders an application can be drawn. One read."""
    intake = applications.load_intakes(programme, area).value.of(rank.intake)
    return intake.round_at if intake is not None else None


def _day(as_of: str) -> date:
    return local_day(datetime.fromisoformat(as_of))
