"""What can be done about budgets.

allotting    a year's budget by an act; what is committed and left of it
checking     the whole ledger against itself
reading      accounts at any instant, their statements, postings
reserving    what vouchers hold, as writes for the commits of slices above
settling     what a month did not use goes back
"""

from __future__ import annotations

from chalicelib.budgets.actions.allotting import (
    BudgetFigure,
    BudgetShown,
    NoDirection,
    TooFarAhead,
    allot,
    directions_of,
    figures,
    see_budget,
    short,
)
from chalicelib.budgets.actions.checking import Checked, check_ledger, check_night, trial_balance
from chalicelib.budgets.actions.reading import (
    AccountSeen,
    LineSeen,
    Reached,
    StatementSeen,
    TooManyLines,
    accounts_of_budget,
    accounts_of_organisation,
    read_account,
    see_account,
    see_posting,
    whole_account,
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
    "AccountSeen",
    "BudgetFigure",
    "BudgetShown",
    "Checked",
    "LineSeen",
    "NoDirection",
    "Reached",
    "StatementSeen",
    "TooFarAhead",
    "TooManyLines",
    "accounts_of_budget",
    "accounts_of_organisation",
    "allot",
    "check_ledger",
    "check_night",
    "directions_of",
    "figures",
    "free",
    "moving",
    "promisable",
    "read_account",
    "releasing",
    "reserving",
    "see_account",
    "see_budget",
    "see_posting",
    "settle_month",
    "short",
    "trial_balance",
    "using",
    "whole_account",
]
