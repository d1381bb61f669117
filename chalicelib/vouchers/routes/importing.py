"""What a platform that closes had issued."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

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
from chalicelib.children.rules import HeldElsewhere, PowerMissing
from chalicelib.edge.routes import Call
from chalicelib.kernel.refusals import AnotherContent, Unknown
from chalicelib.policy.actions import NoPack
from chalicelib.policy.rules import NoRuleInForce, UnknownStatus
from chalicelib.providers.rules import GroupClosed, NoPlace
from chalicelib.vouchers import actions, rules
from chalicelib.vouchers.routes.shapes import CHILD, FITS, Code, GroupId, routes
from chalicelib.vouchers.rules import VoucherState

MOST_TIYN = 10_000_000_00


class UsedAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """What the former platform has paid of this month, YYYY-MM, and its limit for it."""

    month: Annotated[str, Meta(pattern=r"^2[0-9]{3}-(0[1-9]|1[0-2])$(?!\n)")]
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
        *CHILD,
        children.BadContact,
        children.SignInTaken,
        PowerMissing,
        rules.NotOfAge,
        *FITS,
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
