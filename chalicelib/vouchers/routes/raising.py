"""Raised financing for a child with special needs."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from msgspec import Meta, Struct

from chalicelib.access import actions as access
from chalicelib.budgets.rules.ledger import BudgetShort
from chalicelib.edge.routes import Call
from chalicelib.kernel.refusals import AnotherContent, Unknown
from chalicelib.vouchers import actions, rules
from chalicelib.vouchers.routes.shapes import routes

# No name fits in: digits and signs, a few letters beside them.
ActNumber = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=40,
        pattern=r"^(№|No\.?)? ?[0-9][0-9A-Za-zА-Яа-яЁё/.-]{0,15}(,? [0-9.-]{8,10})?$(?!\n)",
    ),
]


class RaiseAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """A conclusion by its number and day, and the first day that it counts for."""

    act: ActNumber
    from_on: date | None = None


class RaisedShown(Struct, frozen=True):
    """That raised financing applies to a voucher, never why; its enrolment, if it pays one."""

    voucher_id: str
    raised: bool
    enrolment_id: str | None
    starts_on: date | None


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
    access.looked([raised.voucher.child_id], ("financing",))
    return RaisedShown(
        voucher_id=raised.voucher.voucher_id,
        raised=raised.voucher.sen,
        enrolment_id=enrolment.enrolment_id if enrolment else None,
        starts_on=enrolment.starts_on if enrolment else None,
    )
