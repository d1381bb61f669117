"""The vouchers of one's children."""

from __future__ import annotations

from msgspec import Struct

from chalicelib.children.rules import RegisterFirst
from chalicelib.edge.routes import Call
from chalicelib.kernel.refusals import Unknown
from chalicelib.vouchers import actions
from chalicelib.vouchers.routes.shapes import VoucherShown, routes, voucher_shown


class VouchersShown(Struct, frozen=True):
    """The live vouchers of the children whom the caller represents."""

    items: list[VoucherShown]


@routes.get("", action="vouchers/list", answers=VouchersShown, refuses=(RegisterFirst,))
def list_vouchers(call: Call[None]) -> VouchersShown:
    """List the live vouchers of the children whom the caller represents."""
    return VouchersShown(
        [voucher_shown(v, call) for v in actions.list_own(by=call.actor, now=call.now)]
    )


@routes.get("/{voucher_id}", action="vouchers/see", answers=VoucherShown, refuses=(Unknown,))
def see_voucher(call: Call[None], voucher_id: str) -> VoucherShown:
    """See a voucher of one's child, ended ones too, and the enrolment it pays."""
    voucher, enrolment = actions.load_own(voucher_id, by=call.actor, now=call.now)
    return voucher_shown(voucher, call, enrolment)
