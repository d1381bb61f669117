"""What uploads touch, below the models: single updates that bring the row they met.

Their expressions are written out: building them from pynamodb's objects costs as much CPU as
checking a signature, and a check-in sends two or more (gate P8).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.storage.commit import StoreSilent, pause
from chalicelib.storage.rows import AttendanceRow, Row

TRIES = 6
_CURABLE = frozenset(
    {
        "TransactionConflictException",
        "ThrottlingException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "InternalServerError",
    }
)

Item = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Change:
    """An update expression and its condition, in DynamoDB's words; `{":x": …}` fills them."""

    expression: str
    only_if: str | None = None


def update(
    row: type[AttendanceRow],
    key: tuple[str, str],
    change: Change,
    values: Mapping[str, Mapping[str, Any]],
) -> tuple[bool, Item | None]:
    """Send one UpdateItem; return whether it was done and the item as it was before, if any.

    A failed condition brings the item too, in the same call. A conflict with a transaction is
    tried again, because nothing was written then. Raises StoreSilent.
    """
    table = table_of(row)
    arguments: dict[str, Any] = {
        "TableName": table.table_name,
        "Key": {"pk": {"S": key[0]}, "sk": {"S": key[1]}},
        "UpdateExpression": change.expression,
        "ExpressionAttributeValues": values,
        "ReturnValues": "ALL_OLD",
    }
    if change.only_if is not None:
        arguments["ConditionExpression"] = change.only_if
        arguments["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    for attempt in range(TRIES):
        try:
            answer = table.connection.dispatch("UpdateItem", arguments)
            return True, answer.get("Attributes")
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code")
            if code == "ConditionalCheckFailedException":
                return False, _item_of(error)
            if code not in _CURABLE:
                raise
        except BotoCoreError as error:
            raise StoreSilent() from error
        time.sleep(pause(attempt))
    raise StoreSilent()


def table_of(row: type[Row]) -> Any:
    """Return pynamodb's connection to a model's table, for what models cannot say."""
    return row._get_connection()


def text(value: str) -> dict[str, str]:
    return {"S": value}


def number(value: int) -> dict[str, str]:
    return {"N": str(value)}


def _item_of(error: ClientError) -> Item | None:
    """Return the item that failed a condition; pynamodb keeps it in the original error only."""
    origin = error.__cause__ if isinstance(error.__cause__, ClientError) else error
    item: Item | None = origin.response.get("Item")
    return item
