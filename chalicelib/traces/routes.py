"""Traces over HTTP: a child's line down to its records and its money, and a record back."""

from __future__ import annotations

import re
from datetime import date

import msgspec

from chalicelib.access import actions as access
from chalicelib.billing.actions import DayTraced, LineTraced
from chalicelib.billing.rules.statements import Because
from chalicelib.edge.body import BadField
from chalicelib.edge.routes import Call, Routes
from chalicelib.kernel.periods import BadMonth, Month
from chalicelib.kernel.refusals import Unknown
from chalicelib.policy.rules import NoRuleInForce
from chalicelib.traces import actions
from chalicelib.traces.actions import RecordTraced, Traced
from chalicelib.traces.rules import ClaimTraced, MoneyTraced

routes = Routes(__name__, "traces")

_COUNTER = re.compile(r"[1-9][0-9]{0,7}")


class RecordShown(msgspec.Struct, frozen=True):
    """A signed record that a day rests on. upload: its tablet, last counter and digest."""

    device_id: str
    counter: int
    hash: str
    received_at: str
    upload: str


class DayShown(msgspec.Struct, frozen=True):
    """A line of the timesheet in the newest statement. reason: why it earned nothing."""

    line: str
    on: date
    code: str
    flags: tuple[str, ...]
    tiyn: int
    reason: str
    records: tuple[RecordShown, ...]


class StepShown(msgspec.Struct, frozen=True):
    """A ledger line of a statement's posting, signed."""

    account: str
    amount_tiyn: int


class PartShown(msgspec.Struct, frozen=True):
    """A part of a claim that a payment in part split off, and the payment it is in now."""

    claim_id: str
    claim_state: str
    amount_tiyn: int
    payment_id: str | None
    payment_run: str | None
    payment_state: str | None


class StatedShown(msgspec.Struct, frozen=True):
    """What one statement says of the child, and where that money went; null: not so far.

    parts: of the claim, those that payments in part split off.
    """

    statement: int
    at: str
    pack: str
    cause: str
    before_tiyn: int
    accrual_tiyn: int
    movement_tiyn: int
    because: tuple[Because, ...]
    posting: str
    movements: tuple[StepShown, ...]
    claim_id: str | None
    claim_state: str | None
    payment_id: str | None
    payment_run: str | None
    payment_state: str | None
    parts: tuple[PartShown, ...]


class ChildShown(msgspec.Struct, frozen=True):
    """A child's month at a site. exact: the days sum to the newest line, by their evidence."""

    site_id: str
    month: str
    child_id: str
    exact: bool
    days: tuple[DayShown, ...]
    statements: tuple[StatedShown, ...]


class SignedShown(msgspec.Struct, frozen=True):
    """A signed record: of which line it is, what that line earned, and where the money went.

    refused: why it makes no mark. line, day, child: null where nothing rests on it.
    """

    device_id: str
    counter: int
    site_id: str
    month: str
    on: date
    kind: str
    happened_at: str
    received_at: str
    hash: str
    upload: str
    refused: str | None
    flags: tuple[str, ...]
    line: str | None
    day: DayShown | None
    child_id: str | None
    statements: tuple[StatedShown, ...]


@routes.get(
    "/sites/{site_id}/months/{month}/children/{child_id}",
    action="traces/trace-child",
    answers=ChildShown,
    refuses=(Unknown, BadMonth, NoRuleInForce),
)
def get_child(call: Call[None], site_id: str, month: str, child_id: str) -> ChildShown:
    """Trace a child's line: its days, their signed records, its statements, postings and payments.

    The days are those of the newest statement, priced again by what was known at its instant; they
    sum to its line.
    """
    traced = actions.trace_child(site_id, Month.parse(month), child_id, by=call.actor)
    access.looked([traced.child.child_id], ("attendance", "financing"))
    head = traced.child.head
    return ChildShown(
        head.site_id,
        head.month,
        traced.child.child_id,
        traced.child.exact,
        tuple(_day(day) for day in traced.child.days),
        _stated(traced),
    )


@routes.get(
    "/records/{device_id}/{counter}",
    action="traces/trace-record",
    answers=SignedShown,
    refuses=(Unknown, BadField, NoRuleInForce),
)
def get_record(call: Call[None], device_id: str, counter: str) -> SignedShown:
    """Trace a tablet's signed record forward: its line, the statements, the claim, the payment."""
    if _COUNTER.fullmatch(counter) is None:
        raise BadField(field="counter", problem="Expected a whole number from 1")
    found = actions.trace_record(device_id, int(counter), by=call.actor)
    if found.record.child_id:
        access.looked([found.record.child_id], ("attendance", "financing"))
    return _signed(found)


def _signed(found: RecordTraced) -> SignedShown:
    record, traced = found.record, found.traced
    days = traced.child.days if traced is not None else ()
    day = next((one for one in days if one.line == found.line), None)
    return SignedShown(
        record.device_id,
        record.counter,
        found.site_id,
        found.month,
        record.on,
        record.kind,
        record.happened_at,
        record.received_at,
        record.hash,
        f"{record.device_id}/{record.upload}/{record.digest}",
        record.refused,
        record.flags,
        found.line,
        _day(day) if day is not None else None,
        record.child_id or None,
        _stated(traced) if traced is not None and found.line is not None else (),
    )


def _day(day: DayTraced) -> DayShown:
    return DayShown(
        day.line,
        day.on,
        day.code,
        day.flags,
        day.tiyn,
        day.reason,
        tuple(RecordShown(w.device_id, w.counter, w.hash, w.at, w.ref) for w in day.records),
    )


def _stated(traced: Traced) -> tuple[StatedShown, ...]:
    return tuple(
        _step(line, money) for line, money in zip(traced.child.lines, traced.money, strict=True)
    )


def _step(line: LineTraced, money: MoneyTraced) -> StatedShown:
    posting = money.posting
    first, parts = money.claims[:1], money.claims[1:]
    claim, payment = (first[0].claim, first[0].payment) if first else (None, None)
    return StatedShown(
        line.statement.number,
        line.statement.at,
        line.stated.line.pack,
        line.stated.cause,
        line.stated.before_tiyn,
        line.stated.line.accrual_tiyn,
        line.stated.movement_tiyn,
        line.stated.because,
        line.statement.posting,
        tuple(StepShown(m.account, m.amount_tiyn) for m in (posting.movements if posting else ())),
        claim.claim_id if claim else None,
        claim.state if claim else None,
        payment.end_to_end_id if payment else None,
        payment.run_id if payment else None,
        payment.state if payment else None,
        tuple(_part(one) for one in parts),
    )


def _part(one: ClaimTraced) -> PartShown:
    claim, payment = one.claim, one.payment
    return PartShown(
        claim.claim_id,
        claim.state,
        claim.amount_tiyn,
        payment.end_to_end_id if payment else None,
        payment.run_id if payment else None,
        payment.state if payment else None,
    )
