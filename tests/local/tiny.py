"""A tiny application that listens to everything, for tests of the local cloud alone.

What its handlers did lies in the facts table: pk `did`, sk `<what>#<id>`, times it ran.
"""

from __future__ import annotations

import json
import os
import time
from typing import Any

import boto3
from chalice import Chalice, Cron, Rate

from chalicelib.edge import clock
from chalicelib.storage.rows import stage, table_name

app = Chalice("tiny")


class Poison(Exception):
    """This message can never be handled."""

    code = "tiny/poison"


def client() -> Any:
    return boto3.client("dynamodb")


def did(what: str, name: str) -> None:
    """Count one effect."""
    client().update_item(
        TableName=table_name("facts"),
        Key={"pk": {"S": "did"}, "sk": {"S": f"{what}#{name}"}},
        UpdateExpression="ADD times :one SET at_time = :at",
        ExpressionAttributeValues={":one": {"N": "1"}, ":at": {"S": clock.now().isoformat()}},
    )


def effects(what: str, dynamodb: Any) -> dict[str, int]:
    """Return how often each thing was done, by name."""
    rows = dynamodb.query(
        TableName=table_name("facts"),
        KeyConditionExpression="pk = :p AND begins_with(sk, :w)",
        ExpressionAttributeValues={":p": {"S": "did"}, ":w": {"S": f"{what}#"}},
        ConsistentRead=True,
    )["Items"]
    return {row["sk"]["S"].split("#", 1)[1]: int(row["times"]["N"]) for row in rows}


@app.route("/notes/{name}", methods=["PUT"])
def note(name: str) -> dict[str, str]:
    """Write a journal row; with ?send=… also a message."""
    client().put_item(
        TableName=table_name("journal"),
        Item={"pk": {"S": name}, "sk": {"S": "1"}, "raw": {"B": b"\x00\xff"}},
    )
    return {"name": name, "seen": str(app.current_request.uri_params["name"])}


@app.route("/slow/{name}")
def slow(name: str) -> dict[str, str]:
    """Answer after others had time to overwrite what is not one's own."""
    before = app.lambda_context.aws_request_id
    time.sleep(0.02)
    path = app.current_request.uri_params["name"]
    return {"name": name, "path": path, "same": str(before == app.lambda_context.aws_request_id)}


@app.schedule(Cron(0, 13, "?", "*", "MON-FRI", "*"))
def evening(event: Any) -> None:
    did("evening", event.to_dict()["time"])


@app.schedule(Rate(6, unit=Rate.HOURS))
def often(event: Any) -> None:
    did("often", event.to_dict()["time"])
    if os.environ.get("TINY_FAILS") == "often":
        raise Poison("never mind")


@app.on_sqs_message(queue=f"kezek-{stage()}-work", batch_size=10)
def work(event: Any) -> dict[str, Any]:
    failed = []
    for record in event:
        raw = record.to_dict()
        asked = json.loads(record.body)
        if asked.get("raises"):
            raise Poison(asked["name"])
        if asked.get("poison"):
            failed.append({"itemIdentifier": raw["messageId"], "reason": "tiny/poison"})
            continue
        did("work", asked["name"])
    return {"batchItemFailures": failed}


@app.on_dynamodb_record(stream_arn="arn:aws:dynamodb:x:0:table/kezek-any-journal/stream/1")
def entries(event: Any) -> None:
    for record in event:
        name = record.keys["pk"]["S"]
        if name.startswith("bad"):
            raise Poison(name)
    for record in event:
        did("entry", record.keys["pk"]["S"])
