"""Work in batches: each message for itself, so that one poison message stops no other.

What time may cure (Unavailable, Raced, a throttled store) is returned to be delivered again; a bug
too, until the queue gives up and keeps it as a dead letter. A refusal that time cannot cure is
parked at once: logged with its code and dropped from the queue into the dead letters. So is what
cannot be read as a message at all, whole and as it came. Dead letters that do not answer hold up
what was to be parked, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from chalicelib.access import actions as access
from chalicelib.adapters import work
from chalicelib.edge import clock, log
from chalicelib.kernel.refusals import Refusal, Unavailable
from chalicelib.storage.commit import trouble

Handler = Callable[[Mapping[str, Any], datetime], None]
UNREADABLE = "kezek/unreadable-message"


def messages(records: Iterable[Any], table: Mapping[str, Handler]) -> dict[str, Any]:
    """Handle SQS records by topic; return Lambda's partial batch response."""
    failed: list[dict[str, str]] = []
    for record in records:
        message_id = record.to_dict()["messageId"]
        if not _done(record.body, table):
            failed.append({"itemIdentifier": message_id})
    return {"batchItemFailures": failed}


def _done(body: str, table: Mapping[str, Handler]) -> bool:
    try:
        message = work.read(body)
    except (msgspec.MsgspecError, RecursionError):
        log.logger.error("parked", extra={"code": UNREADABLE})
        return _parked(work.Message("", {"body": body}), UNREADABLE)
    return _handled(message, table)


def _handled(message: work.Message, table: Mapping[str, Handler]) -> bool:
    handler = table.get(message.topic)
    if handler is None:
        log.logger.error("unknown topic", extra={"topic": message.topic})
        return False
    try:
        with access.running(message.topic):
            handler(message.facts, clock.now())
    except Unavailable as refusal:
        log.logger.warning("later", extra={"topic": message.topic, "code": refusal.code})
        return False
    except Refusal as refusal:
        log.logger.error(
            "parked", extra={"topic": message.topic, "code": refusal.code, "facts": message.facts}
        )
        return _parked(message, refusal.code)
    except Exception as error:
        if trouble(error) is None:
            log.bug(message.topic, error)
        return False
    return True


def _parked(message: work.Message, code: str) -> bool:
    try:
        work.park(message, code)
    except Unavailable as refusal:
        log.logger.warning("later", extra={"topic": message.topic, "code": refusal.code})
        return False
    return True
