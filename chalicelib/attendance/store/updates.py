"""What uploads touch, below the models: single updates that bring the row they met."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.condition import size as _untyped_size
from pynamodb.expressions.update import Action

from chalicelib.storage.commit import StoreSilent, pause
from chalicelib.storage.rows import AttendanceRow

TRIES = 6
size: Any = _untyped_size


def table_of(row: type[AttendanceRow]) -> Any:
    return row._get_connection()


def update(
    row: type[AttendanceRow],
    key: tuple[str, str],
    actions: Sequence[Action],
    condition: Condition | None,
) -> tuple[bool, dict[str, Any] | None]:
    """Send one UpdateItem; return whether it was done and the item as it was before, if any.

    A failed condition brings the item too, in the same call. A conflict with a transaction is
    tried again, because nothing was written then. Raises StoreSilent.
    """
    table = table_of(row)
    connection = table.connection
    arguments = connection.get_operation_kwargs(
        table_name=table.table_name,
        hash_key=key[0],
        range_key=key[1],
        actions=list(actions),
        condition=condition,
        return_values="ALL_OLD",
        return_values_on_condition_failure="ALL_OLD" if condition is not None else None,
    )
    for attempt in range(TRIES):
        try:
            answer = connection.dispatch("UpdateItem", arguments)
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


_CURABLE = frozenset(
    {
        "TransactionConflictException",
        "ThrottlingException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "InternalServerError",
    }
)


def _item_of(error: ClientError) -> dict[str, Any] | None:
    """Return the item that failed a condition; pynamodb keeps it in the original error only."""
    origin = error.__cause__ if isinstance(error.__cause__, ClientError) else error
    item: dict[str, Any] | None = origin.response.get("Item")
    return item
