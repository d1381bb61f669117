"""Applications judged anew by themselves: when the academic year turns, when data were corrected.

On 1 July places are given for the new year: every child is a year older, cohorts move up and the
oldest are past the programme. The schedule makes the list, the work queue does one at a time; an
application that was judged already costs one read.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chalicelib.adapters import work
from chalicelib.applications import actions
from chalicelib.edge import log
from chalicelib.kernel.actors import system
from chalicelib.kernel.periods import from_stamp
from chalicelib.policy.actions import list_packs

REFRESH = "applications/refresh"


def run_turnover(event: Any) -> int:
    """Ask for every application of an earlier academic year to be judged anew; return how many."""
    now = from_stamp(event.time)
    sent = work.send(
        [
            work.Message(REFRESH, {"application_id": application_id})
            for pack in list_packs()
            for application_id in actions.list_outdated(pack.programme, pack.area, now=now)
        ]
    )
    log.logger.info("applications to judge anew", extra={"applications": sent})
    return sent


def refresh(facts: Mapping[str, Any], now: datetime) -> None:
    """Handle "applications/refresh" {application_id}: the child's data or age changed."""
    actions.refresh(facts["application_id"], by=system(REFRESH), now=now)


def voucher_cancelled(facts: Mapping[str, Any], now: datetime) -> None:
    """Handle "applications/voucher-cancelled" {application_id, voucher_id}: annul with it."""
    actions.voucher_cancelled(
        facts["application_id"],
        facts["voucher_id"],
        by=system("applications/voucher-cancelled"),
        now=now,
    )
