"""The law of timetables: the week from a day on, lessons cancelled, lessons made up.

A lesson is named by its day and start on Almaty's clock, "20261005T1600"; a group holds one lesson
in an hour of the clock at most, because an hour is what is paid once. Public holidays have no
lessons; weekends may. A timetable changes for days to come; what was taught stays as it was.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Literal

from chalicelib.kernel.periods import Month, local, stamp
from chalicelib.kernel.refusals import AnotherContent, Malformed, OutOfTurn, Unknown, UsedUp
from chalicelib.kernel.workdays import Calendar
from chalicelib.policy.rules import Rate
from chalicelib.providers.rules import WeeklyLesson

Reason = Literal["teacher-away", "premises", "weather", "authority", "other"]
State = Literal["planned", "cancelled", "made-up", "holiday"]

LESSONS_A_WEEK_MAX = 28
WEEKS_REMEMBERED_DAYS = 400
# One row holds a timetable: sixty full weeks, and all their lessons cancelled and made up, fit in.
WEEKS_MOST = 60
WEEKS_AHEAD_DAYS = 400
_DAY_MINUTES = 24 * 60
_LESSON = re.compile(r"[0-9]{8}T[0-9]{4}\Z")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]\Z")


class BadLesson(Malformed):
    """A lesson is named by its day and start, YYYYMMDDThhmm, Kazakhstan's time."""

    code = "lessons/bad-lesson"


class BadWeek(Malformed):
    """A weekly lesson has a weekday from 1 to 7, a start, and ends on the day it begins."""

    code = "lessons/bad-week"


class WrongLength(Malformed):
    """The group's lessons are paid by their length; `minutes` is the one it was admitted with."""

    code = "lessons/wrong-length"


class Overlap(OutOfTurn):
    """Two lessons of the group would overlap or begin in one hour of the clock."""

    code = "lessons/overlap"


class NoLessons(OutOfTurn):
    """The programme counts days; its groups have no lessons."""

    code = "lessons/no-lessons"


class StartsTooSoon(OutOfTurn):
    """A timetable changes for days to come; `from_on` is the first it may change."""

    code = "lessons/starts-too-soon"


class ChangedMeanwhile(OutOfTurn):
    """Somebody changed the timetable since it was read; `revision` is the one to look at now."""

    code = "lessons/changed-meanwhile"


class MonthClosed(OutOfTurn):
    """The provider closed that month; its lessons stay as they are."""

    code = "lessons/month-closed"


class TooManyWeeks(UsedUp):
    """A timetable keeps `most` weeks; another can be published when the oldest is forgotten."""

    code = "lessons/too-many-weeks"


class NotCancelled(OutOfTurn):
    """Only a lesson that was cancelled can be made up."""

    code = "lessons/not-cancelled"


class MadeUpAlready(OutOfTurn):
    """That lesson is made up already; `lesson` is when."""

    code = "lessons/made-up-already"


class AnotherMonth(OutOfTurn):
    """A lesson is made up within the month in which it was cancelled."""

    code = "lessons/another-month"


class OnHoliday(OutOfTurn):
    """There are no lessons on a public holiday."""

    code = "lessons/on-holiday"


class InThePast(OutOfTurn):
    """A made-up lesson is announced before it begins."""

    code = "lessons/in-the-past"


@dataclass(frozen=True, slots=True)
class DatedWeek:
    """The lessons of a week, from a day on."""

    from_on: date
    lessons: tuple[WeeklyLesson, ...] = ()


@dataclass(frozen=True, slots=True)
class Cancelled:
    """A lesson that will not be, or was not, given."""

    lesson: str
    reason: Reason
    at: str


@dataclass(frozen=True, slots=True)
class Extra:
    """A lesson outside the week, given instead of a cancelled one."""

    lesson: str
    instead_of: str
    minutes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Timetable:
    """When a group meets. revision: counts the head's changes of the week."""

    group_id: str
    site_id: str
    weeks: tuple[DatedWeek, ...] = ()
    cancelled: tuple[Cancelled, ...] = ()
    extra: tuple[Extra, ...] = ()
    revision: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """One lesson of a month. starts: minutes of the day; instead_of: what it makes up for.

    state "holiday": the week would have a lesson, the calendar has none. reason: of cancelling.
    """

    lesson_id: str
    on: date
    starts: int
    minutes: int
    state: State = "planned"
    instead_of: str | None = None
    reason: str | None = None

    @property
    def given(self) -> bool:
        """Return whether the lesson takes place as far as the timetable knows."""
        return self.state in ("planned", "made-up")

    @property
    def ends(self) -> int:
        return self.starts + self.minutes


@dataclass(frozen=True, slots=True)
class AboveCap:
    """A month of more lessons than its cap pays: allowed, and its head should know.

    lessons: how many the month has; paid_max: how many of them earn.
    """

    code: Literal["above-cap"]
    month: str
    lessons: int
    paid_max: int


# --- names --------------------------------------------------------------------------------------


# A month's lessons are named some thousand times when a club is billed.
@lru_cache(maxsize=4096)
def lesson_id(on: date, starts: int) -> str:
    """Return the name of a lesson; starts: minutes of the day."""
    return f"{on:%Y%m%d}T{starts // 60:02d}{starts % 60:02d}"


def read_lesson_id(text: str) -> tuple[date, int]:
    """Return the day and the minute of the day a lesson's name says. Raises BadLesson."""
    if _LESSON.match(text) is None:
        raise BadLesson()
    hour, minute = int(text[9:11]), int(text[11:])
    try:
        on = date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except ValueError as error:
        raise BadLesson() from error
    # The calendar of months ends with 2999, and the month after a lesson's has to be in it.
    if hour > 23 or minute > 59 or not 2000 <= on.year < 2999:
        raise BadLesson()
    return on, hour * 60 + minute


# --- a month of lessons -------------------------------------------------------------------------


def lessons_in(
    timetable: Timetable, month: Month, calendar: Calendar, *, holidays: bool = False
) -> tuple[Lesson, ...]:
    """Return a group's lessons of a month in order, cancelled and made-up ones too.

    holidays: also those of the week that fall on public holidays. Raises CalendarMissing.
    """
    found: dict[str, Lesson] = {}
    gone = {one.lesson: one for one in timetable.cancelled}
    for on in month.days():
        week = _week_on(timetable.weeks, on)
        if week is None:
            continue
        off = calendar.is_holiday(on)
        if off and not holidays:
            continue
        for weekly in week.lessons:
            if weekly.weekday == on.isoweekday():
                lesson = _lesson(on, minute_of(weekly.starts), weekly.minutes, gone)
                found[lesson.lesson_id] = replace(lesson, state="holiday") if off else lesson
    for extra in timetable.extra:
        on, starts = read_lesson_id(extra.lesson)
        if Month.of(on) == month:
            lesson = _lesson(on, starts, extra.minutes, gone)
            state: State = "made-up" if lesson.given else lesson.state
            found[extra.lesson] = replace(lesson, state=state, instead_of=extra.instead_of)
    return tuple(found[name] for name in sorted(found))


def find_lesson(timetable: Timetable, name: str, calendar: Calendar) -> Lesson | None:
    """Return one lesson by its name; None where the timetable has none. Raises BadLesson."""
    on, _ = read_lesson_id(name)
    lessons = lessons_in(timetable, Month.of(on), calendar)
    return next((lesson for lesson in lessons if lesson.lesson_id == name), None)


def week_for_catalogue(timetable: Timetable) -> tuple[WeeklyLesson, ...]:
    """Return the week that families who choose now should see: the last one published."""
    return timetable.weeks[-1].lessons if timetable.weeks else ()


def minute_of(clock: str) -> int:
    """Return "HH:MM" as minutes of the day."""
    return int(clock[:2]) * 60 + int(clock[3:])


def begins(lesson: Lesson, now: datetime) -> int:
    """Return the minutes until a lesson begins by Almaty's clock; negative once it has begun."""
    at = local(now)
    days = (lesson.on - at.date()).days
    return days * _DAY_MINUTES + lesson.starts - (at.hour * 60 + at.minute)


def is_over(lesson: Lesson, now: datetime) -> bool:
    """Return whether the lesson's last minute has passed."""
    return begins(lesson, now) + lesson.minutes <= 0


# --- publishing ---------------------------------------------------------------------------------


def publish(
    timetable: Timetable,
    *,
    from_on: date,
    lessons: Iterable[WeeklyLesson],
    minutes: int,
    replaces: int | None,
    today: date,
) -> Timetable:
    """Return the timetable with another week from a day on; the same week changes nothing.

    minutes: of the group's lessons. replaces: the revision that was read, where a week published
    for the same day is to be changed. Raises AnotherContent, ChangedMeanwhile, StartsTooSoon,
    BadWeek, WrongLength, Overlap, TooManyWeeks, in this order.
    """
    week = DatedWeek(from_on, tuple(sorted(lessons, key=_weekly_order)))
    earlier = next((known for known in timetable.weeks if known.from_on == from_on), None)
    if earlier == week:
        return timetable
    if earlier is not None and replaces is None:
        raise AnotherContent()
    if replaces is not None and replaces != timetable.revision:
        raise ChangedMeanwhile(revision=timetable.revision)
    begun = _week_on(timetable.weeks, today) is not None
    first = today + timedelta(days=1) if begun else today
    if from_on < first:
        raise StartsTooSoon(from_on=first.isoformat())
    if from_on > today + timedelta(days=WEEKS_AHEAD_DAYS):
        raise BadWeek(problem="too-far-ahead")
    _check_week(week.lessons, minutes)
    kept = [known for known in timetable.weeks if known.from_on != from_on]
    weeks = tuple(sorted([*kept, week], key=lambda known: known.from_on))
    _check_extras(timetable.extra, weeks, from_on)
    weeks = _remembered(weeks, today)
    if len(weeks) > WEEKS_MOST:
        raise TooManyWeeks(most=WEEKS_MOST)
    oldest = f"{today - timedelta(days=WEEKS_REMEMBERED_DAYS):%Y%m%d}"
    return replace(
        timetable,
        weeks=weeks,
        cancelled=tuple(one for one in timetable.cancelled if one.lesson >= oldest),
        extra=tuple(one for one in timetable.extra if one.lesson >= oldest),
        revision=timetable.revision + 1,
    )


def above_cap(
    timetable: Timetable, months: Iterable[Month], calendar: Calendar, rate: Rate
) -> tuple[AboveCap, ...]:
    """Return a warning for each month with more lessons than the monthly cap pays.

    Rate and cap carry the same coefficients, so the count is the same for every child.
    """
    if rate.per != "unit" or rate.cap_tiyn is None or rate.rate_tiyn == 0:
        return ()
    most = int(rate.cap_tiyn) // int(rate.rate_tiyn)
    warnings: list[AboveCap] = []
    for month in months:
        count = sum(lesson.given for lesson in lessons_in(timetable, month, calendar))
        if count > most:
            warnings.append(AboveCap("above-cap", str(month), count, most))
    return tuple(warnings)


# --- cancelling and making up -------------------------------------------------------------------


def cancel(
    timetable: Timetable, name: str, *, reason: Reason, calendar: Calendar, now: datetime
) -> Timetable:
    """Return the timetable with one lesson cancelled; the same again changes nothing.

    Raises BadLesson, Unknown, AnotherContent, in this order.
    """
    lesson = find_lesson(timetable, name, calendar)
    if lesson is None:
        raise Unknown()
    if lesson.state == "cancelled":
        if lesson.reason != reason:
            raise AnotherContent()
        return timetable
    gone = Cancelled(name, reason, stamp(now))
    return replace(timetable, cancelled=_named((*timetable.cancelled, gone)))


def make_up(
    timetable: Timetable,
    name: str,
    *,
    instead_of: str,
    minutes: int,
    calendar: Calendar,
    now: datetime,
) -> Timetable:
    """Return the timetable with a lesson made up; the same again changes nothing.

    Raises BadLesson, AnotherContent, NotCancelled, MadeUpAlready, AnotherMonth, InThePast,
    OnHoliday, BadWeek, Overlap, in this order.
    """
    on, starts = read_lesson_id(name)
    missed_on, _ = read_lesson_id(instead_of)
    earlier = next((extra for extra in timetable.extra if extra.lesson == name), None)
    if earlier is not None:
        if earlier.instead_of != instead_of:
            raise AnotherContent()
        return timetable
    missed = find_lesson(timetable, instead_of, calendar)
    if missed is None or missed.state != "cancelled":
        raise NotCancelled(lesson=instead_of)
    held = next((extra for extra in timetable.extra if extra.instead_of == instead_of), None)
    if held is not None:
        raise MadeUpAlready(lesson=held.lesson)
    if Month.of(on) != Month.of(missed_on):
        raise AnotherMonth(month=str(Month.of(missed_on)))
    lesson = Lesson(lesson_id=name, on=on, starts=starts, minutes=minutes)
    if begins(lesson, now) <= 0:
        raise InThePast()
    if calendar.is_holiday(on):
        raise OnHoliday(on=on.isoformat())
    if lesson.ends > _DAY_MINUTES:
        raise BadWeek(problem="ends-next-day")
    for other in lessons_in(timetable, Month.of(on), calendar):
        if other.on == on and _collide(lesson, other):
            raise Overlap(lesson=other.lesson_id)
    extra = Extra(name, instead_of, minutes)
    ordered = sorted([*timetable.extra, extra], key=lambda one: one.lesson)
    return replace(timetable, extra=tuple(ordered))


# --- parts --------------------------------------------------------------------------------------


def _week_on(weeks: Sequence[DatedWeek], on: date) -> DatedWeek | None:
    at = bisect_right([week.from_on for week in weeks], on)
    return weeks[at - 1] if at else None


def _lesson(on: date, starts: int, minutes: int, gone: dict[str, Cancelled]) -> Lesson:
    name = lesson_id(on, starts)
    cancelled = gone.get(name)
    if cancelled is None:
        return Lesson(lesson_id=name, on=on, starts=starts, minutes=minutes)
    return Lesson(
        lesson_id=name,
        on=on,
        starts=starts,
        minutes=minutes,
        state="cancelled",
        reason=cancelled.reason,
    )


def _check_week(lessons: Sequence[WeeklyLesson], minutes: int) -> None:
    if len(lessons) > LESSONS_A_WEEK_MAX:
        raise BadWeek(problem="too-many", most=LESSONS_A_WEEK_MAX)
    for weekly in lessons:
        if not 1 <= weekly.weekday <= 7 or _CLOCK.match(weekly.starts) is None:
            raise BadWeek(problem="weekday-or-start")
        if weekly.minutes != minutes:
            raise WrongLength(minutes=minutes)
        if minute_of(weekly.starts) + weekly.minutes > _DAY_MINUTES:
            raise BadWeek(problem="ends-next-day")
    for weekly, later in pairwise(lessons):
        one, next_one = minute_of(weekly.starts), minute_of(later.starts)
        if weekly.weekday == later.weekday and (
            next_one < one + weekly.minutes or one // 60 == next_one // 60
        ):
            raise Overlap(weekday=weekly.weekday, starts=later.starts)


def _check_extras(extras: Iterable[Extra], weeks: Sequence[DatedWeek], from_on: date) -> None:
    """Refuse a week that runs into a lesson already promised to families."""
    for extra in extras:
        on, starts = read_lesson_id(extra.lesson)
        week = _week_on(weeks, on)
        if on < from_on or week is None:
            continue
        promised = Lesson(lesson_id=extra.lesson, on=on, starts=starts, minutes=extra.minutes)
        for weekly in week.lessons:
            planned = _lesson(on, minute_of(weekly.starts), weekly.minutes, {})
            if weekly.weekday == on.isoweekday() and _collide(promised, planned):
                raise Overlap(lesson=extra.lesson)


def _collide(one: Lesson, other: Lesson) -> bool:
    """Return whether two lessons of a day overlap or begin in one hour.

    A cancelled lesson leaves its time, not its hour: a line of it stays on the timesheet.
    """
    if one.starts // 60 == other.starts // 60:
        return True
    return other.state != "cancelled" and one.starts < other.ends and other.starts < one.ends


def _remembered(weeks: Sequence[DatedWeek], today: date) -> tuple[DatedWeek, ...]:
    """Return the weeks that a timesheet may still ask for."""
    oldest = _week_on(weeks, today - timedelta(days=WEEKS_REMEMBERED_DAYS))
    return tuple(week for week in weeks if oldest is None or week.from_on >= oldest.from_on)


def _weekly_order(weekly: WeeklyLesson) -> tuple[int, str, int]:
    return weekly.weekday, weekly.starts, weekly.minutes


def _named(cancelled: Iterable[Cancelled]) -> tuple[Cancelled, ...]:
    return tuple(sorted(cancelled, key=lambda one: one.lesson))
