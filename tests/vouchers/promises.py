"""What A1 and A16 ask of any voucher: an operation that dies anywhere, rows against the journal."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable
from typing import Any

from chalicelib.journal import store as journal
from chalicelib.journal.store import EntryRow, Image
from infra.local import faults, testing

Step = Callable[[], object]
RowKey = tuple[str, str, str]
JOURNALED = ("facts", "queue", "attendance")


def has_one_effect(tables: testing.TestTables, prepared: Callable[[], Step]) -> None:
    """Check that an operation which dies at any write and is sent again has one effect.

    prepared: sets up a fresh world and returns the operation, ready to be sent.
    """
    step = prepared()
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
            step = prepared()
            # Whatever the caller sees, it sends the same again.
            with fault, contextlib.suppress(faults.Crash, Exception):
                step()
            step()
            once = tables.dump()
            step()
            assert rows(tables) == clean
            assert tables.dump() == once


def rows(tables: testing.TestTables) -> Counter[str]:
    """Return how many rows of each sort stand in the tables; ids of people are random."""
    return Counter(
        f"{table}:{row['pk']['S'].partition('#')[0]}:{row['sk']['S'].partition('#')[0][:9]}"
        f":{row.get('v', {}).get('N')}:{row.get('balance_tiyn', {}).get('N')}"
        for table, found in tables.dump().items()
        for row in found
        if not table.endswith(("vault", "keys", "journal"))
    )


def is_rebuilt(tables: testing.TestTables, mine: tuple[str, ...]) -> None:
    """Check that the newest images of the journal are the rows that stand.

    mine: how the keys begin of which every row has an image. Others may have been set up without.
    """
    newest: dict[RowKey, Image] = {}
    for row in EntryRow.scan():
        for image in journal.images_of(row):
            key = (image.table, image.pk, image.sk)
            if key not in newest or newest[key].version < image.version:
                newest[key] = image
    stand = standing(tables)
    kept = {key: image for key, image in newest.items() if image.attributes is not None}
    gone = {key for key, image in newest.items() if image.attributes is None}
    assert all(stand[key] == image.attributes for key, image in kept.items() if key[0] in JOURNALED)
    assert not gone & stand.keys()
    assert {key for key in stand if key[1].startswith(mine)} <= kept.keys()


def standing(tables: testing.TestTables) -> dict[RowKey, dict[str, Any]]:
    """Return the rows of the tables whose every change the journal knows."""
    dumped = tables.dump()
    return {
        (table, row["pk"]["S"], row["sk"]["S"]): row
        for table in JOURNALED
        for row in next(found for name, found in dumped.items() if name.endswith(table))
    }
