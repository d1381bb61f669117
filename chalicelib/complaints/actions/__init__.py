"""What may be done with complaints.

receiving   by anybody, about what they may see
handling    by the desk: list, take, hand on, answer
replying    by the complainant: close, take further; and what the clock does
showing     to the complainant, to officers, to the public
"""

from chalicelib.complaints.actions.handling import answer, assign, inbox
from chalicelib.complaints.actions.receiving import Asked, complain, complain_unsigned
from chalicelib.complaints.actions.replying import (
    close,
    close_silent,
    escalate,
    escalate_overdue,
)
from chalicelib.complaints.actions.showing import (
    Seen,
    figures,
    of,
    of_ticket,
    own_page,
    see,
    texts_about,
    topics,
)

__all__ = [
    "Asked",
    "Seen",
    "answer",
    "assign",
    "close",
    "close_silent",
    "complain",
    "complain_unsigned",
    "escalate",
    "escalate_overdue",
    "figures",
    "inbox",
    "of",
    "of_ticket",
    "own_page",
    "see",
    "texts_about",
    "topics",
]
