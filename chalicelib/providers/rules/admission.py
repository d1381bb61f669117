"""The steps until a site is admitted: handed in, checked formally, voted on, objected to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Literal

from chalicelib.kernel.refusals import OutOfTurn
from chalicelib.policy.rules import Admission
from chalicelib.providers.rules.documents import Shown, UnknownItem, check_list
from chalicelib.providers.rules.sites import (
    BY_TIME,
    Correction,
    Objection,
    Site,
    SiteState,
    Step,
    WrongState,
    check_turn,
)
from chalicelib.providers.rules.votes import (
    CommissionFull,
    Decision,
    Reason,
    Vote,
    carried_by,
    cited,
    outcome,
)


class CorrectionUsed(OutOfTurn):
    """The one chance to correct was used; the commission decides on what is there."""

    code = "providers/correction-used"


class CorrectionLate(OutOfTurn):
    """The time to correct ended at `due_at`; the site may apply again."""

    code = "providers/correction-late"


class ObjectionLate(OutOfTurn):
    """The time to object ended at `due_at`; the site may apply again."""

    code = "providers/objection-late"


def submit(
    site: Site,
    shown: Sequence[Shown],
    *,
    attempt: int,
    admission: Admission,
    today: date,
    now: str,
    due_at: str,
) -> Site:
    """Return the site handed in for the formal check.

    Raises WrongState, CorrectionLate, UnknownItem, ChecklistUnmet, PaperTooLong.
    attempt: one more than the last, so that a late repetition never hands in twice.
    due_at: the end of the formal check.
    """
    check_turn(site, Step.SUBMIT)
    if attempt != site.attempt + 1:
        raise WrongState(step=Step.SUBMIT.value, state=site.state.value, attempt=site.attempt + 1)
    if site.correction is not None and now >= site.correction.due_at:
        raise CorrectionLate(due_at=site.correction.due_at)
    check_list(
        shown,
        admission=admission,
        today=today,
        on_map=site.location is not None,
        direction=site.direction,
    )
    correcting = site.correction is not None
    return replace(
        site,
        state=SiteState.SUBMITTED,
        attempt=attempt,
        corrections=site.corrections if correcting else 0,
        checklist=tuple(sorted(shown, key=lambda item: item.item)),
        correction=None,
        decision=None,
        votes=(),
        objection=None,
        due_at=due_at,
    )


def check(
    site: Site,
    result: Literal["complete", "correction"],
    reasons: Sequence[Reason],
    *,
    admission: Admission,
    due_at: str,
) -> Site:
    """Return the site after the formal check: with the commission, or back for correction.

    due_at: the end of the commission's term, or of the correction.
    Raises WrongState, CorrectionUsed, ReasonNeeded, UnknownItem.
    """
    check_turn(site, Step.CHECK)
    if result == "complete":
        return replace(site, state=SiteState.IN_CHECK, correction=None, due_at=due_at)
    if site.corrections >= admission.corrections_max:
        raise CorrectionUsed(most=admission.corrections_max)
    cited(reasons)
    known = {item.code for item in admission.items_for(site.direction)}
    for reason in reasons:
        if reason.rule not in known:
            raise UnknownItem(item=reason.rule[:40])
    return replace(
        site,
        state=SiteState.DRAFT,
        corrections=site.corrections + 1,
        correction=Correction(tuple(reasons), due_at),
        due_at=due_at,
    )


def miss_correction(site: Site, *, at: str, pack: str) -> Site:
    """Return the site refused because the correction was not handed in in time."""
    late = (
        tuple(Reason(r.rule, "not corrected in time") for r in site.correction.reasons)
        if (site.correction)
        else ()
    )
    return replace(
        site,
        state=SiteState.REFUSED,
        correction=None,
        decision=Decision("refuse", late, BY_TIME, at, pack),
        due_at=None,
    )


def vote(
    site: Site, step: Step, given: Vote, *, admission: Admission, pack: str, object_by: str
) -> Site:
    """Return the site with one member's vote, and with the decision if this vote completes it.

    step: DECIDE for the application, ANSWER for an objection to its refusal. object_by: until when
    a refusal may be objected to; the answer to an objection is the last word.
    Raises WrongState, CommissionFull, ReasonNeeded: a vote to refuse cites rules with their
    evidence, and in a commission of several so does a vote to admit.
    """
    check_turn(site, step)
    answers = site.objection is not None
    if site.decision is not None or answers is not (step is Step.ANSWER):
        raise WrongState(step=step.value, state=site.state.value)
    if len(site.votes) >= admission.members:
        raise CommissionFull(most=admission.members)
    if given.result == "refuse" or admission.quorum > 1:
        cited(given.reasons)
    votes = (*site.votes, given)
    result = outcome(votes, quorum=admission.quorum, members=admission.members)
    if result is None:
        return replace(site, votes=votes)
    decision = Decision(
        result,
        carried_by(votes, result),
        given.by,
        given.at,
        pack,
        object_by if result == "refuse" and not answers else None,
    )
    return replace(
        site,
        state=SiteState.REFUSED if result == "refuse" else site.state,
        votes=votes,
        decision=decision,
        objection=replace(site.objection, result=result) if site.objection else None,
        due_at=None,
    )


def edited(site: Site) -> Site:
    """Return a site that its head has changed; a refusal of what it was is objected to no more."""
    if site.decision is None or site.decision.object_by is None:
        return site
    return replace(site, decision=replace(site.decision, object_by=None))


def objected(site: Site, reasons: Sequence[Reason], *, at: str, due_at: str) -> Site:
    """Return the site before the commission again: its organisation objects to the refusal.

    Once per application, only to a refusal of the commission, and only while the site is what was
    refused. due_at: the end of the
    commission's term to answer. Raises WrongState, ReasonNeeded, ObjectionLate.
    """
    check_turn(site, Step.OBJECT)
    refusal = site.decision
    if refusal is None or refusal.object_by is None:
        raise WrongState(step=Step.OBJECT.value, state=site.state.value)
    cited(reasons)
    if at >= refusal.object_by:
        raise ObjectionLate(due_at=refusal.object_by)
    return replace(
        site,
        state=SiteState.IN_CHECK,
        objection=Objection(tuple(reasons), at, refusal, site.votes),
        decision=None,
        votes=(),
        due_at=due_at,
    )
