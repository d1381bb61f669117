"""Timesheets to look at: a family's, a site's, and the lines that wait for the department."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from chalicelib.attendance import rules, store
from chalicelib.attendance.actions.days import by_child, load_site_month, stays_at
from chalicelib.attendance.actions.desks import Desk, desk_of, load_desk, sites_of
from chalicelib.attendance.actions.devices import seen_site
from chalicelib.attendance.rules import Day, Decision, Dispute, SiteMonth
from chalicelib.children import actions as people
from chalicelib.children import store as children
from chalicelib.kernel.actors import Actor, Role
from chalicelib.kernel.periods import Month, local_day
from chalicelib.kernel.refusals import NotAllowed
from chalicelib.providers import store as providers


class NotYourArea(NotAllowed):
    """The caller does not serve this area."""

    code = "attendance/not-your-area"


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitShown:
    """An interval as clocks show it; an end that was not marked is null."""

    came: str | None
    left: str | None
    next_day: bool
    ways: tuple[str, ...]
    guessed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DayShown:
    """One day with all that was marked and said."""

    on: date
    code: str
    flags: tuple[str, ...]
    proved: bool
    standing: str
    visits: tuple[VisitShown, ...] = ()
    dispute: Dispute | None = None
    decision: Decision | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetShown:
    """A child's timesheet at one site. digest: what an approval must name.

    state: open while the month runs, closed by the provider, approved by the family, or over
    when the family's window has ended without it.
    """

    child_id: str
    site_id: str
    month: str
    state: str
    name: str | None
    enrolments: tuple[str, ...]
    days: tuple[DayShown, ...]
    digest: str
    closed_at: str | None
    approve_from: date
    approve_to: date
    approved_at: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Undecided:
    """A child's lines that wait for the department, at one site."""

    site_id: str
    child_id: str
    lines: tuple[DayShown, ...]


# --- looking ------------------------------------------------------------------------------------


def child_month(
    child_id: str, month: Month, *, programme: str, by: Actor, now: datetime
) -> list[SheetShown]:
    """Return a child's timesheets of a month, one per site, to its representative.

    Raises Unknown; empty where the child was nowhere that month.
    """
    people.acting_for(child_id, by, None, local_day(now))
    shown: list[SheetShown] = []
    for site_id, stays in sites_of(child_id, month, programme).items():
        desk = load_desk(site_id, month, child_id, stays, today=local_day(now))
        closed = store.find_site_month(site_id, month).value
        shown.append(show(desk, closed, None, now=now))
    return shown


def site_month(
    site_id: str, month: Month, *, after: str | None, limit: int, by: Actor, now: datetime
) -> tuple[list[SheetShown], str | None]:
    """Return a page of a site's timesheets by child, and the last id when there are more.

    Names are opened for those who work at the site only. Raises Unknown.
    """
    site = seen_site(site_id, by)
    where = load_site_month(site_id, month)
    groups = by_child(stays_at(site_id, month))
    ids = [child_id for child_id in groups if after is None or child_id > after]
    page, more = ids[:limit], len(ids) > limit
    if not page:
        return [], None
    closed = store.find_site_month(site_id, month).value
    sheets = store.list_sheets(site_id, month, first=page[0], last=page[-1])
    works_here = by.has(Role.HEAD, Role.EDUCATOR) and site.organisation_id in by.organisations
    names = children.children_fields(page) if works_here else {}
    shown = [
        show(
            desk_of(where, child_id, groups[child_id], sheets.get(child_id), now=now),
            closed,
            _name(names.get(child_id)),
            now=now,
        )
        for child_id in page
    ]
    return shown, page[-1] if more else None


def list_undecided(
    programme: str,
    area: str,
    month: Month,
    *,
    after: str | None,
    sites: int,
    by: Actor,
    now: datetime,
) -> tuple[list[Undecided], str | None]:
    """Return the lines of some sites that wait for a decision, and the last site if more follow.

    Read from the sheets themselves, so no list can be behind. Raises NotYourArea.
    """
    if not by.serves(area):
        raise NotYourArea(area=area)
    ids = [kept.value.site_id for kept in providers.list_sites(programme, area)]
    ids = [site_id for site_id in ids if after is None or site_id > after]
    found = [line for site_id in ids[:sites] for line in _undecided(site_id, month, now=now)]
    return found, ids[sites - 1] if len(ids) > sites else None


def _undecided(site_id: str, month: Month, *, now: datetime) -> Iterator[Undecided]:
    groups = by_child(stays_at(site_id, month))
    if not groups:
        return
    where = load_site_month(site_id, month)
    sheets = store.list_sheets(site_id, month)
    for child_id, stays in groups.items():
        desk = desk_of(where, child_id, stays, sheets.get(child_id), now=now)
        lines = rules.lines_for_department(desk.days)
        if lines:
            yield Undecided(site_id=site_id, child_id=child_id, lines=_lines(desk, lines))


def show(desk: Desk, closed: SiteMonth, name: str | None, *, now: datetime) -> SheetShown:
    dates, said = desk.where.dates, desk.said
    if said.approved_at is not None:
        state = "approved"
    elif local_day(now) > dates.approve_to:
        state = "over"
    else:
        state = "open" if closed.closed_at is None else "closed"
    return SheetShown(
        child_id=desk.child_id,
        site_id=desk.where.site.site_id,
        month=str(desk.where.month),
        state=state,
        name=name,
        enrolments=tuple(stay.enrolment_id for stay in desk.stays),
        days=_lines(desk, desk.days),
        digest=said.digest or desk.digest,
        closed_at=closed.closed_at,
        approve_from=dates.approve_from,
        approve_to=dates.approve_to,
        approved_at=said.approved_at,
    )


def _lines(desk: Desk, days: Iterable[Day]) -> tuple[DayShown, ...]:
    hours = desk.where.pack.at(desk.where.month.last).attendance
    marked = rules.visits(
        desk.sheet.marks | desk.sheet.late,
        opens=hours.opens_at.hour * 60 + hours.opens_at.minute,
        closes=hours.closes_at.hour * 60 + hours.closes_at.minute,
    )
    disputes = {d.on: d for d in desk.said.disputes}
    decisions = {d.on: d for d in desk.said.decisions}
    shown: list[DayShown] = []
    for day in days:
        visits, odd = marked.get(day.on.day, ((), ()))
        shown.append(
            DayShown(
                on=day.on,
                code=day.code,
                flags=(*day.flags, *(flag for flag in odd if flag not in day.flags)),
                proved=day.proved,
                standing=day.standing,
                visits=tuple(_visit(visit) for visit in visits),
                dispute=disputes.get(day.on),
                decision=decisions.get(day.on),
            )
        )
    return tuple(shown)


def _visit(visit: rules.Visit) -> VisitShown:
    return VisitShown(
        came=_clock(visit.came),
        left=_clock(visit.left),
        next_day=visit.left is not None and visit.left >= 1440,
        ways=visit.ways,
        guessed=visit.guessed,
    )


def _clock(minute: int | None) -> str | None:
    return None if minute is None else f"{minute // 60 % 24:02d}:{minute % 60:02d}"


def _name(fields: Mapping[str, str] | None) -> str | None:
    if not fields:
        return None
    return f"{fields.get('surname', '')} {fields.get('given_name', '')}".strip() or None
