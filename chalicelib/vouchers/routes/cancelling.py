"""A voucher cancelled for fraud."""

from __future__ import annotations

from msgspec import Struct

from chalicelib.access import actions as access
from chalicelib.edge.routes import Call
from chalicelib.kernel.refusals import AnotherContent, Unknown
from chalicelib.vouchers import actions, rules
from chalicelib.vouchers.routes.raising import ActNumber
from chalicelib.vouchers.routes.shapes import routes
from chalicelib.vouchers.rules import FraudReason, VoucherState


class CancellationAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Why, and the decision by its number and day."""

    reason_code: FraudReason
    act: ActNumber


class CancellationShown(Struct, frozen=True):
    """A cancelled voucher; its enrolment, if it had one."""

    voucher_id: str
    state: VoucherState
    enrolment_id: str | None


@routes.put(
    "/{voucher_id}/cancellation",
    action="vouchers/cancel",
    asks=CancellationAsked,
    answers=CancellationShown,
    refuses=(Unknown, AnotherContent, rules.WrongState),
)
def cancel(call: Call[CancellationAsked], voucher_id: str) -> CancellationShown:
    """Cancel a voucher for fraud: it and its enrolment end at once, the application is annulled.

    Two officers of the department ask the same.
    """
    asked = call.asked
    voucher = actions.cancel(voucher_id, asked.reason_code, asked.act, by=call.actor, now=call.now)
    access.looked([voucher.child_id], ("voucher",))
    return CancellationShown(voucher.voucher_id, voucher.state, voucher.enrolment_id)
