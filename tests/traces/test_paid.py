"""A tenge that was paid, followed from the signed record to the bank's payment, and back."""

from __future__ import annotations

import pytest

from chalicelib.kernel.money import tenge
from chalicelib.payouts import actions as payouts
from tests.attendance.builders import HEAD, MARCH, OFFICER, ORGANISATION, SITE, child
from tests.billing.builders import an_organisation
from tests.billing.months import CHECK, DAYS, FINANCE, JOB, Kindergarten, allot
from tests.payouts.builders import OTHER_FINANCE, answer_file

SUM = tenge(61_389)
CHILD = f"/v1/traces/sites/{SITE}/months/2026-03/children/{child(1)}"


@pytest.fixture
def payment(cloud) -> str:
    """A month that was attended, approved, stated, claimed, paid and settled."""
    allot()
    an_organisation(ORGANISATION)
    garden = Kindergarten()
    garden.attend(1, 2, absent={DAYS[2]: "N"})
    garden.close()
    garden.approve(1)
    garden.bill()
    claim = payouts.calculate(SITE, MARCH, by=JOB, now=CHECK)
    name, where = claim.claim_id, {"programme": "preschool", "area": "taldykorgan", "month": MARCH}
    payouts.sign(name, amount_tiyn=SUM, by=HEAD, now=CHECK)
    payouts.agree(name, agreed=True, reason=None, by=OFFICER, now=CHECK)
    payouts.release(name, by=FINANCE, now=CHECK)
    payouts.make_run("run-aaaa", **where, by=FINANCE, now=CHECK)
    payouts.confirm_run("run-aaaa", total_tiyn=SUM, by=OTHER_FINANCE, now=CHECK)
    (line,) = payouts.see_run("run-aaaa", by=FINANCE)[1]
    answer = answer_file((line.end_to_end_id, "settled", SUM, ""))
    payouts.take_answer("answer-1", answer, by=FINANCE, now=CHECK)
    cloud.set_clock(CHECK)
    return line.end_to_end_id


def test_a_signed_record_leads_to_the_settled_payment_and_the_payment_back_to_it(cloud, payment):
    auditor = cloud.token("auditor", "auditor-1")

    def get(path, **query):
        said = cloud.get(path, token=auditor, query=query)
        assert said.status == 200, said.text
        return said.json

    # Forth: a signed record, its line, the statement, the posting, the claim, the payment.
    days = {day["line"]: day for day in get(CHILD)["days"]}
    record = days[DAYS[0].isoformat()]["records"][0]
    there = get(f"/v1/traces/records/{record['device_id']}/{record['counter']}")
    (stated,) = there["statements"]
    assert (there["line"], there["day"]["tiyn"]) == (DAYS[0].isoformat(), tenge(3_611))
    assert stated["movement_tiyn"] == SUM
    assert (stated["claim_state"], stated["payment_state"]) == ("settled", "settled")
    assert (stated["payment_id"], stated["payment_run"]) == (payment, "run-aaaa")

    # Back: what was paid, its payment, the claims in it, their statements, the lines, the records.
    lines = get(f"/v1/budgets/accounts/paid:{ORGANISATION}/lines")["lines"]
    assert [(one["amount_tiyn"], one["links"]["payment"]) for one in lines] == [(SUM, payment)]
    run = get(f"/v1/payouts/runs/{lines[0]['links']['run']}")
    (paid,) = [one for one in run["payments"] if one["end_to_end_id"] == payment]
    claims = get("/v1/payouts/claims", month="2026-03", programme="preschool", area="taldykorgan")
    (claim,) = [one for one in claims["claims"] if one["claim_id"] in paid["claims"]]
    first, last = claim["statements"]
    month = get(f"/v1/billing/sites/{claim['site_id']}/months/{claim['month']}")
    covered = [one for one in month["statements"] if first <= one["number"] <= last]
    assert sum(one["movement_tiyn"] for one in covered) == paid["amount_tiyn"] == SUM
    earned = [line["child_id"] for one in covered for line in one["lines"] if line["movement_tiyn"]]
    assert earned == [child(1)]
    assert sum(day["tiyn"] for day in days.values()) == SUM
