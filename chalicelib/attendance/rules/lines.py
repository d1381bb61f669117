"""A line of a timesheet: a day, or a lesson of a day, as the programme counts.

A line has a stable name: "2026-10-05" for a day, "20261005T1600" for a lesson. What people say of
it (a proof, a dispute, a decision) names it, whatever the timesheet says later.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Literal

from chalicelib.kernel.periods import Month
from chalicelib.kernel.refusals import Malformed
from chalicelib.lessons.rules import BadLesson, lesson_id, read_lesson_id

LineCode = Literal["P", "S", "Q", "W", "V", "R", "F", "N", "L", "H", "X"]
Standing = Literal["open", "confirmed", "disputed", "undecided"]
Flag = Literal[
    "no-record",  # nothing was marked for a line in question
    "conflict",  # present and absent on the same line: presence counts
    "corrected",  # several absence reasons: the last counts
    "guessed",  # only guessed times: no presence
    "no-arrival",  # a departure without an arrival
    "no-departure",  # an arrival without a departure
    "overnight",  # the interval ends on the next day
    "outside-hours",  # an arrival or departure while the site is closed
    "day-off",  # marked on a weekend or holiday
    "not-enrolled",  # marked on a day outside the enrolment
    "lesson-cancelled",  # marked in a lesson that was cancelled afterwards
    "same-second",  # marked with many others of the lesson in one second
    "doubted-tablet",  # nothing but a tablet under suspicion says so
    "late-mark",  # a mark that came after approval says otherwise
    "suspected",  # held, because an officer confirmed a signal about it
    "decided",  # the department decided this line
]


class BadDay(Malformed):
    """The line is not a day, or a lesson, of that month."""

    code = "attendance/bad-day"


@dataclass(frozen=True, slots=True)
class LineName:
    """Which line is meant; lesson: its name, None for a whole day."""

    on: date
    lesson: str | None = None

    @property
    def key(self) -> str:
        return self.lesson or self.on.isoformat()


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a child's timesheet.

    code: as the policy's absence rows name it. proved: the paper that the reason asks for was
    filed. standing: "open" while the family may still speak; "confirmed" by the family or decided
    by the department; "disputed" and "undecided" lines are held, alone. starts: the minute of the
    day at which a lesson begins, None for a whole day; minutes: how long it is, 0 for a day.
    """

    on: date
    code: LineCode
    flags: tuple[Flag, ...] = ()
    proved: bool = False
    standing: Standing = "open"
    starts: int | None = None
    minutes: int = 0

    @property
    def lesson(self) -> str | None:
        """Return the name of the lesson, None for a whole day."""
        return None if self.starts is None else lesson_id(self.on, self.starts)

    @property
    def key(self) -> str:
        return self.lesson or self.on.isoformat()

    @property
    def confirmed(self) -> bool:
        return self.standing == "confirmed"

    @property
    def held(self) -> bool:
        return self.standing in ("disputed", "undecided")

    @property
    def suspect(self) -> bool:
        """Return whether the line rests on a suspected tablet alone, and nobody decided it."""
        return "doubted-tablet" in self.flags and "decided" not in self.flags

    @property
    def counted(self) -> bool:
        """Return whether the child was to come: no day off, enrolled, the lesson not cancelled."""
        return self.code not in ("H", "X", "L")

    @property
    def asked(self) -> bool:
        """Return whether people may speak of it: a family may say that a lesson was held."""
        return self.code not in ("H", "X")


def line_name(text: str, month: Month) -> LineName:
    """Return the line that a text names, YYYY-MM-DD or YYYYMMDDThhmm. Raises BadDay."""
    try:
        if "T" in text:
            on, _ = read_lesson_id(text)
            name = LineName(on, text)
        else:
            on = date.fromisoformat(text)
            name = LineName(on)
    except (ValueError, BadLesson) as error:
        raise BadDay() from error
    if Month.of(on) != month or text != name.key:
        raise BadDay()
    return name


def lesson_name(text: str) -> LineName:
    """Return the lesson that a text names. Raises BadDay."""
    try:
        on, _ = read_lesson_id(text)
    except BadLesson as error:
        raise BadDay() from error
    return LineName(on, text)


# Two hundred children share the same few hundred lines: equal lines are one object.
@lru_cache(maxsize=8192)
def same_line(
    on: date,
    code: LineCode,
    flags: tuple[Flag, ...] = (),
    proved: bool = False,
    standing: Standing = "open",
    starts: int | None = None,
    minutes: int = 0,
) -> Line:
    """Return a line, the same object for the same content."""
    return Line(on, code, flags, proved, standing, starts, minutes)
