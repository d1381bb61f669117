"""What runs by itself, and the command: each has its row, or it does not start.

A job of reach "all" may ask for objects of any owner. One of reach "own" looks only at what its
own event names, so whatever it asks for beyond is refused: a job that begins to reach further
needs another row first.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from chalicelib.access.actions.table import table
from chalicelib.access.rules import Reach


class NoRow(RuntimeError):
    """A job or a command that the access table does not know; it may not run."""


_running: ContextVar[Reach | None] = ContextVar("kezek_running", default=None)


@contextmanager
def running(job: str) -> Iterator[None]:
    """Let a job run within its row: a schedule or stream by its handler, work by its topic.

    Raises NoRow before anything is done.
    """
    reach = table().jobs.get(job)
    if reach is None:
        raise NoRow(job)
    token = _running.set(reach)
    try:
        yield
    finally:
        _running.reset(token)


def reaches_all() -> bool:
    """Return whether what runs by itself may ask for anybody's objects."""
    return _running.get() is not Reach.OWN


def admit_command(name: str) -> tuple[str, ...]:
    """Return who runs a command: roles, or "keeper" who holds the machine. Raises NoRow."""
    who = table().commands.get(name)
    if not who:
        raise NoRow(name)
    return who
