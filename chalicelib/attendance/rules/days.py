"""From marks to days: the timesheet of a child-month as a pure function of a set of marks.

One state machine per child and day, so that attendance and absence on the same day have one
answer whatever came first:

    a real arrival (a real departure too, where no absence is marked)    P
    else an absence; of several the one marked last                      its code
    else, on a working day                                               N, "no-record": a finding
    a day off / outside the enrolment                                    H / X

A guessed time (the tablet closed the day by itself) is shown and earns nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Literal, get_args

from chalicelib.attendance.rules.marks import (
    ABSENCE_CODES,
    GUESSED_BIT,
    IN,
    OUT,
    TOP_SHIFT,
    Mark,
    read_mark,
)
from chalicelib.kernel.periods import DateRange, Month
from chalicelib.kernel.workdays import Calendar

DayCode = Literal["P", "S", "Q", "W", "V", "R", "F", "N", "H", "X"]
Standing = Literal["open", "confirmed", "disputed", "undecided"]
Flag = Literal[
    "no-record",  # nothing was marked on a working day
    "conflict",  # present and absent on the same day: presence counts
    "corrected",  # several absence reasons: the last counts
    "guessed",  # only guessed times: no presence
    "no-arrival",  # a departure without an arrival
    "no-departure",  # an arrival without a departure
    "overnight",  # the interval ends on the next day
    "outside-hours",  # an arrival or departure while the site is closed
    "day-off",  # marked on a weekend or holiday
    "not-enrolled",  # marked on a day outside the enrolment
    "late-mark",  # a mark that came after approval says otherwise
    "decided",  # the department decided this line
]

_LONGEST_STAY_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class Day:
    """One day of a child's timesheet.

    code: as the policy's absence rows name it. proved: the paper that the reason asks for was
    filed. standing: "open" while the family may still speak; "confirmed" by the family or decided
    by the department; "disputed" and "undecided" lines are held, alone.
    """

    on: date
    code: DayCode
    flags: tuple[Flag, ...] = ()
    proved: bool = False
    standing: Standing = "open"

    @property
    def confirmed(self) -> bool:
        return self.standing == "confirmed"

    @property
    def held(self) -> bool:
        return self.standing in ("disputed", "undecided")

    @property
    def counted(self) -> bool:
        """Return whether the day is in question at all: neither off nor outside the enrolment."""
        return self.code not in ("H", "X")


@dataclass(frozen=True, slots=True)
class Visit:
    """An interval in minutes of its day, as marked; an end that is missing is None.

    left past 1440 is on the next day. guessed: one of the two times was guessed.
    """

    came: int | None
    left: int | None
    ways: tuple[str, ...]
    guessed: bool = False


def fold(
    marks: Collection[int],
    *,
    month: Month,
    enrolled: Sequence[DateRange],
    calendar: Calendar,
    upto: date | None = None,
    standing: Standing = "open",
) -> tuple[Day, ...]:
    """Return the days of a month in order, each as its marks make it.

    enrolled: the child's days at the site. upto: the last day that is over; later days stand only
    if they were marked. standing: of the days in question; the others are never held. The result
    depends on the set of marks alone. Raises CalendarMissing.
    """
    came = left = absent = guessed = 0
    reasons: dict[int, str] = {}
    several: set[int] = set()
    for top in {number >> TOP_SHIFT for number in marks}:
        day, kind = top >> 4 & 31, top & 15
        if top & GUESSED_BIT:
            guessed |= 1 << day
        elif kind == IN:
            came |= 1 << day
        elif kind == OUT:
            left |= 1 << day
        else:
            absent |= 1 << day
            if day in reasons:
                several.add(day)
            reasons[day] = ABSENCE_CODES[kind]
    for day in several:
        reasons[day] = _last_reason(marks, day)

    touched = came | left | absent | guessed
    last = month.last.day if upto is None else _upto(month, upto)
    beside: Standing = "open" if standing == "open" else "confirmed"
    days: list[Day] = []
    for number, (on, base) in enumerate(_bases(month, tuple(enrolled), calendar), start=1):
        bit = 1 << number
        if not touched & bit:
            if number > last and base != "X":
                continue
            if base:
                days.append(_day(on, base, (), False, beside))
            else:
                days.append(_day(on, "N", ("no-record",), False, standing))
        elif base:
            flag: Flag = "day-off" if base == "H" else "not-enrolled"
            days.append(_day(on, base, (flag,), False, beside))
        elif came & bit or (left & bit and not absent & bit):
            flags = _present_flags(came & bit, absent & bit)
            days.append(_day(on, "P", flags, False, standing))
        elif absent & bit:
            flags = ("conflict",) if left & bit else ()
            if number in several:
                flags = (*flags, "corrected")
            days.append(_day(on, reasons[number], flags, False, standing))
        else:
            days.append(_day(on, "N", ("guessed",), False, standing))
    return tuple(days)


def visits(
    marks: Iterable[int], *, opens: int = 0, closes: int = _LONGEST_STAY_MINUTES
) -> dict[int, tuple[tuple[Visit, ...], tuple[Flag, ...]]]:
    """Return day of the month → its intervals and what is odd about them, for people to look at.

    opens, closes: minutes of the day between which arrivals and departures are usual. An interval
    may run past midnight, at most to the same hour of the next day, and belongs to its first day.
    """
    events = sorted(
        (mark for mark in map(read_mark, marks) if mark.kind in (IN, OUT)),
        key=lambda mark: (mark.day, mark.minute, mark.kind, mark.counter, mark.tag),
    )
    found: dict[int, list[Visit]] = {}
    flags: dict[int, set[Flag]] = {}
    inside: Mark | None = None

    def note(day: int, visit: Visit, flag: Flag | None) -> None:
        found.setdefault(day, []).append(visit)
        if flag:
            flags.setdefault(day, set()).add(flag)

    for event in events:
        if not opens <= event.minute < closes:
            flags.setdefault(event.day, set()).add("outside-hours")
        if event.kind == IN:
            if inside is not None:
                note(inside.day, _visit(inside, None), "no-departure")
            inside = event
            continue
        if inside is None:
            note(event.day, _visit(None, event), "no-arrival")
            continue
        minutes = (event.day - inside.day) * 1440 + event.minute - inside.minute
        if minutes <= _LONGEST_STAY_MINUTES:
            note(inside.day, _visit(inside, event), "overnight" if event.day > inside.day else None)
        else:
            note(inside.day, _visit(inside, None), "no-departure")
            note(event.day, _visit(None, event), "no-arrival")
        inside = None
    if inside is not None:
        note(inside.day, _visit(inside, None), "no-departure")
    return {
        day: (tuple(found.get(day, ())), tuple(sorted(flags.get(day, ()))))
        for day in sorted(found.keys() | flags.keys())
    }


def count_attended(days: Iterable[Day]) -> int:
    """Return how many days the child was there."""
    return sum(day.code == "P" for day in days)


def _visit(came: Mark | None, left: Mark | None) -> Visit:
    both = [mark for mark in (came, left) if mark is not None]
    over = 1440 * (left.day - came.day) if came and left else 0
    return Visit(
        came.minute if came else None,
        left.minute + over if left else None,
        tuple(dict.fromkeys(mark.way for mark in both)),
        any(mark.guessed for mark in both),
    )


def _present_flags(came: int, absent: int) -> tuple[Flag, ...]:
    if absent:
        return ("conflict",)
    if not came:
        return ("no-arrival",)
    return ()


def _last_reason(marks: Iterable[int], day: int) -> str:
    last = max(
        (mark for mark in map(read_mark, marks) if mark.day == day and mark.absence),
        key=lambda mark: (mark.minute, mark.counter, mark.tag, mark.kind),
    )
    return last.absence or "N"


def _upto(month: Month, upto: date) -> int:
    if upto < month.first:
        return 0
    return min(upto, month.last).day


@lru_cache(maxsize=2048)
def _bases(
    month: Month, enrolled: tuple[DateRange, ...], calendar: Calendar
) -> tuple[tuple[date, str], ...]:
    """Return each day with "X" outside the enrolment, "H" when off, "" when it is in question."""
    return tuple(
        (
            on,
            "X"
            if not any(on in days for days in enrolled)
            else ("" if calendar.is_working(on) else "H"),
        )
        for on in month.days()
    )


# Two hundred children share the same few hundred days: equal days are one object.
@lru_cache(maxsize=8192)
def _day(
    on: date,
    code: DayCode,
    flags: tuple[Flag, ...] = (),
    proved: bool = False,
    standing: Standing = "open",
) -> Day:
    return Day(on, code, flags, proved, standing)


same_day = _day


@lru_cache(maxsize=256)
def confirmed_days(month: Month) -> tuple[dict[str, Day], ...]:
    """Return for each day of a month code → the day, confirmed; for sheets that are approved."""
    codes = get_args(DayCode)
    return tuple(
        {code: _day(on, code, (), False, "confirmed") for code in codes} for on in month.days()
    )
