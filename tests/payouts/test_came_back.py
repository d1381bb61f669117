"""Money that comes back of what had arrived, all of a part or a part of all: two officers say."""

from __future__ import annotations

import pytest

from chalicelib.budgets.rules import ledger
from chalicelib.journal import actions as journal
from chalicelib.kernel.money import tenge
from chalicelib.payouts import actions, store
from chalicelib.payouts.rules.cases import CaseClosed, CaseDoesNotFit, Decision, unknown_id
from tests.promises.interleaving import interleaved

from .builders import FINANCE, NOW, OTHER_FINANCE, allot, answer_file, balance, payee, sent, take

SUM = tenge(65_000)
PART = SUM - 100
PAID, RETURNED = ledger.paid("org-site-aaaa"), ledger.returned("org-site-aaaa")
TRANSIT = ledger.transit("run-aaaa")
AREA = "taldykorgan"


@pytest.fixture
def name(tables) -> str:
    """The id of a payment that is with the bank."""
    allot()
    (line,) = sent()
    return line.end_to_end_id


def said(name, status, amount, answer_id, reason=""):
    # No two files are the same, whatever they say.
    more = b"\r\n" * int(answer_id.removeprefix("answer-"))
    (became,) = take(answer_file((name, status, amount, reason)) + more, answer_id)
    return became


def decide(case_id, what, document="No. 17", **other):
    made = Decision(what=what, why="bank-letter", document=document, **other)
    return actions.decide_case(case_id, made, by=OTHER_FINANCE, now=NOW)


def lies() -> tuple[int, int, int]:
    return balance(TRANSIT), balance(PAID), balance(RETURNED)


def of_payment(name) -> list[tuple[int, str]]:
    """Return sums and states of a payment's claims; they always sum to what was sent."""
    line = store.find_payment(name).value
    found = [kept.value for kept in store.find_claims(line.claims)]
    assert sum(claim.amount_tiyn for claim in found) == line.amount_tiyn
    assert list(journal.differences()) == []
    return sorted((claim.amount_tiyn, claim.state) for claim in found)


def paid_in_part(name) -> None:
    assert said(name, "settled", PART, "answer-1") == "open-case"
    decide(name, "partial", settled_tiyn=PART)
    assert lies() == (0, PART, SUM - PART)


def test_a15_a_part_that_had_arrived_comes_back_too(name):
    paid_in_part(name)

    assert said(name, "returned", PART, "answer-2") == "open-case"
    decide(name, "returned", "No. 18")

    assert lies() == (0, 0, SUM)
    assert of_payment(name) == [(SUM - PART, "returned"), (PART, "returned")]
    line = store.find_payment(name).value
    assert (line.state, line.settled_tiyn) == ("returned", None)
    assert said(name, "returned", SUM, "answer-3") == "already"


def test_a15_a_part_of_what_arrived_comes_back_and_is_sent_again(name):
    said(name, "settled", SUM, "answer-1")
    assert said(name, "returned", 300, "answer-2") == "open-case"

    decide(name, "partial", settled_tiyn=SUM - 300)

    assert lies() == (0, SUM - 300, 300)
    assert of_payment(name) == [(300, "returned"), (SUM - 300, "settled")]
    (back,) = [
        kept.value.claim_id
        for kept in store.find_claims(store.find_payment(name).value.claims)
        if kept.value.state == "returned"
    ]
    assert actions.release(back, by=FINANCE, now=NOW, payee=payee).state == "released"


def test_a15_another_part_comes_back_and_then_arrives_after_all(name):
    paid_in_part(name)
    assert said(name, "returned", 50, "answer-2") == "open-case"
    decide(name, "partial", "No. 18", settled_tiyn=PART - 50)
    assert lies() == (0, PART - 50, SUM - PART + 50)

    assert said(name, "settled", SUM, "answer-3") == "open-case"
    decide(name, "settled", "No. 19")

    assert lies() == (0, SUM, 0)
    assert {state for _, state in of_payment(name)} == {"settled"}


def test_what_was_released_again_is_not_found_to_have_arrived(name):
    paid_in_part(name)
    rest = next(
        kept.value.claim_id
        for kept in store.find_claims(store.find_payment(name).value.claims)
        if kept.value.state == "returned"
    )
    actions.release(rest, by=FINANCE, now=NOW, payee=payee)
    assert said(name, "settled", SUM, "answer-2") == "open-case"

    with pytest.raises(CaseDoesNotFit) as refused:
        decide(name, "settled", "No. 18")

    assert refused.value.facts["problem"] == "released-again"
    said(name, "returned", PART, "answer-3")
    decide(name, "returned", "No. 19")
    assert lies() == (0, 0, PART)  # the rest is payable again, and stays so


@pytest.mark.parametrize(("back", "left"), [(300, SUM - 300), (SUM, 0)])
def test_a15_what_comes_back_under_an_id_of_the_bank_s_own_is_matched(name, back, left):
    said(name, "settled", SUM, "answer-1")
    assert said("XX-bank-return", "returned", back, "answer-2", "AC04") == "open-case"

    decide(unknown_id(AREA, "XX-bank-return"), "matched", payment=name)

    assert lies() == (0, left, SUM - left)
    of_payment(name)


@pytest.mark.parametrize(
    ("what", "other", "problem"),
    [
        ("partial", {"settled_tiyn": PART}, "already-settled"),
        ("partial", {"settled_tiyn": SUM}, "sum"),
    ],
)
def test_a_decision_that_changes_nothing_is_refused(name, what, other, problem):
    paid_in_part(name)
    said(name, "returned", 50, "answer-2")

    with pytest.raises(CaseDoesNotFit) as refused:
        decide(name, what, "No. 18", **other)

    assert refused.value.facts["problem"] == problem
    assert lies() == (0, PART, SUM - PART)


def test_what_was_decided_is_already_known_when_it_is_told_again(name):
    assert said("stranger-1", "settled", 5_000, "answer-1") == "open-case"
    assert said("stranger-1", "settled", 5_000, "answer-2") == "open-case"
    decide(unknown_id(AREA, "stranger-1"), "closed")
    assert said("stranger-1", "settled", 5_000, "answer-3") == "already"
    assert not store.find_case(unknown_id(AREA, "stranger-1")).value.is_open

    said(name, "refused", SUM, "answer-4", "AC04")
    assert said(name, "settled", SUM, "answer-5") == "open-case"
    decide(name, "closed")
    assert said(name, "settled", SUM, "answer-6") == "already"
    assert not store.find_case(name).value.is_open


def test_an_answer_that_goes_on_after_a_decision_tells_what_it_opened(name):
    assert said("stranger-1", "settled", 5_000, "answer-1") == "open-case"
    decide(unknown_id(AREA, "stranger-1"), "closed")
    kept = store.find_answer("answer-1")
    assert kept.value.told[0].became == "open-case"
    assert said("stranger-1", "settled", 5_000, "answer-1") == "open-case"


@pytest.mark.parametrize("seed", range(8))
def test_of_two_decisions_at_one_instant_the_loser_hears_that_it_was_decided(tables, name, seed):
    said(name, "settled", PART, "answer-1")

    def settled():
        return decide(name, "settled").decision.what

    def partial():
        return decide(name, "partial", settled_tiyn=PART).decision.what

    heard = interleaved([settled, partial], seed=seed).said

    assert heard in (["settled", CaseClosed.code], [CaseClosed.code, "partial"]), heard
    assert balance(TRANSIT) == 0
    of_payment(name)


@pytest.mark.parametrize("seed", range(8))
def test_a_case_opened_again_beside_a_decision_says_what_it_is_about_now(tables, name, seed):
    said(name, "settled", PART, "answer-1")

    def partial():
        return decide(name, "partial", settled_tiyn=PART).decision.what

    def comes_back():
        return said(name, "returned", SUM, "answer-2")

    heard = interleaved([partial, comes_back], seed=seed).said

    case = store.find_case(name).value
    assert heard == ["partial", "open-case"]
    if case.is_open:
        assert (case.reason, case.times) == ("contradiction", 2)
    else:  # it was noted on the case before that was decided
        assert [fact.said for fact in case.facts] == ["settled", "returned"]
    assert lies() == (0, PART, SUM - PART)
