"""A small SQS: what boto3 sends (JSON protocol), answered from the durable message store.

Queues need no creating; a name outside this stage's `kezek-` family does not exist. Served on
loopback by the trigger process; errors carry SQS's codes.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from infra.local.messages import VISIBILITY_S, Messages, Stored, digest

CONTENT_TYPE = "application/x-amz-json-1.0"
_MOST_BYTES = 1_048_576
_MOST_BATCH = 10


class SqsError(Exception):
    """An answer of SQS that is not a yes: its code, and the older code boto3 maps by."""

    def __init__(self, code: str, message: str, older: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.older = older or code


def handle(
    messages: Messages, target: str, body: bytes, base: str
) -> tuple[int, dict[str, str], bytes]:
    """Answer one request: X-Amz-Target, body, own base URL → status, headers, body."""
    try:
        operation = _OPERATIONS.get(target.removeprefix("AmazonSQS."))
        if operation is None:
            raise SqsError("InvalidAction", f"{target} is not served locally")
        asked = json.loads(body or b"{}")
        if not isinstance(asked, dict):
            raise SqsError("InvalidParameterValue", "a JSON object is expected")
        answer = operation(messages, asked, base)
    except SqsError as error:
        said = {"__type": f"com.amazonaws.sqs#{error.code}", "message": str(error)}
        return 400, {"x-amzn-query-error": f"{error.older};Sender"}, json.dumps(said).encode()
    except (ValueError, KeyError, TypeError) as error:
        said = {"__type": "com.amazonaws.sqs#InvalidParameterValue", "message": repr(error)}
        return 400, {}, json.dumps(said).encode()
    return 200, {}, json.dumps(answer).encode()


def _queue(asked: dict[str, Any]) -> str:
    return _existing(str(asked["QueueUrl"]).rstrip("/").rsplit("/", 1)[-1])


def _existing(name: str) -> str:
    if not name.startswith("kezek-"):
        raise SqsError(
            "QueueDoesNotExist",
            "The specified queue does not exist.",
            "AWS.SimpleQueueService.NonExistentQueue",
        )
    return name


def _url(_: Messages, asked: dict[str, Any], base: str) -> dict[str, Any]:
    return {"QueueUrl": f"{base}/000000000000/{_existing(asked['QueueName'])}"}


def _entry(asked: dict[str, Any]) -> tuple[str, dict[str, dict[str, str]]]:
    body = asked["MessageBody"]
    if not isinstance(body, str) or not body:
        raise SqsError("MissingParameter", "The request must contain the parameter MessageBody.")
    if len(body.encode()) > _MOST_BYTES:
        raise SqsError("InvalidParameterValue", f"a message holds at most {_MOST_BYTES} bytes")
    return body, dict(asked.get("MessageAttributes") or {})


def _send(messages: Messages, asked: dict[str, Any], _: str) -> dict[str, Any]:
    entry = _entry(asked)
    delay = float(asked.get("DelaySeconds", 0))
    (name,) = messages.send(_queue(asked), [entry], delay_s=delay)
    return {"MessageId": name, "MD5OfMessageBody": digest(entry[0])}


def _batch(asked: dict[str, Any]) -> list[dict[str, Any]]:
    entries = list(asked.get("Entries") or [])
    if not entries:
        raise SqsError("EmptyBatchRequest", "There should be at least one entry in the request.")
    if len(entries) > _MOST_BATCH:
        raise SqsError(
            "TooManyEntriesInBatchRequest",
            f"Maximum number of entries per request are 10, not {len(entries)}.",
        )
    if len({entry["Id"] for entry in entries}) != len(entries):
        raise SqsError("BatchEntryIdsNotDistinct", "Id is repeated.")
    return entries


def _send_batch(messages: Messages, asked: dict[str, Any], _: str) -> dict[str, Any]:
    queue, entries = _queue(asked), _batch(asked)
    bodies = [_entry(entry) for entry in entries]
    if sum(len(body.encode()) for body, _ in bodies) > _MOST_BYTES:
        raise SqsError("BatchRequestTooLong", f"a batch holds at most {_MOST_BYTES} bytes")
    delays = [float(entry.get("DelaySeconds", 0)) for entry in entries]
    if len(set(delays)) == 1:
        names = messages.send(queue, bodies, delay_s=delays[0])
    else:
        names = [
            messages.send(queue, [body], delay_s=delay)[0]
            for body, delay in zip(bodies, delays, strict=True)
        ]
    sent = [
        {"Id": entry["Id"], "MessageId": name, "MD5OfMessageBody": digest(body)}
        for entry, name, (body, _) in zip(entries, names, bodies, strict=True)
    ]
    return {"Successful": sent, "Failed": []}


def _receive(messages: Messages, asked: dict[str, Any], _: str) -> dict[str, Any]:
    queue = _queue(asked)
    most = int(asked.get("MaxNumberOfMessages", 1))
    if not 1 <= most <= _MOST_BATCH:
        raise SqsError("InvalidParameterValue", "MaxNumberOfMessages is between 1 and 10")
    visibility = float(asked.get("VisibilityTimeout", VISIBILITY_S))
    end = time.monotonic() + float(asked.get("WaitTimeSeconds", 0))
    while True:
        found = messages.receive(queue, most, visibility_s=visibility)
        left = end - time.monotonic()
        if found or left <= 0:
            break
        messages.wait(min(left, 0.5), lambda: bool(messages.depth(queue)["visible"]))
    return {"Messages": [shown(message) for message in found]} if found else {}


def system_attributes(message: Stored) -> dict[str, str]:
    """Return the attributes SQS itself gives a message it hands out."""
    return {
        "ApproximateReceiveCount": str(message.received),
        "SentTimestamp": str(message.sent_ms),
        "SenderId": "AIDALOCALLOCALLOCALLO",
        "ApproximateFirstReceiveTimestamp": str(message.first_ms),
    }


def shown(message: Stored) -> dict[str, Any]:
    """Return a message as ReceiveMessage shows it."""
    result: dict[str, Any] = {
        "MessageId": message.id,
        "ReceiptHandle": message.receipt,
        "MD5OfBody": message.md5,
        "Body": message.body,
        "Attributes": system_attributes(message),
    }
    attributes = dict(message.attributes)
    if message.reason is not None:
        attributes["KezekReason"] = {"DataType": "String", "StringValue": message.reason}
    if attributes:
        result["MessageAttributes"] = attributes
    return result


def _delete(messages: Messages, asked: dict[str, Any], _: str) -> dict[str, Any]:
    _queue(asked)
    messages.delete([str(asked["ReceiptHandle"])])
    return {}


def _delete_batch(messages: Messages, asked: dict[str, Any], _: str) -> dict[str, Any]:
    _queue(asked)
    entries = _batch(asked)
    messages.delete([str(entry["ReceiptHandle"]) for entry in entries])
    return {"Successful": [{"Id": entry["Id"]} for entry in entries], "Failed": []}


def _hide(messages: Messages, asked: dict[str, Any], _: str) -> dict[str, Any]:
    _queue(asked)
    if not messages.hide(str(asked["ReceiptHandle"]), float(asked["VisibilityTimeout"])):
        raise SqsError(
            "MessageNotInflight",
            "The message is not in flight.",
            "AWS.SimpleQueueService.MessageNotInflight",
        )
    return {}


def _attributes(messages: Messages, asked: dict[str, Any], _: str) -> dict[str, Any]:
    queue = _queue(asked)
    depth = messages.depth(queue)
    every = {
        "ApproximateNumberOfMessages": str(depth["visible"]),
        "ApproximateNumberOfMessagesDelayed": str(depth["delayed"]),
        "ApproximateNumberOfMessagesNotVisible": str(depth["leased"]),
        "VisibilityTimeout": str(int(VISIBILITY_S)),
        "QueueArn": f"arn:aws:sqs:eu-central-1:000000000000:{queue}",
    }
    wanted = asked.get("AttributeNames") or []
    return {"Attributes": {k: v for k, v in every.items() if "All" in wanted or k in wanted}}


def _purge(messages: Messages, asked: dict[str, Any], _: str) -> dict[str, Any]:
    messages.purge(_queue(asked))
    return {}


_OPERATIONS: dict[str, Callable[[Messages, dict[str, Any], str], dict[str, Any]]] = {
    "GetQueueUrl": _url,
    "CreateQueue": _url,
    "SendMessage": _send,
    "SendMessageBatch": _send_batch,
    "ReceiveMessage": _receive,
    "DeleteMessage": _delete,
    "DeleteMessageBatch": _delete_batch,
    "ChangeMessageVisibility": _hide,
    "GetQueueAttributes": _attributes,
    "PurgeQueue": _purge,
}
