"""Which claims ask for a statement."""

from __future__ import annotations

from chalicelib.payouts.rules.claims import Claim, SiteClaims, split
from chalicelib.traces.rules import claims_over

FIRST = Claim(
    claim_id="claim-1",
    number=1,
    site_id="site-1",
    organisation_id="org-1",
    programme="preschool",
    area="taldykorgan",
    month="2026-03",
    first=1,
    last=2,
    amount_tiyn=1000,
    state="settled",
)


def test_a_claim_that_was_split_leads_to_both_its_parts() -> None:
    known = SiteClaims(site_id="site-1", month="2026-03", covered=2, claims=("claim-1",))
    part, rest, _ = split(FIRST, known, 300)

    found = claims_over([rest, part], 2)

    assert [(claim.number, claim.amount_tiyn) for claim in found] == [(1, 300), (2, 700)]
    assert claims_over([rest, part], 3) == ()
