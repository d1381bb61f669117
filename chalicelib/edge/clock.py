"""The only clock. Routes and jobs read it once and pass `now` down."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime


def _system() -> datetime:
    return datetime.now(UTC)


_source: Callable[[], datetime] = _system


def now() -> datetime:
    """Return the current instant, aware, in UTC."""
    return _source().astimezone(UTC)


def use(source: Callable[[], datetime] | None) -> None:
    """Replace the clock's source (None: the system's); for rehearsals, demos and tests."""
    global _source
    _source = source or _system
