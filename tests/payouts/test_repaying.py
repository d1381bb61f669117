"""What was agreed too much is paid back through the bank, or set off against what is agreed."""

from __future__ import annotations

from datetime import date

import pytest

from chalicelib.budgets.actions.checking import check_ledger
from chalicelib.budgets.rules import ledger
from chalicelib.budgets.store import ledger as books
from chalicelib.journal import actions as journal
from chalicelib.kernel.periods import from_stamp, local_day
from chalicelib.kernel.refusals import AnotherContent, Unknown
from chalicelib.payouts import actions, store
from chalicelib.payouts.rules.cases import CaseClosed, CaseDoesNotFit, Decision, unknown_id
from chalicelib.payouts.rules.claims import SumChanged
from chalicelib.payouts.rules.repayments import MoreThanOwed, NoSetOff, NothingOwed
from tests.billing.builders import OCTOBER
from tests.payouts.bank import OURS, camt_053
from tests.promises.interleaving import interleaved

from .builders import (
    FINANCE,
    FOREIGN,
    JOB,
    NOW,
    OTHER_FINANCE,
    agreed,
    allot,
    answer_file,
    balance,
    bill,
    claimed,
    released,
    sent,
    take,
)

SITE, ORGANISATION = "site-aaaa", "org-site-aaaa"
PAID, PAYABLE = ledger.paid(ORGANISATION), ledger.payable(ORGANISATION)
OWED = ledger.recoverable(SITE, OCTOBER)
AREA = "taldykorgan"


def corrected(codes: str = "P" * 16 + "N" * 5):
    """A claim of what was agreed too much, after its month was found to have had fewer days."""
    bill(SITE, codes)
    claim = actions.calculate(SITE, OCTOBER, by=JOB, now=NOW)
    assert claim.is_owed
    assert claim.amount_tiyn == -balance(OWED)
    return claim


@pytest.fixture
def owed(tables):
    """A month was paid whole and then corrected."""
    allot()
    (line,) = sent()
    take(answer_file((line.end_to_end_id, "settled", line.amount_tiyn, "")), "answer-0")
    return corrected()


def claim(claim_id):
    return store.load_claim(claim_id).value


def sound() -> None:
    checked = check_ledger(pause=lambda _: None)
    assert not checked.flaws, checked.flaws
    assert list(journal.differences()) == []


def credit(words: str, tiyn: int, reference: str = "R1", name: str = "") -> bytes:
    """A statement on which somebody paid something in."""
    value = f"{tiyn // 100}.{tiyn % 100:02d}"
    e2e = f"<Refs><EndToEndId>{name or 'NOTPROVIDED'}</EndToEndId></Refs>"
    entry = (
        f'<Ntry><Amt Ccy="KZT">{value}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>'
        f"<BookgDt><Dt>2026-11-20</Dt></BookgDt><AcctSvcrRef>{reference}</AcctSvcrRef>"
        f"<BkTxCd><Prtry><Cd>X</Cd></Prtry></BkTxCd><NtryDtls><TxDtls>{e2e}"
        f'<Amt Ccy="KZT">{value}</Amt><CdtDbtInd>CRDT</CdtDbtInd>'
        f"<RmtInf><Ustrd>{words}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"
    )
    content = camt_053([], account=OURS, extra=entry).decode()
    # The closing balance takes in what came.
    opening, closing = "10000000.00", f"{10_000_000_00 + tiyn}"
    before, mark, after = content.rpartition(f">{opening}<")
    return f"{before}{mark[0]}{closing[:-2]}.{closing[-2:]}{mark[-1]}{after}".encode()


def test_a_debt_says_until_when_it_is_to_be_paid_back(owed):
    assert local_day(from_stamp(owed.repay_by)) >= date(2026, 11, 30)  # ten working days
    assert owed.repaid == ()


def test_what_a_provider_pays_in_lessens_what_it_owes_and_once(owed):
    before, half = balance(PAID), owed.amount_tiyn // 2

    assert take(answer_file((owed.claim_id, "returned", half, "")), "answer-1") == ["repaid"]
    assert (balance(PAID), balance(OWED)) == (before - half, half - owed.amount_tiyn)
    assert claim(owed.claim_id).amount_tiyn == owed.amount_tiyn - half
    again = answer_file((owed.claim_id, "returned", half, ""))
    assert take(again, "answer-1") == ["repaid"]
    assert take(again, "answer-2") == ["already"]

    rest = owed.amount_tiyn - half
    assert take(credit(f"Возврат, заявка {owed.claim_id.upper()}.", rest), "answer-3") == ["repaid"]

    done = claim(owed.claim_id)
    assert (done.state, done.amount_tiyn, done.repaid_tiyn) == ("settled", 0, owed.amount_tiyn)
    assert (balance(PAID), balance(OWED)) == (before - owed.amount_tiyn, 0)
    sound()


def test_the_same_entry_on_another_statement_is_known_and_another_one_is_booked(owed):
    third = owed.amount_tiyn // 3
    words = f"claim {owed.claim_id}"
    assert take(credit(words, third, "R1"), "answer-1") == ["repaid"]
    assert take(credit(words, third, "R1") + b"\n", "answer-2") == ["already"]
    assert take(credit(words, third, "R2"), "answer-3") == ["repaid"]
    assert claim(owed.claim_id).repaid_tiyn == 2 * third


def test_a15_what_nobody_can_tell_is_a_case(owed):
    half = owed.amount_tiyn // 3
    take(answer_file((owed.claim_id, "returned", half, "")), "answer-1")
    doubled = answer_file((owed.claim_id, "returned", half, "")) + b"\r\n"

    assert take(doubled, "answer-2") == ["open-case"]
    more = answer_file((owed.claim_id, "returned", owed.amount_tiyn + 1, ""))
    assert take(more, "answer-3") == ["open-case"]

    assert store.find_case(unknown_id(AREA, owed.claim_id)).value.is_open
    assert balance(OWED) == half - owed.amount_tiyn


def decide(case_id, claim_id, by=OTHER_FINANCE):
    made = Decision(what="repaid", why="bank-letter", document="No. 1", claim=claim_id)
    return actions.decide_case(case_id, made, by=by, now=NOW)


def test_officers_find_whose_repayment_came_in_without_a_name(owed):
    assert take(credit("за октябрь", owed.amount_tiyn), "answer-1") == ["open-case"]
    ((_, case_id),) = store.list_cases(AREA, "open", after=None, limit=9)
    with pytest.raises(Unknown):
        decide(case_id, "no-such-claim")

    assert decide(case_id, owed.claim_id).decision.claim == owed.claim_id
    assert decide(case_id, owed.claim_id).closed_at is not None

    assert (balance(OWED), claim(owed.claim_id).state) == (0, "settled")
    assert store.list_cases(AREA, "open", after=None, limit=9) == []
    sound()


def test_officers_take_no_more_than_is_owed_and_only_what_came_in(owed):
    take(answer_file(("XX-much", "returned", owed.amount_tiyn + 1, "")), "answer-1")
    take(answer_file(("XX-out", "settled", 100, "")), "answer-2")
    with pytest.raises(MoreThanOwed):
        decide(unknown_id(AREA, "XX-much"), owed.claim_id)
    with pytest.raises(CaseDoesNotFit):
        decide(unknown_id(AREA, "XX-out"), owed.claim_id)
    take(answer_file((owed.claim_id, "returned", owed.amount_tiyn, "")), "answer-3")
    with pytest.raises(NothingOwed):
        decide(unknown_id(AREA, "XX-much"), owed.claim_id)


def test_a_claim_of_another_area_is_none(owed):
    told = take(answer_file((owed.claim_id, "returned", 100, "")), "answer-1", by=FOREIGN)
    assert told == ["open-case"]
    assert claim(owed.claim_id) == owed
    with pytest.raises(Unknown):
        actions.set_off(owed.claim_id, against=owed.claim_id, amount_tiyn=1, by=FOREIGN, now=NOW)


def test_what_was_agreed_but_never_paid_is_not_paid_back(tables):
    allot()
    released()
    owed = corrected()
    told = take(answer_file((owed.claim_id, "returned", owed.amount_tiyn, "")), "answer-1")
    assert told == ["open-case"]
    assert balance(OWED) == -owed.amount_tiyn


@pytest.fixture
def agreed_too_much(tables):
    """An agreed claim, not released yet, of which less is due by now."""
    allot()
    due = agreed()
    return corrected(), due


def set_off(owed, due, amount=None, by=OTHER_FINANCE):
    amount = owed.amount_tiyn if amount is None else amount
    return actions.set_off(owed.claim_id, against=due.claim_id, amount_tiyn=amount, by=by, now=NOW)


def test_a_debt_is_kept_back_of_an_agreed_claim_and_the_rest_is_paid(agreed_too_much):
    owed, due = agreed_too_much

    done, back = set_off(owed, due)

    assert (done.state, done.amount_tiyn, done.repaid[0].claim_id) == ("settled", 0, due.claim_id)
    assert (back.state, back.reason, back.amount_tiyn) == ("settled", "set-off", owed.amount_tiyn)
    left = due.amount_tiyn - owed.amount_tiyn
    assert (balance(OWED), balance(PAYABLE)) == (0, left)
    (rest,) = [
        one.value
        for one in store.list_area_claims("preschool", AREA, OCTOBER)
        if one.value.state == "agreed"
    ]
    assert (rest.amount_tiyn, rest.agreed) == (left, due.agreed)
    assert set_off(owed, due)[0] == done
    with pytest.raises(AnotherContent):
        set_off(owed, due, 1)
    sound()


def test_a_debt_greater_than_the_claim_is_kept_back_in_part(owed):
    bill(SITE, "P" * 17 + "N" * 4)  # a day was there after all: less is owed
    less = actions.calculate(SITE, OCTOBER, by=JOB, now=NOW)
    assert less.claim_id == owed.claim_id
    assert 0 < less.amount_tiyn < owed.amount_tiyn
    assert less.amount_tiyn == -balance(OWED)
    half = less.amount_tiyn // 2
    take(answer_file((owed.claim_id, "returned", half, "")), "answer-1")
    bill(SITE, "P" * 21)  # … and all of them: what was paid back is due again
    again = actions.calculate(SITE, OCTOBER, by=JOB, now=NOW)
    assert (again.state, again.amount_tiyn) == ("calculated", half)
    assert balance(OWED) == 0
    assert balance(ledger.accrued(SITE, OCTOBER)) == half
    sound()


def test_what_does_not_fit_is_not_set_off(agreed_too_much):
    owed, due = agreed_too_much
    other = agreed("site-bbbb")
    with pytest.raises(NoSetOff):
        set_off(owed, other)
    with pytest.raises(SumChanged):
        set_off(owed, due, owed.amount_tiyn - 1)
    with pytest.raises(NothingOwed):
        set_off(due, due, 5)
    with pytest.raises(NoSetOff):
        set_off(owed, owed)
    assert balance(OWED) == -owed.amount_tiyn


@pytest.mark.parametrize("seed", range(6))
def test_a_debt_is_taken_once_whoever_takes_it_at_once(owed, seed):
    take(answer_file(("XX-one", "returned", owed.amount_tiyn, "")), "answer-1")
    take(answer_file(("XX-two", "returned", owed.amount_tiyn, "")), "answer-2")

    heard = interleaved(
        [
            lambda: decide(unknown_id(AREA, "XX-one"), owed.claim_id).decision.what,
            lambda: decide(unknown_id(AREA, "XX-two"), owed.claim_id).decision.what,
            lambda: take(answer_file((owed.claim_id, "returned", owed.amount_tiyn, "")), "a-3"),
        ],
        seed=seed,
    ).said

    taken = heard[:2].count("repaid") + (heard[2] == ["repaid"])
    assert taken == 1, heard
    assert set(heard[:2]) <= {"repaid", NothingOwed.code, MoreThanOwed.code, CaseClosed.code}
    assert (balance(OWED), claim(owed.claim_id).repaid_tiyn) == (0, owed.amount_tiyn)


@pytest.mark.parametrize("seed", range(4))
def test_a_debt_that_a_statement_lessens_meanwhile_is_not_taken_too(owed, seed):
    def stated():
        bill(SITE, "P" * 20 + "N")

    def comes_in():
        return take(answer_file((owed.claim_id, "returned", owed.amount_tiyn, "")), "answer-1")

    interleaved([stated, comes_in], seed=seed)
    actions.calculate(SITE, OCTOBER, by=JOB, now=NOW)

    assert books.balances([OWED])[OWED] <= 0
    newest = claim(store.find_site_claims(SITE, OCTOBER).value.claims[-1])
    sides = balance(ledger.accrued(SITE, OCTOBER)), -balance(OWED)
    assert sides in ((newest.amount_tiyn, 0), (0, newest.amount_tiyn))
    sound()


def test_a_claim_that_is_not_owed_takes_no_money(tables):
    allot()
    due = claimed()
    assert take(answer_file((due.claim_id, "returned", 100, "")), "answer-1") == ["open-case"]
    assert claim(due.claim_id) == due


def test_finance_sees_what_came_back(owed):
    take(answer_file((owed.claim_id, "returned", 100, "")), "answer-1")
    found = {
        c.claim_id: c
        for c in actions.list_claims(OCTOBER, programme="preschool", area=AREA, by=FINANCE)
    }
    assert found[owed.claim_id].repaid_tiyn == 100
