"""Payouts unattended: claims after each statement, payday, answers that did not come, the watch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from chalicelib.adapters import work
from chalicelib.billing.actions import list_sites
from chalicelib.edge import log
from chalicelib.kernel.actors import system
from chalicelib.kernel.periods import Month, from_stamp, local_day, stamp
from chalicelib.payouts import actions
from chalicelib.storage import ran

PAYOUTS = system("payouts")


def calculate(facts: Mapping[str, Any], now: datetime) -> None:
    """Draw up a site's claim. Work topics "billing/posted", "payouts/calculate"."""
    site_id, month = str(facts["site_id"]), Month.parse(str(facts["month"]))
    actions.calculate(site_id, month, by=PAYOUTS, now=now)
    actions.refresh(site_id, month, now=now)


def look(facts: Mapping[str, Any], now: datetime) -> None:
    """Look where a site's month stands. Work topic "payouts/clock" {site_id, month}."""
    actions.refresh(str(facts["site_id"]), Month.parse(str(facts["month"])), now=now)


def run_claims(event: Any) -> int:
    """Ask for the claims of every site in the claiming days, in case a message was lost."""
    asked = [
        work.Message(actions.CALCULATE, {"site_id": site_id, "month": str(month)})
        for pack, month in actions.months_in_claiming(from_stamp(event.time))
        for site_id in list_sites(pack.programme, pack.area)
    ]
    sent = work.send(asked)
    ran.mark("run_claims", at=from_stamp(event.time), asked=sent)
    return sent


def run_payday(event: Any) -> int:
    """Tell providers on payday what is not paid and why; each once, however often this runs."""
    at = from_stamp(event.time)
    told = 0
    for pack, month in actions.months_at_payday(at):
        told += actions.tell_payday(pack.programme, pack.area, month, now=at)
    log.logger.info("payday", extra={"told": told})
    ran.mark("run_payday", at=at, asked=told)
    return told


def run_clock(event: Any) -> int:
    """Ask where every site's months stand: the one under way and those not long over."""
    at = from_stamp(event.time)
    sent = work.send(
        work.Message(actions.CLOCK, {"site_id": site_id, "month": str(month)})
        for pack, month in actions.months_watched(at)
        for site_id in list_sites(pack.programme, pack.area)
    )
    log.logger.info("clock asked", extra={"site_months": sent})
    ran.mark("run_clock", at=at, asked=sent)
    return sent


def run_watch(event: Any, again: Mapping[str, Callable[[Any], Any]]) -> int:
    """Look whether the day's runs started and the calendar's steps are complete; return what lacks.

    What lacks wakes somebody, is told to the operator's desk and is asked for again. again: what
    makes a run up, by its name in app.py; it gets an event of the day that lacks it. That the watch
    itself ran is counted too: where the count stays away, an alarm is raised.
    """
    at = from_stamp(event.time)
    missing, unfinished = actions.missing_runs(at), actions.incomplete(at)
    for run in missing:
        log.loud("run missing", metric="CalendarRunMissing", job=run.job, on=run.on.isoformat())
    for one in unfinished:
        log.loud(
            "step incomplete",
            metric="CalendarStepIncomplete",
            programme=one.programme,
            area=one.area,
            month=str(one.month),
            step=one.step,
            sites=str(len(one.site_ids)),
        )
    actions.tell_operators(missing, unfinished, now=at)
    actions.tell_desks(at, now=at)
    for run in missing:
        again[run.job](_Occurrence(stamp(_on_day(run.on, at))))
    work.send(
        work.Message(topic, facts)
        for one in unfinished
        for topic, facts in (*one.again(local_day(at)), *one.looks())
    )
    if missing and missing[-1].job != actions.RUNS[-1]:
        again[actions.RUNS[-1]](event)  # what was made up is looked at once more
    ran.mark(actions.WATCH, at=at, asked=len(missing) + len(unfinished))
    log.beat("CalendarWatched")
    return len(missing) + len(unfinished)


@dataclass(frozen=True, slots=True)
class _Occurrence:
    """An event of a schedule that is made up for."""

    time: str


def _on_day(on: date, at: datetime) -> datetime:
    """Return the same hour of another day."""
    return at - timedelta(days=(local_day(at) - on).days)


# For the switchboard: deadlines of a slice above the queue, by topic.
DEADLINES = {
    "payouts/answer": actions.lapse_answer,
    actions.CASE_DUE: actions.remind_case,
    actions.DEBT_DUE: actions.lapse_debt,
}
