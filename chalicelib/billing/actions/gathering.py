"""What billing asks of attendance: a month's lines, as they stand or as they stood."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from chalicelib.attendance import actions as attendance
from chalicelib.attendance.rules import Line, MonthFacts
from chalicelib.billing.rules.judging import (
    PRESENT,
    SUSPECT,
    ChildMonth,
    Day,
    ProviderMonth,
    Standing,
    Stay,
)
from chalicelib.billing.rules.statements import MonthForgotten
from chalicelib.kernel.periods import DateRange, Month
from chalicelib.vouchers import store as vouchers
from chalicelib.vouchers.rules.enrolling import ROSTER_REMEMBERS_DAYS

Gather = Callable[[str, Month, date], ProviderMonth]


def gather_month(site_id: str, month: Month, today: date) -> ProviderMonth:
    """Return a site's children with their lines and stays. Raises Unknown for no such site.

    The sort of group is the enrolment's: it stays what it was when the group changes later.
    Rosters forget who left long ago; a month they no longer know whole is not billed again, or
    what was posted for those children would be taken back. Raises MonthForgotten.
    """
    if not is_known(month, today):
        raise MonthForgotten(month=str(month))
    return provided(attendance.month_for_billing(site_id, month, today=today), month)


def is_known(month: Month, today: date) -> bool:
    """Return whether the rosters still know a month whole."""
    return (today - month.first).days <= ROSTER_REMEMBERS_DAYS


def provided(facts: MonthFacts, month: Month) -> ProviderMonth:
    """Return a month's facts as billing reads them."""
    sorts = {s.enrolment_id: s.sort for child in facts.children for s in child.stays}
    if None in sorts.values():
        # A roster from before it carried the sort of group: the enrolments know.
        enrolled = vouchers.list_enrolments(facts.site_id, first=month.first, last=month.last)
        sorts |= {e.enrolment_id: e.sort for e in enrolled}
    children = [
        ChildMonth(
            child_id=child.child_id,
            days=tuple(day_of(line) for line in child.lines),
            stays=tuple(
                _stay(stay.days, sort, sen=stay.sen)
                for stay in child.stays
                if (sort := sorts[stay.enrolment_id]) is not None
            ),
            used_tiyn=max(
                (s.used_tiyn for s in child.stays if s.used_month == str(month)), default=0
            ),
        )
        for child in facts.children
    ]
    return ProviderMonth(
        site_id=facts.site_id,
        organisation_id=facts.organisation_id,
        programme=facts.programme,
        area=facts.area,
        month=month,
        children=tuple(children),
        closed=facts.closed,
        direction=facts.direction,
        form=facts.form,
    )


def day_of(line: Line) -> Day:
    """Return a line of a timesheet as billing reads it."""
    return Day(
        line.on,
        line.code,
        # Presence is proved by its mark; the paper is for absences.
        line.proved or line.code == PRESENT,
        _standing(line),
        starts=line.starts,
        minutes=line.minutes,
    )


def _standing(line: Line) -> Standing:
    if line.standing == "open":
        return "undecided"
    # A line that waits for somebody waits for that one; only then does its tablet matter.
    return SUSPECT if line.standing == "confirmed" and line.suspect else line.standing


def _stay(days: DateRange, sort: str, *, sen: bool) -> Stay:
    kind, hours, locality = sort.split("/")
    return Stay(
        first=days.first, last=days.last, kind=kind, hours=hours, locality=locality, sen=sen
    )
