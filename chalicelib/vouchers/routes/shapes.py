"""What the routes of vouchers share: a voucher and an enrolment as the family sees them."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from chalicelib.children import rules as children
from chalicelib.children.rules import PowerMissing, Provenance
from chalicelib.edge.routes import Call, Routes
from chalicelib.kernel.iin import BadIin
from chalicelib.kernel.refusals import Unknown
from chalicelib.providers.rules import GroupClosed, NoPlace
from chalicelib.vouchers import actions, rules
from chalicelib.vouchers.rules import Closing, Enrolment, Voucher, VoucherState

routes = Routes("chalicelib.vouchers.routes", "vouchers")

Code = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[a-z0-9-]+$(?!\n)")]
GroupId = Annotated[str, Meta(min_length=8, max_length=64)]
OWN = (Unknown, PowerMissing)
FITS = (
    rules.AnotherArea,
    rules.WrongForm,
    rules.AgeDoesNotFit,
    rules.ActivityAge,
    rules.SenGroup,
)
CHILD = (
    BadIin,
    children.IinOrReason,
    children.BadDates,
    children.RepresentedByAnother,
    children.OtherData,
)
PLACE = (*FITS, rules.OthersWait, GroupClosed, NoPlace)


class GroupAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """The group that is wanted."""

    group_id: GroupId


class WaitingShown(Struct, frozen=True):
    """A waiting list the voucher stands on; an open offer is answered before `offered_until`.

    The lists of a voucher stand in the order of its wishes. standing: the child is moved there when
    it is its turn, without being asked again.
    """

    group_id: str
    state: Literal["waiting", "offered"]
    offered_until: str | None
    standing: bool


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


def voucher_shown(
    voucher: Voucher, call: Call[Any], enrolment: Enrolment | None = None
) -> VoucherShown:
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
        waiting=[
            WaitingShown(w.group_id, w.state, w.offered_until, w.standing) for w in voucher.waiting
        ],
        enrolment_id=voucher.enrolment_id,
        transfers=list(voucher.transfers),
        closed_as=voucher.closed_as,
        voucher_kind=voucher.voucher_kind,
        direction=voucher.direction,
        sen=voucher.sen,
        first_visit_by=voucher.first_visit_by,
        reserve_tiyn=voucher.reserve_tiyn,
        reserved_to=voucher.reserved_to,
        enrolment=enrolment_shown(enrolment) if enrolment else None,
        source=_source(voucher.source) if voucher.source else None,
    )


def _source(source: Provenance) -> SourceShown:
    return SourceShown(source.platform, source.number, source.row, source.at)


def enrolment_shown(enrolment: Enrolment) -> EnrolmentShown:
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
