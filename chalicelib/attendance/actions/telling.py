"""What families are told, and what happens by itself: absences, reminders, closing in time."""

from __future__ import annotations

from datetime import date, datetime

from chalicelib.attendance import store
from chalicelib.attendance.actions.handing import run_calendar
from chalicelib.attendance.actions.health import tell_silent
from chalicelib.attendance.actions.lines import (
    by_child,
    dates_of,
    lines_of,
    load_pack_of,
    load_roster_month,
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
    """Return the sites where a day asks for something, by id: children, or the month before."""
    month = Month.of(on)
    found: list[str] = []
    for pack in list_packs():
        if not (pack.holds(month.last) or pack.holds(month.before().last)):
            continue
        for kept in providers.list_sites(pack.programme, pack.area):
            if kept.value.listed_from is not None:
                found.append(kept.value.site_id)
    return sorted(found)


def day_at_site(site_id: str, on: date, *, by: Actor, now: datetime) -> int:
    """Do what a day asks of a site: close an overdue month, remind, tell absences and dead tablets.

    Of a programme's first month there is none before it, and after its last one no children come.
    Safe to repeat. Returns how many notices were written.
    """
    pack, month = load_pack_of(site_id), Month.of(on)
    ended, told = month.before(), 0
    if pack.holds(ended.last):
        closed = store.find_site_month(site_id, ended).value
        overdue = closed.closed_at is None and on > dates_of(pack, ended).close_on
        if overdue and stays_at(site_id, ended):
            close_month(site_id, ended, by=by, now=now)
        told += run_calendar(site_id, ended, on, by=by, now=now)
    if pack.holds(month.last):
        told += tell_absences(site_id, on, now=now)
        told += tell_silent(site_id, now=now)
        told += watch(site_id, on, by=by, now=now)
    return told


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
