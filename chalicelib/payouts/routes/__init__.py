"""HTTP of payouts, by what people do.

claims   claims and the hands they pass, figures
runs     payment runs and their files
answers  the bank's answers
shapes   what they share
"""

from __future__ import annotations

from chalicelib.payouts.routes import answers, claims, runs
from chalicelib.payouts.routes.claims import WAITS_FOR
from chalicelib.payouts.routes.shapes import routes

__all__ = ["WAITS_FOR", "answers", "claims", "routes", "runs"]
