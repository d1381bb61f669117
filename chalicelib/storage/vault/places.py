"""Where sealed fields lie: in the vault's own row, or in a database that stands elsewhere.

One port, two ways. A vault row in DynamoDB goes in the caller's transaction either way; with a
database outside it holds only a random reference, and what it refers to was written before:

    seal, reseal    1. insert the blob under a new reference   2. the caller commits the row
    read            row → reference → blob
    erase           the wrapped key and the row in one commit, then the blobs

So either both are there, or a blob that no row refers to: `collect` removes it after a day. A
reader never meets a row whose blob is still to come.

All questions of one request together have a limit, besides the one that each has alone.
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

from chalicelib.kernel.refusals import Unavailable

# With the tables' own limits well inside the gateway's 29 s.
REQUEST_S = 10.0
_until: ContextVar[float | None] = ContextVar("kezek_vault_until", default=None)


class VaultSilent(Unavailable):
    """The database that holds sealed fields does not answer."""

    code = "kezek/vault-silent"


class Blobs(Protocol):
    """Sealed fields under references, insert-only."""

    leaving: bool
    """Whether what is sealed now goes into the rows again."""

    def insert(self, reference: str, subject: str, sealed: Mapping[str, str]) -> None:
        """Write a blob under a reference that was never used; it stays as it is."""

    def fetch(self, references: Sequence[str]) -> dict[str, dict[str, str]]:
        """Return those blobs that are there, by reference."""

    def forget(self, subjects: Sequence[str]) -> int:
        """Delete all blobs of subjects; return how many there were."""

    def suspect(self, subjects: Sequence[str]) -> None:
        """Let the blobs of subjects be looked at by `collect` once more."""

    def count(self) -> int:
        """Return how many blobs there are, those without a row too."""

    def collect(
        self, current: Callable[[Sequence[str]], Mapping[str, str]], *, most: int
    ) -> Mapping[str, int]:
        """Mark and, a day later, delete blobs to which no row refers; return counts.

        current: of subjects, which reference each one's row holds now.
        """


def outside() -> Blobs | None:
    """Return the database that KEZEK_VAULT names; None where sealed fields lie in the rows."""
    named = os.environ.get("KEZEK_VAULT", "")
    return _made(named, os.environ.get("KEZEK_VAULT_SECRET", "")) if named else None


@contextmanager
def one_request() -> Iterator[None]:
    """Let all that is asked inside take no longer together than a request may wait."""
    token = _until.set(time.monotonic() + REQUEST_S)
    try:
        yield
    finally:
        _until.reset(token)


def time_left() -> float:
    """Return how many seconds the next question has; outside a request all there are."""
    until = _until.get()
    return REQUEST_S if until is None else until - time.monotonic()


def forget_outside() -> None:
    """Forget the database; for tests and commands that change the environment."""
    _made.cache_clear()


@functools.lru_cache(maxsize=1)
def _made(named: str, secret: str) -> Blobs:
    if not named.startswith("postgres://"):
        raise ValueError("KEZEK_VAULT: postgres://user@host:port/database, or nothing")
    from chalicelib.storage.vault.postgres import Postgres

    return Postgres(named, secret)
