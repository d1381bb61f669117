"""Budgets over HTTP: set by an act, seen by officers, shown to everybody."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from chalicelib.budgets import actions
from chalicelib.budgets.actions import NoDirection, TooFarAhead
from chalicelib.budgets.routes.shapes import routes, year_of
from chalicelib.budgets.rules.ledger import BudgetShort
from chalicelib.edge.body import TEXT, BadField
from chalicelib.edge.routes import Call
from chalicelib.kernel.refusals import AnotherContent, Unknown
from chalicelib.policy.actions import NoPack
from chalicelib.policy.rules import NoRuleInForce

MOST_TIYN = 10**16


class BudgetAsked(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The whole budget of a year, and the act that sets it."""

    amount_tiyn: Annotated[int, Meta(ge=0, le=MOST_TIYN)]
    act: Annotated[str, Meta(min_length=1, max_length=80, pattern=TEXT)]


class ActSeen(msgspec.Struct, frozen=True):
    """One act that set the budget."""

    act: str
    amount_tiyn: int
    at: str


class BudgetSeen(msgspec.Struct, frozen=True):
    """A year's budget: allotted, held for vouchers that were issued, and left to promise.

    moved_tiyn: what came with children from other directions, below zero where more went with them.
    """

    programme: str
    area: str
    year: int
    direction: str
    amount_tiyn: int
    moved_tiyn: int
    committed_tiyn: int
    left_tiyn: int
    acts: tuple[ActSeen, ...]


class FigureSeen(msgspec.Struct, frozen=True):
    """One budget in public: allotted + moved = committed + spent + left.

    moved_tiyn: what came with children from other directions, below zero where more went with them.
    """

    direction: str
    allotted_tiyn: int
    moved_tiyn: int
    committed_tiyn: int
    spent_tiyn: int
    left_tiyn: int


class FiguresSeen(msgspec.Struct, frozen=True):
    """An area's budgets of a year, one per direction where a programme has directions."""

    programme: str
    area: str
    year: int
    budgets: tuple[FigureSeen, ...]


@routes.put(
    "/{programme}/{area}/{year}",
    action="budgets/allot",
    asks=BudgetAsked,
    answers=BudgetSeen,
    refuses=(
        Unknown,
        NoPack,
        NoRuleInForce,
        TooFarAhead,
        NoDirection,
        AnotherContent,
        BudgetShort,
        BadField,
    ),
)
def put_budget(call: Call[BudgetAsked], programme: str, area: str, year: str) -> BudgetSeen:
    """Set an area's budget of a year by an act; never below what was promised and spent."""
    return _allotted(call, programme, area, year, "")


@routes.put(
    "/{programme}/{area}/{year}/{direction}",
    action="budgets/allot",
    asks=BudgetAsked,
    answers=BudgetSeen,
    refuses=(
        Unknown,
        NoPack,
        NoRuleInForce,
        TooFarAhead,
        NoDirection,
        AnotherContent,
        BudgetShort,
        BadField,
    ),
)
def put_direction(
    call: Call[BudgetAsked], programme: str, area: str, year: str, direction: str
) -> BudgetSeen:
    """Set the budget of one direction's department, where a programme has directions."""
    return _allotted(call, programme, area, year, direction)


@routes.get(
    "/{programme}/{area}/{year}",
    action="budgets/see",
    answers=BudgetSeen,
    refuses=(NoPack, Unknown, BadField),
)
def get_budget(call: Call[None], programme: str, area: str, year: str) -> BudgetSeen:
    """Show an area's budget of a year and what is left of it."""
    return _seen(call, programme, area, year, "")


@routes.get(
    "/{programme}/{area}/{year}/{direction}",
    action="budgets/see",
    answers=BudgetSeen,
    refuses=(NoPack, Unknown, BadField),
)
def get_direction(
    call: Call[None], programme: str, area: str, year: str, direction: str
) -> BudgetSeen:
    """Show the budget of one direction and what is left of it."""
    return _seen(call, programme, area, year, direction)


@routes.get(
    "/{programme}/{area}/{year}/figures",
    action="budgets/figures",
    answers=FiguresSeen,
    refuses=(NoPack, BadField),
)
def get_figures(call: Call[None], programme: str, area: str, year: str) -> FiguresSeen:
    """Show everybody what was allotted, is held for vouchers, was spent, and is left."""
    found = actions.figures(programme, area, year_of(year))
    return FiguresSeen(
        programme,
        area,
        year_of(year),
        tuple(
            FigureSeen(
                f.direction,
                f.allotted_tiyn,
                f.moved_tiyn,
                f.committed_tiyn,
                f.spent_tiyn,
                f.left_tiyn,
            )
            for f in found
        ),
    )


def _allotted(
    call: Call[BudgetAsked], programme: str, area: str, year: str, direction: str
) -> BudgetSeen:
    shown = actions.allot(
        programme=programme,
        area=area,
        year=year_of(year),
        direction=direction,
        amount_tiyn=call.asked.amount_tiyn,
        act=call.asked.act,
        by=call.actor,
        now=call.now,
    )
    return _budget(shown)


def _seen(call: Call[None], programme: str, area: str, year: str, direction: str) -> BudgetSeen:
    shown = actions.see_budget(
        programme=programme, area=area, year=year_of(year), direction=direction, by=call.actor
    )
    return _budget(shown)


def _budget(shown: actions.BudgetShown) -> BudgetSeen:
    return BudgetSeen(
        shown.programme,
        shown.area,
        shown.year,
        shown.direction,
        shown.amount_tiyn,
        shown.moved_tiyn,
        shown.committed_tiyn,
        shown.left_tiyn,
        tuple(ActSeen(a.act, a.amount_tiyn, a.at) for a in shown.acts),
    )
