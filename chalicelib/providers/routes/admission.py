"""HTTP of the List: onto it step by step, on it and off it."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from msgspec import Meta, Struct, convert

from chalicelib.edge.body import TEXT
from chalicelib.edge.routes import Call
from chalicelib.kernel.ids import SiteId
from chalicelib.kernel.workdays import CalendarMissing
from chalicelib.providers import actions, rules
from chalicelib.providers.routes.shapes import (
    OF_STEPS,
    Act,
    Attempt,
    Code,
    ReasonBody,
    Reasons,
    SiteSeen,
    fields_of,
    reasons_of,
    routes,
    site_seen,
)
from chalicelib.providers.rules import Shown, votes


class ShownBody(Struct, frozen=True, forbid_unknown_fields=True):
    """One item of the checklist; digest: SHA-256 of the paper's file, in hex."""

    item: Code
    state: Literal["ready", "in-progress"]
    document: Annotated[str, Meta(min_length=1, max_length=60, pattern=TEXT)] | None = None
    digest: Annotated[str, Meta(max_length=64, pattern=r"^[0-9a-f]{64}$(?!\n)")] | None = None
    valid_to: date | None = None


class SubmissionBody(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole checklist; attempt: 1 at first, one more after a correction or a refusal."""

    checklist: Annotated[tuple[ShownBody, ...], Meta(max_length=40)]
    attempt: Attempt = 1


class CheckBody(Struct, frozen=True, forbid_unknown_fields=True):
    """The formal check of an attempt; a correction cites the items to be corrected."""

    result: Literal["complete", "correction"]
    reasons: Reasons = ()
    attempt: Attempt = 1


VoteReasons = Annotated[tuple[ReasonBody, ...], Meta(max_length=votes.MOST_REASONS_OF_A_VOTE)]


class DecisionBody(Struct, frozen=True, forbid_unknown_fields=True):
    """One member's vote on an attempt; a refusal cites each rule with its evidence.

    Where several members decide, a vote to admit gives its reasons too.
    """

    result: Literal["admit", "refuse"]
    reasons: VoteReasons = ()
    attempt: Attempt = 1


class ObjectionBody(Struct, frozen=True, forbid_unknown_fields=True):
    """What the organisation holds against the refusal of an attempt: rules, and what shows it."""

    reasons: Reasons
    attempt: Attempt = 1


class ListingBody(Struct, frozen=True, forbid_unknown_fields=True):
    """The number of the act by which the site is listed."""

    act: Act


class MeasureBody(Struct, frozen=True, forbid_unknown_fields=True):
    """The number of an act, and its reasons."""

    act: Act
    reasons: Reasons = ()


class RemovalBody(Struct, frozen=True, forbid_unknown_fields=True):
    """The number of an act, its reasons, and whether children's transfers are already planned."""

    act: Act
    reasons: Reasons = ()
    planned_transfer: bool = False


@routes.put(
    "/sites/{site_id}/submission",
    action="providers/submit-site",
    asks=SubmissionBody,
    answers=SiteSeen,
    refuses=(
        *OF_STEPS,
        rules.CorrectionLate,
        rules.UnknownItem,
        rules.ChecklistUnmet,
        rules.PaperTooLong,
        CalendarMissing,
    ),
)
def submit_site(call: Call[SubmissionBody], site_id: SiteId) -> SiteSeen:
    """Apply for the List with the checklist; once more after a correction or a refusal.

    `address-on-map` is shown by the site's `location`, and stands under `missing` without one.
    """
    shown = [convert(fields_of(item), Shown) for item in call.asked.checklist]
    site = actions.submit_site(
        site_id, shown, attempt=call.asked.attempt, by=call.actor, now=call.now
    )
    return site_seen(site, whole=True)


@routes.put(
    "/sites/{site_id}/check",
    action="providers/check-site",
    asks=CheckBody,
    answers=SiteSeen,
    refuses=(
        *OF_STEPS,
        rules.CorrectionUsed,
        rules.ReasonNeeded,
        rules.UnknownItem,
        CalendarMissing,
    ),
)
def check_site(call: Call[CheckBody], site_id: SiteId) -> SiteSeen:
    """Find an application complete, or send it back for its one correction with cited items."""
    site = actions.check_site(
        site_id,
        call.asked.result,
        reasons_of(call.asked.reasons),
        attempt=call.asked.attempt,
        by=call.actor,
        now=call.now,
    )
    return site_seen(site, whole=True)


@routes.put(
    "/sites/{site_id}/decision",
    action="providers/decide-site",
    asks=DecisionBody,
    answers=SiteSeen,
    refuses=(*OF_STEPS, rules.CommissionFull, rules.ReasonNeeded, CalendarMissing),
)
def decide_site(call: Call[DecisionBody], site_id: SiteId) -> SiteSeen:
    """Vote as a member of the commission; it has decided once enough members voted."""
    site = actions.decide_site(
        site_id,
        call.asked.result,
        reasons_of(call.asked.reasons),
        attempt=call.asked.attempt,
        by=call.actor,
        now=call.now,
    )
    return site_seen(site, whole=True)


@routes.put(
    "/sites/{site_id}/objection",
    action="providers/object-to-refusal",
    asks=ObjectionBody,
    answers=SiteSeen,
    refuses=(*OF_STEPS, rules.ReasonNeeded, rules.ObjectionLate, CalendarMissing),
)
def object_to_refusal(call: Call[ObjectionBody], site_id: SiteId) -> SiteSeen:
    """Object to the commission's refusal, once and within its term; the site is voted on again."""
    site = actions.object_to_refusal(
        site_id,
        reasons_of(call.asked.reasons),
        attempt=call.asked.attempt,
        by=call.actor,
        now=call.now,
    )
    return site_seen(site, whole=True)


@routes.put(
    "/sites/{site_id}/objection-answer",
    action="providers/answer-objection",
    asks=DecisionBody,
    answers=SiteSeen,
    refuses=(*OF_STEPS, rules.CommissionFull, rules.ReasonNeeded, CalendarMissing),
)
def answer_objection(call: Call[DecisionBody], site_id: SiteId) -> SiteSeen:
    """Vote on an objection as a member of the commission; its answer is the last word."""
    site = actions.answer_objection(
        site_id,
        call.asked.result,
        reasons_of(call.asked.reasons),
        attempt=call.asked.attempt,
        by=call.actor,
        now=call.now,
    )
    return site_seen(site, whole=True)


@routes.put(
    "/sites/{site_id}/listing",
    action="providers/list-site",
    asks=ListingBody,
    answers=SiteSeen,
    refuses=(
        *OF_STEPS,
        rules.NotDecided,
        rules.SecondPerson,
        rules.TooEarly,
        rules.ChecklistUnmet,
    ),
)
def list_site(call: Call[ListingBody], site_id: SiteId) -> SiteSeen:
    """Put an admitted site on the List for a year and open its groups; a second person does it."""
    site = actions.list_site(site_id, act=call.asked.act, by=call.actor, now=call.now)
    return site_seen(site, whole=True)


@routes.put(
    "/sites/{site_id}/suspension",
    action="providers/suspend-site",
    asks=MeasureBody,
    answers=SiteSeen,
    refuses=(*OF_STEPS, rules.ReasonNeeded),
)
def suspend_site(call: Call[MeasureBody], site_id: SiteId) -> SiteSeen:
    """Close a site for new choices; its children stay and may transfer at once."""
    site = actions.suspend_site(
        site_id, reasons_of(call.asked.reasons), act=call.asked.act, by=call.actor, now=call.now
    )
    return site_seen(site, whole=True)


@routes.put(
    "/sites/{site_id}/reinstatement",
    action="providers/reinstate-site",
    asks=MeasureBody,
    answers=SiteSeen,
    refuses=(*OF_STEPS, rules.ChecklistUnmet),
)
def reinstate_site(call: Call[MeasureBody], site_id: SiteId) -> SiteSeen:
    """Open a suspended site again."""
    site = actions.reinstate_site(
        site_id, reasons_of(call.asked.reasons), act=call.asked.act, by=call.actor, now=call.now
    )
    return site_seen(site, whole=True)


@routes.put(
    "/sites/{site_id}/removal",
    action="providers/remove-site",
    asks=RemovalBody,
    answers=SiteSeen,
    refuses=(*OF_STEPS, rules.ReasonNeeded, rules.TransitionRunning),
)
def remove_site(call: Call[RemovalBody], site_id: SiteId) -> SiteSeen:
    """Take a site off the List, after its transition or with transfers planned."""
    site = actions.remove_site(
        site_id,
        reasons_of(call.asked.reasons),
        act=call.asked.act,
        planned_transfer=call.asked.planned_transfer,
        by=call.actor,
        now=call.now,
    )
    return site_seen(site, whole=True)
