"""What the routes of access share."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from chalicelib.edge.routes import Routes

routes = Routes("chalicelib.access.routes", "access")

Code = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[a-z0-9-]+$(?!\n)")]
Limit = Annotated[int, Meta(ge=1, le=100)]
Cursor = Annotated[str, Meta(max_length=512)]


class ListAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """A page of a list."""

    limit: Limit = 50
    cursor: Cursor | None = None
