"""Billing over HTTP: a month on demand, statements, public figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Literal

import msgspec

from chalicelib.access import actions as access
from chalicelib.adapters import work
from chalicelib.billing import actions, jobs
from chalicelib.billing.routes.shapes import MonthText, Named, routes
from chalicelib.billing.rules import exports
from chalicelib.billing.rules.figures import Figure
from chalicelib.billing.rules.pricing import PricedBy
from chalicelib.billing.rules.statements import (
    Because,
    MonthForgotten,
    MonthNotOver,
    Statement,
    Waiting,
)
from chalicelib.edge import tables
from chalicelib.edge.routes import Call, File
from chalicelib.edge.texts import text
from chalicelib.kernel.periods import BadMonth, Month, from_stamp, shown_day
from chalicelib.kernel.refusals import AnotherContent, Unknown
from chalicelib.kernel.workdays import CalendarMissing
from chalicelib.policy.actions import NoPack
from chalicelib.policy.rules import NoRuleInForce


class RunAsked(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Bill all providers of an area for a month that is over."""

    programme: Named
    area: Named
    month: MonthText


class RunSeen(msgspec.Struct, frozen=True):
    """A run on demand: how many provider-months were handed to the queue."""

    run_id: str
    programme: str
    area: str
    month: str
    providers: int


class RateSeen(msgspec.Struct, frozen=True):
    """A row of the rules that priced units of a line, and how much they brought.

    source: the key of its act; act: the act's number, "" where it has none; since: its first day.
    """

    sort: str
    since: date
    source: str
    act: str
    units: int
    tiyn: int


class LineSeen(msgspec.Struct, frozen=True):
    """A child's line: units (days or lessons) by reason, and money. movement_tiyn is signed.

    parts: what the accrual is made of, the base and what raised financing is for; they sum to it.
    rates: the rows that priced it; they sum to the accrual. parents_tiyn: what the family owes the
    provider for the same units, by `fees`; no money of the budget. because: the acts that a
    correction rests on.
    """

    child_id: str
    attended: int
    payable: dict[str, int]
    unpaid: dict[str, int]
    accrual_tiyn: int
    parts: dict[str, int]
    movement_tiyn: int
    cause: str
    pack: str
    rates: tuple[RateSeen, ...] = ()
    parents_tiyn: int = 0
    fees: tuple[RateSeen, ...] = ()
    because: tuple[Because, ...] = ()


class StatementSeen(msgspec.Struct, frozen=True):
    """One posted statement. movement_tiyn is signed: plus is owed to the provider."""

    number: int
    at: str
    cause: str
    movement_tiyn: int
    pack: str
    lines: tuple[LineSeen, ...]


class WaitingSeen(msgspec.Struct, frozen=True):
    """Why some money is not paid: the reason, its units (days or lessons) and sum, and in words."""

    reason: str
    days: int
    tiyn: int
    text: str


class MonthSeen(msgspec.Struct, frozen=True):
    """A provider-month. waiting answers "why am I not paid yet"; empty when nothing is held.

    not_paid: what earns nothing and waits for nobody. direction: "" in a programme without any.
    """

    site_id: str
    organisation_id: str
    direction: str
    month: str
    pay_on: date
    children: int
    child_days: int
    due_tiyn: int
    posted_tiyn: int
    unpaid: dict[str, int]
    withheld_tiyn: dict[str, int]
    waiting: tuple[WaitingSeen, ...]
    not_paid: tuple[WaitingSeen, ...]
    statements: tuple[StatementSeen, ...]


class MonthFormat(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    format: Literal["json", "csv", "xlsx"] = "json"


class FiguresAsked(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    programme: Named
    area: Named
    month: MonthText
    format: Literal["json", "csv"] = "json"


class FiguresSeen(msgspec.Struct, frozen=True):
    """Public figures; a row without site_id holds several small providers together."""

    programme: str
    area: str
    month: str
    formula: str
    providers: tuple[Figure, ...]


@routes.put(
    "/runs/{run_id}",
    action="billing/run",
    asks=RunAsked,
    answers=RunSeen,
    refuses=(
        Unknown,
        NoPack,
        MonthNotOver,
        AnotherContent,
        NoRuleInForce,
        MonthForgotten,
        BadMonth,
        work.QueueSilent,
    ),
)
def put_run(call: Call[RunAsked], run_id: str) -> RunSeen:
    """Bill a month on demand: every provider of an area, as the schedule would."""
    asked = call.asked
    month = Month.parse(asked.month)
    site_ids = actions.open_run(
        run_id,
        programme=asked.programme,
        area=asked.area,
        month=month,
        by=call.actor,
        now=call.now,
    )
    sent = work.send(jobs.messages(site_ids, month))
    return RunSeen(run_id, asked.programme, asked.area, asked.month, sent)


@routes.get(
    "/sites/{site_id}/months/{month}",
    action="billing/see-month",
    query=MonthFormat,
    answers=MonthSeen,
    refuses=(Unknown, BadMonth, NoRuleInForce, CalendarMissing),
)
def get_month(call: Call[None], site_id: str, month: str) -> MonthSeen | File:
    """Show a provider-month: its statements, and why money is not posted yet.

    format=csv or xlsx: the statements' lines as a table, raised financing in columns of its own.
    """
    asked: MonthFormat = call.query
    seen = actions.see_month(site_id, Month.parse(month), by=call.actor)
    head = seen.head
    access.looked(
        (stated.line.child_id for statement in seen.statements for stated in statement.lines),
        ("attendance", "financing"),
    )
    if asked.format != "json":
        headings, rows = exports.statement_table(head, seen.statements)
        name = f"statements-{head.site_id}-{head.month}"
        if asked.format == "csv":
            return File(tables.csv_file(headings, rows), tables.CSV_MEDIA_TYPE, f"{name}.csv")
        made_at = from_stamp(seen.statements[-1].at) if seen.statements else call.now
        content = tables.xlsx_file("statements", headings, rows, made_at=made_at)
        return File(content, tables.XLSX_MEDIA_TYPE, f"{name}.xlsx")
    return MonthSeen(
        site_id=head.site_id,
        organisation_id=head.organisation_id,
        direction=head.direction,
        month=head.month,
        pay_on=seen.pay_on,
        children=head.children,
        child_days=head.child_days,
        due_tiyn=head.due_tiyn,
        posted_tiyn=head.posted_tiyn,
        unpaid=head.unpaid,
        withheld_tiyn=head.withheld_tiyn,
        waiting=tuple(_waiting(w, seen, call.language) for w in seen.waiting),
        not_paid=tuple(_waiting(w, seen, call.language) for w in seen.not_paid),
        statements=tuple(_statement(s, seen.acts) for s in seen.statements),
    )


@routes.get(
    "/figures",
    action="billing/figures",
    query=FiguresAsked,
    answers=FiguresSeen,
    refuses=(NoPack, BadMonth, NoRuleInForce),
)
def get_figures(call: Call[None]) -> FiguresSeen | File:
    """Show child-days, sums and savings per provider and month; format=csv for a table.

    Savings against payment by list: list_based = sum of the full monthly rate of each enrolled
    child, or of the price of each planned lesson; savings = list_based - due, by reason of what
    was not paid. Directions stand apart; in each, providers with fewer than five children stand
    together.
    """
    asked: FiguresAsked = call.query
    found = actions.figures(asked.programme, asked.area, Month.parse(asked.month))
    if asked.format == "json":
        return FiguresSeen(asked.programme, asked.area, asked.month, found.formula, found.providers)
    reasons = sorted({reason for figure in found.providers for reason in figure.savings_tiyn})
    content = tables.csv_file(
        [
            "month",
            "direction",
            "site_id",
            "children",
            "child_days",
            "posted_tiyn",
            "due_tiyn",
            "list_based_tiyn",
            *(f"savings_tiyn_{reason}" for reason in reasons),
        ],
        [
            [
                asked.month,
                figure.direction,
                figure.site_id or "several",
                figure.children,
                figure.child_days,
                figure.posted_tiyn,
                figure.due_tiyn,
                figure.list_based_tiyn,
                *(figure.savings_tiyn.get(reason, 0) for reason in reasons),
            ]
            for figure in found.providers
        ],
    )
    return File(content, tables.CSV_MEDIA_TYPE, f"billing-{asked.area}-{asked.month}.csv")


def _statement(statement: Statement, acts: Mapping[str, str]) -> StatementSeen:
    return StatementSeen(
        statement.number,
        statement.at,
        statement.cause,
        statement.movement_tiyn,
        statement.pack,
        tuple(
            LineSeen(
                s.line.child_id,
                s.line.attended,
                s.line.payable,
                s.line.unpaid,
                s.line.accrual_tiyn,
                s.line.parts_tiyn,
                s.movement_tiyn,
                s.cause,
                s.line.pack,
                _rates(s.line.rates, acts),
                s.line.parents_tiyn,
                _rates(s.line.fees, acts),
                s.because,
            )
            for s in statement.lines
        ),
    )


def _rates(rates: Iterable[PricedBy], acts: Mapping[str, str]) -> tuple[RateSeen, ...]:
    return tuple(
        RateSeen(r.sort, r.since, r.source, acts.get(r.source, ""), r.units, r.tiyn) for r in rates
    )


def _waiting(waiting: Waiting, seen: actions.SiteMonthSeen, language: str) -> WaitingSeen:
    said = seen.codes.get(waiting.reason)
    words = (
        said.in_(language)
        if said is not None
        else text(
            f"why:{waiting.reason}",
            language,
            {
                "count": waiting.days,
                "tenge": waiting.tiyn // 100,
                "month": seen.head.month,
                "pay_on": shown_day(seen.pay_on),
            },
        )
    )
    return WaitingSeen(waiting.reason, waiting.days, waiting.tiyn, words)
