"""What can be done about billing.

billing     post what a provider-month is due and was not posted yet
listing     which provider-months, by the calendar and on demand
acts        on which acts a correction rests
gathering   what attendance says of a month
reckoning   what a month is due now, written nowhere
replaying   a month made again from what was known
auditing    everything ever stated, held against what is due now, each night
saving      what was not paid, and why, by period
tracing     from a child's line to its signed records
settling    what vouchers held of a month and nobody used
showing     statements, why money waits, public figures
"""

from __future__ import annotations

from chalicelib.billing.actions.auditing import (
    AUDIT,
    AreaAudited,
    audit_part,
    begin_night,
    list_cases,
    missing_parts,
    publish_night,
)
from chalicelib.billing.actions.auditing import published as audits_published
from chalicelib.billing.actions.billing import BILL, POSTED, Billed, bill
from chalicelib.billing.actions.gathering import gather_month
from chalicelib.billing.actions.listing import (
    list_sites,
    months_to_bill,
    open_run,
)
from chalicelib.billing.actions.reckoning import Reckoned, reckon
from chalicelib.billing.actions.replaying import replay_month
from chalicelib.billing.actions.saving import (
    SAVE,
    SavingsSeen,
    months_to_save,
    reckon_savings,
    see_savings,
)
from chalicelib.billing.actions.settling import months_to_settle, settle_months
from chalicelib.billing.actions.showing import (
    CalculationSeen,
    EarningsSeen,
    Figures,
    SiteMonthSeen,
    calculate,
    figures,
    list_heads,
    see_earnings,
    see_month,
)
from chalicelib.billing.actions.tracing import ChildTraced, DayTraced, LineTraced, trace_child

__all__ = [
    "AUDIT",
    "AreaAudited",
    "Reckoned",
    "SAVE",
    "SavingsSeen",
    "audit_part",
    "audits_published",
    "begin_night",
    "list_cases",
    "missing_parts",
    "months_to_save",
    "publish_night",
    "reckon",
    "reckon_savings",
    "see_savings",
    "BILL",
    "POSTED",
    "Billed",
    "EarningsSeen",
    "CalculationSeen",
    "ChildTraced",
    "DayTraced",
    "Figures",
    "LineTraced",
    "SiteMonthSeen",
    "bill",
    "calculate",
    "figures",
    "gather_month",
    "list_heads",
    "list_sites",
    "months_to_bill",
    "months_to_settle",
    "open_run",
    "replay_month",
    "see_earnings",
    "see_month",
    "settle_months",
    "trace_child",
]
