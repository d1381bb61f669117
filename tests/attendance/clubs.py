"""A football club in Karaganda with children, written straight into the tables.

October 2026: lessons on Mondays, Wednesdays and Fridays at 16:00 from the 1st; Monday the 26th is
a day off, so there are twelve.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

from chalicelib.kernel.periods import Month
from chalicelib.lessons import actions as lessons
from chalicelib.lessons.rules import DatedWeek, Timetable
from chalicelib.policy.actions import load_pack
from chalicelib.providers import store as providers
from chalicelib.providers.rules import Group, Site, SiteState, WeeklyLesson
from chalicelib.storage.commit import commit
from chalicelib.vouchers import store as vouchers
from chalicelib.vouchers.rules import Enrolment, Member, Roster
from chalicelib.vouchers.rules.values import Stay, Stays
from tests.attendance.builders import HEAD, ORGANISATION, child, enrolment, person

PROGRAMME, AREA = "clubs", "karaganda"
CLUB, OTHER_CLUB = "site-football", "site-dombra"
GROUP, OTHER_GROUP = "group-football", "group-dombra"
OCTOBER = Month(2026, 10)
FIRST = date(2026, 10, 1)
# Monday to Friday at 16:00 on Almaty's clock is 11:00Z.
SEPTEMBER = datetime(2026, 9, 28, 4, 0, tzinfo=UTC)
PACK = load_pack(PROGRAMME, AREA)
WEEK = tuple(WeeklyLesson(weekday, "16:00", 60) for weekday in (1, 3, 5))
DAYS = (2, 5, 7, 9, 12, 14, 16, 19, 21, 23, 28, 30)


def a_timetable(*weeks: DatedWeek, **changes: object) -> Timetable:
    told = {"group_id": GROUP, "site_id": CLUB, "revision": len(weeks) or 1, **changes}
    return Timetable(weeks=weeks or (DatedWeek(FIRST, WEEK),), **told)  # type: ignore[arg-type]


def open_club(
    *,
    children_count: int = 2,
    first: int = 1,
    site_id: str = CLUB,
    group_id: str = GROUP,
    organisation_id: str = ORGANISATION,
    starts_on: date = FIRST,
    ends_on: date | None = None,
    week: tuple[WeeklyLesson, ...] = WEEK,
) -> None:
    """Open a club with one group, its children on the roster and its week published."""
    site = Site(
        site_id=site_id,
        organisation_id=organisation_id,
        programme=PROGRAMME,
        area=AREA,
        name="Шахтёр",
        address="Бұқар жырау 1",
        locality="urban",
        form="private",
        state=SiteState.LISTED,
        listed_from=date(2026, 1, 1),
        valid_to=date(2026, 12, 31),
        direction="sport",
    )
    for put in providers.create_site(site):
        commit([put])
    group = Group(
        group_id=group_id,
        site_id=site_id,
        organisation_id=organisation_id,
        programme=PROGRAMME,
        area=AREA,
        name="Футбол 8–10",
        academic_year=2026,
        age_from=8,
        age_to=10,
        language="kk",
        kind="sport",
        hours="60",
        locality="urban",
        capacity=15,
        open=True,
        activity="football",
    )
    commit(providers.create_group(group))
    for n in range(first, first + children_count):
        enrol(n, site_id, group_id, organisation_id, starts_on, ends_on)
    if week:
        lessons.publish(
            group_id,
            from_on=FIRST,
            lessons=week,
            replaces=None,
            by=HEAD,
            now=SEPTEMBER,
        )


def enrol(
    n: int,
    site_id: str = CLUB,
    group_id: str = GROUP,
    organisation_id: str = ORGANISATION,
    starts_on: date = FIRST,
    ends_on: date | None = None,
    *,
    enrolment_id: str | None = None,
) -> None:
    """Enrol a child: its enrolment, its stays, its place on the roster."""
    named = enrolment_id or enrolment(n)
    enrolled = Enrolment(
        enrolment_id=named,
        voucher_id=f"voucher-{n:06d}",
        child_id=child(n),
        person_id=person(n),
        programme=PROGRAMME,
        area=AREA,
        organisation_id=organisation_id,
        site_id=site_id,
        group_id=group_id,
        kind="sport",
        hours="60",
        locality="urban",
        starts_on=starts_on,
        ends_on=ends_on,
    )
    commit([vouchers.create_enrolment(enrolled)])
    stays = vouchers.find_stays(child(n), PROGRAMME)
    stay = Stay(named, f"voucher-{n:06d}", site_id, group_id, starts_on, ends_on)
    commit([vouchers.keep_stays(stays, Stays((*stays.value.stays, stay)))])
    kept = vouchers.find_roster(site_id, group_id)
    member = Member(named, child(n), starts_on, ends_on, enrolled.sort)
    roster = Roster(site_id, group_id, (*kept.value.members, member))
    commit([vouchers.keep_roster(kept, roster)])


def lesson(day: int, clock: str = "1600") -> str:
    """Return the name of a lesson of October."""
    return f"202610{day:02d}T{clock}"
