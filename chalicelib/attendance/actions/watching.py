"""What the days of a site ask for where families confirm each line and absence has a price.

Each evening's work can be repeated: a notice has a key and is written once, and what ends a voucher
looks again at what is stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from chalicelib.applications import actions as applications
from chalicelib.attendance import store
from chalicelib.attendance.actions.confirming import make_code
from chalicelib.attendance.actions.lines import (
    SiteAndPack,
    attended_days,
    by_child,
    lines_of,
    load_roster_month,
    load_site_month,
)
from chalicelib.attendance.rules import Line, Stay, watching
from chalicelib.children import actions as people
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import DateRange, Month, from_stamp, local_day
from chalicelib.policy.actions import load_pack
from chalicelib.storage import agenda, outbox
from chalicelib.storage.commit import Raced, Write, commit
from chalicelib.vouchers import store as vouchers
from chalicelib.vouchers.actions.change import FIRST_VISIT_TOPIC
from chalicelib.vouchers.rules import Enrolment

# Misses older than this are history: a job that comes late tells nobody what is long over.
TOLD_WITHIN_DAYS = 7
# A silence is told of and ends a voucher within two months; so it is looked for in three.
MONTHS_LOOKED_AT = 3
# A notice is one text message or two; the cabinet shows the rest.
CODES_IN_A_NOTICE = 6


@dataclass(frozen=True, slots=True)
class _Child:
    """A child at a site: its last enrolment, and its lines of this month and those before.

    here: it is enrolled on the day asked about; one that left still has lessons to confirm.
    """

    enrolment: Enrolment
    here: bool
    lines: tuple[Line, ...]


def watch(site_id: str, on: date, *, by: Actor, now: datetime) -> int:
    """Remind families of lessons to confirm and of misses, release who no longer comes.

    Returns how many notices were written. Nothing where the pack asks for none of it.
    """
    in_force = load_site_month(site_id, Month.of(on)).pack.at(on)
    asked = (
        in_force.confirmation.per_line and in_force.confirmation.remind_after_days,
        in_force.exclusion.missed_in_a_row,
        in_force.exclusion.without_visit_days,
    )
    if not any(asked):
        return 0
    where, stays = load_roster_month(site_id, Month.of(on))
    told = 0
    for child_id, child in _children(where, stays, on).items():
        told += _remind(where, child_id, child, on, now=now)
        if child.here:
            told += _missed(where, child_id, child, on, now=now)
            told += _silent(where, child_id, child, on, by=by, now=now)
    return told


def first_visit(voucher_id: str, *, by: Actor, now: datetime) -> bool:
    """End a voucher whose holder never came in the term for it; return whether it was so.

    A tablet may have been offline: nobody is judged before a late upload could have come.
    Topic "vouchers/first-visit".
    """
    kept = vouchers.find_voucher(voucher_id)
    if kept is None or kept.value.state != "used" or kept.value.first_visit_by is None:
        return False
    voucher = kept.value
    term = from_stamp(voucher.first_visit_by or "")
    late = (
        load_pack(voucher.programme, voucher.area).nearest(local_day(now)).attendance.late_days_max
    )
    if now < term + timedelta(days=late):
        commit([agenda.due(term + timedelta(days=late), FIRST_VISIT_TOPIC, voucher_id)])
        return False
    today = local_day(now)
    for stay in vouchers.find_stays(voucher.child_id, voucher.programme).value.stays:
        if stay.voucher_id == voucher_id and stay.starts_on <= today:
            last = min(stay.ends_on or today, today)
            if attended_days(stay.site_id, voucher.child_id, stay.starts_on, last):
                return False
    return applications.missed_first_visit(voucher_id, by=by, now=now)


# --- one child ----------------------------------------------------------------------------------


def _remind(where: SiteAndPack, child_id: str, child: _Child, on: date, *, now: datetime) -> int:
    """Tell a family which visits wait for its word; with codes where the pack has them."""
    rule = where.pack.at(on).confirmation
    if not rule.per_line:
        return 0
    waiting = watching.to_remind(
        child.lines,
        today=on,
        after_days=rule.remind_after_days,
        every_days=rule.remind_every_days,
    )
    if not waiting:
        return 0
    told = 0
    for person_id in _people(child_id, child, on):
        writes: list[Write] = []
        names: list[str] = []
        for line in waiting[:CODES_IN_A_NOTICE]:
            shown = _shown(line)
            if rule.code and line.lesson is not None:
                code, put = make_code(
                    site_id=where.site.site_id,
                    child_id=child_id,
                    person_id=person_id,
                    programme=where.site.programme,
                    lesson=line.lesson,
                    until=where.pack.at(on)
                    .month_calendar.dates(Month.of(line.on), where.pack.calendar)
                    .approve_to,
                    on=on,
                )
                writes.append(put)
                shown = f"{shown}: {code}"
            names.append(shown)
        notice = outbox.notice(
            f"lessons-to-confirm#{where.site.site_id}#{child_id}#{on.isoformat()}",
            to=f"person:{person_id}",
            template=f"notice:attendance/lessons-to-confirm{'-by-code' if rule.code else ''}",
            now=now,
            child_id=child_id,
            site=where.site.name,
            lessons="; ".join(names),
        )
        told += _told([notice, *writes])
    return told


def _missed(where: SiteAndPack, child_id: str, child: _Child, on: date, *, now: datetime) -> int:
    """Tell a family of lessons missed in a row without a word; each row once."""
    rule = where.pack.at(on).exclusion
    told = 0
    for line in watching.rows_of_misses(child.lines, rule):
        if on - line.on > timedelta(days=TOLD_WITHIN_DAYS):
            continue
        for person_id in _people(child_id, child, on):
            notice = outbox.notice(
                f"missed-in-a-row#{where.site.site_id}#{child_id}#{line.key}",
                to=f"person:{person_id}",
                template="notice:attendance/missed-in-a-row",
                now=now,
                child_id=child_id,
                site=where.site.name,
                missed=rule.missed_in_a_row,
                on=_shown(line),
            )
            told += _told([notice])
    return told


def _silent(
    where: SiteAndPack, child_id: str, child: _Child, on: date, *, by: Actor, now: datetime
) -> int:
    """Warn a family whose child no longer comes; after the warning's term end the voucher."""
    rule = where.pack.at(on).exclusion
    found = watching.silence(child.lines, starts_on=child.enrolment.starts_on, rule=rule)
    if found is None:
        return 0
    event = f"no-visits-soon#{child.enrolment.enrolment_id}#{found.since.isoformat()}"
    people_told = _people(child_id, child, on)
    warnings = [outbox.find_notice(f"person:{person_id}", event) for person_id in people_told]
    days = [local_day(from_stamp(warning.at)) for warning in warnings if warning is not None]
    asks = watching.due(found, warned_on=min(days, default=None), today=on, rule=rule)
    if asks == "release":
        applications.no_longer_comes(child.enrolment.voucher_id, by=by, now=now)
        return 0
    if asks is None:
        return 0
    until = on + timedelta(days=rule.release_after_warning_days)
    return sum(
        _told(
            [
                outbox.notice(
                    event,
                    to=f"person:{person_id}",
                    template="notice:attendance/no-visits-soon",
                    now=now,
                    child_id=child_id,
                    site=where.site.name,
                    since=f"{found.since:%d.%m.%Y}",
                    until=f"{until:%d.%m.%Y}",
                )
            ]
        )
        for person_id in people_told
    )


# --- gathering ----------------------------------------------------------------------------------


def _children(where: SiteAndPack, stays: Sequence[Stay], on: date) -> dict[str, _Child]:
    """Return who was enrolled in the months before a day, with what became of the lines."""
    site_id, months = where.site.site_id, [(where, stays)]
    for _ in range(MONTHS_LOOKED_AT - 1):
        months.insert(0, load_roster_month(site_id, months[0][0].month.before()))
    enrolled = vouchers.list_enrolments(site_id, first=months[0][0].month.first, last=on)
    enrolments = {e.child_id: e for e in sorted(enrolled, key=lambda e: e.starts_on)}
    if not enrolments:
        return {}
    lines: dict[str, list[Line]] = {child_id: [] for child_id in enrolments}
    for of_month, every in months:
        sheets = store.list_sheets(site_id, of_month.month)
        for child_id, own in by_child(every).items():
            if child_id in lines:
                sheet = sheets.get(child_id) or store.no_sheet(site_id, of_month.month, child_id)
                found = lines_of(sheet, own, of_month, today=on)
                lines[child_id] += [line for line in found if line.on < on]
    return {
        child_id: _Child(
            enrolment,
            on in DateRange(enrolment.starts_on, enrolment.ends_on),
            tuple(lines[child_id]),
        )
        for child_id, enrolment in sorted(enrolments.items())
    }


def _people(child_id: str, child: _Child, on: date) -> tuple[str, ...]:
    return people.representatives_of(child_id, on) or (child.enrolment.person_id,)


def _shown(line: Line) -> str:
    """Return a line as people write it: 05.10 16:00."""
    day = f"{line.on:%d.%m}"
    return day if line.starts is None else f"{day} {line.starts // 60:02d}:{line.starts % 60:02d}"


def _told(writes: Iterable[Write]) -> int:
    """Write a notice with what goes with it; one that was written before stays."""
    try:
        commit(list(writes))
    except Raced:
        return 0
    return 1
