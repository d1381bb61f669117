"""What falls due when: a row per deadline, written with the thing whose clock it is.

A row is a reminder, not a verdict: the job reads the thing itself and decides by its own dates, so
a deadline that moved or was met costs one read and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from chalicelib.kernel.periods import local_day, stamp
from chalicelib.storage import keys
from chalicelib.storage.commit import Delete, Put
from chalicelib.storage.rows import QueueRow
from chalicelib.storage.shelf import Kept, Shelf


@dataclass(frozen=True, slots=True)
class Due:
    """topic: which action looks at it ("applications/confirm"); subject: the thing's id."""

    topic: str
    subject: str
    at: str


DUE: Shelf[Due] = Shelf(QueueRow, Due)


def due(at: datetime, topic: str, subject: str) -> Put:
    """Describe a reminder; the same one again replaces itself."""
    key = keys.due(local_day(at), stamp(at), f"{topic}#{subject}")
    row = DUE.create(key, Due(topic, subject, stamp(at))).row
    return Put(row)


def list_due(now: datetime, *, days_back: int) -> Iterator[Kept[Due]]:
    """Yield what has fallen due by `now`, oldest first; looks `days_back` days behind today."""
    today = local_day(now)
    for back in range(days_back, -1, -1):
        on: date = today - timedelta(days=back)
        yield from DUE.each(keys.due(on, "", "")[0], upto=stamp(now) + "~")


def done(kept: Kept[Due]) -> Delete:
    """Describe the removal of a reminder that was looked at."""
    return Delete(QueueRow(kept.pk, kept.sk, version=kept.version + 1))
