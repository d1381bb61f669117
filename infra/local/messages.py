"""The durable message store behind the local queue: at least once, with dead letters.

One SQLite file, every change committed with a full sync before it is acknowledged. It also keeps
what the triggers must remember: stream checkpoints and when each schedule last ran. In memory for
tests. Times here are the machine's, in milliseconds: a simulated clock must not hide a message.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VISIBILITY_S = 30.0
MOST_RECEIVES = 5

_SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    queue TEXT NOT NULL,
    body TEXT NOT NULL,
    attributes TEXT NOT NULL,
    sent_ms INTEGER NOT NULL,
    visible_ms INTEGER NOT NULL,
    received INTEGER NOT NULL DEFAULT 0,
    first_ms INTEGER,
    receipt TEXT,
    reason TEXT
);
CREATE INDEX IF NOT EXISTS waiting ON messages (queue, visible_ms, number);
CREATE INDEX IF NOT EXISTS held ON messages (receipt) WHERE receipt IS NOT NULL;
CREATE TABLE IF NOT EXISTS remembered (
    kind TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (kind, name)
);
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """A message as it was received; attributes are SQS message attributes, by name."""

    id: str
    queue: str
    body: str
    attributes: dict[str, dict[str, str]]
    sent_ms: int
    first_ms: int
    received: int
    receipt: str
    reason: str | None

    @property
    def md5(self) -> str:
        """Return the digest SQS sends along with a body."""
        return digest(self.body)


def digest(body: str) -> str:
    """Return the MD5 of a body, as SQS shows it; a checksum, not a secret."""
    return hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()


class Messages:
    """All queues of one cloud. Safe between threads; one process owns the file."""

    def __init__(self, path: Path | None) -> None:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._lock = threading.RLock()
        self._db = sqlite3.connect(
            path or ":memory:", isolation_level=None, check_same_thread=False, timeout=10.0
        )
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.executescript(_SCHEMA)
        self._arrived = threading.Condition()

    def close(self) -> None:
        """Close the file; nothing may be called afterwards."""
        with self._lock:
            self._db.close()

    # --- sending

    def send(
        self,
        queue: str,
        bodies: Sequence[tuple[str, dict[str, dict[str, str]]]],
        *,
        delay_s: float = 0.0,
        reason: str | None = None,
    ) -> list[str]:
        """Store messages, all or none; return their ids once they are on disk."""
        now = _now_ms()
        rows = [
            (str(uuid.uuid4()), queue, body, json.dumps(attributes), now, now + int(delay_s * 1000))
            for body, attributes in bodies
        ]
        with self._change() as db:
            db.executemany(
                "INSERT INTO messages (id, queue, body, attributes, sent_ms, visible_ms, reason)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                [(*row, reason) for row in rows],
            )
        with self._arrived:
            self._arrived.notify_all()
        return [row[0] for row in rows]

    # --- receiving

    def receive(
        self,
        queue: str,
        most: int,
        *,
        visibility_s: float = VISIBILITY_S,
        early: bool = False,
    ) -> list[Stored]:
        """Lease up to `most` messages for `visibility_s`.

        early: also those that wait for a retry or a delay, though not those leased by others.
        """
        now = _now_ms()
        hidden = now + int(visibility_s * 1000)
        with self._change() as db:
            rows = db.execute(
                "SELECT number, id, body, attributes, sent_ms, first_ms, received, reason"
                " FROM messages WHERE queue = ? AND (visible_ms <= ? OR (? AND receipt IS NULL))"
                " ORDER BY number LIMIT ?",
                (queue, now, early, most),
            ).fetchall()
            found = []
            for number, name, body, attributes, sent, first, received, reason in rows:
                receipt = uuid.uuid4().hex
                db.execute(
                    "UPDATE messages SET visible_ms = ?, received = ?, first_ms = ?, receipt = ?"
                    " WHERE number = ?",
                    (hidden, received + 1, first or now, receipt, number),
                )
                found.append(
                    Stored(
                        name,
                        queue,
                        body,
                        json.loads(attributes),
                        sent,
                        first or now,
                        received + 1,
                        receipt,
                        reason,
                    )
                )
        return found

    def delete(self, receipts: Iterable[str]) -> int:
        """Acknowledge messages by receipt; a receipt that was superseded does nothing."""
        with self._change() as db:
            return sum(
                db.execute("DELETE FROM messages WHERE receipt = ?", (receipt,)).rowcount
                for receipt in receipts
            )

    def give_back(self, message: Stored, *, after_s: float, dead_queue: str, reason: str) -> bool:
        """Return a message for another try, or to the dead letters after the last one.

        Returns whether it is dead now. The reason is kept with it; never personal data.
        """
        dead = message.received >= MOST_RECEIVES
        visible = _now_ms() + (0 if dead else int(after_s * 1000))
        with self._change() as db:
            db.execute(
                "UPDATE messages SET queue = ?, visible_ms = ?, receipt = NULL, reason = ?,"
                " received = ? WHERE receipt = ?",
                (
                    dead_queue if dead else message.queue,
                    visible,
                    reason,
                    0 if dead else message.received,
                    message.receipt,
                ),
            )
        return dead

    def hide(self, receipt: str, seconds: float) -> bool:
        """Change how long a leased message stays hidden; return whether the receipt holds."""
        with self._change() as db:
            done = db.execute(
                "UPDATE messages SET visible_ms = ?, receipt = CASE WHEN ? THEN receipt END"
                " WHERE receipt = ?",
                (_now_ms() + int(seconds * 1000), seconds > 0, receipt),
            ).rowcount
        return bool(done)

    def release_leases(self) -> None:
        """Make messages visible whose consumer died with the process before this one."""
        with self._change() as db:
            db.execute("UPDATE messages SET receipt = NULL, visible_ms = 0 WHERE receipt NOT NULL")

    def wait(self, seconds: float, until: Callable[[], bool]) -> None:
        """Sleep until a message arrives, the time is over, or `until` says so."""
        end = time.monotonic() + seconds
        with self._arrived:
            while not until() and (left := end - time.monotonic()) > 0:
                self._arrived.wait(min(left, 0.5))

    # --- looking

    def depth(self, queue: str) -> dict[str, int]:
        """Return how many messages are visible, delayed and leased."""
        now = _now_ms()
        with self._lock:
            row = self._db.execute(
                "SELECT COALESCE(SUM(visible_ms <= ?), 0),"
                " COALESCE(SUM(visible_ms > ? AND receipt IS NULL), 0),"
                " COALESCE(SUM(visible_ms > ? AND receipt IS NOT NULL), 0)"
                " FROM messages WHERE queue = ?",
                (now, now, now, queue),
            ).fetchone()
        return {"visible": row[0], "delayed": row[1], "leased": row[2]}

    def letters(self, queue: str, most: int = 100) -> list[dict[str, Any]]:
        """Return a queue's messages without leasing them, oldest first, with their reasons."""
        with self._lock:
            rows = self._db.execute(
                "SELECT id, body, reason, sent_ms FROM messages WHERE queue = ?"
                " ORDER BY number LIMIT ?",
                (queue, most),
            ).fetchall()
        return [{"id": r[0], "body": r[1], "reason": r[2], "sent_ms": r[3]} for r in rows]

    def purge(self, queue: str | None = None) -> None:
        """Drop a queue's messages, or everything that is kept (None)."""
        with self._change() as db:
            if queue is not None:
                db.execute("DELETE FROM messages WHERE queue = ?", (queue,))
                return
            db.execute("DELETE FROM messages")
            db.execute("DELETE FROM remembered")

    def redrive(self, dead_queue: str, queue: str) -> int:
        """Send dead letters back to a queue, all tries before them; return how many."""
        with self._change() as db:
            moved = db.execute(
                "UPDATE messages SET queue = ?, visible_ms = 0, received = 0, receipt = NULL,"
                " reason = NULL WHERE queue = ?",
                (queue, dead_queue),
            ).rowcount
        with self._arrived:
            self._arrived.notify_all()
        return moved

    # --- remembering

    def recall(self, kind: str) -> dict[str, str]:
        """Return what was remembered of a kind ("checkpoint", "schedule"), by name."""
        with self._lock:
            rows = self._db.execute(
                "SELECT name, value FROM remembered WHERE kind = ?", (kind,)
            ).fetchall()
        return dict(rows)

    def remember(self, kind: str, values: dict[str, str]) -> None:
        """Keep values by name, together."""
        with self._change() as db:
            db.executemany(
                "INSERT INTO remembered VALUES (?, ?, ?)"
                " ON CONFLICT (kind, name) DO UPDATE SET value = excluded.value",
                [(kind, name, value) for name, value in values.items()],
            )

    def copy_to(self, target: Path, *, and_then: Callable[[], None]) -> None:
        """Copy the file, then do something more while nothing here can change.

        What `and_then` copies (the tables) and this copy show one and the same instant.
        """
        with self._lock:
            copy = sqlite3.connect(target)
            try:
                self._db.backup(copy)
            finally:
                copy.close()
            and_then()

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
