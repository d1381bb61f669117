"""HTTP of billing, by what people do.

auditing     savings, the self-audit and its cases
calculation  the open calculation
statements   a month on demand, what was posted and why money waits, public figures
replays      earnings day by day, a month made again
shapes       what they share
"""

from __future__ import annotations

from chalicelib.billing.routes import auditing, calculation, replays, statements
from chalicelib.billing.routes.shapes import routes

__all__ = ["auditing", "calculation", "replays", "routes", "statements"]
