"""What trading adds for holders who ask to move: a seeded city, decided with and without it.

Repeat: `python -m bench.swaps`. Every group is of one age and language, as groups are; wishes go to
groups that fit, the popular ones more often. Nothing here is timed against a gate.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from dataclasses import dataclass, replace
from itertools import groupby

from chalicelib.queue.rules import Lane, Order, Outcome, Place, Seeker, plan_iteration

TIERS = ("extraordinary", "first-priority", "general")
YEARS = tuple(range(2019, 2024))
GROUPS, SEATS, WAITING = 400, 20, 4000
ORDER = Order(
    lanes=tuple(Lane(year, tiers) for year in YEARS for tiers in (TIERS[:1], TIERS[1:])),
    tiers=TIERS,
    first_count=1,
    then_count=3,
    categories={(t, y): i * 5 + j + 1 for i, t in enumerate(TIERS) for j, y in enumerate(YEARS)},
    waiting_lists_max=5,
    movers=True,
)


@dataclass(frozen=True, slots=True)
class Effect:
    """Holders who asked, and how many of them are better off; rings by their length."""

    asking: int
    moved: int
    moved_with_trading: int
    first_wish: int
    first_wish_with_trading: int
    swapped: int
    rings: dict[int, int]
    worse_off: int
    waiting_changed: int


def a_city(per_cent: int, *, free: int, seed: int) -> tuple[list[Seeker], list[Place]]:
    """Return a city: so many per cent of its holders ask to move, and so many places are free."""
    chance = random.Random(seed)
    sorts = [(age, language) for age in (2, 3, 4, 5) for language in ("kk", "kk", "ru")]
    of_sort: dict[tuple[int, str], list[str]] = {}
    places = []
    for n in range(GROUPS):
        age, language = sorts[n % len(sorts)]
        group_id = f"group-{n:04d}"
        of_sort.setdefault((age, language), []).append(group_id)
        places.append(
            Place(
                group_id=group_id,
                age_from=age,
                age_to=age,
                language=language,
                kind="general",
                free=0,
            )
        )
    for n in chance.sample(range(GROUPS), k=GROUPS):
        take = min(free, chance.randint(1, 2))
        places[n] = replace(places[n], free=take)
        free -= take
    weight = {place.group_id: 1 / (1 + chance.randrange(30)) for place in places}

    def wishes(age: int, language: str, but: str | None, most: int) -> tuple[str, ...]:
        able = [g for g in of_sort[age, language] if g != but]
        drawn = chance.choices(able, [weight[g] for g in able], k=most)
        return tuple(dict.fromkeys(drawn))

    def seeker(n: int, age: int, language: str, own: str | None) -> Seeker:
        return Seeker(
            application_id=f"application-{n:06d}",
            ticket=f"ticket-{n:06d}",
            tier=chance.choices(TIERS, (3, 20, 77))[0],
            cohort=2025 - age - (age < 2),
            age=age,
            ordered_at=f"2025-07-{chance.randint(1, 28):02d}T09:00:00.{n:06d}Z",
            language=language,
            kind="general",
            preferences=wishes(age, language, own, chance.randint(1, 3 if own else 5)),
            own=own,
            voucher_id=f"voucher-{n:06d}" if own else None,
            since=f"20250601-{chance.randrange(10**7):07d}" if own else "",
        )

    seekers = [
        seeker(n * SEATS + seat, place.age_from, place.language, place.group_id)
        for n, place in enumerate(places)
        for seat in range(SEATS)
        if chance.randrange(100) < per_cent
    ]
    for n in range(WAITING):
        age, language = chance.choice(sorts)
        seekers.append(seeker(10**5 + n, age, language, None))
    return seekers, places


def effect(seekers: list[Seeker], places: list[Place]) -> Effect:
    """Return what trading adds for the holders of a city."""
    without = plan_iteration(seekers, places, ORDER, {}).outcomes
    traded = plan_iteration(seekers, places, replace(ORDER, swaps=True), {}).outcomes
    before = {o.ticket: o for o in without}
    holders = [o for o in traded if o.from_group is not None]

    def rank(outcome: Outcome) -> int:
        return outcome.preference or 99

    rings = Counter(
        len(list(ring)) for number, ring in groupby(traded, lambda o: o.ring) if number is not None
    )
    return Effect(
        asking=len(holders),
        moved=sum(before[o.ticket].moves for o in holders),
        moved_with_trading=sum(o.moves for o in holders),
        first_wish=sum(before[o.ticket].preference == 1 for o in holders),
        first_wish_with_trading=sum(o.preference == 1 for o in holders),
        swapped=sum(o.reason == "swapped" for o in holders),
        rings=dict(sorted(rings.items())),
        worse_off=sum(rank(o) > rank(before[o.ticket]) for o in holders),
        waiting_changed=sum(
            o.group_id != before[o.ticket].group_id for o in traded if o.from_group is None
        ),
    )


def main() -> None:
    """Say what trading adds, for few and many who ask and for few and many free places."""
    said = [
        "asking | free | better off | with trading | first wish | with trading | rings by length"
    ]
    for per_cent in (5, 10, 25):
        for free in (0, 40, 200):
            found = effect(*a_city(per_cent, free=free, seed=5))
            assert found.worse_off == found.waiting_changed == 0
            said.append(
                f"{found.asking} | {free} | {found.moved} | {found.moved_with_trading} | "
                f"{found.first_wish} | {found.first_wish_with_trading} | {found.rings}"
            )
    sys.stdout.write("\n".join([*said, ""]))


if __name__ == "__main__":
    main()
