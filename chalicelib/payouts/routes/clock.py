"""The month's clock over HTTP: for everybody, for one provider, for the desk that watches it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from typing import Literal

import msgspec

from chalicelib.edge import tables
from chalicelib.edge.routes import Answer, Call, File
from chalicelib.edge.texts import text
from chalicelib.kernel.periods import BadMonth, Month, local_day, shown_day
from chalicelib.kernel.refusals import Unknown
from chalicelib.kernel.workdays import CalendarMissing
from chalicelib.payouts import actions
from chalicelib.payouts.actions import Overdue, Region, Why
from chalicelib.payouts.routes.shapes import MonthText, Named, routes
from chalicelib.payouts.rules.clock import WHO, Passage, Standing, Step, Who, term_of
from chalicelib.policy.actions import NoPack
from chalicelib.policy.rules import NoRuleInForce

# What moves by hand is looked at afresh; a crowd of readers asks once a minute.
_FRESH_S = 60


class ClockAsked(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A month; without programme or area, of all of them."""

    month: MonthText
    programme: Named | None = None
    area: Named | None = None
    format: Literal["json", "csv"] = "json"


class StepSeen(msgspec.Struct, frozen=True):
    """Money at a step. units: days or lessons it is for, as far as known; since: the oldest hand.

    first, last: the days of the step. overdue_tiyn: of providers whose last day is over.
    """

    step: Step
    who: Who
    first: date
    last: date
    tiyn: int
    units: int
    since: date | None
    waited_days: int
    overdue_tiyn: int


class OverdueSeen(msgspec.Struct, frozen=True):
    """Overdue money of a provider; without site_id several small ones of a direction."""

    direction: str
    site_id: str | None
    name: str | None
    step: Step
    who: Who
    last: date
    late_days: int
    tiyn: int


class RegionSeen(msgspec.Struct, frozen=True):
    """A region's month by step. as_of: when timesheets were looked at; claims are as they are.

    title: programme and region in kk, ru and en.
    """

    programme: str
    area: str
    title: dict[str, str]
    month: str
    as_of: str | None
    pay_on: date
    total_tiyn: int
    paid_tiyn: int
    overdue_tiyn: int
    steps: tuple[StepSeen, ...]
    overdue: tuple[OverdueSeen, ...]


class ClockSeen(msgspec.Struct, frozen=True):
    month: str
    today: date
    regions: tuple[RegionSeen, ...]


class PassageSeen(msgspec.Struct, frozen=True):
    """One step of a month. standing: done, now, late or later; says: the same in words."""

    step: Step
    standing: Standing
    who: Who
    first: date
    last: date
    tiyn: int
    units: int
    children: int
    late_days: int
    says: str


class WhySeen(msgspec.Struct, frozen=True):
    """Why a month is not paid yet. waits_for: the first step at which money stands, "" for none.

    says: the answer in words; held: codes of what else keeps it, such as an account; owed_tiyn:
    what the provider owes for this month, owed_by: its last day, owed_late_days: since that passed.
    """

    site_id: str
    month: str
    as_of: str
    pay_on: date
    waits_for: str
    says: str
    held: tuple[str, ...]
    owed_tiyn: int
    owed_by: date | None
    owed_late_days: int
    steps: tuple[PassageSeen, ...]


class WatchAsked(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A day's runs, and what an area lacks now."""

    programme: Named
    area: Named
    on: date | None = None


class RunOfDay(msgspec.Struct, frozen=True):
    """A schedule on a day. at: when it handed out its work, null where it did not."""

    job: str
    at: str | None
    asked: int


class LackSeen(msgspec.Struct, frozen=True):
    """A step that the schedules did not finish, and where."""

    month: str
    step: str
    sites: tuple[str, ...]


class WatchSeen(msgspec.Struct, frozen=True):
    on: date
    runs: tuple[RunOfDay, ...]
    incomplete: tuple[LackSeen, ...]


@routes.get(
    "/clock",
    action="payouts/clock",
    query=ClockAsked,
    answers=ClockSeen,
    refuses=(NoPack, BadMonth, NoRuleInForce, CalendarMissing),
)
def get_clock(call: Call[None]) -> Answer | File:
    """Show where a month's money stands: by region, programme and step, overdue ones by provider.

    Each tiyn stands at one step, and each step has somebody who acts and a last day. Providers with
    fewer than five children stand together, and money of fewer than five children is told with the
    next step's. format=csv: a row per step and a row per overdue provider.
    """
    asked: ClockAsked = call.query
    month = Month.parse(asked.month)
    found = actions.public_clock(month, programme=asked.programme, area=asked.area, now=call.now)
    today = local_day(call.now)
    if asked.format == "csv":
        content = tables.csv_file(_HEADINGS, [row for one in found for row in _rows(one)])
        return File(content, tables.CSV_MEDIA_TYPE, f"clock-{month}.csv")
    seen = ClockSeen(str(month), today, tuple(_region(one, today) for one in found))
    return Answer(seen, headers={"Cache-Control": f"public, max-age={_FRESH_S}"})


@routes.get(
    "/sites/{site_id}/months/{month}/why",
    action="payouts/why",
    answers=WhySeen,
    refuses=(Unknown, BadMonth, NoPack, NoRuleInForce, CalendarMissing),
)
def get_why(call: Call[None], site_id: str, month: str) -> WhySeen:
    """Say why a site's month is not paid yet: every step, who acts, until when, in words.

    From the first day of the month to settlement; looked at now.
    """
    found = actions.why(site_id, Month.parse(month), by=call.actor, now=call.now)
    return _why(found, call.language)


@routes.get(
    "/clock/watch",
    action="payouts/watch",
    query=WatchAsked,
    answers=WatchSeen,
    refuses=(Unknown, NoPack),
)
def get_watch(call: Call[None]) -> WatchSeen:
    """Show which of the calendar's runs started on a day, and which steps lack sites."""
    asked: WatchAsked = call.query
    on = asked.on or local_day(call.now)
    found = actions.watched(asked.programme, asked.area, on=on, by=call.actor, now=call.now)
    return WatchSeen(
        found.on,
        tuple(RunOfDay(run.job, run.at, run.asked) for run in found.runs),
        tuple(LackSeen(str(one.month), one.step, one.site_ids) for one in found.incomplete),
    )


_HEADINGS = [
    "programme",
    "area",
    "month",
    "row",
    "step",
    "who",
    "first",
    "last",
    "direction",
    "site_id",
    "name",
    "tiyn",
    "units",
    "overdue_tiyn",
    "late_days",
]


def _rows(region: Region) -> Iterator[list[object]]:
    place = [region.programme, region.area, region.month]
    month = Month.parse(region.month)
    for cell in region.steps:
        term = term_of(cell.step, month, region.dates)
        late = region.overdue_tiyn.get(cell.step, 0)
        head = [*place, "step", cell.step, cell.who, term.first, term.last]
        yield [*head, "", "", "", cell.tiyn, cell.units, late, ""]
    for one in region.overdue:
        head = [*place, "overdue", one.cell.step, one.cell.who, "", one.cell.by]
        whose = [one.direction, one.site_id or "several", one.name or ""]
        yield [*head, *whose, one.cell.tiyn, "", one.cell.tiyn, one.late_days]


def _region(region: Region, today: date) -> RegionSeen:
    month = Month.parse(region.month)
    steps = []
    for cell in region.steps:
        term = term_of(cell.step, month, region.dates)
        steps.append(
            StepSeen(
                step=cell.step,
                who=cell.who,
                first=term.first,
                last=term.last,
                tiyn=cell.tiyn,
                units=cell.units,
                since=cell.since,
                waited_days=(today - cell.since).days if cell.since else 0,
                overdue_tiyn=region.overdue_tiyn.get(cell.step, 0),
            )
        )
    return RegionSeen(
        programme=region.programme,
        area=region.area,
        title=asdict(region.title),
        month=region.month,
        as_of=region.as_of,
        pay_on=region.dates.pay_on,
        total_tiyn=sum(step.tiyn for step in steps),
        paid_tiyn=sum(step.tiyn for step in steps if step.step == "paid"),
        overdue_tiyn=sum(region.overdue_tiyn.values()),
        steps=tuple(steps),
        overdue=tuple(_overdue(one) for one in region.overdue),
    )


def _overdue(one: Overdue) -> OverdueSeen:
    return OverdueSeen(
        direction=one.direction,
        site_id=one.site_id,
        name=one.name,
        step=one.cell.step,
        who=WHO[one.cell.step],
        last=one.cell.by,
        late_days=one.late_days,
        tiyn=one.cell.tiyn,
    )


def _why(found: Why, language: str) -> WhySeen:
    told = tuple(_passage(one, found, language) for one in found.passages)
    waiting = [one for one in told if one.standing in ("now", "late")]
    if not waiting and told[0].standing == "later":  # the month has not begun
        waiting = [told[0]]
    first = waiting[0].step if waiting else ""
    says = [one.says for one in waiting] or [
        text("clock:nothing", language, {"month": found.site.month})
    ]
    if not waiting and any(one.step == "paid" and one.tiyn for one in told):
        says = [next(one.says for one in told if one.step == "paid")]
    says += [text(code, language, {"month": found.site.month}) for code in found.held]
    if found.owed_tiyn:
        facts = {
            "month": found.site.month,
            "tenge": found.owed_tiyn // 100,
            "last": shown_day(found.owed_by) if found.owed_by else "-",
            "late": found.owed_late_days,
        }
        says.append(text("clock:owed", language, facts))
        if found.owed_late_days:
            says.append(text("clock:late", language, facts))
    return WhySeen(
        site_id=found.site.site_id,
        month=found.site.month,
        as_of=found.site.as_of,
        pay_on=found.dates.pay_on,
        waits_for=first,
        says=" ".join(says),
        held=found.held,
        owed_tiyn=found.owed_tiyn,
        owed_by=found.owed_by,
        owed_late_days=found.owed_late_days,
        steps=told,
    )


def _passage(one: Passage, found: Why, language: str) -> PassageSeen:
    facts = {
        "month": found.site.month,
        "tenge": one.tiyn // 100,
        "units": one.units,
        "children": one.children,
        "first": shown_day(one.term.first),
        "last": shown_day(one.term.last),
        "late": one.late_days,
    }
    says = text(f"clock:{one.step}-{_wording(one)}", language, facts)
    if one.standing == "late":
        says = f"{says} {text('clock:late', language, facts)}"
    return PassageSeen(
        step=one.step,
        standing=one.standing,
        who=one.who,
        first=one.term.first,
        last=one.term.last,
        tiyn=one.tiyn,
        units=one.units,
        children=one.children,
        late_days=one.late_days,
        says=says,
    )


def _wording(one: Passage) -> str:
    """Return which sentence says it: what waits is said alike whether it is late or not."""
    return {"done": "done", "later": "later", "now": "now", "late": "now"}[one.standing]
