"""What may be done with a timetable: publish a week, cancel a lesson, make one up, look."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from chalicelib.access import actions as access
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import DateRange, Month, local_day, shown_day
from chalicelib.kernel.refusals import Unknown
from chalicelib.kernel.workdays import CalendarMissing
from chalicelib.lessons import rules, store
from chalicelib.lessons.rules import AboveCap, Lesson, Reason, Timetable
from chalicelib.policy.actions import load_pack
from chalicelib.policy.rules import NoRate, NoRuleInForce, Pack
from chalicelib.providers import store as providers
from chalicelib.providers.rules import Group, WeeklyLesson, set_times
from chalicelib.storage import outbox
from chalicelib.storage.commit import Put, Write, settles
from chalicelib.storage.shelf import Kept
from chalicelib.vouchers import store as vouchers

# A week is warned about in the month it begins and in the next ones, which are whole.
_MONTHS_WARNED = 3


@dataclass(frozen=True, slots=True)
class Published:
    """A group's timetable as it stands, and what its head should know."""

    timetable: Timetable
    warnings: tuple[AboveCap, ...]


@dataclass(frozen=True, slots=True)
class MonthSeen:
    """A group's lessons of a month, and the instant they are looked at."""

    group: Group
    lessons: tuple[Lesson, ...]


@settles
def publish(
    group_id: str,
    *,
    from_on: date,
    lessons: Iterable[WeeklyLesson],
    replaces: int | None,
    by: Actor,
    now: datetime,
) -> Published:
    """Publish a group's week from a day on; families see it in the catalogue at once.

    Raises Unknown, NoRuleInForce, NoLessons, AnotherContent, ChangedMeanwhile, StartsTooSoon,
    BadWeek, WrongLength, Overlap, TooManyWeeks, CalendarMissing, in this order.
    """
    kept_group, kept, pack = _own(group_id, by, on=from_on)
    group = kept_group.value
    timetable = rules.publish(
        kept.value,
        from_on=from_on,
        lessons=lessons,
        minutes=int(group.hours),
        replaces=replaces,
        today=local_day(now),
    )
    if timetable is not kept.value:
        entry = journal.entry(
            "lessons/timetable-published",
            f"timetable/{group_id}",
            by=by,
            now=now,
            pack=pack.version,
            site_id=group.site_id,
            from_on=from_on.isoformat(),
            revision=timetable.revision,
        )
        writes: list[Write] = []
        shown = set_times(group, rules.week_for_catalogue(timetable))
        if shown is not group:
            writes.append(providers.keep_group(kept_group, shown))
        journal.commit(entry, store.keep_timetable(kept, timetable), *writes)
    return Published(timetable, _warnings(timetable, group, pack, from_on))


@settles
def cancel(group_id: str, lesson: str, *, reason: Reason, by: Actor, now: datetime) -> Lesson:
    """Cancel one lesson, also one that was held, until the month is closed; its families are told.

    Visits marked in it earn nothing then; what families confirmed before stays confirmed.
    Raises BadLesson, Unknown, NoRuleInForce, NoLessons, CalendarMissing, AnotherContent,
    MonthClosed, in this order; Unknown also for a lesson that the timetable does not have.
    """
    on, _ = rules.read_lesson_id(lesson)
    kept_group, kept, pack = _own(group_id, by, on=on)
    group = kept_group.value
    timetable = rules.cancel(kept.value, lesson, reason=reason, calendar=pack.calendar, now=now)
    if timetable is not kept.value:
        entry = journal.entry(
            "lessons/lesson-cancelled",
            f"timetable/{group_id}",
            by=by,
            now=now,
            pack=pack.version,
            lesson=lesson,
            reason=reason,
        )
        journal.commit(
            entry,
            store.keep_timetable(kept, timetable),
            store.still_open(group.site_id, Month.of(on)),
            *_told(group, on, f"lesson-cancelled#{group_id}#{lesson}", reason, lesson, now=now),
        )
    return _known(timetable, lesson, pack)


@settles
def make_up(group_id: str, lesson: str, *, instead_of: str, by: Actor, now: datetime) -> Lesson:
    """Give a lesson instead of a cancelled one, within its month; its families are told.

    Raises BadLesson, Unknown, NoRuleInForce, NoLessons, AnotherContent, CalendarMissing,
    NotCancelled, MadeUpAlready, AnotherMonth, InThePast, OnHoliday, BadWeek, Overlap, in this
    order.
    """
    on, _ = rules.read_lesson_id(lesson)
    kept_group, kept, pack = _own(group_id, by, on=on)
    group = kept_group.value
    timetable = rules.make_up(
        kept.value,
        lesson,
        instead_of=instead_of,
        minutes=int(group.hours),
        calendar=pack.calendar,
        now=now,
    )
    if timetable is not kept.value:
        entry = journal.entry(
            "lessons/lesson-made-up",
            f"timetable/{group_id}",
            by=by,
            now=now,
            pack=pack.version,
            lesson=lesson,
            instead_of=instead_of,
        )
        journal.commit(
            entry,
            store.keep_timetable(kept, timetable),
            *_told(group, on, f"lesson-made-up#{group_id}#{lesson}", "made-up", lesson, now=now),
        )
    return _known(timetable, lesson, pack)


def month_of(group_id: str, month: Month) -> MonthSeen:
    """Return a group's lessons of a month, for everybody. Raises Unknown, CalendarMissing."""
    group = providers.load_group(group_id).value
    timetable = store.find_timetable(group.site_id, group_id).value
    calendar = load_pack(group.programme, group.area).calendar
    return MonthSeen(group, rules.lessons_in(timetable, month, calendar))


# --- shared steps -------------------------------------------------------------------------------


def _own(group_id: str, by: Actor, *, on: date) -> tuple[Kept[Group], Kept[Timetable], Pack]:
    """Return the caller's group and timetable. Raises Unknown, NoRuleInForce, NoLessons."""
    kept = providers.load_group(group_id)
    group = kept.value
    access.demand(by, organisation=group.organisation_id)
    pack = load_pack(group.programme, group.area)
    if pack.at(on).programme.unit != "lesson":
        raise rules.NoLessons()
    return kept, store.find_timetable(group.site_id, group_id), pack


def _known(timetable: Timetable, lesson: str, pack: Pack) -> Lesson:
    found = rules.find_lesson(timetable, lesson, pack.calendar)
    if found is None:
        raise Unknown()
    return found


def _warnings(
    timetable: Timetable, group: Group, pack: Pack, from_on: date
) -> tuple[AboveCap, ...]:
    """Return the months of a new week that hold more lessons than are paid."""
    try:
        rate = pack.at(from_on).rate_for(group.kind, group.hours, group.locality, group.sen)
    except NoRate:
        return ()
    found: list[AboveCap] = []
    month = Month.of(from_on)
    for _ in range(_MONTHS_WARNED):
        try:
            found += rules.above_cap(timetable, [month], pack.calendar, rate)
        except (CalendarMissing, NoRuleInForce):
            break  # nobody knows the holidays of that year yet, so nothing can be counted
        month = month.next()
    return tuple(found)


def _told(
    group: Group, on: date, event: str, template: str, lesson: str, *, now: datetime
) -> list[Put]:
    """Describe a notice to each family with a child in the group on that day."""
    roster = vouchers.find_roster(group.site_id, group.group_id).value
    places = [
        (group.site_id, member.enrolment_id)
        for member in roster.members
        if on in DateRange(member.starts_on, member.ends_on)
    ]
    enrolled = [kept.value for kept in vouchers.find_enrolments(places)]
    children = {one.person_id: one.child_id for one in enrolled}
    _, starts = rules.read_lesson_id(lesson)
    return [
        outbox.notice(
            f"{event}#{person_id}",
            to=f"person:{person_id}",
            template=f"notice:lessons/{template}",
            now=now,
            child_id=children[person_id],
            group_id=group.group_id,
            group=group.name,
            on=shown_day(on),
            starts=f"{starts // 60:02d}:{starts % 60:02d}",
        )
        for person_id in sorted(children)
    ]
