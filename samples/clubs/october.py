"""October 2026 in a city of clubs: which lessons a weekly timetable makes, and who misses them.

Reckoned apart from Kezek: the two days off of this October stand here as dates, and a lesson is
a day and an hour. Republic Day is Sunday the 25th, and Monday the 26th is its day off.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

MONTH = "2026-10"
FIRST, LAST = date(2026, 10, 1), date(2026, 10, 31)
DAYS_OFF = (date(2026, 10, 25), date(2026, 10, 26))
DAYS = tuple(FIRST + timedelta(days=n) for n in range(31))

PRESENT, ILL, MISSED = "P", "S", "N"

# Weekdays of a group (1 is Monday). With Monday the 26th off, each of these makes 12 lessons …
TWELVE = ((1, 3, 5), (1, 2, 4), (1, 3, 6), (1, 2, 5), (1, 2, 6), (1, 3, 4))
# … this one 14, which is more than the cap pays, and this one 9.
FOURTEEN, NINE = (2, 4, 6), (2, 5)


@dataclass(frozen=True, slots=True, order=True)
class Lesson:
    """A lesson as a timetable names it: day and hour of its start on the wall clock."""

    on: date
    starts: str

    @property
    def id(self) -> str:
        """Return the lesson's id: 20261005T1600."""
        return f"{self.on:%Y%m%d}T{self.starts.replace(':', '')}"


def lessons(weekdays: tuple[int, ...], starts: str) -> list[Lesson]:
    """Return the planned lessons of a group in October, in their order."""
    return [
        Lesson(day, starts)
        for day in DAYS
        if day.isoweekday() in weekdays and day not in DAYS_OFF
    ]


def mark(ordinal: int, nth: int) -> str:
    """Return how a pupil spends a lesson.

    ordinal: the pupil's place in its stream; nth: 0 for the pupil's first lesson of the month. One
    in twenty is ill for two lessons, one in twenty-five misses one, one in a hundred three in a row.
    """
    if ordinal % 20 == 3 and nth in (3, 4):
        return ILL
    if ordinal % 25 == 7 and nth == 5:
        return MISSED
    if ordinal % 100 == 11 and nth in (6, 7, 8):
        return MISSED
    return PRESENT


def spent(ordinal: int, own: list[Lesson]) -> Iterator[tuple[Lesson, str]]:
    """Yield each of a pupil's lessons with how it was spent."""
    for nth, lesson in enumerate(own):
        yield lesson, mark(ordinal, nth)
