"""Which schedules ran for which day: a mark that a run leaves when its work was handed out.

A mark is of operations, no fact: it is not in the journal and goes after a year. It carries the
event's instant, not the clock's, so that a run made twice leaves the same mark.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from chalicelib.kernel.periods import local_day, stamp
from chalicelib.storage import keys
from chalicelib.storage.commit import Put, commit
from chalicelib.storage.rows import QueueRow
from chalicelib.storage.shelf import Shelf

_KEPT_DAYS = 400


@dataclass(frozen=True, slots=True)
class Ran:
    """job: the schedule's name in app.py. asked: how many pieces of work it handed out."""

    job: str
    at: str
    asked: int


RAN: Shelf[Ran] = Shelf(QueueRow, Ran)


def mark(job: str, *, at: datetime, asked: int = 0) -> None:
    """Leave the mark of a run; the same again replaces itself."""
    expires_at = int(at.timestamp()) + _KEPT_DAYS * 86400
    value = Ran(job, stamp(at), asked)
    row = RAN.create(keys.ran(local_day(at), job), value, expires_at=expires_at).row
    commit([Put(row)])


def of_day(on: date) -> Mapping[str, Ran]:
    """Return the marks of a day by job. One query."""
    return {kept.value.job: kept.value for kept in RAN.each(keys.ran(on, "")[0])}
