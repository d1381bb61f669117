"""The open calculation over HTTP: anyone may follow what a child's month brings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from chalicelib.billing import actions
from chalicelib.billing.routes.shapes import MonthText, Named, routes
from chalicelib.billing.rules.calculation import Step, TooManyUnits
from chalicelib.edge.routes import Call
from chalicelib.edge.texts import text
from chalicelib.kernel.money import PER_MILLE
from chalicelib.kernel.periods import BadMonth, Month
from chalicelib.kernel.workdays import CalendarMissing
from chalicelib.policy.actions import NoPack
from chalicelib.policy.rules import NoRate, NoRuleInForce, Text, UnknownHours, UnknownKind

Units = Annotated[int, Meta(ge=0, le=400)]
Hours = Annotated[str, Meta(min_length=1, max_length=6, pattern=r"^[0-9]{1,4}(\.[0-9])?$(?!\n)")]


class CalculationAsked(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A sort of group, a month, and how many units of it are paid and attended.

    planned: lessons planned for the child; a programme of days plans its working days itself.
    """

    programme: Named
    area: Named
    month: MonthText
    kind: Named
    hours: Hours
    payable: Units
    locality: Literal["urban", "rural"] = "urban"
    sen: bool = False
    attended: Units | None = None
    planned: Units | None = None


class CalculationShown(msgspec.Struct, frozen=True):
    """What the budget pays, and what the family does; how, in words. parents: null without any."""

    programme: str
    area: str
    month: str
    pack: str
    budget: Step
    parents: Step | None
    budget_text: str
    parents_text: str


@routes.get(
    "/calculation",
    action="billing/calculate",
    query=CalculationAsked,
    answers=CalculationShown,
    refuses=(
        NoPack,
        BadMonth,
        NoRuleInForce,
        CalendarMissing,
        UnknownKind,
        UnknownHours,
        NoRate,
        TooManyUnits,
    ),
)
def get_calculation(call: Call[None]) -> CalculationShown:
    """Show how a child's month is reckoned, step by step: the row, the division, the rounding.

    For both sides, the budget's and the family's own share where a programme has one. By the rates
    as they are known today.
    """
    asked: CalculationAsked = call.query
    found = actions.calculate(
        asked.programme,
        asked.area,
        Month.parse(asked.month),
        kind=asked.kind,
        hours=asked.hours,
        locality=asked.locality,
        sen=asked.sen,
        planned=asked.planned,
        payable=asked.payable,
        attended=asked.attended,
        now=call.now,
    )
    parents = found.made.parents
    return CalculationShown(
        asked.programme,
        asked.area,
        asked.month,
        found.pack,
        found.made.budget,
        parents,
        _words("calculation:budget", found.made.budget, found.acts, call.language),
        _words("calculation:parents", parents, found.acts, call.language) if parents else "",
    )


def _words(key: str, step: Step, acts: Mapping[str, Text], language: str) -> str:
    act = acts.get(step.source)
    facts = {
        "rate": step.rate_tiyn // 100,
        "of": step.of,
        "units": step.units,
        "times": "".join(f" × {_times(c)}" for c in step.per_mille if c != PER_MILLE),
        "sum": step.sum_tiyn // 100,
        "source": act.in_(language) if act else text("calculation:no-act", language),
    }
    return text(key, language, facts)


def _times(per_mille: int) -> str:
    """Return a coefficient as people write it: 1150 per mille is 1.15."""
    whole, rest = divmod(per_mille, PER_MILLE)
    return f"{whole}.{rest:03d}".rstrip("0").rstrip(".")
