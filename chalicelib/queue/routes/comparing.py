"""The readings of "one to three", side by side on an area's own queue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta, Struct

from chalicelib.edge.routes import Call
from chalicelib.kernel.refusals import Unknown
from chalicelib.policy.actions import NoPack
from chalicelib.policy.rules import NoRuleInForce
from chalicelib.queue import actions, rules
from chalicelib.queue.routes.shapes import Code, routes
from chalicelib.queue.rules import Compared


class ComparisonAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """An area's queue; reserve_per_mille: the part to keep where its pack names none."""

    programme: Code
    area: Code
    reserve_per_mille: Annotated[int, Meta(ge=1, le=1000)] | None = None


class NamedAnswered(Struct, frozen=True):
    """A tier by its code, or a category by its number, and its name."""

    code: str
    text: str


class ComparedAnswered(Struct, frozen=True):
    """Neighbouring tiers or categories: how many wait, and how many each reading serves."""

    of: list[NamedAnswered]
    waiting: int
    served: Mapping[str, int]


class TotalAnswered(Struct, frozen=True):
    """What a reading comes to; None where a count of 1 to 4 would show.

    preferred, first: how many get a preferred group, and their first preference.
    longest_wait_days: of those it serves, in tens. otherwise: how many it serves whom the pack's
    own reading leaves without; elsewhere: whom that serves in another group.
    """

    served: int | None
    preferred: int | None
    first: int | None
    longest_wait_days: int | None
    otherwise: int | None
    elsewhere: int | None


class ComparisonAnswered(Struct, frozen=True):
    """A queue of now under "interleave", "reserve" and "category-first".

    own: the pack's reading; reserve_per_mille: the part kept under "reserve".
    """

    as_of: str
    pack: str
    own: str
    reserve_per_mille: int
    waiting: int | None
    places: int
    readings: Mapping[str, TotalAnswered]
    tiers: list[ComparedAnswered]
    categories: list[ComparedAnswered]


@routes.get(
    "/comparison",
    action="queue/compare",
    query=ComparisonAsked,
    answers=ComparisonAnswered,
    refuses=(Unknown, NoPack, NoRuleInForce, rules.IntakeOpen, rules.NotByPlace),
)
def comparison(call: Call[None]) -> ComparisonAnswered:
    """See how many a run of now would serve under each reading of one to three."""
    asked: ComparisonAsked = call.query
    shown = actions.compare(
        asked.programme,
        asked.area,
        reserve_per_mille=asked.reserve_per_mille,
        by=call.actor,
        now=call.now,
    )
    found = shown.comparison

    def answered(cell: Compared) -> ComparedAnswered:
        named = [NamedAnswered(name, shown.texts[name].in_(call.language)) for name in cell.names]
        return ComparedAnswered(named, cell.waiting, cell.served)

    return ComparisonAnswered(
        as_of=shown.as_of,
        pack=shown.pack,
        own=found.own,
        reserve_per_mille=found.reserve_per_mille,
        waiting=found.waiting,
        places=found.places,
        readings={
            name: TotalAnswered(
                served=total.served,
                preferred=total.wished,
                first=total.first,
                longest_wait_days=total.longest_wait_days,
                otherwise=total.otherwise,
                elsewhere=total.elsewhere,
            )
            for name, total in found.totals.items()
        },
        tiers=[answered(cell) for cell in found.tiers],
        categories=[answered(cell) for cell in found.categories],
    )
