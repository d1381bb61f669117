"""What was posted, what waits and why, and what the public sees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from chalicelib.access import actions as access
from chalicelib.billing.actions.listing import list_sites
from chalicelib.billing.rules import figures as public_figures
from chalicelib.billing.rules.statements import (
    SiteMonth,
    Statement,
    Waiting,
    not_to_be_paid,
    why_not_paid,
)
from chalicelib.billing.store import statements as store
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import Month
from chalicelib.policy.actions import load_pack
from chalicelib.policy.rules import Text
from chalicelib.providers import store as providers


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteMonthSeen:
    """A provider-month: statements, what is due now, and what keeps money from being posted.

    not_paid: what earns nothing and waits for nobody. codes: what the pack says of each code.
    """

    head: SiteMonth
    statements: tuple[Statement, ...]
    waiting: tuple[Waiting, ...]
    not_paid: tuple[Waiting, ...]
    codes: Mapping[str, Text]
    pay_on: date


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
