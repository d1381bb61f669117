"""HTTP of a site's month: its close, its timesheets, papers, answers and decisions."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from chalicelib.attendance import actions, rules
from chalicelib.attendance.actions.showing import SheetShown, Undecided
from chalicelib.attendance.routes.shapes import LINE, SHEET, Programme, Reference, routes
from chalicelib.attendance.rules import (
    AnswerKind,
    ClaimCode,
    Decision,
    DecisionReason,
    Dispute,
    Proof,
    ProofReason,
    SiteMonth,
)
from chalicelib.edge import pages
from chalicelib.edge.routes import Call
from chalicelib.kernel.periods import Month
from chalicelib.policy.actions import NoPack
from chalicelib.policy.rules import UnknownReason


class ClosingAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing to say: the month is in the path."""


class ProofAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Why the child was absent, and the number of the paper that says so."""

    reason: ProofReason
    proof: Reference


class AnswerAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Whether the provider agrees with the family or insists on its mark."""

    answer: AnswerKind


class DecisionAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Whether the line counts, as which code, and on what evidence."""

    counts: bool
    reason: DecisionReason
    day_code: ClaimCode | None = None


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


@routes.put(
    "/sites/{site_id}/months/{month}/closing",
    action="attendance/close-month",
    asks=ClosingAsked,
    answers=SiteMonth,
    refuses=(*SHEET, rules.TooEarly, NoPack),
)
def close_month(call: Call[ClosingAsked], site_id: str, month: str) -> SiteMonth:
    """Close a provider's month once it is over; its families are told to approve."""
    return actions.close_month(site_id, Month.parse(month), by=call.actor, now=call.now)


@routes.get(
    "/sites/{site_id}/months/{month}",
    action="attendance/read-site-month",
    query=PageAsked,
    answers=SheetsPage,
    refuses=(*SHEET, NoPack, pages.BadCursor),
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
    refuses=(*LINE, rules.Locked, rules.TooEarly, rules.NotAnAbsence),
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
    refuses=(*LINE, rules.Locked),
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
    refuses=(*LINE, rules.MarksHere, UnknownReason, rules.NotDoubled, rules.NotUndecided),
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
    refuses=(*SHEET, NoPack, actions.NotYourArea, pages.BadCursor),
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
