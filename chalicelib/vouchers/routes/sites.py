"""What a site's own people see: who is expected, whose papers they judge, who is enrolled."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from msgspec import Meta, Struct

from chalicelib.edge import pages
from chalicelib.edge.routes import Call
from chalicelib.kernel.refusals import Unknown
from chalicelib.vouchers import actions, rules
from chalicelib.vouchers.routes.shapes import routes
from chalicelib.vouchers.rules import PapersResult, VoucherState


class PapersAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """What the provider says of the papers; a refusal has one of the published reasons."""

    result: PapersResult
    reason: Annotated[str, Meta(min_length=1, max_length=64)] | None = None


class PageAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """A page of a list."""

    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    cursor: Annotated[str, Meta(max_length=512)] | None = None


class EnrolmentsAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """A page of a list; on: only enrolments that hold on a day."""

    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    cursor: Annotated[str, Meta(max_length=512)] | None = None
    on: date | None = None


class NamesShown(Struct, frozen=True):
    """A child's names, for the people of its own provider."""

    surname: str
    given_name: str
    patronymic: str


class ExpectedShown(Struct, frozen=True):
    """A child expected at the site; names once the voucher is confirmed."""

    voucher_id: str
    child_id: str
    group_id: str | None
    state: VoucherState
    age: int
    papers: Literal["none", "accepted", "refused"]
    papers_reason: str | None
    contract_by: str | None
    names: NamesShown | None


class ExpectedPage(Struct, frozen=True):
    """Children expected at a site; `next_cursor` is null on the last page."""

    items: list[ExpectedShown]
    next_cursor: str | None


class EnrolledShown(Struct, frozen=True):
    """A child's enrolment at the site; names for the site's own people.

    application_id: what a partner's system knows the child by.
    """

    enrolment_id: str
    voucher_id: str
    application_id: str
    child_id: str
    group_id: str
    kind: str
    hours: str
    starts_on: date
    ends_on: date | None
    state: Literal["active", "ended"]
    reason: str | None
    names: NamesShown | None


class EnrolledPage(Struct, frozen=True):
    """Enrolments of a site; `next_cursor` is null on the last page."""

    items: list[EnrolledShown]
    next_cursor: str | None


@routes.put(
    "/{voucher_id}/papers",
    action="vouchers/judge-papers",
    asks=PapersAsked,
    answers=ExpectedShown,
    refuses=(
        Unknown,
        rules.PapersReason,
        rules.WrongState,
        rules.NoSeat,
        rules.TermPassed,
        rules.PapersSettled,
    ),
)
def judge_papers(call: Call[PapersAsked], voucher_id: str) -> ExpectedShown:
    """Accept a child's papers, refuse them for a published reason, or note that they are back.

    While they are refused the contract term stands still and the place stays reserved.
    """
    asked = call.asked
    voucher = actions.judge_papers(
        voucher_id, asked.result, asked.reason, by=call.actor, now=call.now
    )
    return _expected(actions.Expected(voucher=voucher, names={}))


@routes.get(
    "/sites/{site_id}/expected",
    action="vouchers/list-expected",
    query=PageAsked,
    answers=ExpectedPage,
    refuses=(Unknown, pages.BadCursor),
)
def list_expected(call: Call[None], site_id: str) -> ExpectedPage:
    """List the children who hold a reserved seat at a site."""
    query: PageAsked = call.query
    of = f"vouchers/expected#{site_id}"
    after = pages.position(query.cursor, of=of) if query.cursor else ""
    items, last = actions.site_expected(site_id, by=call.actor, after=after, limit=query.limit)
    return ExpectedPage([_expected(e) for e in items], pages.cursor(last, of=of) if last else None)


@routes.get(
    "/sites/{site_id}/enrolments",
    action="vouchers/list-enrolments",
    query=EnrolmentsAsked,
    answers=EnrolledPage,
    refuses=(Unknown, pages.BadCursor),
)
def list_enrolments(call: Call[None], site_id: str) -> EnrolledPage:
    """List a site's enrolments; names for its own people, ids for officers and auditors."""
    query: EnrolmentsAsked = call.query
    of = f"vouchers/enrolments#{site_id}#{query.on}"
    after = pages.position(query.cursor, of=of) if query.cursor else None
    items, last = actions.site_enrolments(
        site_id, on=query.on, by=call.actor, after=after, limit=query.limit
    )
    return EnrolledPage([_enrolled(e) for e in items], pages.cursor(last, of=of) if last else None)


def _expected(expected: actions.Expected) -> ExpectedShown:
    voucher = expected.voucher
    return ExpectedShown(
        voucher_id=voucher.voucher_id,
        child_id=voucher.child_id,
        group_id=voucher.group_id,
        state=voucher.state,
        age=voucher.age,
        papers=voucher.papers,
        papers_reason=voucher.papers_reason,
        contract_by=voucher.contract_by,
        names=NamesShown(**expected.names) if expected.names else None,
    )


def _enrolled(enrolled: actions.Enrolled) -> EnrolledShown:
    enrolment = enrolled.enrolment
    return EnrolledShown(
        enrolment_id=enrolment.enrolment_id,
        voucher_id=enrolment.voucher_id,
        application_id=enrolment.application_id,
        child_id=enrolment.child_id,
        group_id=enrolment.group_id,
        kind=enrolment.kind,
        hours=enrolment.hours,
        starts_on=enrolment.starts_on,
        ends_on=enrolment.ends_on,
        state=enrolment.state,
        reason=enrolment.reason,
        names=NamesShown(**enrolled.names) if enrolled.names else None,
    )
