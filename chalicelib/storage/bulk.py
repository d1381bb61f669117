"""Whole partitions read at once: a queue of a hundred thousand rows in seconds.

botocore turns each attribute of an answer into objects by a model that it looks up for each, five
microseconds apiece, and pynamodb makes a row of them. Where a partition is read only for its bodies
the answer is decoded here instead, at once and by its one known shape, before botocore looks at it;
retries, signing and errors stay botocore's.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import msgspec

_wanted = threading.local()


class _Text(msgspec.Struct):
    S: str


class Bare(msgspec.Struct):
    """A row's key and body as they are stored; what else it has is left out."""

    pk: _Text
    sk: _Text
    body: _Text | None = None


class _Page(msgspec.Struct):
    Items: list[Bare]
    LastEvaluatedKey: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    ConsumedCapacity: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class _Rest(msgspec.Struct):
    """What is left for botocore of a page."""

    LastEvaluatedKey: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    ConsumedCapacity: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_DECODER = msgspec.json.Decoder(_Page)


def listen(client: Any) -> None:
    """Let a client's answers be decoded here while a partition is read in bulk."""
    client.meta.events.register("before-parse.dynamodb.Query", _take)


def each_row(client: Any, table: str, pk: str) -> Iterator[list[Bare]]:
    """Yield the rows of a partition, page after page, strongly consistent."""
    asked = {
        "TableName": table,
        "ConsistentRead": True,
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": {":pk": {"S": pk}},
    }
    while True:
        _wanted.now = True
        try:
            page = client.query(**asked)
        finally:
            _wanted.now = False
        yield page["Rows"]
        if "LastEvaluatedKey" not in page:
            return
        asked["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def _take(
    response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any
) -> None:
    if not getattr(_wanted, "now", False) or response_dict["status_code"] != 200:
        return
    page = _DECODER.decode(response_dict["body"])
    customized_response_dict["Rows"] = page.Items
    rest = _Rest(page.LastEvaluatedKey, page.ConsumedCapacity)
    response_dict["body"] = msgspec.json.encode(rest)
