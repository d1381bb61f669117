"""Whose hands money passes: two persons always, more for great amounts, each of them once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.budgets import actions as budgets
from chalicelib.budgets.rules import ledger
from chalicelib.budgets.store import ledger as books
from chalicelib.journal.store import history
from chalicelib.kernel.money import tenge
from chalicelib.payouts import actions, store
from chalicelib.payouts.rules import claims, payments
from chalicelib.payouts.rules.claims import Claim, Hand, SecondPerson, SumChanged
from chalicelib.payouts.rules.payments import ControlSumOff, RunUnconfirmed
from chalicelib.policy.actions import load_pack
from chalicelib.policy.rules.paying import FEWEST, Approval, persons_for
from chalicelib.storage.commit import commit
from infra.local import faults

from .builders import (
    DEPARTMENT,
    FINANCE,
    HEAD,
    NOW,
    OCTOBER,
    OTHER_FINANCE,
    WHERE,
    allot,
    balance,
    payee,
    proposed,
    released,
    run,
    signed,
)

SUM = tenge(65_000)
GREAT = tenge(100_000_000)
TRANSIT = ledger.transit("run-aaaa")
AT = "2026-11-14T05:00:00.000000Z"
RULES = load_pack("preschool", "taldykorgan").at(NOW.date())
ROW = RULES.approvals[0]


@pytest.fixture
def budget(tables):
    allot()
    return tables


def other(actor, subject):
    return replace(actor, subject=subject)


def great_claim() -> Claim:
    """A signed claim of 100 m tenge, whose month holds as much."""
    claim = signed()
    budgets.allot(
        programme="preschool",
        area="taldykorgan",
        year=2026,
        amount_tiyn=tenge(300_000_000),
        act="act-2",
        by=FINANCE,
        now=NOW,
    )
    more = ledger.transfer(
        "test#more",
        GREAT - SUM,
        source=ledger.budget("preschool", "taldykorgan", 2026),
        target=ledger.accrued("site-aaaa", OCTOBER),
        at=AT,
    )
    kept = store.load_claim(claim.claim_id)
    commit([store.keep_claim(kept, replace(claim, amount_tiyn=GREAT)), *books.book(more)])
    return store.load_claim(claim.claim_id).value


def agree(claim, by):
    return actions.agree(claim.claim_id, agreed=True, reason=None, by=by, now=NOW)


def release(claim, by):
    return actions.release(claim.claim_id, by=by, now=NOW, payee=payee)


# --- how many -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "amount", "persons"),
    [
        ("agree", GREAT - 1, 1),
        ("agree", GREAT, 2),
        ("release", GREAT - 1, 1),
        ("release", GREAT, 2),
        ("pay", 1, 2),
        ("pay", 50 * GREAT - 1, 2),
        ("pay", 50 * GREAT, 3),
    ],
)
def test_the_pack_says_how_many_persons_an_amount_takes(step, amount, persons):
    assert RULES.persons_for(step, amount) == persons


@pytest.mark.parametrize("step", sorted(FEWEST))
def test_no_pack_takes_fewer_than_two_persons_for_a_payment(step):
    assert persons_for((), step, 10**15) == FEWEST[step]
    lax = replace(ROW, step=step, from_tiyn=0, persons=1)
    assert persons_for((lax,), step, 10**15) == FEWEST[step]


def test_a_row_of_a_direction_is_for_that_direction_alone():
    sport = replace(ROW, step="agree", from_tiyn=0, persons=3, direction="sport")
    rows: tuple[Approval, ...] = (sport, replace(ROW, step="agree", from_tiyn=5, persons=2))

    assert persons_for(rows, "agree", 4, direction="sport") == 3
    assert persons_for(rows, "agree", 4, direction="creative") == 1
    assert persons_for(rows, "agree", 5, direction="creative") == 2


# --- claims -------------------------------------------------------------------------------------


def a_signed(**other) -> Claim:
    made = Claim(
        claim_id="claim-aaaa",
        number=1,
        site_id="site-aaaa",
        organisation_id="org-aaaa",
        programme="preschool",
        area="taldykorgan",
        month="2026-10",
        first=1,
        last=1,
        amount_tiyn=GREAT,
        state="signed",
        signed=Hand("head-1", AT),
    )
    return replace(made, **other)


def agreeing(claim, who, needed=2):
    return claims.decide_agreement(
        claim, agree=True, reason=None, hand=Hand(who, AT), needed=needed
    )


def test_a_great_amount_is_agreed_by_two_different_persons():
    one = agreeing(a_signed(), "officer-1")
    assert (one.state, one.agreed_by) == ("signed", {"officer-1"})
    assert agreeing(one, "officer-1") == one
    with pytest.raises(SecondPerson):
        agreeing(one, "head-1")

    both = agreeing(one, "officer-2")

    assert (both.state, both.agreed_by) == ("agreed", {"officer-1", "officer-2"})


def test_a_refusal_and_a_correction_void_the_hands_so_far():
    one = agreeing(a_signed(), "officer-1")

    back = claims.decide_agreement(one, agree=False, reason="other", hand=Hand("officer-2", AT))
    assert (back.state, back.agreements, back.signed) == ("calculated", (), None)
    known = claims.SiteClaims(
        site_id="site-aaaa", month="2026-10", covered=1, claims=("claim-aaaa",)
    )
    less = claims.plan_claim(known, one, [claims.Posted(2, -1)], site=a_signed())
    assert less is not None
    assert less[1].agreements == ()


@pytest.mark.parametrize("who", ["head-1", "officer-1", "officer-2"])
def test_whoever_signed_or_agreed_at_all_releases_nothing(who):
    agreed = agreeing(agreeing(a_signed(), "officer-1"), "officer-2")
    by = other(FINANCE, who)

    with pytest.raises(SecondPerson):
        claims.decide_release(agreed, by=by, hand=Hand(who, AT))


def test_great_money_moves_with_the_last_hand_and_each_hand_counts_once(budget):
    claim = great_claim()
    payable = ledger.payable("org-site-aaaa")

    assert agree(claim, DEPARTMENT).state == "signed"
    assert agree(claim, DEPARTMENT).state == "signed"
    assert balance(payable) == 0
    assert agree(claim, other(DEPARTMENT, "department-2")).state == "agreed"
    assert balance(payable) == GREAT

    assert release(claim, FINANCE).state == "agreed"
    assert release(claim, FINANCE).state == "agreed"
    last = release(claim, OTHER_FINANCE)
    assert (last.state, last.releases, last.released_by) == (
        "released",
        1,
        {"finance-1", "finance-3"},
    )
    events = [entry.event for entry in history(f"claim/{claim.claim_id}")]
    assert events[-4:] == [
        "payouts/agreed-by-one",
        "payouts/agreed",
        "payouts/released-by-one",
        "payouts/released",
    ]


def test_two_sign_ins_of_one_person_are_one_hand(budget, monkeypatch):
    from chalicelib.access.store import persons
    from chalicelib.storage import keys

    claim = great_claim()
    for name in ("department-1", "department-9", "finance-9"):
        behind = persons.Behind(person_id="person-0001")
        commit([persons._BEHIND.create(keys.alias(name), behind)])
    agree(claim, DEPARTMENT)

    assert agree(claim, other(DEPARTMENT, "department-9")).state == "signed"
    agree(claim, other(DEPARTMENT, "department-2"))
    with pytest.raises(SecondPerson):
        release(claim, other(FINANCE, "finance-9"))


# --- runs ---------------------------------------------------------------------------------------


def confirm(by=OTHER_FINANCE, total=SUM, run_id="run-aaaa"):
    return actions.confirm_run(run_id, total_tiyn=total, by=by, now=NOW, payee=payee)


def test_nothing_is_sent_before_another_person_confirms_the_sum_they_saw(budget):
    released()
    plan = proposed()

    assert (plan.planned_tiyn, plan.confirmed, balance(TRANSIT)) == (SUM, False, 0)
    with pytest.raises(SecondPerson):
        confirm(by=FINANCE)
    with pytest.raises(SumChanged):
        confirm(total=SUM - 1)
    with pytest.raises(RunUnconfirmed):
        actions.register_of("run-aaaa", by=FINANCE)
    assert balance(TRANSIT) == 0

    made = confirm()

    assert (made.made, made.total_tiyn, balance(TRANSIT)) == (True, SUM, SUM)
    assert confirm() == made
    assert confirm(by=FINANCE) == made


@pytest.mark.parametrize("who", [HEAD.subject, DEPARTMENT.subject])
def test_whoever_signed_or_agreed_a_claim_does_not_pay_it(budget, who):
    released()
    with pytest.raises(SecondPerson):
        actions.make_run("run-aaaa", **WHERE, by=other(FINANCE, who), now=NOW)

    proposed()
    with pytest.raises(SecondPerson):
        confirm(by=other(FINANCE, who))


def test_what_is_released_after_the_proposal_waits_for_the_next_run(budget):
    released("site-aaaa")
    proposed()
    released("site-bbbb")

    made = confirm()

    assert (made.total_tiyn, len(made.lines)) == (SUM, 1)
    assert run("run-bbbb").total_tiyn == SUM


def test_what_another_run_paid_meanwhile_makes_the_sum_another(budget):
    released()
    proposed("run-aaaa")
    run("run-bbbb")

    with pytest.raises(SumChanged):
        confirm(run_id="run-aaaa")
    assert balance(ledger.transit("run-bbbb")) == SUM
    assert balance(TRANSIT) == 0


@pytest.mark.usefixtures("one_salt")
def test_a6_a_confirmation_killed_at_any_call_and_sent_again_pays_once(tables):
    def ready():
        tables.wipe()
        allot()
        released()
        proposed()

    def money():
        return tables.dump()["kezek-test-money"]

    ready()
    with faults.watch() as seen:
        confirm()
    expected = money()
    for number in range(1, len(seen.calls) + 1):
        for fault in (faults.crash(before=number), faults.crash(after=number)):
            ready()
            with fault, pytest.raises(faults.Crash):
                confirm()
            confirm()
            assert money() == expected, number


def test_no_file_is_drawn_up_when_run_and_ledger_differ(budget):
    released()
    run()
    kept = store.load_run("run-aaaa")
    commit([store.keep_run(kept, replace(kept.value, total_tiyn=SUM + 1))])

    with pytest.raises(ControlSumOff):
        actions.register_of("run-aaaa", by=FINANCE)


def test_no_file_is_drawn_up_over_a_payment_the_ledger_does_not_know(budget):
    released()
    (name,) = run().lines
    kept = store.find_payment(name)
    commit([store.keep_payment(kept, replace(kept.value, amount_tiyn=SUM + 1))])

    with pytest.raises(ControlSumOff):
        actions.register_of("run-aaaa", by=FINANCE)


def test_the_same_run_gives_the_same_file_whatever_account_pays_later(budget, monkeypatch):
    released()
    run()
    before = actions.register_of("run-aaaa", by=FINANCE)

    monkeypatch.setenv("KEZEK_TREASURY", "{}")

    assert actions.register_of("run-aaaa", by=FINANCE) == before


def test_a_run_names_no_more_payees_than_its_row_and_the_banks_answer_hold():
    many = payments.PAYEES_IN_A_RUN + 3
    made = [
        a_signed(claim_id=f"claim-{n:05d}", organisation_id=f"org-{n:05d}") for n in range(many)
    ]
    more = a_signed(claim_id="claim-more", organisation_id="org-00000")

    planned = payments.plan_run([*made, more])

    assert list(planned) == [f"org-{n:05d}" for n in range(payments.PAYEES_IN_A_RUN)]
    assert planned["org-00000"] == ("claim-00000", "claim-more")


def test_a_run_names_each_payee_once_and_no_more_claims_than_a_line_holds():
    made = [
        a_signed(claim_id=f"claim-{n:04d}", organisation_id="org-aaaa")
        for n in range(payments.CLAIMS_IN_A_LINE + 5)
    ]

    planned = payments.plan_run([*made, a_signed(organisation_id="org-bbbb")])

    assert {name: len(line) for name, line in planned.items()} == {
        "org-aaaa": payments.CLAIMS_IN_A_LINE,
        "org-bbbb": 1,
    }
