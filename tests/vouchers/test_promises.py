"""Promises A1 and A16 of this slice: one effect however often, rows rebuilt from the journal."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from chalicelib.journal import store as journal
from chalicelib.journal.store import EntryRow, Image
from chalicelib.vouchers import actions
from infra.local import faults, testing
from tests.vouchers.builders import BOT, NOW, OTHER_SITE, TODAY, Town, later

A, B, FULL = "group-aaaa", "group-bbbb", "group-full"
Step = Callable[[], object]


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
    "offer",
    "accept",
    "decline",
    "lapse",
    "seat-ends",
)


def rows(tables: testing.TestTables) -> Counter[str]:
    """Return how many rows of each sort stand in the tables; ids of people are random."""
    return Counter(
        f"{table}:{row['pk']['S'].partition('#')[0]}:{row['sk']['S'].partition('#')[0][:9]}"
        f":{row.get('v', {}).get('N')}"
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


@pytest.mark.parametrize("what", ["transfer", "close", "accept", "decline", "lapse", "seat-ends"])
def test_a16_the_rows_are_rebuilt_from_the_journal(tables: testing.TestTables, what: str):
    prepared(what)()

    newest: dict[tuple[str, str, str], Image] = {}
    for row in EntryRow.scan():
        for image in journal.images_of(row):
            key = (image.table, image.pk, image.sk)
            if key not in newest or newest[key].version < image.version:
                newest[key] = image
    stand = {
        (table, row["pk"]["S"], row["sk"]["S"]): row
        for table in ("facts", "queue", "attendance")
        for row in next(d for n, d in tables.dump().items() if n.endswith(table))
    }
    # Sites and groups of the town were set up without a journal.
    ours = {key: image for key, image in newest.items() if image.attributes is not None}
    gone = {key for key, image in newest.items() if image.attributes is None}
    assert all(stand[key] == image.attributes for key, image in ours.items())
    assert not gone & stand.keys()
    mine = ("VOUCHER#", "WAITING#", "ROSTER#")
    assert {k for k in stand if k[1].startswith(mine)} <= ours.keys()
