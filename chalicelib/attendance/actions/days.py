"""Days as other slices need them, and the gathering that every view of a timesheet shares."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from chalicelib.attendance import rules, store
from chalicelib.attendance.rules import ChildMonth, Day, MonthFacts, Stay
from chalicelib.attendance.store import ChildSheet
from chalicelib.kernel.periods import DateRange, Month
from chalicelib.policy.actions import load_pack
from chalicelib.policy.rules import MonthDates, Pack
from chalicelib.providers import store as providers
from chalicelib.providers.rules import Site
from chalicelib.vouchers import store as vouchers
from chalicelib.vouchers.rules import Member


@dataclass(frozen=True, slots=True)
class SiteAndPack:
    """A site, the rules that judge it, and the dates of one month."""

    site: Site
    pack: Pack
    month: Month
    dates: MonthDates


def load_site_month(site_id: str, month: Month) -> SiteAndPack:
    """Return what judges a site's month: the rules in force on its last day. Raises Unknown."""
    site = providers.load_site(site_id).value
    pack = load_pack(site.programme, site.area)
    return SiteAndPack(site, pack, month, dates_of(pack, month))


def dates_of(pack: Pack, month: Month) -> MonthDates:
    """Return the dates that follow a month, by the rules of its own time."""
    return pack.at(month.last).month_calendar.dates(month, pack.calendar)


def stays_at(site_id: str, month: Month) -> list[Stay]:
    """Return who is enrolled at a site in a month, by child and first day. One query."""
    whole = DateRange(month.first, month.last)
    found = [
        stay
        for roster in vouchers.load_rosters(site_id)
        for stay in (_stay(member, roster.group_id) for member in roster.members)
        if not stay.never and stay.days.overlaps(whole)
    ]
    return sorted(found, key=lambda stay: (stay.child_id, stay.days.first, stay.enrolment_id))


def days_of(
    sheet: ChildSheet, stays: Sequence[Stay], where: SiteAndPack, *, today: date
) -> tuple[Day, ...]:
    """Return a child-month's days at a site as they stand today."""
    said = sheet.said.value
    return rules.timesheet(
        # What was approved is fixed; its marks are looked at again only when late ones came.
        sheet.marks if said.codes is None or sheet.late_digits else (),
        sheet.late,
        said,
        month=where.month,
        enrolled=tuple(stay.days for stay in stays),
        calendar=where.pack.calendar,
        dates=where.dates,
        today=today,
    )


def by_child(stays: Iterable[Stay]) -> dict[str, list[Stay]]:
    """Return child → its stays, in order of child."""
    found: dict[str, list[Stay]] = {}
    for stay in stays:
        found.setdefault(stay.child_id, []).append(stay)
    return found


def month_for_billing(site_id: str, month: Month, *, today: date | None = None) -> MonthFacts:
    """Return every enrolled child's days of a provider's month. Raises Unknown.

    today: the local day for which the days' standing is asked; None is any day after the family's
    window, when what it did not approve is held. A child without a single mark is there: its
    missing records are findings. Four reads: the site, whether the month is closed, the rosters,
    and all sheets in one query.
    """
    where = load_site_month(site_id, month)
    asked = today or where.dates.approve_to + timedelta(days=1)
    closed = store.find_site_month(site_id, month).value.closed_at is not None
    groups = by_child(stays_at(site_id, month))
    sheets = store.list_sheets(site_id, month)
    children: list[ChildMonth] = []
    for child_id, stays in groups.items():
        sheet = sheets.get(child_id) or store.no_sheet(site_id, month, child_id)
        said = sheet.said
        children.append(
            ChildMonth(
                child_id=child_id,
                stays=tuple(stays),
                days=days_of(sheet, stays, where, today=asked),
                approved_at=said.value.approved_at,
                digest=said.value.digest,
                sheet_version=said.version,
            )
        )
    site = where.site
    return MonthFacts(
        site_id=site_id,
        organisation_id=site.organisation_id,
        programme=site.programme,
        area=site.area,
        month=str(month),
        pack=where.pack.version,
        closed=closed,
        children=tuple(children),
        direction=site.direction,
        form=site.form,
    )


def attended_days(site_id: str, child_id: str, first: date, last: date) -> int:
    """Return on how many days a child was at a site, from first to last; both included."""
    site = providers.load_site(site_id).value
    calendar = load_pack(site.programme, site.area).calendar
    month, attended = Month.of(first), 0
    while month.first <= last:
        enrolled = [s.days for s in stays_at(site_id, month) if s.child_id == child_id]
        if enrolled:
            marks = store.find_sheet(site_id, month, child_id).marks
            days = rules.fold(marks, month=month, enrolled=enrolled, calendar=calendar)
            attended += rules.count_attended(d for d in days if first <= d.on <= last)
        month = month.next()
    return attended


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
