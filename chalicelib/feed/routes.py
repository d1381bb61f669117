"""GET /v1/feed: what changed, for portals that keep a copy."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from chalicelib.edge import pages
from chalicelib.edge.routes import Answer, Call, Routes
from chalicelib.feed import actions
from chalicelib.feed.rules import Change

routes = Routes(__name__, "feed")
_FEED = "/v1/feed"
_AGAIN_S = 5

Slice = Literal[
    "applications",
    "attendance",
    "billing",
    "budgets",
    "children",
    "complaints",
    "lessons",
    "payouts",
    "providers",
    "queue",
    "ratings",
    "vouchers",
]


class FeedAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """From where on, how many, of which slice."""

    cursor: Annotated[str, Meta(max_length=512)] | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 100
    slice: Slice | None = None


class FeedAnswered(Struct, frozen=True):
    """Changes in the order of the log. cursor: to be given next time, also when nothing came."""

    changes: list[Change]
    cursor: str
    more: bool


@routes.get(
    "", action="feed/read", query=FeedAsked, answers=FeedAnswered, refuses=(pages.BadCursor,)
)
def feed(call: Call[None]) -> Answer:
    """Follow what changes: which thing, when, where; nothing personal.

    Operators and auditors see of a family's things that they changed, not which.

    Each change comes once, in one order. Where nothing is left, Retry-After says when to look
    again with the same cursor. A cursor stays good for ever, also when Kezek's keys are renewed.
    """
    asked: FeedAsked = call.query
    of = f"{_FEED}?{asked.slice or ''}"
    after = int(pages.position(asked.cursor, of=of)) if asked.cursor else 0
    found, place, more = actions.changes(after, limit=asked.limit, only=asked.slice, by=call.actor)
    answer = FeedAnswered(found, pages.cursor(str(place), of=of, lasting=True), more)
    return Answer(answer, headers={} if more else {"Retry-After": str(_AGAIN_S)})
