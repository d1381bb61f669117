"""What the rule packs say of a month, as numbers, and the law itself for lines that need it.

Most children's months are plain: approved, one site, one rate. DuckDB reckons those from the tables
below. Whoever was disputed, decided, silent, at two sites, paid at two rates or within a yearly
cap is judged and priced by the rules that bill, from the rows of the export alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

import msgspec

from chalicelib.attendance import rules as attendance
from chalicelib.attendance.rules import DayPlan, LessonPlan, Plan, Sheet, slots_of
from chalicelib.attendance.rules import Stay as RosterStay
from chalicelib.billing.rules import pricing
from chalicelib.billing.rules.claimed import used_units
from chalicelib.billing.rules.judging import (
    BY_THE_MONTH,
    PRESENT,
    ChildMonth,
    Day,
    Judged,
    Stay,
    judge,
)
from chalicelib.billing.store.statements import Claimants
from chalicelib.kernel.money import daily_share
from chalicelib.kernel.periods import DateRange, Month
from chalicelib.lessons.rules import Lesson, Timetable, lessons_in
from chalicelib.policy.actions import load_pack
from chalicelib.policy.rules import Pack

_SHEET = msgspec.json.Decoder(Sheet)


@dataclass(frozen=True, slots=True)
class PlainRules:
    """What a month of days says in one area, where it says the same on all its days.

    codes: paid code → whether it needs a paper, and how many units earn in a month (None: no
    limit). unpaid: codes that earn nothing. A code in neither needs the law.
    rates: (sort, sen) → what a unit earns, exact. working: mask of days, the first is bit 0.
    """

    working: int
    codes: Mapping[str, tuple[bool, int | None]]
    unpaid: frozenset[str]
    rates: Mapping[tuple[str, bool], Fraction]


def plain_rules(pack: Pack, month: Month, sorts: Iterable[tuple[str, bool]]) -> PlainRules | None:
    """Return what DuckDB needs; None where the month must be judged by the law itself."""
    if pack.at(month.last).programme.unit != "day":
        return None
    days = pack.calendar.working_days_in(month)
    every = [pack.at(on) for on in days]
    if not every or any(rules.programme.pays != BY_THE_MONTH for rules in every):
        return None
    said = {tuple(sorted((str(r.reason), *_facts(r)) for r in rules.absence)) for rules in every}
    if len(said) != 1:
        return None
    codes: dict[str, tuple[bool, int | None]] = {
        str(row.reason): (row.proof is not None and row.reason != PRESENT, row.days_max_month)
        for row in every[0].absence
        # A yearly cap asks what earlier months used.
        if row.paid and row.days_max_year is None
    }
    rates: dict[tuple[str, bool], Fraction] = {}
    for sort, sen in sorts:
        kind, hours, locality = sort.split("/")
        found = {
            daily_share(rate.rate_tiyn, of=len(days), coefficients=rate.coefficients)
            for rate in (rules.rate_for(kind, hours, locality, sen) for rules in every)
        }
        if len(found) == 1:
            rates[sort, sen] = found.pop()
    working = sum(1 << (on.day - 1) for on in days)
    unpaid = frozenset(str(row.reason) for row in every[0].absence if not row.paid)
    return PlainRules(working, codes, unpaid, rates)


def _facts(row: Any) -> tuple[str, ...]:
    return tuple(str(x) for x in (row.paid, row.counted, row.days_max_month, row.days_max_year,
                                  row.proof))  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """A child-month at one site as the export holds it."""

    site_id: str
    programme: str
    area: str
    child_id: str
    marks: Sequence[int]
    late: Sequence[int]
    said: str | None
    stays: tuple[RosterStay, ...]


def due_by_law(
    raws: Iterable[Raw],
    month: Month,
    *,
    today: date,
    timetables: Mapping[str, Mapping[str, Timetable]],
    earlier: Mapping[tuple[str, str], Sequence[Claimants]],
) -> dict[tuple[str, str], int]:
    """Return what children are due, by site and child. All sites of each child are among raws."""
    judged: dict[tuple[str, str], list[tuple[Judged, Pack]]] = {}
    seen: dict[tuple[str, str], dict[str, tuple[Lesson, ...]]] = {}
    for raw in raws:
        pack = load_pack(raw.programme, raw.area)
        key = (raw.site_id, raw.programme)
        if key not in seen:
            seen[key] = {
                group_id: lessons_in(timetable, month, pack.calendar, holidays=True)
                for group_id, timetable in timetables.get(raw.site_id, {}).items()
            }
        one = _judged(raw, pack, month, today, seen[key])
        judged.setdefault((raw.programme, raw.child_id), []).append((one, pack))
    due: dict[tuple[str, str], int] = {}
    for (programme, child_id), of_child in judged.items():
        claims = [one.claim for one, _ in of_child]
        codes = {code for claim in claims for code, cap in claim.caps.items() if cap.year}
        months = [filed.claims for filed in earlier.get((child_id, programme), ())]
        used = {code: used_units(months, code) for code in codes}
        for one, pack in of_child:
            lines = pricing.due([one], {child_id: claims}, pack=pack.version, used={child_id: used})
            due[one.claim.site_id, child_id] = lines[child_id].accrual_tiyn
    return due


def _judged(
    raw: Raw, pack: Pack, month: Month, today: date, lessons: Mapping[str, tuple[Lesson, ...]]
) -> Judged:
    rules = pack.at(month.last)
    dates = rules.month_calendar.dates(month, pack.calendar)
    by_lesson = rules.programme.unit == "lesson"
    plan: Plan
    if by_lesson:
        asked = tuple((stay.group_id, stay.days) for stay in raw.stays)
        plan = LessonPlan(month, slots_of(asked, lessons), rules.attendance.early_minutes)
    else:
        plan = DayPlan(month, tuple(stay.days for stay in raw.stays), pack.calendar)
    sheet = attendance.EMPTY if raw.said is None else _SHEET.decode(raw.said)
    approved = sheet.codes is not None and not raw.late
    lines = attendance.timesheet(
        () if approved else frozenset(raw.marks),
        frozenset(raw.late),
        sheet,
        plan=plan,
        dates=dates,
        today=today,
    )
    child = ChildMonth(
        child_id=raw.child_id,
        days=tuple(day_of(line) for line in lines),
        stays=tuple(_stay(stay) for stay in raw.stays),
        used_tiyn=max((s.used_tiyn for s in raw.stays if s.used_month == str(month)), default=0),
    )
    working = pack.calendar.working_days_in(month)
    unit = rules.programme.unit
    return judge(child, site_id=raw.site_id, working=working, rules_on=pack.at, unit=unit)


def day_of(line: attendance.Line) -> Day:
    """Return a line as billing sees it: presence is proved by its mark, an absence by its paper."""
    return Day(
        line.on,
        line.code,
        line.proved or line.code == PRESENT,
        "undecided" if line.standing == "open" else line.standing,
        starts=line.starts,
        minutes=line.minutes,
    )


def _stay(stay: RosterStay) -> Stay:
    kind, hours, locality = (stay.sort or "//").split("/")
    days: DateRange = stay.days
    return Stay(
        first=days.first, last=days.last, kind=kind, hours=hours, locality=locality, sen=stay.sen
    )
