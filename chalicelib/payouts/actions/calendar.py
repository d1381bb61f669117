"""When claims are drawn up and paid, and what the public sees of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from chalicelib.billing import actions as billing
from chalicelib.billing.actions.listing import days_of_billing
from chalicelib.billing.rules import figures as public_figures
from chalicelib.kernel.periods import Month, local_day
from chalicelib.payouts import store
from chalicelib.payouts.rules import claims
from chalicelib.payouts.rules.claims import Claim
from chalicelib.policy.actions import list_packs, load_pack
from chalicelib.policy.rules import Pack
from chalicelib.storage import outbox


def months_in_claiming(at: datetime) -> list[tuple[Pack, Month]]:
    """Return which packs' months have their claims drawn up on the day of an event."""
    today = local_day(at)
    found = []
    for pack, month in _preceding(at):
        first, last = days_of_billing(pack, month)
        if first <= today <= last:
            found.append((pack, month))
    return found


def months_at_payday(at: datetime) -> list[tuple[Pack, Month]]:
    """Return which packs have payday on the day of an event, and for which month."""
    today = local_day(at)
    return [(pack, month) for pack, month in _preceding(at) if pay_on(pack, month) == today]


def pay_on(pack: Pack, month: Month) -> date:
    """Return when a month is to be paid: the pack's day, or the working day before it."""
    return pack.at(month.last).month_calendar.pay_on(month, pack.calendar)


def tell_payday(programme: str, area: str, month: Month, *, now: datetime) -> int:
    """Tell each provider on payday which claim is not paid and where it stands; return how many."""
    told = 0
    for kept in store.list_area_claims(programme, area, month):
        claim = kept.value
        if claim.state == "settled" or claim.amount_tiyn == 0 or claim.reason == claims.OVERPAID:
            continue
        notice = outbox.notice(
            f"payday#{claim.claim_id}",
            to=f"organisation:{claim.organisation_id}",
            template="notice:payouts/payday-passed",
            now=now,
            month=claim.month,
            tenge=claim.amount_tiyn // 100,
            state=claim.state,
        )
        told += outbox.write_each([notice])
    return told


def _preceding(at: datetime) -> Iterable[tuple[Pack, Month]]:
    month = Month.preceding(at)
    for pack in list_packs():
        if pack.holds(month.last):
            yield pack, month


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutFigure:
    """A provider's money of a month; site_id is None for several small ones of a direction.

    claimed: signed and beyond. overdue: posted and not paid after payday.
    """

    direction: str
    site_id: str | None
    accrued_tiyn: int
    claimed_tiyn: int
    paid_tiyn: int
    returned_tiyn: int
    overdue_tiyn: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutFigures:
    """An area's public payout figures of a month, against its payday."""

    programme: str
    area: str
    month: str
    pay_on: date
    providers: tuple[PayoutFigure, ...]


def figures(programme: str, area: str, month: Month, *, now: datetime) -> PayoutFigures:
    """Return what was accrued, claimed, paid, returned and is overdue per provider.

    Directions stand apart; in each, providers with fewer than five children stand together.
    Raises NoPack.
    """
    pack = load_pack(programme, area)
    payday = pay_on(pack, month)
    overdue = local_day(now) > payday
    heads = {h.site_id: h for h in billing.list_heads(programme, area, month)}
    by_site: dict[str, list[Claim]] = {}
    for kept in store.list_area_claims(programme, area, month):
        by_site.setdefault(kept.value.site_id, []).append(kept.value)
    shown = []
    for row in public_figures.rows_of(heads.values()):
        made = [c for site_id in row.site_ids for c in by_site.get(site_id, [])]
        asked = [c for c in made if c.state != "calculated" and c.reason != claims.OVERPAID]
        accrued = sum(heads[site_id].posted_tiyn for site_id in row.site_ids)
        paid = sum(c.amount_tiyn for c in asked if c.state == "settled")
        shown.append(
            PayoutFigure(
                direction=row.direction,
                site_id=row.site_id,
                accrued_tiyn=accrued,
                claimed_tiyn=sum(c.amount_tiyn for c in asked),
                paid_tiyn=paid,
                returned_tiyn=sum(
                    c.amount_tiyn for c in asked if c.state in ("returned", "refused")
                ),
                overdue_tiyn=max(0, accrued - paid) if overdue else 0,
            )
        )
    return PayoutFigures(
        programme=programme, area=area, month=str(month), pay_on=payday, providers=tuple(shown)
    )
