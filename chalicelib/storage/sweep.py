"""A table read through in segments, for work that may wait a week; never for a request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.storage import client
from chalicelib.storage.commit import StoreSilent
from chalicelib.storage.rows import table_name

# Rows looked at in one call; what is not wanted is left in the store.
_ROWS_LOOKED_AT = 1000


@dataclass(frozen=True, slots=True)
class Swept:
    """A part of a segment: keys of the wanted rows, and where to go on; None at its end."""

    keys: tuple[tuple[str, str], ...]
    next_at: tuple[str, str] | None


def part(
    logical: str,
    begins: Sequence[str],
    *,
    segment: int,
    segments: int,
    after: tuple[str, str] | None,
) -> Swept:
    """Return the keys of a part of a segment whose pk begins with one of `begins`. One call.

    Read as it happens to stand (half the price): whoever acts on a key reads its row anew.
    """
    asked: dict[str, Any] = {
        "TableName": table_name(logical),
        "Segment": segment,
        "TotalSegments": segments,
        "Limit": _ROWS_LOOKED_AT,
        "ProjectionExpression": "pk, sk",
        "FilterExpression": " OR ".join(f"begins_with(pk, :b{n})" for n in range(len(begins))),
        "ExpressionAttributeValues": {f":b{n}": {"S": b} for n, b in enumerate(begins)},
    }
    if after is not None:
        asked["ExclusiveStartKey"] = {"pk": {"S": after[0]}, "sk": {"S": after[1]}}
    try:
        page = client.client().scan(**asked)
    except (BotoCoreError, ClientError) as error:
        raise StoreSilent() from error
    last = page.get("LastEvaluatedKey")
    return Swept(
        tuple((item["pk"]["S"], item["sk"]["S"]) for item in page["Items"]),
        (last["pk"]["S"], last["sk"]["S"]) if last else None,
    )
