"""The law of attendance, without a table: marks, days, chains, sheets, devices."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.attendance import rules
from chalicelib.attendance.rules import DayPlan, Line, LineName, Link, Record, Sheet
from chalicelib.kernel.actors import Actor, Role
from chalicelib.kernel.periods import DateRange, Month
from chalicelib.kernel.refusals import AnotherContent, Unknown
from chalicelib.policy.actions import load_pack
from tests.attendance.tablets import Tablet

PACK = load_pack("preschool", "taldykorgan")
CALENDAR = PACK.calendar
MARCH = Month(2026, 3)
WHOLE = (DateRange(date(2025, 9, 1)),)
PLAN = DayPlan(MARCH, WHOLE, CALENDAR)
DATES = PACK.at(MARCH.last).month_calendar.dates(MARCH, CALENDAR)
MONDAY = date(2026, 3, 2)


def a_record(at: str, kind: str = "in", **more: Any) -> Record:
    record = rules.read_record(Tablet().sign(at, kind, **more))
    assert isinstance(record, Record)
    return record


def a_mark(at: str, kind: str = "in", *, counter: int = 1, **more: Any) -> int:
    tablet = Tablet(counter=counter - 1)
    record = rules.read_record(tablet.sign(at, kind, **more))
    assert isinstance(record, Record)
    return rules.mark_of(record)


def on(day: int, clock: str = "08:00", kind: str = "in", **more: Any) -> int:
    return a_mark(f"2026-03-{day:02d}T{clock}:00+05:00", kind, **more)


def days(*marks: int, **changes: Any) -> dict[int, Line]:
    asked: dict[str, Any] = {"month": MARCH, "enrolled": WHOLE, "calendar": CALENDAR, **changes}
    return {day.on.day: day for day in rules.fold(set(marks), **asked)}


# --- marks


def test_a_mark_says_what_its_record_says() -> None:
    tablet = Tablet(counter=122)
    record = rules.read_record(tablet.sign("2026-03-31T19:30:00Z", "out", way="pin", guessed=True))
    assert isinstance(record, Record)

    mark = rules.read_mark(rules.mark_of(record))

    # 19:30Z is half past midnight of the next day in Almaty: A10.
    assert (mark.day, mark.minute, mark.kind, mark.way) == (1, 30, 2, "pin")
    assert (mark.counter, mark.guessed, mark.absence) == (123, True, None)
    assert mark.tag == rules.tag_of(tablet.device_id)
    assert record.on == date(2026, 4, 1)


def test_marks_fit_in_a_signed_64_bit_integer() -> None:
    mark = a_mark("2026-03-31T23:59:00+05:00", "out", counter=rules.COUNTER_MAX, guessed=True)

    assert 0 < mark < 2**63


# --- days


def test_a_day_without_any_record_is_a_finding_and_not_a_zero_lesson_24() -> None:
    folded = days()

    assert folded[2] == Line(MONDAY, "N", ("no-record",))
    assert folded[7].code == "H"
    assert len(folded) == 31


def test_days_that_are_not_over_stand_only_when_marked() -> None:
    folded = days(on(4), upto=date(2026, 3, 2))

    assert list(folded) == [1, 2, 4]
    assert folded[4].code == "P"


@pytest.mark.parametrize(
    ("marks", "code", "flags"),
    [
        ([on(2)], "P", ()),
        ([on(2), on(2, "18:00", "out", counter=2)], "P", ()),
        ([on(2, "18:00", "out")], "P", ("no-arrival",)),
        ([on(2, "09:00", "absence", reason="S")], "S", ()),
        ([on(2), on(2, "09:00", "absence", reason="S", counter=2)], "P", ("conflict",)),
        (
            [on(2, "18:00", "out"), on(2, "09:00", "absence", reason="S", counter=2)],
            "S",
            ("conflict",),
        ),
        (
            [
                on(2, "09:00", "absence", reason="N"),
                on(2, "10:00", "absence", reason="F", counter=2),
            ],
            "F",
            ("corrected",),
        ),
        (
            [
                on(2, "09:00", "absence", reason="N", counter=2),
                on(2, "09:00", "absence", reason="S", counter=3),
            ],
            "S",
            ("corrected",),
        ),
        ([on(2, guessed=True)], "N", ("guessed",)),
        ([on(2, "19:00", "out", guessed=True)], "N", ("guessed",)),
    ],
)
def test_attendance_and_absence_of_a_day_are_one_state_machine_lesson_23(
    marks: list[int], code: str, flags: tuple[str, ...]
) -> None:
    for order in (marks, marks[::-1]):
        assert days(*order)[2] == Line(MONDAY, code, flags)


def test_a_guessed_departure_earns_nothing_and_takes_nothing_lesson_19() -> None:
    alone = days(on(2, "19:00", "out", guessed=True))
    after_arrival = days(on(2), on(2, "19:00", "out", guessed=True, counter=2))

    assert alone[2].code == "N"
    assert after_arrival[2].code == "P"
    (visit,) = rules.visits({on(2), on(2, "19:00", "out", guessed=True, counter=2)})[2][0]
    assert visit.guessed


def test_marks_on_days_off_and_outside_the_enrolment_count_for_nothing_and_are_flagged() -> None:
    enrolled = (DateRange(date(2026, 3, 2), date(2026, 3, 6)),)

    folded = days(on(7), on(9, counter=2), enrolled=enrolled)

    assert folded[7] == Line(date(2026, 3, 7), "X", ("not-enrolled",))
    assert folded[9] == Line(date(2026, 3, 9), "X", ("not-enrolled",))
    assert days(on(7))[7] == Line(date(2026, 3, 7), "H", ("day-off",))


def test_days_of_two_enrolments_at_one_site_lie_on_one_sheet() -> None:
    enrolled = (
        DateRange(date(2026, 3, 2), date(2026, 3, 3)),
        DateRange(date(2026, 3, 5), None),
    )

    codes = "".join(day.code for day in days(enrolled=enrolled).values())

    assert codes[:6] == "XNNXNN"


def test_several_and_overnight_intervals_are_kept_lesson_18() -> None:
    marks = {
        on(2, "08:00", counter=1),
        on(2, "10:00", "out", counter=2),
        on(2, "14:00", counter=3),
        on(3, "07:30", "out", counter=4),
        on(4, "08:00", counter=5),
        on(5, "18:00", "out", counter=6),
    }

    found = rules.visits(marks, opens=7 * 60, closes=19 * 60)

    assert [(v.came, v.left) for v in found[2][0]] == [(480, 600), (840, 1440 + 450)]
    assert found[2][1] == ("overnight",)
    # Thirty-four hours are no visit: somebody forgot to mark.
    assert [(v.came, v.left) for v in found[4][0]] == [(480, None)]
    assert [(v.came, v.left) for v in found[5][0]] == [(None, 1080)]
    assert (found[4][1], found[5][1]) == (("no-departure",), ("no-arrival",))
    assert days(*marks)[3].code == "P"


def test_arrivals_at_night_are_shown_to_officers() -> None:
    assert rules.visits({on(2, "03:00")}, opens=420, closes=1140)[2][1] == (
        "no-departure",
        "outside-hours",
    )


@pytest.mark.parametrize(
    ("at", "on_day"),
    [
        # Before 1 March 2024 Almaty was at UTC+6; 29 February had 25 hours there.
        ("2024-02-29T17:59:59Z", date(2024, 2, 29)),
        ("2024-02-29T18:59:59Z", date(2024, 2, 29)),
        ("2024-02-29T19:00:00Z", date(2024, 3, 1)),
        ("2024-03-31T18:59:59Z", date(2024, 3, 31)),
        ("2024-03-31T19:00:00Z", date(2024, 4, 1)),
        ("2026-02-28T23:59:59+05:00", date(2026, 2, 28)),
        ("2026-03-01T00:00:00+05:00", date(2026, 3, 1)),
        ("2026-03-01T00:00:00-11:00", date(2026, 3, 1)),
        ("2025-12-31T19:00:00Z", date(2026, 1, 1)),
    ],
)
def test_a10_a_record_belongs_to_the_day_of_almaty_lesson_22(at: str, on_day: date) -> None:
    record = a_record(at)

    assert record.on == on_day
    assert rules.read_mark(rules.mark_of(record)).day == on_day.day


def test_the_adult_is_part_of_the_signed_record_lesson_27() -> None:
    record = a_record("2026-03-02T08:00:00+05:00", adult="grandmother-7f3a")

    assert record.adult == "grandmother-7f3a"
    assert b"grandmother-7f3a" in record.signed


moments = st.datetimes(datetime(2026, 3, 1), datetime(2026, 3, 31, 18)).map(
    lambda at: at.strftime("%Y-%m-%dT%H:%M:%SZ")
)
events = st.lists(
    st.tuples(
        moments,
        st.sampled_from(["in", "out", "S", "F", "N"]),
        st.booleans(),
        st.integers(1, 1000),
    ),
    max_size=25,
)


def marks_of(found: list[tuple[str, str, bool, int]]) -> list[int]:
    made: list[int] = []
    for at, kind, guessed, counter in found:
        more: dict[str, Any] = {"counter": counter}
        if kind in ("in", "out"):
            more |= {"guessed": True} if guessed else {}
            made.append(a_mark(at, kind, **more))
        else:
            made.append(a_mark(at, "absence", reason=kind, **more))
    return made


@given(events, st.randoms())
def test_a4_order_repetition_and_batches_never_change_the_days(
    found: list[tuple[str, str, bool, int]], chance: random.Random
) -> None:
    marks = marks_of(found)
    shuffled = marks + chance.choices(marks, k=5) if marks else []
    chance.shuffle(shuffled)
    stored: set[int] = set()
    while shuffled:
        size = chance.randint(1, len(shuffled))
        stored |= set(shuffled[:size])
        del shuffled[:size]

    assert days(*stored) == days(*marks)
    assert rules.visits(stored) == rules.visits(set(marks))


@given(events)
def test_each_day_of_the_month_has_one_code_and_presence_is_real(
    found: list[tuple[str, str, bool, int]],
) -> None:
    marks = marks_of(found)
    folded = days(*marks)

    assert len(folded) == 31
    for number, day in folded.items():
        real = [
            m
            for m in map(rules.read_mark, marks)
            if m.day == number and m.absence is None and not m.guessed
        ]
        assert (day.code != "P") or real
        assert CALENDAR.is_working(day.on) or day.code == "H"


# --- chains


def chain_of(count: int, seed: int = 1) -> list[Record]:
    tablet = Tablet(seed=seed)
    made = [rules.read_record(tablet.sign(f"2026-03-02T08:{n:02d}:00+05:00")) for n in range(count)]
    return [record for record in made if isinstance(record, Record)]


def known_of(records: list[Record]) -> dict[int, Link]:
    return {r.counter: Link(r.hash, r.prev) for r in records}


def test_a_chain_that_goes_on_has_nothing_to_say() -> None:
    records = chain_of(5)

    chain = rules.judge_chain(records[2:], known_of(records[:2]))

    assert (chain.had, chain.forks, chain.flags, chain.gaps) == (frozenset(), frozenset(), {}, ())
    assert rules.judge_chain(records, {}).flags == {}


def test_dropped_records_are_gaps_and_the_first_comes_first() -> None:
    records = chain_of(9)

    chain = rules.judge_chain([records[8], records[3], records[4]], {1: Link(records[0].hash)})

    assert chain.gaps == (rules.Gap(2, 3), rules.Gap(6, 8))
    assert chain.flags == {4: ("gap",), 9: ("gap",)}


def test_a_gap_that_is_filled_from_both_sides_is_checked_on_both() -> None:
    records = chain_of(4)
    other = chain_of(4, seed=1)
    forged = replace(other[1], hash="x" * 43)

    good = rules.judge_chain(records[1:3], known_of([records[0], records[3]]))
    bad = rules.judge_chain([forged], known_of([records[0], records[2]]))

    assert good.flags == {}
    assert bad.flags == {2: ("clone",)}


def test_the_first_record_follows_nothing() -> None:
    record = replace(chain_of(1)[0], prev="B" * 43)

    assert rules.judge_chain([record], {}).flags == {1: ("clone",)}


# --- one record


def judged(record: Record, **changes: Any) -> str | None:
    asked: dict[str, Any] = {
        "enrolled": DateRange(date(2025, 9, 1)),
        "rule": PACK.at(record.on).attendance,
        "now": datetime(2026, 3, 2, 4, tzinfo=UTC),
        **changes,
    }
    return rules.judge_record(record, **asked)


def test_a_way_that_the_pack_does_not_allow_is_refused() -> None:
    record = a_record("2026-03-02T08:00:00+05:00", way="qr")
    rule = replace(PACK.at(MONDAY).attendance, ways=("educator",))

    assert judged(record) is None
    assert judged(record, rule=rule) == "bad-way"
    assert judged(record, rule=None) == "no-rules"


# --- sheets


def said(*marks: int, sheet: Sheet = rules.EMPTY, today: date, late: set[int] | None = None):
    return {
        day.on.day: day
        for day in rules.timesheet(
            set(marks),
            late or set(),
            sheet,
            plan=PLAN,
            dates=DATES,
            today=today,
        )
    }


APRIL = [date(2026, 4, n) for n in range(1, 12)]
NOON = datetime(2026, 4, 2, 7, tzinfo=UTC)


def approved(*marks: int, sheet: Sheet = rules.EMPTY, now: datetime = NOON) -> Sheet:
    found = tuple(said(*marks, sheet=sheet, today=APRIL[1]).values())
    digest = rules.digest_of("site-0001", MARCH, "child-001", found)
    return rules.approve(
        sheet,
        found,
        plan=PLAN,
        seen=digest,
        digest=digest,
        closed=True,
        dates=DATES,
        by="person-1",
        now=now,
    )


def disputed(sheet: Sheet = rules.EMPTY, day: int = 3, claim: str = "P", **changes: Any) -> Sheet:
    asked: dict[str, Any] = {
        "name": LineName(date(2026, 3, day)),
        "claim": claim,
        "reason": "was-there",
        "dates": DATES,
        "answer_by": CALENDAR.deadline(NOON, working_days=3),
        "by": "person-1",
        "now": NOON,
        **changes,
    }
    return rules.dispute(sheet, said(sheet=sheet, today=APRIL[1])[day], **asked)


@pytest.mark.parametrize(
    ("today", "standing"),
    [(MONDAY, "open"), (APRIL[0], "open"), (APRIL[6], "open"), (APRIL[7], "undecided")],
)
def test_silence_neither_approves_nor_refuses(today: date, standing: str) -> None:
    assert said(on(2), today=today)[2].standing == standing


def test_approval_confirms_what_was_seen_and_nothing_drifts_afterwards() -> None:
    sheet = approved(on(2))

    after = said(on(2), sheet=sheet, today=APRIL[9], late={on(3)})

    assert after[2] == Line(MONDAY, "P", standing="confirmed")
    assert after[3] == Line(date(2026, 3, 3), "N", ("late-mark",), standing="confirmed")
    assert after[4] == Line(date(2026, 3, 4), "N", standing="confirmed")
    assert sheet.codes is not None
    assert sheet.codes[:3] == "HPN"
    assert approved(on(2), sheet=sheet) is sheet


@pytest.mark.parametrize(
    ("now", "closed", "seen", "refusal"),
    [
        ("2026-03-31T18:59:59+00:00", True, None, rules.TooEarly),
        ("2026-03-31T19:00:00+00:00", True, None, None),
        ("2026-04-07T18:59:59+00:00", True, None, None),
        ("2026-04-07T19:00:00+00:00", True, None, rules.Locked),
        ("2026-04-02T07:00:00+00:00", False, None, rules.NotClosed),
        ("2026-04-02T07:00:00+00:00", True, "0" * 32, rules.SheetChanged),
    ],
)
def test_a_family_approves_from_day_one_to_seven_of_what_it_saw(
    now: str, closed: bool, seen: str | None, refusal: type | None
) -> None:
    def act() -> Sheet:
        return rules.approve(
            rules.EMPTY,
            (),
            plan=PLAN,
            seen=seen or "f" * 32,
            digest="f" * 32,
            closed=closed,
            dates=DATES,
            by="person-1",
            now=datetime.fromisoformat(now),
        )

    if refusal is None:
        assert act().approved_by == "person-1"
    else:
        with pytest.raises(refusal):
            act()


def test_an_approval_repeated_with_another_digest_is_other_content() -> None:
    sheet = approved(on(2))

    with pytest.raises(AnotherContent):
        rules.approve(
            sheet,
            (),
            plan=PLAN,
            seen="0" * 32,
            digest="0" * 32,
            closed=True,
            dates=DATES,
            by="person-1",
            now=NOON,
        )


def test_a_disputed_day_is_held_alone() -> None:
    sheet = approved(on(2), sheet=disputed())

    after = said(on(2), sheet=sheet, today=APRIL[1])

    assert after[3].standing == "disputed"
    assert {d.standing for n, d in after.items() if n != 3} == {"confirmed"}
    assert [d.on.day for d in rules.lines_for_department(after.values())] == [3]


def test_a_dispute_is_refused_when_it_says_nothing_new_or_too_late() -> None:
    with pytest.raises(rules.NothingToDispute):
        disputed(claim="N")
    with pytest.raises(rules.NothingToDispute):
        disputed(day=7)
    with pytest.raises(rules.TooEarly):
        disputed(day=31, now=datetime(2026, 3, 30, 12, tzinfo=UTC))
    with pytest.raises(rules.Locked):
        disputed(now=datetime(2026, 4, 7, 19, tzinfo=UTC))
    with pytest.raises(rules.Locked):
        disputed(approved(on(2)))
    once = disputed()
    assert disputed(once) is once
    with pytest.raises(AnotherContent):
        disputed(once, claim="S")


def decided(sheet: Sheet, day: int, now: datetime, **changes: Any) -> Sheet:
    asked: dict[str, Any] = {
        "name": LineName(date(2026, 3, day)),
        "counts": True,
        "code": "P",
        "reason": "device-evidence",
        "by": "officer-1",
        "now": now,
        **changes,
    }
    from chalicelib.kernel.periods import local_day

    return rules.decide(sheet, said(sheet=sheet, today=local_day(now))[day], **asked)


def test_the_department_decides_a_dispute_once_it_was_answered_or_the_term_has_passed() -> None:
    sheet = approved(sheet=disputed())
    in_time = datetime(2026, 4, 3, 7, tzinfo=UTC)

    with pytest.raises(rules.NotUndecided):
        decided(sheet, 3, in_time)
    answered = rules.answer(
        sheet, name=LineName(date(2026, 3, 3)), said="insist", by="head-1", now=in_time
    )
    assert decided(answered, 3, in_time).decisions[0].code == "P"
    # Answer by Tuesday 7 April, 24:00: three working days after Thursday 2 April.
    assert decided(sheet, 3, datetime(2026, 4, 7, 19, tzinfo=UTC)).decisions

    after = said(sheet=decided(answered, 3, in_time), today=APRIL[8])
    assert after[3] == Line(date(2026, 3, 3), "P", ("decided",), standing="confirmed")


def test_the_department_decides_silence_line_by_line() -> None:
    early, late = datetime(2026, 4, 7, 12, tzinfo=UTC), datetime(2026, 4, 8, 4, tzinfo=UTC)

    with pytest.raises(rules.NotUndecided):
        decided(rules.EMPTY, 2, early)
    refused = decided(rules.EMPTY, 2, late, counts=False, code=None, reason="no-evidence")
    after = said(on(2), sheet=refused, today=APRIL[8])

    assert (after[2].code, after[2].standing) == ("N", "confirmed")
    assert after[3].standing == "undecided"
    with pytest.raises(AnotherContent):
        decided(refused, 2, late)
    with pytest.raises(rules.NotUndecided):
        decided(rules.EMPTY, 7, late)


def test_a_late_mark_waits_for_the_department() -> None:
    sheet = approved(on(2))
    before = said(on(2), sheet=sheet, today=APRIL[9], late={on(3)})
    line = rules.lines_for_department(before.values())
    corrected = rules.decide(
        sheet,
        before[3],
        name=LineName(date(2026, 3, 3)),
        counts=True,
        code="P",
        reason="device-evidence",
        by="officer-1",
        now=datetime(2026, 4, 10, 4, tzinfo=UTC),
    )
    after = said(on(2), sheet=corrected, today=APRIL[9], late={on(3)})

    assert [d.on.day for d in line] == [3]
    assert after[3].code == "P"
    assert rules.lines_for_department(after.values()) == ()


def proof(sheet: Sheet = rules.EMPTY, day: int = 3, **changes: Any) -> Sheet:
    asked: dict[str, Any] = {
        "name": LineName(date(2026, 3, day)),
        "reason": "S",
        "reference": "095/у 123",
        "dates": DATES,
        "by": "head-1",
        "now": NOON,
        **changes,
    }
    return rules.file_proof(sheet, said(on(2), sheet=sheet, today=APRIL[1])[day], **asked)


def test_a_paper_gives_an_absence_its_reason_and_proves_it() -> None:
    sheet = proof()

    after = said(on(2), sheet=sheet, today=APRIL[1])

    assert after[3] == Line(date(2026, 3, 3), "S", (), proved=True)
    assert after[4].proved is False
    assert proof(sheet) is sheet
    with pytest.raises(AnotherContent):
        proof(sheet, reason="F")


def test_papers_are_refused_for_days_present_off_ahead_or_locked() -> None:
    with pytest.raises(rules.NotAnAbsence):
        proof(day=2)
    with pytest.raises(rules.NotAnAbsence):
        proof(day=7)
    with pytest.raises(rules.TooEarly):
        proof(now=datetime(2026, 3, 2, 7, tzinfo=UTC))
    with pytest.raises(rules.Locked):
        proof(approved(on(2)))
    with pytest.raises(rules.Locked):
        proof(now=datetime(2026, 4, 10, 19, tzinfo=UTC))


def test_a_mark_counts_less_than_an_approval_and_more_than_a_paper() -> None:
    present_after_all = said(on(2), on(3), sheet=proof(), today=APRIL[1])

    assert (present_after_all[3].code, present_after_all[3].proved) == ("P", False)


def test_an_answer_needs_a_dispute_and_is_given_once() -> None:
    sheet = disputed()
    answered = rules.answer(
        sheet, name=LineName(date(2026, 3, 3)), said="agree", by="head-1", now=NOON
    )

    assert answered.disputes[0].answer == "agree"
    assert (
        rules.answer(answered, name=LineName(date(2026, 3, 3)), said="agree", by="head-1", now=NOON)
        is answered
    )
    with pytest.raises(AnotherContent):
        rules.answer(
            answered, name=LineName(date(2026, 3, 3)), said="insist", by="head-1", now=NOON
        )
    with pytest.raises(Unknown):
        rules.answer(sheet, name=LineName(date(2026, 3, 4)), said="agree", by="head-1", now=NOON)


def test_a_month_is_closed_after_its_last_day_and_once() -> None:
    fresh = rules.SiteMonth(site_id="site-0001", month="2026-03")

    with pytest.raises(rules.TooEarly):
        rules.close(fresh, month=MARCH, by="head-1", now=datetime(2026, 3, 31, 18, tzinfo=UTC))
    closed = rules.close(fresh, month=MARCH, by="head-1", now=datetime(2026, 3, 31, 19, tzinfo=UTC))
    assert closed.closed_by == "head-1"
    assert rules.close(closed, month=MARCH, by="somebody", now=NOON) is closed


def test_nobody_both_marks_and_approves() -> None:
    actor = Actor(
        "somebody", frozenset({Role.REPRESENTATIVE}), organisations=frozenset({"organisation-1"})
    )

    with pytest.raises(rules.MarksHere):
        rules.check_separate(actor, "organisation-1", rules.EMPTY)
    rules.check_separate(actor, "organisation-2", rules.EMPTY)


def test_who_had_a_hand_in_a_sheet_does_not_judge_it_under_another_role() -> None:
    officer = Actor("somebody", frozenset({Role.DEPARTMENT}))
    proof = rules.Proof(
        on=date(2026, 3, 3), lesson="", reason="sick-note", reference="1", at="", by="somebody"
    )

    with pytest.raises(rules.MarksHere):
        rules.check_separate(officer, "organisation-1", rules.EMPTY, "somebody")
    with pytest.raises(rules.MarksHere):
        rules.check_separate(officer, "organisation-1", rules.Sheet(proofs=(proof,)))
    rules.check_separate(officer, "organisation-1", rules.EMPTY, "system")


@pytest.mark.parametrize("text", ["2026-04-01", "2026-3-02", "20260302", "x", "2026-03-32"])
def test_a_day_is_written_whole_and_lies_in_its_month(text: str) -> None:
    with pytest.raises(rules.BadDay):
        rules.line_name(text, MARCH)
    assert rules.line_name("2026-03-02", MARCH) == LineName(MONDAY)


# --- devices


def test_a_bucket_empties_and_fills_again() -> None:
    now = datetime(2026, 3, 2, 4, tzinfo=UTC)
    at, spent = 0, 0
    with pytest.raises(rules.TooManyUploads):
        for _ in range(1000):
            at = rules.spend(at, 505, now=now)
            spent += 505

    assert rules.BUCKET_SECONDS - 505 < spent <= rules.BUCKET_SECONDS
    assert rules.spend(at, 505, now=now + timedelta(seconds=505)) > at


@given(st.binary(min_size=32, max_size=32))
def test_codes_are_eight_signs_that_nobody_mixes_up(digest: bytes) -> None:
    code = rules.code_from(digest)

    assert len(code) == rules.CODE_LENGTH
    assert not set(code) & set("01IOL")
    assert rules.typed_code(f" {code[:4].lower()}-{code[4:]} ") == code
