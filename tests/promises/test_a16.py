"""A16: queue, seats and vouchers are rebuilt from the journal, to the byte, in the midst of a run.

The drill: a run is giving out its vouchers when the runner dies and the tables of the queue, of the
places and of everything that is known about children are gone. One command makes them again
(`kezek rebuild`), the run is taken up, and at its end the store is that of a run that nothing
disturbed: every row of every table, entries of the journal and notices of families included.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from chalicelib.queue import actions, store
from chalicelib.storage.rows import FactsRow, QueueRow
from infra import rebuild
from infra.local import faults
from infra.local.testing import TestTables
from tests.queue import city

RUN = "run-of-the-drill"
AT_A_TIME = 4
Rows = dict[str, list[dict[str, Any]]]


def begin() -> None:
    city.a_small_city(40, 5, journaled=True)
    city.released(RUN)


def finish() -> None:
    city.finished(RUN, most=AT_A_TIME)
    actions.publish(
        "checkpoint-of-the-drill",
        programme=city.PROGRAMME,
        area=city.AREA,
        by=city.JOB,
        now=city.LATER,
    )


def destroy(*models: type[Any]) -> int:
    """Lose every row of some tables; return how many."""
    lost = 0
    for model in models:
        for row in model.scan(consistent_read=True):
            row.delete()
            lost += 1
    return lost


def rows(tables: TestTables) -> Rows:
    """Return all rows; what counts requests left out."""
    return tables.effects()


@pytest.fixture
def undisturbed(tables: TestTables, one_salt: None) -> Rows:
    """The store after a run that nothing disturbed; the tables are empty again."""
    begin()
    finish()
    kept = rows(tables)
    issued = store.load_run(RUN).value
    assert issued.state == "committed" and issued.issued > 2 * AT_A_TIME
    tables.wipe()
    return kept


@pytest.mark.parametrize("dies_at", ["before a voucher", "after a voucher", "between two parts"])
def test_a16_a_run_goes_on_after_its_tables_were_lost_as_if_nothing_had_happened(
    dies_at: str, tables: TestTables, undisturbed: Rows
) -> None:
    begin()
    assert actions.commit_part(RUN, by=city.JOB, now=city.LATER, most=AT_A_TIME)
    if dies_at != "between two parts":
        with pytest.raises(faults.Crash), dying_at(2, written=dies_at == "after a voucher"):
            actions.commit_part(RUN, by=city.JOB, now=city.LATER, most=AT_A_TIME)
    assert 0 < store.load_run(RUN).value.issued < store.load_run(RUN).value.vouchers

    lost = destroy(QueueRow, FactsRow)
    told = rebuild.run()

    assert told["rows that differ"] == 0
    assert told["rows written in queue"] + told["rows written in facts"] == lost
    finish()
    assert rows(tables) == undisturbed


@contextmanager
def dying_at(voucher: int, *, written: bool) -> Iterator[None]:
    """Let the runner die at its n-th voucher from now on, before or after that is written."""
    commits = itertools.count(1)

    def plan(call: faults.Call, send: faults.Send) -> Any:
        if call.operation == "TransactWriteItems" and next(commits) == voucher:
            if written:
                send()
            raise faults.Crash(call.operation)
        return None

    with faults.planned(plan):
        yield


def test_a16_a_rebuild_that_was_killed_itself_is_begun_again(
    tables: TestTables, undisturbed: Rows
) -> None:
    begin()
    assert actions.commit_part(RUN, by=city.JOB, now=city.LATER, most=AT_A_TIME)
    destroy(QueueRow, FactsRow)

    with pytest.raises(faults.Crash), faults.crash(after=30):
        rebuild.run()
    assert rebuild.run()["rows that differ"] == 0

    finish()
    assert rows(tables) == undisturbed


def test_a16_a_stopped_run_is_wound_up_after_its_tables_were_lost(
    tables: TestTables, one_salt: None
) -> None:
    def stop(*, disturbed: bool) -> Rows:
        tables.wipe()
        begin()
        assert actions.commit_part(RUN, by=city.JOB, now=city.LATER, most=AT_A_TIME)
        actions.stop(RUN, reason="outage", by=city.SECOND, now=city.LATER)
        if disturbed:
            destroy(QueueRow, FactsRow)
            assert rebuild.run()["rows that differ"] == 0
        finish()
        return rows(tables)

    assert stop(disturbed=True) == stop(disturbed=False)


def test_a16_a_row_that_was_altered_by_hand_is_put_right(
    tables: TestTables, one_salt: None
) -> None:
    begin()
    before = rows(tables)
    for row in QueueRow.scan(consistent_read=True):
        if row.body and "ticket-0003" in row.body:
            row.body = row.body.replace("ticket-0003", "ticket-9999")
            row.save()
    assert rows(tables) != before

    told = rebuild.run()

    assert told["rows written in queue"] == 1
    assert rows(tables) == before
