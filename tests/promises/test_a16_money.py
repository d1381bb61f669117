"""A16: money is rebuilt from the journal, to the byte, in the midst of a month.

The drill: a bank's answer is being taken when the runner dies, and every row of money is gone, and
with them what was said of timesheets and what was odd in them. One command makes them again, the
answer is sent once more, and at the end the store is that of a month that nothing disturbed: hot
accounts that lie in several rows, claims, payments, open cases, signals, the audit's nights.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.journal import actions as journal
from chalicelib.payouts import actions as payouts
from chalicelib.payouts.rules.cases import Decision, unknown_id
from chalicelib.payouts.rules.clock import SiteClock
from chalicelib.signals import actions as signals
from chalicelib.storage.rows import AttendanceRow, MoneyRow
from infra import rebuild
from infra.local import faults
from infra.local.testing import TestTables
from tests.promises.money import (
    ACCOUNTS,
    AREA,
    DAYS,
    JOB,
    MARCH,
    OFFICE,
    OFFICER,
    SECOND,
    SITES,
    Town,
    a_town,
)
from tests.promises.test_a16 import Rows, dying_at

pytestmark = pytest.mark.usefixtures("one_salt")
LOOK = OFFICE + timedelta(days=2)
Happens = Callable[[], None]


def destroy() -> int:
    """Lose all of money, and of attendance what the journal knows; return how many rows."""
    known = {(image.table, image.pk, image.sk) for image in journal.newest_images().values()}
    lost = 0
    for model in (MoneyRow, AttendanceRow):
        with model.batch_write() as batch:
            for row in model.scan(consistent_read=True):
                if model is MoneyRow or ("attendance", row.pk, row.sk) in known:
                    batch.delete(row)
                    lost += 1
    return lost


def month(happens: Happens, *, dying: bool) -> Town:
    """Walk a month from its bills to what the night's audit says; something happens twice."""
    town = a_town(allotted=500_000_000)
    odd, *_ = (s for one in SITES for s in signals.judge_month(one, MARCH, by=JOB, now=OFFICE))
    for site_id in SITES:
        town.bill(site_id)
    signals.decide(
        odd.signal_id,
        verdict="dismissed",
        reason="explained",
        note_code="",
        seen=odd.digest,
        by=OFFICER,
        now=OFFICE,
    )
    town.settle_down()
    first, second = (town.newest(site_id) for site_id in SITES)
    for claim in (first, second):
        town.sign(claim)
        town.agree(claim)
        town.release(claim)
    one, two = town.pay("run-1")
    rows = (
        (one.end_to_end_id, "settled", one.amount_tiyn),
        ("unknown-1", "settled", 100),
        (two.end_to_end_id, "settled", two.amount_tiyn - 100),
    )
    if dying:
        with pytest.raises(faults.Crash), dying_at(2, written=True):
            town.answer("answer-1", *rows)
    happens()
    assert town.answer("answer-1", *rows) == ["settled", "open-case", "open-case"]
    document: Any = {"why": "bank-letter", "document": "No. 1"}
    for case_id, decision in (
        (unknown_id(AREA, "unknown-1"), Decision(what="closed", **document)),
        (two.end_to_end_id, Decision(what="returned", **document)),
    ):
        payouts.decide_case(case_id, decision, by=SECOND, now=OFFICE)
    town.decide(4, "site-1", DAYS[0], counts=True)
    town.decide(3, "site-0", DAYS[5], counts=False, doubled=True)
    town.settle_down()
    town.audit(OFFICE + timedelta(days=1))
    happens()
    return town


def rows(tables: TestTables) -> Rows:
    """Return all rows but what never repeats (seals, their keys) and what the next look sees."""
    return {
        table: [row for row in found if not row["pk"]["S"].startswith("CLOCK#")]
        for table, found in tables.effects().items()
        if not table.endswith(("-vault", "-keys"))
    }


def clocks() -> list[SiteClock]:
    """Look at both sites' clocks; return what is seen."""
    return [payouts.refresh(site_id, MARCH, now=LOOK) for site_id in SITES]


def test_a16_a_month_goes_on_after_its_money_was_lost_as_if_nothing_had_happened(
    tables: TestTables,
) -> None:
    month(lambda: None, dying=False)
    undisturbed, seen = rows(tables), clocks()
    tables.wipe()
    losses: list[int] = []

    def lost_and_rebuilt() -> None:
        losses.append(destroy())
        told = rebuild.run()
        assert told["rows that differ"] == 0

    town = month(lost_and_rebuilt, dying=True)

    assert len(losses) == 2 and min(losses) > 20
    found = rows(tables)
    for table, kept in undisturbed.items():
        assert found[table] == kept, table
    assert clocks() == seen
    kinds = {row.pk.partition("#")[0] for row in MoneyRow.scan(consistent_read=True)}
    assert kinds >= {"ACCOUNT", "CASE", "CASES", "CLAIM", "CLOCK", "PAYMENT", "SELFAUDIT"}
    assert MoneyRow.count(f"ACCOUNT#{ACCOUNTS[1]}#3") > 0, "a budget in several rows"
    view = town.view("run-1")
    assert len(view["cases"]) == 2
