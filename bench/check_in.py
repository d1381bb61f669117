"""P8: a check-in from Lambda's event to its answer, against bare calls to DynamoDB.

The anchor is a handler that sends the same requests with boto3's own client and does nothing
else: no signature, no chain, no rules. Ours goes through Chalice, the tablet's token, the record's
signature and the same requests. One check-in in an upload, and 200 of 200 children in one.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from bench.gates import Gate
from bench.measure import compare
from bench.tables import fresh

CHILDREN = 200
TABLE = "kezek-test-attendance"
LIMIT = 1.35
NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)


def run() -> list[Gate]:
    """Return the gates of one check-in and of a burst."""
    with fresh() as client:
        from app import app
        from chalicelib.edge import clock
        from tests.attendance.builders import open_site, pair
        from tests.attendance.tablets import Tablet

        clock.use(lambda: NOW)
        open_site(children_count=CHILDREN)
        tablet = Tablet()
        pair(tablet, now=NOW)
        handle = _handler(app)
        bare = _Bare(client)
        try:
            return [
                _gate(handle, tablet, bare, "one check-in in an upload", 1, calls=20, blocks=11),
                _gate(handle, tablet, bare, f"{CHILDREN} check-ins in one upload", CHILDREN, 1, 9),
            ]
        finally:
            clock.use(None)


def _gate(
    handle: Callable[[dict[str, Any]], int],
    tablet: Any,
    bare: _Bare,
    name: str,
    size: int,
    calls: int,
    blocks: int,
) -> Gate:
    _refill(bare.client, tablet)
    # Signing is the tablet's work, so every upload is made before the clock runs.
    count = calls * blocks + 1
    events = iter([_event(tablet, size) for _ in range(count)])

    def ours() -> None:
        if handle(next(events)) != 200:
            raise AssertionError("an upload was refused")

    found = compare(ours, lambda: bare.upload(size), calls=calls, blocks=blocks)
    return Gate(
        f"P8 {name}",
        f"{found.ratio:.2f} x bare calls ({found.ours_s * 1000:.1f} ms against"
        f" {found.anchor_s * 1000:.1f} ms)",
        f"{LIMIT} x",
        found.ratio <= LIMIT,
        found.control,
    )


def _event(tablet: Any, size: int) -> dict[str, Any]:
    second = next(_SECONDS)
    at = f"2026-03-02T{8 + second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}+05:00"
    from tests.attendance.builders import enrolment

    records = [
        tablet.sign(at, enrolment=enrolment(1 + (second + n) % CHILDREN)) for n in range(size)
    ]
    return {
        "resource": "/v1/attendance/records",
        "path": "/v1/attendance/records",
        "httpMethod": "POST",
        "headers": {
            "content-type": "application/json",
            "authorization": f"Bearer {tablet.token(NOW)}",
        },
        "multiValueHeaders": {},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "body": json.dumps({"records": records}),
        "isBase64Encoded": False,
        "requestContext": {
            "httpMethod": "POST",
            "resourcePath": "/v1/attendance/records",
            "identity": {"sourceIp": "127.0.0.1"},
            "path": "/v1/attendance/records",
        },
    }


_SECONDS = itertools.count()


def _handler(app: Any) -> Callable[[dict[str, Any]], int]:
    def handle(event: dict[str, Any]) -> int:
        return int(app(event, None)["statusCode"])

    return handle


def _refill(client: Any, tablet: Any) -> None:
    """Fill the bucket: a bench sends in a minute what a tablet sends in a month."""
    client.update_item(
        TableName=TABLE,
        Key={"pk": {"S": f"DEVICE#{tablet.device_id}"}, "sk": {"S": "-"}},
        UpdateExpression="SET bucket_at = :b",
        ExpressionAttributeValues={":b": {"N": str(int(NOW.timestamp()) - 19_900)}},
    )


class _Bare:
    """The same requests, sent by hand: a tablet's row, the roster, the evidence, the marks."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.counter = 0
        self.evidence: dict[int, bytes] = {}
        client.put_item(
            TableName=TABLE,
            Item={
                "pk": {"S": "DEVICE#bare"},
                "sk": {"S": "-"},
                "head_counter": {"N": "0"},
                "head_hash": {"S": ""},
                "bucket_at": {"N": "1"},
                "site_id": {"S": "site-balapan"},
                "programme": {"S": "preschool"},
                "area": {"S": "taldykorgan"},
            },
        )

    def upload(self, size: int) -> None:
        first = self.counter + 1
        self.counter += size
        self._device()
        self._roster()
        self._put(size)
        for child, mark in self._marks(first, size):
            self.client.update_item(
                TableName=TABLE,
                Key={"pk": {"S": "SHEET#bare-site#2026-03"}, "sk": {"S": child}},
                UpdateExpression="SET #e = if_not_exists (#e, :e) ADD #m :m",
                ConditionExpression=(
                    "(attribute_not_exists (#l) AND (attribute_not_exists (#m) OR size (#m) < :n))"
                ),
                ExpressionAttributeNames={"#e": "e", "#m": "marks", "#l": "locked"},
                ExpressionAttributeValues={
                    ":e": {"S": child},
                    ":m": {"NS": [mark]},
                    ":n": {"N": "400"},
                },
                ReturnValues="ALL_OLD",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )

    def _device(self) -> None:
        self.client.update_item(
            TableName=TABLE,
            Key={"pk": {"S": "DEVICE#bare"}, "sk": {"S": "-"}},
            UpdateExpression="SET #b = #b + :c, #t = :t, #h = :h, #s = :s",
            ConditionExpression=(
                "attribute_not_exists (#r) AND #b > :low AND #b <= :high AND #h < :h"
            ),
            ExpressionAttributeNames={
                "#b": "bucket_at",
                "#t": "last_at",
                "#h": "head_counter",
                "#s": "head_hash",
                "#r": "revoked",
            },
            ExpressionAttributeValues={
                ":c": {"N": "0"},
                ":t": {"S": "2026-03-02T06:00:00.000000Z"},
                ":h": {"N": str(self.counter)},
                ":s": {"S": "x" * 43},
                ":low": {"N": "0"},
                ":high": {"N": "9"},
            },
            ReturnValues="ALL_OLD",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )

    def _roster(self) -> None:
        self.client.query(
            TableName=TABLE,
            KeyConditionExpression="#pk = :pk",
            ExpressionAttributeNames={"#pk": "pk"},
            ExpressionAttributeValues={":pk": {"S": "ROSTER#site-balapan"}},
            ConsistentRead=True,
        )

    def _put(self, size: int) -> None:
        if size not in self.evidence:
            # What such evidence weighs: signatures do not compress.
            lines = "".join(base64.b64encode(os.urandom(96)).decode() for _ in range(size))
            self.evidence[size] = zlib.compress(lines.encode(), 6)
        self.client.put_item(
            TableName=TABLE,
            Item={
                "pk": {"S": "EVIDENCE#bare"},
                "sk": {"S": f"{self.counter:012d}#{'d' * 32}"},
                "v": {"N": "1"},
                "body": {"S": "x" * (350 + 45 * min(size, CHILDREN))},
                "records": {"B": self.evidence[size]},
            },
            ConditionExpression="attribute_not_exists (#pk)",
            ExpressionAttributeNames={"#pk": "pk"},
        )

    def _marks(self, first: int, size: int) -> Iterator[tuple[str, str]]:
        for n in range(size):
            counter = first + n
            number = 2 << 57 | 1 << 53 | 480 << 40 | 12345 << 24 | counter
            yield f"child-{counter % CHILDREN:06d}", str(number)
