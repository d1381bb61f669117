"""HTTP of lessons: a head keeps the timetable, everybody may read it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from chalicelib.edge.routes import Call, Routes
from chalicelib.kernel.periods import BadMonth, Month
from chalicelib.kernel.refusals import AnotherContent, Unknown
from chalicelib.kernel.workdays import CalendarMissing
from chalicelib.lessons import actions, rules
from chalicelib.lessons.actions import Published
from chalicelib.lessons.rules import Lesson, Reason
from chalicelib.policy.actions import NoPack
from chalicelib.policy.rules import NoRuleInForce
from chalicelib.providers.rules import WeeklyLesson

routes = Routes(__name__, "lessons")

Clock = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$(?!\n)", max_length=5)]
LessonId = Annotated[str, Meta(pattern=r"^[0-9]{8}T[0-9]{4}$(?!\n)", max_length=13)]
_OWN = (Unknown, NoPack, NoRuleInForce, rules.NoLessons, CalendarMissing)


class WeeklyAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """A lesson of every week. weekday: 1 is Monday; minutes: the group's length of a lesson."""

    weekday: Annotated[int, Meta(ge=1, le=7)]
    starts: Clock
    minutes: Annotated[int, Meta(ge=1, le=1440)]


class TimetableAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """The week from a day on; replaces: the revision read, to change a week of that same day."""

    from_on: date
    lessons: Annotated[list[WeeklyAsked], Meta(max_length=rules.LESSONS_A_WEEK_MAX)]
    replaces: Annotated[int, Meta(ge=1)] | None = None


class CancellationAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Why there is no lesson."""

    reason: Reason


class MakeUpAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """The cancelled lesson of the same month that this one makes up for."""

    instead_of: LessonId


class WarningShown(Struct, frozen=True):
    """A month with more lessons than its cap pays; allowed, but nothing is paid above it."""

    code: str
    month: str
    lessons: int
    paid_max: int


class WeekShown(Struct, frozen=True):
    """The lessons of a week, from a day on."""

    from_on: date
    lessons: list[WeeklyLesson]


class TimetableShown(Struct, frozen=True):
    """A group's timetable as published."""

    group_id: str
    revision: int
    weeks: list[WeekShown]
    warnings: list[WarningShown]


class LessonShown(Struct, frozen=True):
    """One lesson. state: planned ahead, held once it is over, or cancelled.

    instead_of: the cancelled lesson that it makes up for, in a made-up one.
    """

    lesson: str
    on: date
    starts: str
    minutes: int
    state: Literal["planned", "held", "cancelled"]
    reason: str | None
    instead_of: str | None


class MonthShown(Struct, frozen=True):
    """A group's month of lessons in order."""

    group_id: str
    site_id: str
    month: str
    items: list[LessonShown]


@routes.put(
    "/groups/{group_id}/timetable",
    action="lessons/publish-timetable",
    asks=TimetableAsked,
    answers=TimetableShown,
    refuses=(
        *_OWN,
        AnotherContent,
        rules.ChangedMeanwhile,
        rules.StartsTooSoon,
        rules.BadWeek,
        rules.WrongLength,
        rules.Overlap,
        rules.TooManyWeeks,
    ),
)
def publish_timetable(call: Call[TimetableAsked], group_id: str) -> TimetableShown:
    """Publish a group's weekly lessons from a day on.

    More lessons than the monthly cap pays are allowed; `warnings` say so.
    """
    asked = call.asked
    published = actions.publish(
        group_id,
        from_on=asked.from_on,
        lessons=[WeeklyLesson(one.weekday, one.starts, one.minutes) for one in asked.lessons],
        replaces=asked.replaces,
        by=call.actor,
        now=call.now,
    )
    return _timetable(published)


@routes.put(
    "/groups/{group_id}/lessons/{lesson}/cancellation",
    action="lessons/cancel",
    asks=CancellationAsked,
    answers=LessonShown,
    refuses=(*_OWN, rules.BadLesson, AnotherContent, rules.MonthClosed),
)
def cancel_lesson(call: Call[CancellationAsked], group_id: str, lesson: str) -> LessonShown:
    """Cancel one lesson; its families are told.

    Possible until the provider closes the month, after the lesson too: then visits marked in it
    earn nothing, which its families read in the notice.
    """
    found = actions.cancel(group_id, lesson, reason=call.asked.reason, by=call.actor, now=call.now)
    return _lesson(found, call.now)


@routes.put(
    "/groups/{group_id}/lessons/{lesson}/make-up",
    action="lessons/make-up",
    asks=MakeUpAsked,
    answers=LessonShown,
    refuses=(
        *_OWN,
        rules.BadLesson,
        AnotherContent,
        rules.NotCancelled,
        rules.MadeUpAlready,
        rules.AnotherMonth,
        rules.InThePast,
        rules.OnHoliday,
        rules.BadWeek,
        rules.Overlap,
    ),
)
def make_up_lesson(call: Call[MakeUpAsked], group_id: str, lesson: str) -> LessonShown:
    """Give a lesson instead of a cancelled one of the same month; its families are told."""
    found = actions.make_up(
        group_id, lesson, instead_of=call.asked.instead_of, by=call.actor, now=call.now
    )
    return _lesson(found, call.now)


@routes.get(
    "/groups/{group_id}/months/{month}",
    action="lessons/read-month",
    answers=MonthShown,
    refuses=(Unknown, BadMonth, NoPack, CalendarMissing),
)
def read_month(call: Call[None], group_id: str, month: str) -> MonthShown:
    """List a group's lessons of a month: planned, held, cancelled. Needs no sign-in."""
    of_month = Month.parse(month)
    seen = actions.month_of(group_id, of_month)
    return MonthShown(
        group_id, seen.group.site_id, str(of_month), [_lesson(x, call.now) for x in seen.lessons]
    )


def _timetable(published: Published) -> TimetableShown:
    timetable = published.timetable
    return TimetableShown(
        timetable.group_id,
        timetable.revision,
        [WeekShown(week.from_on, list(week.lessons)) for week in timetable.weeks],
        [WarningShown(w.code, w.month, w.lessons, w.paid_max) for w in published.warnings],
    )


def _lesson(lesson: Lesson, now: datetime) -> LessonShown:
    state: Literal["planned", "held", "cancelled"] = "cancelled"
    if lesson.given:
        state = "held" if rules.is_over(lesson, now) else "planned"
    return LessonShown(
        lesson=lesson.lesson_id,
        on=lesson.on,
        starts=f"{lesson.starts // 60:02d}:{lesson.starts % 60:02d}",
        minutes=lesson.minutes,
        state=state,
        reason=lesson.reason,
        instead_of=lesson.instead_of,
    )
