"""HTTP of billing, by what people do.

statements   a month on demand, what was posted and why money waits, public figures
shapes       what they share
"""

from __future__ import annotations

from chalicelib.billing.routes import statements
from chalicelib.billing.routes.shapes import routes

__all__ = ["routes", "statements"]
