"""Timesheets: close, prove, approve, dispute, answer, decide."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from chalicelib.access import actions as access
from chalicelib.attendance import rules, store
from chalicelib.attendance.actions.desks import Desk, desk_of, elsewhere, load_desk, sites_of
from chalicelib.attendance.actions.devices import own_site
from chalicelib.attendance.actions.lines import load_roster_month, load_site_month
from chalicelib.attendance.actions.showing import SheetShown, show
from chalicelib.attendance.rules import (
    AnswerKind,
    ClaimCode,
    Decision,
    DecisionReason,
    Dispute,
    DisputeReason,
    Doubt,
    LineName,
    Proof,
    ProofReason,
    Sheet,
    SiteMonth,
)
from chalicelib.children import actions as people
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor, Role
from chalicelib.kernel.periods import Month, local_day, shown_day, shown_last_day, stamp
from chalicelib.kernel.refusals import Malformed, Unknown
from chalicelib.providers import store as providers
from chalicelib.storage import outbox
from chalicelib.storage.commit import Write, settles

REMIND = "attendance/remind"


class WhichSite(Malformed):
    """The child was at several sites that month; name the one that is meant."""

    code = "attendance/which-site"


# --- what a head says ---------------------------------------------------------------------------


@settles
def close_month(site_id: str, month: Month, *, by: Actor, now: datetime) -> SiteMonth:
    """Close a provider's month and have its families told; a closed one stays as it was.

    Raises Unknown, TooEarly.
    """
    if not by.has(Role.SYSTEM):
        own_site(site_id, by)
    kept = store.find_site_month(site_id, month)
    state = rules.close(kept.value, month=month, by=by.subject, now=now)
    if state is not kept.value:
        site = providers.load_site(site_id).value
        pack = load_site_month(site_id, month).pack
        journal.commit(
            journal.entry(
                "attendance/month-closed",
                f"month/{site_id}/{month}",
                by=by,
                now=now,
                pack=pack.version,
                organisation_id=site.organisation_id,
            ),
            store.keep_site_month(kept, state),
            outbox.work(
                f"month-closed#{site_id}#{month}",
                REMIND,
                now=now,
                site_id=site_id,
                month=str(month),
            ),
        )
    return state


@settles
def file_proof(
    site_id: str,
    month: Month,
    child_id: str,
    name: LineName,
    *,
    reason: ProofReason,
    reference: str,
    by: Actor,
    now: datetime,
) -> Proof:
    """File a paper for an absence. Raises Unknown, AnotherContent, Locked, TooEarly, NotAnAbsence.

    A child is known to a site by its enrolments there.
    """
    own_site(site_id, by)
    desk = _site_desk(site_id, month, child_id, now=now)
    sheet = rules.file_proof(
        desk.said,
        desk.line(name),
        name=name,
        reason=reason,
        reference=reference,
        dates=desk.where.dates,
        by=by.subject,
        now=now,
    )
    commit_sheet(desk, sheet, "attendance/proof-filed", by, now, on=name.key, reason=reason)
    return next(proof for proof in sheet.proofs if proof.key == name.key)


@settles
def answer_dispute(
    site_id: str,
    month: Month,
    child_id: str,
    name: LineName,
    *,
    said: AnswerKind,
    by: Actor,
    now: datetime,
) -> Dispute:
    """Answer a dispute. Raises Unknown, AnotherContent, Locked."""
    own_site(site_id, by)
    desk = _site_desk(site_id, month, child_id, now=now)
    sheet = rules.answer(desk.said, name=name, said=said, by=by.subject, now=now)
    dispute = next(d for d in sheet.disputes if d.key == name.key)
    commit_sheet(
        desk,
        sheet,
        "attendance/dispute-answered",
        by,
        now,
        outbox.notice(
            f"dispute-answered#{site_id}#{child_id}#{name.key}",
            to=f"person:{dispute.by}",
            template="notice:attendance/dispute-answered",
            now=now,
            child_id=child_id,
            on=_shown(name),
            answer=said,
        ),
        on=name.key,
        answer=said,
    )
    return dispute


# --- what a family says -------------------------------------------------------------------------


@settles
def approve(
    child_id: str,
    month: Month,
    *,
    programme: str,
    site_id: str | None,
    seen: str,
    by: Actor,
    now: datetime,
) -> SheetShown:
    """Approve a child's timesheet as it was seen, but for disputed lines; then it is locked.

    What was confirmed line by line stays so; this confirms all the rest.

    Raises Unknown, PowerMissing, WhichSite, MarksHere, AnotherContent, TooEarly, Locked,
    NotClosed, SheetChanged, in this order.
    """
    person = people.acting_for(child_id, by, "confirm", local_day(now))
    desk = family_desk(child_id, month, programme=programme, site_id=site_id, by=by, now=now)
    place = desk.where.site.site_id
    closed = store.find_site_month(place, month).value
    rules.check_separate(by, desk.where.site.organisation_id, desk.said, closed.closed_by)
    sheet = rules.approve(
        desk.said,
        desk.lines,
        plan=desk.plan,
        seen=seen,
        digest=desk.digest,
        closed=closed.closed_at is not None,
        dates=desk.where.dates,
        by=person.person_id,
        now=now,
        device=by.device or None,
    )
    commit_sheet(
        desk,
        sheet,
        "attendance/sheet-approved",
        by,
        now,
        store.lock_marks(place, month, child_id, marks=len(desk.sheet.digits)),
        outbox.notice(
            f"timesheet-approved#{place}#{month}#{child_id}",
            to=f"person:{person.person_id}",
            template="notice:attendance/timesheet-approved",
            now=now,
            child_id=child_id,
            month=str(month),
        ),
        codes=sheet.codes,
        digest=sheet.digest,
    )
    after = load_desk(place, month, child_id, desk.stays, today=local_day(now))
    return show(after, closed, None, now=now)


@settles
def dispute(
    child_id: str,
    month: Month,
    name: LineName,
    *,
    programme: str,
    site_id: str | None,
    claim: ClaimCode,
    reason: DisputeReason,
    by: Actor,
    now: datetime,
) -> Dispute:
    """Dispute one line; only that line's money waits.

    Raises Unknown, PowerMissing, WhichSite, MarksHere, UnknownReason, AnotherContent, Locked,
    TooEarly, NothingToDispute, in this order.
    """
    person = people.acting_for(child_id, by, "confirm", local_day(now))
    desk = family_desk(
        child_id, month, programme=programme, site_id=site_id, name=name, by=by, now=now
    )
    place = desk.where.site
    desk.where.pack.at(name.on).payable(claim)
    terms = desk.where.pack.nearest(local_day(now)).terms
    sheet = rules.dispute(
        desk.said,
        desk.line(name),
        name=name,
        claim=claim,
        reason=reason,
        dates=desk.where.dates,
        answer_by=desk.where.pack.calendar.deadline(
            now, working_days=terms.dispute_answer_working_days
        ),
        by=person.person_id,
        now=now,
    )
    found = next(d for d in sheet.disputes if d.key == name.key)
    commit_sheet(
        desk,
        sheet,
        "attendance/day-disputed",
        by,
        now,
        outbox.notice(
            f"day-disputed#{place.site_id}#{child_id}#{name.key}",
            to=f"organisation:{place.organisation_id}",
            template="notice:attendance/day-disputed",
            now=now,
            child_id=child_id,
            site_id=place.site_id,
            on=_shown(name),
            answer_by=shown_last_day(found.answer_by),
        ),
        on=name.key,
        claim=claim,
        reason=reason,
    )
    return found


# --- what the department says -------------------------------------------------------------------


@settles
def decide(
    site_id: str,
    month: Month,
    child_id: str,
    name: LineName,
    *,
    counts: bool,
    code: ClaimCode | None,
    reason: DecisionReason,
    by: Actor,
    now: datetime,
) -> Decision:
    """Decide one disputed, undecided or late line, or take one back that two providers claim.

    Whoever decides at the other provider at the same moment decides after this, or before.
    Raises Unknown, MarksHere, UnknownReason, AnotherContent, NotDoubled, NotUndecided, in this
    order.
    """
    site = providers.load_site(site_id).value
    access.demand(by, area=site.area, direction=site.direction)
    doubts = store.load_doubts(site_id)
    desk = _site_desk(site_id, month, child_id, now=now, doubts=doubts)
    rules.check_separate(by, site.organisation_id, desk.said)
    if code is not None:
        desk.where.pack.at(name.on).payable(code)
    others: list[Desk] = []
    if reason == "doubled":
        others = elsewhere(
            site_id, [child_id], month, programme=site.programme, today=local_day(now)
        ).get(child_id, [])
    sheet = rules.decide(
        desk.said,
        desk.line(name),
        name=name,
        counts=counts,
        code=code,
        reason=reason,
        by=by.subject,
        now=now,
        doubled=name.key in rules.doubled_lines(desk.place, [other.place for other in others]),
    )
    decision = next(d for d in sheet.decisions if d.key == name.key)
    # A line may be taken back, once, after it was decided to count: then it is told again.
    again = "#doubled" if reason == "doubled" else ""
    told = [
        outbox.notice(
            f"line-decided#{site_id}#{child_id}#{name.key}#{person_id}{again}",
            to=f"person:{person_id}",
            template="notice:attendance/line-decided",
            now=now,
            child_id=child_id,
            on=_shown(name),
            day_code=decision.code,
        )
        for person_id in people.representatives_of(child_id, local_day(now))
    ]
    commit_sheet(
        desk,
        sheet,
        "attendance/line-decided",
        by,
        now,
        *told,
        *(store.unchanged(other.sheet.said) for other in others),
        on=name.key,
        day_code=decision.code,
        counts=counts,
        reason=reason,
    )
    return decision


@settles
def hold_lines(
    site_id: str,
    month: Month,
    child_id: str,
    names: Collection[str],
    *,
    signal_id: str,
    decided_by: str,
    by: Actor,
    now: datetime,
) -> int:
    """Hold the lines of a child-month that a confirmed signal speaks of, until each is decided.

    names: of lines or of days; none are all that count a visit. decided_by: the officer who
    confirmed the signal. A commit of its own per child-month, safe to repeat. Returns how many
    lines are held for this signal; none where the child is not at that site.
    """
    try:
        desk = _site_desk(site_id, month, child_id, now=now)
    except Unknown:
        return 0
    sheet = rules.hold(
        desk.said, desk.lines, names=names, signal_id=signal_id, by=decided_by, at=stamp(now)
    )
    mine = [one for one in sheet.holds if one.signal_id == signal_id]
    commit_sheet(
        desk, sheet, "attendance/lines-held", by, now, signal_id=signal_id, lines=len(mine)
    )
    return len(mine)


# --- shared steps -------------------------------------------------------------------------------


def commit_sheet(
    desk: Desk,
    sheet: Sheet,
    event: str,
    by: Actor,
    now: datetime,
    *others: Write,
    **facts: object,
) -> None:
    """Write what was said and all that goes with it; nothing when nothing changed."""
    if sheet is desk.said:
        return
    site_id, month = desk.where.site.site_id, desk.where.month
    journal.commit(
        journal.entry(
            event,
            f"sheet/{site_id}/{month}/{desk.child_id}",
            by=by,
            now=now,
            pack=desk.where.pack.version,
            **facts,
        ),
        store.keep_sheet(desk.sheet.said, sheet),
        *others,
    )


def family_desk(
    child_id: str,
    month: Month,
    *,
    programme: str,
    site_id: str | None,
    name: LineName | None = None,
    by: Actor,
    now: datetime,
) -> Desk:
    """Return the child-month that a representative means. Raises Unknown, WhichSite, MarksHere."""
    sites = sites_of(child_id, month, programme)
    if site_id is None and name is not None:
        sites = {
            place: stays
            for place, stays in sites.items()
            if any(name.on in stay.days for stay in stays)
        } or sites
    if site_id is None and len(sites) > 1:
        raise WhichSite(sites=sorted(sites))
    place = site_id or next(iter(sites), None)
    if place is None or place not in sites:
        raise Unknown()
    desk = load_desk(place, month, child_id, sites[place], today=local_day(now))
    rules.check_separate(by, desk.where.site.organisation_id, desk.said)
    return desk


def _site_desk(
    site_id: str, month: Month, child_id: str, *, now: datetime, doubts: Sequence[Doubt] = ()
) -> Desk:
    """Return the child-month of one of a site's children. Raises Unknown."""
    where, every = load_roster_month(site_id, month)
    stays = [stay for stay in every if stay.child_id == child_id]
    if not stays:
        raise Unknown()
    sheet = store.find_sheet(site_id, month, child_id)
    return desk_of(where, child_id, stays, sheet, now=now, doubts=doubts)


def _shown(name: LineName) -> str:
    """Return a line as people write it: 05.10.2026, 05.10.2026 16:00."""
    day = shown_day(name.on)
    return f"{day} {name.lesson[-4:-2]}:{name.lesson[-2:]}" if name.lesson else day
