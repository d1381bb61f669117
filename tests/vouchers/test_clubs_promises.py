"""Promises A1 and A16 for vouchers that hold money: one effect, and books that balance."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from chalicelib.vouchers import actions
from chalicelib.vouchers.actions import TargetAsked
from infra.local import testing
from tests.vouchers.clubs import BOT, FIGHT, NOW, OPERATOR, PLAY, RUN, TODAY, City
from tests.vouchers.promises import Step, has_one_effect, is_rebuilt
from tests.vouchers.test_taking_over import a_row

OPERATIONS = ("choose", "sign", "switch", "close", "target", "import", "renew", "warn", "end")
WINTER = {
    "renew": datetime(2026, 12, 7, 4, tzinfo=UTC),
    "warn": datetime(2026, 12, 7, 4, tzinfo=UTC),
    "end": datetime(2027, 1, 1, 22, tzinfo=UTC),
}


def prepared(what: str) -> Step:
    """Return an operation, ready to be sent, in a fresh city."""
    city = City()
    ids = iter(f"enrolment-{n}" for n in range(1, 99))

    def parent(voucher_id: str) -> dict[str, Any]:
        return {"by": city.parents[voucher_id], "now": NOW}

    match what:
        case "choose":
            one = city.issued()
            return lambda: city.choose(one, PLAY)
        case "sign":
            one = city.issued()
            city.choose(one, FIGHT)
            return lambda: actions.sign(one, TODAY, **parent(one), name_enrolment=lambda: next(ids))
        case "switch":
            one = city.enrolled(FIGHT)
            return lambda: actions.transfer(
                one, PLAY, **parent(one), name_enrolment=lambda: next(ids)
            )
        case "close":
            one = city.enrolled(FIGHT)
            return lambda: city.close(one, date(2026, 10, 9))
        case "target":
            by, child, _ = city.family()
            asked = TargetAsked(group_id=RUN, child=child, starts_on=TODAY)
            return lambda: actions.target("voucher-target", asked, by=by, now=NOW)
        case "import":
            row = a_row()
            return lambda: actions.import_voucher("voucher-import", row, by=OPERATOR, now=NOW)
    city.enrolled(FIGHT)
    if what == "renew":
        city.allot(2027, 12, ("sport",))
    now = WINTER[what]
    begin = actions.Pass()
    return lambda: actions.renew_some("clubs", "karaganda", begin, by=BOT, now=now)


@pytest.mark.parametrize("what", OPERATIONS)
def test_a1_an_operation_that_dies_anywhere_and_is_sent_again_has_one_effect(
    tables: testing.TestTables, what: str
):
    has_one_effect(tables, lambda: prepared(what))


@pytest.mark.parametrize("what", OPERATIONS)
def test_a16_the_rows_are_rebuilt_from_the_journal_and_the_books_sum_to_zero(
    tables: testing.TestTables, what: str
):
    prepared(what)()

    is_rebuilt(tables, ("VOUCHER#", "WAITING#", "ROSTER#", "RESERVED#"))
    balances = [
        int(row["balance_tiyn"]["N"])
        for name, found in tables.dump().items()
        for row in found
        if name.endswith("money") and "balance_tiyn" in row
    ]
    assert balances and sum(balances) == 0
