"""What the two readings of one to three, batches and trades do to one invented city; no limits.

`python -m bench readings` prints the tables of docs/fairness.md. The city is always the same: ten
thousand children who wait, a hundred and twenty groups with places for six in ten of them, a fifth
of the children of the first-priority tier, a pair of twins among a hundred children. Holders who
ask to move are looked at on an evening of the year, when a group has two free places or none.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date

from bench.gates import Gate
from chalicelib.policy.actions import load_pack
from chalicelib.queue.rules import Lane, Order, Outcome, Place, Seeker, order_of, plan_iteration

CHILDREN, GROUPS, HOLDERS, YEAR, SEED = 10_000, 120, 1_000, 2026, 2026
TIERS = ("extraordinary", "first-priority", "general")
SHARES = (2, 20, 78)
AGES = (2, 3, 4, 5)
LANGUAGES = ("kk", "kk", "ru")


def run() -> list[Gate]:
    """Print what becomes of the city under each rule; there is nothing to hold."""
    seekers, places, order = city()
    holders = holders_of(places)
    waiting = len(seekers)
    _say(f"{waiting:,} children, {len(places)} groups, {sum(p.free for p in places):,} places")
    readings = {
        "one line, one to three": order,
        "a quarter of each group": replace(order, reading="reserve", reserve_per_mille=250),
        "first-priority before all others": _first(order),
        "by time alone": replace(order, reading="reserve", reserve_per_mille=0),
    }
    _say("\n| | " + " | ".join(f"{tier}: served" for tier in TIERS) + " | first wish | a wish |")
    _say("|---|--:|--:|--:|--:|--:|")
    for name, one in readings.items():
        _say(f"| {name} | {_served(plan_iteration(seekers, places, one, {}).outcomes)} |")
    _twins(seekers, places, order)
    _moved(seekers, holders, places, order)
    return []


def city() -> tuple[list[Seeker], list[Place], Order]:
    """Return the children who wait, the places and the order of the published reading."""
    chance = random.Random(SEED)
    order = order_of(load_pack("preschool", "taldykorgan").at(date(YEAR, 9, 1)), YEAR)
    each = CHILDREN * 6 // 10 // GROUPS
    places = [
        Place(
            group_id=f"group-{n:03d}",
            age_from=AGES[n % len(AGES)],
            age_to=AGES[n % len(AGES)],
            language=LANGUAGES[n // len(AGES) % len(LANGUAGES)],
            kind="general",
            free=chance.randint(each - 25, each + 25),
        )
        for n in range(GROUPS)
    ]
    fitting: dict[tuple[int, str], list[str]] = {}
    for place in places:
        fitting.setdefault((place.age_from, place.language), []).append(place.group_id)
    seekers = []
    for n in range(CHILDREN):
        twin = n % 100 < 2
        if not (twin and n % 2):
            age, language = chance.choice(AGES), chance.choice(LANGUAGES)
            wishes = tuple(_wishes(chance, fitting[age, language]))
            tier = chance.choices(TIERS, SHARES)[0]
        seekers.append(
            Seeker(
                application_id=f"application-{n:05d}",
                ticket=f"ticket-{chance.getrandbits(40):010x}",
                tier=tier,
                cohort=YEAR - age,
                age=age,
                ordered_at=f"2026-03-01T05:{n // 60 % 60:02d}:{n % 60:02d}.{n:06d}Z",
                language=language,
                kind="general",
                preferences=wishes,
                batch_id=f"batch-{n // 100:03d}" if twin else None,
                batch_size=2 if twin else None,
            )
        )
    return seekers, places, order


def holders_of(places: Sequence[Place]) -> list[Seeker]:
    """Return children with a place who would rather be elsewhere."""
    chance = random.Random(SEED + 1)
    holders = []
    for n in range(HOLDERS):
        own = chance.choice(places)
        others = [
            p.group_id
            for p in places
            if p != own and (p.age_from, p.language) == (own.age_from, own.language)
        ]
        holders.append(
            Seeker(
                application_id=f"holder-{n:04d}",
                ticket=f"ticket-of-{n:04d}",
                tier=chance.choices(TIERS, SHARES)[0],
                cohort=YEAR - own.age_from,
                age=own.age_from,
                ordered_at="2025-03-01T05:00:00.000000Z",
                language=own.language,
                kind="general",
                preferences=tuple(_wishes(chance, others)),
                own=own.group_id,
                voucher_id=f"voucher-{n:04d}",
                since=f"20250901T130000Z-{n:07d}",
            )
        )
    return holders


def _wishes(chance: random.Random, groups: Sequence[str]) -> Iterator[str]:
    """Yield up to three groups; those that stand first in the list are loved by many."""
    wished: dict[str, None] = {}
    while len(wished) < min(3, len(groups)):
        wished[groups[int(chance.random() * chance.random() * len(groups))]] = None
    yield from wished


def _first(order: Order) -> Order:
    """Return an order in which whoever has the better right stands before all who have not."""
    lanes = tuple(Lane(lane.cohort, (tier,)) for lane in order.lanes for tier in lane.tiers)
    return replace(order, lanes=lanes)


def _served(outcomes: Sequence[Outcome]) -> str:
    told = []
    for tier in TIERS:
        of_tier = [outcome for outcome in outcomes if outcome.tier == tier]
        got = sum(outcome.gets for outcome in of_tier)
        told.append(f"{got:,} of {len(of_tier):,} ({got * 100 / len(of_tier):.0f} %)")
    placed = [outcome for outcome in outcomes if outcome.gets]
    first = sum(outcome.preference == 1 for outcome in placed)
    wished = sum(outcome.preference is not None for outcome in placed)
    told += [f"{first * 100 / len(placed):.0f} %", f"{wished * 100 / len(placed):.0f} %"]
    return " | ".join(told)


def _twins(seekers: Sequence[Seeker], places: Sequence[Place], order: Order) -> None:
    """Print what moving together costs the twins themselves, and everybody else."""
    alone = [replace(s, batch_id=None, batch_size=None) for s in seekers]
    together = plan_iteration(seekers, places, order, {}).outcomes
    apart = {o.application_id: o for o in plan_iteration(alone, places, order, {}).outcomes}
    twins = [outcome for outcome in together if outcome.batch_id is not None]
    changed = sum(
        outcome.group_id != apart[outcome.application_id].group_id
        for outcome in together
        if outcome.batch_id is None
    )
    _say(
        f"\ntwins: {len(twins)} children; served together {sum(o.gets for o in twins)}, "
        f"if each stood alone {sum(apart[o.application_id].gets for o in twins)}, "
        f"of these in one group {_in_one_group(twins, apart)}; "
        f"others whose place is another because of them: {changed}; "
        f"children served in all: {sum(o.gets for o in together)} and "
        f"{sum(o.gets for o in apart.values())}"
    )


def _in_one_group(twins: Sequence[Outcome], apart: dict[str, Outcome]) -> int:
    groups: dict[str, set[str | None]] = {}
    for twin in twins:
        groups.setdefault(twin.batch_id or "", set()).add(apart[twin.application_id].group_id)
    return 2 * sum(len(held) == 1 and None not in held for held in groups.values())


def _moved(
    seekers: Sequence[Seeker], holders: Sequence[Seeker], places: Sequence[Place], order: Order
) -> None:
    """Print what becomes of holders who ask to move, without and with trades."""
    places = [replace(place, free=n % 3) for n, place in enumerate(places)]
    _say(f"\nan evening: {sum(p.free for p in places)} free places, {len(holders):,} holders")
    for name, one in {
        "nobody moves": replace(order, movers=False, swaps=False),
        "in the line": replace(order, movers=True, swaps=False),
        "and by trades": replace(order, movers=True, swaps=True),
    }.items():
        asked = holders if one.movers else []
        outcomes = plan_iteration([*seekers, *asked], places, one, {}).outcomes
        reasons = Counter(o.reason for o in outcomes if o.from_group is not None)
        served = sum(o.gets for o in outcomes)
        _say(f"holders, {name}: {dict(sorted(reasons.items()))}; children served: {served:,}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
