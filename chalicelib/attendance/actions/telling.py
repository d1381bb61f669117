"""What families are told, and what happens by itself: absences, reminders, closing in time."""

from __future__ import annotations

from datetime import date, datetime

from chalicelib.attendance import store
from chalicelib.attendance.actions.handing import run_calendar
from chalicelib.attendance.actions.health import tell_silent
from chalicelib.attendance.actions.lines import (
    by_child,
    lines_of,
    load_roster_month,
    load_site_month,
    stays_at,
)
from chalicelib.attendance.actions.sheets import close_month
from chalicelib.attendance.actions.watching import watch
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import Month, shown_day
from chalicelib.policy.actions import list_packs
from chalicelib.providers import store as providers
from chalicelib.storage import outbox
from chalicelib.vouchers import store as vouchers


def list_open_sites(on: date) -> list[str]:
    """Return the sites of every pack's area that may have children on a day, by id."""
    found: list[str] = []
    for pack in list_packs():
        if on < pack.valid_from:
            continue
        for kept in providers.list_sites(pack.programme, pack.area):
            if kept.value.listed_from is not None:
                found.append(kept.value.site_id)
    return sorted(found)


def day_at_site(site_id: str, on: date, *, by: Actor, now: datetime) -> int:
    """Do what a day asks of a site: close an overdue month, remind, tell absences and dead tablets.

    Safe to repeat.

    Returns how many notices were written.
    """
    ended = Month.of(on).before()
    dates = load_site_month(site_id, ended).dates
    closed = store.find_site_month(site_id, ended).value
    if closed.closed_at is None and on > dates.close_on and stays_at(site_id, ended):
        close_month(site_id, ended, by=by, now=now)
    told = run_calendar(site_id, ended, on, by=by, now=now)
    told += tell_absences(site_id, on, now=now)
    told += tell_silent(site_id, now=now)
    return told + watch(site_id, on, by=by, now=now)


def tell_absences(site_id: str, on: date, *, now: datetime) -> int:
    """Tell each family whose child is marked absent on a day; once. Return how many."""
    month = Month.of(on)
    where, every = load_roster_month(site_id, month)
    if not where.by_lesson and not where.pack.calendar.is_working(on):
        return 0
    sheets = store.list_sheets(site_id, month)
    absent: dict[str, str] = {}
    for child_id, stays in by_child(every).items():
        sheet = sheets.get(child_id)
        if sheet is None:
            continue
        for line in lines_of(sheet, stays, where, today=on):
            if line.on == on and line.counted and line.code != "P" and "guessed" not in line.flags:
                absent[child_id] = line.code
    if not absent:
        return 0
    persons = {
        e.child_id: e.person_id for e in vouchers.list_enrolments(site_id, first=on, last=on)
    }
    return outbox.write_each(
        outbox.notice(
            f"absence-marked#{site_id}#{child_id}#{on.isoformat()}",
            to=f"person:{persons[child_id]}",
            template="notice:attendance/absence-marked",
            now=now,
            child_id=child_id,
            on=shown_day(on),
            day_code=code,
        )
        for child_id, code in absent.items()
        if child_id in persons
    )
