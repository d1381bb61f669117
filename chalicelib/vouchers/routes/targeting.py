"""A free place where no queue is needed."""

from __future__ import annotations

from datetime import date

from msgspec import Struct

from chalicelib.budgets.rules.ledger import BudgetShort
from chalicelib.children.routes import ChildAsked, details_of
from chalicelib.children.rules import AlreadyHeld, HeldElsewhere, RegisterFirst
from chalicelib.edge.routes import Call
from chalicelib.kernel.refusals import AnotherContent
from chalicelib.policy.actions import NoPack
from chalicelib.policy.rules import NoRuleInForce
from chalicelib.vouchers import actions, rules
from chalicelib.vouchers.routes.shapes import (
    CHILD,
    OWN,
    PLACE,
    GroupId,
    VoucherShown,
    routes,
    voucher_shown,
)


class TargetAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """A free place where no queue is needed, for a child known (`child_id`) or described.

    `starts_on`: the contract is signed at once, from that day.
    """

    group_id: GroupId
    child_id: GroupId | None = None
    child: ChildAsked | None = None
    starts_on: date | None = None


@routes.put(
    "/{voucher_id}/target",
    action="vouchers/target",
    asks=TargetAsked,
    answers=VoucherShown,
    refuses=(
        *OWN,
        AnotherContent,
        RegisterFirst,
        NoPack,
        NoRuleInForce,
        rules.NeedsQueue,
        rules.ChildOrId,
        *CHILD,
        rules.NotOfAge,
        *PLACE,
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
    return voucher_shown(voucher, call, enrolment)
