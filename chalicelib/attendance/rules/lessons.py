"""From marks to lessons: what was marked, against when the group meets.

An arrival belongs to the lesson whose time it falls in, from some minutes before its start to its
end; between two, to the one whose start is nearer; a lesson that is given goes before one that is
not. An absence marked in the time of a lesson is that lesson's, at any other time the whole day's.

    lesson given, a real arrival                              P
    lesson given, else an absence; of several the last        its code
    lesson given, else, once the day is over                  N, "no-record": a finding
    lesson cancelled / public holiday / outside enrolment     L / H / X, whatever was marked

Departures are shown and earn nothing: a visit of a lesson is an arrival.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from chalicelib.attendance.rules.days import Visit
from chalicelib.attendance.rules.lines import Flag, Line, LineCode, Standing, same_line
from chalicelib.attendance.rules.marks import IN, OUT, Mark, read_mark
from chalicelib.attendance.rules.records import Code, Record
from chalicelib.kernel.periods import DateRange, local
from chalicelib.lessons.rules import Lesson

Base = Literal["", "L", "H", "X"]

_FLAG_BESIDE: Mapping[Base, Flag] = {
    "L": "lesson-cancelled",
    "H": "day-off",
    "X": "not-enrolled",
}


@dataclass(frozen=True, slots=True, order=True)
class Slot:
    """A lesson of a child's month. base: "" in question, else its code whatever is marked."""

    on: date
    starts: int
    minutes: int
    base: Base = ""

    def holds(self, minute: int, early: int) -> bool:
        return self.starts - early <= minute < self.starts + self.minutes


def slots_of(
    stays: Iterable[tuple[str, DateRange]], lessons: Mapping[str, Sequence[Lesson]]
) -> tuple[Slot, ...]:
    """Return the lessons a child is asked about, in order; one in an hour of the clock.

    stays: group and days, oldest first. lessons: of a month, by group, holidays too. Where two
    groups meet in one hour, the one the child is enrolled in counts, of two such the later stay.
    """
    best: dict[tuple[date, int], tuple[int, Slot]] = {}
    for group_id, days in stays:
        for lesson in lessons.get(group_id, ()):
            base = _base(lesson, days)
            rank = ("X", "H", "L", "").index(base)
            hour = (lesson.on, lesson.starts // 60)
            held = best.get(hour)
            if held is None or held[0] <= rank:
                best[hour] = (rank, Slot(lesson.on, lesson.starts, lesson.minutes, base))
    return tuple(sorted(slot for _, slot in best.values()))


def fold_lessons(
    marks: Collection[int],
    *,
    slots: Sequence[Slot],
    early: int,
    upto: date | None = None,
    standing: Standing = "open",
    odd: Collection[int] = (),
) -> tuple[Line, ...]:
    """Return the lines of a child's lessons in order, each as its marks make it.

    early: minutes before a lesson from which an arrival counts. upto: the last day that is over;
    later lessons stand only if they were marked. odd: marks made with many others in one second.
    The result depends on the set of marks alone.
    """
    of_day: dict[int, list[Slot]] = {}
    for slot in slots:
        of_day.setdefault(slot.on.day, []).append(slot)
    came: dict[Slot, list[int]] = {}
    guessed: set[Slot] = set()
    absent: dict[Slot, list[Mark]] = {}
    for number in marks:
        # Written out, as most marks are arrivals and departures of two hundred children.
        kind = number >> 53 & 15
        if kind == OUT:
            continue
        today = of_day.get(number >> 57 & 31, ())
        of = slot_at(today, number >> 40 & 2047, early)
        if kind != IN:
            for one in today if of is None else (of,):
                absent.setdefault(one, []).append(read_mark(number))
        elif of is not None:
            if number >> 62 & 1:
                guessed.add(of)
            else:
                came.setdefault(of, []).append(number)
    beside: Standing = "open" if standing == "open" else "confirmed"
    lines: list[Line] = []
    for slot in slots:
        seen = slot in came or slot in absent or slot in guessed
        if not seen and upto is not None and slot.on > upto:
            continue
        if slot.base:
            flags: tuple[Flag, ...] = (_FLAG_BESIDE[slot.base],) if slot in came else ()
            lines.append(_line(slot, slot.base, flags, beside))
            continue
        code, flags = _judged(
            came.get(slot, ()), absent.get(slot, ()), guessed=slot in guessed, odd=odd
        )
        lines.append(_line(slot, code, flags, standing))
    return tuple(lines)


def slot_at(slots: Iterable[Slot], minute: int, early: int) -> Slot | None:
    """Return the lesson of a day that a minute belongs to, None where it is nobody's."""
    held = [slot for slot in slots if slot.holds(minute, early)]
    if len(held) < 2:
        return held[0] if held else None
    return min(
        held,
        key=lambda slot: (slot.base != "", abs(slot.starts - minute), slot.starts),
    )


def visits_of(line: Line, visits: Iterable[Visit], *, early: int) -> tuple[Visit, ...]:
    """Return the intervals of a day that began in a lesson's time, for people to look at."""
    slot = Slot(line.on, line.starts or 0, line.minutes)
    return tuple(v for v in visits if v.came is not None and slot.holds(v.came, early))


def judge_visit(
    record: Record, lessons: Iterable[Lesson], *, early: int
) -> tuple[Code | None, str | None]:
    """Return why a record of a child in a group makes no mark, and the lesson it is of.

    lessons: the group's of that month. An arrival needs a lesson under way or about to begin; a
    departure and an absence need a lesson that day.
    """
    at = local(record.happened_at)
    minute = at.hour * 60 + at.minute
    today = {
        Slot(x.on, x.starts, x.minutes, "" if x.given else "L"): x
        for x in lessons
        if x.on == record.on and x.state != "holiday"
    }
    if record.kind == "in":
        slot = slot_at(today, minute, early)
        if slot is None:
            return "outside-timetable", None
        return ("lesson-cancelled" if slot.base else None), today[slot].lesson_id
    of_day = [s for s in today if record.kind == "absence" or s.starts - early <= minute]
    if any(not slot.base for slot in of_day):
        return None, None
    return ("lesson-cancelled" if of_day else "outside-timetable"), None


def crowded(arrivals: Iterable[tuple[str, str, datetime, str]], *, most: int) -> frozenset[str]:
    """Return the arrivals, by hash, of which more than `most` children share a lesson and a second.

    arrivals: lesson, enrolment, instant, hash. most: 0 asks no such question.
    """
    if most == 0:
        return frozenset()
    children: dict[tuple[str, datetime], set[str]] = {}
    names: dict[tuple[str, datetime], set[str]] = {}
    for lesson, enrolment, at, name in arrivals:
        second = (lesson, at.replace(microsecond=0))
        children.setdefault(second, set()).add(enrolment)
        names.setdefault(second, set()).add(name)
    together = [names[second] for second in names if len(children[second]) > most]
    return frozenset(name for some in together for name in some)


def _base(lesson: Lesson, days: DateRange) -> Base:
    if lesson.on not in days:
        return "X"
    if lesson.state == "holiday":
        return "H"
    return "" if lesson.given else "L"


def _judged(
    came: Collection[int], absent: Sequence[Mark], *, guessed: bool, odd: Collection[int]
) -> tuple[LineCode, tuple[Flag, ...]]:
    """Return code and flags of a lesson that was given."""
    if came:
        flags: tuple[Flag, ...] = ("conflict",) if absent else ()
        # One arrival marked by itself is enough: the child was seen.
        if odd and all(number in odd for number in came):
            flags = (*flags, "same-second")
        return "P", flags
    if absent:
        last = max(absent, key=lambda mark: (mark.minute, mark.counter, mark.tag, mark.kind))
        several = len({mark.absence for mark in absent}) > 1
        code: LineCode = last.absence or "N"  # type: ignore[assignment]
        return code, (("corrected",) if several else ())
    return "N", (("guessed",) if guessed else ("no-record",))


def _line(slot: Slot, code: LineCode, flags: tuple[Flag, ...], standing: Standing) -> Line:
    return same_line(slot.on, code, flags, False, standing, slot.starts, slot.minutes)
