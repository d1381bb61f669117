"""HTTP of a child's month: read, approved, disputed, confirmed by its family."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from chalicelib.attendance import actions, rules
from chalicelib.attendance.actions.confirming import Confirmed
from chalicelib.attendance.actions.showing import SheetShown
from chalicelib.attendance.routes.shapes import LINE, SHEET, Id, Programme, routes
from chalicelib.attendance.rules import (
    ClaimCode,
    Dispute,
    DisputeReason,
)
from chalicelib.children.rules import PowerMissing
from chalicelib.edge.routes import Call
from chalicelib.kernel.periods import Month
from chalicelib.kernel.refusals import AnotherContent, Unknown
from chalicelib.kernel.workdays import CalendarMissing
from chalicelib.policy.rules import NoRuleInForce, UnknownReason


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


@routes.get(
    "/children/{child_id}/months/{month}",
    action="attendance/read-child-month",
    query=ChildMonthAsked,
    answers=SheetsShown,
    refuses=SHEET,
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
        *SHEET,
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
        *LINE,
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
