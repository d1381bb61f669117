"""Revoking sign-ins, and every process knowing it within a minute.

A warm process looks for news at most every thirty seconds, when somebody who signed in asks for
something: one consistent query, one read unit while nothing was revoked. Where the store does not
answer, the request ends there: what it would read next lies in the same store, and nobody may pass
on a guess. Where it refuses for load, a process that has read before goes on with what it knows,
for a minute at most.
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

from botocore.exceptions import BotoCoreError
from pynamodb.exceptions import PynamoDBException

from chalicelib.access.rules import revoking as rules
from chalicelib.access.rules.revoking import Kind, Known, Revocation
from chalicelib.access.store import revoking as store
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor, Role, system
from chalicelib.kernel.periods import stamp
from chalicelib.kernel.refusals import AnotherContent
from chalicelib.storage.commit import StoreSilent, response_code, settles
from chalicelib.storage.secrets import fingerprint

_BUSY = frozenset({"ThrottlingException", "ProvisionedThroughputExceededException"})
_MOST_STALE = timedelta(seconds=60) - rules.REREAD / 2

_known: Known | None = None
_reading = threading.Lock()


def check(by: Actor, *, now: datetime) -> None:
    """Raise Revoked where a caller's sign-in no longer counts; StoreSilent where none can say.

    Tablets are not asked here: their revocation stands in the row that every request of theirs
    reads anyway.
    """
    if by.has(Role.PUBLIC, Role.DEVICE, Role.SYSTEM):
        return
    known = _known
    if known is None or rules.due(known, now=now):
        known = _look(now)
    rules.check(known, by, now=now)


def forget() -> None:
    """Drop what this process knows; the next request reads it anew."""
    global _known
    _known = None


@settles
def revoke(
    revocation_id: str,
    *,
    kind: Kind,
    name: str,
    reason_code: str,
    until: datetime | None,
    by: Actor,
    now: datetime,
) -> Revocation:
    """Revoke a subject, a session or an issuer's key; the same again gets the same answer."""
    ends = stamp(until) if until is not None else None
    asked = fingerprint([kind, name, reason_code, ends])
    earlier = store.find_revocation(revocation_id)
    if earlier is not None:
        if earlier.value.asked != asked:
            raise AnotherContent()
        return earlier.value
    revocation = Revocation(
        revocation_id=revocation_id,
        kind=kind,
        name=name,
        reason_code=reason_code,
        at=stamp(now),
        by=by.subject,
        asked=asked,
        until=ends,
    )
    _commit(revocation, by, now)
    return revocation


@settles
def lift(revocation_id: str, *, by: Actor, now: datetime) -> Revocation:
    """Let sign-ins count again. Raises Unknown, AlreadyLifted."""
    kept = store.load_revocation(revocation_id)
    lifted = rules.lift(kept.value, by=by, now=now)
    if lifted is not kept.value:
        aggregate, others = store.lift_revocation(kept, lifted)
        what = journal.entry("access/revocation-lifted", _stream(lifted), by=by, now=now)
        journal.commit(what, aggregate, *others)
        forget()
    return lifted


@settles
def end_sign_in(
    logout_id: str,
    *,
    issuer: str,
    subject: str | None,
    session: str | None,
    at: datetime,
    until: datetime,
    now: datetime,
) -> None:
    """End what an issuer says has ended: one session, or every sign-in of a subject up to then.

    The same logout again changes nothing.
    """
    kind, name = (Kind.SESSION, session) if session else (Kind.SUBJECT, subject)
    assert name is not None
    asked = fingerprint([issuer, kind, name, stamp(at)])
    earlier = store.find_revocation(logout_id)
    if earlier is not None:
        if earlier.value.asked != asked:
            raise AnotherContent()
        return
    by = system("back-channel-logout")
    revocation = Revocation(
        revocation_id=logout_id,
        kind=kind,
        name=name,
        reason_code=rules.SIGNED_OUT,
        at=stamp(now),
        by=by.subject,
        asked=asked,
        before=stamp(at) if kind is Kind.SUBJECT else None,
        until=stamp(until),
    )
    _commit(revocation, by, now)


def standing(
    *, now: datetime, after: str | None, limit: int
) -> tuple[list[Revocation], str | None]:
    """Return revocations that count until they are lifted or end, and the id to go on from."""
    found: list[Revocation] = []
    for one in store.list_standing(after=after):
        if one.counts(now=now):
            found.append(one)
        if len(found) > limit:
            return found[:limit], found[limit - 1].revocation_id
    return found, None


def _commit(revocation: Revocation, by: Actor, now: datetime) -> None:
    aggregate, others = store.create_revocation(revocation)
    what = journal.entry(
        "access/revoked",
        _stream(revocation),
        by=by,
        now=now,
        kind=revocation.kind.value,
        name=revocation.name,
        reason_code=revocation.reason_code,
        until=revocation.until,
    )
    journal.commit(what, aggregate, *others)
    forget()


def _stream(revocation: Revocation) -> str:
    return f"revocation/{revocation.revocation_id}"


def _look(now: datetime) -> Known:
    """Return what is known after looking for news. Raises StoreSilent."""
    global _known
    with _reading:
        known = _known
        if known is not None and not rules.due(known, now=now):
            return known  # another thread has just looked
        try:
            since = rules.news_since(known, now=now)
            if known is None or since is None:
                told = [*store.list_standing(), *store.list_news(now - rules.PASSING)]
                _known = rules.learn(None, told, now=now)
            else:
                _known = rules.learn(known, store.list_news(since), now=now)
        except BotoCoreError as error:
            raise StoreSilent() from error
        except PynamoDBException as error:
            busy = response_code(error) in _BUSY
            if known is None or not busy or now - known.read_at > _MOST_STALE:
                raise StoreSilent() from error
            return known
        return _known
