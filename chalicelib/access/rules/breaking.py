"""Breaking the glass: for a time one more area in reach, loudly, and reviewed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from chalicelib.kernel.actors import Actor, Role
from chalicelib.kernel.periods import stamp
from chalicelib.kernel.refusals import Malformed, NotAllowed, OutOfTurn

OPENING_MINUTES_MAX = 60
REVIEW_DAYS = 1
OPENERS = frozenset({Role.DEPARTMENT, Role.OPERATOR, Role.AUDITOR})
_FRIDAY = 4
Finding = Literal["justified", "not-justified"]
OpeningReason = Literal["court-request", "child-at-risk", "fault", "complaint", "audit"]


class OpeningOver(NotAllowed):
    """No such opening of the caller's is in force: over, ended, or somebody else's, all alike."""

    code = "access/opening-over"


class ReadingOnly(NotAllowed):
    """Under a broken glass one looks; one changes nothing."""

    code = "access/reading-only"


class NoSuchArea(Malformed):
    """No rules of any programme are kept for that area, so there is nothing to open."""

    code = "access/no-such-area"


class OwnReview(NotAllowed):
    """Nobody reviews their own opening."""

    code = "access/own-review"


class ReviewedAlready(OutOfTurn):
    """The opening was reviewed, with another finding or by somebody else."""

    code = "access/reviewed-already"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A broken glass: for a time its opener's reach covers an area, for reading.

    The reason in words is sealed in the vault; asked: a keyed digest of all that was asked.
    """

    opening_id: str
    by: str
    roles: tuple[str, ...]
    area: str
    reason_code: OpeningReason
    opened_at: str
    until: str
    review_by: str
    asked: str
    ended_at: str | None = None
    finding: Finding | None = None
    reviewed_by: str | None = None
    reviewed_at: str | None = None
    overdue: bool = False

    def in_force(self, now: datetime) -> bool:
        return self.ended_at is None and self.opened_at <= stamp(now) < self.until


def open_glass(
    *,
    opening_id: str,
    by: Actor,
    area: str,
    reason_code: OpeningReason,
    minutes: int,
    asked: str,
    now: datetime,
) -> Opening:
    """Return a glass as it is broken; a second person reviews it by the end of a weekday later."""
    review_by = now + timedelta(days=REVIEW_DAYS)
    while review_by.weekday() > _FRIDAY:
        review_by += timedelta(days=1)
    return Opening(
        opening_id=opening_id,
        by=by.subject,
        roles=tuple(sorted(by.roles)),
        area=area,
        reason_code=reason_code,
        opened_at=stamp(now),
        until=stamp(now + timedelta(minutes=min(minutes, OPENING_MINUTES_MAX))),
        review_by=stamp(review_by),
        asked=asked,
    )


def widened(by: Actor, opening: Opening | None, *, reading: bool, now: datetime) -> Actor:
    """Return the caller reaching the opened area, whole, and nothing else with this request.

    Raises OpeningOver, ReadingOnly.
    """
    if (
        opening is None
        or not by.roles & OPENERS
        or opening.by != by.subject
        or not opening.in_force(now)
    ):
        raise OpeningOver()
    if not reading:
        raise ReadingOnly()
    return replace(
        by,
        roles=by.roles & OPENERS,
        areas=frozenset({opening.area}),
        directions=frozenset({"*"}),
        organisations=frozenset(),
        opened_by=opening.opening_id,
    )


def end_glass(opening: Opening, *, now: datetime) -> Opening:
    """Return an opening that is over; one that is over already stays as it is."""
    if not opening.in_force(now):
        return opening
    return replace(opening, ended_at=stamp(now))


def review(opening: Opening, finding: Finding, *, by: Actor, now: datetime) -> Opening:
    """Return an opening with its finding; the same again as it is. Raises ReviewedAlready."""
    if opening.finding is not None:
        if (opening.finding, opening.reviewed_by) != (finding, by.subject):
            raise ReviewedAlready(finding=opening.finding)
        return opening
    ended = end_glass(opening, now=now)
    return replace(ended, finding=finding, reviewed_by=by.subject, reviewed_at=stamp(now))


def overdue(opening: Opening) -> Opening:
    """Return an opening that nobody reviewed in its time; it can be reviewed still."""
    return replace(opening, overdue=True)
