"""How much one caller may ask for: buckets that leak at a steady rate (GCRA), in whole numbers.

A bucket is one number, the instant at which it will be empty, in milliseconds. Asking moves that
instant on by an interval; what would move it further ahead than `burst` intervals is refused. So in
any stretch of time at most burst + rate × time requests are let through, however many hands ask.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chalicelib.kernel.actors import Actor, Role

_A_MINUTE_MS = 60_000
# Clocks of several processes differ by less; what lies further ahead was written by a wrong one.
_SKEW_MS = 60_000
_OFFICE = (Role.DEPARTMENT, Role.COMMISSION, Role.FINANCE, Role.AUDITOR, Role.ANALYST)
_BY_ROLE: tuple[tuple[str, tuple[Role, ...]], ...] = (
    ("clerk", (Role.CLERK,)),
    ("operator", (Role.OPERATOR,)),
    ("provider", (Role.HEAD, Role.EDUCATOR)),
    ("office", _OFFICE),
    ("portal", (Role.PORTAL,)),
)


@dataclass(frozen=True, slots=True)
class Limit:
    """A bucket's size: a request each `interval_ms` in the long run, `burst` of them at once."""

    interval_ms: int
    burst: int

    def room_ms(self) -> int:
        """Return how far ahead of now a bucket may become empty."""
        return self.interval_ms * self.burst


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What callers of one kind may ask for, and why so much."""

    name: str
    why: str
    changes: Limit
    reads: Limit
    free: Limit
    together: Limit | None = None


def limit(minute: int, burst: int) -> Limit:
    """Return a limit of so many a minute; ValueError where that is none or not whole."""
    if not 1 <= minute <= _A_MINUTE_MS or burst < 1:
        raise ValueError("a limit is 1 to 60000 a minute, and a burst of 1 or more")
    return Limit(_A_MINUTE_MS // minute, burst)


def scaled(found: Limit, by: int) -> Limit:
    """Return a limit so many times as generous, for rehearsals."""
    return Limit(max(1, found.interval_ms // by), found.burst * by)


def kind_of(by: Actor, kinds: Mapping[str, Kind]) -> Kind | None:
    """Return a caller's kind; None for the public, tablets and jobs, which have no bucket here."""
    if by.has(Role.PUBLIC, Role.DEVICE, Role.SYSTEM):
        return None
    if by.via is not None:
        return kinds["clerk"]
    for name, roles in _BY_ROLE:
        if by.has(*roles):
            return kinds[name]
    return kinds["person"]


def after(empty_at: int | None, found: Limit, *, cost: int, now_ms: int) -> int | None:
    """Return when a bucket will be empty once so much was put in; None where it would overflow.

    empty_at: when it would have been empty, None for a bucket never used.
    """
    if empty_at is not None and is_wrong(empty_at, found, now_ms=now_ms):
        return now_ms + found.room_ms()
    then = max(empty_at or 0, now_ms) + cost * found.interval_ms
    return then if then - now_ms <= found.room_ms() else None


def is_wrong(empty_at: int, found: Limit, *, now_ms: int) -> bool:
    """Return whether a bucket is fuller than it can ever be: some clock was wrong, or is set back.

    Such a bucket is taken as just full, or its caller would wait for as long as that clock erred.
    """
    return empty_at - now_ms > found.room_ms() + _SKEW_MS


def wait_ms(empty_at: int, found: Limit, *, cost: int, now_ms: int) -> int:
    """Return for how long so much has no room in a bucket."""
    if is_wrong(empty_at, found, now_ms=now_ms):
        return 0
    return max(0, max(empty_at, now_ms) + cost * found.interval_ms - found.room_ms() - now_ms)
