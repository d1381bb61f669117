"""What everybody may count of it."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from chalicelib.access import actions
from chalicelib.access.actions import Counts
from chalicelib.access.routes.shapes import routes
from chalicelib.edge.routes import Answer, Call
from chalicelib.kernel.periods import BadMonth, Month


class FiguresAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """A month, YYYY-MM; this one where none is said."""

    month: Annotated[str, Meta(min_length=7, max_length=7)] | None = None


class AccessFigures(Struct, frozen=True):
    """A month's acts by area. Acts of officers: small counts are shown, nobody is hidden."""

    month: str
    areas: list[Counts]


@routes.get(
    "/figures",
    action="access/figures",
    query=FiguresAsked,
    answers=AccessFigures,
    refuses=(BadMonth,),
)
def figures(call: Call[None]) -> Answer:
    """Read how often glasses were broken and two persons overrode something, by area.

    Counts of officers' acts, so those under five are shown as they are.
    """
    query: FiguresAsked = call.query
    month = Month.parse(query.month) if query.month else Month.containing(call.now)
    shown = AccessFigures(str(month), actions.figures(month))
    return Answer(shown, headers={"Cache-Control": "public, max-age=60"})
