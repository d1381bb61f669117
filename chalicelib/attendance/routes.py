"""HTTP of attendance: tablets, uploads, timesheets."""

from __future__ import annotations

import base64
from datetime import date, datetime
from typing import Annotated, Any

from msgspec import Meta, Struct

from chalicelib.attendance import actions, rules
from chalicelib.attendance.actions.confirming import Confirmed
from chalicelib.attendance.actions.devices import Code, DeviceSeen, Named
from chalicelib.attendance.actions.intake import Receipt
from chalicelib.attendance.actions.showing import SheetShown, Undecided
from chalicelib.attendance.rules import (
    AnswerKind,
    ClaimCode,
    Decision,
    DecisionReason,
    Dispute,
    DisputeReason,
    Proof,
    ProofReason,
    SiteMonth,
    health,
)
from chalicelib.children.rules import PowerMissing
from chalicelib.edge import auth, pages
from chalicelib.edge.routes import Call, Routes
from chalicelib.edge.texts import text
from chalicelib.kernel.periods import BadMonth, Month
from chalicelib.kernel.refusals import AnotherContent, Unknown
from chalicelib.kernel.workdays import CalendarMissing
from chalicelib.policy.actions import NoPack
from chalicelib.policy.rules import NoRuleInForce, UnknownReason

routes = Routes(__name__, "attendance")

Id = Annotated[str, Meta(min_length=8, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$(?!\n)")]
Label = Annotated[str, Meta(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f<>]*$(?!\n)")]
Programme = Annotated[str, Meta(min_length=1, max_length=32, pattern=r"^[a-z-]+$(?!\n)")]
# A number in a folder; a paper's text or a name has no place here.
Reference = Annotated[
    str, Meta(min_length=2, max_length=40, pattern=r"^[\w№/. -]*[0-9][\w№/. -]*$(?!\n)")
]
_SHEET = (Unknown, BadMonth, NoRuleInForce, CalendarMissing)
_LINE = (*_SHEET, rules.BadDay, AnotherContent)


class InvitationAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """The site a tablet is for, and a name to know the tablet by."""

    site_id: Id
    label: Label


class DeviceAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """A one-time code, the tablet's public key (32 bytes) and a proof that it holds the other half.

    proof: Ed25519 signature of "kezek-pair-v1|<device_id>|<code>", the code in capitals without
    its hyphen. Both are base64url without padding.
    """

    code: Annotated[str, Meta(min_length=8, max_length=12)]
    public_key: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{43}$(?!\n)")]
    label: Label
    proof: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{86}$(?!\n)")]


class DeviceShown(Struct, frozen=True):
    """A paired tablet."""

    device_id: str
    site_id: str
    label: str
    paired_at: str


class RevocationAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """The site the tablet belongs to.

    foreign_on: the day from which the tablet may have been in foreign hands, if it may.
    """

    site_id: Id
    foreign_on: date | None = None


class ClearingAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """The site the tablet belongs to, and why its marks are proof again."""

    site_id: Id
    reason: rules.ClearReason


class SiteAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """The site whose tablets are asked for."""

    site_id: Id


class FlagShown(Struct, frozen=True):
    """What is odd about a stretch of records: gap, fork, clone, same-second or two-places.

    `first` and `last` are counters, both included.
    """

    kind: str
    first: int
    last: int
    at: str


class TabletShown(Struct, frozen=True):
    """A tablet, how it fares, and what is wrong with its records.

    `state`: the gravest of what is known, `reason` says it in words. `last_seen_at`: its last
    upload. `skew_s`: its clock minus ours then, null where it never told; `skew_worst_s`: the
    greatest that was too great. `app`, `battery`: as the tablet says itself, if it does.
    """

    device_id: str
    site_id: str
    label: str
    paired_at: str
    revoked_at: str | None
    state: health.HealthState
    reason: str
    last_seen_at: str | None
    skew_s: int | None
    skew_worst_s: int
    app: str | None
    battery: int | None
    head_counter: int
    flags: list[FlagShown]


class DevicesShown(Struct, frozen=True):
    """A site's tablets, revoked ones too."""

    items: list[TabletShown]


class RosterShown(Struct, frozen=True):
    """Who may be marked today."""

    items: list[Named]


class Upload(Struct, frozen=True, forbid_unknown_fields=True):
    """Signed records, format v1 (docs/check-in-format.md), in any order; each is judged alone.

    sent_at: the tablet's own clock as it sends, so that a wrong one is noticed.
    """

    records: Annotated[list[dict[str, Any]], Meta(min_length=1, max_length=rules.RECORDS_MAX)]
    sent_at: Annotated[datetime, Meta(tz=True)] | None = None


class ClosingAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing to say: the month is in the path."""


class ProofAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Why the child was absent, and the number of the paper that says so."""

    reason: ProofReason
    proof: Reference


class ApprovalAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """The digest of the timesheet that was looked at; the site where there were several."""

    digest: Annotated[str, Meta(pattern=r"^[0-9a-f]{32}$(?!\n)")]
    site_id: Id | None = None
    programme: Programme = "preschool"


class DisputeAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """What the line should be, and why; the site where there were several."""

    claim: ClaimCode
    reason: DisputeReason
    site_id: Id | None = None
    programme: Programme = "preschool"


class AnswerAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Whether the provider agrees with the family or insists on its mark."""

    answer: AnswerKind


class DecisionAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Whether the line counts, as which code, and on what evidence."""

    counts: bool
    reason: DecisionReason
    day_code: ClaimCode | None = None


class ConfirmationAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """The programme whose lesson it is; the site where the child was at several that day."""

    programme: Programme
    site_id: Id | None = None


class CodeAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing to say: the code is in the path."""


class LessonConfirmed(Struct, frozen=True):
    """The lesson that is confirmed now; a code's answer says nothing of the child."""

    lesson: str
    confirmed: bool = True


class ChildMonthAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """The programme, where a child is in several."""

    programme: Programme = "preschool"


class SheetsShown(Struct, frozen=True):
    """A child's timesheets of a month, one per site, and how far the month is used by all of them.

    use: null where no cap over lessons limits a child's month.
    """

    items: list[SheetShown]
    use: rules.MonthUse | None = None


class PageAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """A page of a list."""

    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    cursor: Annotated[str, Meta(max_length=512)] | None = None


class SheetsPage(Struct, frozen=True):
    """A site's timesheets by child; `next_cursor` is null on the last page."""

    items: list[SheetShown]
    next_cursor: str | None


class UndecidedAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """An area and a month; limit: how many sites to look at."""

    area: Annotated[str, Meta(min_length=1, max_length=32)]
    month: Annotated[str, Meta(min_length=7, max_length=7)]
    programme: Programme = "preschool"
    limit: Annotated[int, Meta(ge=1, le=10)] = 5
    cursor: Annotated[str, Meta(max_length=512)] | None = None


class UndecidedPage(Struct, frozen=True):
    """Lines that wait for the department, by site and child."""

    items: list[Undecided]
    next_cursor: str | None


# --- tablets ------------------------------------------------------------------------------------


@routes.put(
    "/pairings/{pairing_id}",
    action="attendance/invite-tablet",
    asks=InvitationAsked,
    answers=Code,
    refuses=(Unknown, AnotherContent, rules.PairingOver, rules.TooManyDevices),
)
def invite_tablet(call: Call[InvitationAsked], pairing_id: str) -> Code:
    """Get a one-time code for a new tablet.

    The code is valid for 15 minutes and pairs one tablet; the same id again gets the same code.
    """
    asked = call.asked
    return actions.invite(
        pairing_id, site_id=asked.site_id, label=asked.label, by=call.actor, now=call.now
    )


@routes.put(
    "/devices/{device_id}",
    action="attendance/pair-tablet",
    asks=DeviceAsked,
    answers=DeviceShown,
    refuses=(rules.BadKey, rules.BadCode, rules.AlreadyPaired),
)
def pair_tablet(call: Call[DeviceAsked], device_id: str) -> DeviceShown:
    """Pair a tablet with the key it made, by a one-time code.

    The id is the first 16 bytes of the key's SHA-256 in base32, small letters, without padding.
    """
    asked = call.asked
    public_key = _bytes(asked.public_key)
    if auth.device_id(public_key) != device_id:
        raise rules.BadKey(problem="device_id")
    device = actions.pair(
        device_id,
        code=asked.code,
        public_key=public_key,
        label=asked.label,
        proof=_bytes(asked.proof),
        by=call.actor,
        now=call.now,
    )
    return DeviceShown(device.device_id, device.site_id, device.label, device.paired_at)


@routes.put(
    "/devices/{device_id}/revocation",
    action="attendance/revoke-tablet",
    asks=RevocationAsked,
    answers=TabletShown,
    refuses=(Unknown, rules.DayToCome),
)
def revoke_tablet(call: Call[RevocationAsked], device_id: str) -> TabletShown:
    """Revoke a tablet for good; its next upload is refused.

    foreign_on: what it marked since that day is held until the department decides.
    """
    seen = actions.revoke(
        device_id,
        site_id=call.asked.site_id,
        by=call.actor,
        now=call.now,
        foreign_on=call.asked.foreign_on,
    )
    return _tablet(seen, call.language)


@routes.put(
    "/devices/{device_id}/clearing",
    action="attendance/clear-tablet",
    asks=ClearingAsked,
    answers=TabletShown,
    refuses=(Unknown, rules.MarksHere, AnotherContent, rules.NotDoubted),
)
def clear_tablet(call: Call[ClearingAsked], device_id: str) -> TabletShown:
    """Clear a suspected tablet: what it marked so far is proof again, and its lines are paid."""
    seen = actions.clear(
        device_id,
        site_id=call.asked.site_id,
        reason=call.asked.reason,
        by=call.actor,
        now=call.now,
    )
    return _tablet(seen, call.language)


@routes.get(
    "/devices",
    action="attendance/list-tablets",
    query=SiteAsked,
    answers=DevicesShown,
    refuses=(Unknown,),
)
def list_tablets(call: Call[None]) -> DevicesShown:
    """List a site's tablets: when each was last heard of, how it fares, what is wrong."""
    seen = actions.list_devices(call.query.site_id, by=call.actor, now=call.now)
    return DevicesShown([_tablet(each, call.language) for each in seen])


def _tablet(seen: DeviceSeen, language: str) -> TabletShown:
    device, state, fares = seen.device, seen.state, seen.health
    which = fares.state
    key = f"attendance/tablet/{which}"
    if which == "skewed":
        key += "-ahead" if fares.facts["ahead"] else "-behind"
    return TabletShown(
        device_id=device.device_id,
        site_id=device.site_id,
        label=device.label,
        paired_at=device.paired_at,
        revoked_at=device.revoked_at,
        state=which,
        reason=text(key, language, fares.facts),
        last_seen_at=state.last_at if state else None,
        skew_s=state.skew_s if state else None,
        skew_worst_s=state.skew_worst_s if state else 0,
        app=state.app if state else None,
        battery=state.battery if state else None,
        head_counter=state.head_counter if state else 0,
        flags=[FlagShown(f.kind, f.first, f.last, f.at) for f in seen.flags],
    )


@routes.get(
    "/roster",
    action="attendance/read-roster",
    answers=RosterShown,
    refuses=(rules.NotPaired, rules.DeviceRevoked),
)
def read_roster(call: Call[None]) -> RosterShown:
    """List the children that the tablet may mark today."""
    return RosterShown(actions.roster_of(by=call.actor, now=call.now))


@routes.post(
    "/records",
    action="attendance/upload",
    asks=Upload,
    answers=Receipt,
    refuses=(
        rules.UploadTooLarge,
        rules.NotPaired,
        rules.DeviceRevoked,
        rules.TooManyUploads,
    ),
)
def upload(call: Call[Upload]) -> Receipt:
    """Hand in up to 500 signed records; each is accepted, had already, or refused with a code.

    The same upload again gets the same answer. What is answered is stored; send again what was
    not answered.
    """
    asked = call.asked
    return actions.receive(asked.records, by=call.actor, now=call.now, sent_at=asked.sent_at)


# --- a site's month -----------------------------------------------------------------------------


@routes.put(
    "/sites/{site_id}/months/{month}/closing",
    action="attendance/close-month",
    asks=ClosingAsked,
    answers=SiteMonth,
    refuses=(*_SHEET, rules.TooEarly, NoPack),
)
def close_month(call: Call[ClosingAsked], site_id: str, month: str) -> SiteMonth:
    """Close a provider's month once it is over; its families are told to approve."""
    return actions.close_month(site_id, Month.parse(month), by=call.actor, now=call.now)


@routes.get(
    "/sites/{site_id}/months/{month}",
    action="attendance/read-site-month",
    query=PageAsked,
    answers=SheetsPage,
    refuses=(*_SHEET, NoPack, pages.BadCursor),
)
def read_site_month(call: Call[None], site_id: str, month: str) -> SheetsPage:
    """List a site's timesheets; names are shown to those who work there only."""
    of = f"attendance/{site_id}/{month}"
    after = pages.position(call.query.cursor, of=of) if call.query.cursor else None
    shown, last = actions.site_month(
        site_id,
        Month.parse(month),
        after=after,
        limit=call.query.limit,
        by=call.actor,
        now=call.now,
    )
    return SheetsPage(shown, pages.cursor(last, of=of) if last else None)


@routes.put(
    "/sites/{site_id}/months/{month}/children/{child_id}/proofs/{line}",
    action="attendance/file-proof",
    asks=ProofAsked,
    answers=Proof,
    refuses=(*_LINE, rules.Locked, rules.TooEarly, rules.NotAnAbsence),
)
def file_proof(call: Call[ProofAsked], site_id: str, month: str, child_id: str, line: str) -> Proof:
    """File the number of a paper for an absence; the paper's reason becomes the day's."""
    of_month = Month.parse(month)
    return actions.file_proof(
        site_id,
        of_month,
        child_id,
        rules.line_name(line, of_month),
        reason=call.asked.reason,
        reference=call.asked.proof,
        by=call.actor,
        now=call.now,
    )


@routes.put(
    "/sites/{site_id}/months/{month}/children/{child_id}/answers/{line}",
    action="attendance/answer-dispute",
    asks=AnswerAsked,
    answers=Dispute,
    refuses=(*_LINE, rules.Locked),
)
def answer_dispute(
    call: Call[AnswerAsked], site_id: str, month: str, child_id: str, line: str
) -> Dispute:
    """Answer a family's dispute of a line, within the term that the rules in force give."""
    of_month = Month.parse(month)
    return actions.answer_dispute(
        site_id,
        of_month,
        child_id,
        rules.line_name(line, of_month),
        said=call.asked.answer,
        by=call.actor,
        now=call.now,
    )


@routes.put(
    "/sites/{site_id}/months/{month}/children/{child_id}/decisions/{line}",
    action="attendance/decide-line",
    asks=DecisionAsked,
    answers=Decision,
    refuses=(*_LINE, rules.MarksHere, UnknownReason, rules.NotDoubled, rules.NotUndecided),
)
def decide_line(
    call: Call[DecisionAsked], site_id: str, month: str, child_id: str, line: str
) -> Decision:
    """Decide one line that a family disputed or did not answer for, or that was corrected late.

    A line whose day or hour another provider claims too (`doubled`) is taken back, even when it
    was confirmed, by `counts: false` with the reason `doubled`; the other line then stands alone.
    """
    of_month = Month.parse(month)
    return actions.decide(
        site_id,
        of_month,
        child_id,
        rules.line_name(line, of_month),
        counts=call.asked.counts,
        code=call.asked.day_code,
        reason=call.asked.reason,
        by=call.actor,
        now=call.now,
    )


@routes.get(
    "/undecided",
    action="attendance/list-undecided",
    query=UndecidedAsked,
    answers=UndecidedPage,
    refuses=(*_SHEET, NoPack, actions.NotYourArea, pages.BadCursor),
)
def list_undecided(call: Call[None]) -> UndecidedPage:
    """List the lines of a month that wait for the department, a few sites at a time."""
    asked = call.query
    of = f"attendance/undecided/{asked.programme}/{asked.area}/{asked.month}"
    after = pages.position(asked.cursor, of=of) if asked.cursor else None
    found, last = actions.list_undecided(
        asked.programme,
        asked.area,
        Month.parse(asked.month),
        after=after,
        sites=asked.limit,
        by=call.actor,
        now=call.now,
    )
    return UndecidedPage(found, pages.cursor(last, of=of) if last else None)


# --- a child's month ----------------------------------------------------------------------------


@routes.get(
    "/children/{child_id}/months/{month}",
    action="attendance/read-child-month",
    query=ChildMonthAsked,
    answers=SheetsShown,
    refuses=_SHEET,
)
def read_child_month(call: Call[None], child_id: str, month: str) -> SheetsShown:
    """Show each day or lesson of a child's month as it comes, with how it was marked."""
    shown, use = actions.family_month(
        child_id,
        Month.parse(month),
        programme=call.query.programme,
        by=call.actor,
        now=call.now,
    )
    return SheetsShown(shown, use)


@routes.put(
    "/children/{child_id}/months/{month}/approval",
    action="attendance/approve",
    asks=ApprovalAsked,
    answers=SheetShown,
    refuses=(
        *_SHEET,
        AnotherContent,
        PowerMissing,
        actions.WhichSite,
        rules.MarksHere,
        rules.TooEarly,
        rules.Locked,
        rules.NotClosed,
        rules.SheetChanged,
    ),
)
def approve(call: Call[ApprovalAsked], child_id: str, month: str) -> SheetShown:
    """Approve a timesheet as it was seen, on the days that the rules in force give to it.

    Disputed lines stay out of it. After approval nothing can be changed.
    """
    return actions.approve(
        child_id,
        Month.parse(month),
        programme=call.asked.programme,
        site_id=call.asked.site_id,
        seen=call.asked.digest,
        by=call.actor,
        now=call.now,
    )


@routes.put(
    "/children/{child_id}/months/{month}/disputes/{line}",
    action="attendance/dispute",
    asks=DisputeAsked,
    answers=Dispute,
    refuses=(
        *_LINE,
        PowerMissing,
        actions.WhichSite,
        rules.MarksHere,
        UnknownReason,
        rules.Locked,
        rules.TooEarly,
        rules.NothingToDispute,
    ),
)
def dispute(call: Call[DisputeAsked], child_id: str, month: str, line: str) -> Dispute:
    """Dispute one day or lesson; only its money waits until the department decides.

    A lesson that the family confirmed is not disputed any more.
    """
    of_month = Month.parse(month)
    return actions.dispute(
        child_id,
        of_month,
        rules.line_name(line, of_month),
        programme=call.asked.programme,
        site_id=call.asked.site_id,
        claim=call.asked.claim,
        reason=call.asked.reason,
        by=call.actor,
        now=call.now,
    )


_CONFIRMS = (
    rules.NotLineByLine,
    rules.LineDisputed,
    rules.Locked,
    rules.NotHeldYet,
    rules.NotVisited,
    NoRuleInForce,
    CalendarMissing,
)


@routes.put(
    "/children/{child_id}/lessons/{lesson}/confirmation",
    action="attendance/confirm-lesson",
    asks=ConfirmationAsked,
    answers=Confirmed,
    refuses=(
        Unknown,
        rules.BadDay,
        PowerMissing,
        actions.WhichSite,
        rules.MarksHere,
        *_CONFIRMS,
    ),
)
def confirm_lesson(call: Call[ConfirmationAsked], child_id: str, lesson: str) -> Confirmed:
    """Confirm one lesson that was held and visited, at once and for good.

    A lesson with which the family does not agree is disputed instead.
    """
    return actions.confirm_lesson(
        child_id,
        rules.lesson_name(lesson),
        programme=call.asked.programme,
        site_id=call.asked.site_id,
        by=call.actor,
        now=call.now,
    )


@routes.put(
    "/confirmations/{code}",
    action="attendance/confirm-by-code",
    asks=CodeAsked,
    answers=LessonConfirmed,
    refuses=(rules.BadConfirmation, *_CONFIRMS),
)
def confirm_by_code(call: Call[CodeAsked], code: str) -> LessonConfirmed:
    """Confirm a lesson by the one-time code of a notice; needs no sign-in.

    The same code again gets the same answer. It is good until the family's window ends.
    """
    return LessonConfirmed(actions.confirm_by_code(code, by=call.actor, now=call.now))


def _bytes(text: str) -> bytes:
    """Return base64url text without padding as bytes; its form was checked."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
