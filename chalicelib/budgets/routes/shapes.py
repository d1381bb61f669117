"""What the routes of budgets share."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from chalicelib.edge.body import BadField
from chalicelib.edge.routes import Routes

routes = Routes(__name__, "budgets")

Named = Annotated[str, Meta(min_length=2, max_length=64, pattern=r"^[a-z][a-z0-9-]*$(?!\n)")]
MonthText = Annotated[str, Meta(min_length=7, max_length=7, pattern=r"^[0-9]{4}-[0-9]{2}$(?!\n)")]


def year_of(text: str) -> int:
    """Return a year from a path. Raises BadField."""
    if len(text) == 4 and text.isascii() and text.isdigit() and text.startswith("2"):
        return int(text)
    raise BadField(field="year", problem="Expected YYYY, 2000 to 2999")
