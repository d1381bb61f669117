"""HTTP of budgets and of the ledger.

allotting  a year's budget: set by an act, seen by officers, shown to everybody
reading    accounts at any instant, their statements, postings
shapes     what they share
"""

from __future__ import annotations

from chalicelib.budgets.routes import allotting, reading
from chalicelib.budgets.routes.shapes import routes

__all__ = ["allotting", "reading", "routes"]
