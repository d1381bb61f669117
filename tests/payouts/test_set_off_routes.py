"""Over HTTP: a provider's debt is set off by two of finance, or found to have been paid in."""

from __future__ import annotations

from datetime import timedelta

from chalicelib.budgets.rules import ledger
from chalicelib.kernel.periods import from_stamp, shown_last_day
from chalicelib.payouts import actions
from chalicelib.payouts.rules.cases import unknown_id
from tests.billing.builders import OCTOBER
from tests.payouts.test_routes import Town, no
from tests.payouts.test_routes import town as town_fixture

from .builders import JOB, NOW, answer_file, balance, bill

town = town_fixture
ENGLISH = {"Accept-Language": "en"}
OWED = ledger.recoverable("site-aaaa", OCTOBER)


def corrected(town: Town):
    """Let the month have had fewer days than were agreed."""
    bill(codes="P" * 16 + "N" * 5)
    return actions.calculate("site-aaaa", OCTOBER, by=JOB, now=NOW)


def put(town: Town, owed, token=None, **said):
    path = f"/v1/payouts/claims/{owed.claim_id}/set-off"
    return town.cloud.put(path, said, token=token or town.finance)


def by_two(town: Town, owed, **said):
    first = put(town, owed, token=town.other_finance, **said)
    return first if first.status != 202 else put(town, owed, **said)


def test_two_of_finance_set_a_debt_off_against_an_agreed_claim(town):
    assert town.sign().status == 200
    assert town.agree().status == 200
    owed = corrected(town)
    said = {"against": town.claim_id, "amount_tiyn": owed.amount_tiyn}

    for token in (town.head, town.department, town.auditor):
        no(put(town, owed, token=token, **said), 403, "kezek/not-your-role")
    no(put(town, owed, token=town.far, **said), 404, "kezek/unknown")
    no(put(town, owed, **{**said, "amount_tiyn": 0}), 400, "kezek/bad-field")
    wrong = {**said, "amount_tiyn": owed.amount_tiyn - 1}
    no(by_two(town, owed, **wrong), 409, "payouts/sum-changed")
    no(by_two(town, owed, **{**said, "against": owed.claim_id}), 409, "payouts/no-set-off")
    no(by_two(town, owed, **{**said, "against": "no-such-claim"}), 404, "kezek/unknown")
    assert put(town, owed, **said).status == 202
    assert balance(OWED) == -owed.amount_tiyn

    done = put(town, owed, token=town.other_finance, **said)

    assert done.status == 200, done.text
    assert (done.json["state"], done.json["repaid_tiyn"]) == ("settled", owed.amount_tiyn)
    assert balance(OWED) == 0
    no(by_two(town, owed, **wrong), 409, "kezek/another-content")


def test_two_of_finance_find_that_a_debt_was_paid_in(town):
    name = town.sent()
    sum_tiyn = town.run().json["payments"][0]["amount_tiyn"]
    town.answer(answer_file((name, "settled", sum_tiyn, "")))
    owed = corrected(town)
    town.answer(answer_file(("XX-came-in", "returned", owed.amount_tiyn, "")), "answer-2")
    town.answer(answer_file(("XX-more", "returned", owed.amount_tiyn, "")), "answer-3")
    seen = town.cloud.get("/v1/payouts/claims", query={"month": "2026-10"}, token=town.head)
    debt = next(c for c in seen.json["claims"] if c["claim_id"] == owed.claim_id)
    assert (debt["waits_for"], debt["repay_by"]) == ("repayment", owed.repay_by)

    def decide(name, token, **said):
        path = f"/v1/payouts/cases/{unknown_id('taldykorgan', name)}/decision"
        asked = {"what": "repaid", "why": "bank-letter", "document": "No. 1", **said}
        return town.cloud.put(path, asked, token=token)

    for token in (town.finance, town.other_finance):
        told = decide("XX-came-in", token)
    no(told, 400, "payouts/decision-unclear")
    for token in (town.finance, town.other_finance):
        told = decide("XX-came-in", token, claim=owed.claim_id)
    assert told.status == 200, told.text
    assert told.json["decision"]["claim"] == owed.claim_id
    assert balance(OWED) == 0
    for token in (town.finance, town.other_finance):
        told = decide("XX-more", token, claim=owed.claim_id)
    no(told, 409, "payouts/nothing-owed")


def test_a15_a_debt_whose_term_passed_is_an_open_case_and_is_said_with_its_days(town):
    name = town.sent()
    sum_tiyn = town.run().json["payments"][0]["amount_tiyn"]
    town.answer(answer_file((name, "settled", sum_tiyn, "")))
    owed = corrected(town)
    why = "/v1/payouts/sites/site-aaaa/months/2026-10/why"

    later(town, from_stamp(owed.repay_by) - timedelta(hours=12))
    before = town.cloud.get(why, token=town.head, headers=ENGLISH).json
    assert cases(town) == []
    assert (before["owed_tiyn"], before["owed_late_days"]) == (owed.amount_tiyn, 0)
    assert f"by {shown_last_day(owed.repay_by)}" in before["says"]

    later(town, from_stamp(owed.repay_by) + timedelta(hours=12))

    after = town.cloud.get(why, token=town.head, headers=ENGLISH).json
    assert (after["owed_by"], after["owed_late_days"]) == (before["owed_by"], 1)
    assert "It is overdue, days late: 1." in after["says"]
    assert cases(town) == [("not-repaid", owed.amount_tiyn, owed.claim_id)]
    cabinet = town.cloud.get("/v1/notices", token=town.head, headers=ENGLISH).text
    assert "were not returned by" in cabinet
    for token in (town.finance, town.other_finance):
        asked = {"what": "closed", "why": "bank-letter", "document": "No. 1"}
        told = town.cloud.put(f"/v1/payouts/cases/{owed.claim_id}/decision", asked, token=token)
    no(told, 409, "payouts/case-does-not-fit")


def later(town: Town, now):
    """Let a deadline's run come, and everybody sign in again."""
    cloud = town.cloud
    cloud.set_clock(now)
    cloud.fire("run_deadlines")
    cloud.drain()
    town.head = cloud.token("head", "head-1", organisations=["org-site-aaaa"])
    town.finance = cloud.token("finance", "officer-2", areas=["taldykorgan"])
    town.other_finance = cloud.token("finance", "officer-4", areas=["taldykorgan"])


def cases(town: Town):
    said = town.cloud.get("/v1/payouts/cases", query={"area": "taldykorgan"}, token=town.finance)
    return [(one["reason"], one["amount_tiyn"], one["case_id"]) for one in said.json["cases"]]
