"""Billing unattended: a schedule makes the list, a queue does the work, a provider at a time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chalicelib.adapters import work
from chalicelib.billing import actions
from chalicelib.edge import log
from chalicelib.kernel.actors import system
from chalicelib.kernel.periods import Month, from_stamp
from chalicelib.storage import ran

BILLING = system("billing")


def run_billing(event: Any) -> int:
    """Ask for every provider-month that the calendar bills on the event's day; return how many.

    The day comes from the event, so a late or repeated delivery asks for the same months. Months
    whose term has passed return to their budgets what vouchers held and nobody used.
    """
    at = from_stamp(event.time)
    asked = [
        message
        for pack, month in actions.months_to_bill(at)
        for message in messages(actions.list_sites(pack.programme, pack.area), month)
    ]
    sent = work.send(asked)
    log.logger.info("billing asked", extra={"provider_months": sent})
    for one in actions.settle_months(at, by=BILLING):
        log.logger.info("month settled", extra=one)
    ran.mark("run_billing", at=at, asked=sent)
    return sent


def messages(site_ids: list[str], month: Month) -> list[work.Message]:
    """Return the work of billing a month, one message per provider."""
    return [
        work.Message(actions.BILL, {"site_id": site_id, "month": str(month)})
        for site_id in site_ids
    ]


def bill(facts: Mapping[str, Any], now: datetime) -> None:
    """Bill one provider-month. Work topic "billing/bill" {site_id, month}."""
    month = Month.parse(str(facts["month"]))
    billed = actions.bill(str(facts["site_id"]), month, by=BILLING, now=now)
    if billed.statement is not None:
        log.logger.info(
            "statement posted",
            extra={
                "site_id": billed.statement.site_id,
                "month": billed.statement.month,
                "number": billed.statement.number,
            },
        )
    if billed.held is not None:
        log.logger.warning("billing held", extra={"code": billed.held, **dict(facts)})
