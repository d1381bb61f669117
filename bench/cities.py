"""Large invented cities in the tables, put straight into the engine's file.

Writing them through its door is not what is measured; they are read and changed through it, as in
life. A hundred children for a group, three wishes each, some twins; places for some of them.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from infra.local import testing

AGES = (2, 3, 4, 5)
LANGUAGES = ("kk", "kk", "ru")
PER_GROUP = 100


def prepare(folder: Path) -> None:
    """Give this process a stage, keys of its own, and the hooks that watch calls."""
    from chalicelib.storage import secrets

    testing.prepare_process()
    if not (folder / "keys.json").exists():
        secrets.new_keyring_file(folder / "keys.json")
    os.environ["KEZEK_KEYS_FILE"] = str(folder / "keys.json")
    secrets.forget_keyring()


def settle(engine: testing.TestEngine, children: int, *, places: int, whole: bool = True) -> int:
    """Put a city into the tables; return how many rows. whole: what issuing needs, too."""
    database = engine.engine.database
    assert database is not None, "dynoxide's file is needed"
    return _put(database, _rows(children, places, whole=whole))


def _rows(children: int, places: int, *, whole: bool) -> Iterator[Any]:
    from chalicelib.applications import store as applications
    from chalicelib.applications.rules import entry_of
    from chalicelib.children import store as people
    from chalicelib.children.rules import Holding, Holdings
    from chalicelib.providers import store as providers
    from chalicelib.providers.rules import Site, SiteState
    from chalicelib.storage import keys
    from tests.queue import city

    chance = random.Random(2026)
    groups = max(12, children // PER_GROUP)
    fitting: dict[tuple[int, str], list[str]] = {}
    for n in range(groups):
        age, language = AGES[n % len(AGES)], LANGUAGES[n // len(AGES) % len(LANGUAGES)]
        capacity = places // groups + (n < places % groups)
        group = city.a_group(
            f"{n:05d}",
            capacity,
            age_from=age,
            age_to=age,
            language=language,
        )
        fitting.setdefault((age, language), []).append(group.group_id)
        site = Site(
            site_id=group.site_id,
            organisation_id=group.organisation_id,
            programme=group.programme,
            area=group.area,
            name=f"Kindergarten of {group.name}",
            address="",
            locality="urban",
            form="private",
            state=SiteState.LISTED,
        )
        yield from providers.create_site(site)
        yield from providers.create_group(group)
    began = datetime(2025, 3, 1, 4, 0, tzinfo=UTC)
    for n in range(children):
        twin = n % 100 in (1, 2)
        if not (twin and n % 2 == 0):
            age, language = chance.choice(AGES), chance.choice(LANGUAGES)
        wishes = fitting[age, language]
        at = (began + timedelta(seconds=n * 100, microseconds=chance.randrange(999_999))).strftime(
            "%Y-%m-%dT%H:%M:%S.%fZ"
        )
        application = city.an_application(
            f"{n:06d}",
            tier=chance.choices(("extraordinary", "first-priority", "general"), (1, 4, 15))[0],
            birth_year=city.YEAR - age,
            language=language,
            preferences=tuple(chance.sample(wishes, min(3, len(wishes)))),
            batch_id=f"batch-{n // 100:05d}" if twin else None,
            ticket=f"ticket-{chance.getrandbits(60):015x}",
            received_at=at,
            ordered_at=at,
        )
        entry = entry_of(application, batch_size=2 if twin else None)
        yield applications.enter_queue(application, entry)
        if not whole:
            continue
        holding = Holding(
            kind="application",
            id=application.application_id,
            programme=application.programme,
            area=application.area,
            since=application.received_at,
        )
        yield applications.create_application(application)
        yield from applications.announce(application)
        yield people.HOLDINGS.create(keys.holdings(application.child_id), Holdings((holding,)))


def _put(database: Path, writes: Iterable[Any]) -> int:
    from chalicelib.storage.rows import table_name

    tables: dict[str, list[dict[str, Any]]] = {}
    count = 0
    for write in writes:
        rows = tables.setdefault(table_name(write.row.logical), [])
        rows.append(write.row.to_dynamodb_dict())
        count += 1
        if len(rows) == 5000:
            put_rows(database, table_name(write.row.logical), rows)
            rows.clear()
    for table, rows in tables.items():
        put_rows(database, table, rows)
    return count


def put_rows(database: Path, table: str, rows: Iterable[dict[str, Any]]) -> None:
    """Put rows as the engine keeps them into a table's file."""
    with closing(sqlite3.connect(database, timeout=60.0)) as db, db:
        # The name is of our own definitions.
        db.executemany(
            f'INSERT OR REPLACE INTO "{table}" (pk, sk, item_json, item_size, hash_prefix)'
            " VALUES (?, ?, ?, ?, ?)",
            map(_columns, rows),
        )


def _columns(row: dict[str, Any]) -> tuple[str, str, str, int, str]:
    said = json.dumps(row)
    pk, sk = row["pk"]["S"], row["sk"]["S"]
    return f"S:{pk}", f"S:{sk}", said, len(said), hashlib.sha256(pk.encode()).hexdigest()[:6]
