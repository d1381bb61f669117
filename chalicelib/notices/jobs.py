"""The outbox stream: notices go to people, work goes to the queue."""

from __future__ import annotations

from typing import Any

import msgspec

from chalicelib.adapters import messages, work
from chalicelib.edge import clock, log
from chalicelib.edge.texts import text
from chalicelib.kernel.refusals import Refusal
from chalicelib.notices import actions
from chalicelib.notices.rules import Channel
from chalicelib.storage.commit import trouble
from chalicelib.storage.outbox import Notice, Work


def carry_out(event: Any) -> dict[str, Any]:
    """Handle a batch of new outbox rows; return those to be delivered again.

    A record that fails goes back alone with those after it, as streams demand; a notice whose
    addressee is gone (erased) is logged and passed over, because time will not bring them back.
    """
    for record in event["Records"]:
        if record.get("eventName") != "INSERT":
            continue
        image = record["dynamodb"]["NewImage"]
        try:
            _carry(image["pk"]["S"], image["body"]["S"])
        except Exception as error:
            sequence = record["dynamodb"]["SequenceNumber"]
            if isinstance(error, Refusal):
                log.logger.warning("outbox", extra={"code": error.code})
            elif trouble(error) is None:
                log.bug("outbox", error)
            return {"batchItemFailures": [{"itemIdentifier": sequence}]}
    return {"batchItemFailures": []}


def _carry(pk: str, body: str) -> None:
    if pk.startswith("WORK#"):
        item = msgspec.json.decode(body, type=Work)
        work.send([work.Message(item.topic, item.facts)])
        return
    notice = msgspec.json.decode(body, type=Notice)
    actions.deliver(notice.to, notice.key, now=clock.now(), send=_send)


def _send(notice: Notice, channel: Channel, address: str, language: str) -> None:
    messages.send(
        notice.key + "#" + notice.to,
        channel=channel,
        address=address,
        language=language,
        text=text(notice.template, language, notice.facts),
        at=clock.now(),
    )
