"""What was posted, what waits and why, and what the public sees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from chalicelib.access import actions as access
from chalicelib.billing.actions.listing import list_sites
from chalicelib.billing.actions.reckoning import reckon
from chalicelib.billing.rules import calculation
from chalicelib.billing.rules import figures as public_figures
from chalicelib.billing.rules.calculation import Calculation
from chalicelib.billing.rules.earning import Earned, earned
from chalicelib.billing.rules.statements import (
    MonthNotBegun,
    SiteMonth,
    Statement,
    Waiting,
    not_to_be_paid,
    why_not_paid,
)
from chalicelib.billing.store import statements as store
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import Month, local_day
from chalicelib.policy.actions import load_pack
from chalicelib.policy.rules import Text
from chalicelib.providers import store as providers


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteMonthSeen:
    """A provider-month: statements, what is due now, and what keeps money from being posted.

    not_paid: what earns nothing and waits for nobody. codes: what the pack says of each code.
    acts: the numbers of its acts, by key.
    """

    head: SiteMonth
    statements: tuple[Statement, ...]
    waiting: tuple[Waiting, ...]
    not_paid: tuple[Waiting, ...]
    codes: Mapping[str, Text]
    pay_on: date
    acts: Mapping[str, str]


def see_month(site_id: str, month: Month, *, by: Actor) -> SiteMonthSeen:
    """Return a provider-month to those who may see it. Raises Unknown."""
    site = providers.load_site(site_id).value
    access.demand(by, organisation=site.organisation_id, area=site.area, direction=site.direction)
    kept, statements = store.load_site_month(site_id, month)
    pack = load_pack(site.programme, site.area)
    rules = pack.at(month.last)
    head = kept.value if kept is not None else None
    return SiteMonthSeen(
        head=head
        or SiteMonth(
            site_id=site_id,
            organisation_id=site.organisation_id,
            programme=site.programme,
            area=site.area,
            month=str(month),
            direction=site.direction,
        ),
        statements=tuple(statements),
        waiting=why_not_paid(head),
        not_paid=not_to_be_paid(head),
        codes={row.reason: row.text for row in rules.absence},
        pay_on=rules.month_calendar.pay_on(month, pack.calendar),
        acts={act.key: act.number for act in pack.acts if act.number},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CalculationSeen:
    """An open calculation, and the version of the rules that made it.

    acts: by key, what each act that a row may rest on is called.
    """

    pack: str
    made: Calculation
    acts: Mapping[str, Text]


def calculate(
    programme: str,
    area: str,
    month: Month,
    *,
    kind: str,
    hours: str,
    locality: str,
    sen: bool,
    payable: int,
    attended: int | None,
    planned: int | None,
    now: datetime,
) -> CalculationSeen:
    """Return what so many units of a month bring, by the rates as they are known now.

    attended: all payable ones when left out; planned: the month's working days, and the payable
    ones where lessons are counted. Raises NoPack, NoRuleInForce, and what `calculate` raises.
    """
    pack = load_pack(programme, area).known_on(local_day(now))
    rules = pack.at(month.last)
    if rules.programme.unit == "day":
        planned = len(pack.calendar.working_days_in(month))
    made = calculation.calculate(
        rules,
        kind=kind,
        hours=hours,
        locality=locality,
        sen=sen,
        planned=payable if planned is None else planned,
        payable=payable,
        attended=payable if attended is None else attended,
    )
    acts = {act.key: act.text for act in pack.acts}
    return CalculationSeen(pack=pack.version, made=made, acts=acts)


@dataclass(frozen=True, slots=True, kw_only=True)
class EarningsSeen:
    """A site's earnings of a month, by day up to one; posted_tiyn: what statements have said."""

    site_id: str
    month: str
    upto: date
    earned: Earned
    posted_tiyn: int


def see_earnings(site_id: str, month: Month, *, by: Actor, now: datetime) -> EarningsSeen:
    """Return what a month has brought so far, under way or over, to those who may see it.

    What other sites claim of the same children is known once one of them was billed. Raises
    Unknown, MonthNotBegun, MonthForgotten.
    """
    site = providers.load_site(site_id).value
    access.demand(by, organisation=site.organisation_id, area=site.area, direction=site.direction)
    today = local_day(now)
    if month > Month.of(today):
        raise MonthNotBegun(month=str(month))
    kept, _ = store.load_site_month(site_id, month)
    shared = kept.value.shared if kept is not None else ()
    now_due = reckon(site_id, month, shared=shared, today=today)
    return EarningsSeen(
        site_id=site_id,
        month=str(month),
        upto=min(today, month.last),
        earned=earned(
            now_due.judged,
            now_due.others,
            month=month,
            upto=min(today, month.last),
            by_lesson=now_due.pack.at(month.last).programme.unit == "lesson",
            used=now_due.used,
        ),
        posted_tiyn=kept.value.posted_tiyn if kept is not None else 0,
    )


def list_heads(programme: str, area: str, month: Month) -> list[SiteMonth]:
    """Return how each provider-month of an area stands, by site; those never billed are absent."""
    load_pack(programme, area)
    found = store.find_heads(month, list_sites(programme, area))
    return [found[site_id].value for site_id in sorted(found)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """An area's public figures of a month, and how savings are reckoned."""

    formula: str
    providers: tuple[public_figures.Figure, ...]


def figures(programme: str, area: str, month: Month) -> Figures:
    """Return an area's public figures of a month. Raises NoPack."""
    heads = list_heads(programme, area, month)
    pays = load_pack(programme, area).at(month.last).programme.pays
    return Figures(formula=public_figures.formula_of(pays), providers=public_figures.public(heads))
