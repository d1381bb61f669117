"""Work in batches: each message for itself, so that one poison message stops no other.

What time may cure (Unavailable, Raced, a throttled store) is returned to be delivered again; a bug
too, until the queue gives up and keeps it as a dead letter. A refusal that time cannot cure is
parked at once: logged with its code and dropped from the queue into the dead letters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from chalicelib.access import actions as access
from chalicelib.adapters import work
from chalicelib.edge import clock, log
from chalicelib.kernel.refusals import Refusal, Unavailable
from chalicelib.storage.commit import trouble

Handler = Callable[[Mapping[str, Any], datetime], None]


def messages(records: Iterable[Any], table: Mapping[str, Handler]) -> dict[str, Any]:
    """Handle SQS records by topic; return Lambda's partial batch response."""
    failed: list[dict[str, str]] = []
    for record in records:
        message_id = record.to_dict()["messageId"]
        message = work.read(record.body)
        if not _handled(message, table):
            failed.append({"itemIdentifier": message_id})
    return {"batchItemFailures": failed}


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
        work.park(message, refusal.code)
    except Exception as error:
        if trouble(error) is None:
            log.bug(message.topic, error)
        return False
    return True
