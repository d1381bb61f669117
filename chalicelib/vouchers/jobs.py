"""Work that commits leave behind: offering freed seats, caring for a closed site's children."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chalicelib.edge.batches import Handler
from chalicelib.kernel.actors import system
from chalicelib.vouchers import actions

OFFERS = system("vouchers/offer")
SITES = system("vouchers/site-closed")


def offer(facts: Mapping[str, Any], now: datetime) -> None:
    """Offer a group's free places to those who wait for it."""
    actions.offer_seats(str(facts["group_id"]), by=OFFERS, now=now)


def site_closed(facts: Mapping[str, Any], now: datetime) -> None:
    """Take care of the vouchers of a suspended or removed site, a few per message."""
    after = str(facts.get("after", ""))
    actions.site_closed(str(facts["site_id"]), by=SITES, now=now, after=after)


# For the switchboard: topic → handler.
WORK: Mapping[str, Handler] = {
    "vouchers/offer": offer,
    "vouchers/suspended": site_closed,
    "vouchers/removed": site_closed,
    "vouchers/site-closed": site_closed,
}
