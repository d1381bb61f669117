"""Payouts unattended: claims after each statement, payday, answers that did not come."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chalicelib.adapters import work
from chalicelib.billing.actions import list_sites
from chalicelib.edge import log
from chalicelib.kernel.actors import system
from chalicelib.kernel.periods import Month, from_stamp
from chalicelib.payouts import actions

PAYOUTS = system("payouts")


def calculate(facts: Mapping[str, Any], now: datetime) -> None:
    """Draw up a site's claim. Work topics "billing/posted", "payouts/calculate"."""
    month = Month.parse(str(facts["month"]))
    actions.calculate(str(facts["site_id"]), month, by=PAYOUTS, now=now)


def run_claims(event: Any) -> int:
    """Ask for the claims of every site in the claiming days, in case a message was lost."""
    asked = [
        work.Message(actions.CALCULATE, {"site_id": site_id, "month": str(month)})
        for pack, month in actions.months_in_claiming(from_stamp(event.time))
        for site_id in list_sites(pack.programme, pack.area)
    ]
    return work.send(asked)


def run_payday(event: Any) -> int:
    """Tell providers on payday what is not paid and why; each once, however often this runs."""
    at = from_stamp(event.time)
    told = 0
    for pack, month in actions.months_at_payday(at):
        told += actions.tell_payday(pack.programme, pack.area, month, now=at)
    log.logger.info("payday", extra={"told": told})
    return told


# For the switchboard: deadlines of a slice above the queue, by topic.
DEADLINES = {"payouts/answer": actions.lapse_answer}
