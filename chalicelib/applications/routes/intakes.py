"""Windows of intake: announced, drawn, cancelled by operators, seen by everybody."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from chalicelib.applications import actions, rules
from chalicelib.applications.routes.shapes import (
    LIST,
    Code,
    routes,
)
from chalicelib.edge import pages
from chalicelib.edge.routes import Call
from chalicelib.kernel.refusals import AnotherContent, Unknown
from chalicelib.policy.actions import NoPack
from chalicelib.policy.rules import NoRuleInForce


class IntakeAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """A window of intake: it opens, it closes, and later the beacon speaks at a named moment."""

    programme: Code
    area: Code
    opens_at: Annotated[datetime, Meta(tz=True)]
    closes_at: Annotated[datetime, Meta(tz=True)]
    beacon_at: Annotated[datetime, Meta(tz=True)]


class BeaconAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """What the beacon said: the announced round, its value and signature, in hex."""

    round: Annotated[int, Meta(ge=1)]
    randomness: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]
    signature: Annotated[str, Meta(pattern=r"^([0-9a-f]{2}){32,512}$(?!\n)")]


class IntakesAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """A page of an area's windows of intake."""

    programme: Code
    area: Code
    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    cursor: Annotated[str, Meta(max_length=512)] | None = None


class BeaconShown(Struct, frozen=True):
    """Where the seed comes from: anybody can compare it with what stands at `value_at`.

    `round` is the one that is new at `moment`; it comes out at `round_at`, after the window has
    closed.
    """

    name: str
    url: str
    moment: str
    round: int
    round_at: str
    value_at: str


class IntakeShown(Struct, frozen=True):
    """A window of intake: within it no hour is better than another.

    `seed` is the beacon's value, null before the draw. A ticket's number is the SHA-256 of
    "kezek-draw-v1", the seed and the ticket, each on a line of its own; the smallest goes first
    inside a category.

    checkpoint_id: shows the order as drawn (`GET /v1/queue/order?checkpoint=…`), published right
    after the draw and kept; null before it.
    """

    intake_id: str
    programme: str
    area: str
    state: rules.IntakeState
    announced_at: str
    opens_at: str
    closes_at: str
    beacon: BeaconShown
    seed: str | None
    signature: str | None
    drawn_at: str | None
    checkpoint_id: str | None
    cancelled_at: str | None
    rules: str


class IntakesPage(Struct, frozen=True):
    """Windows of intake, the newest first; `next_cursor` is null on the last page."""

    items: list[IntakeShown]
    next_cursor: str | None


@routes.put(
    "/intakes/{intake_id}",
    action="applications/announce-intake",
    asks=IntakeAsked,
    answers=IntakeShown,
    refuses=(
        Unknown,
        AnotherContent,
        NoPack,
        NoRuleInForce,
        rules.NoDrawHere,
        rules.BadWindow,
        rules.WindowTooShort,
        rules.AnnouncedTooLate,
        rules.WindowsOverlap,
    ),
)
def announce_intake(call: Call[IntakeAsked], intake_id: str) -> IntakeShown:
    """Announce a window of intake and the beacon's future round that will draw its order."""
    asked = call.asked
    intake = actions.announce(
        intake_id,
        rules.IntakeAsked(
            programme=asked.programme,
            area=asked.area,
            opens_at=asked.opens_at,
            closes_at=asked.closes_at,
            beacon_at=asked.beacon_at,
        ),
        by=call.actor,
        now=call.now,
    )
    return _intake(intake, call.now)


@routes.put(
    "/intakes/{intake_id}/beacon",
    action="applications/draw-intake",
    asks=BeaconAsked,
    answers=IntakeShown,
    refuses=(
        Unknown,
        rules.IntakeCancelled,
        rules.BeaconNotYet,
        rules.OtherRound,
        rules.BadBeacon,
        rules.AlreadyDrawn,
    ),
)
def draw_intake(call: Call[BeaconAsked], intake_id: str) -> IntakeShown:
    """Enter what the beacon said: the order of the window is drawn by it, once."""
    intake = actions.draw(
        intake_id,
        round_=call.asked.round,
        randomness=call.asked.randomness,
        signature=call.asked.signature,
        by=call.actor,
        now=call.now,
    )
    return _intake(intake, call.now)


@routes.put(
    "/intakes/{intake_id}/cancellation",
    action="applications/cancel-intake",
    answers=IntakeShown,
    refuses=(Unknown, rules.IntakeOpened),
)
def cancel_intake(call: Call[None], intake_id: str) -> IntakeShown:
    """Cancel a window that was announced by mistake, before it opens."""
    return _intake(actions.cancel(intake_id, by=call.actor, now=call.now), call.now)


@routes.get(
    "/intakes",
    action="applications/list-intakes",
    query=IntakesAsked,
    answers=IntakesPage,
    refuses=(NoPack, pages.BadCursor),
)
def list_intakes(call: Call[None]) -> IntakesPage:
    """List an area's windows of intake, the newest first, with the source of each seed."""
    query: IntakesAsked = call.query
    of = f"{LIST}/intakes#{query.programme}#{query.area}"
    after = pages.position(query.cursor, of=of) if query.cursor else None
    items, last = actions.intakes_page(query.programme, query.area, after=after, limit=query.limit)
    shown = [_intake(item, call.now) for item in items]
    return IntakesPage(shown, pages.cursor(last, of=of) if last else None)


@routes.get(
    "/intakes/{intake_id}",
    action="applications/see-intake",
    answers=IntakeShown,
    refuses=(Unknown,),
)
def see_intake(call: Call[None], intake_id: str) -> IntakeShown:
    """See a window of intake: when, by which beacon, and the seed once it is drawn."""
    return _intake(actions.intake(intake_id), call.now)


def _intake(intake: rules.Intake, now: datetime) -> IntakeShown:
    return IntakeShown(
        intake_id=intake.intake_id,
        programme=intake.programme,
        area=intake.area,
        state=intake.state(now),
        announced_at=intake.announced_at,
        opens_at=intake.opens_at,
        closes_at=intake.closes_at,
        beacon=BeaconShown(
            name=intake.beacon,
            url=intake.beacon_url,
            moment=intake.beacon_at,
            round=intake.round,
            round_at=intake.round_at,
            value_at=intake.value_at,
        ),
        seed=intake.randomness,
        signature=intake.signature,
        drawn_at=intake.drawn_at,
        checkpoint_id=intake.checkpoint_id,
        cancelled_at=intake.cancelled_at,
        rules=intake.pack,
    )
