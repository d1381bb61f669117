"""A claim's states, steps and reasons, and what is wrong with a file, are said in words."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import get_args

import chalicelib.payouts
from chalicelib.edge.texts import catalogue
from chalicelib.payouts.rules import cases, claims, payments
from chalicelib.signals.rules import Reason

ROOT = Path(chalicelib.payouts.__file__).parent


def without_words(slice_name: str, fact: str, codes: set[str]) -> list[str]:
    assert codes
    return sorted(c for c in codes if f"word:{slice_name}/{fact}/{c}" not in catalogue())


def problems() -> set[str]:
    """Return each problem that a refusal of payouts names, as far as it stands in the code."""
    return {
        keyword.value.value
        for file in ROOT.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "problem"
        and isinstance(keyword.value, ast.Constant)
        and isinstance(keyword.value.value, str)
    }


def test_every_state_and_step_of_a_claim_has_its_word():
    assert without_words("payouts", "state", set(get_args(claims.State))) == []
    assert without_words("payouts", "step", set(get_args(claims.Move))) == []


def test_every_reason_why_money_did_not_go_has_its_word():
    reasons = {*claims.DECLINE_REASONS, *get_args(cases.Why), "partial", "returned", "-"}
    assert without_words("payouts", "reason", reasons) == []
    assert without_words("signals", "reason", set(get_args(Reason))) == []


def test_every_problem_of_a_file_or_a_decision_has_its_word():
    already = {f"already-{state}" for state in get_args(payments.LineState)}
    assert len(problems()) > 25
    assert without_words("payouts", "problem", problems() | already) == []
    assert without_words("payouts", "field", {"payment", "settled_tiyn", "claim"}) == []
