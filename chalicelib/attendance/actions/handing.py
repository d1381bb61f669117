"""What the calendar does with a closed month: families reminded, silence handed to the department.

Each step notes on the month that it was done, after it was done: whoever is killed between the two
does it again, and a notice that was written is not written twice.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

from chalicelib.attendance import store
from chalicelib.attendance.actions.desks import desk_of
from chalicelib.attendance.actions.lines import (
    SiteAndPack,
    by_child,
    load_roster_month,
    load_site_month,
    stays_at,
)
from chalicelib.attendance.rules import SiteMonth, handing
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import Month, local_day, shown_day
from chalicelib.storage import outbox
from chalicelib.storage.commit import settles
from chalicelib.vouchers import store as vouchers


def run_calendar(site_id: str, month: Month, on: date, *, by: Actor, now: datetime) -> int:
    """Do what a day of the calendar asks of a closed month; return how many notices were written.

    What an earlier day asked and nobody did is done now. Safe to repeat.
    """
    where = load_site_month(site_id, month)
    state = store.find_site_month(site_id, month).value
    told = 0
    owed = handing.reminders_owed(state, dates=where.dates, on=on)
    if owed:
        told += remind(site_id, month, now=now)
        _note(
            where,
            lambda found: handing.reminded(found, owed),
            "attendance/families-reminded",
            by=by,
            now=now,
            days=list(owed),
        )
    if not handing.is_handed_over(state, dates=where.dates, on=on):
        told += hand_over(site_id, month, by=by, now=now)
    return told


def remind(site_id: str, month: Month, *, now: datetime) -> int:
    """Tell each family whose timesheet waits; once per day. Return how many were told now."""

    where = load_site_month(site_id, month)
    today = local_day(now)
    if not where.dates.approve_from <= today <= where.dates.approve_to:
        return 0
    sheets = store.list_sheets(site_id, month)
    persons = {
        e.child_id: e.person_id
        for e in vouchers.list_enrolments(site_id, first=month.first, last=month.last)
    }
    waiting = [
        child_id
        for child_id in by_child(stays_at(site_id, month))
        if child_id in persons
        and not (child_id in sheets and sheets[child_id].said.value.codes is not None)
    ]
    return outbox.write_each(
        outbox.notice(
            f"timesheet-to-approve#{site_id}#{month}#{child_id}#{today.isoformat()}",
            to=f"person:{persons[child_id]}",
            template="notice:attendance/timesheet-to-approve",
            now=now,
            child_id=child_id,
            month=str(month),
            until=shown_day(where.dates.approve_to),
        )
        for child_id in waiting
    )


def hand_over(site_id: str, month: Month, *, by: Actor, now: datetime) -> int:
    """Hand the lines that families left unsaid, or dispute, to the department; tell the provider.

    The lines themselves say that they wait (`list_undecided`); this notes how many they were and
    that the step was reached, once.
    """
    where, every = load_roster_month(site_id, month)
    sheets = store.list_sheets(site_id, month)
    children = lines = 0
    for child_id, stays in by_child(every).items():
        desk = desk_of(where, child_id, stays, sheets.get(child_id), now=now)
        held = sum(line.held for line in desk.lines)
        children, lines = children + bool(held), lines + held
    told = 0
    if lines:
        told = outbox.write_each(
            [
                outbox.notice(
                    f"handed-over#{site_id}#{month}",
                    to=f"organisation:{where.site.organisation_id}",
                    template="notice:attendance/handed-over",
                    now=now,
                    site=where.site.name,
                    month=str(month),
                    lines=lines,
                    until=shown_day(where.dates.department_to),
                )
            ]
        )
    _note(
        where,
        lambda found: handing.hand_over(found, lines=lines, now=now),
        "attendance/handed-over",
        by=by,
        now=now,
        lines=lines,
        children=children,
    )
    return told


@settles
def _note(
    where: SiteAndPack,
    change: Callable[[SiteMonth], SiteMonth],
    event: str,
    *,
    by: Actor,
    now: datetime,
    **facts: object,
) -> None:
    """Write on a site's month what was done with it; nothing where it stands there."""
    site_id, month = where.site.site_id, where.month
    kept = store.find_site_month(site_id, month)
    state = change(kept.value)
    if state == kept.value:
        return
    entry = journal.entry(
        event, f"month/{site_id}/{month}", by=by, now=now, pack=where.pack.version, **facts
    )
    journal.commit(entry, store.keep_site_month(kept, state))
