"""Carry money from posted statements to the bank, and its answers back; each step once.

claiming    claims: calculated, signed, agreed, released
hands       how many persons a step takes, and who is one person
paying      payment runs, proposed and confirmed, and their files
answering   the bank's answers, and answers that did not come
calendar    claiming days, payday, public figures
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
from chalicelib.payouts.actions.claiming import (
    CALCULATE,
    agree,
    calculate,
    list_claims,
    release,
    sign,
)
from chalicelib.payouts.actions.hands import hands_of
from chalicelib.payouts.actions.paying import (
    ANSWER_DUE,
    confirm_run,
    hands_of_run,
    make_run,
    register_of,
    see_run,
)

__all__ = [
    "ANSWER_DUE",
    "CALCULATE",
    "PayoutFigure",
    "PayoutFigures",
    "agree",
    "calculate",
    "confirm_run",
    "figures",
    "hands_of",
    "hands_of_run",
    "lapse_answer",
    "list_claims",
    "make_run",
    "months_at_payday",
    "months_in_claiming",
    "pay_on",
    "register_of",
    "release",
    "see_answer",
    "see_run",
    "sign",
    "take_answer",
    "tell_payday",
]
