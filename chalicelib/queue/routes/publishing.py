"""The public order, and publishing everybody's place."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from chalicelib.adapters import files
from chalicelib.edge import log, pages
from chalicelib.edge.routes import Call
from chalicelib.kernel.refusals import AnotherContent, Unknown
from chalicelib.policy.actions import NoPack
from chalicelib.policy.rules import NoRuleInForce
from chalicelib.queue import actions, rules
from chalicelib.queue.routes.shapes import AreaAsked, Code, Cursor, Limit, routes

_ORDER = "/v1/queue/order"


class OrderAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """A page of an area's order: the newest, or that of a checkpoint."""

    programme: Code
    area: Code
    checkpoint: Annotated[str, Meta(max_length=128, pattern=r"^[A-Za-z0-9_-]+$(?!\n)")] | None = (
        None
    )
    limit: Limit = 50
    cursor: Cursor | None = None


class OrderLine(Struct, frozen=True):
    """A ticket of the public order, its place within categories that are shown together.

    intake: whose published seed gives the ticket its number within a category; the place is None
    until it is drawn, and where several categories are shown together: there the lines go by
    intake and drawn number, else by ticket.
    """

    categories: tuple[int, ...]
    place: int | None
    ticket: str
    intake: str | None = None


class OrderAnswered(Struct, frozen=True):
    """A page of the public order, as counted at `as_of`.

    checkpoint_id: asks for this very order later (`checkpoint=`); None before the first.
    """

    checkpoint_id: str | None
    as_of: str | None
    next_checkpoint_at: str
    lines: list[OrderLine]
    cursor: str | None = None


class ExactAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """A page of a checkpoint's exact order."""

    limit: Limit = 50
    cursor: Cursor | None = None


class ExactLine(Struct, frozen=True):
    """A ticket, its category, its place there; None until it is drawn."""

    ticket: str
    category: int
    place: int | None


class ExactAnswered(Struct, frozen=True):
    """A page of the exact order of a checkpoint, category by category, in each as it is served."""

    checkpoint_id: str
    programme: str
    area: str
    as_of: str
    lines: list[ExactLine]
    cursor: str | None = None


class CheckpointAnswered(Struct, frozen=True):
    """A published checkpoint."""

    checkpoint_id: str
    programme: str
    area: str
    as_of: str
    pack: str
    waiting: int


@routes.get(
    "/order",
    action="queue/order",
    query=OrderAsked,
    answers=OrderAnswered,
    refuses=(NoPack, Unknown, pages.BadCursor),
)
def order(call: Call[None]) -> OrderAnswered:
    """See the order of the queue without persons: tickets by category, as published.

    The newest, or that of a checkpoint: all are kept.
    """
    asked: OrderAsked = call.query
    of = f"{_ORDER}?{asked.programme}&{asked.area}"
    if asked.checkpoint:
        of += f"&{asked.checkpoint}"
    page = actions.order_page(
        asked.programme,
        asked.area,
        now=call.now,
        position=pages.position(asked.cursor, of=of) if asked.cursor else None,
        limit=asked.limit,
        checkpoint_id=asked.checkpoint,
    )
    return OrderAnswered(
        checkpoint_id=page.checkpoint_id,
        as_of=page.as_of,
        next_checkpoint_at=page.next_checkpoint_at,
        lines=[
            OrderLine(line.categories, line.place, line.ticket, line.intake) for line in page.lines
        ],
        cursor=pages.cursor(page.position, of=of) if page.position else None,
    )


@routes.get(
    "/checkpoints/{checkpoint_id}/order",
    action="queue/see-order",
    query=ExactAsked,
    answers=ExactAnswered,
    refuses=(Unknown, pages.BadCursor),
)
def exact_order(call: Call[None], checkpoint_id: str) -> ExactAnswered:
    """See the exact order of a checkpoint with categories and places; each look is recorded.

    The public order tells no place where categories are shown together, and nothing of few.
    """
    asked: ExactAsked = call.query
    of = f"/v1/queue/checkpoints/{checkpoint_id}/order"
    head, lines, position = actions.exact_page(
        checkpoint_id,
        by=call.actor,
        position=pages.position(asked.cursor, of=of) if asked.cursor else None,
        limit=asked.limit,
    )
    return ExactAnswered(
        checkpoint_id=head.checkpoint_id,
        programme=head.programme,
        area=head.area,
        as_of=head.as_of,
        lines=[ExactLine(line.ticket, line.category, line.place) for line in lines],
        cursor=pages.cursor(position, of=of) if position else None,
    )


@routes.put(
    "/checkpoints/{checkpoint_id}",
    action="queue/publish-checkpoint",
    asks=AreaAsked,
    answers=CheckpointAnswered,
    refuses=(
        Unknown,
        NoPack,
        NoRuleInForce,
        AnotherContent,
        rules.BehindPublished,
        files.FilesSilent,
    ),
)
def publish_checkpoint(call: Call[AreaAsked], checkpoint_id: str) -> CheckpointAnswered:
    """Publish everybody's place in the queue as of now.

    Not while it cannot be seen which numbers lie in public: none is signed twice.
    """
    head = actions.publish(
        checkpoint_id,
        programme=call.asked.programme,
        area=call.asked.area,
        by=call.actor,
        now=call.now,
        published=rules.last_published(call.asked.programme, call.asked.area, files.published),
    ).head
    if head.unexplained:
        log.loud(
            actions.UNEXPLAINED,
            metric=actions.UNEXPLAINED_METRIC,
            checkpoint_id=head.checkpoint_id,
        )
    return CheckpointAnswered(
        checkpoint_id=head.checkpoint_id,
        programme=head.programme,
        area=head.area,
        as_of=head.as_of,
        pack=head.pack,
        waiting=head.waiting,
    )
