"""The ledger unattended: each night it is held against itself."""

from __future__ import annotations

from typing import Any

from chalicelib.budgets import actions
from chalicelib.edge import log
from chalicelib.kernel.actors import system
from chalicelib.kernel.periods import from_stamp
from chalicelib.storage import ran

LEDGER = system("ledger")


def run_ledger(event: Any) -> int:
    """Check the whole ledger and keep what was found; return how many flaws there are.

    The night is the event's day: delivered twice, it is looked at once. A flaw is an alarm.
    """
    at = from_stamp(event.time)
    found = actions.check_night(by=LEDGER, now=at)
    for flaw in found.flaws:
        log.loud("the ledger is flawed", metric="LedgerFlawed", what=flaw.what, where=flaw.where)
    log.logger.info(
        "ledger checked",
        extra={"postings": found.postings, "lines": found.lines, "flaws": found.flawed},
    )
    ran.mark("run_ledger", at=at, asked=found.postings)
    return found.flawed
