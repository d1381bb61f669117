"""Carry money from posted statements to the bank, and its answers back; each step once.

claiming    claims: calculated, signed, agreed, released
debts       what becomes of debts and cases whose term passed
hands       how many persons a step takes, and who is one person
paying      payment runs, proposed and confirmed, and their files
answering   the bank's answers, and answers that did not come
cases       what they leave to people, decided by two of them
repaying    what was agreed too much, paid back or set off
moving      what a payment's new state writes
calendar    claiming days, payday, public figures
clock       where each site's month stands, what the public sees of it, "why not yet"
watching    which runs did not start, which steps are not complete, whose turn it is
"""

from __future__ import annotations

from chalicelib.payouts.actions.answering import lapse_answer, see_answer, take_answer
from chalicelib.payouts.actions.calendar import (
    PayoutFigure,
    PayoutFigures,
    figures,
    months_at_payday,
    months_in_claiming,
    pay_on,
    tell_payday,
)
from chalicelib.payouts.actions.cases import CaseSeen, decide_case, list_cases, see_case
from chalicelib.payouts.actions.claiming import (
    CALCULATE,
    agree,
    calculate,
    list_claims,
    release,
    sign,
)
from chalicelib.payouts.actions.clock import (
    CLOCK,
    Overdue,
    Region,
    Why,
    months_watched,
    public_clock,
    reckon,
    refresh,
    why,
)
from chalicelib.payouts.actions.debts import CASE_DUE, DEBT_DUE, lapse_debt, remind_case
from chalicelib.payouts.actions.hands import hands_of
from chalicelib.payouts.actions.paying import (
    ANSWER_DUE,
    confirm_run,
    hands_of_run,
    make_run,
    register_of,
    see_run,
)
from chalicelib.payouts.actions.repaying import set_off
from chalicelib.payouts.actions.watching import (
    RUNS,
    WATCH,
    Incomplete,
    MissingRun,
    Watched,
    incomplete,
    missing_runs,
    tell_desks,
    tell_operators,
    watched,
)

__all__ = [
    "watched",
    "tell_operators",
    "tell_desks",
    "missing_runs",
    "incomplete",
    "Watched",
    "MissingRun",
    "Incomplete",
    "WATCH",
    "RUNS",
    "why",
    "refresh",
    "reckon",
    "public_clock",
    "months_watched",
    "Why",
    "Region",
    "Overdue",
    "CLOCK",
    "ANSWER_DUE",
    "CALCULATE",
    "CASE_DUE",
    "CaseSeen",
    "DEBT_DUE",
    "PayoutFigure",
    "PayoutFigures",
    "agree",
    "calculate",
    "confirm_run",
    "decide_case",
    "figures",
    "hands_of",
    "hands_of_run",
    "lapse_answer",
    "lapse_debt",
    "list_cases",
    "list_claims",
    "make_run",
    "months_at_payday",
    "months_in_claiming",
    "pay_on",
    "register_of",
    "remind_case",
    "release",
    "see_answer",
    "see_case",
    "see_run",
    "set_off",
    "sign",
    "take_answer",
    "tell_payday",
]
