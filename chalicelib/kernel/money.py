"""Money is integer tiyn, 1/100 of a tenge; rounding lives here and nowhere else.

Amounts are never negative, the noun carries the direction; only ledger movements are signed.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import NewType

from chalicelib.kernel.refusals import Malformed

Tiyn = NewType("Tiyn", int)

TIYN_IN_TENGE = 100
PER_MILLE = 1000


class NothingToShare(Malformed):
    """A rate cannot be divided by a month without working days."""

    code = "kernel/nothing-to-share"


def tenge(amount: int) -> Tiyn:
    """Return whole tenge as tiyn."""
    return Tiyn(amount * TIYN_IN_TENGE)


def half_up(exact: Fraction) -> Tiyn:
    """Round an exact, non-negative number of tiyn to a whole tenge, half a tenge up."""
    return Tiyn(
        (2 * exact.numerator + TIYN_IN_TENGE * exact.denominator)
        // (2 * TIYN_IN_TENGE * exact.denominator)
        * TIYN_IN_TENGE
    )


def daily_share(rate: Tiyn, *, of: int, coefficients: Iterable[int] = ()) -> Fraction:
    """Return what one of the month's `of` working days or lessons earns, exact, in tiyn.

    coefficients: per mille, multiplied (1500 is one and a half). Raises NothingToShare.
    """
    if of <= 0:
        raise NothingToShare(of=of)
    exact = Fraction(rate, of)
    for coefficient in coefficients:
        exact *= Fraction(coefficient, PER_MILLE)
    return exact


def prorate(rate: Tiyn, part: int, *, of: int) -> Tiyn:
    """Return the part of a monthly rate that was earned, half a tenge rounded up.

    part, of: payable and working days of one month, 0 <= part <= of; or lessons.
    Returns tiyn, a multiple of 100, at most the rate rounded alike. Raises NothingToShare when
    `of` is 0. Source: preschool formula; rounding per child is a policy default.
    """
    if not 0 <= part <= of:
        raise Malformed(part=part, of=of)
    return half_up(daily_share(rate, of=of) * part)


def cumulative(shares: Iterable[Fraction]) -> list[Tiyn]:
    """Return each day's whole-tenge part so that any prefix sums to its own rounded whole.

    The parts of a month that several providers share therefore add up to the month's rounded
    amount, never above it (differences of rounded running totals, in date order).
    """
    parts: list[Tiyn] = []
    running, paid = Fraction(0), 0
    for share in shares:
        running += share
        rounded = half_up(running)
        parts.append(Tiyn(rounded - paid))
        paid = rounded
    return parts


def shown_tenge(amount: Tiyn) -> str:
    """Return an amount for a person: tenge in groups of three, tiyn only where there are any."""
    sign = "-" if amount < 0 else ""
    whole, rest = divmod(abs(amount), TIYN_IN_TENGE)
    grouped = f"{whole:,}".replace(",", "\N{NO-BREAK SPACE}")
    return f"{sign}{grouped}" + (f",{rest:02d}" if rest else "")
