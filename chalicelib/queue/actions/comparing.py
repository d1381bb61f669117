"""Who of those who wait today is served under each reading of "one to three"."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chalicelib.access import actions as access
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import stamp
from chalicelib.policy.rules import Text
from chalicelib.queue import rules, store
from chalicelib.queue.actions import planning
from chalicelib.queue.rules import Comparison


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonShown:
    """A comparison with the names of its tiers and categories, by their codes and numbers."""

    as_of: str
    pack: str
    comparison: Comparison
    texts: dict[str, Text]


def compare(
    programme: str, area: str, *, reserve_per_mille: int | None, by: Actor, now: datetime
) -> ComparisonShown:
    """Return what a run of now would come to under each reading; nothing is changed.

    Only counts leave, so nobody is looked at. reserve_per_mille: the part kept, where the pack
    names none; a quarter where it is not said. Raises NoPack, NoRuleInForce, Unknown, IntakeOpen,
    NotByPlace.
    """
    access.demand(by, area=area)
    reading = planning.read(programme, area, now=now)
    if reading.money is not None:
        raise rules.NotByPlace()
    planning.check_drawn(reading)
    seekers, places = planning.supply(reading, programme, area, now=now)
    carry = store.find_open(programme, area).value.carry
    judged, year = reading.judged, reading.academic_year

    compared = rules.compare(
        seekers,
        places,
        reading.order,
        carry,
        reserve_per_mille=reserve_per_mille or rules.A_QUARTER,
        telling=judged.telling_tiers,
        now=now,
    )

    texts = {tier.code: tier.text for tier in judged.tiers}
    texts |= {
        str(number): judged.cohorts.category_text(tier, cohort, year)
        for (tier, cohort), number in reading.order.categories.items()
    }
    return ComparisonShown(
        as_of=stamp(now), pack=reading.pack.version, comparison=compared, texts=texts
    )
