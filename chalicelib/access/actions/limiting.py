"""Nobody may ask for more than one caller may: buckets by person, organisation and clerk.

A change is charged to its caller's bucket before its body is read: one update. Reads are free up to
an allowance in each process and then charged by tens, so an ordinary reader costs no call. A clerk
is charged for what is asked at the desk, whoever the client is; staff of a provider are charged
twice in one update, for themselves and for their organisation.

Where the buckets' table refuses for load, each process goes on with buckets of its own, of the same
sizes: a caller then has at most as many as there are processes, and an honest one notices nothing.
Where the store does not answer at all, the request ends there: what it would read or write next
lies in the same store.
"""

from __future__ import annotations

import functools
import hashlib
from datetime import datetime
from importlib import resources

from chalicelib.access.rules import limits
from chalicelib.access.rules.limits import Kind, Limit
from chalicelib.access.store import meters
from chalicelib.access.store.meters import Busy, Part
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.refusals import TooMuch
from chalicelib.storage import keys

LEASED = 10
_MOST_KEPT = 5_000

_generosity = 1
# Of this process alone: when buckets will be empty, and reads that were paid for in advance.
_believed: dict[str, dict[str, int]] = {}
_own: dict[str, int] = {}
_leased: dict[str, int] = {}


@functools.lru_cache(maxsize=1)
def kinds() -> dict[str, Kind]:
    """Return every kind of caller, as `limits.toml` has them."""
    import tomllib  # not before it is needed: a cold start counts milliseconds

    text = resources.files("chalicelib.access").joinpath("limits.toml").read_text("utf-8")
    return {name: _kind(name, said) for name, said in tomllib.loads(text).items()}


def charge(by: Actor, *, changes: bool, now: datetime) -> None:
    """Charge a request to its caller. Raises TooMuch (with `retry_after_s`), StoreSilent."""
    kind = limits.kind_of(by, kinds())
    if kind is None:
        return
    now_ms = int(now.timestamp() * 1000)
    who = by.via or by.subject
    if not changes:
        _read(who, kind, now_ms)
        return
    if kind.together is not None and by.organisations:
        organisations = "+".join(sorted(by.organisations))
        name = organisations if len(by.organisations) == 1 else _digest(organisations)
        own = Part(f"p-{who[:16]}", _sized(kind.changes))
        _store(f"ORG#{name}", [Part("t", _sized(kind.together)), own], kind.name, now_ms)
        return
    _store(who, [Part("t", _sized(kind.changes))], kind.name, now_ms)


def use(generosity: int | None) -> None:
    """Make every limit so many times as generous (None: as it stands), and forget what was asked.

    For rehearsals, demos and tests, where one caller stands for thousands at one instant.
    """
    global _generosity
    _generosity = generosity or 1
    for kept in (_believed, _own, _leased):
        kept.clear()


def _read(who: str, kind: Kind, now_ms: int) -> None:
    if _spend_here(f"free#{who}", _sized(kind.free), now_ms):
        return
    if _leased.get(who, 0) == 0:
        _store(who, [Part("r", _sized(kind.reads), LEASED)], kind.name, now_ms)
        _make_room(_leased)
        _leased[who] = LEASED
    _leased[who] -= 1


def _store(name: str, parts: list[Part], kind: str, now_ms: int) -> None:
    believed = _believed.get(name, {})
    try:
        spent = meters.spend(keys.meter(name), parts, believed=believed, now_ms=now_ms)
    except Busy:
        for part in parts:
            if not _spend_here(f"{name}#{part.name}", part.size, now_ms, part.cost):
                raise TooMuch(limit=kind, retry_after_s=1) from None
        return
    _make_room(_believed)
    _believed[name] = {**believed, **spent.held}
    if not spent.done:
        raise TooMuch(limit=kind, retry_after_s=-(-spent.wait_ms // 1000))


def _spend_here(name: str, size: Limit, now_ms: int, cost: int = 1) -> bool:
    """Put something into a bucket of this process; return whether there was room."""
    then = limits.after(_own.get(name), size, cost=cost, now_ms=now_ms)
    if then is None:
        return False
    _make_room(_own)
    _own[name] = then
    return True


def _make_room(kept: dict[str, int] | dict[str, dict[str, int]]) -> None:
    # What is forgotten is believed empty, and the store corrects that.
    if len(kept) >= _MOST_KEPT:
        for name in list(kept)[: _MOST_KEPT // 2]:
            kept.pop(name, None)


def _sized(size: Limit) -> Limit:
    return size if _generosity == 1 else limits.scaled(size, _generosity)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _kind(name: str, said: dict[str, object]) -> Kind:
    sizes = {part: limits.limit(**size) for part, size in said.items() if isinstance(size, dict)}
    return Kind(name=name, why=str(said["why"]), **sizes)
