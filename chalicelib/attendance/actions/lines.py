"""Lines as other slices need them, and the gathering that every view of a timesheet shares."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from chalicelib.attendance import rules, store
from chalicelib.attendance.rules import (
    ChildMonth,
    DayPlan,
    Doubt,
    LessonPlan,
    Line,
    MonthFacts,
    Plan,
    Stay,
)
from chalicelib.attendance.store import ChildSheet
from chalicelib.kernel.periods import DateRange, Month
from chalicelib.lessons import store as timetables
from chalicelib.lessons.rules import Lesson, Timetable, lessons_in
from chalicelib.policy.actions import load_pack
from chalicelib.policy.rules import MonthDates, Pack
from chalicelib.providers import store as providers
from chalicelib.providers.rules import Site
from chalicelib.vouchers import store as vouchers
from chalicelib.vouchers.rules import Member, Roster


@dataclass(frozen=True, slots=True)
class SiteAndPack:
    """A site, the rules that judge it, the dates of one month, and its lessons by group.

    lessons: of the groups that were asked for; empty where the programme counts days.
    """

    site: Site
    pack: Pack
    month: Month
    dates: MonthDates
    lessons: Mapping[str, tuple[Lesson, ...]] = field(default_factory=dict)
    # The children of a group share a few plans.
    plans: dict[tuple[tuple[str, DateRange], ...], Plan] = field(default_factory=dict)

    @property
    def by_lesson(self) -> bool:
        """Return whether a line is a lesson; else it is a day."""
        return self.pack.at(self.month.last).programme.unit == "lesson"

    @property
    def by_unit(self) -> bool:
        """Return whether a day or a lesson has its price; else it is a share of the month's."""
        return self.pack.at(self.month.last).programme.pays == "per-unit"

    def plan(self, stays: Sequence[Stay]) -> Plan:
        """Return what a child with these stays is asked about."""
        if not self.by_lesson:
            days = tuple(stay.days for stay in stays)
            return DayPlan(self.month, days, self.pack.calendar)
        asked = tuple((stay.group_id, stay.days) for stay in stays)
        if asked not in self.plans:
            slots = rules.slots_of(asked, self.lessons)
            early = self.pack.at(self.month.last).attendance.early_minutes
            self.plans[asked] = LessonPlan(self.month, slots, early)
        return self.plans[asked]


def load_site_month(site_id: str, month: Month, *, groups: Collection[str] = ()) -> SiteAndPack:
    """Return what judges a site's month: the rules in force on its last day. Raises Unknown.

    groups: whose lessons are asked for, where the programme has lessons; one call more.
    """
    where = _where(providers.load_site(site_id).value, month)
    if not where.by_lesson or not groups:
        return where
    return _with_lessons(where, timetables.find_timetables(site_id, groups))


def load_roster_month(site_id: str, month: Month) -> tuple[SiteAndPack, list[Stay]]:
    """Return what judges a site's month, and who was enrolled, by child and first day.

    One query for rosters and timetables together. Raises Unknown.
    """
    return _roster_month(providers.load_site(site_id).value, month)


def load_pack_of(site_id: str) -> Pack:
    """Return the pack of a site. Raises Unknown. One read."""
    site = providers.load_site(site_id).value
    return load_pack(site.programme, site.area)


def dates_of(pack: Pack, month: Month) -> MonthDates:
    """Return the dates that follow a month, by the rules of its own time."""
    return pack.at(month.last).month_calendar.dates(month, pack.calendar)


def stays_at(site_id: str, month: Month) -> list[Stay]:
    """Return who is enrolled at a site in a month, by child and first day. One query."""
    return stays_in(vouchers.load_rosters(site_id), month)


def lines_of(
    sheet: ChildSheet,
    stays: Sequence[Stay],
    where: SiteAndPack,
    *,
    today: date,
    doubts: Sequence[Doubt] = (),
) -> tuple[Line, ...]:
    """Return a child-month's lines at a site as they stand today.

    doubts: of the site's tablets; lines that rest on those alone are flagged.
    """
    said = sheet.said.value
    doubted = _doubted(sheet, doubts, where.month) if doubts else ()
    return rules.timesheet(
        # What was approved is fixed; its marks are looked at again only when late ones came, or
        # when some of them are doubted.
        sheet.marks if said.codes is None or sheet.late_digits or doubted else (),
        sheet.late,
        said,
        plan=where.plan(stays),
        dates=where.dates,
        today=today,
        odd=sheet.odd,
        doubted=doubted,
    )


def _doubted(sheet: ChildSheet, doubts: Sequence[Doubt], month: Month) -> list[int]:
    return [
        number
        for number in sorted(sheet.marks)
        if any(doubt.covers(rules.read_mark(number), month) for doubt in doubts)
    ]


def by_child(stays: Iterable[Stay]) -> dict[str, list[Stay]]:
    """Return child → its stays, in order of child."""
    found: dict[str, list[Stay]] = {}
    for stay in stays:
        found.setdefault(stay.child_id, []).append(stay)
    return found


def month_for_billing(site_id: str, month: Month, *, today: date | None = None) -> MonthFacts:
    """Return every enrolled child's lines of a provider's month. Raises Unknown.

    today: the local day for which the lines' standing is asked; None is any day after the family's
    window, when what it did not confirm is held. A child without a single mark is there: its
    missing records are findings. Five reads: the site, whether the month is closed, the rosters
    with the timetables, all sheets in one query, and the site's tablets with what is held against
    them.
    """
    where, every = load_roster_month(site_id, month)
    asked = today or where.dates.approve_to + timedelta(days=1)
    closed = store.find_site_month(site_id, month).value.closed_at is not None
    sheets = store.list_sheets(site_id, month)
    doubts = store.load_doubts(site_id)
    return facts_of(where, every, sheets, closed=closed, doubts=doubts, today=asked)


def facts_of(
    where: SiteAndPack,
    every: Iterable[Stay],
    sheets: Mapping[str, ChildSheet],
    *,
    closed: bool,
    doubts: Sequence[Doubt],
    today: date,
) -> MonthFacts:
    """Return what a month says to billing, from who was enrolled and what is stored of them."""
    site, month = where.site, where.month
    site_id = site.site_id
    children: list[ChildMonth] = []
    for child_id, stays in by_child(every).items():
        sheet = sheets.get(child_id) or store.no_sheet(site_id, month, child_id)
        said = sheet.said
        children.append(
            ChildMonth(
                child_id=child_id,
                stays=tuple(stays),
                lines=lines_of(sheet, stays, where, today=today, doubts=doubts),
                approved_at=said.value.approved_at,
                digest=said.value.digest,
                sheet_version=said.version,
            )
        )
    return MonthFacts(
        site_id=site_id,
        organisation_id=site.organisation_id,
        programme=site.programme,
        area=site.area,
        month=str(month),
        unit=where.pack.at(month.last).programme.unit,
        pack=where.pack.version,
        closed=closed,
        children=tuple(children),
        direction=site.direction,
        form=site.form,
    )


def attended_days(site_id: str, child_id: str, first: date, last: date) -> int:
    """Return on how many days a child was at a site, from first to last; both included."""
    site = providers.load_site(site_id).value
    month, attended = Month.of(first), 0
    while month.first <= last:
        where, every = _roster_month(site, month)
        stays = [stay for stay in every if stay.child_id == child_id]
        if stays:
            marks = store.find_sheet(site_id, month, child_id).marks
            lines = where.plan(stays).fold(marks, upto=None, standing="open")
            attended += rules.count_attended(x for x in lines if first <= x.on <= last)
        month = month.next()
    return attended


def _roster_month(site: Site, month: Month) -> tuple[SiteAndPack, list[Stay]]:
    where = _where(site, month)
    rosters, found = timetables.load_site(site.site_id)
    if where.by_lesson:
        where = _with_lessons(where, found)
    return where, stays_in(rosters, month)


def where_of(
    site: Site, month: Month, *, pack: Pack, timetables: Mapping[str, Timetable]
) -> SiteAndPack:
    """Return what judges a site's month by some rules and timetables."""
    where = SiteAndPack(site, pack, month, dates_of(pack, month))
    return _with_lessons(where, timetables) if where.by_lesson else where


def _where(site: Site, month: Month) -> SiteAndPack:
    pack = load_pack(site.programme, site.area)
    return SiteAndPack(site, pack, month, dates_of(pack, month))


def _with_lessons(where: SiteAndPack, found: Mapping[str, Timetable]) -> SiteAndPack:
    lessons = {
        group_id: lessons_in(timetable, where.month, where.pack.calendar, holidays=True)
        for group_id, timetable in found.items()
    }
    return SiteAndPack(where.site, where.pack, where.month, where.dates, lessons)


def stays_in(rosters: Iterable[Roster], month: Month) -> list[Stay]:
    """Return who is on rosters in a month, by child and first day."""
    whole = DateRange(month.first, month.last)
    found = [
        stay
        for roster in rosters
        for stay in (_stay(member, roster.group_id) for member in roster.members)
        if not stay.never and stay.days.overlaps(whole)
    ]
    return sorted(found, key=lambda stay: (stay.child_id, stay.days.first, stay.enrolment_id))


def _stay(member: Member, group_id: str) -> Stay:
    days = DateRange(member.starts_on, member.ends_on)
    return Stay(
        member.child_id,
        member.enrolment_id,
        group_id,
        days,
        member.sort,
        sen=member.sen,
        used_month=member.used_month,
        used_tiyn=member.used_tiyn,
    )
