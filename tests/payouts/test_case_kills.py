"""A decision on a case, killed anywhere or raced, has one effect; what it wrote is rebuilt."""

from __future__ import annotations

import contextlib
import threading

import pytest

from chalicelib.budgets.rules import ledger
from chalicelib.journal import actions as journal
from chalicelib.kernel.money import tenge
from chalicelib.payouts import actions, store
from chalicelib.payouts.rules.cases import CaseClosed, CaseDoesNotFit, Decision, unknown_id
from infra.local import faults

from .builders import FINANCE, FOREIGN, NOW, OTHER_FINANCE, allot, answer_file, balance, sent, take

SUM = tenge(65_000)
PAID, RETURNED = ledger.paid("org-site-aaaa"), ledger.returned("org-site-aaaa")
TRANSIT = ledger.transit("run-aaaa")


def decision(what, **other) -> Decision:
    return Decision(what=what, why="bank-letter", document="No. 17", **other)


def decide(case_id, made, by=OTHER_FINANCE):
    return actions.decide_case(case_id, made, by=by, now=NOW)


def in_doubt() -> str:
    (line,) = sent()
    take(answer_file((line.end_to_end_id, "settled", SUM - 1, "")))
    return line.end_to_end_id


def unmatched() -> tuple[str, str]:
    (line,) = sent()
    take(answer_file(("XX-unknown-id", "settled", SUM, "")))
    return unknown_id("taldykorgan", "XX-unknown-id"), line.end_to_end_id


def money(tables):
    return tables.dump()["kezek-test-money"]


@pytest.mark.usefixtures("one_salt")
@pytest.mark.parametrize("what", ["settled", "partial", "matched"])
def test_a6_a_decision_killed_at_any_call_and_made_again_is_the_same(tables, what):
    def ready():
        tables.wipe()
        allot()
        if what == "matched":
            case_id, name = unmatched()
            return case_id, decision("matched", payment=name)
        part = {"settled_tiyn": SUM // 3} if what == "partial" else {}
        return in_doubt(), decision(what, **part)

    asked = ready()
    with faults.watch() as seen:
        decide(*asked)
    expected = money(tables)
    assert balance(TRANSIT) == 0
    for number in range(1, len(seen.calls) + 1):
        for fault in (faults.crash(before=number), faults.crash(after=number)):
            asked = ready()
            with fault, pytest.raises(faults.Crash):
                decide(*asked)
            decide(*asked)
            assert money(tables) == expected, number


@pytest.mark.parametrize("what", ["settled", "returned", "partial"])
def test_a16_decided_cases_are_rebuilt_from_the_journal(tables, what):
    allot()
    part = {"settled_tiyn": SUM // 3} if what == "partial" else {}
    decide(in_doubt(), decision(what, **part))

    assert list(journal.differences()) == []


def test_a16_a_case_that_was_opened_closed_and_opened_again_is_rebuilt(tables):
    allot()
    case_id, _ = unmatched()
    decide(case_id, decision("closed"))
    take(answer_file(("XX-unknown-id", "returned", SUM, "AC04")), "answer-2")

    assert list(journal.differences()) == []
    assert store.find_case(case_id).value.times == 2
    listed = [store.list_cases("taldykorgan", s, after=None, limit=9) for s in ("open", "closed")]
    assert [[name for _, name in rows] for rows in listed] == [[case_id], []]


def test_two_decisions_at_once_have_one_winner(tables):
    allot()
    case_id = in_doubt()
    barrier, said = threading.Barrier(2), []

    def act(what):
        barrier.wait(timeout=5)
        try:
            said.append(decide(case_id, decision(what)).decision.what)
        except (CaseClosed, CaseDoesNotFit) as refusal:
            said.append(refusal.code)

    threads = [threading.Thread(target=act, args=(what,)) for what in ("settled", "returned")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(said) in (["payouts/case-closed", "returned"], ["payouts/case-closed", "settled"])
    assert (balance(TRANSIT), balance(PAID) + balance(RETURNED)) == (0, SUM)


def test_a_bank_s_right_answer_and_a_decision_at_once_move_money_once(tables):
    allot()
    (line,) = sent()
    late = NOW.replace(day=24)
    actions.lapse_answer(line.end_to_end_id, by=FINANCE, now=late)
    barrier = threading.Barrier(2)
    content = answer_file((line.end_to_end_id, "settled", SUM, ""))

    def answered():
        barrier.wait(timeout=5)
        take(content)

    def decided():
        barrier.wait(timeout=5)
        with contextlib.suppress(CaseClosed, CaseDoesNotFit):
            decide(line.end_to_end_id, decision("settled"))

    threads = [threading.Thread(target=one) for one in (answered, decided)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (balance(TRANSIT), balance(PAID)) == (0, SUM)
    assert not store.find_case(line.end_to_end_id).value.is_open


def test_another_area_s_file_leaves_our_case_alone(tables):
    allot()
    name = in_doubt()
    before = store.find_case(name).value
    content = answer_file((name, "settled", SUM, ""))

    actions.take_answer("answer-9", content, by=FOREIGN, now=NOW)

    assert store.find_case(name).value == before
    foreign = store.find_case(unknown_id("astana", name)).value
    assert (foreign.area, foreign.reason, foreign.amount_tiyn) == ("astana", "unknown-id", 0)
    assert balance(TRANSIT) == SUM
