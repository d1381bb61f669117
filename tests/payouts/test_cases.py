"""Open cases over HTTP: what the bank leaves to people, decided by two of them."""

from __future__ import annotations

import pytest

from chalicelib.budgets.rules import ledger
from chalicelib.payouts.rules.cases import unknown_id
from tests.payouts.test_routes import SUM, Town, no
from tests.payouts.test_routes import town as town_fixture

from .builders import NOW, answer_file, balance

town = town_fixture
AREA = {"area": "taldykorgan"}
PAID, RETURNED = ledger.paid("org-site-aaaa"), ledger.returned("org-site-aaaa")
TRANSIT = ledger.transit("run-aaaa")
LETTER = {"why": "bank-letter", "document": "№ 17, 20.11.2026"}


def decide(town: Town, case_id: str, *, token=None, **said):
    path = f"/v1/payouts/cases/{case_id}/decision"
    return town.cloud.put(path, {**LETTER, **said}, token=token or town.finance)


def by_two(town: Town, case_id: str, **said):
    first = decide(town, case_id, token=town.other_finance, **said)
    if first.status != 202:
        return first
    return decide(town, case_id, **said)


def cases(town: Town, state: str = "open", token=None, **query):
    asked = {**AREA, "state": state, **query}
    said = town.cloud.get("/v1/payouts/cases", query=asked, token=token or town.finance)
    assert said.status == 200, said.text
    return said.json["cases"]


def claim_state(town: Town) -> str:
    query = {"month": "2026-10"}
    listed = town.cloud.get("/v1/payouts/claims", query=query, token=town.head)
    return listed.json["claims"][0]["state"]


def with_wrong_sum(town: Town) -> str:
    name = town.sent()
    town.answer(answer_file((name, "settled", SUM - 1, "")))
    assert balance(TRANSIT) == SUM
    return name


@pytest.mark.parametrize(
    ("what", "target", "state"), [("settled", PAID, "settled"), ("returned", RETURNED, "returned")]
)
def test_two_persons_find_what_became_of_a_payment_in_doubt(town, what, target, state):
    name = with_wrong_sum(town)

    first = decide(town, name, token=town.other_finance, what=what)
    assert first.status == 202
    assert balance(TRANSIT) == SUM
    assert decide(town, name, token=town.other_finance, what=what).status == 202

    done = decide(town, name, what=what)

    assert done.status == 200, done.text
    assert (done.json["state"], done.json["decision"]["what"]) == ("closed", what)
    assert (balance(TRANSIT), balance(target)) == (0, SUM)
    assert claim_state(town) == state
    before = town.cloud.tables.effects()
    assert decide(town, name, what=what).json == done.json
    assert town.cloud.tables.effects() == before
    no(decide(town, name, what="closed"), 409, "payouts/case-closed")


def test_a_case_is_listed_with_its_age_and_term_while_it_is_open(town):
    name = with_wrong_sum(town)

    (case,) = cases(town)
    assert (case["case_id"], case["reason"], case["amount_tiyn"]) == (name, "wrong-sum", SUM)
    assert (case["age_days"], case["overdue"], case["times"]) == (0, False, 1)
    assert [fact["amount_tiyn"] for fact in case["facts"]] == [SUM - 1]
    assert cases(town, "closed") == []
    one = town.cloud.get(f"/v1/payouts/cases/{name}", token=town.finance)
    assert (one.status, one.json) == (200, case)
    town.cloud.set_clock(NOW.replace(day=24, hour=10))
    later = Town(town.cloud)
    (case,) = cases(later, token=later.auditor)
    assert (case["age_days"], case["overdue"]) == (8, True)

    by_two(later, name, what="settled")

    assert cases(later) == []
    (case,) = cases(later, "closed")
    assert (case["age_days"], case["overdue"]) == (8, False)


def test_a_list_of_cases_goes_page_by_page(town):
    rows = [(f"unknown-id-{n}", "settled", 100 + n, "") for n in range(5)]
    town.answer(answer_file(*rows))

    found, cursor = [], None
    for _ in range(3):
        query = {**AREA, "limit": "2", **({"cursor": cursor} if cursor else {})}
        page = town.cloud.get("/v1/payouts/cases", query=query, token=town.finance).json
        found += [case["end_to_end_id"] for case in page["cases"]]
        cursor = page["next"]

    assert cursor is None
    assert sorted(found) == [row[0] for row in rows]
    query = {**AREA, "cursor": "xx"}
    no(
        town.cloud.get("/v1/payouts/cases", query=query, token=town.finance),
        400,
        "kezek/bad-cursor",
    )


def test_b1_cases_of_another_area_are_none(town):
    name = with_wrong_sum(town)

    listed = town.cloud.get("/v1/payouts/cases", query=AREA, token=town.far)
    no(listed, 404, "kezek/unknown")
    no(town.cloud.get(f"/v1/payouts/cases/{name}", token=town.far), 404, "kezek/unknown")
    no(decide(town, name, token=town.far, what="settled"), 404, "kezek/unknown")
    no(decide(town, "no-such-case", what="settled"), 404, "kezek/unknown")
    no(decide(town, name, token=town.head, what="settled"), 403, "kezek/not-your-role")
    no(decide(town, name, token=town.auditor, what="settled"), 403, "kezek/not-your-role")


def test_what_stands_under_an_unknown_id_is_matched_to_the_payment_it_meant(town):
    name = town.sent()
    town.answer(answer_file(("XX-unknown-id", "settled", SUM, "")))
    case_id = unknown_id("taldykorgan", "XX-unknown-id")

    no(by_two(town, case_id, what="settled"), 409, "payouts/case-does-not-fit")
    no(by_two(town, case_id, what="matched"), 400, "payouts/decision-unclear")
    no(by_two(town, case_id, what="matched", payment="no-such-payment"), 404, "kezek/unknown")
    done = by_two(town, case_id, what="matched", payment=name)

    assert done.json["decision"]["payment"] == name
    assert (balance(TRANSIT), balance(PAID)) == (0, SUM)
    assert cases(town) == []


def test_what_is_no_payment_of_ours_is_closed_and_stays_closed_when_told_again(town):
    content = answer_file(("XX-unknown-id", "settled", 5, ""))
    town.answer(content)
    case_id = unknown_id("taldykorgan", "XX-unknown-id")

    done = by_two(town, case_id, what="closed", why="not-ours")
    assert done.json["state"] == "closed"

    town.answer(content + b"\r\n", "answer-2")
    assert cases(town) == []
    town.answer(answer_file(("XX-unknown-id", "settled", 6, "")), "answer-3")
    (case,) = cases(town)
    assert (case["times"], len(case["facts"])) == (2, 2)


@pytest.mark.parametrize(
    ("said", "status", "code"),
    [
        ({"what": "closed"}, 409, "payouts/case-does-not-fit"),
        ({"what": "partial"}, 400, "payouts/decision-unclear"),
        ({"what": "partial", "settled_tiyn": SUM}, 409, "payouts/case-does-not-fit"),
        ({"what": "partial", "settled_tiyn": 0}, 400, "kezek/bad-field"),
        ({"what": "settled", "settled_tiyn": 1}, 400, "payouts/decision-unclear"),
        ({"what": "settled", "payment": "payment-aaaa"}, 400, "payouts/decision-unclear"),
        ({"what": "whatever"}, 400, "kezek/bad-field"),
        ({"what": "settled", "why": "because"}, 400, "kezek/bad-field"),
        ({"what": "settled", "document": ""}, 400, "kezek/bad-field"),
        ({"what": "matched", "payment": "no/id"}, 400, "kezek/bad-field"),
    ],
)
def test_a_decision_that_fits_nothing_is_refused(town, said, status, code):
    name = with_wrong_sum(town)

    no(by_two(town, name, **said), status, code)
    assert balance(TRANSIT) == SUM
    assert len(cases(town)) == 1


def test_a_payment_that_arrived_in_part_settles_a_part_and_the_rest_is_sent_again(town):
    name = town.sent()
    part = SUM // 3
    said = town.answer(answer_file((name, "partial", part, "")))
    assert said.json["lines"][0]["reason"] == "partial"
    assert cases(town)[0]["reason"] == "partial"

    done = by_two(town, name, what="partial", settled_tiyn=part)

    assert done.json["decision"]["settled_tiyn"] == part
    assert (balance(TRANSIT), balance(PAID), balance(RETURNED)) == (0, part, SUM - part)
    query = {"month": "2026-10"}
    listed = town.cloud.get("/v1/payouts/claims", query=query, token=town.head).json["claims"]
    assert sorted((c["state"], c["amount_tiyn"]) for c in listed) == [
        ("returned", SUM - part),
        ("settled", part),
    ]
    (rest,) = [c["claim_id"] for c in listed if c["state"] == "returned"]
    town.cloud.put(f"/v1/payouts/claims/{rest}/release", {}, token=town.finance)
    again = town.pay("run-bbbb").json["payments"][0]
    assert again["amount_tiyn"] == SUM - part
    town.answer(answer_file((again["end_to_end_id"], "settled", SUM - part, "")), "answer-2")
    assert (balance(PAID), balance(RETURNED)) == (SUM, 0)
    said = town.answer(answer_file((name, "settled", SUM, "")), "answer-3").json
    assert said["lines"][0]["reason"] == "contradiction", said


def test_money_that_a_bank_takes_for_returned_and_paid_is_decided_by_two(town):
    name = town.sent()
    town.answer(answer_file((name, "refused", SUM, "AC04")))
    town.answer(answer_file((name, "settled", SUM, "")), "answer-2")
    (case,) = cases(town)
    assert case["reason"] == "contradiction"

    by_two(town, name, what="settled")

    assert (balance(RETURNED), balance(PAID)) == (0, SUM)
    assert claim_state(town) == "settled"


def test_money_that_was_sent_again_meanwhile_is_not_settled_twice(town):
    name = town.sent()
    town.answer(answer_file((name, "refused", SUM, "AC04")))
    town.answer(answer_file((name, "settled", SUM, "")), "answer-2")
    assert town.release().status == 200
    assert town.pay("run-bbbb").status == 200

    no(by_two(town, name, what="settled"), 409, "payouts/case-does-not-fit")
    assert by_two(town, name, what="closed").json["state"] == "closed"
