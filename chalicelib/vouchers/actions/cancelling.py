"""A department cancels a voucher for fraud; a second officer asks the same.

The voucher ends at once, its enrolment with yesterday: the seat is free and offered on, the money
of months to come goes back. Its application is annulled with it, by the slice that owns it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from chalicelib.access import actions as access
from chalicelib.children import store as people
from chalicelib.children.rules import swap
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor
from chalicelib.providers import store as providers
from chalicelib.storage import outbox
from chalicelib.storage.commit import Put, Write, settles
from chalicelib.storage.secrets import fingerprint
from chalicelib.vouchers import rules, store
from chalicelib.vouchers.actions import change
from chalicelib.vouchers.actions.parts import releasing
from chalicelib.vouchers.rules import FraudReason, Voucher

APPLICATION_TOPIC = "applications/voucher-cancelled"


@settles
def cancel(
    voucher_id: str, reason_code: FraudReason, act: str, *, by: Actor, now: datetime
) -> Voucher:
    """Cancel a live voucher for fraud; the same again gets the same answer.

    act: the decision's number and day. By the department that serves the area, and the direction of
    the club. Raises Unknown, AnotherContent, WrongState.
    """
    kept = store.load_voucher(voucher_id)
    voucher = kept.value
    direction = voucher.direction
    if voucher.site_id is not None:
        direction = providers.load_site(voucher.site_id).value.direction
    access.demand(by, area=voucher.area, direction=direction)
    access.concerns(voucher.child_id)
    asked = fingerprint([reason_code, act])
    if rules.cancelled_already(voucher, asked):
        return voucher

    ended, described, gone = releasing(kept, "fraud", now=now)

    _, rest = change.puts(described)
    after = replace(ended, cancelled=asked)
    holdings = people.load_holdings(voucher.child_id)
    held = holdings.value
    for gone_id in gone:
        held = swap(held, gone_id)
    journal.commit(
        journal.entry(
            "vouchers/cancelled",
            f"voucher/{voucher_id}",
            by=by,
            now=now,
            pack=change.pack_of(voucher).version,
            reason=reason_code,
            act=act,
            ended=list(gone),
        ),
        store.keep_voucher(kept, after),
        *rest,
        people.keep_holdings(holdings, held),
        *_application(voucher, now=now),
        *change.tell(
            after,
            "cancelled",
            kept.version + 1,
            now=now,
            act=act,
            why=rules.FRAUD_CALLED[reason_code],
        ),
    )
    return after


def _application(voucher: Voucher, *, now: datetime) -> list[Write]:
    """Describe the work of annulling the application that the voucher answered."""
    if not voucher.application_id:
        return []
    work: Put = outbox.work(
        f"voucher-cancelled#{voucher.voucher_id}",
        APPLICATION_TOPIC,
        now=now,
        application_id=voucher.application_id,
        voucher_id=voucher.voucher_id,
    )
    return [work]
