"""When billing looks at a month by itself, and what the self-audit says of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from chalicelib.billing.actions import listing
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
