"""Revocations: each in its row, each change told in one list of news, the standing ones in another.

A process reads the standing ones and a day's news once (two queries), and from then on only news
of the last minutes: one query that mostly finds nothing, one read unit.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from chalicelib.access.rules.revoking import PASSING, Revocation
from chalicelib.kernel.periods import from_stamp, stamp
from chalicelib.storage import keys
from chalicelib.storage.commit import Put, Write
from chalicelib.storage.rows import FactsRow
from chalicelib.storage.shelf import Kept, Shelf

REVOCATIONS: Shelf[Revocation] = Shelf(FactsRow, Revocation)
_TOLD = 2 * PASSING


def find_revocation(revocation_id: str) -> Kept[Revocation] | None:
    return REVOCATIONS.find(keys.revocation(revocation_id))


def load_revocation(revocation_id: str) -> Kept[Revocation]:
    return REVOCATIONS.load(keys.revocation(revocation_id))


def create_revocation(one: Revocation) -> tuple[Put, list[Write]]:
    """Describe a new revocation: its row, and what processes read."""
    aggregate = REVOCATIONS.create(
        keys.revocation(one.revocation_id), one, expires_at=_expires(one)
    )
    others: list[Write] = [_told(one, at=one.at, version=1)]
    if one.stands:
        others.append(
            REVOCATIONS.create(
                keys.standing_revocation(one.revocation_id), one, expires_at=_expires(one)
            )
        )
    return aggregate, others


def lift_revocation(kept: Kept[Revocation], lifted: Revocation) -> tuple[Put, list[Write]]:
    """Describe the end of a revocation: its row, the news, and the list it stood in."""
    assert lifted.lifted_at is not None
    others: list[Write] = [_told(lifted, at=lifted.lifted_at, version=kept.version + 1)]
    if lifted.stands:
        standing = REVOCATIONS.load(keys.standing_revocation(lifted.revocation_id))
        others.append(REVOCATIONS.remove(standing))
    return REVOCATIONS.replace(kept, lifted, expires_at=_expires(lifted)), others


def list_standing(*, after: str | None = None) -> Iterator[Revocation]:
    """Yield what stands until it is lifted or ends, by id, above one if given."""
    pk, _ = keys.standing_revocation("")
    return (kept.value for kept in REVOCATIONS.each(pk, after=after))


def list_news(since: datetime) -> Iterator[Revocation]:
    """Yield what was revoked or lifted since an instant, oldest first."""
    pk, after = keys.revocation_news(stamp(since), "")
    return (kept.value for kept in REVOCATIONS.each(pk, after=after))


def _told(one: Revocation, *, at: str, version: int) -> Put:
    gone = int((from_stamp(at) + _TOLD).timestamp())
    # A revocation may be lifted in the instant it was made.
    turn = one.revocation_id if one.lifted_at is None else f"{one.revocation_id}#lifted"
    key = keys.revocation_news(at, turn)
    return REVOCATIONS.create(key, one, version=version, expires_at=gone)


def _expires(one: Revocation) -> int | None:
    if one.until is None:
        return None
    return int((from_stamp(one.until) + timedelta(days=1)).timestamp())
