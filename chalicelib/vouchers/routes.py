"""HTTP of vouchers: choice, papers, contract, transfer, closure, waiting lists, a site's lists."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from chalicelib.budgets.rules.ledger import BudgetShort
from chalicelib.children import rules as children
from chalicelib.children.routes import (
    AccountAsked,
    ChildAsked,
    RegistrationAsked,
    RowAsked,
    account_of,
    details_of,
    registration_of,
)
from chalicelib.children.rules import (
    AlreadyHeld,
    HeldElsewhere,
    PowerMissing,
    Provenance,
    RegisterFirst,
)
from chalicelib.edge import pages
from chalicelib.edge.routes import Call, Routes
from chalicelib.kernel.iin import BadIin
from chalicelib.kernel.refusals import AnotherContent, Unknown
from chalicelib.policy.actions import NoPack
from chalicelib.policy.rules import NoRuleInForce, UnknownStatus
from chalicelib.providers.rules import GroupClosed, NoPlace
from chalicelib.vouchers import actions, rules
from chalicelib.vouchers.rules import Closing, Enrolment, PapersResult, Voucher, VoucherState

routes = Routes(__name__, "vouchers")

MOST_TIYN = 10_000_000_00
Code = Annotated[str, Meta(min_length=1, max_length=64, pattern="^[a-z0-9-]+$")]
# No name fits in: digits and signs, a few letters beside them.
ActNumber = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=40,
        pattern=r"^(№|No\.?)? ?[0-9][0-9A-Za-zА-Яа-яЁё/.-]{0,15}(,? [0-9.-]{8,10})?$",
    ),
]
GroupId = Annotated[str, Meta(min_length=8, max_length=64)]
_OWN = (Unknown, PowerMissing)
_FITS = (
    rules.AnotherArea,
    rules.WrongForm,
    rules.AgeDoesNotFit,
    rules.ActivityAge,
    rules.SenGroup,
)
_CHILD = (
    BadIin,
    children.IinOrReason,
    children.BadDates,
    children.RepresentedByAnother,
    children.OtherData,
)
_PLACE = (*_FITS, rules.OthersWait, GroupClosed, NoPlace)


class GroupAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """The group that is wanted."""

    group_id: GroupId


class PapersAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """What the provider says of the papers; a refusal has one of the published reasons."""

    result: PapersResult
    reason: Annotated[str, Meta(min_length=1, max_length=64)] | None = None


class ContractAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """The child's first day."""

    starts_on: date


class ClosureAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Why the voucher is closed, and the last day at the provider when there is a contract."""

    reason: Literal["withdrawal", "graduation", "exclusion"]
    last_day: date | None = None


class TargetAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """A free place where no queue is needed, for a child known (`child_id`) or described.

    `starts_on`: the contract is signed at once, from that day.
    """

    group_id: GroupId
    child_id: GroupId | None = None
    child: ChildAsked | None = None
    starts_on: date | None = None


class RaiseAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """A conclusion by its number and day, and the first day that it counts for."""

    act: ActNumber
    from_on: date | None = None


class UsedAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """What the former platform has paid of this month, YYYY-MM, and its limit for it."""

    month: Annotated[str, Meta(pattern="^2[0-9]{3}-(0[1-9]|1[0-2])$")]
    used_tiyn: Annotated[int, Meta(ge=0, le=MOST_TIYN)]
    limit_tiyn: Annotated[int, Meta(ge=0, le=MOST_TIYN)]


class VoucherImportAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """One row of a platform's register: a child with its voucher and club.

    `starts_on`: the child's first day there; here it begins today at the earliest. `statuses`:
    those the platform had proved.
    """

    representative: RegistrationAsked
    child: ChildAsked
    programme: Code
    area: Code
    voucher_kind: Code
    group_id: GroupId
    issued_at: Annotated[datetime, Meta(tz=True)]
    starts_on: date
    used: UsedAsked
    source: RowAsked
    statuses: Annotated[tuple[Code, ...], Meta(max_length=12)] = ()
    sign_in: AccountAsked | None = None


class VoucherImported(Struct, frozen=True):
    """A voucher that was taken over, without whom it is about.

    `cap_tiyn`: the month's by the rules in force, null without one; `remaining_tiyn`: what is left
    of it after what the former platform paid. `imported_at`: when the row was first taken over.
    """

    voucher_id: str
    enrolment_id: str
    state: VoucherState
    site_id: str
    group_id: str
    starts_on: date
    used_month: str | None
    used_tiyn: int
    cap_tiyn: int | None
    remaining_tiyn: int | None
    imported_at: str | None


class AnswerAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Whether the offered seat is wanted."""

    accept: bool


class PageAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """A page of a list."""

    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    cursor: Annotated[str, Meta(max_length=512)] | None = None


class EnrolmentsAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """A page of a list; on: only enrolments that hold on a day."""

    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    cursor: Annotated[str, Meta(max_length=512)] | None = None
    on: date | None = None


class WaitingShown(Struct, frozen=True):
    """A waiting list the voucher stands on; an open offer is answered before `offered_until`."""

    group_id: str
    state: Literal["waiting", "offered"]
    offered_until: str | None


class EnrolmentShown(Struct, frozen=True):
    """The child's days at a group; both ends are included.

    used_tiyn: what a platform that closed has paid of `used_month`, "YYYY-MM", already; that month
    pays so much less here. null and 0 where no platform did.
    """

    enrolment_id: str
    voucher_id: str
    site_id: str
    group_id: str
    starts_on: date
    ends_on: date | None
    state: Literal["active", "ended"]
    reason: str | None
    used_month: str | None = None
    used_tiyn: int = 0


class SourceShown(Struct, frozen=True):
    """Where a voucher stood before: the platform, its number there, its row in the register.

    imported_at: when it was taken over; null where that was not kept.
    """

    platform: str
    number: str
    row: int
    imported_at: str | None


class VoucherShown(Struct, frozen=True):
    """A voucher as the child's representative sees it.

    source: null where it was issued here.
    """

    voucher_id: str
    application_id: str
    child_id: str
    programme: str
    area: str
    state: VoucherState
    issued_at: str
    confirm_by: str
    contract_by: str | None
    paused_since: str | None
    site_id: str | None
    group_id: str | None
    papers: Literal["none", "accepted", "refused"]
    papers_reason: str | None
    papers_text: str | None
    waiting: list[WaitingShown]
    enrolment_id: str | None
    transfers: list[str]
    closed_as: Closing | None
    voucher_kind: str = ""
    direction: str = ""
    sen: bool = False
    first_visit_by: str | None = None
    reserve_tiyn: int = 0
    reserved_to: str | None = None
    enrolment: EnrolmentShown | None = None
    source: SourceShown | None = None


class RaisedShown(Struct, frozen=True):
    """That raised financing applies to a voucher, never why; its enrolment, if it pays one."""

    voucher_id: str
    raised: bool
    enrolment_id: str | None
    starts_on: date | None


class VouchersShown(Struct, frozen=True):
    """The live vouchers of the children whom the caller represents."""

    items: list[VoucherShown]


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


@routes.get("", action="vouchers/list", answers=VouchersShown, refuses=(RegisterFirst,))
def list_vouchers(call: Call[None]) -> VouchersShown:
    """List the live vouchers of the children whom the caller represents."""
    return VouchersShown([_voucher(v, call) for v in actions.list_own(by=call.actor, now=call.now)])


@routes.get("/{voucher_id}", action="vouchers/see", answers=VoucherShown, refuses=(Unknown,))
def see_voucher(call: Call[None], voucher_id: str) -> VoucherShown:
    """See a voucher of one's child, ended ones too, and the enrolment it pays."""
    voucher, enrolment = actions.load_own(voucher_id, by=call.actor, now=call.now)
    return _voucher(voucher, call, enrolment)


@routes.put(
    "/{voucher_id}/choice",
    action="vouchers/choose",
    asks=GroupAsked,
    answers=VoucherShown,
    refuses=(*_OWN, rules.OneAtATime, rules.WrongState, rules.TermPassed, *_PLACE),
)
def choose(call: Call[GroupAsked], voucher_id: str) -> VoucherShown:
    """Choose a group with a free place instead of the one held; its seat is reserved at once."""
    voucher = actions.choose(voucher_id, call.asked.group_id, by=call.actor, now=call.now)
    return _voucher(voucher, call)


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


@routes.put(
    "/{voucher_id}/contract",
    action="vouchers/sign",
    asks=ContractAsked,
    answers=EnrolmentShown,
    refuses=(
        *_OWN,
        AnotherContent,
        rules.WrongState,
        rules.TermPassed,
        rules.NoSeat,
        GroupClosed,
        rules.PapersNotAccepted,
        rules.BadStart,
        AlreadyHeld,
    ),
)
def sign(call: Call[ContractAsked], voucher_id: str) -> EnrolmentShown:
    """Sign the contract with the chosen provider, papers accepted where it asks for any."""
    return _enrolment(actions.sign(voucher_id, call.asked.starts_on, by=call.actor, now=call.now))


@routes.put(
    "/{voucher_id}/transfer",
    action="vouchers/transfer",
    asks=GroupAsked,
    answers=EnrolmentShown,
    refuses=(
        *_OWN,
        rules.WrongState,
        rules.TransferPending,
        rules.OneTransferAMonth,
        *_PLACE,
        rules.BadStart,
    ),
)
def transfer(call: Call[GroupAsked], voucher_id: str) -> EnrolmentShown:
    """Move to another group, free and without new papers, from the day the rules in force say."""
    return _enrolment(
        actions.transfer(voucher_id, call.asked.group_id, by=call.actor, now=call.now)
    )


@routes.put(
    "/{voucher_id}/closure",
    action="vouchers/close",
    asks=ClosureAsked,
    answers=VoucherShown,
    refuses=(
        *_OWN,
        AnotherContent,
        rules.ClosingReason,
        rules.WrongState,
        rules.TransferPending,
        rules.BadLastDay,
    ),
)
def close(call: Call[ClosureAsked], voucher_id: str) -> VoucherShown:
    """Close a voucher: the child leaves after a last day, and its seat is offered on."""
    asked = call.asked
    voucher = actions.close(voucher_id, asked.reason, asked.last_day, by=call.actor, now=call.now)
    return _voucher(voucher, call)


@routes.put(
    "/{voucher_id}/target",
    action="vouchers/target",
    asks=TargetAsked,
    answers=VoucherShown,
    refuses=(
        *_OWN,
        AnotherContent,
        RegisterFirst,
        NoPack,
        NoRuleInForce,
        rules.NeedsQueue,
        rules.ChildOrId,
        *_CHILD,
        rules.NotOfAge,
        *_PLACE,
        rules.WrongState,
        rules.TermPassed,
        rules.PapersNotAccepted,
        rules.BadStart,
        rules.HeldAlready,
        HeldElsewhere,
        AlreadyHeld,
        BudgetShort,
    ),
)
def target(call: Call[TargetAsked], voucher_id: str) -> VoucherShown:
    """Take a free place at a provider whose vouchers need no queue; sign too, with a first day."""
    asked = call.asked
    voucher, enrolment = actions.target(
        voucher_id,
        actions.TargetAsked(
            group_id=asked.group_id,
            child_id=asked.child_id,
            child=details_of(asked.child) if asked.child else None,
            starts_on=asked.starts_on,
        ),
        by=call.actor,
        now=call.now,
    )
    return _voucher(voucher, call, enrolment)


@routes.put(
    "/{voucher_id}/special-needs",
    action="vouchers/raise",
    asks=RaiseAsked,
    answers=RaisedShown,
    refuses=(
        Unknown,
        AnotherContent,
        rules.WrongState,
        rules.NoRaise,
        rules.BadStart,
        BudgetShort,
    ),
)
def raise_financing(call: Call[RaiseAsked], voucher_id: str) -> RaisedShown:
    """Record that raised financing applies to a child with a voucher, from tomorrow or later.

    A running enrolment goes on in its group and seat as a new one from that day.
    """
    raised = actions.raise_financing(
        voucher_id, call.asked.act, call.asked.from_on, by=call.actor, now=call.now
    )
    enrolment = raised.enrolment
    return RaisedShown(
        voucher_id=raised.voucher.voucher_id,
        raised=raised.voucher.sen,
        enrolment_id=enrolment.enrolment_id if enrolment else None,
        starts_on=enrolment.starts_on if enrolment else None,
    )


@routes.put(
    "/imports/{import_id}",
    action="vouchers/import",
    asks=VoucherImportAsked,
    answers=VoucherImported,
    refuses=(
        Unknown,
        AnotherContent,
        rules.IssuedLater,
        NoPack,
        NoRuleInForce,
        rules.OtherKind,
        UnknownStatus,
        rules.BadUse,
        rules.NoSuchGroup,
        *_CHILD,
        children.BadContact,
        children.SignInTaken,
        PowerMissing,
        rules.NotOfAge,
        *_FITS,
        GroupClosed,
        NoPlace,
        rules.BadStart,
        rules.HeldAlready,
        HeldElsewhere,
        BudgetShort,
    ),
)
def import_voucher(call: Call[VoucherImportAsked], import_id: str) -> VoucherImported:
    """Take over a child's voucher and club from a platform that closes, with the month's rest."""
    asked = call.asked
    row = actions.ImportedVoucher(
        representative=registration_of(asked.representative),
        sign_in=account_of(asked.sign_in),
        child=details_of(asked.child),
        programme=asked.programme,
        area=asked.area,
        statuses=asked.statuses,
        voucher_kind=asked.voucher_kind,
        group_id=asked.group_id,
        issued_at=asked.issued_at,
        starts_on=asked.starts_on,
        used=rules.Used(asked.used.month, asked.used.used_tiyn, asked.used.limit_tiyn),
        source=children.Provenance(
            platform=asked.source.system,
            number=asked.source.number,
            file=asked.source.file,
            row=asked.source.line,
        ),
    )
    taken = actions.import_voucher(import_id, row, by=call.actor, now=call.now)
    enrolment = taken.enrolment
    return VoucherImported(
        voucher_id=taken.voucher.voucher_id,
        enrolment_id=enrolment.enrolment_id,
        state=taken.voucher.state,
        site_id=enrolment.site_id,
        group_id=enrolment.group_id,
        starts_on=enrolment.starts_on,
        used_month=enrolment.used_month,
        used_tiyn=enrolment.used_tiyn,
        cap_tiyn=taken.cap_tiyn,
        remaining_tiyn=taken.remaining_tiyn,
        imported_at=taken.voucher.source.at if taken.voucher.source else None,
    )


@routes.put(
    "/{voucher_id}/waiting/{group_id}",
    action="vouchers/wait",
    answers=VoucherShown,
    refuses=(
        *_OWN,
        rules.WrongState,
        rules.TermPassed,
        rules.AlreadyThere,
        *_FITS,
        GroupClosed,
        rules.PlaceIsFree,
        rules.ListsFull,
    ),
)
def wait(call: Call[None], voucher_id: str, group_id: str) -> VoucherShown:
    """Stand on the waiting list of a full group, in the order in which vouchers were issued."""
    return _voucher(actions.join(voucher_id, group_id, by=call.actor, now=call.now), call)


@routes.delete(
    "/{voucher_id}/waiting/{group_id}",
    action="vouchers/stop-waiting",
    answers=VoucherShown,
    refuses=_OWN,
)
def stop_waiting(call: Call[None], voucher_id: str, group_id: str) -> VoucherShown:
    """Leave a waiting list; an open offer is declined by it."""
    return _voucher(actions.leave(voucher_id, group_id, by=call.actor, now=call.now), call)


@routes.put(
    "/{voucher_id}/waiting/{group_id}/answer",
    action="vouchers/answer",
    asks=AnswerAsked,
    answers=VoucherShown,
    refuses=(
        *_OWN,
        rules.NotOffered,
        rules.WrongState,
        rules.TransferPending,
        rules.OneTransferAMonth,
        *_FITS,
        GroupClosed,
        rules.BadStart,
    ),
)
def answer(call: Call[AnswerAsked], voucher_id: str, group_id: str) -> VoucherShown:
    """Accept or decline an offered seat; an enrolled child moves from the day the rules say."""
    voucher = actions.answer(
        voucher_id, group_id, accept=call.asked.accept, by=call.actor, now=call.now
    )
    return _voucher(voucher, call)


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


def _voucher(voucher: Voucher, call: Call[Any], enrolment: Enrolment | None = None) -> VoucherShown:
    return VoucherShown(
        voucher_id=voucher.voucher_id,
        application_id=voucher.application_id,
        child_id=voucher.child_id,
        programme=voucher.programme,
        area=voucher.area,
        state=voucher.state,
        issued_at=voucher.issued_at,
        confirm_by=voucher.confirm_by,
        contract_by=voucher.contract_by,
        paused_since=voucher.paused_since,
        site_id=voucher.site_id,
        group_id=voucher.group_id,
        papers=voucher.papers,
        papers_reason=voucher.papers_reason,
        papers_text=actions.papers_text(voucher, call.language, now=call.now),
        waiting=[WaitingShown(w.group_id, w.state, w.offered_until) for w in voucher.waiting],
        enrolment_id=voucher.enrolment_id,
        transfers=list(voucher.transfers),
        closed_as=voucher.closed_as,
        voucher_kind=voucher.voucher_kind,
        direction=voucher.direction,
        sen=voucher.sen,
        first_visit_by=voucher.first_visit_by,
        reserve_tiyn=voucher.reserve_tiyn,
        reserved_to=voucher.reserved_to,
        enrolment=_enrolment(enrolment) if enrolment else None,
        source=_source(voucher.source) if voucher.source else None,
    )


def _source(source: Provenance) -> SourceShown:
    return SourceShown(source.platform, source.number, source.row, source.at)


def _enrolment(enrolment: Enrolment) -> EnrolmentShown:
    return EnrolmentShown(
        enrolment_id=enrolment.enrolment_id,
        voucher_id=enrolment.voucher_id,
        site_id=enrolment.site_id,
        group_id=enrolment.group_id,
        starts_on=enrolment.starts_on,
        ends_on=enrolment.ends_on,
        state=enrolment.state,
        reason=enrolment.reason,
        used_month=enrolment.used_month,
        used_tiyn=enrolment.used_tiyn,
    )


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
