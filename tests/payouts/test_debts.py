"""Terms: a debt that was not paid back is a case until it ends, a forgotten case is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.kernel.periods import from_stamp
from chalicelib.payouts import actions, store
from chalicelib.payouts.rules.cases import CaseDoesNotFit, Decision, unknown_id
from chalicelib.storage import outbox
from infra.local import faults
from tests.billing.builders import OCTOBER
from tests.promises.interleaving import interleaved

from .builders import FINANCE, JOB, OTHER_FINANCE, agreed, allot, answer_file, bill, take
from .test_repaying import AREA, ORGANISATION, SITE, claim, sound
from .test_repaying import agreed_too_much as agreed_too_much_fixture
from .test_repaying import owed as owed_fixture

owed, agreed_too_much = owed_fixture, agreed_too_much_fixture
LATE = datetime(2026, 12, 31, 5, 0, tzinfo=UTC)


def lapse(owed, now=LATE):
    return actions.lapse_debt(owed.claim_id, by=JOB, now=now)


def listed(state="open"):
    found, _ = actions.list_cases(AREA, state=state, by=FINANCE, now=LATE, after=None, limit=9)
    return [(one.case.case_id, one.case.reason, one.case.amount_tiyn) for one in found]


def test_a15_a_debt_that_was_not_paid_back_in_time_is_one_open_case_and_is_told(owed):
    until = from_stamp(owed.repay_by)

    assert not lapse(owed, until - timedelta(minutes=1))
    assert listed() == []
    assert lapse(owed, until)
    assert not lapse(owed)

    assert listed() == [(owed.claim_id, "not-repaid", owed.amount_tiyn)]
    for to in (f"organisation:{ORGANISATION}", f"desk:finance:{AREA}"):
        told = outbox.find_notice(to, f"not-repaid#{owed.claim_id}#{owed.repay_by}#{to}")
        assert told is not None
        assert (told.template, told.facts["tenge"]) == (
            "notice:payouts/not-repaid",
            owed.amount_tiyn // 100,
        )
    sound()


def test_a15_the_case_of_a_debt_ends_with_the_debt_and_with_nothing_else(owed):
    lapse(owed)
    for what in ("settled", "returned", "closed"):
        with pytest.raises(CaseDoesNotFit) as no:
            decide(owed.claim_id, what)
        assert no.value.facts["problem"] == "still-owed"

    half = owed.amount_tiyn // 2 + 100
    assert take(answer_file((owed.claim_id, "returned", half, "")), "answer-1") == ["repaid"]
    assert listed() == [(owed.claim_id, "not-repaid", owed.amount_tiyn - half)]
    rest = owed.amount_tiyn - half
    assert take(answer_file((owed.claim_id, "returned", rest, "")), "answer-2") == ["repaid"]

    assert listed() == []
    assert listed("closed") == [(owed.claim_id, "not-repaid", rest)]
    sound()


def decide(case_id, what, **other):
    decision = Decision(what=what, why="bank-letter", document="letter 1", **other)
    return actions.decide_case(case_id, decision, by=OTHER_FINANCE, now=LATE)


def test_a_debt_that_was_kept_back_of_a_claim_is_no_case_any_more(agreed_too_much):
    owed, due = agreed_too_much
    lapse(owed)

    actions.set_off(
        owed.claim_id,
        against=due.claim_id,
        amount_tiyn=owed.amount_tiyn,
        by=OTHER_FINANCE,
        now=LATE,
    )

    assert (listed(), claim(owed.claim_id).state) == ([], "settled")
    sound()


def test_a_statement_that_gives_the_days_back_ends_the_debt_and_a_later_one_begins_anew(owed):
    lapse(owed)
    bill(SITE, "P" * 21)
    assert actions.calculate(SITE, OCTOBER, by=JOB, now=LATE).amount_tiyn == 0
    assert listed() == []

    bill(SITE, "P" * 20 + "N")
    again = actions.calculate(SITE, OCTOBER, by=JOB, now=LATE)

    assert again.is_owed
    assert again.repay_by > owed.repay_by
    assert not lapse(again)
    assert lapse(again, from_stamp(again.repay_by))
    assert listed() == [(again.claim_id, "not-repaid", again.amount_tiyn)]
    sound()


def test_what_is_owed_by_nobody_does_not_lapse(tables):
    allot()
    due = agreed()
    assert not lapse(due)
    assert not actions.lapse_debt("no-such-claim", by=JOB, now=LATE)


@pytest.mark.parametrize("seed", range(4))
def test_money_that_comes_in_as_the_term_ends_leaves_no_case(owed, seed):
    whole = answer_file((owed.claim_id, "returned", owed.amount_tiyn, ""))

    interleaved([lambda: lapse(owed), lambda: take(whole, "answer-1")], seed=seed)

    assert (listed(), claim(owed.claim_id).state) == ([], "settled")
    sound()


def test_a6_a_debt_s_term_killed_at_any_call_ends_in_one_case(owed):
    number, killed = 0, True
    while killed:
        number, killed = number + 1, False
        try:
            with faults.crash(after=number):
                lapse(owed)
        except faults.Crash:
            killed = True

    assert number > 3
    assert listed() == [(owed.claim_id, "not-repaid", owed.amount_tiyn)]
    sound()


def test_a15_a_case_that_is_open_beyond_its_term_is_told_to_finance_once(owed):
    take(answer_file(("XX-one", "settled", 5, "")), "answer-1")
    case_id = unknown_id(AREA, "XX-one")
    due = from_stamp(store.load_case(case_id).value.due_at)

    assert not actions.remind_case(case_id, by=JOB, now=due - timedelta(minutes=1))
    assert actions.remind_case(case_id, by=JOB, now=due)
    assert not actions.remind_case(case_id, by=JOB, now=due)
    assert not actions.remind_case("no-such-case", by=JOB, now=due)

    take(answer_file(("XX-two", "settled", 5, "")), "answer-2")
    decide(unknown_id(AREA, "XX-two"), "closed")
    assert not actions.remind_case(unknown_id(AREA, "XX-two"), by=JOB, now=due)
