"""The mark of the reminders that were all looked at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from chalicelib.storage import keys
from chalicelib.storage.commit import Put
from chalicelib.storage.rows import QueueRow
from chalicelib.storage.shelf import Kept, Shelf


@dataclass(frozen=True, slots=True)
class Mark:
    """Reminders of days before `from_day` were all looked at; `swept_on`: the last long look."""

    from_day: date
    swept_on: date


MARKS: Shelf[Mark] = Shelf(QueueRow, Mark)


def find_mark() -> Kept[Mark] | None:
    return MARKS.find(keys.due_mark())


def keep_mark(mark: Mark) -> Put:
    """Describe the mark; whichever pass ends last says it, and a lost one costs a longer look."""
    row: Any = MARKS.create(keys.due_mark(), mark).row
    return Put(row)
