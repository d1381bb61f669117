"""Promises A1 and A16 for vouchers that hold money: one effect, and books that balance."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from chalicelib.journal import store as journal
from chalicelib.journal.store import EntryRow, Image
from chalicelib.vouchers import actions
from chalicelib.vouchers.actions import TargetAsked
from infra.local import faults, testing
from tests.vouchers.clubs import BOT, FIGHT, NOW, OPERATOR, PLAY, RUN, TODAY, City
from tests.vouchers.test_taking_over import a_row

Step = Callable[[], object]
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


def rows(tables: testing.TestTables) -> Counter[str]:
    """Return how many rows of each sort stand in the tables; ids of people are random."""
    return Counter(
        f"{table}:{row['pk']['S'].partition('#')[0]}:{row['sk']['S'].partition('#')[0][:9]}"
        f":{row.get('v', {}).get('N')}:{row.get('balance_tiyn', {}).get('N')}"
        for table, found in tables.dump().items()
        for row in found
        if not table.endswith(("vault", "keys", "journal"))
    )


@pytest.mark.parametrize("what", OPERATIONS)
def test_a1_an_operation_that_dies_anywhere_and_is_sent_again_has_one_effect(
    tables: testing.TestTables, what: str
):
    step = prepared(what)
    with faults.watch() as seen:
        step()
    clean = rows(tables)
    writes = [n for n, call in enumerate(seen.calls, 1) if call.writes]
    assert writes

    for number in writes:
        for fault in (
            faults.crash(before=number),
            faults.crash(after=number),
            faults.lost_answer(number),
            faults.conflict(number),
        ):
            tables.wipe()
            step = prepared(what)
            # Whatever the caller sees, it sends the same again.
            with fault, contextlib.suppress(faults.Crash, Exception):
                step()
            step()
            once = tables.dump()
            step()
            assert rows(tables) == clean
            assert tables.dump() == once


@pytest.mark.parametrize("what", OPERATIONS)
def test_a16_the_rows_are_rebuilt_from_the_journal_and_the_books_sum_to_zero(
    tables: testing.TestTables, what: str
):
    prepared(what)()

    newest: dict[tuple[str, str, str], Image] = {}
    for row in EntryRow.scan():
        for image in journal.images_of(row):
            key = (image.table, image.pk, image.sk)
            if key not in newest or newest[key].version < image.version:
                newest[key] = image
    dumped = tables.dump()
    stand = {
        (table, row["pk"]["S"], row["sk"]["S"]): row
        for table in ("facts", "queue", "attendance")
        for row in next(d for n, d in dumped.items() if n.endswith(table))
    }
    ours = {key: image for key, image in newest.items() if image.attributes is not None}
    gone = {key for key, image in newest.items() if image.attributes is None}
    assert all(
        stand[k] == i.attributes
        for k, i in ours.items()
        if k[0] in dict.fromkeys(("facts", "queue", "attendance"))
    )
    assert not gone & stand.keys()
    mine = ("VOUCHER#", "WAITING#", "ROSTER#", "RESERVED#")
    assert {k for k in stand if k[1].startswith(mine)} <= ours.keys()
    balances = [
        int(row["balance_tiyn"]["N"])
        for name, found in dumped.items()
        for row in found
        if name.endswith("money") and "balance_tiyn" in row
    ]
    assert balances and sum(balances) == 0
