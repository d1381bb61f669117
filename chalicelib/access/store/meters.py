"""Buckets of requests: one row for each caller, or for each organisation with its staff.

They lie in a table of their own, because they are no facts: nothing is decided by them but whether
to answer now or in a minute, they are not in the journal, not backed up, and gone after a day. A
repetition of a request counts as one more request, so they are never compared when "the same
effect" is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.access.rules.limits import Limit, is_wrong, wait_ms
from chalicelib.storage.commit import StoreSilent
from chalicelib.storage.rows import MetersRow

_TRIES = 4
_KEPT_S = 86_400
_MANY, _IDLE_MS = 40, 3_600_000
_BUSY = frozenset(
    {
        "ThrottlingException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "InternalServerError",
    }
)


class Busy(Exception):
    """The store refuses for load: nothing is known of the bucket."""


@dataclass(frozen=True, slots=True)
class Part:
    """A bucket within a row: its attribute, its size, and what is put in."""

    name: str
    size: Limit
    cost: int = 1


@dataclass(frozen=True, slots=True)
class Spent:
    """Whether all parts had room; when each will be empty; how long to wait where not."""

    done: bool
    held: Mapping[str, int]
    wait_ms: int = 0


def spend(
    key: tuple[str, str], parts: Sequence[Part], *, believed: Mapping[str, int], now_ms: int
) -> Spent:
    """Put something into the buckets of a row, into all or none.

    One update whose condition holds the limit: nothing is read before. What an expression may say
    depends on whether a bucket is empty by now, so it is written for what is `believed` and, where
    that was wrong, once more for what the refusal showed. Raises Busy, StoreSilent.
    """
    held, many = dict(believed), False
    for _ in range(_TRIES):
        done, item = _update(key, _expression(parts, held, now_ms=now_ms, sweep=many))
        if done:
            return Spent(True, {part.name: _then(part, held, now_ms) for part in parts})
        held = {name: int(value["N"]) for name, value in item.items() if "N" in value}
        many = len(held) > _MANY
        waits = [
            wait_ms(held.get(part.name, 0), part.size, cost=part.cost, now_ms=now_ms)
            for part in parts
        ]
        if max(waits) > 0:
            return Spent(False, held, max(waits))
    raise Busy


def _then(part: Part, held: Mapping[str, int], now_ms: int) -> int:
    if is_wrong(held.get(part.name, 0), part.size, now_ms=now_ms):
        return now_ms + part.size.room_ms()
    return max(held.get(part.name, 0), now_ms) + part.cost * part.size.interval_ms


def _expression(
    parts: Sequence[Part], held: Mapping[str, int], *, now_ms: int, sweep: bool
) -> dict[str, Any]:
    sets, conditions, removed = ["#x = :x"], [], []
    names = {"#x": "expires_at"}
    values = {":x": now_ms // 1000 + _KEPT_S, ":now": now_ms}
    for n, part in enumerate(parts):
        names[f"#{n}"] = part.name
        more = part.cost * part.size.interval_ms
        if held.get(part.name, 0) <= now_ms:
            sets.append(f"#{n} = :f{n}")
            conditions.append(f"(attribute_not_exists(#{n}) OR #{n} <= :now)")
            values[f":f{n}"] = now_ms + more
        elif is_wrong(held[part.name], part.size, now_ms=now_ms):
            sets.append(f"#{n} = :f{n}")
            conditions.append(f"(#{n} > :now AND #{n} = :w{n})")
            values[f":f{n}"] = now_ms + part.size.room_ms()
            values[f":w{n}"] = held[part.name]
        else:
            sets.append(f"#{n} = #{n} + :i{n}")
            conditions.append(f"(#{n} > :now AND #{n} <= :m{n})")
            values[f":i{n}"] = more
            values[f":m{n}"] = now_ms + part.size.room_ms() - more
    if sweep:
        # Staff that left an organisation long ago would otherwise stay in its row.
        kept = {part.name for part in parts} | {"expires_at"}
        idle = [n for n, at in held.items() if n not in kept and at < now_ms - _IDLE_MS]
        names |= {f"#r{n}": name for n, name in enumerate(idle)}
        removed = [f"#r{n}" for n in range(len(idle))]
    return {
        "UpdateExpression": f"SET {', '.join(sets)}"
        + (f" REMOVE {', '.join(removed)}" if removed else ""),
        "ConditionExpression": " AND ".join(conditions),
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": {name: {"N": str(v)} for name, v in values.items()},
    }


def _update(key: tuple[str, str], expression: dict[str, Any]) -> tuple[bool, dict[str, Any]]:
    table = MetersRow._get_connection()
    arguments: dict[str, Any] = {
        "TableName": table.table_name,
        "Key": {"pk": {"S": key[0]}, "sk": {"S": key[1]}},
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        **expression,
    }
    try:
        table.connection.dispatch("UpdateItem", arguments)
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code")
        if code in _BUSY:
            raise Busy from error
        if code != "ConditionalCheckFailedException":
            raise
        # pynamodb keeps the item that failed the condition in the original error only.
        origin = error.__cause__ if isinstance(error.__cause__, ClientError) else error
        found: dict[str, Any] = origin.response.get("Item") or {}
        return False, found
    except BotoCoreError as error:
        raise StoreSilent() from error
    return True, {}
