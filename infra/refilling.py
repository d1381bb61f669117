"""The public record's rows once more: what the files and the journal say, put together.

Digests of all journal rows are sorted in a file of this machine for the time it takes; no text of
an entry is in it.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from chalicelib.adapters import files
from chalicelib.record.actions import refilling
from chalicelib.record.actions.refilling import Found

_TABLES = """
create table made (digest blob primary key, pk text, sk text, at text) without rowid;
create table names (digest blob primary key, pk text, sk text) without rowid;
"""


class NothingPublished(RuntimeError):
    """No checkpoint was ever published: there is no order to keep."""


def run(
    *, dry: bool = False, told: Callable[[int, int], None] = lambda _, __: None
) -> dict[str, int]:
    """Compare the journal with what was published and, unless dry, refill the log's rows."""
    if files.published("checkpoint") is None:
        raise NothingPublished()
    names = [name.partition("/")[2] for name in files.published_under("checkpoints")]
    sizes = sorted(int(name) for name in names if name.isdigit())
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(sqlite3.connect(Path(folder) / "digests")) as db,
    ):
        db.executescript(_TABLES)
        entries = _fill(db)

        def find(digests: Sequence[bytes]) -> Mapping[bytes, Found]:
            return _find(db, digests)

        if dry:
            size, stored = refilling.compare(files.published, sizes, find)
            return {"published": size, "stored": stored, "entries": entries}
        done = refilling.refill(files.published, sizes, find, lambda: _rest(db), told=told)
        return {**done, "entries": entries}


def _fill(db: sqlite3.Connection) -> int:
    count = 0
    for (pk, sk), digest, at, before in refilling.journal_rows():
        db.execute("insert or ignore into made values (?, ?, ?, ?)", (digest, pk, sk, at))
        if before is not None:
            db.execute("insert or ignore into names values (?, ?, ?)", (before, pk, sk))
        count += 1
    db.commit()
    return count


def _find(db: sqlite3.Connection, digests: Sequence[bytes]) -> Mapping[bytes, Found]:
    found: dict[bytes, Found] = {}
    for digest in digests:
        made = db.execute("select pk, sk from made where digest = ?", (digest,)).fetchone()
        follower = None
        if made is None:
            asked = "select pk, sk from names where digest = ?"
            follower = db.execute(asked, (digest,)).fetchone()
        found[digest] = Found(made, follower)
    return found


def _rest(db: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    yield from db.execute("select pk, sk from made order by at, pk, sk")
