"""Attendance unattended: a daily schedule makes the list, the queue does the work per site."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from chalicelib.adapters import work
from chalicelib.attendance import actions
from chalicelib.edge import log
from chalicelib.kernel.actors import system
from chalicelib.kernel.periods import Month, from_stamp, local_day
from chalicelib.storage import ran

DAILY = "attendance/daily"
ATTENDANCE = system("attendance")


def remind_and_close(event: Any) -> int:
    """Ask for the day's work at every site; return how many. Schedule: daily, 12:00 in Almaty.

    The day comes from the event, so a late or repeated delivery asks for the same.
    """
    on = local_day(from_stamp(event.time))
    sent = work.send(
        work.Message(DAILY, {"site_id": site_id, "on": on.isoformat()})
        for site_id in actions.list_open_sites(on)
    )
    log.logger.info("attendance asked", extra={"sites": sent})
    ran.mark("run_attendance", at=from_stamp(event.time), asked=sent)
    return sent


def daily(facts: Mapping[str, Any], now: datetime) -> None:
    """Close, remind, tell absences at one site. Work topic "attendance/daily" {site_id, on}."""
    on = date.fromisoformat(str(facts["on"]))
    told = actions.day_at_site(str(facts["site_id"]), on, by=ATTENDANCE, now=now)
    log.logger.info("attendance day", extra={"site_id": facts["site_id"], "notices": told})


def remind(facts: Mapping[str, Any], now: datetime) -> None:
    """Tell families that a month was closed. Work topic "attendance/remind" {site_id, month}."""
    actions.remind(str(facts["site_id"]), Month.parse(str(facts["month"])), now=now)


WORK = {DAILY: daily, actions.REMIND: remind}
# For the switchboard: deadlines of a slice above the queue, by topic.
DEADLINES = {"vouchers/first-visit": actions.first_visit}
