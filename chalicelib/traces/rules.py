"""What a trace joins: the statements of a line, their postings, claims and payments."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from chalicelib.budgets.rules.ledger import Posting
from chalicelib.payouts.rules.claims import Claim
from chalicelib.payouts.rules.payments import PaymentLine


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyTraced:
    """Where the money of one statement went: what was booked, asked for and paid.

    None where it has not come so far.
    """

    statement: int
    posting: Posting | None
    claim: Claim | None
    payment: PaymentLine | None


def claim_over(claims: Iterable[Claim], statement: int) -> Claim | None:
    """Return the claim that covers a statement; None while it waits for one."""
    return next((c for c in claims if c.first <= statement <= c.last), None)
