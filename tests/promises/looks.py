"""Look entries by the thousand, written as the system writes them but without asking anybody."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import msgspec

from chalicelib.access.rules import Look
from chalicelib.access.store.looking import _named
from chalicelib.kernel.periods import local_day, stamp
from chalicelib.storage import client, keys
from chalicelib.storage.rows import table_name

_FIELDS = (("names", "enrolment"), ("application", "statuses"), ("attendance",))


@dataclass(frozen=True)
class Crowd:
    """Who looks: subjects; at whom: children; from when on, for how many days."""

    subjects: int
    children: int
    since: datetime
    days: int
    seed: int = 1


def entries(crowd: Crowd, count: int, *, thief: str | None, share: int) -> Iterator[Look]:
    """Yield looks in a fixed pseudo-random order; every `share`-th is the thief's."""
    dice = random.Random(crowd.seed)
    for number in range(count):
        at = crowd.since + timedelta(minutes=dice.randrange(crowd.days * 1440))
        mine = thief is not None and number % share == 0
        yield Look(
            at=stamp(at)[:16] + ":00Z",
            roles=("department",),
            subject=thief if mine and thief else f"subject-{dice.randrange(crowd.subjects):06d}",
            action="applications/list-to-verify",
            purpose="verification",
            fields=_FIELDS[number % 3],
            session="session-of-the-thief" if mine else "",
            children=(f"child-{dice.randrange(crowd.children):08d}",),
        )


def row_of(look: Look) -> dict[str, Any]:
    """Return the row by caller and day, in the store's own JSON."""
    on = local_day(datetime.fromisoformat(look.at))
    pk, sk = keys.looker(look.subject, on, look.at, _named(look))
    body = msgspec.json.encode(look).decode()
    return {"pk": {"S": pk}, "sk": {"S": sk}, "v": {"N": "1"}, "body": {"S": body}}


def write(looks: Iterator[Look], *, threads: int = 2) -> None:
    """Write entries by caller and day, twenty-five to a call."""
    name = table_name("looks")

    def put(part: list[Look]) -> None:
        # The same key twice in a call is refused, and would be one row anyway.
        rows = {}
        for look in part:
            row = row_of(look)
            rows[row["pk"]["S"], row["sk"]["S"]] = row
        request = {name: [{"PutRequest": {"Item": row}} for row in rows.values()]}
        while request:
            request = client.client().batch_write_item(RequestItems=request)["UnprocessedItems"]

    with ThreadPoolExecutor(threads) as pool:
        while chunk := list(islice(looks, 25 * 200)):
            list(pool.map(put, [chunk[i : i + 25] for i in range(0, len(chunk), 25)]))
