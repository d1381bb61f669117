"""What everybody may know of billing's honesty: savings with their formula, and the self-audit."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from chalicelib.billing import actions
from chalicelib.billing.actions.saving import BadPeriod
from chalicelib.billing.routes.shapes import MonthText, Named, routes
from chalicelib.billing.rules.auditing import Case, Night
from chalicelib.billing.rules.judging import BY_THE_MONTH
from chalicelib.billing.rules.savings import Savings
from chalicelib.edge import pages, tables
from chalicelib.edge.routes import Call, File
from chalicelib.edge.texts import text
from chalicelib.kernel.periods import BadMonth, Month, shown_day
from chalicelib.kernel.refusals import Unknown
from chalicelib.policy.actions import NoPack
from chalicelib.policy.rules import NoRuleInForce, Text


class SavingsAsked(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """first, last: the months of a period, both included; at most twenty-four."""

    programme: Named
    area: Named
    first: MonthText
    last: MonthText
    format: Literal["json", "csv"] = "json"


class SavingsShown(msgspec.Struct, frozen=True):
    """Sums of one direction. list_based_tiyn - due_tiyn = blocked + held; saved = blocked + beyond
    the list. reversed: what statements took back, by cause; but for what is beyond the list it
    stands among blocked or held already."""

    direction: str
    providers: int
    children: int
    child_days: int
    list_based_tiyn: int
    due_tiyn: int
    saved_tiyn: int
    blocked_tiyn: dict[str, int]
    held_tiyn: dict[str, int]
    reversed_tiyn: dict[str, int]
    beyond_list_tiyn: dict[str, int]


class SavedMonthShown(msgspec.Struct, frozen=True):
    """A month's sums, by direction. as_of: since when they stand."""

    month: str
    as_of: str
    savings: tuple[SavingsShown, ...]


class SavingsSeen(msgspec.Struct, frozen=True):
    """Savings over a period, by month and together, with the formula in the caller's language.

    missing: months of the period that are not reckoned. words: what each reason and cause means.
    """

    programme: str
    area: str
    first: str
    last: str
    formula: str
    months: tuple[SavedMonthShown, ...]
    total: SavingsShown
    missing: tuple[str, ...]
    words: dict[str, str]


class SelfAuditAsked(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Of one area, or of all where neither is given."""

    programme: Named | None = None
    area: Named | None = None
    format: Literal["json", "csv"] = "json"


class NightShown(msgspec.Struct, frozen=True):
    """What a night found: the sum of open cases, zero where everything agrees."""

    on: date
    difference_tiyn: int
    cases: int
    provider_months: int
    repriced: int
    statements: int


class AreaShown(msgspec.Struct, frozen=True):
    """An area's newest night and those before it, newest first; None before the first one.

    title: programme and region in kk, ru and en.
    """

    programme: str
    area: str
    title: dict[str, str]
    newest: NightShown | None
    nights: tuple[NightShown, ...]


class SelfAuditSeen(msgspec.Struct, frozen=True):
    """One number with its date: difference_tiyn, of the oldest of the areas' newest nights on.

    on: None where an area has not been audited yet; then there is no number.
    """

    on: date | None
    difference_tiyn: int | None
    cases: int
    statements: int
    formula: str
    areas: tuple[AreaShown, ...]


class CasesAsked(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    programme: Named
    area: Named
    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    cursor: Annotated[str, Meta(max_length=400)] | None = None


class CaseShown(msgspec.Struct, frozen=True):
    """An open case. asked: due, statements or ledger; lines: how many differ; why: in words.

    until: the day on which billing looks at the month by itself, None where somebody must act.
    """

    site_id: str
    organisation_id: str
    direction: str
    month: str
    asked: str
    difference_tiyn: int
    lines: int
    reason: str
    why: str
    until: date | None
    opened_on: date


class CasesSeen(msgspec.Struct, frozen=True):
    cases: tuple[CaseShown, ...]
    next: str | None


@routes.get(
    "/savings",
    action="billing/savings",
    query=SavingsAsked,
    answers=SavingsSeen,
    refuses=(NoPack, BadMonth, BadPeriod, NoRuleInForce),
)
def get_savings(call: Call[None]) -> SavingsSeen | File:
    """Show what was not paid over a period, by reason, against payment by list; format=csv too.

    A sum of savings is nothing without its formula, so each answer carries it. What waits for a
    decision is held, not saved. Providers with fewer than five children stand together or not at
    all, as in the figures.
    """
    asked: SavingsAsked = call.query
    first, last = Month.parse(asked.first), Month.parse(asked.last)
    seen = actions.see_savings(asked.programme, asked.area, first, last)
    if asked.format == "csv":
        rows = [
            [saved.month, one.direction, *row] for saved in seen.months for one in saved.savings
            for row in _rows(one)
        ]  # fmt: skip
        name = f"savings-{asked.area}-{asked.first}-{asked.last}.csv"
        content = tables.csv_file(["month", "direction", "sum", "reason", "tiyn"], rows)
        return File(content, tables.CSV_MEDIA_TYPE, name)
    kind = "month" if seen.pays == BY_THE_MONTH else "unit"
    return SavingsSeen(
        asked.programme,
        asked.area,
        asked.first,
        asked.last,
        text(f"formula:savings-{kind}", call.language),
        tuple(
            SavedMonthShown(saved.month, saved.as_of, tuple(_shown(one) for one in saved.savings))
            for saved in seen.months
        ),
        _shown(seen.total),
        seen.missing,
        _words(seen.total, seen.codes, call.language),
    )


@routes.get(
    "/self-audit",
    action="billing/self-audit",
    query=SelfAuditAsked,
    answers=SelfAuditSeen,
    refuses=(NoPack,),
)
def get_self_audit(call: Call[None]) -> SelfAuditSeen | File:
    """Show the number of the nightly self-audit with its date: zero, or the sum of open cases.

    Every night all statements ever posted are held against what is due now and against the
    ledger. format=csv: each area's nights of a month.
    """
    asked: SelfAuditAsked = call.query
    found = actions.audits_published(asked.programme, asked.area)
    if not found:
        raise NoPack(programme=asked.programme or "", area=asked.area or "")
    areas = tuple(
        AreaShown(
            one.programme,
            one.area,
            asdict(one.title),
            _night(one.nights[0]) if one.nights else None,
            tuple(_night(night) for night in one.nights),
        )
        for one in found
    )
    if asked.format == "csv":
        names = NightShown.__struct_fields__
        rows = [
            [area.programme, area.area, *(_cell(getattr(night, name)) for name in names)]
            for area in areas
            for night in area.nights
        ]
        content = tables.csv_file(["programme", "area", *names], rows)
        return File(content, tables.CSV_MEDIA_TYPE, "self-audit.csv")
    newest = [area.newest for area in areas if area.newest is not None]
    whole = len(newest) == len(areas)
    return SelfAuditSeen(
        min(night.on for night in newest) if whole else None,
        sum(night.difference_tiyn for night in newest) if whole else None,
        sum(night.cases for night in newest),
        sum(night.statements for night in newest),
        text("formula:self-audit", call.language),
        areas,
    )


@routes.get(
    "/self-audit/cases",
    action="billing/list-audit-cases",
    query=CasesAsked,
    answers=CasesSeen,
    refuses=(Unknown, NoPack, pages.BadCursor),
)
def get_cases(call: Call[None]) -> CasesSeen:
    """List the open cases of the self-audit: where posted is not due, and what ends each."""
    asked: CasesAsked = call.query
    whose = f"audit-cases#{asked.programme}#{asked.area}#{call.actor.subject}"
    after = pages.position(asked.cursor, of=whose) if asked.cursor else None
    cases, position = actions.list_cases(
        asked.programme, asked.area, by=call.actor, after=after, most=asked.limit
    )
    return CasesSeen(
        tuple(_case(case, call.language) for case in cases),
        pages.cursor(position, of=whose) if position is not None else None,
    )


def _shown(one: Savings) -> SavingsShown:
    return SavingsShown(
        one.direction,
        one.providers,
        one.children,
        one.child_days,
        one.list_based_tiyn,
        one.due_tiyn,
        one.saved_tiyn,
        one.blocked_tiyn,
        one.held_tiyn,
        one.reversed_tiyn,
        one.beyond_list_tiyn,
    )


def _rows(one: Savings) -> list[list[object]]:
    plain = [("list_based", one.list_based_tiyn), ("due", one.due_tiyn), ("saved", one.saved_tiyn)]
    by_reason = [
        ("blocked", one.blocked_tiyn),
        ("held", one.held_tiyn),
        ("reversed", one.reversed_tiyn),
        ("beyond_list", one.beyond_list_tiyn),
    ]
    return [
        *([name, "", tiyn] for name, tiyn in plain),
        *([name, reason, tiyn] for name, sums in by_reason for reason, tiyn in sums.items()),
    ]


def _words(total: Savings, codes: dict[str, Text], language: str) -> dict[str, str]:
    """Return what each reason, and each cause of a taking back, means."""
    reasons = {*total.blocked_tiyn, *total.held_tiyn}
    causes = {*total.reversed_tiyn, *total.beyond_list_tiyn}
    said = {r: codes[r].in_(language) for r in sorted(reasons) if r in codes}
    said |= {r: text(f"blocked:{r}", language) for r in sorted(reasons) if r not in codes}
    return said | {cause: text(f"cause:{cause}", language) for cause in sorted(causes)}


def _night(night: Night) -> NightShown:
    return NightShown(
        night.on,
        night.difference_tiyn,
        night.cases,
        night.provider_months,
        night.repriced,
        night.statements,
    )


def _case(case: Case, language: str) -> CaseShown:
    until = shown_day(case.until) if case.until is not None else ""
    return CaseShown(
        case.site_id,
        case.organisation_id,
        case.direction,
        case.month,
        case.asked,
        case.difference_tiyn,
        case.lines,
        case.reason,
        text(f"audit-case:{case.reason}", language, {"until": until}),
        case.until,
        case.opened_on,
    )


def _cell(value: object) -> object:
    return value if isinstance(value, int) else str(value)
