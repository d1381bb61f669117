"""Billing unattended: a schedule makes the list, a queue does the work, a provider at a time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from chalicelib.adapters import work
from chalicelib.billing import actions
from chalicelib.edge import log
from chalicelib.kernel.actors import system
from chalicelib.kernel.periods import Month, from_stamp, local_day
from chalicelib.policy.actions import list_packs, load_pack
from chalicelib.storage import ran

BILLING = system("billing")
# The schedule's last event of a night, UTC.
LAST_LOOK = (23, 30)


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


def run_self_audit(event: Any) -> int:
    """Ask for what the night still lacks; publish what is whole. Return how many were asked for.

    It runs every half hour through two hours of the night: the first time it hands out
    everything, then what was lost, and whenever an area is done its number is published. The night
    is the event's day, so a late delivery goes on with the same one. What is not whole at the last
    event is an alarm; so is a difference that no later billing ends by itself.
    """
    at = from_stamp(event.time)
    on = local_day(at)
    asked: list[work.Message] = []
    for pack in list_packs():
        where = {"programme": pack.programme, "area": pack.area}
        night = actions.begin_night(pack.programme, pack.area, on, by=BILLING, now=at)
        if night.published_at is not None:
            continue
        missing = actions.missing_parts(night)
        asked += [
            work.Message(actions.AUDIT, {**where, "on": on.isoformat(), "part": part})
            for part in missing
        ]
        if not missing:
            _publish(pack.programme, pack.area, on, at)
        elif is_last(at):
            log.loud("self-audit not whole", metric="SelfAuditIncomplete", **where)
    sent = work.send(asked)
    log.logger.info("self-audit asked", extra={"parts": sent})
    ran.mark("run_self_audit", at=at, asked=sent)
    return sent


def is_last(at: datetime) -> bool:
    """Return whether no later event of the same night follows."""
    return (at.hour, at.minute) >= LAST_LOOK


def _publish(programme: str, area: str, on: date, at: datetime) -> None:
    night = actions.publish_night(programme, area, on, by=BILLING, now=at)
    if night is None:
        return
    where = {"programme": programme, "area": area}
    if night.stuck:
        log.loud("self-audit found a difference", metric="SelfAuditDiffers", **where)
    log.logger.info("self-audit published", extra={**where, "cases": night.cases})
    # What the months saved is reckoned when the night has looked at their statements.
    pack = load_pack(programme, area)
    months = actions.months_to_save(pack, at)
    work.send(work.Message(actions.SAVE, {**where, "month": str(month)}) for month in months)


def audit(facts: Mapping[str, Any], now: datetime) -> None:
    """Do one part of a night. Work topic "billing/audit" {programme, area, on, part}."""
    on = date.fromisoformat(str(facts["on"]))
    programme, area = str(facts["programme"]), str(facts["area"])
    actions.audit_part(programme, area, on, int(facts["part"]), by=BILLING, now=now)


def save(facts: Mapping[str, Any], now: datetime) -> None:
    """Reckon a month's savings. Work topic "billing/savings" {programme, area, month}."""
    month = Month.parse(str(facts["month"]))
    programme, area = str(facts["programme"]), str(facts["area"])
    actions.reckon_savings(programme, area, month, by=BILLING, now=now)


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
