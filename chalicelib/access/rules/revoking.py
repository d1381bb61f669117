"""Sign-ins that no longer count: of a subject, of one session, or under one key of an issuer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import from_stamp, stamp
from chalicelib.kernel.refusals import Malformed, NotKnown, OutOfTurn

# Every process looks for news at most so seldom; with the time an answer takes, what is revoked is
# refused within a minute everywhere.
REREAD = timedelta(seconds=30)
# A writer's clock and its commit may lag behind its `now` by so much.
OVERLAP = timedelta(seconds=90)
# A logout ends by itself within this, or stands among those that are read from the start.
PASSING = timedelta(hours=25)
ANEW = timedelta(hours=6)
SIGNED_OUT = "signed-out"


class Revoked(NotKnown):
    """This sign-in no longer counts; sign in again."""

    code = "kezek/revoked"


class RevokeWhat(Malformed):
    """Name exactly one: a subject, a session, or an issuer with a key id."""

    code = "access/revoke-what"


class AlreadyLifted(OutOfTurn):
    """This revocation was lifted; name another."""

    code = "access/already-lifted"


class Kind(StrEnum):
    """What is revoked."""

    SUBJECT = "subject"
    SESSION = "session"
    KEY = "key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """Whose sign-ins no longer count.

    name: the pseudonym of a subject or a session, or the digest of an issuer's key. before: only
    sign-ins up to this instant, None for all. until: when it ends by itself, None for never.
    by: the subject who revoked. asked: fingerprint of what was asked.
    """

    revocation_id: str
    kind: Kind
    name: str
    reason_code: str
    at: str
    by: str
    asked: str
    before: str | None = None
    until: str | None = None
    lifted_at: str | None = None
    lifted_by: str | None = None

    @property
    def stands(self) -> bool:
        """Whether it is in the list that processes read when they start, and operators at any time.

        Logouts are not: there are too many, and none outlives the news that is read with the list.
        """
        if self.reason_code != SIGNED_OUT or self.until is None:
            return True
        return from_stamp(self.until) - from_stamp(self.at) > PASSING

    def counts(self, *, now: datetime) -> bool:
        """Return whether it was not lifted and has not ended by itself."""
        if self.lifted_at is not None:
            return False
        return self.until is None or from_stamp(self.until) > now


@dataclass(frozen=True, slots=True)
class Known:
    """What a process knows of revocations, and up to when it read."""

    read_at: datetime
    begun_at: datetime
    by_name: Mapping[tuple[Kind, str], tuple[Revocation, ...]] = field(default_factory=dict)


def lift(revocation: Revocation, *, by: Actor, now: datetime) -> Revocation:
    """Return a revocation that ends now; the same where it was lifted by the same hand."""
    if revocation.lifted_at is not None:
        if revocation.lifted_by != by.subject:
            raise AlreadyLifted()
        return revocation
    return replace(revocation, lifted_at=stamp(now), lifted_by=by.subject)


def due(known: Known | None, *, now: datetime) -> bool:
    """Return whether a process must look for news before it trusts a sign-in."""
    return known is None or not known.read_at <= now < known.read_at + REREAD


def news_since(known: Known | None, *, now: datetime) -> datetime | None:
    """Return the instant from which on news is wanted; None: everything, from the start.

    A clock that ran backwards, or hours of reading on, are reasons to begin anew.
    """
    if known is None or now < known.read_at or now - known.begun_at > ANEW:
        return None
    return known.read_at - OVERLAP


def learn(known: Known | None, told: Iterable[Revocation], *, now: datetime) -> Known:
    """Return what is known with the news, oldest first; what has ended is forgotten."""
    every: dict[str, Revocation] = {}
    if known is not None:
        every = {r.revocation_id: r for of in known.by_name.values() for r in of}
    for one in told:
        every[one.revocation_id] = one
    by_name: dict[tuple[Kind, str], list[Revocation]] = {}
    for one in every.values():
        if one.counts(now=now):
            by_name.setdefault((one.kind, one.name), []).append(one)
    begun_at = now if known is None else known.begun_at
    return Known(now, begun_at, {name: tuple(of) for name, of in by_name.items()})


def check(known: Known, by: Actor, *, now: datetime) -> None:
    """Raise Revoked where a caller's subject, session or issuer's key is revoked."""
    if not known.by_name:
        return
    names = ((Kind.SUBJECT, by.subject), (Kind.SESSION, by.session), (Kind.KEY, by.signed_by))
    for name in names:
        if any(_counts(one, by, now) for one in known.by_name.get(name, ())):
            raise Revoked()


def _counts(one: Revocation, by: Actor, now: datetime) -> bool:
    if one.until is not None and from_stamp(one.until) <= now:
        return False
    if one.before is None or by.signed_in_at is None:
        return True
    return by.signed_in_at <= from_stamp(one.before)
