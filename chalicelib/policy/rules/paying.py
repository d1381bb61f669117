"""The rows about money on its way out: how many persons an amount takes, and the terms.

The field names are the keys of the pack files; a name that ends in a unit is in that unit.
"""

# No postponed annotations here: the reader of pack files uses them as they are.

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from chalicelib.kernel.money import Tiyn
from chalicelib.policy.rules.texts import CODE, Dated, between

Step = Literal["agree", "release", "pay"]
# What no pack goes below: a claim is agreed by one and released by another, a payment run is
# proposed by one and confirmed by another.
FEWEST: Mapping[Step, int] = {"agree": 1, "release": 1, "pay": 2}
MOST_PERSONS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval(Dated):
    """How many different persons of one office a step takes from an amount on.

    step: "agree" a claim, the department; "release" it, finance; "pay" a run, finance. direction:
    only claims of that direction, whose department is an office of its own; "all" for every one.
    Of the rows that fit an amount the one that asks for most persons counts.
    """

    step: Step
    from_tiyn: Tiyn
    persons: int = field(metadata=between(1, MOST_PERSONS))
    direction: str = field(default="all", metadata=CODE)


@dataclass(frozen=True, slots=True, kw_only=True)
class BankTerms(Dated):
    """How long the bank has to answer, an officer to decide a case of it, and a provider to pay
    back what was agreed too much.
    """

    answer_working_days: int = field(metadata=between(1, 30))
    case_working_days: int = field(metadata=between(1, 60))
    repay_working_days: int = field(default=10, metadata=between(1, 60))


def persons_for(
    approvals: Iterable[Approval], step: Step, amount_tiyn: int, *, direction: str = ""
) -> int:
    """Return how many different persons a step takes for an amount; never below FEWEST."""
    asked = (
        row.persons
        for row in approvals
        if row.step == step and row.from_tiyn <= amount_tiyn and row.direction in ("all", direction)
    )
    return max((FEWEST[step], *asked))
