"""HTTP of payouts, by what people do.

claims   claims and the hands they pass, payment runs and files, bank answers, figures
shapes   what they share
"""

from __future__ import annotations

from chalicelib.payouts.routes import claims
from chalicelib.payouts.routes.claims import WAITS_FOR
from chalicelib.payouts.routes.shapes import routes

__all__ = ["WAITS_FOR", "claims", "routes"]
