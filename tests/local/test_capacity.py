"""Capacity units are counted per table, by every process, and added up."""

from __future__ import annotations

from pathlib import Path

import pytest

from chalicelib.storage import client
from chalicelib.storage.rows import FactsRow
from infra.local.capacity import Counted, total


@pytest.mark.usefixtures("tables")
def test_units_of_reads_and_writes_are_added_up_over_processes(tmp_path: Path) -> None:
    client.forget()
    FactsRow._connection = None
    one, other = Counted(tmp_path), Counted(tmp_path)
    one.watch(client.client())
    other.watch(client.client())

    FactsRow("A", "-", version=1, body="{}").save()
    FactsRow.get("A", "-", consistent_read=True)
    for counted in (one, other):
        counted._write()

    assert total(tmp_path) == {"facts": {"write units": 2.0, "read units": 2.0}}
    client.forget()
    FactsRow._connection = None
