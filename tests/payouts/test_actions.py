"""From a posted statement to the bank and back, on real tables."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest

from chalicelib.billing import actions as billing
from chalicelib.budgets.rules import ledger
from chalicelib.budgets.rules.ledger import AccountShort
from chalicelib.journal import actions as journal
from chalicelib.journal.rules import commitment_of, openings
from chalicelib.journal.store import history
from chalicelib.kernel.money import tenge
from chalicelib.kernel.refusals import AnotherContent, Unknown
from chalicelib.payouts import actions, store
from chalicelib.payouts.rules.answers import BrokenAnswer
from chalicelib.payouts.rules.cases import unknown_id
from chalicelib.payouts.rules.claims import NotNow, SecondPerson, SumChanged
from chalicelib.payouts.rules.payments import NothingReleased
from chalicelib.policy.actions import load_pack
from chalicelib.providers.rules import AccountUnconfirmed
from chalicelib.storage import vault
from chalicelib.storage.outbox import NOTICES
from infra.local import faults
from tests.billing.builders import a_child, a_month, a_site_on_the_list
from tests.promises.rewind import Kept

from .builders import (
    DEPARTMENT,
    FINANCE,
    FOREIGN,
    HEAD,
    HEAD_B,
    JOB,
    NOW,
    OCTOBER,
    WHERE,
    agreed,
    allot,
    answer_file,
    balance,
    bill,
    claimed,
    no_account,
    payee,
    released,
    run,
    sent,
    signed,
    take,
)

SUM = tenge(65_000)
PAYABLE = ledger.payable("org-site-aaaa")
PAID = ledger.paid("org-site-aaaa")
RETURNED = ledger.returned("org-site-aaaa")
TRANSIT = ledger.transit("run-aaaa")
ACCRUED = ledger.accrued("site-aaaa", OCTOBER)


@pytest.fixture(autouse=True)
def _budget(tables):
    allot()


def notices(organisation_id: str = "org-site-aaaa") -> list[str]:
    found = NOTICES.each(f"NOTICES#organisation:{organisation_id}")
    return sorted(kept.value.template.split("/")[1] for kept in found)


def state(claim_id: str) -> str:
    return store.load_claim(claim_id).value.state


# --- claims -------------------------------------------------------------------------------------


def test_money_moves_step_by_step_and_each_step_is_booked():
    claim = signed()
    assert balance(ACCRUED) == SUM

    actions.agree(claim.claim_id, agreed=True, reason=None, by=DEPARTMENT, now=NOW)
    assert (balance(ACCRUED), balance(PAYABLE)) == (0, SUM)

    actions.release(claim.claim_id, by=FINANCE, now=NOW, payee=payee)
    made = run()
    assert (balance(PAYABLE), balance(TRANSIT), made.total_tiyn) == (0, SUM, SUM)

    (line,) = actions.see_run("run-aaaa", by=FINANCE)[1]
    take(answer_file((line.end_to_end_id, "settled", SUM, "")))
    assert (balance(TRANSIT), balance(PAID)) == (0, SUM)
    assert state(claim.claim_id) == "settled"
    assert notices() == ["claim-to-sign", "paid"]


@pytest.mark.parametrize("times", [1, 2])
def test_each_step_again_gives_the_same_answer_and_no_second_effect(tables, times):
    claim = released()
    before = tables.dump()

    for _ in range(times):
        actions.calculate("site-aaaa", OCTOBER, by=JOB, now=NOW)
        again = actions.release(claim.claim_id, by=FINANCE, now=NOW, payee=payee)
        actions.agree(claim.claim_id, agreed=True, reason=None, by=DEPARTMENT, now=NOW)
        actions.sign(claim.claim_id, amount_tiyn=SUM, by=HEAD, now=NOW)

    assert again == claim
    assert tables.dump() == before


def test_a_foreign_hand_finds_no_such_claim():
    claim = claimed()

    with pytest.raises(Unknown):
        actions.sign(claim.claim_id, amount_tiyn=SUM, by=HEAD_B, now=NOW)
    for foreign in (
        lambda: actions.agree(claim.claim_id, agreed=True, reason=None, by=FOREIGN, now=NOW),
        lambda: actions.release(claim.claim_id, by=FOREIGN, now=NOW, payee=payee),
    ):
        with pytest.raises(Unknown):
            foreign()


def test_lesson_40_the_order_of_hands_is_enforced():
    claim = claimed()

    with pytest.raises(NotNow):
        actions.agree(claim.claim_id, agreed=True, reason=None, by=DEPARTMENT, now=NOW)
    with pytest.raises(NotNow):
        actions.release(claim.claim_id, by=FINANCE, now=NOW, payee=payee)


def test_nobody_releases_what_they_agreed():
    claim = signed()
    both = FINANCE
    actions.agree(claim.claim_id, agreed=True, reason=None, by=both, now=NOW)

    with pytest.raises(SecondPerson):
        actions.release(claim.claim_id, by=both, now=NOW, payee=payee)


def test_a_correction_voids_a_signature_over_another_sum():
    claim = signed()
    bill(codes="P" * 20 + "N")

    corrected = actions.calculate("site-aaaa", OCTOBER, by=JOB, now=NOW)

    assert corrected.claim_id == claim.claim_id
    assert (corrected.state, corrected.amount_tiyn) == ("calculated", tenge(61_905))
    with pytest.raises(SumChanged):
        actions.sign(claim.claim_id, amount_tiyn=SUM, by=HEAD, now=NOW)


def test_an_agreement_before_the_correction_is_claimed_is_refused_by_the_ledger():
    claim = signed()
    bill(codes="P" * 20 + "N")

    with pytest.raises(AccountShort):
        actions.agree(claim.claim_id, agreed=True, reason=None, by=DEPARTMENT, now=NOW)
    assert balance(PAYABLE) == 0


def test_more_that_is_due_after_the_agreement_is_a_second_claim():
    first = agreed(codes="P" * 20 + "N")
    bill()

    second = actions.calculate("site-aaaa", OCTOBER, by=JOB, now=NOW)

    assert (first.amount_tiyn, second.amount_tiyn) == (tenge(61_905), tenge(3_095))


def test_a15_what_was_agreed_too_much_is_one_open_case():
    agreed()
    bill(codes="P" * 20 + "N")

    case = actions.calculate("site-aaaa", OCTOBER, by=JOB, now=NOW)

    assert (case.state, case.reason, case.amount_tiyn) == ("open-case", "overpaid", tenge(3_095))
    assert balance(ledger.recoverable("site-aaaa", OCTOBER)) == -tenge(3_095)


def test_a_claim_given_back_says_why_and_is_signed_again():
    claim = signed()

    back = actions.agree(
        claim.claim_id, agreed=False, reason="attendance-doubt", by=DEPARTMENT, now=NOW
    )

    assert (back.state, back.reason) == ("calculated", "attendance-doubt")
    assert "claim-declined" in notices()
    assert actions.sign(claim.claim_id, amount_tiyn=SUM, by=HEAD, now=NOW).state == "signed"


# --- accounts -----------------------------------------------------------------------------------


def test_lesson_37_money_follows_no_unconfirmed_account_and_the_claim_says_so():
    claim = agreed()

    with pytest.raises(AccountUnconfirmed):
        actions.release(claim.claim_id, by=FINANCE, now=NOW, payee=no_account)
    (shown,) = actions.list_claims(OCTOBER, programme=None, area=None, by=HEAD, payee=no_account)
    assert shown.held == "providers/account-unconfirmed"


def test_an_account_that_was_lost_before_the_run_is_skipped_and_named():
    claim = released()

    made = run(whose=no_account)

    assert made.lines == ()
    assert made.skipped == {"org-site-aaaa": "providers/account-unconfirmed"}
    assert state(claim.claim_id) == "released"
    assert balance(PAYABLE) == SUM


# --- runs ---------------------------------------------------------------------------------------


def test_lesson_32_one_line_per_payee_and_run_and_the_control_sum_equals_the_ledger():
    lines = sent("site-aaaa", "site-bbbb")

    register = actions.register_of("run-aaaa", by=FINANCE)

    assert len({line.organisation_id for line in lines}) == len(lines) == 2
    assert register.total_tiyn == balance(TRANSIT) == 2 * SUM


def test_the_same_run_again_is_the_same_and_other_content_is_refused(tables):
    sent()
    before = tables.dump()

    run()

    assert tables.dump() == before
    with pytest.raises(AnotherContent):
        actions.make_run("run-aaaa", **{**WHERE, "month": OCTOBER.before()}, by=FINANCE, now=NOW)


def test_a_run_without_released_claims_is_refused():
    agreed()

    with pytest.raises(NothingReleased):
        run()


def test_two_runs_at_once_pay_each_claim_once():
    released("site-aaaa")
    released("site-bbbb")
    barrier = threading.Barrier(2)

    def pay(run_id):
        barrier.wait(timeout=5)
        run(run_id)

    threads = [threading.Thread(target=pay, args=(f"run-{n}aaa",)) for n in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    moved = [balance(ledger.transit(f"run-{n}aaa")) for n in (1, 2)]
    assert sum(moved) == 2 * SUM
    assert balance(PAYABLE) == 0


def test_the_payee_is_pinned_as_it_was_sent_and_never_stored_in_clear(tables):
    sent()

    (line,) = store.find_payments(store.load_run("run-aaaa").value.lines)
    stream = f"payment/{line.end_to_end_id}"
    (transfer,) = actions.register_of("run-aaaa", by=FINANCE).transfers

    # The record shows it if somebody puts another account in the place of the one that was paid.
    (told,) = [e for e in history(stream) if e.event == "payouts/sent"]
    kept = openings(vault.open_fields(f"PAYMENT#{line.end_to_end_id}"))
    assert told.facts["commitments"] == {
        name: commitment_of(value, key) for name, (value, key) in kept.items()
    }
    assert kept["account"][0] == transfer.account
    assert transfer.bin == "010140000012"
    whole = str(tables.dump())
    for canary in (transfer.bin, transfer.account, "Ақбота"):
        assert canary not in whole


# --- the bank's answers -------------------------------------------------------------------------


def test_lesson_35_a_returned_sum_goes_back_once_and_may_be_sent_again():
    (line,) = sent()
    back = answer_file((line.end_to_end_id, "returned", SUM, "AC04"))

    assert take(back) == ["returned"]
    assert take(back) == ["returned"]
    assert take(back, "answer-2") == ["already"]
    assert (balance(TRANSIT), balance(RETURNED)) == (0, SUM)

    (claim_id,) = line.claims
    actions.release(claim_id, by=FINANCE, now=NOW, payee=payee)
    run("run-bbbb")
    (again,) = actions.see_run("run-bbbb", by=FINANCE)[1]
    assert again.end_to_end_id != line.end_to_end_id
    assert take(answer_file((again.end_to_end_id, "settled", SUM, "")), "answer-3") == ["settled"]
    assert (balance(RETURNED), balance(PAYABLE), balance(PAID)) == (0, 0, SUM)


def test_money_that_comes_back_after_it_was_paid_is_taken_back():
    (line,) = sent()
    take(answer_file((line.end_to_end_id, "settled", SUM, "")))

    became = take(answer_file((line.end_to_end_id, "returned", SUM, "AC06")), "answer-2")

    assert became == ["returned"]
    assert (balance(PAID), balance(RETURNED)) == (0, SUM)


def test_lines_in_any_order_and_twice_in_a_file_count_once():
    one, two = sent("site-aaaa", "site-bbbb")
    rows = [
        (two.end_to_end_id, "settled", SUM, ""),
        (one.end_to_end_id, "settled", SUM, ""),
        (two.end_to_end_id, "settled", SUM, ""),
    ]

    assert take(answer_file(*rows)) == ["settled", "settled", "already"]
    assert balance(TRANSIT) == 0


@pytest.mark.parametrize(
    ("name", "amount", "reason"),
    [(None, SUM - 1, "wrong-sum"), ("unknown-id-1", SUM, "unknown-id")],
)
def test_a15_a_wrong_sum_and_an_unknown_id_open_exactly_one_case(name, amount, reason):
    (line,) = sent()
    name = name or line.end_to_end_id
    content = answer_file((name, "settled", amount, ""))

    assert take(content) == take(content, "answer-2") == ["open-case"]

    case_id = name if reason == "wrong-sum" else unknown_id("taldykorgan", name)
    case = store.find_case(case_id).value
    assert (case.reason, case.is_open, len(case.facts), case.times) == (reason, True, 1, 1)
    assert balance(TRANSIT) == SUM


def test_another_area_s_payment_answers_as_if_there_were_none():
    (line,) = sent()

    content = answer_file((line.end_to_end_id, "settled", SUM, ""))
    answer = actions.take_answer("answer-1", content, by=FOREIGN, now=NOW)

    assert answer.told[0].reason == "unknown-id"
    assert balance(TRANSIT) == SUM


def test_an_answer_that_cannot_be_read_leaves_nothing(tables):
    (line,) = sent()
    before = tables.dump()

    with pytest.raises(BrokenAnswer):
        take(answer_file((line.end_to_end_id, "settled", SUM, ""))[:-20])
    assert tables.dump() == before


def test_an_answer_id_names_one_file():
    (line,) = sent()
    take(answer_file((line.end_to_end_id, "settled", SUM, "")))

    with pytest.raises(AnotherContent):
        take(answer_file((line.end_to_end_id, "returned", SUM, "")))


def test_a15_a_payment_without_an_answer_becomes_a_case_and_a_late_answer_closes_it():
    (line,) = sent()
    early = datetime(2026, 11, 19, 18, 59, tzinfo=UTC)
    late = datetime(2026, 11, 19, 19, 0, tzinfo=UTC)

    assert not actions.lapse_answer(line.end_to_end_id, by=JOB, now=early)
    assert actions.lapse_answer(line.end_to_end_id, by=JOB, now=late)
    assert not actions.lapse_answer(line.end_to_end_id, by=JOB, now=late)
    assert state(line.claims[0]) == "open-case"

    assert take(answer_file((line.end_to_end_id, "settled", SUM, ""))) == ["settled"]
    assert store.find_case(line.end_to_end_id).value.closed_at is not None
    assert (balance(TRANSIT), state(line.claims[0])) == (0, "settled")


# --- killed anywhere ----------------------------------------------------------------------------

FIXED_SEALS = ("kezek-test-vault", "kezek-test-keys", "kezek-test-journal")


def _money(tables):
    dump = tables.dump()
    return {name: rows for name, rows in dump.items() if name not in FIXED_SEALS}


def killed(tables, act):
    """Die before the first call and after each that writes, and act again: all the same.

    Between two calls that write the tables stand still: that is every way to die.
    """
    begun = Kept(tables)
    with faults.watch() as seen:
        told = act()
    expected = _money(tables)
    writes = [call.number for call in seen.calls if call.writes]
    assert writes
    for fault in (faults.crash(before=1), *(faults.crash(after=number) for number in writes)):
        begun.put_back()
        with fault, pytest.raises(faults.Crash):
            act()
        assert act() == told
        assert _money(tables) == expected, fault


@pytest.mark.usefixtures("one_salt")
def test_a6_a_run_killed_at_any_call_and_made_again_is_the_same(tables):
    allot()
    released("site-aaaa")
    released("site-bbbb")

    killed(tables, run)


@pytest.mark.usefixtures("one_salt")
def test_a6_an_answer_killed_at_any_call_and_taken_again_is_the_same(tables):
    allot()
    one, two = sent("site-aaaa", "site-bbbb")
    content = answer_file(
        (one.end_to_end_id, "settled", SUM, ""),
        (two.end_to_end_id, "returned", SUM, "AC04"),
        ("unknown-id-1", "settled", 1, ""),
    )

    killed(tables, lambda: take(content))


def test_a16_claims_and_payments_are_rebuilt_from_the_journal():
    (line,) = sent()
    take(answer_file((line.end_to_end_id, "settled", SUM, "")))

    assert list(journal.differences()) == []


# --- payday and figures -------------------------------------------------------------------------


def test_payday_tells_who_is_not_paid_once():
    claimed("site-aaaa")
    assert actions.tell_payday("preschool", "taldykorgan", OCTOBER, now=NOW) == 1
    assert actions.tell_payday("preschool", "taldykorgan", OCTOBER, now=NOW) == 0
    assert "payday-passed" in notices()


@pytest.mark.parametrize(("day", "month"), [(17, None), (18, "2026-10"), (19, None)])
def test_payday_is_the_18th_or_the_working_day_before(day, month):
    found = actions.months_at_payday(datetime(2026, 11, day, 4, 0, tzinfo=UTC))

    assert [str(m) for p, m in found if p.area == "taldykorgan"] == ([month] if month else [])


def test_payday_on_a_weekend_moves_to_friday():
    # 18 October 2026 is a Sunday.
    pack = load_pack("preschool", "taldykorgan")

    assert actions.pay_on(pack, OCTOBER.before()).isoformat() == "2026-10-16"


def test_figures_name_what_is_overdue_after_payday():
    a_site_on_the_list("site-aaaa")
    provided = a_month(*(a_child(f"child-{n}aaa") for n in range(5)))
    billing.bill("site-aaaa", OCTOBER, by=JOB, now=NOW, gather=lambda *_: provided)

    before = actions.figures("preschool", "taldykorgan", OCTOBER, now=NOW)
    after = actions.figures("preschool", "taldykorgan", OCTOBER, now=NOW.replace(day=19))

    assert before.pay_on.isoformat() == "2026-11-18"
    assert before.providers[0].overdue_tiyn == 0
    assert after.providers[0].overdue_tiyn == 5 * SUM
