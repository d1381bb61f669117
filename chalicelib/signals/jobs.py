"""Signals unattended: out of the journal's stream, and from the close to the end of the check."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chalicelib.adapters import work
from chalicelib.edge import log
from chalicelib.kernel.actors import system
from chalicelib.kernel.periods import Month, from_stamp
from chalicelib.kernel.refusals import Refusal
from chalicelib.signals import actions

SIGNALS = system("signals")


def take_in(event: Any) -> dict[str, Any]:
    """Have uploads that look odd judged; nothing is read here, and none hinders another.

    Where the queue is silent the batch goes back from its first upload on, as streams demand.
    """
    uploads, first = [], None
    for record in event["Records"]:
        if record.get("eventName") != "INSERT":
            continue
        try:
            upload = actions.read_upload(record["dynamodb"]["NewImage"])
        except Exception as error:  # a look, not a duty: the record itself was taken in already
            log.bug("signals", error)
            continue
        if upload is not None:
            uploads.append(upload)
            first = first or record["dynamodb"]["SequenceNumber"]
    try:
        odd = actions.odd_uploads(uploads)
        if odd:
            work.send(work.Message(actions.ARRIVED, facts) for facts in odd)
    except Refusal as refusal:
        log.logger.warning("signals, later", extra={"code": refusal.code})
        return {"batchItemFailures": [{"itemIdentifier": first}]}
    return {"batchItemFailures": []}


def arrived(facts: Mapping[str, Any], now: datetime) -> None:
    """Judge a tablet's records. Work topic "signals/arrived" {device_id, first, last}."""
    changed = actions.judge_uploads(
        str(facts["device_id"]), int(facts["first"]), int(facts["last"]), by=SIGNALS, now=now
    )
    _log(changed)


def run_signals(event: Any) -> int:
    """Ask for every provider-month that is looked at on the event's day; return how many.

    The day comes from the event, so a late or repeated delivery asks for the same months.
    """
    sent = work.send(
        work.Message(actions.MONTH, {"site_id": site_id, "month": str(month)})
        for pack, month in actions.months_to_look_at(from_stamp(event.time))
        for site_id in actions.list_sites(pack.programme, pack.area)
    )
    log.logger.info("signals asked", extra={"provider_months": sent})
    return sent


def month(facts: Mapping[str, Any], now: datetime) -> None:
    """Judge a provider's month. Work topic "signals/month" {site_id, month}."""
    of = Month.parse(str(facts["month"]))
    _log(actions.judge_month(str(facts["site_id"]), of, by=SIGNALS, now=now))


def hold(facts: Mapping[str, Any], now: datetime) -> None:
    """Hold the lines of a confirmed signal. Work topic "signals/hold" {signal_id}."""
    lines = actions.hold(str(facts["signal_id"]), by=SIGNALS, now=now)
    log.logger.info("signal holds", extra={"signal_id": facts["signal_id"], "lines": lines})


def _log(changed: list[Any]) -> None:
    for signal in changed:
        log.logger.info("signal", extra={"signal_id": signal.signal_id, "kind": signal.kind})
