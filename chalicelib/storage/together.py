"""Rows of many kinds, from several tables, in one call."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.storage import client
from chalicelib.storage.commit import StoreSilent, pause
from chalicelib.storage.shelf import Kept, Shelf

Key = tuple[str, str]
_BATCH = 100
_TRIES = 6


def find_together(wanted: Iterable[tuple[Shelf[Any], Key]]) -> dict[Key, Kept[Any]]:
    """Return those of the rows that exist, by key; strongly consistent, a call per hundred.

    Keys of different shelves differ, so a key says which row is meant. Raises StoreSilent.
    """
    shelves = {key: shelf for shelf, key in wanted}
    found: dict[Key, Kept[Any]] = {}
    keys = list(shelves)
    for start in range(0, len(keys), _BATCH):
        request: dict[str, Any] = {}
        for key in keys[start : start + _BATCH]:
            table = shelves[key].row.Meta.table_name
            asked = request.setdefault(table, {"Keys": [], "ConsistentRead": True})
            asked["Keys"].append({"pk": {"S": key[0]}, "sk": {"S": key[1]}})
        for item in _read(request):
            shelf = shelves[item["pk"]["S"], item["sk"]["S"]]
            kept = shelf.kept(shelf.row.from_raw_data(item))
            found[kept.pk, kept.sk] = kept
    return found


def _read(request: dict[str, Any]) -> Iterable[dict[str, Any]]:
    for attempt in range(_TRIES):
        try:
            answer = client.client().batch_get_item(RequestItems=request)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") not in _BUSY:
                raise
        else:
            for items in answer.get("Responses", {}).values():
                yield from items
            request = answer.get("UnprocessedKeys") or {}
            if not request:
                return
        time.sleep(pause(attempt))
    raise StoreSilent()


_BUSY = {
    "ThrottlingException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "InternalServerError",
}
