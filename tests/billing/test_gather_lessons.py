"""From real lessons to a statement: a timetable, a tablet's marks, families' confirmations."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as given_
from hypothesis import strategies as st

from chalicelib.attendance import actions as attendance
from chalicelib.attendance import store as sheets
from chalicelib.attendance.rules import Line, LineName, Place, doubled_lines, month_use
from chalicelib.attendance.rules import Stay as AttendanceStay
from chalicelib.attendance.rules.marks import IN
from chalicelib.billing import actions
from chalicelib.billing.actions.gathering import _stay
from chalicelib.billing.rules.judging import ChildMonth, Day, judge
from chalicelib.billing.rules.pricing import price
from chalicelib.billing.rules.units import lesson_number, numbers
from chalicelib.billing.store import statements as store
from chalicelib.budgets import actions as budgets
from chalicelib.kernel.actors import Actor, Role, system
from chalicelib.kernel.money import tenge
from chalicelib.kernel.periods import DateRange, Month
from chalicelib.lessons import store as timetables
from chalicelib.lessons.rules import Cancelled, DatedWeek, Timetable, lesson_id, lessons_in
from chalicelib.policy.actions import load_pack
from chalicelib.providers import store as providers
from chalicelib.providers.rules import Site, SiteState, WeeklyLesson
from chalicelib.storage.commit import commit
from chalicelib.storage.outbox import WORK
from chalicelib.vouchers import store as vouchers
from chalicelib.vouchers.rules import Member, Roster
from chalicelib.vouchers.rules.values import Stay, Stays
from infra.local import faults
from tests.attendance.builders import HEAD, MARCH, ORGANISATION, a_family, at, child, enrolment

CLUB, OTHER_CLUB, GROUP = "club-aaaa", "club-bbbb", "group-aaaa"
KARAGANDA = {"programme": "clubs", "area": "karaganda"}
JOB = system("billing")
FINANCE = Actor(
    "finance-1",
    frozenset({Role.FINANCE}),
    areas=frozenset({"karaganda"}),
    directions=frozenset({"*"}),
)
OFFICER = Actor(
    "officer-1",
    frozenset({Role.DEPARTMENT}),
    areas=frozenset({"karaganda"}),
    directions=frozenset({"sport"}),
)
LESSONS = st.tuples(
    st.integers(2, 31), st.integers(8 * 12, 20 * 12).map(lambda n: n * 5), st.sampled_from([45, 60])
)
NOW = at("2026-04-13 09:00")
STARTED = date(2026, 2, 2)


@pytest.fixture(autouse=True)
def _budget(tables):
    budgets.allot(
        **KARAGANDA,
        year=2026,
        direction="sport",
        amount_tiyn=tenge(10_000_000),
        act="act-1",
        by=FINANCE,
        now=NOW,
    )


def open_club(
    *pupils: int,
    site_id: str = CLUB,
    starts: str = "16:00",
    weekdays: tuple[int, ...] = (1, 3, 5),
    cancelled: tuple[str, ...] = (),
    first: date = STARTED,
    last: date | None = None,
    **member: object,
) -> None:
    """Open a sports club that meets on some weekdays, with these pupils on its roster."""
    site = Site(
        site_id=site_id,
        organisation_id=ORGANISATION,
        **KARAGANDA,
        name="Жұлдыз",
        address="-",
        locality="urban",
        form="public",
        state=SiteState.LISTED,
        direction="sport",
    )
    for put in providers.create_site(site):
        commit([put])
    members = tuple(
        replace(Member(enrolment(n), child(n), first, last, "sport/60/urban"), **member)
        for n in pupils
    )
    kept = vouchers.find_roster(site_id, GROUP)
    commit([vouchers.keep_roster(kept, Roster(site_id, GROUP, members))])
    week = DatedWeek(STARTED, tuple(WeeklyLesson(day, starts, 60) for day in weekdays))
    gone = tuple(Cancelled(name, "other", "2026-03-01T00:00:00.000000Z") for name in cancelled)
    timetable = Timetable(group_id=GROUP, site_id=site_id, weeks=(week,), cancelled=gone)
    commit([timetables.keep_timetable(timetables.find_timetable(site_id, GROUP), timetable)])
    for n in pupils:
        stays = vouchers.find_stays(child(n), "clubs")
        stay = Stay(enrolment(n), f"voucher-{n:06d}", site_id, GROUP, first, last)
        commit([vouchers.keep_stays(stays, Stays((*stays.value.stays, stay)))])


def given(site_id: str = CLUB):
    timetable = timetables.find_timetable(site_id, GROUP).value
    calendar = load_pack("clubs", "karaganda").calendar
    return [x for x in lessons_in(timetable, MARCH, calendar) if x.given and x.on >= STARTED]


def visit(n: int, lessons, site_id: str = CLUB) -> None:
    marks = [
        lesson.on.day << 57 | IN << 53 | (lesson.starts + 2) << 40 | 77 << 24 | number
        for number, lesson in enumerate(lessons)
    ]
    sheets.add_marks(site_id, MARCH, child(n), marks, enrolment_id=enrolment(n))


def confirm(n: int, lessons, *, family: Actor | None = None, site_id: str | None = None) -> Actor:
    family = family or a_family(n)
    for lesson in lessons:
        attendance.confirm_lesson(
            child(n),
            LineName(lesson.on, lesson_id(lesson.on, lesson.starts)),
            programme="clubs",
            site_id=site_id,
            by=family,
            now=at("2026-03-31 22:00"),
        )
    return family


def close(site_id: str = CLUB) -> None:
    attendance.close_month(site_id, MARCH, by=HEAD, now=at("2026-04-01 08:00"))


def bill(site_id: str = CLUB):
    return actions.bill(site_id, MARCH, by=JOB, now=NOW)


def test_only_confirmed_lessons_earn_and_the_rest_says_why():
    open_club(1, 2, cancelled=("20260302T1600",))
    lessons = given()
    visit(1, lessons)
    visit(2, lessons[:-1])
    confirm(1, lessons)
    confirm(2, lessons[:3])
    close()

    lines = {s.line.child_id: s.line for s in bill().statement.lines}

    first, second = lines[child(1)], lines[child(2)]
    assert first.accrual_tiyn == len(lessons) * tenge(1_500)
    assert first.unpaid["L"] == 1
    assert first.withheld_tiyn["L"] == 0
    assert second.payable == {"P": 3}
    assert second.unpaid["undecided"] == len(lessons) - 4
    assert second.accrual_tiyn == tenge(4_500)


def test_special_needs_and_what_a_platform_paid_come_from_the_roster():
    open_club(1, sen=True, used_month="2026-03", used_tiyn=tenge(20_000))
    lessons = given()
    visit(1, lessons)
    confirm(1, lessons)

    (stated,) = bill().statement.lines

    # A cap of 27,000, of which 20,000 were used where the child came from.
    assert stated.line.accrual_tiyn == tenge(7_000)
    assert sum(stated.line.parts.values()) == tenge(7_000)
    assert set(stated.line.parts) == {"base", "assistant", "adapted-programme", "small-group"}


def test_what_was_used_in_another_month_is_used_up():
    open_club(1, used_month="2026-02", used_tiyn=tenge(18_000))
    lessons = given()[:2]
    visit(1, lessons)
    confirm(1, lessons)

    assert bill().statement.movement_tiyn == tenge(3_000)


def test_a_lesson_in_two_clubs_at_one_hour_blocks_both():
    open_club(1, starts="16:00", weekdays=(1,))
    open_club(1, site_id=OTHER_CLUB, starts="16:30", weekdays=(1, 4))
    here, there = given(), given(OTHER_CLUB)
    visit(1, here)
    visit(1, there, OTHER_CLUB)
    family = confirm(1, here, site_id=CLUB)
    confirm(1, there, family=family, site_id=OTHER_CLUB)
    for site_id in (CLUB, OTHER_CLUB, CLUB):
        bill(site_id)

    heads = store.find_heads(MARCH, [CLUB, OTHER_CLUB])
    assert heads[CLUB].value.unpaid["doubled"] == len(here)
    assert heads[CLUB].value.posted_tiyn == 0
    thursdays = len(there) - len([x for x in there if x.on.isoweekday() == 1])
    assert heads[OTHER_CLUB].value.posted_tiyn == thursdays * tenge(1_500)

    # The department says that the child was at the first club; both sums follow by themselves.
    for lesson in there:
        if lesson.on.isoweekday() == 1:
            attendance.decide(
                OTHER_CLUB,
                MARCH,
                child(1),
                LineName(lesson.on, lesson_id(lesson.on, lesson.starts)),
                counts=False,
                code=None,
                reason="doubled",
                by=OFFICER,
                now=at("2026-04-12 12:00"),
            )
    told = len(works())
    bill(OTHER_CLUB)
    assert works()[told:] == [{"site_id": CLUB, "month": "2026-03"}]
    bill(CLUB)

    heads = store.find_heads(MARCH, [CLUB, OTHER_CLUB])
    assert heads[CLUB].value.posted_tiyn == len(here) * tenge(1_500)
    assert heads[CLUB].value.unpaid.get("doubled", 0) == 0
    assert heads[OTHER_CLUB].value.posted_tiyn == thursdays * tenge(1_500)


def works() -> list[dict[str, object]]:
    """Return what billing is asked for by other sites, oldest first."""
    kept = [WORK.kept(row) for row in WORK.row.scan(consistent_read=True) if row.pk[:4] == "WORK"]
    asked = [one.value for one in sorted(kept, key=lambda one: one.sk)]
    return [dict(one.facts) for one in asked if one.topic == "billing/bill"]


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given_(
    here=st.lists(LESSONS, max_size=14, unique_by=lambda x: (x[0], x[1] // 60)),
    there=st.lists(LESSONS, max_size=14, unique_by=lambda x: (x[0], x[1] // 60)),
    used=st.integers(0, 20_000),
)
def test_a_family_sees_what_billing_would_leave_of_the_month(here, there, used):
    """Whatever was visited where, attendance's count is billing's when all of it is confirmed."""
    at_ = load_pack("clubs", "karaganda").at
    month = Month(2026, 3)
    both = []
    for n, (told, sort) in enumerate(((here, "sport/60/urban"), (there, "sport/60/rural"))):
        stay = AttendanceStay(
            child(1),
            enrolment(n),
            GROUP,
            DateRange(STARTED, None),
            sort,
            used_month="2026-03",
            used_tiyn=tenge(used),
        )
        lines = tuple(
            Line(date(2026, 3, day), "P", standing="confirmed", starts=starts, minutes=minutes)
            for day, starts, minutes in sorted(told)
        )
        both.append(Place((stay,), lines, at_))
    claims = [
        judge(
            ChildMonth(
                child_id=child(1),
                days=tuple(
                    Day(x.on, "P", True, "confirmed", starts=x.starts, minutes=x.minutes)
                    for x in place.lines
                ),
                stays=(_stay(place.stays[0].days, place.stays[0].sort, sen=False),),
                used_tiyn=tenge(used),
            ),
            site_id=site_id,
            working=[],
            rules_on=at_,
            unit="lesson",
        ).claim
        for site_id, place in zip((CLUB, OTHER_CLUB), both, strict=True)
    ]
    priced = price(claims)
    use = month_use(both, month, now_at=both[1].stays[0])

    assert use is not None
    for site_id, place, other in ((CLUB, *both), (OTHER_CLUB, *reversed(both))):
        doubled = {
            lesson_number(x.on, x.starts)
            for x in place.lines
            if x.key in doubled_lines(place, [other])
        }
        assert doubled == set(numbers(priced[site_id].doubled))
    earned = sum(tiyn for one in priced.values() for _, tiyn in one.parts.values())
    assert use.left_tiyn == max(0, use.cap_tiyn - use.used_before_tiyn) - earned
    assert use.confirmed == use.visited


def test_a_club_s_month_of_75_pupils_is_read_in_five_calls():
    open_club(*range(1, 76))
    lessons = given()
    for n in range(1, 76):
        visit(n, lessons)

    with faults.watch() as seen:
        actions.gather_month(CLUB, MARCH, NOW.date())

    assert len(seen.calls) <= 5, seen.calls
    assert seen.units[0] <= 40, dict(seen.read_units)
