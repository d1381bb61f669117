"""The open calculation: what a child brings a provider, step by step, for anyone to follow.

Nobody is named: it takes a sort of group, a month and a number of units, and shows the rows that
price them, the division and the rounding. A child's line in a statement is this very sum where
nothing is held, doubled or above a cap of its reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from chalicelib.billing.rules.judging import BY_THE_MONTH
from chalicelib.kernel.money import TIYN_IN_TENGE, daily_share, half_up
from chalicelib.kernel.refusals import Malformed
from chalicelib.policy.rules import Rules


class TooManyUnits(Malformed):
    """A month has fewer days or lessons than that, or more were attended than are paid."""

    code = "billing/too-many-units"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One side of the calculation: rate × coefficients ÷ of × units, half up to a whole tenge.

    exact: the sum before rounding, in tiyn, as a fraction. cap_tiyn: the month's cap, where a unit
    has its price; the sum is never above it.
    """

    rate_tiyn: int
    per_mille: tuple[int, ...]
    of: int
    units: int
    exact: str
    cap_tiyn: int | None
    sum_tiyn: int
    source: str
    since: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Calculation:
    """What the budget pays for a child's month, and what its family does, if a pack has that."""

    budget: Step
    parents: Step | None


def calculate(
    rules: Rules,
    *,
    kind: str,
    hours: str,
    locality: str,
    sen: bool,
    planned: int,
    payable: int,
    attended: int,
) -> Calculation:
    """Return what so many payable units of a month bring.

    planned: the working days of the month, or the lessons planned for the child. payable: units
    that are paid; attended: those of them that the child attended. Raises UnknownKind,
    UnknownHours, NoRate, TooManyUnits, in this order.
    """
    rules.check_sort(kind, hours)
    rate = rules.rate_for(kind, hours, locality, sen)
    if not attended <= payable <= planned:
        raise TooManyUnits(planned=planned, payable=payable, attended=attended)
    monthly = rules.programme.pays == BY_THE_MONTH
    of = planned if monthly else 1
    exact = daily_share(rate.rate_tiyn, of=of, coefficients=rate.coefficients) * payable
    cap = None if monthly else rate.month_max_tiyn
    if cap is not None:
        exact = min(exact, Fraction(cap // TIYN_IN_TENGE * TIYN_IN_TENGE))
    budget = Step(
        rate_tiyn=int(rate.rate_tiyn),
        per_mille=rate.coefficients,
        of=of,
        units=payable,
        exact=str(exact),
        cap_tiyn=cap,
        sum_tiyn=int(half_up(exact)),
        source=rate.source,
        since=rate.during.first,
    )
    fee = rules.parents_share_for(kind, hours, locality)
    if fee is None:
        return Calculation(budget=budget, parents=None)
    divisor = planned if fee.per == "month" else 1
    units = attended if fee.counts == "attended" else payable
    owed = Fraction(int(fee.amount_tiyn), divisor) * units
    parents = Step(
        rate_tiyn=int(fee.amount_tiyn),
        per_mille=(),
        of=divisor,
        units=units,
        exact=str(owed),
        cap_tiyn=None,
        sum_tiyn=int(half_up(owed)),
        source=fee.source,
        since=fee.during.first,
    )
    return Calculation(budget=budget, parents=parents)
