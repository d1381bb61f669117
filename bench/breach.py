"""The breach drill on a million look entries: `python -m bench breach`, some minutes.

Entries are put straight into the engine's file, because writing a million through its door is not
what is measured; they are read through it, as in life.

Two cases: one caller of a thousand (the usual inquiry), and one caller who made a quarter of a
million looks in a month (an account that scraped all it could). The promise is an hour (B14).
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.gates import Gate

ENTRIES = 1_000_000
LIMIT_S = 3600


def run() -> list[Gate]:
    """Write the entries, ask twice; return a gate per case."""
    since = datetime(2026, 2, 1, tzinfo=UTC)
    until = since + timedelta(days=28)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _prepare(folder)
        from chalicelib.rights.actions import breaching
        from infra.local import testing
        from tests.promises.looks import Crowd, entries

        crowd = Crowd(subjects=1000, children=50_000, since=since, days=28)
        with testing.running_engine(folder) as engine:
            test_tables = testing.TestTables(engine)
            database = engine.engine.database
            assert database is not None, "dynoxide's file is needed"
            began = time.perf_counter()
            looks = entries(crowd, ENTRIES, thief="thief-000001", share=4)
            _put(database, test_tables.names, looks)
            written = time.perf_counter() - began
            gates = []
            cases = (("one of a thousand", "subject-000007"), ("scraper", "thief-000001"))
            for case, subject in cases:
                began = time.perf_counter()
                found = breaching.exposed(subject=subject, since=since, until=until, now=until)
                took = time.perf_counter() - began
                gates.append(
                    Gate(
                        f"breach drill, {case}",
                        f"{took:.1f} s: {found.looks} looks, {len(found.children)} children "
                        f"of {ENTRIES} entries (written in {written:.0f} s)",
                        f"{LIMIT_S} s",
                        took < LIMIT_S,
                    )
                )
    return gates


def _prepare(folder: Path) -> None:
    from chalicelib.storage import secrets
    from infra.local import testing
    from infra.local.places import credentials

    os.environ.update(credentials())
    os.environ.update({"KEZEK_STAGE": testing.STAGE, "POWERTOOLS_TRACE_DISABLED": "true"})
    secrets.new_keyring_file(folder / "keys.json")
    os.environ["KEZEK_KEYS_FILE"] = str(folder / "keys.json")
    secrets.forget_keyring()


def _put(database: Path, names: list[str], looks: Iterator[Any]) -> None:
    from tests.promises.looks import row_of

    (table,) = (name for name in names if name.endswith("-looks"))
    with closing(sqlite3.connect(database, timeout=60.0)) as db, db:
        # The name is of our own definitions.
        db.executemany(
            f'INSERT OR REPLACE INTO "{table}" (pk, sk, item_json, item_size, hash_prefix)'
            " VALUES (?, ?, ?, ?, ?)",
            map(_columns, map(row_of, looks)),
        )


def _columns(row: dict[str, Any]) -> tuple[str, str, str, int, str]:
    said = json.dumps(row)
    pk, sk = row["pk"]["S"], row["sk"]["S"]
    return f"S:{pk}", f"S:{sk}", said, len(said), hashlib.sha256(pk.encode()).hexdigest()[:6]
