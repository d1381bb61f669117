"""What can be done about billing.

billing     post what a provider-month is due and was not posted yet
listing     which provider-months, by the calendar and on demand
settling    what vouchers held of a month and nobody used
showing     statements, why money waits, public figures
"""

from __future__ import annotations

from chalicelib.billing.actions.billing import BILL, POSTED, Billed, bill
from chalicelib.billing.actions.gathering import gather_month
from chalicelib.billing.actions.listing import (
    list_sites,
    months_to_bill,
    open_run,
)
from chalicelib.billing.actions.settling import months_to_settle, settle_months
from chalicelib.billing.actions.showing import (
    Figures,
    SiteMonthSeen,
    figures,
    list_heads,
    see_month,
)

__all__ = [
    "BILL",
    "POSTED",
    "Billed",
    "Figures",
    "SiteMonthSeen",
    "bill",
    "figures",
    "gather_month",
    "list_heads",
    "list_sites",
    "months_to_bill",
    "months_to_settle",
    "open_run",
    "see_month",
    "settle_months",
]
