"""Events as AWS hands them to Lambda: the same members, JSON types only."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from infra.local.messages import Stored
from infra.local.places import ACCOUNT, REGION
from infra.local.sqs import system_attributes

Event = dict[str, Any]


def schedule(name: str, at: datetime) -> Event:
    """Return the event of one schedule occurrence; `time` is the occurrence, not today."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "time": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": [f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{name}"],
        "detail": {},
    }


def queue(messages: Iterable[Stored]) -> Event:
    """Return the event of a batch of queue messages."""
    return {
        "Records": [
            {
                "messageId": message.id,
                "receiptHandle": message.receipt,
                "body": message.body,
                "attributes": system_attributes(message),
                "messageAttributes": {
                    name: {
                        "dataType": value.get("DataType", "String"),
                        "stringValue": value.get("StringValue", ""),
                        "stringListValues": [],
                        "binaryListValues": [],
                    }
                    for name, value in message.attributes.items()
                },
                "md5OfBody": message.md5,
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{message.queue}",
                "awsRegion": REGION,
            }
            for message in messages
        ]
    }


def stream(records: Iterable[Mapping[str, Any]], arn: str) -> Event:
    """Return the event of a batch of stream records, given as GetRecords answered them.

    Lambda carries binary values as base64 and times as seconds, and adds the stream's ARN.
    """
    shown = []
    for record in records:
        change = dict(record["dynamodb"])
        created = change.get("ApproximateCreationDateTime")
        if isinstance(created, datetime):
            change["ApproximateCreationDateTime"] = created.timestamp()
        for image in ("Keys", "NewImage", "OldImage"):
            if image in change:
                change[image] = {name: _value(value) for name, value in change[image].items()}
        event = {
            "eventID": record["eventID"],
            "eventName": record["eventName"],
            "eventVersion": record.get("eventVersion", "1.1"),
            "eventSource": "aws:dynamodb",
            "awsRegion": REGION,
            "dynamodb": change,
            "eventSourceARN": arn,
        }
        if "userIdentity" in record:
            identity = record["userIdentity"]
            event["userIdentity"] = {
                "type": identity.get("Type", ""),
                "principalId": identity.get("PrincipalId", ""),
            }
        shown.append(event)
    return {"Records": shown}


def stream_failure(
    records: list[Mapping[str, Any]], *, arn: str, shard: str, function: str, tries: int
) -> Event:
    """Return what AWS sends to a stream's on-failure destination: where the records lie."""
    first, last = records[0]["dynamodb"], records[-1]["dynamodb"]
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "requestContext": {
            "requestId": str(uuid.uuid4()),
            "functionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}",
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": tries,
        },
        "responseContext": {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": "Unhandled",
        },
        "version": "1.0",
        "timestamp": now,
        "DDBStreamBatchInfo": {
            "shardId": shard,
            "startSequenceNumber": first["SequenceNumber"],
            "endSequenceNumber": last["SequenceNumber"],
            "approximateArrivalOfFirstRecord": _instant(first),
            "approximateArrivalOfLastRecord": _instant(last),
            "batchSize": len(records),
            "streamArn": arn,
        },
    }


def schedule_failure(event: Event, *, function: str, tries: int, reason: str) -> Event:
    """Return what AWS sends to the on-failure destination of an asynchronous invocation."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "version": "1.0",
        "timestamp": now,
        "requestContext": {
            "requestId": event["id"],
            "functionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": tries,
        },
        "requestPayload": event,
        "responseContext": {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": "Unhandled",
        },
        "responsePayload": {"errorType": reason},
    }


def _instant(change: Mapping[str, Any]) -> str:
    created = change.get("ApproximateCreationDateTime")
    return created.isoformat() if isinstance(created, datetime) else str(created)


def _value(value: Mapping[str, Any]) -> dict[str, Any]:
    ((kind, content),) = value.items()
    if kind == "B":
        return {"B": base64.b64encode(content).decode()}
    if kind == "BS":
        return {"BS": [base64.b64encode(one).decode() for one in content]}
    if kind == "M":
        return {"M": {name: _value(one) for name, one in content.items()}}
    if kind == "L":
        return {"L": [_value(one) for one in content]}
    return {kind: content}
