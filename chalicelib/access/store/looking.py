"""Rows of the table `looks`: by child for its family, by caller and day for the breach drill.

Nothing is read before writing: a row's key says all that is in it, up to a minute, so writing it
twice changes nothing.
"""

from __future__ import annotations

import hashlib
import heapq
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import takewhile

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.access.rules import Look
from chalicelib.storage import client, keys
from chalicelib.storage.commit import StoreSilent, pause
from chalicelib.storage.rows import LooksRow, table_name
from chalicelib.storage.shelf import Kept, Shelf

_AT_ONCE, _TRIES = 25, 8
CHILDREN_IN_A_ROW = 400
# Stands for every child, where a copy of everything was handed out.
EVERYBODY = "everybody"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A day on which somebody looked under a sign-in."""

    subject: str
    on: date


LOOKS: Shelf[Look] = Shelf(LooksRow, Look)
SESSIONS: Shelf[SignedIn] = Shelf(LooksRow, SignedIn)


def record(looks: Sequence[Look], *, on: date, expires_at: int, by_child: bool = True) -> None:
    """Write looks of one caller, one per set of fields, each naming its `children`.

    on: the local day. by_child: also a row for each child. Raises StoreSilent; what was written
    before it stays, and stands again after the next try.
    """
    rows: list[LooksRow] = []
    for look in looks:
        for start in range(0, len(look.children), CHILDREN_IN_A_ROW):
            part = replace(look, children=look.children[start : start + CHILDREN_IN_A_ROW])
            rows.append(_row(keys.looker(look.subject, on, look.at, _named(part)), part))
        if by_child:
            alone = replace(look, children=())
            name = _named(alone)
            rows += [
                _row(keys.look(child_id, look.at, name), replace(alone, child_id=child_id))
                for child_id in look.children
            ]
    for session, subject in sorted({(look.session, look.subject) for look in looks}):
        if session:
            rows.append(_row(keys.looker_session(session, on, subject), SignedIn(subject, on)))
    for row in rows:
        row.expires_at = expires_at
    for start in range(0, len(rows), _AT_ONCE):
        _write(rows[start : start + _AT_ONCE])


def each_look(child_id: str, *, after: str | None = None) -> Iterator[Kept[Look]]:
    """Yield who looked at a child, newest first; after: the sort key of the last one seen."""
    pk = keys.look(child_id, "", "")[0]
    if after is None:
        yield from LOOKS.each(pk, newest_first=True)
        return
    # Sort keys begin with a year, so "0" stands before all of them.
    for kept in LOOKS.each(pk, after="0", upto=after, newest_first=True):
        if kept.sk != after:
            yield kept


def each_shown(
    child_id: str, *, known_since: str, after: str | None = None
) -> Iterator[Kept[Look]]:
    """Yield who looked at a child or was handed everything, newest first. Two queries.

    known_since: the instant from which the child was in what was handed out.
    """
    minute = known_since[:16]
    handed = takewhile(lambda kept: kept.value.at[:16] >= minute, each_look(EVERYBODY, after=after))
    yield from heapq.merge(
        each_look(child_id, after=after),
        handed,
        key=lambda kept: kept.sk,
        reverse=True,
    )


def each_of(subject: str, first: date, last: date) -> Iterator[Look]:
    """Yield what a caller saw from a day to a day, both included; a query per day.

    Reads bodies alone and decodes them without a model in between: an inquiry may meet a million.
    """
    decoder = msgspec.json.Decoder(Look)
    on = first
    while on <= last:
        for body in _bodies(keys.looker(subject, on, "", "")[0]):
            yield decoder.decode(body)
        on += timedelta(days=1)


def days_of_session(session: str) -> list[SignedIn]:
    """Return who looked under a sign-in, and on which days."""
    pk = keys.looker_session(session, date.min, "")[0]
    return [kept.value for kept in SESSIONS.each(pk)]


def forget_child(child_id: str) -> int:
    """Remove the rows by which a child's family sees who looked; return how many. For erasure."""
    removed = 0
    for kept in LOOKS.each(keys.look(child_id, "", "")[0]):
        LooksRow(kept.pk, kept.sk).delete()
        removed += 1
    return removed


def _bodies(pk: str) -> Iterator[str]:
    asked: dict[str, object] = {
        "TableName": table_name("looks"),
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": {":pk": {"S": pk}},
        "ProjectionExpression": "body",
        "ConsistentRead": True,
    }
    while True:
        try:
            page = client.client().query(**asked)
        except (BotoCoreError, ClientError) as error:
            raise StoreSilent() from error
        for item in page["Items"]:
            yield item["body"]["S"]
        if "LastEvaluatedKey" not in page:
            return
        asked["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def _named(look: Look) -> str:
    """Return what tells this look from others of its minute; a child stands readable in it."""
    if len(look.children) == 1:
        whom = look.children[0]
    else:
        whom = _digest([*look.children])
    why = _digest([look.purpose, *look.fields, look.session, look.via, look.opened_by])
    return f"{look.subject}#{look.action}#{whom}#{why}"


def _digest(of: Sequence[object]) -> str:
    return hashlib.sha256(msgspec.json.encode(of)).hexdigest()[:16]


def _row(key: tuple[str, str], value: object) -> LooksRow:
    return LooksRow(*key, version=1, body=msgspec.json.encode(value).decode())


def _write(rows: Sequence[LooksRow]) -> None:
    name = table_name("looks")
    request: Mapping[str, object] = {
        name: [{"PutRequest": {"Item": row.serialize()}} for row in rows]
    }
    for attempt in range(_TRIES):
        try:
            answer = client.client().batch_write_item(RequestItems=request)
        except (BotoCoreError, ClientError) as error:
            raise StoreSilent() from error
        request = answer.get("UnprocessedItems") or {}
        if not request:
            return
        time.sleep(pause(attempt))
    raise StoreSilent()
