"""The tables on the local engine, made from the definitions that ship to AWS; and its upkeep."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

_INDEX = "kezek_stream_order"
_TRIM_ROWS = 500


def create(client: Any, definitions: Iterable[dict[str, Any]], ttl: Mapping[str, str]) -> list[str]:
    """Create the tables that are missing; return their names. ttl: attribute by logical name."""
    made = []
    for definition in definitions:
        name = definition["TableName"]
        try:
            client.create_table(**definition)
        except client.exceptions.ResourceInUseException:
            continue
        made.append(name)
        attribute = ttl.get(name.rsplit("-", 1)[-1])
        if attribute is not None:
            client.update_time_to_live(
                TableName=name,
                TimeToLiveSpecification={"Enabled": True, "AttributeName": attribute},
            )
    for name in made:
        if client.describe_table(TableName=name)["Table"]["TableStatus"] != "ACTIVE":
            client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    return made


def streams(client: Any, names: Iterable[str]) -> dict[str, str]:
    """Return the stream's ARN of each table that has one."""
    found = {}
    for name in names:
        arn = client.describe_table(TableName=name)["Table"].get("LatestStreamArn")
        if arn:
            found[name] = str(arn)
    return found


def prepare_database(database: Path) -> None:
    """Add the index without which dynoxide's writes to a streamed table slow down as it grows."""
    with closing(_open(database)) as db:
        db.execute(
            f"CREATE INDEX IF NOT EXISTS {_INDEX} ON _stream_records"
            "(table_name, CAST(sequence_number AS INTEGER))"
        )


def newest_record(database: Path, table: str) -> int:
    """Return the sequence number of a stream's newest record; 0 without any."""
    with closing(_open(database)) as db:
        row = db.execute(
            "SELECT MAX(CAST(sequence_number AS INTEGER)) FROM _stream_records"
            " WHERE table_name = ?",
            (table,),
        ).fetchone()
    return int(row[0] or 0)


def trim_stream(database: Path, table: str, upto: int) -> int:
    """Drop records below a sequence number that all consumers have passed; return how many.

    The newest record always stays, because dynoxide counts on from it. Small steps, so that
    the engine's own writers wait milliseconds at most.
    """
    dropped = 0
    with closing(_open(database)) as db:
        while True:
            done = db.execute(
                "DELETE FROM _stream_records WHERE id IN (SELECT id FROM _stream_records"
                " WHERE table_name = ? AND CAST(sequence_number AS INTEGER) < MIN(?, (SELECT"
                " MAX(CAST(sequence_number AS INTEGER)) FROM _stream_records"
                " WHERE table_name = ?)) LIMIT ?)",
                (table, upto, table, _TRIM_ROWS),
            ).rowcount
            dropped += done
            if done < _TRIM_ROWS:
                return dropped


def sweep_expired(
    database: Path, client: Any, tables: Mapping[str, str], *, now: datetime, most: int = 1000
) -> int:
    """Delete rows whose time to live has passed, as AWS does by itself; return how many.

    tables: attribute by physical name. Found on the file, deleted through the engine, under
    the condition that the row has not been given more time since.
    """
    swept = 0
    at = str(int(now.timestamp()))
    with closing(_open(database)) as db:
        for table, attribute in tables.items():
            path = f"$.{attribute}.N"
            expired = "CAST(json_extract(item_json, ?) AS INTEGER) < ?"
            rows = db.execute(
                # Names come from our own definitions.
                f'SELECT item_json FROM "{table}" WHERE {expired} LIMIT ?',  # noqa: S608 # nosec B608
                (path, int(at), most),
            ).fetchall()
            for (item,) in rows:
                row = json.loads(item)
                try:
                    client.delete_item(
                        TableName=table,
                        Key={"pk": row["pk"], "sk": row["sk"]},
                        ConditionExpression="#t < :at",
                        ExpressionAttributeNames={"#t": attribute},
                        ExpressionAttributeValues={":at": {"N": at}},
                    )
                except client.exceptions.ConditionalCheckFailedException:
                    continue
                swept += 1
    return swept


def wipe(database: Path, names: Iterable[str]) -> None:
    """Empty the tables and their streams in about a millisecond; for tests on dynoxide."""
    with closing(_open(database)) as db:
        db.execute("BEGIN IMMEDIATE")
        for name in names:
            db.execute(f'DELETE FROM "{name}"')  # noqa: S608 - a name from our own definitions # nosec B608
            db.execute("DELETE FROM _stream_records WHERE table_name = ?", (name,))
        db.execute("COMMIT")


def _open(database: Path) -> sqlite3.Connection:
    return sqlite3.connect(database, timeout=10.0, isolation_level=None)
