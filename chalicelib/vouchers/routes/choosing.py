"""A group chosen, and the waiting lists of full ones."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct, structs

from chalicelib.edge.routes import Call
from chalicelib.edge.texts import text
from chalicelib.providers.rules import GroupClosed
from chalicelib.vouchers import actions, rules
from chalicelib.vouchers.routes.shapes import (
    FITS,
    OWN,
    PLACE,
    GroupAsked,
    VoucherShown,
    routes,
    voucher_shown,
)


class WaitAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """What is wished of a waiting list; what is not said stays as it was.

    standing: the child is moved there when it is its turn, without being asked again; false, as at
    first, asks by an offer for a day. rank: which of this voucher's wishes it is, 1 the dearest; a
    new one is the last.
    """

    standing: bool | None = None
    rank: Annotated[int, Meta(ge=1, le=100)] | None = None


class WaitAnswered(VoucherShown, frozen=True):
    """A voucher, and how the standing wish just said is carried out; null where none stands.

    carried_out: "in-runs", by every run before all who wait, and between runs; "as-freed", only
    between runs as a place becomes free: for another language or kind than the child has, for a
    voucher taken over from another platform, and where runs move no holders.
    """

    carried_out: rules.CarriedOut | None = None
    carried_out_text: str | None = None


class AnswerAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Whether the offered seat is wanted."""

    accept: bool


@routes.put(
    "/{voucher_id}/choice",
    action="vouchers/choose",
    asks=GroupAsked,
    answers=VoucherShown,
    refuses=(*OWN, rules.OneAtATime, rules.WrongState, rules.TermPassed, *PLACE),
)
def choose(call: Call[GroupAsked], voucher_id: str) -> VoucherShown:
    """Choose a group with a free place instead of the one held; its seat is reserved at once."""
    voucher = actions.choose(voucher_id, call.asked.group_id, by=call.actor, now=call.now)
    return voucher_shown(voucher, call)


@routes.put(
    "/{voucher_id}/waiting/{group_id}",
    action="vouchers/wait",
    asks=WaitAsked,
    may_be_bare=True,
    answers=WaitAnswered,
    refuses=(
        *OWN,
        rules.WrongState,
        rules.TermPassed,
        rules.AlreadyThere,
        *FITS,
        GroupClosed,
        rules.PlaceIsFree,
        rules.ListsFull,
    ),
)
def wait(call: Call[WaitAsked | None], voucher_id: str, group_id: str) -> WaitAnswered:
    """Stand on the waiting list of a full group, in the order in which vouchers were issued.

    The body may be left out. `standing` says that the child is to be moved there when it is its
    turn, without being asked again; sent once more it may be changed, and so may `rank`. A wish for
    another language or kind than the child has is in no run (`carried_out`).
    """
    asked = call.asked or WaitAsked()
    joined = actions.join(
        voucher_id,
        group_id,
        standing=asked.standing,
        rank=asked.rank,
        by=call.actor,
        now=call.now,
    )
    how = joined.carried_out
    return WaitAnswered(
        **structs.asdict(voucher_shown(joined.voucher, call)),
        carried_out=how,
        carried_out_text=text(f"wish:vouchers/{how}", call.language, {}) if how else None,
    )


@routes.delete(
    "/{voucher_id}/waiting/{group_id}",
    action="vouchers/stop-waiting",
    answers=VoucherShown,
    refuses=OWN,
)
def stop_waiting(call: Call[None], voucher_id: str, group_id: str) -> VoucherShown:
    """Leave a waiting list; an open offer is declined by it."""
    return voucher_shown(actions.leave(voucher_id, group_id, by=call.actor, now=call.now), call)


@routes.put(
    "/{voucher_id}/waiting/{group_id}/answer",
    action="vouchers/answer",
    asks=AnswerAsked,
    answers=VoucherShown,
    refuses=(
        *OWN,
        rules.NotOffered,
        rules.WrongState,
        rules.TransferPending,
        rules.OneTransferAMonth,
        *FITS,
        GroupClosed,
        rules.BadStart,
    ),
)
def answer(call: Call[AnswerAsked], voucher_id: str, group_id: str) -> VoucherShown:
    """Accept or decline an offered seat; an enrolled child moves from the day the rules say."""
    voucher = actions.answer(
        voucher_id, group_id, accept=call.asked.accept, by=call.actor, now=call.now
    )
    return voucher_shown(voucher, call)
