"""Why an own place moved, checkpoint by checkpoint, and how forecasts held."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from chalicelib.edge import pages
from chalicelib.edge.routes import Call
from chalicelib.kernel.refusals import Unknown
from chalicelib.policy.actions import NoPack
from chalicelib.queue import actions
from chalicelib.queue.routes.places import CauseShown
from chalicelib.queue.routes.sentences import cause_text, move_text
from chalicelib.queue.routes.shapes import AreaAsked, Cursor, Limit, routes
from chalicelib.queue.rules import Moves

_PLACES = "/v1/queue/places"


class MovesAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """A page of moves; since: a checkpoint from which all moves are asked for as one."""

    since: Annotated[str, Meta(max_length=128, pattern=r"^[A-Za-z0-9_-]+$(?!\n)")] | None = None
    limit: Limit = 20
    cursor: Cursor | None = None


class MoveAnswered(Struct, frozen=True):
    """How a place became another from one checkpoint to the next.

    number, as_of: of the checkpoint. before: None where the application did not wait at the one
    before. The counts of the causes add up to `now - before`; below zero is nearer.
    """

    number: int
    as_of: str
    before: int | None
    now: int
    text: str
    causes: list[CauseShown]


class SinceAnswered(Struct, frozen=True):
    """All moves since a checkpoint, up to the newest, as one; the causes add up."""

    checkpoint_id: str
    since: str
    number: int
    as_of: str
    before: int
    now: int
    text: str
    causes: list[CauseShown]


class MovesAnswered(Struct, frozen=True):
    """The moves of an application, newest first.

    since: only where it was asked for and the application waited then and waits now. A page may
    hold fewer moves than asked for: checkpoints at which it did not wait have none.
    """

    application_id: str
    moves: list[MoveAnswered]
    since: SinceAnswered | None = None
    cursor: str | None = None


class ForecastsAnswered(Struct, frozen=True):
    """How the first forecast that a family was shown held.

    scored: how many; within, before: whose voucher came in the band, before it; after: who had none
    by the end of the band, whether it came later, is waited for or the application left the queue
    after that. Who left before the end of the band is not counted. A count of 1 to 4 is never shown
    and the figures are renewed only when each grows by none or by five and more; until the first
    such all are None. within_per_mille: the share. months_off_per_mille: between the expected month
    and that of the voucher, a thousandth of a month, on average; of `after` no more than to the
    first checkpoint behind the band, so it is at least so much.
    """

    programme: str
    area: str
    months: int
    scored: int | None
    within: int | None
    before: int | None
    after: int | None
    within_per_mille: int | None
    months_off_per_mille: int | None


@routes.get(
    "/places/{application_id}/moves",
    action="queue/see-moves",
    query=MovesAsked,
    answers=MovesAnswered,
    refuses=(Unknown, pages.BadCursor),
)
def see_moves(call: Call[None], application_id: str) -> MovesAnswered:
    """See why a place moved: checkpoint by checkpoint, with causes that add up exactly."""
    asked: MovesAsked = call.query
    of = f"{_PLACES}/{application_id}/moves"
    page, position = actions.moves_page(
        application_id,
        by=call.actor,
        position=pages.position(asked.cursor, of=of) if asked.cursor else None,
        limit=asked.limit,
        now=call.now,
    )
    whole = None
    if asked.since is not None:
        whole = actions.moves_since(application_id, asked.since, by=call.actor, now=call.now)
    return MovesAnswered(
        application_id,
        [
            MoveAnswered(
                one.number,
                one.as_of,
                one.moves.before if one.moves else None,
                one.place,
                move_text(one.place, one.moves, call.language),
                _causes(one.moves, call.language),
            )
            for one in page
        ],
        SinceAnswered(
            whole.checkpoint_id,
            whole.since,
            whole.number,
            whole.as_of,
            whole.moves.before,
            whole.moves.now,
            move_text(whole.moves.now, whole.moves, call.language),
            _causes(whole.moves, call.language),
        )
        if whole is not None
        else None,
        pages.cursor(position, of=of) if position else None,
    )


@routes.get(
    "/forecasts",
    action="queue/see-forecasts",
    query=AreaAsked,
    answers=ForecastsAnswered,
    refuses=(NoPack,),
)
def see_forecasts(call: Call[None]) -> ForecastsAnswered:
    """See how well forecasts of vouchers held: the share that came within the band."""
    asked: AreaAsked = call.query
    record = actions.record(asked.programme, asked.area)
    scores = record.scores
    known = scores.scored > 0
    return ForecastsAnswered(
        asked.programme,
        asked.area,
        record.months,
        scores.scored if known else None,
        scores.within if known else None,
        scores.before if known else None,
        scores.after if known else None,
        scores.within * 1000 // scores.scored if known else None,
        scores.months_off * 1000 // scores.scored if known else None,
    )


def _causes(moves: Moves | None, language: str) -> list[CauseShown]:
    return [
        CauseShown(cause, count, cause_text(cause, count, language))
        for cause, count in (moves.causes if moves is not None else ())
    ]
