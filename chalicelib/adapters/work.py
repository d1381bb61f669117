"""The work queue: one message per piece of work, delivered at least once."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable
from typing import Any

import msgspec

from chalicelib.kernel.refusals import Unavailable
from chalicelib.storage.rows import stage

_IN_A_CALL = 10


class QueueSilent(Unavailable):
    """The queue did not take the messages; nothing is lost, the sender tries again."""

    code = "kezek/queue-silent"


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=False):
    """A topic ("billing/bill") and the ids the work needs; never personal data."""

    topic: str
    facts: dict[str, Any]


def queue_name() -> str:
    """Return the name of this stage's work queue."""
    return f"kezek-{stage()}-work"


def send(messages: Iterable[Message]) -> int:
    """Hand messages to the queue; return how many. Raises QueueSilent."""
    from botocore.exceptions import BotoCoreError, ClientError

    waiting = [msgspec.json.encode(m).decode() for m in messages]
    for start in range(0, len(waiting), _IN_A_CALL):
        part = waiting[start : start + _IN_A_CALL]
        entries = [{"Id": str(n), "MessageBody": text} for n, text in enumerate(part)]
        try:
            answer = _client().send_message_batch(QueueUrl=_url(stage()), Entries=entries)
        except (BotoCoreError, ClientError) as error:
            raise QueueSilent() from error
        if answer.get("Failed"):
            raise QueueSilent()
    return len(waiting)


def park(message: Message, code: str) -> None:
    """Put a message that time cannot cure among the dead letters, with the reason."""
    from botocore.exceptions import BotoCoreError, ClientError

    text = msgspec.json.encode({"topic": message.topic, "facts": message.facts, "code": code})
    try:
        address = _client().get_queue_url(QueueName=f"{queue_name()}-dead")["QueueUrl"]
        _client().send_message(QueueUrl=address, MessageBody=text.decode())
    except (BotoCoreError, ClientError) as error:
        raise QueueSilent() from error


def read(body: str) -> Message:
    """Return the message a queue record carries."""
    return msgspec.json.decode(body, type=Message)


@functools.lru_cache(maxsize=1)
def _client() -> Any:
    import boto3
    from botocore.config import Config

    limits = Config(connect_timeout=1, read_timeout=3, retries={"total_max_attempts": 2})
    region = os.environ.get("AWS_REGION", os.environ.get("AWS_DEFAULT_REGION", "eu-central-1"))
    return boto3.client("sqs", region_name=region, config=limits)


@functools.lru_cache(maxsize=4)
def _url(of_stage: str) -> str:
    named = os.environ.get("KEZEK_WORK_QUEUE_URL")
    if named:
        return named
    return str(_client().get_queue_url(QueueName=f"kezek-{of_stage}-work")["QueueUrl"])


def forget_client() -> None:
    """Drop the cached client and addresses; for tests."""
    _client.cache_clear()
    _url.cache_clear()
