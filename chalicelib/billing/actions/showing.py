"""What was posted, what waits and why, and what the public sees."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from chalicelib.billing.actions.listing import list_sites
from chalicelib.billing.rules import figures as public_figures
from chalicelib.billing.rules.statements import (
    SiteMonth,
    Statement,
    Waiting,
    why_not_paid,
)
from chalicelib.billing.store import statements as store
from chalicelib.kernel.actors import Actor, Role
from chalicelib.kernel.periods import Month
from chalicelib.kernel.refusals import Unknown
from chalicelib.policy.actions import load_pack
from chalicelib.providers import store as providers


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteMonthSeen:
    """A provider-month: statements, what is due now, and what keeps money from being posted."""

    head: SiteMonth
    statements: tuple[Statement, ...]
    waiting: tuple[Waiting, ...]
    pay_on: date


def see_month(site_id: str, month: Month, *, by: Actor) -> SiteMonthSeen:
    """Return a provider-month to those who may see it. Raises Unknown."""
    site = providers.load_site(site_id).value
    if not may_see(by, organisation_id=site.organisation_id, area=site.area):
        raise Unknown()
    kept, statements = store.load_site_month(site_id, month)
    pack = load_pack(site.programme, site.area)
    head = kept.value if kept is not None else None
    return SiteMonthSeen(
        head=head
        or SiteMonth(
            site_id=site_id,
            organisation_id=site.organisation_id,
            programme=site.programme,
            area=site.area,
            month=str(month),
        ),
        statements=tuple(statements),
        waiting=why_not_paid(head),
        pay_on=pack.at(month.last).month_calendar.pay_on(month, pack.calendar),
    )


def may_see(by: Actor, *, organisation_id: str, area: str) -> bool:
    """Return whether a caller may see an organisation's money: its own, its area's, or all."""
    if by.has(Role.HEAD) and organisation_id in by.organisations:
        return True
    if by.has(Role.DEPARTMENT, Role.FINANCE, Role.OPERATOR) and by.serves(area):
        return True
    return by.has(Role.AUDITOR)


def list_heads(programme: str, area: str, month: Month) -> list[SiteMonth]:
    """Return how each provider-month of an area stands, by site; those never billed are absent."""
    load_pack(programme, area)
    found = store.find_heads(month, list_sites(programme, area))
    return [found[site_id].value for site_id in sorted(found)]


def figures(programme: str, area: str, month: Month) -> tuple[public_figures.Figure, ...]:
    """Return an area's public figures of a month. Raises NoPack."""
    return public_figures.public(list_heads(programme, area, month))
