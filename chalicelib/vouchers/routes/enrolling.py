"""The contract, a move to another group, the end."""

from __future__ import annotations

from datetime import date
from typing import Literal

from msgspec import Struct

from chalicelib.access import actions as access
from chalicelib.children.rules import AlreadyHeld
from chalicelib.edge.routes import Call
from chalicelib.kernel.refusals import AnotherContent
from chalicelib.providers.rules import GroupClosed
from chalicelib.vouchers import actions, rules
from chalicelib.vouchers.routes.shapes import (
    OWN,
    PLACE,
    EnrolmentShown,
    GroupAsked,
    VoucherShown,
    enrolment_shown,
    routes,
    voucher_shown,
)
from chalicelib.vouchers.rules import Enrolment


class ContractAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """The child's first day."""

    starts_on: date


class ClosureAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Why the voucher is closed, and the last day at the provider when there is a contract."""

    reason: Literal["withdrawal", "graduation", "exclusion"]
    last_day: date | None = None


@routes.put(
    "/{voucher_id}/contract",
    action="vouchers/sign",
    asks=ContractAsked,
    answers=EnrolmentShown,
    refuses=(
        *OWN,
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
    return _enrolled(actions.sign(voucher_id, call.asked.starts_on, by=call.actor, now=call.now))


@routes.put(
    "/{voucher_id}/transfer",
    action="vouchers/transfer",
    asks=GroupAsked,
    answers=EnrolmentShown,
    refuses=(
        *OWN,
        rules.WrongState,
        rules.TransferPending,
        rules.OneTransferAMonth,
        *PLACE,
        rules.BadStart,
    ),
)
def transfer(call: Call[GroupAsked], voucher_id: str) -> EnrolmentShown:
    """Move to another group, free and without new papers, from the day the rules in force say."""
    return _enrolled(actions.transfer(voucher_id, call.asked.group_id, by=call.actor, now=call.now))


@routes.put(
    "/{voucher_id}/closure",
    action="vouchers/close",
    asks=ClosureAsked,
    answers=VoucherShown,
    refuses=(
        *OWN,
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
    return voucher_shown(voucher, call)


def _enrolled(enrolment: Enrolment) -> EnrolmentShown:
    access.looked([enrolment.child_id], ("enrolment",))
    return enrolment_shown(enrolment)
