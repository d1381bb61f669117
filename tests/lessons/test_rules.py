"""The law of timetables, without a table."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.kernel.periods import Month
from chalicelib.kernel.refusals import AnotherContent, Refusal, Unknown
from chalicelib.lessons import rules
from chalicelib.lessons.rules import DatedWeek, Lesson, Timetable
from chalicelib.providers.rules import WeeklyLesson
from tests.attendance.clubs import DAYS, FIRST, OCTOBER, PACK, WEEK, a_timetable, lesson

CALENDAR = PACK.calendar
# Friday 2 October 2026, 09:00 in Almaty.
NOW = datetime(2026, 10, 2, 4, tzinfo=UTC)


def days(timetable: Timetable, **more: bool) -> dict[int, Lesson]:
    return {x.on.day: x for x in rules.lessons_in(timetable, OCTOBER, CALENDAR, **more)}


def cancelled(timetable: Timetable, day: int = 9, reason: rules.Reason = "weather") -> Timetable:
    return rules.cancel(timetable, lesson(day), reason=reason, calendar=CALENDAR, now=NOW)


def made_up(
    timetable: Timetable, name: str, instead_of: str = lesson(9), now: datetime = NOW
) -> Timetable:
    return rules.make_up(
        timetable, name, instead_of=instead_of, minutes=60, calendar=CALENDAR, now=now
    )


def published(timetable: Timetable, *lessons: WeeklyLesson, **changes: object) -> Timetable:
    asked: dict[str, object] = {
        "from_on": date(2026, 10, 12),
        "minutes": 60,
        "replaces": None,
        "today": date(2026, 10, 2),
        **changes,
    }
    return rules.publish(timetable, lessons=lessons, **asked)  # type: ignore[arg-type]


def test_a_week_makes_a_month_without_public_holidays() -> None:
    found = days(a_timetable())

    # Monday 26 October stands for Republic Day, which is a Sunday.
    assert tuple(found) == DAYS
    assert {x.state for x in found.values()} == {"planned"}
    assert days(a_timetable(), holidays=True)[26].state == "holiday"


def test_weekends_may_have_lessons_and_holidays_on_them_may_not() -> None:
    found = days(a_timetable(DatedWeek(FIRST, (WeeklyLesson(7, "10:00", 60),))))

    assert tuple(found) == (4, 11, 18)  # Sunday the 25th is Republic Day


def test_a_month_is_made_of_the_weeks_of_its_days() -> None:
    later = published(a_timetable(), WeeklyLesson(2, "17:00", 60))

    assert tuple(days(later)) == (2, 5, 7, 9, 13, 20, 27)
    assert later.revision == 2


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("20261005T1600", True),
        ("20261005T2400", False),
        ("20261005T1660", False),
        ("20261032T1600", False),
        ("2026-10-05T16:00", False),
        ("20261005t1600", False),
        ("20261005T1600\n", False),
        ("٢٠٢٦١٠٠٥T1600", False),
        ("18991005T1600", False),
    ],
)
def test_a_lesson_has_one_spelling(text: str, good: bool) -> None:
    if good:
        assert rules.lesson_id(*rules.read_lesson_id(text)) == text
    else:
        with pytest.raises(rules.BadLesson):
            rules.read_lesson_id(text)


@pytest.mark.parametrize(
    ("lessons", "refusal"),
    [
        ([WeeklyLesson(1, "16:00", 60), WeeklyLesson(1, "17:00", 60)], None),
        ([WeeklyLesson(1, "16:00", 60), WeeklyLesson(2, "16:00", 60)], None),
        ([], None),
        ([WeeklyLesson(1, "16:00", 60), WeeklyLesson(1, "16:59", 60)], rules.Overlap),
        ([WeeklyLesson(1, "16:00", 60), WeeklyLesson(1, "16:00", 60)], rules.Overlap),
        ([WeeklyLesson(1, "16:00", 45)], rules.WrongLength),
        ([WeeklyLesson(1, "23:30", 60)], rules.BadWeek),
        ([WeeklyLesson(0, "16:00", 60)], rules.BadWeek),
        ([WeeklyLesson(8, "16:00", 60)], rules.BadWeek),
        ([WeeklyLesson(1, "24:00", 60)], rules.BadWeek),
        ([WeeklyLesson(1 + n % 7, f"{n % 24:02d}:00", 60) for n in range(29)], rules.BadWeek),
    ],
)
def test_a_week_holds_together(lessons: list[WeeklyLesson], refusal: type[Refusal] | None) -> None:
    if refusal is None:
        published(a_timetable(), *lessons)
    else:
        with pytest.raises(refusal):
            published(a_timetable(), *lessons)


def test_two_short_lessons_of_one_hour_are_refused_for_an_hour_is_paid_once() -> None:
    short = [WeeklyLesson(1, "16:00", 30), WeeklyLesson(1, "16:30", 30)]

    with pytest.raises(rules.Overlap):
        published(a_timetable(), *short, minutes=30)


@pytest.mark.parametrize(
    ("from_on", "good"),
    [(date(2026, 10, 1), False), (date(2026, 10, 2), False), (date(2026, 10, 3), True)],
)
def test_what_was_taught_stays(from_on: date, good: bool) -> None:
    if good:
        published(a_timetable(), *WEEK[:1], from_on=from_on, replaces=1)
    else:
        with pytest.raises(rules.StartsTooSoon):
            published(a_timetable(), *WEEK[:1], from_on=from_on, replaces=1)


def test_the_first_week_may_begin_today() -> None:
    empty = Timetable(group_id="group-football", site_id="site-football")

    assert published(empty, *WEEK, from_on=date(2026, 10, 2)).revision == 1


def test_publishing_twice_is_once_and_other_content_needs_the_revision() -> None:
    once = published(a_timetable(), *WEEK[:2])

    assert published(once, *reversed(WEEK[:2])) is once
    with pytest.raises(AnotherContent):
        published(once, *WEEK[:1])
    with pytest.raises(rules.ChangedMeanwhile):
        published(once, *WEEK[:1], replaces=1)
    assert days(published(once, *WEEK[:1], replaces=2))[12].starts == 960


def test_a_week_does_not_run_into_a_promised_lesson() -> None:
    promised = made_up(cancelled(a_timetable()), lesson(17, "1000"))

    with pytest.raises(rules.Overlap):
        published(promised, WeeklyLesson(6, "09:30", 60))
    published(promised, WeeklyLesson(6, "11:00", 60))


def test_more_lessons_than_the_cap_pays_are_allowed_but_said() -> None:
    rate = PACK.at(FIRST).rate_for("sport", "60", "urban", False)
    four = a_timetable(DatedWeek(FIRST, (*WEEK, WeeklyLesson(6, "10:00", 60))))

    assert rules.above_cap(a_timetable(), [OCTOBER], CALENDAR, rate) == ()
    (warning,) = rules.above_cap(four, [OCTOBER], CALENDAR, rate)
    assert (warning.month, warning.lessons, warning.paid_max) == ("2026-10", 17, 12)
    uncapped = replace(rate, cap_tiyn=None)
    assert rules.above_cap(four, [OCTOBER], CALENDAR, uncapped) == ()


def test_a_cancelled_lesson_stays_in_sight_with_its_reason() -> None:
    found = days(cancelled(a_timetable()))

    assert (found[9].state, found[9].reason, found[9].given) == ("cancelled", "weather", False)
    once = cancelled(a_timetable())
    assert cancelled(once) is once
    with pytest.raises(AnotherContent):
        cancelled(once, reason="premises")


@pytest.mark.parametrize("name", [lesson(9, "1700"), lesson(10), lesson(26), "20260930T1600"])
def test_only_a_lesson_of_the_timetable_is_cancelled(name: str) -> None:
    with pytest.raises(Unknown):
        rules.cancel(a_timetable(), name, reason="other", calendar=CALENDAR, now=NOW)


def test_a_made_up_lesson_stands_in_its_month() -> None:
    timetable = made_up(cancelled(a_timetable()), lesson(17, "1000"))

    found = days(timetable)[17]
    assert (found.state, found.instead_of, found.minutes) == ("made-up", lesson(9), 60)
    assert made_up(timetable, lesson(17, "1000")) is timetable


@pytest.mark.parametrize(
    ("name", "refusal"),
    [
        (lesson(17, "1000"), None),
        (lesson(16, "1700"), None),  # right after the day's lesson
        (lesson(9, "1700"), None),  # the time of the cancelled lesson is over
        (lesson(9, "1600"), rules.Overlap),  # its own hour keeps its line
        (lesson(9, "1630"), rules.Overlap),
        (lesson(16, "1530"), rules.Overlap),
        (lesson(16, "1659"), rules.Overlap),
        (lesson(26, "1000"), rules.OnHoliday),
        (lesson(25, "1000"), rules.OnHoliday),
        ("20261102T1000", rules.AnotherMonth),
        ("20260930T1000", rules.AnotherMonth),
        (lesson(2, "0900"), rules.InThePast),
        (lesson(1, "1000"), rules.InThePast),
        (lesson(17, "2330"), rules.BadWeek),
    ],
)
def test_a_lesson_is_made_up_ahead_in_its_month_and_alone(
    name: str, refusal: type[Refusal] | None
) -> None:
    timetable = cancelled(a_timetable())

    if refusal is None:
        made_up(timetable, name)
    else:
        with pytest.raises(refusal):
            made_up(timetable, name)


def test_a_lesson_is_made_up_once_and_only_when_it_was_cancelled() -> None:
    timetable = made_up(cancelled(a_timetable()), lesson(17, "1000"))

    with pytest.raises(rules.MadeUpAlready):
        made_up(timetable, lesson(18, "1000"))
    with pytest.raises(rules.NotCancelled):
        made_up(a_timetable(), lesson(17, "1000"))
    with pytest.raises(AnotherContent):
        made_up(cancelled(timetable, 12), lesson(17, "1000"), lesson(12))


def test_a_made_up_lesson_may_fall_out_and_be_made_up_in_its_turn() -> None:
    timetable = made_up(cancelled(a_timetable()), lesson(17, "1000"))
    gone = rules.cancel(timetable, lesson(17, "1000"), reason="weather", calendar=CALENDAR, now=NOW)

    again = made_up(gone, lesson(24, "1000"), lesson(17, "1000"))

    assert days(again)[17].state == "cancelled"
    assert days(again)[24].state == "made-up"


@pytest.mark.parametrize(
    ("at", "over"),
    [
        ("2026-10-02T11:59:59+00:00", False),
        ("2026-10-02T12:00:00+00:00", True),
        ("2026-10-01T12:00:00+00:00", False),
        ("2026-10-02T18:59:59+00:00", True),
    ],
)
def test_a_lesson_is_over_when_its_last_minute_is(at: str, over: bool) -> None:
    assert rules.is_over(days(a_timetable())[2], datetime.fromisoformat(at)) is over


weeks = st.lists(
    st.builds(
        WeeklyLesson,
        st.integers(1, 7),
        st.integers(0, 22).map(lambda hour: f"{hour:02d}:00"),
        st.just(60),
    ),
    max_size=10,
    unique=True,
)


@given(weeks, st.integers(1, 12))
def test_no_month_has_two_lessons_in_an_hour_or_one_on_a_holiday(
    lessons: list[WeeklyLesson], month: int
) -> None:
    timetable = a_timetable(DatedWeek(date(2026, 1, 1), tuple(lessons)))

    found = rules.lessons_in(timetable, Month(2026, month), CALENDAR)

    hours = [(x.on, x.starts // 60) for x in found]
    assert len(hours) == len(set(hours))
    assert not any(CALENDAR.is_holiday(x.on) for x in found)
    assert [x.lesson_id for x in found] == sorted(x.lesson_id for x in found)


def test_a_timetable_is_published_for_a_year_ahead_at_most() -> None:
    today = date(2026, 10, 2)
    last = today + timedelta(days=rules.WEEKS_AHEAD_DAYS)

    assert published(a_timetable(), from_on=last).weeks[-1].from_on == last
    for far in (last + timedelta(days=1), date(2999, 12, 31), date.max):
        with pytest.raises(rules.BadWeek) as refused:
            published(a_timetable(), from_on=far)
        assert refused.value.facts["problem"] == "too-far-ahead"


def test_the_fullest_timetable_fits_into_an_item() -> None:
    weekly = [
        WeeklyLesson(weekday, f"{hour}:00", 60) for weekday in range(1, 8) for hour in range(10, 14)
    ]
    today = date(2026, 10, 2)
    timetable = a_timetable()
    with pytest.raises(rules.TooManyWeeks):
        for n in range(rules.WEEKS_MOST + 1):
            from_on = today + timedelta(days=n + 3)
            timetable = published(timetable, *weekly, from_on=from_on, minutes=60)
    assert len(timetable.weeks) == rules.WEEKS_MOST
    days = [today + timedelta(days=n) for n in range(rules.WEEKS_REMEMBERED_DAYS)]
    names = [rules.lesson_id(on, hour * 60) for on in days for hour in range(10, 14)]
    full = replace(
        timetable,
        cancelled=tuple(rules.Cancelled(name, "teacher-away", "x" * 27) for name in names),
        extra=tuple(rules.Extra(name, name, 60) for name in names),
    )

    assert len(msgspec.json.encode(full)) < 400_000


def test_what_was_cancelled_long_ago_is_forgotten_with_its_week() -> None:
    timetable = made_up(cancelled(a_timetable()), lesson(10))

    later = published(timetable, from_on=date(2027, 9, 7), today=date(2027, 9, 6))
    latest = published(timetable, from_on=date(2027, 12, 7), today=date(2027, 12, 6))

    assert (later.cancelled, later.extra) == (timetable.cancelled, timetable.extra)
    assert (latest.cancelled, latest.extra) == ((), ())
