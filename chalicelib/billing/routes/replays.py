"""Earnings of a month under way, and a month made again, over HTTP."""

from __future__ import annotations

from datetime import date
from typing import Literal

import msgspec

from chalicelib.access import actions as access
from chalicelib.billing import actions
from chalicelib.billing.routes.shapes import routes
from chalicelib.billing.rules.earning import DayEarned
from chalicelib.billing.rules.replay import Differs
from chalicelib.billing.rules.statements import MonthForgotten, MonthNotBegun
from chalicelib.edge import tables
from chalicelib.edge.routes import Call, File
from chalicelib.kernel.periods import BadMonth, Month
from chalicelib.kernel.refusals import Unknown
from chalicelib.kernel.workdays import CalendarMissing
from chalicelib.policy.rules import NoRuleInForce


class EarningsFormat(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    format: Literal["json", "csv"] = "json"


class EarningsShown(msgspec.Struct, frozen=True):
    """A month's earnings up to a day. held_tiyn: by reason, what waits for somebody's decision.

    parents_tiyn: what families owe the provider themselves; no money of the budget.
    """

    site_id: str
    month: str
    upto: date
    confirmed_tiyn: int
    if_confirmed_tiyn: int
    posted_tiyn: int
    held_tiyn: dict[str, int]
    parents_tiyn: int
    parents_if_confirmed_tiyn: int
    days: tuple[DayEarned, ...]


class ReplayedShown(msgspec.Struct, frozen=True):
    """A statement made again; posted and replayed are SHA-256 of the two.

    own_rules: the version of the rules it names is kept; else today's were used, as known then.
    """

    number: int
    at: str
    pack: str
    own_rules: bool
    same: bool
    posted: str
    replayed: str
    differs: tuple[Differs, ...]


class ReplayShown(msgspec.Struct, frozen=True):
    """A month made again. unwitnessed: marks whose signed records are kept no longer."""

    site_id: str
    month: str
    same: bool
    unwitnessed: int
    statements: tuple[ReplayedShown, ...]
    since: tuple[Differs, ...] | None


@routes.get(
    "/sites/{site_id}/months/{month}/earnings",
    action="billing/see-earnings",
    query=EarningsFormat,
    answers=EarningsShown,
    refuses=(Unknown, BadMonth, NoRuleInForce, MonthNotBegun, MonthForgotten),
)
def get_earnings(call: Call[None], site_id: str, month: str) -> EarningsShown | File:
    """Show how a month's earnings grow day by day: confirmed already, and if all is confirmed.

    For a month under way too. Each day says how many children earn on it, what it brings, and the
    sum up to it; the days sum to the month to the tiyn. Held lines stand apart. format=csv for a
    table.
    """
    seen = actions.see_earnings(site_id, Month.parse(month), by=call.actor, now=call.now)
    asked: EarningsFormat = call.query
    if asked.format == "csv":
        names = list(DayEarned.__dataclass_fields__)
        content = tables.csv_file(
            names, [[getattr(day, name) for name in names] for day in seen.earned.days]
        )
        return File(content, tables.CSV_MEDIA_TYPE, f"earnings-{seen.site_id}-{seen.month}.csv")
    return EarningsShown(
        site_id=seen.site_id,
        month=seen.month,
        upto=seen.upto,
        confirmed_tiyn=seen.earned.confirmed_tiyn,
        if_confirmed_tiyn=seen.earned.if_confirmed_tiyn,
        posted_tiyn=seen.posted_tiyn,
        held_tiyn=seen.earned.held_tiyn,
        parents_tiyn=seen.earned.parents_tiyn,
        parents_if_confirmed_tiyn=seen.earned.parents_if_confirmed_tiyn,
        days=seen.earned.days,
    )


@routes.get(
    "/sites/{site_id}/months/{month}/replay",
    action="billing/replay",
    answers=ReplayShown,
    refuses=(Unknown, BadMonth, NoRuleInForce, CalendarMissing),
)
def get_replay(call: Call[None], site_id: str, month: str) -> ReplayShown:
    """Make a month's statements again from what was known at the instant of each, and compare.

    Each under the rules of its own time: enrolments from the journal, marks from the signed
    uploads, families' and officers' words from the sheets' entries. A statement that comes out to
    the byte is `same`; else the lines that differ are listed with the acts between. `since` lists
    what is due otherwise today, with the late events; null where the month is too old for that.
    """
    made = actions.replay_month(site_id, Month.parse(month), by=call.actor, now=call.now)
    found = [*(one for s in made.statements for one in s.differs), *(made.since or ())]
    access.looked((one.child_id for one in found), ("attendance", "financing"))
    return ReplayShown(
        site_id=made.site_id,
        month=made.month,
        same=made.same,
        unwitnessed=made.unwitnessed,
        statements=tuple(
            ReplayedShown(
                s.number, s.at, s.pack, s.own_rules, s.same, s.posted, s.replayed, s.differs
            )
            for s in made.statements
        ),
        since=made.since,
    )
