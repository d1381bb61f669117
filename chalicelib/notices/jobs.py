"""The outbox stream: notices go to people, work goes to the queue."""

from __future__ import annotations

from typing import Any

import msgspec

from chalicelib.adapters import messages, work
from chalicelib.edge import clock, log
from chalicelib.edge.texts import text
from chalicelib.kernel.refusals import Refusal, Unknown
from chalicelib.notices import actions
from chalicelib.notices.rules import Channel
from chalicelib.storage.commit import trouble
from chalicelib.storage.outbox import Notice, Work


class _Named(msgspec.Struct):
    """Of a notice what a stream's record is read for: whose it is and which."""

    to: str
    key: str


def carry_out(event: Any) -> dict[str, Any]:
    """Handle a batch of new outbox rows; return those to be delivered again.

    The batch is carried out together; where that fails, row by row, to find the culprit. A record
    that fails goes back with those after it, as streams demand; a notice whose
    addressee is gone (erased) is logged and passed over: time will not bring them back.
    """
    new = [r for r in event["Records"] if r.get("eventName") == "INSERT"]
    if _together(new):
        return {"batchItemFailures": []}
    for record in new:
        image = record["dynamodb"]["NewImage"]
        try:
            _carry(image["pk"]["S"], image["body"]["S"])
        except Unknown as gone:
            log.logger.warning("outbox, nobody there", extra={"code": gone.code})
        except Exception as error:
            sequence = record["dynamodb"]["SequenceNumber"]
            if isinstance(error, Refusal):
                log.logger.warning("outbox", extra={"code": error.code})
            elif trouble(error) is None:
                log.bug("outbox", error)
            return {"batchItemFailures": [{"itemIdentifier": sequence}]}
    return {"batchItemFailures": []}


def _together(records: list[Any]) -> bool:
    """Carry out a batch with the fewest calls; False where a row needs a look of its own."""
    if len(records) < 2:
        return False
    waiting: list[work.Message] = []
    named: list[tuple[str, str]] = []
    try:
        for record in records:
            image = record["dynamodb"]["NewImage"]
            body = image["body"]["S"]
            if image["pk"]["S"].startswith("WORK#"):
                item = msgspec.json.decode(body, type=Work)
                waiting.append(work.Message(item.topic, item.facts))
            else:
                notice = msgspec.json.decode(body, type=_Named)
                named.append((notice.to, notice.key))
        actions.deliver_many(named, now=clock.now(), send=_send)
        work.send(waiting)
    except Exception as error:
        code = error.code if isinstance(error, Refusal) else type(error).__name__
        log.logger.warning("outbox, row by row", extra={"code": code})
        return False
    return True


def _carry(pk: str, body: str) -> None:
    if pk.startswith("WORK#"):
        item = msgspec.json.decode(body, type=Work)
        work.send([work.Message(item.topic, item.facts)])
        return
    notice = msgspec.json.decode(body, type=_Named)
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
