"""One more area in reach for a while: opened, ended, reviewed."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from chalicelib.access import actions
from chalicelib.access.actions import OpeningSeen
from chalicelib.access.routes.shapes import Code, Cursor, Limit, routes
from chalicelib.access.rules import breaking
from chalicelib.access.rules.breaking import Finding, OpeningReason
from chalicelib.edge import log, pages
from chalicelib.edge.routes import Call
from chalicelib.kernel.refusals import AnotherContent, Unknown


class OpeningsAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """A page of an area's openings."""

    area: Code
    limit: Limit = 50
    cursor: Cursor | None = None


class OpeningAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Which area, why in words and as a code, and for how many minutes."""

    area: Code
    reason: Annotated[str, Meta(min_length=20, max_length=500)]
    reason_code: OpeningReason
    minutes: Annotated[int, Meta(ge=1, le=breaking.OPENING_MINUTES_MAX)]


class ReviewAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """What the second person found."""

    finding: Finding


class OpeningsPage(Struct, frozen=True):
    """An area's openings, newest first; `next_cursor` is null on the last page."""

    items: list[OpeningSeen]
    next_cursor: str | None


@routes.put(
    "/break-glass/{opening_id}",
    action="access/break-glass",
    asks=OpeningAsked,
    answers=OpeningSeen,
    refuses=(Unknown, AnotherContent, breaking.NoSuchArea),
)
def break_glass(call: Call[OpeningAsked], opening_id: str) -> OpeningSeen:
    """Open one more area to oneself for a while, to read; it is counted, told and reviewed.

    Requests with the header `Kezek-Opening: <opening_id>` then reach that area.
    """
    asked = call.asked
    opening = actions.break_glass(
        opening_id,
        area=asked.area,
        reason=asked.reason,
        reason_code=asked.reason_code,
        minutes=asked.minutes,
        by=call.actor,
        now=call.now,
    )
    # With a repeated request it is said again: a process that died here had said nothing.
    log.loud(
        "break-glass",
        metric="BreakGlass",
        opening_id=opening_id,
        subject=call.actor.subject,
        area=asked.area,
        reason_code=asked.reason_code,
    )
    return opening


@routes.put(
    "/break-glass/{opening_id}/end",
    action="access/end-opening",
    answers=OpeningSeen,
    refuses=(Unknown,),
)
def end_opening(call: Call[None], opening_id: str) -> OpeningSeen:
    """End one's own opening before its time."""
    return actions.end_opening(opening_id, by=call.actor, now=call.now)


@routes.put(
    "/break-glass/{opening_id}/review",
    action="access/review-opening",
    asks=ReviewAsked,
    answers=OpeningSeen,
    refuses=(Unknown, breaking.OwnReview, breaking.ReviewedAlready),
)
def review_opening(call: Call[ReviewAsked], opening_id: str) -> OpeningSeen:
    """Say, as another person, whether an opening was justified."""
    return actions.review_opening(opening_id, call.asked.finding, by=call.actor, now=call.now)


@routes.get(
    "/break-glass/{opening_id}",
    action="access/see-opening",
    answers=OpeningSeen,
    refuses=(Unknown,),
)
def see_opening(call: Call[None], opening_id: str) -> OpeningSeen:
    """See an opening with its reason: one's own, or one to be reviewed."""
    return actions.see_opening(opening_id, by=call.actor)


@routes.get(
    "/break-glass",
    action="access/list-openings",
    query=OpeningsAsked,
    answers=OpeningsPage,
    refuses=(Unknown, pages.BadCursor),
)
def list_openings(call: Call[None]) -> OpeningsPage:
    """List an area's openings, newest first, without their reasons."""
    query: OpeningsAsked = call.query
    of = f"/v1/access/break-glass#{query.area}"
    before = pages.position(query.cursor, of=of) if query.cursor else None
    items, last = actions.openings(query.area, by=call.actor, before=before, limit=query.limit)
    return OpeningsPage(items, pages.cursor(last, of=of) if last else None)
