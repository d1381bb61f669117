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
from typing import get_args

from chalicelib.attendance.rules.lines import Flag, Line, LineCode, Standing, same_line
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

_LONGEST_STAY_MINUTES = 24 * 60


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
    odd: Collection[int] = (),
) -> tuple[Line, ...]:
    """Return the days of a month in order, each as its marks make it.

    enrolled: the child's days at the site. upto: the last day that is over; later days stand only
    if they were marked. standing: of the days in question; the others are never held. odd: marks
    made with many others in one second. The result depends on the set of marks alone. Raises
    CalendarMissing.
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
    days: list[Line] = []
    for number, (on, base) in enumerate(_bases(month, tuple(enrolled), calendar), start=1):
        bit = 1 << number
        if not touched & bit:
            if number > last and base != "X":
                continue
            if base:
                days.append(same_line(on, base, (), False, beside))
            else:
                days.append(same_line(on, "N", ("no-record",), False, standing))
        elif base:
            flag: Flag = "day-off" if base == "H" else "not-enrolled"
            days.append(same_line(on, base, (flag,), False, beside))
        elif came & bit or (left & bit and not absent & bit):
            flags = _present_flags(came & bit, absent & bit)
            if odd and _all_odd(marks, odd, number):
                flags = (*flags, "same-second")
            days.append(same_line(on, "P", flags, False, standing))
        elif absent & bit:
            flags = ("conflict",) if left & bit else ()
            if number in several:
                flags = (*flags, "corrected")
            days.append(same_line(on, reasons[number], flags, False, standing))
        else:
            days.append(same_line(on, "N", ("guessed",), False, standing))
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


def count_attended(lines: Iterable[Line]) -> int:
    """Return how many days the child was there, whatever the number of lessons."""
    return len({line.on for line in lines if line.code == "P"})


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


def _all_odd(marks: Iterable[int], odd: Collection[int], day: int) -> bool:
    """Return whether nobody marked the child's presence of a day by itself."""
    present = [n for n in marks if n >> 57 & 31 == day and read_mark(n).kind in (IN, OUT)]
    return all(number in odd for number in present)


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


@lru_cache(maxsize=256)
def confirmed_days(month: Month) -> tuple[dict[str, Line], ...]:
    """Return for each day of a month code → the day, confirmed; for sheets that are approved."""
    codes = get_args(LineCode)
    return tuple(
        {code: same_line(on, code, (), False, "confirmed") for code in codes} for on in month.days()
    )
