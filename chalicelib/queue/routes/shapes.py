"""What the routes of the queue share: a category and a run in public."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from chalicelib.edge.routes import Routes
from chalicelib.queue import actions

routes = Routes("chalicelib.queue.routes", "queue")

Code = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[a-z0-9-]+$(?!\n)")]
Limit = Annotated[int, Meta(ge=1, le=100)]
Cursor = Annotated[str, Meta(max_length=512)]


class AreaAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """A programme in an area."""

    programme: Code
    area: Code


class CategoryShown(Struct, frozen=True):
    """A category: its number and its name."""

    number: int
    text: str


class RunLineAnswered(Struct, frozen=True):
    """A run in public. before, issued, after: None where a count of 1 to 4 would show."""

    run_id: str
    proposed_at: str
    ended_at: str | None
    state: str
    pack: str
    before: int | None
    issued: int | None
    after: int | None


def run_line(run: actions.RunShown) -> RunLineAnswered:
    return RunLineAnswered(
        run_id=run.run_id,
        proposed_at=run.proposed_at,
        ended_at=run.ended_at,
        state=run.state,
        pack=run.pack,
        before=run.before,
        issued=run.issued,
        after=run.after,
    )
