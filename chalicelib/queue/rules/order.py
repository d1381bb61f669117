"""Who stands before whom.

The order is a row of lanes, served one after another. A lane is one category, or two tiers of one
cohort that alternate. Where children queue by birth year, cohorts are served from the oldest to
the youngest: in each first the tiers before the two that alternate (the extraordinary right), then
the merged line of these two (one first-priority, three general), then any tier behind them. Where
they queue by bands of age or all together, the lanes are the categories, from the first on.

Inside a tier the instant of the application decides to the microsecond; among those of one intake,
who count as simultaneous, the draw; then the ticket, which is random: nothing that a caller chooses
decides order. The number drawn follows from the seed of the intake and the ticket, so that anybody
can count the order again.

The merged line is made before any place is given, so the ratio holds for the line and not for each
kindergarten. A turn whose tier has nobody left passes to the next turn. The turn at which a cohort
goes on is carried from run to run: after three general children and a night comes first-priority.
A pack may read "one to three" otherwise: then both tiers stand in one line by time, and a part of
each group's places is kept for the first of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from chalicelib.applications.rules import QueueEntry, draw_number
from chalicelib.policy.rules import Rules

OutOfAgeReason = Literal["too-young", "too-old"]
ReadingOfTurns = Literal["interleave", "reserve"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeker:
    """Who waits for a voucher, or holds one and asks to move, as the engine sees it.

    cohort: the cohort queued under; age: completed years on the first day of the run's academic
    year; out_of_age: why no cohort of that year is theirs, None when one is. batch_size: how many
    members a batch must have in the queue to be placed. kind: of group, or the direction wished
    for; sen: paid for as a child with special needs; intake: the one whose draw orders it.
    siblings: groups that a brother or sister goes to.

    Of a holder who asks to move: own is the group whose seat it has, voucher_id the voucher,
    since its order at issue, and preferences where it wants to be, best first.
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
    sen: bool = False
    intake: str | None = None
    own: str | None = None
    voucher_id: str | None = None
    since: str = ""
    siblings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Lane:
    """A stretch of the order: the tiers of one cohort that are served in it, two if they alternate.

    tiers: of two, the first goes first.
    """

    cohort: int
    tiers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The rules of order in force, for one academic year.

    lanes: as they are served; tiers: best first; first_count of a lane's first tier alternate with
    then_count of its second; categories: the number of each tier and cohort. ages_apart: each
    cohort competes for places of its own, so that only it stands ahead; else all do together.
    seeds: of the intakes that were drawn.

    reading: of "one to three". "interleave" merges the two tiers into one line; "reserve" lets
    both stand in one line by time and keeps reserve_per_mille of each group's places for the
    first of them. siblings_first: a group takes who has a brother or sister in it before the
    line; movers: holders who asked to be moved when their turn comes stand before all who wait;
    swaps: those whose seats block each other's trade them when all others are served.
    """

    lanes: tuple[Lane, ...]
    tiers: tuple[str, ...]
    categories: Mapping[tuple[str, int], int]
    waiting_lists_max: int
    first_count: int = 1
    then_count: int = 1
    ages_apart: bool = True
    seeds: Mapping[str, str] = field(default_factory=dict)
    reading: ReadingOfTurns = "interleave"
    reserve_per_mille: int = 0
    siblings_first: bool = False
    movers: bool = False
    swaps: bool = False

    @property
    def favoured(self) -> frozenset[str]:
        """Return the tiers for which a part of each group is kept."""
        if self.reading != "reserve":
            return frozenset()
        return frozenset(lane.tiers[0] for lane in self.lanes if len(lane.tiers) == 2)

    def kept_of(self, free: int) -> int:
        """Return how many of a group's free places are kept for them, half a place rounded up."""
        return (free * self.reserve_per_mille + 500) // 1000 if self.favoured else 0

    @property
    def cohorts(self) -> tuple[int, ...]:
        """Return the cohorts in the order in which their first lanes are served."""
        return tuple(dict.fromkeys(lane.cohort for lane in self.lanes))

    @property
    def cycle(self) -> int:
        """Return how many turns make a round."""
        return self.first_count + self.then_count


@dataclass(slots=True)
class Line:
    """The merged order: indexes into the seekers, and each one's turn (None: tier not merged).

    movers: holders who asked to move, in the order in which they were served once.
    """

    members: list[int] = field(default_factory=list)
    turns: list[int | None] = field(default_factory=list)
    movers: list[int] = field(default_factory=list)
    out_of_age: list[int] = field(default_factory=list)


def order_of(rules: Rules, academic_year: int, seeds: Mapping[str, str] | None = None) -> Order:
    """Return the rules of order for an academic year; seeds: of the intakes that were drawn."""
    lanes = tuple(
        Lane(cohort, tiers) for cohort, tiers in rules.cohorts.serving_order(academic_year)
    )
    alternate = rules.interleave
    by_money = rules.iteration.vouchers == "by-budget"
    reserve = alternate is not None and alternate.reading == "reserve"
    return Order(
        lanes=lanes,
        tiers=tuple(tier.code for tier in rules.tiers),
        categories={
            (tier, lane.cohort): rules.cohorts.category_number(tier, lane.cohort, academic_year)
            for lane in lanes
            for tier in lane.tiers
        },
        waiting_lists_max=rules.terms.waiting_lists_max,
        first_count=alternate.first_count if alternate else 1,
        then_count=alternate.then_count if alternate else 1,
        ages_apart=rules.cohorts.by_birth_year and not by_money,
        seeds=dict(seeds or {}),
        reading="reserve" if reserve else "interleave",
        reserve_per_mille=alternate.reserve_per_mille if alternate else 0,
        siblings_first=rules.iteration.siblings,
        movers=rules.iteration.movers,
        swaps=rules.iteration.swaps,
    )


def seeker_of(entry: QueueEntry, rules: Rules, academic_year: int) -> Seeker:
    """Return a queue entry as the engine sees it in an academic year.

    Children move up a year with the academic year. One born in the last months of a year, not
    yet too old though born before the oldest cohort, queues with the oldest.
    """
    age = entry.age + academic_year - entry.academic_year
    cohorts = rules.cohorts.cohorts(academic_year)
    by_year = rules.cohorts.by_birth_year
    reason: OutOfAgeReason | None = None
    if age > rules.cohorts.oldest_age:
        reason = "too-old"
    elif by_year and entry.birth_year > cohorts[-1]:
        reason = "too-young"
    if reason is None:
        cohort = rules.cohorts.cohort_at(
            birth_year=entry.birth_year, age=age, academic_year=academic_year
        )
    else:
        cohort = max(entry.birth_year, cohorts[0]) if by_year else cohorts[0]
    return Seeker(
        application_id=entry.application_id,
        ticket=entry.ticket,
        tier=entry.tier,
        cohort=cohort,
        age=age,
        ordered_at=entry.ordered_at,
        language=entry.language,
        kind=entry.kind,
        preferences=entry.preferences,
        batch_id=entry.batch_id,
        batch_size=entry.batch_size,
        out_of_age=reason,
        sen=entry.sen,
        intake=entry.intake,
    )


def undrawn(seekers: Iterable[Seeker], order: Order) -> set[str]:
    """Return the intakes that somebody stands in and whose order is not drawn yet."""
    return {s.intake for s in seekers if s.intake is not None} - order.seeds.keys()


def merge(seekers: Sequence[Seeker], order: Order, carry: Mapping[int, int]) -> Line:
    """Return everybody in the order in which vouchers are given.

    carry: the turn at which each cohort goes on, 0 where nothing is carried. The result does not
    depend on the order of `seekers`. Those of an intake that is not drawn yet stand together,
    where the draw will put them among themselves. Holders who ask to move stand apart.
    """
    standing: dict[tuple[int, str], list[int]] = {}
    line = Line()
    for index, seeker in enumerate(seekers):
        if seeker.own is not None:
            line.movers.append(index)
        elif seeker.out_of_age is None:
            standing.setdefault((seeker.cohort, seeker.tier), []).append(index)
        else:
            line.out_of_age.append(index)

    def in_time(indexes: list[int]) -> list[int]:
        if any(seekers[i].intake is not None for i in indexes):
            return sorted(indexes, key=lambda i: _drawn(seekers[i], order))
        return sorted(indexes, key=lambda i: (seekers[i].ordered_at, seekers[i].ticket))

    line.movers.sort(key=lambda i: (seekers[i].since, seekers[i].ticket))
    line.out_of_age = in_time(line.out_of_age)
    for lane in order.lanes:
        tiers = [standing.pop((lane.cohort, tier), []) for tier in lane.tiers]
        if order.reading == "reserve":
            tiers = [[index for tier in tiers for index in tier]]
        groups = [in_time(tier) for tier in tiers]
        if len(groups) == 2:
            _interleave(line, groups[0], groups[1], order, start=carry.get(lane.cohort, 0))
        else:
            for alone in groups:
                line.members.extend(alone)
                line.turns.extend([None] * len(alone))
    if standing:
        raise ValueError("a seeker stands in a tier or cohort that the order does not know")
    return line


def _drawn(seeker: Seeker, order: Order) -> tuple[str, str, str]:
    """Return what orders a child among those of its category; the draw only within its intake."""
    seed = order.seeds.get(seeker.intake) if seeker.intake is not None else None
    number = "" if seed is None else draw_number(seed, seeker.ticket)
    return seeker.ordered_at, number, seeker.ticket


def next_turns(
    carry: Mapping[int, int], admitted: Iterable[tuple[int, int | None]], order: Order
) -> dict[int, int]:
    """Return the turn at which each cohort goes on after these were admitted, in their order.

    admitted: cohort and turn of each. The turn after the last one who got a voucher is next; a
    cohort in which nobody did stays where it was. Cohorts that left are forgotten.
    """
    cohorts = order.cohorts
    after = {cohort: turn for cohort, turn in carry.items() if cohort in cohorts}
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
