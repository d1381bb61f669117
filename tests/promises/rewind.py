"""The tables as they were: kept in a moment, put back in milliseconds, compared as people would.

Comparing needs care: ids are random, sealed fields and wrapped keys never repeat. `changes`
therefore opens what is sealed, unpacks what is compressed, and calls each random id by its turn,
and each entry's digest, which hides the ids behind a random salt, by the entry's name.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
import sqlite3
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from chalicelib.journal.rules import commitments, digest_of, plain, shown
from chalicelib.kernel import ids
from chalicelib.storage import vault, veil
from chalicelib.storage.shelf import VEIL
from infra.local.testing import TestTables

# Sixteen letters that base32 sorts as hexadecimal digits are sorted.
_LETTERS = str.maketrans("0123456789abcdef", "ABCDEFGHIJKLMNOP")
_COLUMNS = "pk, sk, item_json, item_size, cached_at, hash_prefix"


# The last line of a signed note, as it stands in JSON.
_SIGNATURE = re.compile("((?:\u2014|\\\\u2014) [^ ]{1,100} )[A-Za-z0-9+/]{80,200}={0,2}")


class Kept:
    """All rows at an instant, and the stream records since an earlier one."""

    def __init__(self, tables: TestTables, *, since: Kept | None = None) -> None:
        self._database = _file_of(tables)
        self._names = tables.names
        with closing(_open(self._database)) as db:
            self.rows = {name: _rows(db, name) for name in self._names}
            self._last = db.execute("SELECT MAX(id) FROM _stream_records").fetchone()[0] or 0
            self._since = self._last if since is None else since._last
            self._records = db.execute(
                "SELECT * FROM _stream_records WHERE id > ?", (self._since,)
            ).fetchall()

    def put_back(self) -> None:
        """Make the tables and their streams what they were."""
        with closing(_open(self._database)) as db:
            db.execute("BEGIN IMMEDIATE")
            for name, kept in self.rows.items():
                now = _rows(db, name)
                gone = [key for key in now if key not in kept]
                db.executemany(f'DELETE FROM "{name}" WHERE pk = ? AND sk = ?', gone)
                db.executemany(
                    f'INSERT OR REPLACE INTO "{name}" ({_COLUMNS}) VALUES (?,?,?,?,?,?)',
                    [row for key, row in kept.items() if now.get(key) != row],
                )
            db.execute("DELETE FROM _stream_records WHERE id > ?", (self._since,))
            for record in self._records:
                db.execute(
                    f"INSERT INTO _stream_records VALUES ({','.join('?' * len(record))})",
                    record,
                )
            db.execute("COMMIT")

    def changes(self, tables: TestTables, names: Mapping[str, str]) -> list[str]:
        """Return what changed since: rows opened and unpacked, random ids called by their turn."""
        found, subjects, names = [], [], dict(names)
        with closing(_open(self._database)) as db:
            for name in self._names:
                table, now = name.rsplit("-", 1)[-1], _rows(db, name)
                if table == "meters":
                    continue  # they count requests, and a repetition is one
                found += [f"gone {table} {key}" for key in self.rows[name] if key not in now]
                for key, row in now.items():
                    before, read = self.rows[name].get(key), json.loads(row[2])
                    if before is not None and json.loads(before[2]) == read:
                        continue
                    pk, sk = read["pk"]["S"], read["sk"]["S"]
                    if table == "vault":
                        subjects.append(pk.removeprefix("VAULT#"))
                    if before is None and pk.startswith("CHILD#") and sk == "-":
                        # Derived from what the caller named and a person's random id.
                        names[pk.removeprefix("CHILD#")] = "<child>"
                    found.append(f"{table} {_shown(table, read)}")
        opened = vault.open_many(subjects)
        for subject in subjects:
            fields = opened.get(subject, {})
            found.append(f"opened {subject} {json.dumps(plain(fields), sort_keys=True)}")
            for name, made in commitments(fields).items():
                names[made] = f"<commitment to {name}>"
        for digest, name in _digests(rows_of(tables)):
            names[digest] = called(name, names)
        return sorted(called(text, names) for text in found)


def rows_of(tables: TestTables) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (logical table, row in the engine's JSON), read from the engine's file."""
    with closing(_open(_file_of(tables))) as db:
        for name in tables.names:
            for row in _rows(db, name).values():
                yield name.rsplit("-", 1)[-1], json.loads(row[2])


def unpacked(row: dict[str, Any]) -> str:
    """Return the images of a journal entry, decompressed; nothing for other rows."""
    packed = row.get("images")
    return zlib.decompress(base64.b64decode(packed["B"])).decode() if packed else ""


def _digests(rows: Iterator[tuple[str, dict[str, Any]]]) -> Iterator[tuple[str, str]]:
    """Yield each entry's digest and what it is to be called, computed from what is stored."""
    for table, row in rows:
        if table == "journal" and "images" in row:
            name = row["pk"]["S"], row["sk"]["S"]
            digest = digest_of(
                name,
                salt=base64.b64decode(row["salt"]["B"]),
                body=row["body"]["S"].encode(),
                attached=unpacked(row).encode(),
            )
            yield shown(digest), f"<digest of {name[0]} {int(name[1])}>"


def _shown(table: str, row: dict[str, Any]) -> str:
    if table in ("vault", "keys"):
        # Nonces and data keys are random; what they open is compared instead.
        return json.dumps({name: row.get(name) for name in ("pk", "sk", "v")}, sort_keys=True)
    if "images" in row:
        row = {**row, "images": sorted(_image(i) for i in json.loads(unpacked(row)))}
    row = _unveiled(table, row)
    # A tablet's rate limit counts requests, and a repetition is one.
    row.pop("bucket_at", None)
    row.pop("salt", None)
    return json.dumps(row, sort_keys=True)


def _image(image: dict[str, Any]) -> str:
    if image["attributes"] is not None:
        image = {**image, "attributes": _unveiled(image["table"], image["attributes"])}
    return json.dumps(image)


def _unveiled(table: str, row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with what stands veiled in it in clear, for it may be bound to a random id."""
    body = json.loads(row["body"]["S"]) if "body" in row else None
    if not isinstance(body, dict) or VEIL not in body:
        return row
    veiled = body.pop(VEIL)
    place = "\x00".join((table, row["pk"]["S"], row["sk"]["S"]))
    return {**row, "body": {"S": json.dumps({**body, VEIL: veil.reveal(place, veiled)})}}


def _rows(db: sqlite3.Connection, name: str) -> dict[tuple[str, str], tuple[Any, ...]]:
    # The name is of our own definitions; sizes and caching times are the engine's affair.
    found = db.execute(f'SELECT {_COLUMNS} FROM "{name}"')
    return {(row[0], row[1]): row for row in found}


class Dice:
    """Random ids that can be told apart: the n-th id of a request is called by its turn.

    Stands in the place of `secrets` in kernel.ids. A second request draws other ids than the
    first, as in life; what is compared are turns.
    """

    def __init__(self) -> None:
        self._serial = itertools.count(1)
        self._turn = 0
        self._letters = ""
        self.names: dict[str, str] = {}

    def new_request(self) -> None:
        self._turn = 0

    def token_bytes(self, size: int) -> bytes:
        serial = next(self._serial)
        # Later ids sort behind earlier ones, so that rows ordered by id are the same each time.
        turn = f"{serial:08x}".translate(_LETTERS)
        rest = base64.b32encode(hashlib.sha256(str(serial).encode()).digest()).decode()
        raw = base64.b32decode((turn + rest)[:56])[:size]
        self._name(base64.b32encode(raw).decode().rstrip("=").lower())
        return raw

    def token_hex(self, size: int) -> str:
        """Draw a salt; nobody calls it by its turn."""
        return hashlib.sha256(f"salt {next(self._serial)}".encode()).hexdigest()[: 2 * size]

    def choice(self, alphabet: str) -> str:
        """Draw a letter; twelve of them make a ticket."""
        if not self._letters:
            number = int(hashlib.sha256(str(next(self._serial)).encode()).hexdigest(), 16)
            letters = [alphabet[number // 31**n % len(alphabet)] for n in range(12)]
            self._letters = "".join(letters)
            self._name("-".join(self._letters[i : i + 4] for i in (0, 4, 8)))
        drawn, self._letters = self._letters[0], self._letters[1:]
        return drawn

    def _name(self, made: str) -> None:
        self._turn += 1
        self.names[made] = f"<{self._turn}>"


def throw_dice(monkeypatch: pytest.MonkeyPatch) -> Dice:
    """Let every new id be drawn from one pair of dice."""
    dice = Dice()
    monkeypatch.setattr(ids, "secrets", dice)
    return dice


def called(text: str, names: Mapping[str, str]) -> str:
    """Return a text with each random id called by its turn.

    A signature over a text with such an id is another each time; the text stands beside it.
    """
    for made, name in names.items():
        if made in text:
            text = text.replace(made, name)
    return _SIGNATURE.sub(r"\1<signature>", text)


def _file_of(tables: TestTables) -> Path:
    database = tables.engine.engine.database
    if database is None:
        pytest.skip("needs dynoxide's file: another engine cannot be rewound in milliseconds")
    return database


def _open(database: Path) -> sqlite3.Connection:
    return sqlite3.connect(database, timeout=10.0, isolation_level=None)
