"""A programme that is over still pays what it owes, by its last rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from chalicelib.kernel.money import tenge
from chalicelib.payouts.actions import clock
from chalicelib.payouts.rules.claims import Claim
from chalicelib.payouts.rules.clock import SiteClock
from chalicelib.policy.actions import load_pack

OVER = replace(load_pack("preschool", "taldykorgan"), valid_to=date(2026, 6, 30))
SITE = {
    "site_id": "site-aaaa",
    "organisation_id": "org-aaaa",
    "programme": "preschool",
    "area": "taldykorgan",
    "month": "2026-06",
}


def test_a_correction_claimed_after_the_end_has_a_term_by_the_last_rules():
    site = SiteClock(**SITE, as_of="2026-09-21", closed=True, statements=2, stated=(5, 1))
    correction = Claim(
        **SITE,
        claim_id="claim-2",
        number=2,
        first=2,
        last=2,
        amount_tiyn=tenge(100),
        state="signed",
        calculated_at="2026-09-20T06:00:00.000000Z",
    )

    (cell,) = clock.standing_of(OVER, [site], [correction], today=date(2026, 9, 21))["site-aaaa"]

    assert (cell.step, cell.tiyn) == ("agree", tenge(100))
    assert cell.by == date(2026, 10, 15)
