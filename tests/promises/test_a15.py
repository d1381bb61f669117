"""A15: every amount reaches "settled" or an open case, whatever the bank answers.

Payments go out; the bank's answers are drawn, dropped, doubled, altered and put in another order,
in any of its forms. Afterwards each amount that was sent settled, came back to be sent again, or
stands in exactly one open case, once the bank's term is over; and the ledger says the same.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.budgets.rules import ledger
from chalicelib.kernel.money import tenge
from chalicelib.payouts import actions, store
from chalicelib.payouts.rules.payments import PaymentLine, file_ids
from tests.payouts import builders
from tests.payouts.bank import Line, camt_053, csv, pain_002, status_report
from tests.payouts.builders import FINANCE, JOB, NOW, allot, balance, released, run

SITES = ("site-aaaa", "site-bbbb", "site-cccc")
SUM = tenge(65_000)
TRANSIT = ledger.transit("run-aaaa")
FORMS = {"csv": csv, "pain.002": pain_002, "camt.053": camt_053}
# What becomes of one line on its way to us.
SPOILT = ("as it is", "dropped", "doubled", "wrong sum", "unknown id", "in part")


@pytest.fixture
def town(tables: Any) -> Any:
    """Three kindergartens' payments are with the bank; what it says is drawn anew each time."""
    for n, site_id in enumerate(SITES[2:], start=3):
        builders.HEADS.setdefault(
            site_id,
            replace(
                builders.HEAD, subject=f"head-{n}", organisations=frozenset({f"org-{site_id}"})
            ),
        )
    allot()
    for site_id in SITES:
        released(site_id)
    run()
    return tables


def spoil(lines: list[Line], how: list[str]) -> list[Line]:
    told: list[Line] = []
    for line, what in zip(lines, how, strict=True):
        if what == "dropped":
            continue
        if what == "wrong sum":
            told.append(replace(line, tiyn=line.tiyn - 1))
        elif what == "unknown id":
            told.append(replace(line, name=line.name[::-1]))
        elif what == "in part":
            told.append(replace(line, said="partial", tiyn=line.tiyn // 2))
        else:
            told += [line] * (2 if what == "doubled" else 1)
    return told


def state_of_the_store(lines: list[PaymentLine]) -> dict[str, tuple[str, bool]]:
    """Return of each payment its state and whether it has an open case."""
    found = {}
    for line in store.find_payments([one.end_to_end_id for one in lines]):
        case = store.find_case(line.end_to_end_id)
        found[line.end_to_end_id] = line.state, case is not None and case.value.is_open
    return found


def check_every_amount(lines: list[PaymentLine]) -> None:
    states = state_of_the_store(lines)
    listed = [
        case_id for _, case_id in store.list_cases("taldykorgan", "open", after=None, limit=99)
    ]
    assert len(listed) == len(set(listed))
    in_transit = 0
    for line in lines:
        state, has_case = states[line.end_to_end_id]
        assert state in ("settled", "returned", "refused") or has_case, state
        assert listed.count(line.end_to_end_id) == int(has_case)
        home = ledger.paid(line.organisation_id)
        back = ledger.returned(line.organisation_id)
        assert balance(home) == (SUM if state == "settled" else 0)
        assert balance(back) == (SUM if state in ("returned", "refused") else 0)
        in_transit += SUM if state in ("sent", "open-case") else 0
        for claim in store.find_claims(line.claims):
            assert claim.value.state == state
    assert balance(TRANSIT) == in_transit


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_a15_every_amount_settles_comes_back_or_stands_in_exactly_one_case(
    town: Any, data: st.DataObject
) -> None:
    town.wipe()
    allot()
    for site_id in SITES:
        released(site_id)
    run()
    lines = actions.see_run("run-aaaa", by=FINANCE)[1]
    for number in range(data.draw(st.integers(0, 3), label="answers")):
        said = data.draw(st.lists(st.sampled_from(["settled", "returned"]), min_size=3, max_size=3))
        how = data.draw(st.lists(st.sampled_from(SPOILT), min_size=3, max_size=3))
        told = spoil(
            [
                Line(line.end_to_end_id, what, SUM, "AC04" if what == "returned" else "")
                for line, what in zip(lines, said, strict=True)
            ],
            how,
        )
        told = data.draw(st.permutations(told))
        partial = any(line.said == "partial" for line in told)
        form = "csv" if partial else data.draw(st.sampled_from(sorted(FORMS)))
        if not told:
            continue
        content = FORMS[form](told)
        first = actions.take_answer(f"answer-{number}", content, by=FINANCE, now=NOW)
        assert len(first.told) == len(told)
        before = town.dump()
        again = actions.take_answer(f"answer-{number}", content, by=FINANCE, now=NOW)
        assert again == first
        assert town.dump() == before

    late = NOW + timedelta(days=10)
    for line in lines:
        actions.lapse_answer(line.end_to_end_id, by=JOB, now=late)

    check_every_amount(lines)


def test_a15_the_same_file_under_another_id_does_nothing_again(town: Any) -> None:
    lines = actions.see_run("run-aaaa", by=FINANCE)[1]
    content = csv([Line(one.end_to_end_id, "settled", SUM) for one in lines])
    actions.take_answer("answer-1", content, by=FINANCE, now=NOW)
    before = state_of_the_store(lines)

    again = actions.take_answer("answer-2", content, by=FINANCE, now=NOW)

    assert (again.same_as, {told.became for told in again.told}) == ("answer-1", {"already"})
    assert state_of_the_store(lines) == before


def test_a15_a_file_that_the_bank_refused_as_a_whole_comes_back_payment_by_payment(
    town: Any,
) -> None:
    message, _ = file_ids("run-aaaa")
    group = f"<OrgnlCtrlSum>{3 * SUM // 100}</OrgnlCtrlSum><GrpSts>RJCT</GrpSts>"
    content = status_report(group=group, message=message)

    told = actions.take_answer("answer-1", content, by=FINANCE, now=NOW).told

    assert [one.became for one in told] == ["refused"] * 3
    check_every_amount(actions.see_run("run-aaaa", by=FINANCE)[1])


def test_a15_a_whole_file_with_another_sum_is_one_case(town: Any) -> None:
    message, _ = file_ids("run-aaaa")
    group = "<OrgnlCtrlSum>1</OrgnlCtrlSum><GrpSts>ACSC</GrpSts>"
    told = actions.take_answer(
        "answer-1", status_report(group=group, message=message), by=FINANCE, now=NOW
    ).told

    assert [(one.became, one.reason) for one in told] == [("open-case", "unknown-id")]
    assert balance(TRANSIT) == 3 * SUM
