"""Promises A1 and A16 of this slice: one effect however often, rows rebuilt from the journal."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from chalicelib.vouchers import actions
from infra.local import testing
from tests.vouchers.builders import BOT, NOW, OTHER_SITE, TODAY, Town, later
from tests.vouchers.promises import Step, has_one_effect, is_rebuilt

A, B, FULL = "group-aaaa", "group-bbbb", "group-full"


def prepared(what: str) -> Step:
    """Return an operation, ready to be sent, in a fresh town."""
    town = Town()
    town.group(A, capacity=4), town.group(B, site_id=OTHER_SITE), town.group(FULL, capacity=1)
    ids = iter(f"enrolment-{n}" for n in range(1, 99))

    def parent(voucher_id: str) -> dict[str, Any]:
        return {"by": town.parents[voucher_id], "now": NOW}

    match what:
        case "choose":
            one = town.confirmed(A)
            return lambda: actions.choose(one, B, **parent(one))
        case "papers":
            one = town.confirmed(A)
            return lambda: town.papers(one, "refused")
        case "sign":
            one = town.confirmed(A)
            town.papers(one)
            return lambda: actions.sign(one, TODAY, **parent(one), name_enrolment=lambda: next(ids))
        case "transfer":
            one = town.enrolled(A)
            return lambda: actions.transfer(one, B, **parent(one), name_enrolment=lambda: next(ids))
        case "close":
            one = town.enrolled(A)
            return lambda: actions.close(one, "withdrawal", date(2026, 3, 9), **parent(one))
        case "join":
            town.confirmed(FULL)
            one = town.confirmed(A)
            return lambda: actions.join(one, FULL, **parent(one))
        case "stand":
            town.confirmed(FULL)
            one = town.confirmed(A)
            actions.join(one, FULL, **parent(one))
            return lambda: actions.join(one, FULL, standing=True, rank=1, **parent(one))
        case "lapse":
            one = town.confirmed(A)
            return lambda: actions.lapse_contract(one, by=BOT, now=later(days=30))
        case "seat-ends":
            one = town.enrolled(A)
            actions.close(one, "withdrawal", TODAY, **parent(one))
            return lambda: actions.end_seats(one, by=BOT, now=later(days=1))
    one, leaving = town.confirmed(A), town.confirmed(FULL)
    actions.join(one, FULL, **parent(one))
    actions.close(leaving, "withdrawal", None, **parent(leaving))
    if what == "offer":
        return lambda: actions.offer_seats(FULL, by=BOT, now=NOW)
    actions.offer_seats(FULL, by=BOT, now=NOW)
    return lambda: actions.answer(one, FULL, accept=what == "accept", **parent(one))


OPERATIONS = (
    "choose",
    "papers",
    "sign",
    "transfer",
    "close",
    "join",
    "stand",
    "offer",
    "accept",
    "decline",
    "lapse",
    "seat-ends",
)


@pytest.mark.parametrize("what", OPERATIONS)
def test_a1_an_operation_that_dies_anywhere_and_is_sent_again_has_one_effect(
    tables: testing.TestTables, what: str
):
    has_one_effect(tables, lambda: prepared(what))


@pytest.mark.parametrize(
    "what", ["transfer", "close", "stand", "accept", "decline", "lapse", "seat-ends"]
)
def test_a16_the_rows_are_rebuilt_from_the_journal(tables: testing.TestTables, what: str):
    prepared(what)()

    is_rebuilt(tables, ("VOUCHER#", "WAITING#", "ROSTER#"))
