"""How a site's tablets fare: shown to those who answer for it, and told to the head when one dies.

A dead tablet is not an absent child, so a silent one is told of the same day. Silence is judged by
days on which children were expected: working days, or lessons that were given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

from chalicelib.attendance import store
from chalicelib.attendance.actions.devices import DeviceSeen, seen, seen_site
from chalicelib.attendance.rules import health
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import (
    DateRange,
    Month,
    from_stamp,
    local_day,
    shown_day,
    start_of,
)
from chalicelib.kernel.workdays import CalendarMissing
from chalicelib.lessons import store as timetables
from chalicelib.lessons.rules import Lesson, Timetable, lessons_in
from chalicelib.policy.actions import load_pack
from chalicelib.policy.rules import NoRuleInForce, Pack
from chalicelib.providers import store as providers
from chalicelib.providers.rules import Site
from chalicelib.storage import outbox
from chalicelib.vouchers.rules import Roster


def list_devices(site_id: str, *, by: Actor, now: datetime) -> list[DeviceSeen]:
    """Return a site's tablets for its head, its department and the auditor. Raises Unknown."""
    site = seen_site(site_id, by)
    devices = [kept.value for kept in store.list_devices(site_id)]
    states = store.find_states([device.device_id for device in devices])
    looked_at = day_looked_at(site, now=now) if devices else None
    return [seen(device, states.get(device.device_id), looked_at) for device in devices]


def tell_silent(site_id: str, *, now: datetime) -> int:
    """Tell the head of tablets that sent nothing though children were expected; each silence once.

    Returns how many notices were written. Safe to repeat.
    """
    devices = [kept.value for kept in store.list_devices(site_id)]
    active = [device for device in devices if device.revoked_at is None]
    if not active:
        return 0
    site = providers.load_site(site_id).value
    looked_at = day_looked_at(site, now=now)
    if looked_at is None:
        return 0
    states = store.find_states([device.device_id for device in active])
    told = 0
    for device in active:
        state = states.get(device.device_id)
        if not health.is_silent(device, state, looked_at):
            continue
        since = health.last_seen(device, state)
        notice = outbox.notice(
            f"tablet-silent#{device.device_id}#{since}",
            to=f"organisation:{device.organisation_id}",
            template="notice:attendance/tablet-silent",
            now=now,
            site=site.name,
            tablet=device.device_id[:6],
            since=shown_day(local_day(from_stamp(since))),
        )
        told += outbox.write_each([notice])
    return told


def day_looked_at(site: Site, *, now: datetime) -> date | None:
    """Return the last day on which the site's tablets should have sent something by now.

    One query. None where nobody was expected of late, or no rules are in force.
    """
    rosters, found = timetables.load_site(site.site_id)
    pack = load_pack(site.programme, site.area)
    expected = [
        day for day in health.days_back(now) if _expected(day, rosters, found, pack, now=now)
    ]
    return health.day_looked_at(expected, now=now)


def _expected(
    day: date,
    rosters: Sequence[Roster],
    found: Mapping[str, Timetable],
    pack: Pack,
    *,
    now: datetime,
) -> bool:
    """Return whether a child is expected at a site on a day, in a lesson that is over by now."""
    groups = {
        roster.group_id
        for roster in rosters
        if any(day in DateRange(member.starts_on, member.ends_on) for member in roster.members)
    }
    if not groups:
        return False
    try:
        unit = pack.at(day).programme.unit
        if unit != "lesson":
            return pack.calendar.is_working(day)
        return any(
            lesson.on == day and lesson.given and _over(lesson, now=now)
            for group_id in groups & found.keys()
            for lesson in lessons_in(found[group_id], Month.of(day), pack.calendar)
        )
    except (NoRuleInForce, CalendarMissing):
        return False


def _over(lesson: Lesson, *, now: datetime) -> bool:
    return start_of(lesson.on) + timedelta(minutes=lesson.ends) <= now
