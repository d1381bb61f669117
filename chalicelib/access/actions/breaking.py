"""Breaking the glass: an officer reaches one more area for a while, to read, and everybody knows.

An opening is used with the header `Kezek-Opening`; such a request reaches the opened area and
nothing else, and whatever it shows is marked with the opening. Families are told whose data was
looked at. A second person of the area's department, or an auditor, says within a weekday whether
it was justified.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Literal

from chalicelib.access.actions.counting import counting
from chalicelib.access.actions.doing import demand
from chalicelib.access.actions.proposing import same_person
from chalicelib.access.rules import breaking as rules
from chalicelib.access.rules.breaking import Finding, NoSuchArea, Opening, OpeningReason, OwnReview
from chalicelib.access.store import breaking as store
from chalicelib.journal import store as journal
from chalicelib.journal.rules import Entry
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import from_stamp, stamp
from chalicelib.kernel.refusals import AnotherContent
from chalicelib.storage import agenda, outbox
from chalicelib.storage.commit import Raced, commit, settles
from chalicelib.storage.secrets import fingerprint

TOPIC = "access/review"
TOLD_TOPIC = "children/looked-at"
# Areas are of the rule packs, which stand above: whoever puts the parts together says which.
_areas: list[Callable[[], Collection[str]]] = []


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningSeen:
    """An opening as officers see it; the reason in words for its reviewers and its opener.

    opener: the opener's pseudonym, by which a sign-in is revoked.
    """

    opening_id: str
    area: str
    reason_code: OpeningReason
    reason: str | None
    opened_at: str
    until: str
    ended_at: str | None
    review_by: str
    finding: Finding | None
    reviewed_at: str | None
    opened_by: Literal["you", "another"]
    opener: str


def areas_are(known: Callable[[], Collection[str]]) -> None:
    """Say which areas there are; where nobody did, there are none."""
    _areas[:] = [known]


@settles
def break_glass(
    opening_id: str,
    *,
    area: str,
    reason: str,
    reason_code: OpeningReason,
    minutes: int,
    by: Actor,
    now: datetime,
) -> OpeningSeen:
    """Open an area to the caller for some minutes; the same again opens nothing more.

    Raises AnotherContent, NoSuchArea; Unknown for an id of somebody else.
    """
    asked = fingerprint([area, reason, reason_code, minutes])
    kept = store.find_opening(opening_id)
    if kept is not None:
        demand(by, own=kept.value.by == by.subject)
        if kept.value.asked != asked:
            raise AnotherContent(opening_id=opening_id)
        return _seen(kept.value, by=by, reason=reason)
    demand(by, own=True)
    if not any(area in known() for known in _areas):
        raise NoSuchArea(area=area)
    opening = rules.open_glass(
        opening_id=opening_id,
        by=by,
        area=area,
        reason_code=reason_code,
        minutes=minutes,
        asked=asked,
        now=now,
    )
    first, *others = store.create_opening(opening, reason)
    journal.commit(
        _entry("glass-broken", opening, by=by, now=now, reason_code=reason_code),
        first,
        *others,
        counting(area, opening.opened_at, "opened", of="openings"),
        agenda.due(from_stamp(opening.review_by), TOPIC, opening_id),
    )
    return _seen(opening, by=by, reason=reason)


@settles
def end_opening(opening_id: str, *, by: Actor, now: datetime) -> OpeningSeen:
    """End one's own opening before its time; one that is over stays as it is."""
    kept = store.load_opening(opening_id)
    demand(by, own=kept.value.by == by.subject)
    ended = rules.end_glass(kept.value, now=now)
    if ended != kept.value:
        journal.commit(
            _entry("glass-mended", ended, by=by, now=now), store.keep_opening(kept, ended)
        )
    return _seen(ended, by=by, reason=None)


@settles
def review_opening(opening_id: str, finding: Finding, *, by: Actor, now: datetime) -> OpeningSeen:
    """Say whether an opening was justified; ends it if it is in force. The same again: as it is.

    Raises Unknown, OwnReview, ReviewedAlready.
    """
    kept = store.load_opening(opening_id)
    opening = kept.value
    demand(by, area=opening.area)
    if same_person(opening.by, by.subject):
        raise OwnReview()
    reviewed = rules.review(opening, finding, by=by, now=now)
    if reviewed != opening:
        journal.commit(
            _entry("glass-reviewed", reviewed, by=by, now=now, finding=finding),
            store.keep_opening(kept, reviewed),
            counting(opening.area, opening.opened_at, finding, of="openings"),
        )
    return _seen(reviewed, by=by, reason=None)


@settles
def note_overdue(opening_id: str, *, by: Actor, now: datetime) -> bool:
    """Note an opening that nobody reviewed in its time; return whether it was so. Topic TOPIC."""
    kept = store.find_opening(opening_id)
    if kept is None or kept.value.finding is not None or kept.value.overdue:
        return False
    if stamp(now) < kept.value.review_by:
        return False
    late = rules.overdue(kept.value)
    journal.commit(
        _entry("glass-unreviewed", late, by=by, now=now),
        store.keep_opening(kept, late),
        counting(late.area, late.opened_at, "overdue", of="openings"),
    )
    return True


def see_opening(opening_id: str, *, by: Actor) -> OpeningSeen:
    """Return an opening with its reason, to its opener and to those who may review it."""
    opening = store.load_opening(opening_id).value
    demand(by, area=opening.area, own=opening.by == by.subject)
    return _seen(opening, by=by, reason=store.reason_of(opening_id))


def openings(
    area: str, *, by: Actor, before: str | None, limit: int
) -> tuple[list[OpeningSeen], str | None]:
    """Return an area's openings, newest first, without reasons, and where to go on from."""
    demand(by, area=area)
    named = list(islice(store.each_opening(area, before=before), limit + 1))
    found = store.find_openings([opening_id for _, opening_id in named[:limit]])
    following = named[limit - 1][0] if len(named) > limit else None
    return [_seen(one, by=by, reason=None) for one in found], following


def under_opening(opening_id: str, by: Actor, *, reading: bool, now: datetime) -> Actor:
    """Return the caller with an opened area in reach. Raises OpeningOver, ReadingOnly."""
    kept = store.find_opening(opening_id)
    return rules.widened(by, kept.value if kept else None, reading=reading, now=now)


def tell_of_looks(opening_id: str, child_ids: Iterable[str], *, now: datetime) -> None:
    """Have the representatives of children told that they were looked at under an opening.

    Once per child and opening, however often it was looked at.
    """
    for child_id in dict.fromkeys(child_ids):
        work = outbox.work(
            f"looked-at#{opening_id}#{child_id}",
            TOLD_TOPIC,
            now=now,
            opening_id=opening_id,
            child_id=child_id,
        )
        try:
            commit([work])
        except Raced:
            continue  # they are told of this opening already


def _seen(opening: Opening, *, by: Actor, reason: str | None) -> OpeningSeen:
    return OpeningSeen(
        opening_id=opening.opening_id,
        area=opening.area,
        reason_code=opening.reason_code,
        reason=reason,
        opened_at=opening.opened_at,
        until=opening.until,
        ended_at=opening.ended_at,
        review_by=opening.review_by,
        finding=opening.finding,
        reviewed_at=opening.reviewed_at,
        opened_by="you" if opening.by == by.subject else "another",
        opener=opening.by,
    )


def _entry(what: str, opening: Opening, *, by: Actor, now: datetime, **facts: str) -> Entry:
    return journal.entry(
        f"access/{what}",
        f"opening/{opening.opening_id}",
        by=by,
        now=now,
        area=opening.area,
        until=opening.until,
        **facts,
    )
