"""What the calendar asks of a closed month by itself: reminders, and silence handed over.

Each is noted on the month, so that a run that came late does what is owed and no more.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime

from chalicelib.attendance.rules.said import SiteMonth
from chalicelib.kernel.periods import from_stamp, local_day, stamp
from chalicelib.policy.rules import MonthDates


def reminders_owed(state: SiteMonth, *, dates: MonthDates, on: date) -> tuple[str, ...]:
    """Return the reminders of a closed month that should have gone out by a day and did not.

    Closing tells the families by itself, so what lay before it is not owed. After the families'
    days nobody is reminded any more.
    """
    if state.closed_at is None or not dates.approve_from <= on <= dates.approve_to:
        return ()
    closed = local_day(from_stamp(state.closed_at))
    due = [day for day in dates.reminders if day <= on and (day > closed or day == on)]
    return tuple(d for day in due if (d := day.isoformat()) not in state.reminded)


def reminded(state: SiteMonth, days: Iterable[str]) -> SiteMonth:
    """Return the month with the reminders of these days given."""
    return replace(state, reminded=tuple(sorted({*state.reminded, *days})))


def is_handed_over(state: SiteMonth, *, dates: MonthDates, on: date) -> bool:
    """Return whether the department has what families left unsaid, or need not have it yet."""
    return state.closed_at is None or on < dates.department_from or state.handed_at is not None


def hand_over(state: SiteMonth, *, lines: int, now: datetime) -> SiteMonth:
    """Return the month with so many lines handed to the department; once."""
    if state.handed_at is not None:
        return state
    return replace(state, handed_at=stamp(now), handed_lines=lines)
