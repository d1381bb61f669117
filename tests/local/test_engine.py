"""The data engine: what was acknowledged outlives kill -9, and upkeep loses nothing."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.storage.tables import definitions, ttl_attributes
from infra.local import engine, tables
from infra.local.engine import Engine, EngineTampered
from infra.local.places import free_port
from infra.local.testing import STAGE, TestTables

_KILLS, _WRITERS = 3, 4


@pytest.fixture
def dynoxide(tmp_path: Path) -> Engine:
    """dynoxide on disk. Where it cannot be had, durability is not proven: CI must say so."""
    binary, why = engine.dynoxide()
    if binary is None:
        message = f"durability is unproven here, ministack does not survive kill -9: {why}"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.fail(f"{message} (install npm)")
    return engine.choose(
        port=free_port(),
        database=tmp_path / "tables.sqlite",
        state=tmp_path,
        wish="dynoxide",
        say=lambda line: None,
    )


def start(chosen: Engine, tmp_path: Path) -> subprocess.Popen[bytes]:
    process = engine.spawn(chosen, tmp_path / "engine.log")
    engine.wait_until_ready(chosen.endpoint, process)
    return process


class Writer(threading.Thread):
    """Writes pairs in transactions until told to stop; keeps what was acknowledged."""

    def __init__(self, endpoint: str, name: str) -> None:
        super().__init__(daemon=True)
        self.client = engine.client("dynamodb", endpoint)
        self.name = name
        self.acknowledged: list[str] = []
        self.stopping = False

    def run(self) -> None:
        n = 0
        while not self.stopping:
            n += 1
            key = f"{self.name}-{n}"
            puts = [
                {"Put": {"TableName": table, "Item": {"pk": {"S": key}, "sk": {"S": "1"}}}}
                for table in ("kezek-kill-facts", "kezek-kill-journal")
            ]
            try:
                self.client.transact_write_items(TransactItems=puts)
            except (BotoCoreError, ClientError):
                time.sleep(0.02)
                continue
            self.acknowledged.append(key)


def rows(client: Any, table: str) -> set[str]:
    pages = client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    return {row["pk"]["S"] for page in pages for row in page["Items"]}


def test_kill_9_under_concurrent_writers_loses_nothing_acknowledged_and_tears_nothing(
    dynoxide: Engine, tmp_path: Path
) -> None:
    process = start(dynoxide, tmp_path)
    client = engine.client("dynamodb", dynoxide.endpoint)
    tables.create(client, definitions("kill"), ttl_attributes())
    assert dynoxide.database is not None
    tables.prepare_database(dynoxide.database)
    writers = [Writer(dynoxide.endpoint, f"w{n}") for n in range(_WRITERS)]
    for writer in writers:
        writer.start()

    for _ in range(_KILLS):
        before = sum(len(w.acknowledged) for w in writers)
        time.sleep(0.4)
        assert sum(len(w.acknowledged) for w in writers) > before
        process.kill()
        process.wait()
        process = start(dynoxide, tmp_path)
    for writer in writers:
        writer.stopping = True
    for writer in writers:
        writer.join(10)

    facts, journal = rows(client, "kezek-kill-facts"), rows(client, "kezek-kill-journal")
    acknowledged = {key for writer in writers for key in writer.acknowledged}
    process.kill()
    process.wait()
    assert len(acknowledged) > 100
    assert acknowledged <= facts
    # Both halves of every transaction or neither, acknowledged or not.
    assert facts == journal


def test_trimming_keeps_the_newest_record_and_what_was_not_passed(tables: TestTables) -> None:
    from infra.local.tables import newest_record, trim_stream

    database = tables.engine.engine.database
    if database is None:
        assert tables.engine.engine.name != "dynoxide"
        return
    table = f"kezek-{STAGE}-journal"
    for n in range(10):
        item = {"pk": {"S": f"a{n}"}, "sk": {"S": "1"}}
        tables.client.put_item(TableName=table, Item=item)

    assert trim_stream(database, table, 4) == 3
    assert trim_stream(database, table, 4) == 0
    assert trim_stream(database, table, 999) == 6
    tables.client.put_item(TableName=table, Item={"pk": {"S": "b"}, "sk": {"S": "1"}})
    assert newest_record(database, table) == 11


def test_rows_whose_time_is_over_are_swept_and_no_others(tables: TestTables) -> None:
    from infra.local.tables import sweep_expired

    database = tables.engine.engine.database
    if database is None:
        assert tables.engine.engine.name != "dynoxide"
        return
    table, now = f"kezek-{STAGE}-facts", datetime(2026, 3, 2, tzinfo=UTC)
    for name, at in (("past", -1), ("now", 0), ("later", 60)):
        expires = str(int(now.timestamp()) + at)
        item = {"pk": {"S": name}, "sk": {"S": "1"}, "expires_at": {"N": expires}}
        tables.client.put_item(TableName=table, Item=item)
    tables.client.put_item(TableName=table, Item={"pk": {"S": "never"}, "sk": {"S": "1"}})

    assert sweep_expired(database, tables.client, {table: "expires_at"}, now=now) == 1
    assert [row["pk"]["S"] for row in tables.dump()[table]] == ["later", "never", "now"]


def test_a_given_endpoint_is_used_and_nothing_is_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DYNAMODB_ENDPOINT", "http://127.0.0.1:8500/")

    chosen = engine.choose(port=1, database=tmp_path / "x", state=tmp_path, say=lambda line: None)

    assert (chosen.name, chosen.endpoint, chosen.command) == (
        "given",
        "http://127.0.0.1:8500",
        None,
    )


def test_without_npm_ministack_is_chosen_with_one_line_that_says_what_it_cannot(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    said: list[str] = []
    monkeypatch.delenv("DYNAMODB_ENDPOINT", raising=False)
    monkeypatch.setattr(engine, "home", lambda: tmp_path)
    monkeypatch.setattr("shutil.which", lambda name: None)
    program = tmp_path / "ministack-venv" / "bin" / "ministack"
    program.parent.mkdir(parents=True)
    program.touch()

    chosen = engine.choose(port=1, database=tmp_path / "x", state=tmp_path / "s", say=said.append)

    assert (chosen.name, chosen.durable) == ("ministack", False)
    assert said == ["npm is not installed: using ministack instead, which loses data on kill -9"]
    assert chosen.environment["BIND_HOST"] == "127.0.0.1"


def test_an_engine_that_differs_from_its_pin_is_not_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package = "@dynoxide/linux-x64"
    binary = tmp_path / "engine" / "node_modules" / package / "dynoxide"

    def fetch(folder: Path) -> str:
        binary.parent.mkdir(parents=True, exist_ok=True)
        binary.write_bytes(b"something else")
        return ""

    monkeypatch.setattr(engine, "home", lambda: tmp_path)
    monkeypatch.setattr(engine, "_package", lambda: package)
    monkeypatch.setattr(engine, "_npm_install", fetch)

    with pytest.raises(EngineTampered):
        engine.dynoxide()
