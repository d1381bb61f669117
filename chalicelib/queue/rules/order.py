"""Who stands before whom.

Cohorts are served from the oldest children to the youngest. Inside a cohort stand first the tiers
before the two that alternate (the extraordinary right), then the merged line of these two (one
first-priority, three general), then any tier behind them. Inside a tier the instant of the
application decides to the microsecond, then the ticket, which is random: nothing that a caller
chooses decides order.

The merged line is made before any place is given, so the ratio holds for the line and not for each
kindergarten. A turn whose tier has nobody left passes to the next turn. The turn at which a cohort
goes on is carried from run to run: after three general children and a night comes first-priority.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from chalicelib.applications.rules import QueueEntry
from chalicelib.policy.rules import Rules

OutOfAgeReason = Literal["too-young", "too-old"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeker:
    """Who waits for a place, as the engine sees it.

    cohort: the birth year queued under; age: completed years on the first day of the run's
    academic year; out_of_age: why no cohort of that year is theirs, None when one is. batch_size:
    how many members a batch must have in the queue to be placed.
    """

    application_id: str
    ticket: str
    tier: str
    cohort: int
    age: int
    ordered_at: str
    language: str
    kind: str
    preferences: tuple[str, ...] = ()
    batch_id: str | None = None
    batch_size: int | None = None
    out_of_age: OutOfAgeReason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The rules of order in force, for one academic year.

    cohorts: birth years as they are served; tiers: best first; first, then: the two tiers that
    alternate, `first_count` of one and `then_count` of the other; categories: the number of each
    tier and cohort.
    """

    cohorts: tuple[int, ...]
    tiers: tuple[str, ...]
    first: str
    first_count: int
    then: str
    then_count: int
    categories: Mapping[tuple[str, int], int]
    waiting_lists_max: int

    @property
    def cycle(self) -> int:
        """Return how many turns make a round."""
        return self.first_count + self.then_count


@dataclass(slots=True)
class Line:
    """The merged order: indexes into the seekers, and each one's turn (None: tier not merged)."""

    members: list[int] = field(default_factory=list)
    turns: list[int | None] = field(default_factory=list)
    out_of_age: list[int] = field(default_factory=list)


def order_of(rules: Rules, academic_year: int) -> Order:
    """Return the rules of order for an academic year."""
    cohorts = list(rules.cohorts.cohorts(academic_year))
    youngest = [year for year in cohorts if rules.cohorts.is_youngest(year, academic_year)]
    if rules.cohorts.youngest_last:
        cohorts = [year for year in cohorts if year not in youngest] + youngest
    tiers = tuple(tier.code for tier in rules.tiers)
    return Order(
        cohorts=tuple(cohorts),
        tiers=tiers,
        first=rules.interleave.first,
        first_count=rules.interleave.first_count,
        then=rules.interleave.then,
        then_count=rules.interleave.then_count,
        categories={
            (tier, year): rules.cohorts.category_number(tier, year, academic_year)
            for tier in tiers
            for year in cohorts
        },
        waiting_lists_max=rules.terms.waiting_lists_max,
    )


def seeker_of(entry: QueueEntry, rules: Rules, academic_year: int) -> Seeker:
    """Return a queue entry as the engine sees it in an academic year.

    Children move up a year with the academic year. One born in the last months of a year, not
    yet too old though born before the oldest cohort, queues with the oldest.
    """
    years = rules.cohorts.cohorts(academic_year)
    age = entry.age + academic_year - entry.academic_year
    reason: OutOfAgeReason | None = None
    if age > rules.cohorts.oldest_age:
        reason = "too-old"
    elif entry.birth_year > years[-1]:
        reason = "too-young"
    return Seeker(
        application_id=entry.application_id,
        ticket=entry.ticket,
        tier=entry.tier,
        cohort=max(entry.birth_year, years[0]),
        age=age,
        ordered_at=entry.ordered_at,
        language=entry.language,
        kind=entry.kind,
        preferences=entry.preferences,
        batch_id=entry.batch_id,
        batch_size=entry.batch_size,
        out_of_age=reason,
    )


def merge(seekers: Sequence[Seeker], order: Order, carry: Mapping[int, int]) -> Line:
    """Return everybody in the order in which places are offered.

    carry: the turn at which each cohort goes on, 0 where nothing is carried. The result does not
    depend on the order of `seekers`.
    """
    standing: dict[tuple[int, str], list[int]] = {}
    line = Line()
    for index, seeker in enumerate(seekers):
        if seeker.out_of_age is None:
            standing.setdefault((seeker.cohort, seeker.tier), []).append(index)
        else:
            line.out_of_age.append(index)

    def in_time(indexes: list[int]) -> list[int]:
        return sorted(indexes, key=lambda i: (seekers[i].ordered_at, seekers[i].ticket))

    line.out_of_age = in_time(line.out_of_age)
    merged = {order.first, order.then}
    first_merged = min(order.tiers.index(tier) for tier in merged)
    for cohort in order.cohorts:
        for place, tier in enumerate(order.tiers):
            if place == first_merged:
                _interleave(
                    line,
                    in_time(standing.pop((cohort, order.first), [])),
                    in_time(standing.pop((cohort, order.then), [])),
                    order,
                    start=carry.get(cohort, 0),
                )
            if tier not in merged:
                alone = in_time(standing.pop((cohort, tier), []))
                line.members.extend(alone)
                line.turns.extend([None] * len(alone))
    if standing:
        raise ValueError("a seeker stands in a tier or cohort that the order does not know")
    return line


def next_turns(
    carry: Mapping[int, int], admitted: Iterable[tuple[int, int | None]], order: Order
) -> dict[int, int]:
    """Return the turn at which each cohort goes on after these were admitted, in their order.

    admitted: cohort and turn of each. The turn after the last one who got a place is next; a
    cohort in which nobody did stays where it was. Cohorts that left are forgotten.
    """
    after = {cohort: turn for cohort, turn in carry.items() if cohort in order.cohorts}
    for cohort, turn in admitted:
        if turn is not None:
            after[cohort] = (turn + 1) % order.cycle
    return after


def _interleave(
    line: Line, firsts: list[int], thens: list[int], order: Order, *, start: int
) -> None:
    turn = start % order.cycle
    next_first = next_then = 0
    while next_first < len(firsts) or next_then < len(thens):
        if turn < order.first_count:
            if next_first < len(firsts):
                line.members.append(firsts[next_first])
                line.turns.append(turn)
                next_first += 1
        elif next_then < len(thens):
            line.members.append(thens[next_then])
            line.turns.append(turn)
            next_then += 1
        turn = (turn + 1) % order.cycle
