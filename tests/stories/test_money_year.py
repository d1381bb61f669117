"""A year of money by the calendar: midnights, month ends, the turn of the year, days that are late.

The schedules of the switchboard do what they do; people only come, approve, sign and release.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from chalicelib.billing import actions as billing
from chalicelib.billing.rules.statements import MonthNotOver
from chalicelib.billing.store import statements
from chalicelib.budgets import actions as budgets
from chalicelib.budgets.rules import ledger
from chalicelib.budgets.store import ledger as books
from chalicelib.kernel.money import tenge
from chalicelib.kernel.periods import Month, local_day
from chalicelib.payouts import actions as payouts
from chalicelib.policy.actions import load_pack
from infra.local.testing import TestCloud, TestTables
from tests.attendance.builders import at
from tests.promises.money import AREA, FINANCE, JOB, OFFICE, SITES, Town

PACK = load_pack("preschool", AREA)
SCHEDULES = ("run_attendance", "run_billing", "run_claims", "run_payday")
DAILY: dict[str, Callable[[datetime], Any]] = {
    "billing": billing.months_to_bill,
    "claims": payouts.months_in_claiming,
    "payday": payouts.months_at_payday,
    "settling": billing.months_to_settle,
}


def shown(found: Any) -> list[tuple[str, str, str]]:
    return [(pack.programme, pack.area, str(month)) for pack, month in found]


# --- midnights


@pytest.mark.parametrize("name", DAILY)
def test_a10_what_a_day_asks_for_is_the_same_from_its_first_instant_to_its_last(name: str) -> None:
    asked = DAILY[name]
    day = date(2026, 1, 1)

    for _ in range(400):
        midnight = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=5)
        last = midnight + timedelta(days=1) - timedelta(microseconds=1)
        assert local_day(midnight) == local_day(last) == day
        assert shown(asked(midnight)) == shown(asked(last)), day
        day += timedelta(days=1)


def test_a6_each_month_of_a_year_is_billed_and_claimed_before_its_one_payday() -> None:
    days: dict[str, dict[str, list[date]]] = {name: {} for name in ("billing", "claims", "payday")}
    for n in range(365):
        instant = at("2026-02-01 06:00") + timedelta(days=n)
        for name, by_month in days.items():
            for programme, area, month in shown(DAILY[name](instant)):
                if (programme, area) == ("preschool", AREA):
                    by_month.setdefault(month, []).append(local_day(instant))

    for month in (Month(2026, n) for n in range(1, 13)):
        (payday,) = days["payday"][str(month)]
        assert PACK.calendar.is_working(payday)
        assert payday <= month.next().first + timedelta(days=17), "by the 18th"
        first = PACK.at(month.last).month_calendar.dates(month, PACK.calendar).check_from
        billed = days["billing"][str(month)]
        assert billed[0] == first and billed[0] < payday
        assert payday in billed and payday in days["claims"][str(month)]
        # Two later months look at it once more, for corrections.
        assert Counter(day.month for day in billed if day > payday + timedelta(days=20)) in (
            Counter(),
            Counter({month.next().next().month: 1, month.next().next().next().month: 1}),
            Counter({month.next().next().month: 1}),
        )


def test_a10_a_month_is_billed_from_the_midnight_after_its_last_day(tables: TestTables) -> None:
    town = a_december()
    last = at("2026-12-31 23:59") + timedelta(seconds=59, microseconds=999_999)

    town.now = last
    with pytest.raises(MonthNotOver):
        town.bill("site-0")
    town.now = last + timedelta(microseconds=1)
    town.bill("site-0")

    assert statements.load_site_month("site-0", town.month)[0] is not None


def test_december_is_paid_in_january_from_the_money_of_december(tables: TestTables) -> None:
    town = a_december()
    for year, amount in ((2026, 1_000_000), (2027, 2_000_000)):
        budgets.allot(
            programme="preschool",
            area=AREA,
            year=year,
            amount_tiyn=tenge(amount),
            act=f"act-{year}",
            by=FINANCE,
            now=OFFICE,
        )
    town.now = at("2027-01-04 20:00")
    town.close("site-0")
    town.approve(1, "site-0")
    town.now = at("2027-01-12 09:00")

    assert town.bill("site-0") == tenge(65_000)

    left = books.balances([ledger.budget("preschool", AREA, year) for year in (2026, 2027)])
    assert list(left.values()) == [tenge(1_000_000 - 65_000), tenge(2_000_000)]
    # A line that is taken back in February gives the money back to December's year.
    town.now = at("2027-02-12 09:00")
    assert local_day(town.now).year == 2027
    town.calculate("site-0")
    claim = town.newest("site-0")
    town.sign(claim)
    town.agree(claim)
    assert books.balances([ledger.payable("organisation-0")]) == {
        ledger.payable("organisation-0"): tenge(65_000)
    }
    assert town.audit(town.now) == (0, 0)


def a_december() -> Town:
    """Open a town with one child who came every working day of December."""
    town = Town(month=Month(2026, 12))
    town.open()
    town.enrol(1, "site-0")
    town.attend(1, "site-0", *PACK.calendar.working_days_in(town.month))
    return town


# --- months that follow each other, by the schedules


@pytest.mark.parametrize("late", [timedelta(0), timedelta(hours=23)], ids=["in time", "a day late"])
def test_a6_three_months_run_by_themselves_and_each_is_paid_by_its_payday(
    cloud: TestCloud, late: timedelta
) -> None:
    """The second month is corrected in the third; nobody starts anything by hand.

    late: how long the machine stood still before each month's work began.
    """
    cloud.set_clock(at("2026-03-31 12:00"))
    town = Town()
    town.open()
    for n, site_id in ((1, "site-0"), (2, "site-1"), (3, "site-1")):
        town.enrol(n, site_id)
    months = [Month(2026, 3), Month(2026, 4), Month(2026, 5)]
    expected = {"site-0": 0, "site-1": 0}
    for number, month in enumerate(months):
        here = replace(town, month=month)
        days = PACK.calendar.working_days_in(month)
        dates = PACK.at(month.last).month_calendar.dates(month, PACK.calendar)
        here.attend(1, "site-0", *days)
        here.attend(2, "site-1", *days[number:])
        here.attend(3, "site-1", *days)
        # The head forgets; the calendar closes the month on the day after its day.
        _until(cloud, dates.close_on + timedelta(days=1), late)
        here.now = cloud.clock()
        for n, site_id in ((1, "site-0"), (2, "site-1")):
            here.approve(n, site_id)
        # The third family says nothing; of its first line the department decides.
        _until(cloud, dates.check_from, late)
        here.now = cloud.clock()
        here.decide(3, "site-1", days[0], counts=True)
        _until(cloud, dates.claim_from, late)
        here.now = cloud.clock()
        for site_id in SITES:
            for claim in here.claims(site_id):
                here.sign(claim)
                here.agree(claim)
                here.release(claim)
        lines = here.pay(f"run-{month}")
        here.answer(
            f"answer-{month}", *((i.end_to_end_id, "settled", i.amount_tiyn) for i in lines)
        )
        _until(cloud, dates.pay_on, late)

        expected["site-0"] += _brings(len(days), len(days))
        expected["site-1"] += _brings(len(days) - number, len(days)) + _brings(1, len(days))
        assert _paid() == expected, str(month)

    # What the family of the third never confirmed is decided after all, and paid in June.
    here = replace(town, month=months[-1], now=cloud.clock())
    days = PACK.calendar.working_days_in(months[-1])
    here.decide(3, "site-1", days[1], counts=True)
    _until(cloud, date(2026, 7, 13), late)
    more = _brings(2, len(days)) - _brings(1, len(days))
    assert [c.amount_tiyn for c in here.claims("site-1") if c.state == "calculated"] == [more]
    here.now = cloud.clock()
    assert here.audit(here.now) == (0, 0)
    assert cloud.dead_letters() == []
    assert billing.bill("site-1", months[-1], by=JOB, now=here.now).statement is None


def _until(cloud: TestCloud, day: date, late: timedelta) -> None:
    """Let the schedules run up to a day's evening, then stand still for a while."""
    to = at(f"{day} 20:00")
    if to > cloud.clock():
        cloud.advance(to, only=SCHEDULES)
    if late:
        cloud.advance(cloud.clock() + late, only=SCHEDULES)


def _brings(days: int, working: int) -> int:
    return (2 * days * 65_000 + working) // (2 * working) * 100


def _paid() -> dict[str, int]:
    accounts = {site_id: ledger.paid(f"organisation-{site_id[-1]}") for site_id in SITES}
    found = books.balances(accounts.values())
    return {site_id: found[account] for site_id, account in accounts.items()}
