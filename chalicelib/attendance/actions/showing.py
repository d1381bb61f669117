"""Timesheets to look at: a family's, a site's, and the lines that wait for the department."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from chalicelib.access import actions as access
from chalicelib.attendance import rules, store
from chalicelib.attendance.actions.desks import (
    Desk,
    desk_of,
    elsewhere,
    load_desk,
    priced,
    sites_of,
)
from chalicelib.attendance.actions.devices import seen_site
from chalicelib.attendance.actions.lines import by_child, load_roster_month
from chalicelib.attendance.rules import Decision, Dispute, Line, MonthUse, SiteMonth, Stay
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
class LineShown:
    """One line with all that was marked and said: a day, or a lesson of a day.

    line: its name, as paths take it. lesson, starts: null for a day; minutes: 0 for a day. flags:
    "doubled" where another provider claims the day or the hour too and neither is paid for it.
    """

    line: str
    on: date
    lesson: str | None
    starts: str | None
    minutes: int
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
    when the family's window has ended without it. Lessons may be confirmed one by one before.
    left_lessons, left_tiyn: what the child's month can still be paid for, here and anywhere, in
    full lessons at this group's rate and in tiyn, when all visits so far are confirmed; shown in a
    site's list where a cap limits the month, else null.
    """

    child_id: str
    site_id: str
    month: str
    state: str
    name: str | None
    enrolments: tuple[str, ...]
    lines: tuple[LineShown, ...]
    digest: str
    closed_at: str | None
    approve_from: date
    approve_to: date
    approved_at: str | None
    left_lessons: int | None = None
    left_tiyn: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Undecided:
    """A child's lines that wait for the department, at one site."""

    site_id: str
    child_id: str
    lines: tuple[LineShown, ...]


# --- looking ------------------------------------------------------------------------------------


def child_month(
    child_id: str, month: Month, *, programme: str, by: Actor, now: datetime
) -> list[SheetShown]:
    """Return a child's timesheets of a month, one per site, to its representative.

    Raises Unknown; empty where the child was nowhere that month.
    """
    return family_month(child_id, month, programme=programme, by=by, now=now)[0]


def family_month(
    child_id: str, month: Month, *, programme: str, by: Actor, now: datetime
) -> tuple[list[SheetShown], MonthUse | None]:
    """Return the same, and how far the month is used where a cap limits it. Raises Unknown."""
    people.acting_for(child_id, by, None, local_day(now))
    sites = sites_of(child_id, month, programme)
    desks = [
        load_desk(site_id, month, child_id, stays, today=local_day(now))
        for site_id, stays in sites.items()
    ]
    shown: list[SheetShown] = []
    for desk in desks:
        closed = store.find_site_month(desk.where.site.site_id, month).value
        others = [other for other in desks if other is not desk]
        shown.append(show(desk, closed, None, now=now, doubled=_doubled(desk, others)))
    if not any(desk.where.by_unit for desk in desks):
        return shown, None
    known = priced(sites)
    places = [replace(d.place, stays=known[d.where.site.site_id]) for d in desks]
    stays = [stay for place in places for stay in place.stays]
    return shown, rules.month_use(places, month, now_at=_latest(stays))


def site_month(
    site_id: str, month: Month, *, after: str | None, limit: int, by: Actor, now: datetime
) -> tuple[list[SheetShown], str | None]:
    """Return a page of a site's timesheets by child, and the last id when there are more.

    Names are opened for those who work at the site only. Raises Unknown.
    """
    site = seen_site(site_id, by)
    where, every = load_roster_month(site_id, month)
    groups = by_child(every)
    ids = [child_id for child_id in groups if after is None or child_id > after]
    page, more = ids[:limit], len(ids) > limit
    if not page:
        return [], None
    today, programme = local_day(now), site.programme
    others: dict[str, list[Desk]] = {}
    if where.by_unit:
        others = elsewhere(site_id, page, month, programme=programme, today=today)
    closed = store.find_site_month(site_id, month).value
    sheets = store.list_sheets(site_id, month, first=page[0], last=page[-1])
    reaching = access.reaching(by, organisation=site.organisation_id)
    works_here = not reaching.isdisjoint({Role.HEAD, Role.EDUCATOR})
    names = children.children_fields(page) if works_here else {}
    shown: list[SheetShown] = []
    for child_id in page:
        desk = desk_of(where, child_id, groups[child_id], sheets.get(child_id), now=now)
        there = others.get(child_id, [])
        places = [one.place for one in (desk, *there)]
        use = rules.month_use(places, month, now_at=_latest(desk.stays)) if where.by_unit else None
        sheet = show(
            desk, closed, _name(names.get(child_id)), now=now, doubled=_doubled(desk, there)
        )
        if use is not None:
            sheet = replace(sheet, left_lessons=use.left_lessons, left_tiyn=use.left_tiyn)
        shown.append(sheet)
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

    Those that two providers claim are among them, confirmed or not, until one is taken back.
    Read from the sheets themselves, so no list can be behind. Raises NotYourArea.
    """
    if not access.may(by, area=area):
        raise NotYourArea(area=area)
    sites_here = [kept.value for kept in providers.list_sites(programme, area)]
    ids = [
        site.site_id
        for site in sites_here
        if access.may(by, area=area, direction=site.direction)
        and (after is None or site.site_id > after)
    ]
    found = [line for site_id in ids[:sites] for line in _undecided(site_id, month, now=now)]
    return found, ids[sites - 1] if len(ids) > sites else None


def _undecided(site_id: str, month: Month, *, now: datetime) -> Iterator[Undecided]:
    where, every = load_roster_month(site_id, month)
    groups = by_child(every)
    if not groups:
        return
    sheets = store.list_sheets(site_id, month)
    programme, today = where.site.programme, local_day(now)
    others = elsewhere(site_id, groups, month, programme=programme, today=today)
    doubts = store.load_doubts(site_id)
    for child_id, stays in groups.items():
        desk = desk_of(where, child_id, stays, sheets.get(child_id), now=now, doubts=doubts)
        doubled = _doubled(desk, others.get(child_id, []))
        lines = rules.lines_for_department(desk.lines, doubled)
        if lines:
            yield Undecided(site_id=site_id, child_id=child_id, lines=_lines(desk, lines, doubled))


def show(
    desk: Desk,
    closed: SiteMonth,
    name: str | None,
    *,
    now: datetime,
    doubled: Collection[str] = (),
) -> SheetShown:
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
        lines=_lines(desk, desk.lines, doubled),
        digest=said.digest or desk.digest,
        closed_at=closed.closed_at,
        approve_from=dates.approve_from,
        approve_to=dates.approve_to,
        approved_at=said.approved_at,
    )


def _doubled(desk: Desk, others: Sequence[Desk]) -> frozenset[str]:
    """Return the names of the lines that another of the child's providers claims too."""
    if not others:
        return frozenset()
    return rules.doubled_lines(desk.place, [other.place for other in others])


def _latest(stays: Iterable[Stay]) -> Stay | None:
    """Return the stay that began last, whose rate says what is left of a month."""
    return max(stays, key=lambda stay: (stay.days.first, stay.enrolment_id), default=None)


def _lines(desk: Desk, lines: Iterable[Line], doubled: Collection[str]) -> tuple[LineShown, ...]:
    hours = desk.where.pack.at(desk.where.month.last).attendance
    marked = rules.visits(
        desk.sheet.marks | desk.sheet.late,
        opens=hours.opens_at.hour * 60 + hours.opens_at.minute,
        closes=hours.closes_at.hour * 60 + hours.closes_at.minute,
    )
    disputes = {d.key: d for d in desk.said.disputes}
    decisions = {d.key: d for d in desk.said.decisions}
    shown: list[LineShown] = []
    for line in lines:
        visits, odd = marked.get(line.on.day, ((), ()))
        if line.lesson is not None:
            # A lesson is judged by its arrivals alone; a day's oddities are not the lesson's.
            visits, odd = rules.visits_of(line, visits, early=hours.early_minutes), ()
        flags = (*line.flags, *(flag for flag in odd if flag not in line.flags))
        shown.append(
            LineShown(
                line=line.key,
                on=line.on,
                lesson=line.lesson,
                starts=_clock(line.starts),
                minutes=line.minutes,
                code=line.code,
                flags=(*flags, "doubled") if line.key in doubled else flags,
                proved=line.proved,
                standing=line.standing,
                visits=tuple(_visit(visit) for visit in visits),
                dispute=disputes.get(line.key),
                decision=decisions.get(line.key),
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
