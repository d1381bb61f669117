"""Work that commits leave behind, and the year's end of vouchers that hold money.

every night     run_renewals    a message per area whose vouchers hold money
per message     renewals        some vouchers; the rest follow in another message
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from chalicelib.adapters import work
from chalicelib.edge import log
from chalicelib.edge.batches import Handler
from chalicelib.kernel.actors import system
from chalicelib.kernel.periods import from_stamp, local_day
from chalicelib.policy.actions import list_packs
from chalicelib.policy.rules import NoRuleInForce
from chalicelib.vouchers import actions

OFFERS = system("vouchers/offer")
SITES = system("vouchers/site-closed")
RENEWALS = system("vouchers/renewals")


class Scheduled(Protocol):
    """The part of Chalice's event that a job uses."""

    time: str


def run_renewals(event: Scheduled) -> None:
    """Begin the day's pass over the vouchers of every area that reserves money."""
    today = local_day(from_stamp(event.time))
    for pack in list_packs():
        # A pack that is over still has vouchers whose last reserved month ends.
        day = today if pack.valid_to is None else min(today, pack.valid_to)
        try:
            kinds = pack.at(day).voucher_kinds.values()
        except NoRuleInForce:
            continue
        if any(kind.reserved for kind in kinds):
            facts = {"programme": pack.programme, "area": pack.area}
            work.send([work.Message(actions.RENEWALS_TOPIC, facts)])


def renewals(facts: Mapping[str, Any], now: datetime) -> None:
    """Handle "vouchers/renewals" {programme, area, after, short}: some vouchers of a pass."""
    programme, area = str(facts["programme"]), str(facts["area"])
    so_far = actions.Pass(str(facts.get("after", "")), frozenset(facts.get("short", ())))
    rest = actions.renew_some(programme, area, so_far, by=RENEWALS, now=now)
    for voucher_id, code in rest.refused:
        log.logger.error("renewal", extra={"voucher_id": voucher_id, "code": code})
        work.park(work.Message(actions.RENEWALS_TOPIC, {"voucher_id": voucher_id}), code)
    if rest.more:
        left = {"after": rest.after, "short": sorted(rest.short)}
        asked = {"programme": programme, "area": area, **left}
        work.send([work.Message(actions.RENEWALS_TOPIC, asked)])


def offer(facts: Mapping[str, Any], now: datetime) -> None:
    """Offer a group's free places to those who wait for it."""
    actions.offer_seats(str(facts["group_id"]), by=OFFERS, now=now)


def moved(facts: Mapping[str, Any], now: datetime) -> None:
    """Tell whom it concerns that a holder was moved by its standing wish."""

    def said(name: str) -> str | None:
        told = facts.get(name)
        return None if told is None else str(told)

    actions.tell_moved(
        str(facts["voucher_id"]),
        int(facts["mark"]),
        str(facts["group_id"]),
        left=said("left"),
        contract_by=said("contract_by"),
        starts_on=said("starts_on"),
        last_day=said("last_day"),
        now=now,
    )


def site_closed(facts: Mapping[str, Any], now: datetime) -> None:
    """Take care of the vouchers of a suspended or removed site, a few per message."""
    after = str(facts.get("after", ""))
    actions.site_closed(str(facts["site_id"]), by=SITES, now=now, after=after)


# For the switchboard: topic → handler.
WORK: Mapping[str, Handler] = {
    "vouchers/moved": moved,
    "vouchers/offer": offer,
    "vouchers/renewals": renewals,
    "vouchers/suspended": site_closed,
    "vouchers/removed": site_closed,
    "vouchers/site-closed": site_closed,
}
