"""What can be done about budgets.

allotting    a year's budget by an act; what is committed and left of it
reserving    what vouchers hold, as writes for the commits of slices above
settling     what a month did not use goes back
"""

from __future__ import annotations

from chalicelib.budgets.actions.allotting import (
    BudgetFigure,
    BudgetShown,
    NoDirection,
    allot,
    directions_of,
    figures,
    see_budget,
    short,
)
from chalicelib.budgets.actions.reserving import (
    free,
    moving,
    promisable,
    releasing,
    reserving,
    using,
)
from chalicelib.budgets.actions.settling import settle_month

__all__ = [
    "BudgetFigure",
    "BudgetShown",
    "NoDirection",
    "allot",
    "directions_of",
    "figures",
    "free",
    "moving",
    "promisable",
    "releasing",
    "reserving",
    "see_budget",
    "settle_month",
    "short",
    "using",
]
