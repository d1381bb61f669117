"""From a child's line to its signed records and its money, and from a signed record back."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.access import actions as access
from chalicelib.attendance import actions as attendance
from chalicelib.attendance.actions import RecordKept
from chalicelib.billing import actions as billing
from chalicelib.billing.actions import ChildTraced
from chalicelib.budgets.store import ledger as books
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import Month
from chalicelib.kernel.refusals import Unknown
from chalicelib.payouts import store as payouts
from chalicelib.providers import store as providers
from chalicelib.traces import rules
from chalicelib.traces.rules import ClaimTraced, MoneyTraced


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """A child's month at a site, from its records to its money."""

    child: ChildTraced
    money: tuple[MoneyTraced, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordTraced:
    """A signed record, and the child's month that it speaks of; None where nothing is stated yet.

    line: the timesheet's line that rests on it; None for a record that was refused.
    """

    record: RecordKept
    site_id: str
    month: str
    line: str | None
    traced: Traced | None


def trace_child(site_id: str, month: Month, child_id: str, *, by: Actor) -> Traced:
    """Return a child's month at a site both ways. Raises Unknown."""
    _demand(site_id, by)
    return _traced(site_id, month, child_id)


def trace_record(device_id: str, counter: int, *, by: Actor) -> RecordTraced:
    """Return what became of a signed record, down to the payment. Raises Unknown.

    A record whose time is over is known by its hash alone, and says nothing of a child.
    """
    record = attendance.find_record(device_id, counter)
    if record is None:
        raise Unknown()
    _demand(record.site_id, by)
    month = Month.of(record.on)
    try:
        traced = _traced(record.site_id, month, record.child_id) if record.child_id else None
    except Unknown:
        traced = None
    line = None
    if traced is not None:
        line = next(
            (
                day.line
                for day in traced.child.days
                if any((w.device_id, w.counter) == (device_id, counter) for w in day.records)
            ),
            None,
        )
    return RecordTraced(
        record=record, site_id=record.site_id, month=str(month), line=line, traced=traced
    )


def _traced(site_id: str, month: Month, child_id: str) -> Traced:
    child = billing.trace_child(site_id, month, child_id)
    known = payouts.find_site_claims(site_id, month)
    claims = [k.value for k in payouts.find_claims(known.value.claims)] if known else []
    ids = [claim.end_to_end_id for claim in claims if claim.end_to_end_id is not None]
    payments = {payment.end_to_end_id: payment for payment in payouts.find_payments(ids)}
    postings = books.find_postings([line.statement.posting for line in child.lines])
    money = [
        MoneyTraced(
            statement=line.statement.number,
            posting=postings.get(line.statement.posting),
            claims=tuple(
                ClaimTraced(claim, payments.get(claim.end_to_end_id or ""))
                for claim in rules.claims_over(claims, line.statement.number)
            ),
        )
        for line in child.lines
    ]
    return Traced(child=child, money=tuple(money))


def _demand(site_id: str, by: Actor) -> None:
    site = providers.load_site(site_id).value
    access.demand(by, organisation=site.organisation_id, area=site.area, direction=site.direction)
