"""What a trace joins: the statements of a line, their postings, claims and payments."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from chalicelib.budgets.rules.ledger import Posting
from chalicelib.payouts.rules.claims import Claim
from chalicelib.payouts.rules.payments import PaymentLine


@dataclass(frozen=True, slots=True)
class ClaimTraced:
    """A claim, and the payment that it is in; None where it is in none."""

    claim: Claim
    payment: PaymentLine | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyTraced:
    """Where the money of one statement went: what was booked, asked for and paid.

    claims: the one that asks for it, and after it what payments in part split off; none while it
    waits for one.
    """

    statement: int
    posting: Posting | None
    claims: tuple[ClaimTraced, ...]


def claims_over(claims: Iterable[Claim], statement: int) -> tuple[Claim, ...]:
    """Return the claims that cover a statement, as they were made."""
    found = (c for c in claims if c.first <= statement <= c.last)
    return tuple(sorted(found, key=lambda c: c.number))
