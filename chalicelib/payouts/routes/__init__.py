"""HTTP of payouts, by what people do.

clock    where a month's money stands, why it is not paid yet
claims   claims and the hands they pass, figures
runs     payment runs and their files
answers  the bank's answers
cases    what they leave to people
shapes   what they share
"""

from __future__ import annotations

from chalicelib.payouts.routes import answers, cases, claims, clock, runs
from chalicelib.payouts.routes.claims import WAITS_FOR
from chalicelib.payouts.routes.shapes import routes

__all__ = ["WAITS_FOR", "answers", "cases", "claims", "clock", "routes", "runs"]
