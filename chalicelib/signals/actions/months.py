"""A provider's month, looked at whole: at the close and until the check ends, each day anew.

Repeating costs reads and changes nothing, so a day on which the schedule did not run is made up by
the next. A month under way is looked at once a week, for what need not wait for its end.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from datetime import date, datetime

from chalicelib.attendance import rules as attendance
from chalicelib.attendance import store as sheets
from chalicelib.attendance.actions.desks import elsewhere
from chalicelib.attendance.actions.lines import (
    SiteAndPack,
    by_child,
    lines_of,
    load_roster_month,
)
from chalicelib.attendance.rules import Stay
from chalicelib.attendance.store import ChildSheet
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import Month, local_day
from chalicelib.kernel.workdays import SATURDAY
from chalicelib.policy.actions import list_packs
from chalicelib.policy.rules import NoRuleInForce, Pack, SignalRule
from chalicelib.providers import store as providers
from chalicelib.providers.rules import capacity_on
from chalicelib.signals import rules
from chalicelib.signals.actions.raising import raise_signals
from chalicelib.signals.rules import (
    Approval,
    ChildSeen,
    GroupSeen,
    MonthSeen,
    Ref,
    Row,
    Signal,
    Where,
)

MONTH = "signals/month"


def months_to_look_at(at: datetime) -> list[tuple[Pack, Month]]:
    """Return which packs look at which months on the day of a schedule's event."""
    today = local_day(at)
    wanted: list[tuple[Pack, Month]] = []
    for pack in list_packs():
        ended = Month.of(today).before()
        dates = _dates(pack, ended)
        if dates is not None and dates[0] <= today <= dates[1]:
            wanted.append((pack, ended))
        if today.weekday() == SATURDAY and rule_of(pack, Month.of(today)) is not None:
            wanted.append((pack, Month.of(today)))
    return wanted


def list_sites(programme: str, area: str) -> list[str]:
    """Return the ids of an area's sites that may have had children."""
    found = (kept.value for kept in providers.list_sites(programme, area))
    return [site.site_id for site in found if site.listed_from is not None]


def rule_of(pack: Pack, month: Month) -> SignalRule | None:
    """Return what judges a month, None where the pack raises no signals then."""
    try:
        return pack.at(month.last).signals
    except NoRuleInForce:
        return None


def judge_month(site_id: str, month: Month, *, by: Actor, now: datetime) -> list[Signal]:
    """Raise what is odd in a provider's month, and in what came before it; return what changed.

    Raises Unknown. For 200 children about 48 read units a month looked at, up to three months, and
    one for each child's stays.
    """
    where, every = load_roster_month(site_id, month)
    rule = rule_of(where.pack, month)
    if rule is None or not every:
        return []
    site = where.site
    findings = rules.findings_of_month(_seen(where, every, rule, now=now), rule)
    return raise_signals(
        findings,
        Where(
            programme=site.programme,
            area=site.area,
            direction=site.direction,
            site_id=site_id,
            organisation_id=site.organisation_id,
            pack=where.pack.version,
        ),
        by=by,
        now=now,
    )


def _seen(
    where: SiteAndPack, every: Sequence[Stay], rule: SignalRule, *, now: datetime
) -> MonthSeen:
    site_id, month, today = where.site.site_id, where.month, local_day(now)
    children = by_child(every)
    rows = {child_id: [row] for child_id, row in _rows(where, children, today=today).items()}
    before = month
    for _ in range(_months_back(rule)):
        before = before.before()
        try:
            there, stays = load_roster_month(site_id, before)
        except NoRuleInForce:
            break
        earlier = _rows(there, by_child(stays), today=today)
        for child_id, row in earlier.items():
            # A month left out ends a row of months.
            if child_id in rows and rows[child_id][-1].month == before.next():
                rows[child_id].append(row)
    doubled = _doubled(where, children, today=today) if rule.doubled_lines else {}
    upto = min(month.last, today)
    return MonthSeen(
        month=month,
        children=tuple(
            ChildSeen(
                child_id=child_id,
                stays=tuple((stay.group_id, stay.days) for stay in stays),
                rows=tuple(rows[child_id]),
                doubled=doubled.get(child_id, ((), ()))[0],
                elsewhere=doubled.get(child_id, ((), ()))[1],
            )
            for child_id, stays in children.items()
        ),
        groups=_groups(site_id) if rule.over_capacity else (),
        working_days=tuple(
            on for on in month.days() if on <= upto and where.pack.calendar.is_working(on)
        ),
        over=today > month.last,
        answered=today > where.dates.approve_to,
    )


def _rows(
    where: SiteAndPack, children: Mapping[str, Sequence[Stay]], *, today: date
) -> dict[str, Row]:
    """Return child → its month as it stands. One query."""
    found = sheets.list_sheets(where.site.site_id, where.month)
    return {
        child_id: _row(
            where,
            found.get(child_id) or sheets.no_sheet(where.site.site_id, where.month, child_id),
            stays,
            today=today,
        )
        for child_id, stays in children.items()
    }


def _row(where: SiteAndPack, sheet: ChildSheet, stays: Sequence[Stay], *, today: date) -> Row:
    said = sheet.said.value
    approval = None
    if said.approved_at is not None and said.approved_by is not None:
        approval = Approval(by=said.approved_by, at=said.approved_at, device=said.device)
    return rules.row_of(
        where.month,
        lines_of(sheet, stays, where, today=today),
        sheet.marks,
        acted=bool(said.approved_at or said.disputes or said.confirmed),
        approval=approval,
    )


def _doubled(
    where: SiteAndPack, children: Mapping[str, Sequence[Stay]], *, today: date
) -> dict[str, tuple[tuple[str, ...], tuple[Ref, ...]]]:
    """Return child → the lines that another provider claims too, here and there."""
    site_id, month = where.site.site_id, where.month
    others = elsewhere(site_id, list(children), month, programme=where.site.programme, today=today)
    if not others:
        return {}
    found: dict[str, tuple[tuple[str, ...], tuple[Ref, ...]]] = {}
    stored = sheets.list_sheets(site_id, month)
    for child_id, desks in others.items():
        stays = children[child_id]
        sheet = stored.get(child_id) or sheets.no_sheet(site_id, month, child_id)
        lines = lines_of(sheet, stays, where, today=today)
        here = attendance.Place(tuple(stays), lines, where.pack.at)
        twice = attendance.doubled_lines(here, [desk.place for desk in desks])
        if not twice:
            continue
        there = [
            Ref(
                child_id=child_id,
                month=str(month),
                site_id=desk.where.site.site_id,
                lines=tuple(sorted(lines_there)),
            )
            for desk in desks
            if (lines_there := attendance.doubled_lines(desk.place, [here]))
        ]
        found[child_id] = (tuple(sorted(twice)), tuple(there))
    return found


def _groups(site_id: str) -> tuple[GroupSeen, ...]:
    return tuple(
        GroupSeen(
            group_id=kept.value.group_id, capacity_on=functools.partial(capacity_on, kept.value)
        )
        for kept in providers.list_site_groups(site_id)
    )


def _months_back(rule: SignalRule) -> int:
    """Return how many months before one its signals need."""
    return max(rule.full_months - 1, rule.silent_months - 1, 1 if rule.same_days else 0, 0)


def _dates(pack: Pack, month: Month) -> tuple[date, date] | None:
    """Return the first and the last day on which an ended month is looked at."""
    if rule_of(pack, month) is None:
        return None
    dates = pack.at(month.last).month_calendar.dates(month, pack.calendar)
    return dates.close_on, dates.check_to
