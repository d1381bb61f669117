"""A mark: what one record says of one day, packed into one integer.

Marks of a child-month form a set. Adding a mark twice changes nothing, and the order of adding
leaves no trace, so late, doubled and reordered uploads fold to the same days. Each mark names its
record: `tag` is the tablet, `counter` the record in its chain.

    bit  62 guessed · 61–57 day of the month · 56–53 kind · 52–51 way · 50–40 minute of the day
         39–24 the tablet's tag · 23–0 counter            (63 bits: a signed 64-bit integer)
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache

from chalicelib.attendance.rules.records import ABSENCES, WAYS, Record
from chalicelib.kernel.periods import local

# A child's month holds 22 days, in and out: 44 marks, 600 bytes. Beyond this it is abuse.
MARKS_MAX = 400

IN, OUT = 1, 2
ABSENCE_KINDS = {code: 3 + n for n, code in enumerate(ABSENCES)}
ABSENCE_CODES = {kind: code for code, kind in ABSENCE_KINDS.items()}
TOP_SHIFT = 53
GUESSED_BIT = 1 << 9  # of the top ten bits


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A mark in words; the order is that of time within a month."""

    day: int
    minute: int
    counter: int
    tag: int
    kind: int
    way: str
    guessed: bool

    @property
    def absence(self) -> str | None:
        """Return the absence code, None for in and out."""
        return ABSENCE_CODES.get(self.kind)


@lru_cache(maxsize=4096)
def tag_of(device_id: str) -> int:
    """Return the 16 bits that stand for a tablet in marks."""
    return int.from_bytes(hashlib.sha256(device_id.encode()).digest()[:2], "big")


def mark_of(record: Record) -> int:
    """Return the mark of a record: a function of the record alone."""
    at = local(record.happened_at)
    kind = {"in": IN, "out": OUT}.get(record.kind)
    if kind is None:
        kind = ABSENCE_KINDS[record.reason or "N"]
    return (
        record.guessed << 62
        | at.day << 57
        | kind << 53
        | WAYS.index(record.way) << 51
        | (at.hour * 60 + at.minute) << 40
        | tag_of(record.kid) << 24
        | record.counter
    )


def read_mark(number: int) -> Mark:
    """Return a packed mark in words."""
    return Mark(
        day=number >> 57 & 31,
        minute=number >> 40 & 2047,
        counter=number & 0xFFFFFF,
        tag=number >> 24 & 0xFFFF,
        kind=number >> 53 & 15,
        way=WAYS[number >> 51 & 3],
        guessed=bool(number >> 62 & 1),
    )
