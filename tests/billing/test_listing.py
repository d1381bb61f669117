"""When billing looks at a month by itself, and what the self-audit says of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from chalicelib.billing.actions import listing, settling
from chalicelib.kernel.periods import Month, start_of
from chalicelib.policy.actions import load_pack

PACK = load_pack("preschool", "taldykorgan")
OVER = replace(PACK, valid_to=date(2026, 6, 30))


def days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


@pytest.mark.parametrize("pack", [PACK, OVER], ids=["goes on", "is over"])
@pytest.mark.parametrize("month", [Month(2026, 4), Month(2026, 5), Month(2026, 6)], ids=str)
def test_the_next_billing_is_the_first_day_on_which_the_schedule_names_the_month(
    pack, month, monkeypatch
):
    monkeypatch.setattr(listing, "list_packs", lambda: (pack,))
    every = days(date(2026, 5, 1), date(2026, 9, 30))
    named = [
        day
        for day in every
        if (pack, month) in listing.months_to_bill(start_of(day) + timedelta(hours=9))
    ]

    assert named
    for on in every:
        expected = next((day for day in named if day >= on), None)
        assert listing.next_billing(pack, month, on) == expected


def test_what_the_last_month_did_not_use_goes_back_when_the_programme_is_over(monkeypatch):
    clubs = replace(load_pack("clubs", "astana"), valid_to=date(2026, 6, 30))
    monkeypatch.setattr(settling, "list_packs", lambda: (clubs,))
    last = Month(2026, 6)

    days_settled = [
        day
        for day in days(date(2026, 6, 1), date(2027, 6, 30))
        if (clubs, last) in settling.months_to_settle(start_of(day))
    ]

    assert days_settled
    assert days_settled[0] > clubs.valid_to
    assert settling.months_to_settle(start_of(date(2027, 6, 30))) == []
