"""What a child's month is asked about: its days, or its lessons. One law of sheets serves both.

A plan makes lines of marks, and writes approved lines as a short text that it reads back, so that
what a family approved never drifts with a timetable, an enrolment or a calendar.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Protocol

from chalicelib.attendance.rules.days import confirmed_days, fold
from chalicelib.attendance.rules.lessons import Slot, fold_lessons
from chalicelib.attendance.rules.lines import Line, LineCode, LineName, Standing, same_line
from chalicelib.kernel.periods import DateRange, Month
from chalicelib.kernel.workdays import Calendar
from chalicelib.lessons.rules import read_lesson_id

# "05T1600/60P": the day, the start, the minutes, the code.
_TAUGHT = re.compile(r"([0-9]{2})T([0-9]{2})([0-9]{2})/([0-9]+)([A-Z])")


class Plan(Protocol):
    """The lines that a child's month at a site may have."""

    @property
    def month(self) -> Month: ...

    def fold(
        self,
        marks: Collection[int],
        *,
        upto: date | None,
        standing: Standing,
        odd: Collection[int] = (),
    ) -> tuple[Line, ...]:
        """Return the lines that marks make."""
        ...

    def pack(self, lines: Iterable[Line]) -> str:
        """Return approved lines as a short text."""
        ...

    def approved(self, codes: str) -> tuple[Line, ...]:
        """Return the lines of such a text, confirmed."""
        ...

    def has(self, name: LineName) -> bool:
        """Return whether such a line may be spoken of."""
        ...


@dataclass(frozen=True, slots=True)
class DayPlan:
    """Days. enrolled: the child's days at the site."""

    month: Month
    enrolled: tuple[DateRange, ...]
    calendar: Calendar

    def fold(
        self,
        marks: Collection[int],
        *,
        upto: date | None,
        standing: Standing,
        odd: Collection[int] = (),
    ) -> tuple[Line, ...]:
        return fold(
            marks,
            month=self.month,
            enrolled=self.enrolled,
            calendar=self.calendar,
            upto=upto,
            standing=standing,
            odd=odd,
        )

    def pack(self, lines: Iterable[Line]) -> str:
        """Return a sign per day of the month, "-" for a day not in question then."""
        of_day = {line.on: line.code for line in lines}
        return "".join(of_day.get(on, "-") for on in self.month.days())

    def approved(self, codes: str) -> tuple[Line, ...]:
        return _approved_days(codes, self.month)

    def has(self, name: LineName) -> bool:
        return name.lesson is None and Month.of(name.on) == self.month


@dataclass(frozen=True, slots=True)
class LessonPlan:
    """Lessons. early: minutes before a lesson from which an arrival counts."""

    month: Month
    slots: tuple[Slot, ...]
    early: int

    def fold(
        self,
        marks: Collection[int],
        *,
        upto: date | None,
        standing: Standing,
        odd: Collection[int] = (),
    ) -> tuple[Line, ...]:
        return fold_lessons(
            marks, slots=self.slots, early=self.early, upto=upto, standing=standing, odd=odd
        )

    def pack(self, lines: Iterable[Line]) -> str:
        return " ".join(taught_text(line) for line in lines)

    def approved(self, codes: str) -> tuple[Line, ...]:
        return taught_lines(codes, self.month)

    def has(self, name: LineName) -> bool:
        if name.lesson is None:
            return False
        on, starts = read_lesson_id(name.lesson)
        return any(slot.on == on and slot.starts == starts for slot in self.slots)


def taught_text(line: Line) -> str:
    """Return a lesson's line as it is kept once confirmed."""
    starts = line.starts or 0
    clock = f"{starts // 60:02d}{starts % 60:02d}"
    return f"{line.on.day:02d}T{clock}/{line.minutes}{line.code}"


# Most children of a group share a few patterns of a month.
@lru_cache(maxsize=1024)
def taught_lines(text: str, month: Month) -> tuple[Line, ...]:
    """Return the confirmed lines that such texts say, separated by spaces."""
    lines: list[Line] = []
    for day, hour, minute, minutes, code in _TAUGHT.findall(text):
        on = date(month.year, month.month, int(day))
        starts = int(hour) * 60 + int(minute)
        known: LineCode = code
        lines.append(same_line(on, known, (), False, "confirmed", starts, int(minutes)))
    return tuple(lines)


# Most children of a site share a few patterns of a month.
@lru_cache(maxsize=1024)
def _approved_days(codes: str, month: Month) -> tuple[Line, ...]:
    known = zip(confirmed_days(month), codes, strict=False)
    return tuple([of_day[code] for of_day, code in known if code != "-"])
