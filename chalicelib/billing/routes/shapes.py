"""What the routes of billing share."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from chalicelib.edge.routes import Routes

routes = Routes("chalicelib.billing.routes", "billing")

Named = Annotated[str, Meta(min_length=2, max_length=40, pattern=r"^[a-z][a-z0-9-]*$(?!\n)")]
MonthText = Annotated[str, Meta(min_length=7, max_length=7, pattern=r"^[0-9]{4}-[0-9]{2}$(?!\n)")]
