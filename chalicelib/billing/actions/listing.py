"""Which provider-months are billed when: by the calendar, and on demand."""

from __future__ import annotations

from datetime import date, datetime

from chalicelib.access import actions as access
from chalicelib.billing.actions.gathering import is_known
from chalicelib.billing.rules.statements import MonthForgotten, MonthNotOver
from chalicelib.billing.store import statements as store
from chalicelib.billing.store.statements import BillingRun
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import Month, local_day, stamp
from chalicelib.kernel.refusals import AnotherContent
from chalicelib.policy.actions import list_packs, load_pack
from chalicelib.policy.rules import Pack
from chalicelib.providers import store as providers
from chalicelib.storage.commit import settles
from chalicelib.storage.secrets import fingerprint

# Months for which corrections are looked for again on the first check day; rosters know these.
MONTHS_BACK = 2


def months_to_bill(at: datetime) -> list[tuple[Pack, Month]]:
    """Return which packs bill which months on the day of a schedule's event.

    A month is billed daily from the first check day to payday of the month after it; on the first
    check day the months before it are looked at again, for corrections.
    """
    today = local_day(at)
    return [(pack, month) for pack in list_packs() for month in _billed_on(pack, today)]


def next_billing(pack: Pack, month: Month, on: date) -> date | None:
    """Return the day, from one on, on which billing looks at a month by itself; None for never."""
    first, last = days_of_billing(pack, month)
    if on <= last:
        return max(on, first)
    later = month
    for _ in range(MONTHS_BACK):
        later = later.next()
        if not pack.holds(later.last):
            return None
        check_from, _ = days_of_billing(pack, later)
        if check_from >= on:
            return check_from
    return None


def _billed_on(pack: Pack, today: date) -> list[Month]:
    month = Month.of(today).before()
    if not pack.holds(month.last):
        return []
    first, last = days_of_billing(pack, month)
    if not first <= today <= last:
        return []
    billed = [month]
    if today == first:
        for _ in range(MONTHS_BACK):
            billed.append(billed[-1].before())
    return [one for one in billed if pack.holds(one.last)]


def days_of_billing(pack: Pack, month: Month) -> tuple[date, date]:
    """Return the first and the last day on which a month is billed daily."""
    dates = pack.at(month.last).month_calendar.dates(month, pack.calendar)
    return dates.check_from, max(dates.claim_to, dates.pay_on)


def list_sites(programme: str, area: str) -> list[str]:
    """Return the ids of all sites of an area, whatever their state: what was attended is due."""
    return [kept.value.site_id for kept in providers.list_sites(programme, area)]


@settles
def open_run(
    run_id: str, *, programme: str, area: str, month: Month, by: Actor, now: datetime
) -> list[str]:
    """Note that a month is billed on demand; return the sites to bill.

    The same run again returns them again. Raises NoPack, Unknown, MonthNotOver, AnotherContent,
    NoRuleInForce, MonthForgotten: a month that no site can be billed for is handed to nobody.
    """
    access.demand(by, area=area)
    pack = load_pack(programme, area)
    if month >= Month.containing(now):
        raise MonthNotOver(month=str(month))
    asked = fingerprint([programme, area, str(month)])
    kept = store.find_run(run_id)
    if kept is not None and kept.value.asked != asked:
        raise AnotherContent()
    if kept is None:
        pack.at(month.last)
        if not is_known(month, local_day(now)):
            raise MonthForgotten(month=str(month))
        run = BillingRun(
            run_id=run_id,
            programme=programme,
            area=area,
            month=str(month),
            by=by.subject,
            at=stamp(now),
            asked=asked,
        )
        entry = journal.entry(
            "billing/run-opened",
            f"billing-run/{run_id}",
            by=by,
            now=now,
            programme=programme,
            area=area,
            month=str(month),
        )
        journal.commit(entry, store.open_run(run))
    return list_sites(programme, area)
