"""A claim's states, steps and reasons are said in words."""

from __future__ import annotations

from typing import get_args

from chalicelib.edge.texts import catalogue
from chalicelib.payouts.rules import cases, claims
from chalicelib.signals.rules import Reason


def without_words(slice_name: str, fact: str, codes: set[str]) -> list[str]:
    assert codes
    return sorted(c for c in codes if f"word:{slice_name}/{fact}/{c}" not in catalogue())


def test_every_state_and_step_of_a_claim_has_its_word():
    assert without_words("payouts", "state", set(get_args(claims.State))) == []
    assert without_words("payouts", "step", set(get_args(claims.Move))) == []


def test_every_reason_why_money_did_not_go_has_its_word():
    reasons = {*claims.DECLINE_REASONS, *get_args(cases.Why), "partial", "returned", "-"}
    assert without_words("payouts", "reason", reasons) == []
    assert without_words("signals", "reason", set(get_args(Reason))) == []


def test_every_field_of_a_decision_has_its_word():
    assert without_words("payouts", "field", {"payment", "settled_tiyn", "claim"}) == []
