"""The law of lessons on a timesheet, without a table: visits, confirmations, the department."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.attendance import rules
from chalicelib.attendance.rules import LessonPlan, Line, LineName, Record, Sheet
from chalicelib.kernel.periods import DateRange, Month, local_day
from chalicelib.kernel.refusals import Refusal
from chalicelib.lessons.rules import DatedWeek, Lesson, cancel, lessons_in, make_up
from chalicelib.providers.rules import WeeklyLesson
from tests.attendance.builders import at
from tests.attendance.clubs import (
    DAYS,
    FIRST,
    GROUP,
    OCTOBER,
    OTHER_GROUP,
    PACK,
    a_timetable,
    lesson,
)
from tests.attendance.tablets import Tablet

CALENDAR = PACK.calendar
DATES = PACK.at(OCTOBER.last).month_calendar.dates(OCTOBER, CALENDAR)
WHOLE = DateRange(FIRST)
EARLY = 30


def a_month(*weeks: DatedWeek, gone: int | None = None, extra: str | None = None) -> Any:
    timetable = a_timetable(*weeks)
    now = at("2026-10-01 09:00")
    if gone is not None:
        timetable = cancel(timetable, lesson(gone), reason="weather", calendar=CALENDAR, now=now)
    if extra is not None and gone is not None:
        timetable = make_up(
            timetable,
            extra,
            instead_of=lesson(gone),
            minutes=60,
            calendar=CALENDAR,
            now=now,
        )
    return lessons_in(timetable, OCTOBER, CALENDAR, holidays=True)


def a_plan(lessons: tuple[Lesson, ...] | None = None, *stays: DateRange) -> LessonPlan:
    of = {GROUP: a_month() if lessons is None else lessons}
    slots = rules.slots_of([(GROUP, days) for days in stays or (WHOLE,)], of)
    return LessonPlan(OCTOBER, slots, EARLY)


def a_record(when: str, kind: str = "in", **more: Any) -> Record:
    record = rules.read_record(Tablet(counter=more.pop("counter", 1) - 1).sign(when, kind, **more))
    assert isinstance(record, Record)
    return record


def on(day: int, clock: str = "16:00", kind: str = "in", **more: Any) -> int:
    return rules.mark_of(a_record(f"2026-10-{day:02d}T{clock}:00+05:00", kind, **more))


def lines(*marks: int, plan: LessonPlan | None = None, **changes: Any) -> dict[int, Line]:
    asked: dict[str, Any] = {"upto": None, "standing": "open", **changes}
    return {x.on.day: x for x in (plan or a_plan()).fold(set(marks), **asked)}


def said(*marks: int, sheet: Sheet = rules.EMPTY, today: date, **more: Any) -> dict[int, Line]:
    asked: dict[str, Any] = {"plan": a_plan(), "dates": DATES, "late": (), **more}
    late = asked.pop("late")
    found = rules.timesheet(set(marks), late, sheet, today=today, **asked)
    return {x.on.day: x for x in found}


# --- from marks to lessons


@pytest.mark.parametrize(
    ("clock", "code"),
    [
        ("15:29", "N"),
        ("15:30", "P"),
        ("16:00", "P"),
        ("16:59", "P"),
        ("17:00", "N"),
    ],
)
def test_an_arrival_belongs_to_a_lesson_from_before_its_start_to_its_end(
    clock: str, code: str
) -> None:
    assert lines(on(5, clock))[5].code == code


def test_a_month_of_lessons_has_a_line_for_each_and_none_for_other_days() -> None:
    found = lines(on(5), on(7, counter=2))

    assert tuple(found) == tuple(sorted({*DAYS, 26}))
    assert found[5] == Line(date(2026, 10, 5), "P", starts=960, minutes=60)
    assert found[5].key == found[5].lesson == lesson(5)
    assert found[9] == Line(date(2026, 10, 9), "N", ("no-record",), starts=960, minutes=60)
    assert found[26].code == "H"


def test_between_two_lessons_an_arrival_goes_to_the_nearer_start() -> None:
    week = DatedWeek(FIRST, (WeeklyLesson(1, "16:00", 60), WeeklyLesson(1, "17:00", 60)))
    plan = a_plan(a_month(week))

    def codes(*clocks: str) -> str:
        marks = {on(5, clock, counter=n + 1) for n, clock in enumerate(clocks)}
        found = plan.fold(marks, upto=None, standing="open")
        return "".join(x.code for x in found if x.on.day == 5)

    assert codes("16:05") == "PN"
    assert codes("16:55") == "NP"
    assert codes("15:55", "16:55") == codes("16:55", "15:55") == "PP"


@pytest.mark.parametrize(
    ("marks", "code", "flags"),
    [
        ([on(5, kind="absence", reason="S")], "S", ()),
        ([on(5, "09:00", "absence", reason="S")], "S", ()),
        ([on(5), on(5, "09:00", "absence", reason="S", counter=2)], "P", ("conflict",)),
        (
            [
                on(5, "09:00", "absence", reason="F"),
                on(5, "16:10", "absence", reason="N", counter=2),
            ],
            "N",
            ("corrected",),
        ),
        ([on(5, guessed=True)], "N", ("guessed",)),
        ([on(5, "17:00", "out")], "N", ("no-record",)),
        ([on(5), on(5, "17:00", "out", counter=2)], "P", ()),
    ],
)
def test_a_visit_of_a_lesson_is_an_arrival(
    marks: list[int], code: str, flags: tuple[str, ...]
) -> None:
    for order in (marks, marks[::-1]):
        found = lines(*order)[5]
        assert (found.code, found.flags) == (code, flags)


def test_a_cancelled_lesson_is_no_absence_and_its_marks_are_in_sight() -> None:
    plan = a_plan(a_month(gone=9))

    found = lines(on(9), plan=plan, standing="undecided")

    assert (found[9].code, found[9].flags) == ("L", ("lesson-cancelled",))
    assert (found[9].counted, found[9].held, found[9].asked) == (False, False, True)


def test_a_made_up_lesson_counts_like_any_other() -> None:
    plan = a_plan(a_month(gone=9, extra=lesson(10, "1000")))

    found = lines(on(10, "10:05"), plan=plan)

    assert (found[9].code, found[10].code) == ("L", "P")
    assert found[10].key == lesson(10, "1000")


def test_lessons_outside_the_enrolment_are_not_the_childs() -> None:
    plan = a_plan(None, DateRange(date(2026, 10, 12), date(2026, 10, 19)))

    found = lines(on(9), on(12, counter=2), plan=plan)

    assert {n: x.code for n, x in found.items()} == {
        **dict.fromkeys((2, 5, 7, 9, 21, 23, 26, 28, 30), "X"),
        12: "P",
        14: "N",
        16: "N",
        19: "N",
    }
    assert found[9].flags == ("not-enrolled",)


def test_who_moves_between_groups_of_a_site_has_one_line_an_hour() -> None:
    other = a_month(DatedWeek(FIRST, (WeeklyLesson(1, "16:30", 60), WeeklyLesson(2, "16:00", 60))))
    slots = rules.slots_of(
        [
            (GROUP, DateRange(FIRST, date(2026, 10, 11))),
            (OTHER_GROUP, DateRange(date(2026, 10, 12))),
        ],
        {GROUP: a_month(), OTHER_GROUP: other},
    )

    hours = [(slot.on, slot.starts // 60) for slot in slots]
    asked = {slot.on.day: slot.starts for slot in slots if not slot.base}
    assert len(hours) == len(set(hours))
    assert asked == {2: 960, 5: 960, 7: 960, 9: 960, 12: 990, 13: 960, 19: 990, 20: 960, 27: 960}


def test_lessons_that_are_not_over_stand_only_when_marked() -> None:
    assert list(lines(on(5), upto=date(2026, 10, 4))) == [2, 5]


def test_marked_with_a_crowd_is_flagged_unless_one_arrival_stands_alone() -> None:
    crowd, alone = on(5), on(5, "16:05", counter=2)

    assert lines(crowd, odd={crowd})[5].flags == ("same-second",)
    assert lines(crowd, alone, odd={crowd})[5].flags == ()


@pytest.mark.parametrize(
    ("when", "kind", "code"),
    [
        ("2026-10-05T15:30:00+05:00", "in", None),
        ("2026-10-05T15:29:59+05:00", "in", "outside-timetable"),
        ("2026-10-05T11:00:00Z", "in", None),
        ("2026-10-05T17:00:00+05:00", "in", "outside-timetable"),
        ("2026-10-06T16:00:00+05:00", "in", "outside-timetable"),
        ("2026-10-09T16:00:00+05:00", "in", "lesson-cancelled"),
        ("2026-10-26T16:00:00+05:00", "in", "outside-timetable"),
        ("2026-10-05T17:20:00+05:00", "out", None),
        ("2026-10-05T10:00:00+05:00", "out", "outside-timetable"),
        ("2026-10-09T17:20:00+05:00", "out", "lesson-cancelled"),
        ("2026-10-05T09:00:00+05:00", "absence", None),
        ("2026-10-06T09:00:00+05:00", "absence", "outside-timetable"),
        ("2026-10-09T09:00:00+05:00", "absence", "lesson-cancelled"),
    ],
)
def test_a_visit_is_judged_against_the_timetable(when: str, kind: str, code: str | None) -> None:
    more = {"reason": "S"} if kind == "absence" else {}

    found, of = rules.judge_visit(a_record(when, kind, **more), a_month(gone=9), early=EARLY)

    assert found == code
    assert of == (lesson(int(when[8:10])) if kind == "in" and code != "outside-timetable" else None)


def test_a_crowd_is_more_children_than_the_pack_allows_in_one_second_of_a_lesson() -> None:
    when = at("2026-10-05 16:00")

    def some(count: int, *, step: int = 0, same: bool = False) -> frozenset[str]:
        return rules.crowded(
            [
                (lesson(5), f"child-{0 if same else n}", when + timedelta(seconds=step * n), str(n))
                for n in range(count)
            ],
            most=3,
        )

    assert some(3) == frozenset()
    assert len(some(4)) == 4
    assert some(8, step=1) == frozenset()
    assert some(8, same=True) == frozenset()
    assert rules.crowded([("l", str(n), when, str(n)) for n in range(9)], most=0) == frozenset()


# --- confirming


NOON_6, NOON_13 = at("2026-10-06 12:00"), at("2026-10-13 12:00")


def confirmed(
    sheet: Sheet = rules.EMPTY,
    day: int = 5,
    *,
    marks: tuple[int, ...] = (on(5), on(7, counter=2), on(12, counter=3)),
    now: datetime = NOON_13,
    **more: Any,
) -> Sheet:
    found = said(*marks, sheet=sheet, today=local_day(now), **more)
    name = LineName(date(2026, 10, day), lesson(day))
    return rules.confirm_lesson(
        sheet, found.get(day), name=name, dates=DATES, by_line=True, now=now
    )


def test_one_tap_confirms_one_lesson_for_good() -> None:
    sheet = confirmed()

    after = said(on(5), on(7, counter=2), sheet=sheet, today=date(2026, 11, 9))

    assert sheet.confirmed == ("05T1600/60P",)
    assert (after[5].code, after[5].standing) == ("P", "confirmed")
    assert after[7].standing == "undecided"
    assert confirmed(sheet) is sheet
    assert [x.on.day for x in rules.lines_for_department(after.values())][:2] == [2, 7]


def test_what_was_confirmed_outlives_marks_timetable_and_enrolment() -> None:
    sheet = confirmed()
    gone = a_plan(a_month(gone=5), DateRange(date(2026, 10, 12)))

    assert said(sheet=sheet, today=date(2026, 10, 20), plan=gone)[5] == Line(
        date(2026, 10, 5), "P", standing="confirmed", starts=960, minutes=60
    )


@pytest.mark.parametrize(
    ("day", "now", "marks", "refusal"),
    [
        (5, "2026-10-05 17:00", (on(5),), None),
        (5, "2026-10-05 16:59", (on(5),), rules.NotHeldYet),
        (5, "2026-11-07 23:59", (on(5),), None),
        (5, "2026-11-08 00:00", (on(5),), rules.Locked),
        (5, "2026-10-06 12:00", (), rules.NotVisited),
        (5, "2026-10-06 12:00", (on(5, kind="absence", reason="S"),), rules.NotVisited),
        (6, "2026-10-07 12:00", (on(5),), rules.NotVisited),
        (7, "2026-10-06 12:00", (on(5),), rules.NotVisited),
    ],
)
def test_a_lesson_is_confirmed_once_it_was_held_and_visited_and_in_time(
    day: int, now: str, marks: tuple[int, ...], refusal: type[Refusal] | None
) -> None:
    if refusal is None:
        assert confirmed(day=day, now=at(now), marks=marks).confirmed
    else:
        with pytest.raises(refusal):
            confirmed(day=day, now=at(now), marks=marks)


def test_a_programme_of_months_has_nothing_to_tap() -> None:
    line = said(on(5), today=date(2026, 10, 6))[5]

    with pytest.raises(rules.NotLineByLine):
        rules.confirm_lesson(
            rules.EMPTY,
            line,
            name=LineName(line.on, line.lesson),
            dates=DATES,
            by_line=False,
            now=NOON_6,
        )


def contested(sheet: Sheet, day: int, claim: str = "N", *, now: datetime = NOON_13) -> Sheet:
    line = said(on(5), on(7, counter=2), sheet=sheet, today=local_day(now))[day]
    return rules.dispute(
        sheet,
        line,
        name=LineName(line.on, line.lesson),
        claim=claim,  # type: ignore[arg-type]
        reason="was-not-there",
        dates=DATES,
        answer_by=CALENDAR.deadline(now, working_days=3),
        by="person-1",
        now=now,
    )


def test_a_confirmed_lesson_is_not_contested_and_a_contested_one_not_confirmed() -> None:
    with pytest.raises(rules.Locked):
        contested(confirmed(), 5)
    with pytest.raises(rules.LineDisputed):
        confirmed(contested(rules.EMPTY, 7), 7)
    after = said(on(5), on(7, counter=2), sheet=contested(confirmed(), 7), today=date(2026, 10, 14))
    assert (after[5].standing, after[7].standing) == ("confirmed", "disputed")


def test_a_family_may_say_that_a_cancelled_lesson_was_held() -> None:
    plan = a_plan(a_month(gone=9))
    now = at("2026-10-13 12:00")
    line = said(on(9), plan=plan, today=local_day(now))[9]
    name = LineName(line.on, line.lesson)

    sheet = rules.dispute(
        rules.EMPTY,
        line,
        name=name,
        claim="P",
        reason="was-there",
        dates=DATES,
        answer_by=CALENDAR.deadline(now, working_days=3),
        by="person-1",
        now=now,
    )
    late = at("2026-11-09 12:00")
    held = said(on(9), sheet=sheet, plan=plan, today=local_day(late))[9]
    word: dict[str, Any] = {"name": name, "code": None, "by": "officer-1", "now": late}
    no = rules.decide(sheet, held, counts=False, reason="no-evidence", **word)
    yes = rules.decide(sheet, held, counts=True, reason="device-evidence", **{**word, "code": "P"})

    assert held.standing == "disputed"
    assert said(on(9), sheet=no, plan=plan, today=local_day(late))[9].code == "L"
    assert said(on(9), sheet=yes, plan=plan, today=local_day(late))[9].code == "P"


def approved(sheet: Sheet = rules.EMPTY, *marks: int) -> Sheet:
    found = tuple(said(*marks, sheet=sheet, today=date(2026, 11, 3)).values())
    digest = rules.digest_of("site-football", OCTOBER, "child-001", found)
    return rules.approve(
        sheet,
        found,
        plan=a_plan(),
        seen=digest,
        digest=digest,
        closed=True,
        dates=DATES,
        by="person-1",
        now=at("2026-11-03 12:00"),
    )


def test_approving_the_month_confirms_the_rest_and_nothing_drifts() -> None:
    sheet = approved(confirmed(), on(5), on(7, counter=2))
    moved = a_plan(a_month(DatedWeek(FIRST, (WeeklyLesson(2, "10:00", 60),))))

    after = said(on(5), sheet=sheet, plan=moved, today=date(2026, 12, 1), late={on(9, counter=9)})

    assert {x.standing for x in after.values()} == {"confirmed"}
    assert "".join(after[day].code for day in DAYS[:4]) == "NPPN"
    assert confirmed(sheet, 7) is sheet
    with pytest.raises(rules.Locked):
        confirmed(sheet, 9)


def test_a_late_mark_of_a_lesson_waits_for_the_department() -> None:
    sheet = approved(rules.EMPTY, on(5))

    after = said(on(5), sheet=sheet, today=date(2026, 11, 9), late={on(7, counter=2)})

    assert [x.on.day for x in rules.lines_for_department(after.values())] == [7]


def test_silence_about_a_lesson_is_decided_line_by_line() -> None:
    now = at("2026-11-09 12:00")
    line = said(on(5), today=local_day(now))[5]
    sheet = rules.decide(
        rules.EMPTY,
        line,
        name=LineName(line.on, line.lesson),
        counts=True,
        code=None,
        reason="device-evidence",
        by="officer-1",
        now=now,
    )

    after = said(on(5), sheet=sheet, today=local_day(now))
    assert line.standing == "undecided"
    assert (after[5].code, after[5].standing, after[5].flags) == ("P", "confirmed", ("decided",))
    assert sheet.decisions[0].lesson == lesson(5)


def test_a_proof_of_one_lesson_is_that_lessons() -> None:
    line = said(today=date(2026, 10, 13))[5]
    sheet = rules.file_proof(
        rules.EMPTY,
        line,
        name=LineName(line.on, line.lesson),
        reason="S",
        reference="095/у 123",
        dates=DATES,
        by="head-1",
        now=at("2026-10-13 12:00"),
    )

    after = said(sheet=sheet, today=date(2026, 10, 13))
    assert (after[5].code, after[5].proved, after[7].proved) == ("S", True, False)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("20261005T1600", LineName(date(2026, 10, 5), "20261005T1600")),
        ("2026-10-05", LineName(date(2026, 10, 5))),
        ("20261105T1600", None),
        ("20261005T2500", None),
        ("2026-10-05T1600", None),
        ("20261005", None),
    ],
)
def test_a_line_is_a_day_or_a_lesson_of_its_month(text: str, name: LineName | None) -> None:
    if name is None:
        with pytest.raises(rules.BadDay):
            rules.line_name(text, OCTOBER)
    else:
        assert rules.line_name(text, OCTOBER) == name
        assert name.key == text


def test_a10_a_lesson_is_of_almatys_day_and_month() -> None:
    late = a_month(DatedWeek(FIRST, (WeeklyLesson(6, "22:30", 60),)))
    plan = a_plan(late)

    # 31 October, 22:35 in Almaty; in UTC still the same day, at 17:35.
    record = a_record("2026-10-31T17:35:00Z")
    after_midnight = a_record("2026-10-31T19:05:00Z")

    assert rules.judge_visit(record, late, early=EARLY) == (None, lesson(31, "2230"))
    assert lines(rules.mark_of(record), plan=plan)[31].code == "P"
    assert Month.of(after_midnight.on) == OCTOBER.next()


# --- properties


taught = st.sampled_from(DAYS)
events = st.lists(
    st.tuples(
        st.integers(1, 31),
        st.integers(15, 17),
        st.integers(0, 59),
        st.sampled_from(["in", "out", "S", "F", "N"]),
        st.booleans(),
        st.integers(1, 1000),
    ),
    max_size=25,
)


def marks_of(found: list[tuple[int, int, int, str, bool, int]]) -> list[int]:
    made: list[int] = []
    for day, hour, minute, kind, guessed, counter in found:
        more: dict[str, Any] = {"counter": counter}
        if kind in ("in", "out"):
            more |= {"guessed": True} if guessed else {}
            made.append(on(day, f"{hour}:{minute:02d}", kind, **more))
        else:
            made.append(on(day, f"{hour}:{minute:02d}", "absence", reason=kind, **more))
    return made


@given(events, st.randoms())
def test_a4_order_repetition_and_batches_never_change_the_lessons(
    found: list[tuple[int, int, int, str, bool, int]], chance: random.Random
) -> None:
    marks = marks_of(found)
    shuffled = marks + chance.choices(marks, k=5) if marks else []
    chance.shuffle(shuffled)

    assert lines(*shuffled) == lines(*marks)
    assert all(
        x.code != "P" or any(rules.read_mark(m).day == x.on.day for m in marks)
        for x in lines(*marks).values()
    )


@given(st.permutations(DAYS), st.sets(taught))
def test_the_order_of_confirmations_does_not_matter(order: list[int], visited: set[int]) -> None:
    marks = tuple(on(day, counter=n + 1) for n, day in enumerate(sorted(visited)))
    now = at("2026-11-02 12:00")

    def all_of(days: list[int]) -> Sheet:
        sheet = rules.EMPTY
        for day in days:
            if day in visited:
                sheet = confirmed(sheet, day, marks=marks, now=now)
                sheet = confirmed(sheet, day, marks=marks, now=now)
        return sheet

    assert all_of(order) == all_of(sorted(order))
    after = said(*marks, sheet=all_of(order), today=date(2026, 11, 9))
    assert {n for n, x in after.items() if x.confirmed and x.code == "P"} == visited


@given(st.sets(taught), st.sets(taught))
def test_confirming_some_and_approving_the_rest_is_approving_all(
    visited: set[int], tapped: set[int]
) -> None:
    marks = tuple(on(day, counter=n + 1) for n, day in enumerate(sorted(visited)))
    now = at("2026-11-02 12:00")
    sheet = rules.EMPTY
    for day in sorted(tapped & visited):
        sheet = confirmed(sheet, day, marks=marks, now=now)

    one, all_at_once = approved(sheet, *marks), approved(rules.EMPTY, *marks)

    assert (one.codes, one.digest) == (all_at_once.codes, all_at_once.digest)
    assert replace(one, confirmed=()) == all_at_once


def test_a_month_of_confirmations_is_a_small_row() -> None:
    import msgspec

    sheet = rules.EMPTY
    marks = tuple(on(day, counter=n + 1) for n, day in enumerate(DAYS))
    for day in DAYS:
        sheet = confirmed(sheet, day, marks=marks, now=at("2026-11-02 12:00"))

    assert len(msgspec.json.encode(sheet)) < 320


# --- codes


@given(st.binary(min_size=32, max_size=32))
def test_codes_of_notices_are_twelve_signs_that_nobody_mixes_up(digest: bytes) -> None:
    code = rules.confirmation_code(digest)

    assert len(rules.typed_confirmation(f" {code.lower()} ")) == 12
    assert not set(code) & set("01IOL")


@pytest.mark.parametrize("text", ["", "ABCD", "A" * 13, "A" * 400])
def test_a_code_of_another_length_is_no_code(text: str) -> None:
    with pytest.raises(rules.BadConfirmation):
        rules.typed_confirmation(text)
