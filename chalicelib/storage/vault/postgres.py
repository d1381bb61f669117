"""Sealed fields in PostgreSQL, for a country that wants identity data to stay inside it.

One connection a process, made when it is first needed and made anew when it broke. Every step has
a time limit, and so have all questions of a request together (`places.one_request`), however the
server spreads its bytes; whatever it cannot do in that time is VaultSilent, and the caller may send
the same again. Off this machine the connection is TLS with a checked name, always.

    KEZEK_VAULT         postgres://user@host:port/database[?ca=FILE&tls=on&new=rows]
                        postgres://user@/database?socket=FILE
                        new=rows: it is being left, so what is sealed anew goes into the tables
    KEZEK_VAULT_SECRET  the password as a KMS ciphertext in base64 (encryption context kezek=vault);
                        in the address itself a password is taken on this machine only
"""

from __future__ import annotations

import ipaddress
import json
import os
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs, unquote, urlsplit

from chalicelib.storage.secrets import opened_by_kms
from chalicelib.storage.vault.places import VaultSilent, time_left

# Of one step alone: a connection, a read, a write.
SOCKET_S, STATEMENT_MS, LOCK_MS = 3.0, 2500, 1000
_DAY_S = 86_400
_ASK_FOR_TLS = struct.pack("!ii", 8, 80_877_103)
# Errors that are ours and not the server's state: data, integrity, names and syntax.
_OURS = ("22", "23", "42")

_INSERT = """
with stirred as (
    update kezek_sealed set seen_at = null, stirs = stirs + 1 where subject = :subject
)
insert into kezek_sealed (reference, subject, sealed) values (:reference, :subject, :sealed)
on conflict (reference) do nothing
"""
_FETCH = "select reference, sealed from kezek_sealed where reference = any(cast(:wanted as text[]))"
_FORGET = "delete from kezek_sealed where subject = any(cast(:subjects as text[]))"
_SUSPECT = """
update kezek_sealed set seen_at = null, stirs = stirs + 1
where subject = any(cast(:subjects as text[]))
"""
_UNSEEN = """
select reference, subject, stirs, orphan_since is not null from kezek_sealed
where seen_at is null
    and made_at < clock_timestamp() - make_interval(secs => :wait)
    and (orphan_since is null or orphan_since < clock_timestamp() - make_interval(secs => :wait))
order by made_at limit :most
"""
_SEEN = """
update kezek_sealed s set seen_at = clock_timestamp(), orphan_since = null
from unnest(cast(:references as text[]), cast(:stirs as integer[])) as l(reference, stirs)
where s.reference = l.reference and s.stirs = l.stirs
"""
_ORPHANED = """
update kezek_sealed set orphan_since = clock_timestamp()
where reference = any(cast(:references as text[])) and orphan_since is null
"""
_COUNT = "select count(*) from kezek_sealed"
_DROP = "delete from kezek_sealed where reference = any(cast(:references as text[]))"


class Insecure(ValueError):
    """The settings would send sealed fields or a password in clear over a network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where the database stands and how it is reached."""

    user: str
    host: str
    port: int
    database: str
    socket: str | None
    password: str | None = field(repr=False)
    ca: str | None
    tls: bool


def address(named: str, secret: str) -> Address:
    """Return what KEZEK_VAULT and KEZEK_VAULT_SECRET mean. Raises Insecure, KeysSilent."""
    parts, said = urlsplit(named), {k: v[-1] for k, v in parse_qs(urlsplit(named).query).items()}
    host, by_file = parts.hostname or "", said.get("socket")
    here = by_file is not None or _is_here(host)
    if parts.password is not None and not here:
        raise Insecure("KEZEK_VAULT: off this machine the password goes into KEZEK_VAULT_SECRET")
    if said.get("tls", "on") not in ("on", "off") or (said.get("tls") == "off" and not here):
        raise Insecure("KEZEK_VAULT: off this machine TLS cannot be switched off")
    if said.get("new", "here") not in ("here", "rows"):
        raise ValueError("KEZEK_VAULT: new=here or new=rows")
    password = unquote(parts.password) if parts.password is not None else None
    if secret:
        password = opened_by_kms(secret, context="vault").decode()
    return Address(
        user=unquote(parts.username or "kezek"),
        host=host,
        port=parts.port or 5432,
        database=unquote(parts.path.lstrip("/")) or "kezek",
        socket=by_file,
        password=password,
        ca=said.get("ca"),
        tls=said.get("tls") == "on" or not here,
    )


class Postgres:
    """Blobs in a PostgreSQL database."""

    def __init__(self, named: str, secret: str = "") -> None:
        self._named, self._secret = named, secret
        self._lock = threading.Lock()
        self._connection: Any = None
        self._line: socket.socket | None = None
        self._process = 0
        self._until = 0.0
        self.leaving = parse_qs(urlsplit(named).query).get("new", ["here"])[-1] == "rows"

    def insert(self, reference: str, subject: str, sealed: Mapping[str, str]) -> None:
        """Write a blob; the same again changes nothing."""
        text = json.dumps(sealed, separators=(",", ":"))
        self._ask(_INSERT, reference=reference, subject=subject, sealed=text)

    def fetch(self, references: Sequence[str]) -> dict[str, dict[str, str]]:
        """Return those blobs that are there, by reference."""
        rows, _ = self._ask(_FETCH, wanted=list(references))
        return {reference: json.loads(sealed) for reference, sealed in rows}

    def forget(self, subjects: Sequence[str]) -> int:
        """Delete all blobs of subjects; return how many there were."""
        return self._ask(_FORGET, subjects=list(subjects))[1]

    def suspect(self, subjects: Sequence[str]) -> None:
        """Let the blobs of subjects be looked at again by `collect`."""
        self._ask(_SUSPECT, subjects=list(subjects))

    def collect(
        self,
        current: Callable[[Sequence[str]], Mapping[str, str]],
        *,
        most: int,
        wait_s: int = _DAY_S,
    ) -> Mapping[str, int]:
        """Look at up to `most` blobs older than `wait_s`; return seen, orphaned, removed.

        A blob without a row is marked, and removed when it is still without one `wait_s` later: a
        reader that met the row before it changed has long had its answer.
        """
        rows, _ = self._ask(_UNSEEN, wait=wait_s, most=most)
        if not rows:
            return {"seen": 0, "orphaned": 0, "removed": 0}
        held = current(sorted({subject for _, subject, _, _ in rows}))
        live = [(r, stirs) for r, s, stirs, _ in rows if held.get(s) == r]
        gone = [(r, marked) for r, s, _, marked in rows if held.get(s) != r]
        if live:
            self._ask(_SEEN, references=[r for r, _ in live], stirs=[n for _, n in live])
        fresh, old = [r for r, marked in gone if not marked], [r for r, marked in gone if marked]
        if fresh:
            self._ask(_ORPHANED, references=fresh)
        removed = self._ask(_DROP, references=old)[1] if old else 0
        return {"seen": len(live), "orphaned": len(fresh), "removed": removed}

    def count(self) -> int:
        """Return how many blobs there are, those without a row too."""
        return int(self._ask(_COUNT)[0][0][0])

    def migrate(self) -> None:
        """Make the table what this version needs; safe to repeat and beside a running Kezek."""
        self._ask(Path(__file__).with_name("schema.sql").read_text("utf-8"))

    def close(self) -> None:
        """Close the connection; the next question makes another."""
        with self._lock:
            self._drop()

    def _ask(self, statement: str, **values: Any) -> tuple[list[Any], int]:
        """Return rows and how many were touched; once more on a connection that had broken."""
        until = time.monotonic() + time_left()
        if not self._lock.acquire(timeout=max(0.0, until - time.monotonic())):
            raise VaultSilent()
        try:
            self._until = until
            return self._told(statement, values)
        finally:
            self._lock.release()

    def _told(self, statement: str, values: Mapping[str, Any]) -> tuple[list[Any], int]:
        from pg8000.exceptions import DatabaseError, InterfaceError

        for kept in (True, False):
            try:
                connection = self._connected()
                rows = connection.run(statement, **values)
                return list(rows or ()), max(connection.row_count, 0)
            except DatabaseError as error:
                code = _state(error)
                if code.startswith(_OURS):
                    raise
                self._drop()
                if not kept:
                    raise VaultSilent() from error
            except (InterfaceError, OSError) as error:
                self._drop()
                # A server that is slow now is slow a moment later too: one layer waits once.
                if not kept or isinstance(error, TimeoutError):
                    raise VaultSilent() from error
            except BaseException:
                # Whatever else broke the talk: the next question must not hear this answer.
                self._drop()
                raise
        raise AssertionError("each try returns or raises")

    def _connected(self) -> Any:
        # A forked process must not speak on its parent's connection.
        if self._connection is not None and self._process == os.getpid():
            return self._connection
        from pg8000.native import Connection

        at = address(self._named, self._secret)
        self._line, self._process = _reached(at, self._step_s), os.getpid()
        self._connection = Connection(
            at.user,
            database=at.database,
            password=at.password,
            sock=self._line,
            # The line is what it should be already: None would take what the server likes.
            ssl_context=False,
            application_name="kezek",
            startup_params={
                "statement_timeout": str(STATEMENT_MS),
                "lock_timeout": str(LOCK_MS),
                "idle_in_transaction_session_timeout": str(STATEMENT_MS),
            },
        )
        return self._connection

    def _step_s(self) -> float:
        """Return how long the next step may take. Raises TimeoutError when nothing is left."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the vault's time is over")
        return min(SOCKET_S, left)

    def _drop(self) -> None:
        """Close the line itself: a farewell would wait for a server that may be gone."""
        line, self._line, self._connection = self._line, None, None
        if line is not None and self._process == os.getpid() and line.fileno() >= 0:
            os.close(line.detach())


def _reached(at: Address, step_s: Callable[[], float]) -> socket.socket:
    """Return a line to the server, TLS where it must be. Raises OSError.

    step_s: how long the next step may take; the line asks before each.
    """
    if at.socket is not None:
        line = _Line(socket.AF_UNIX, socket.SOCK_STREAM)
    else:
        raw = socket.create_connection((at.host, at.port), step_s())
        line = _Line(raw.family, raw.type, raw.proto, raw.detach())
    try:
        line.settimeout(step_s())
        if at.socket is not None:
            line.connect(at.socket)
        if at.tls:
            line.sendall(_ASK_FOR_TLS)
            if line.recv(1) != b"S":
                raise ConnectionError("the server speaks no TLS")
            context = ssl.create_default_context(cafile=at.ca)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            context.sslsocket_class = _SealedLine
            line = cast(_Line, context.wrap_socket(line, server_hostname=at.host))
        line.step_s = step_s
        return line
    except BaseException:
        line.close()
        raise


class _Line(socket.socket):
    """A line on which each step gets no more time than is left of the whole."""

    step_s: Callable[[], float] | None = None

    def recv_into(self, *args: Any, **more: Any) -> int:
        self._limit()
        return super().recv_into(*args, **more)

    def send(self, *args: Any, **more: Any) -> int:
        self._limit()
        return super().send(*args, **more)

    def _limit(self) -> None:
        if self.step_s is not None:
            self.settimeout(self.step_s())


class _SealedLine(_Line, ssl.SSLSocket):
    """The same under TLS."""


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _state(error: Exception) -> str:
    """Return the five letters of an error's SQLSTATE; empty where there are none."""
    said = error.args[0] if error.args else None
    return str(said.get("C", "")) if isinstance(said, dict) else ""
