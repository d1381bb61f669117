"""One iteration's decision: 2,500 children who wait, 300 groups, under a tenth of a second of CPU.

The pure decision alone, as the evening's run makes it: the order, the places, who gets which and
why. Reading the queue is measured in `bench costs`. The decision is its own anchor, so the control
says whether the machine was quiet enough to quote an absolute time.
"""

from __future__ import annotations

import random
from datetime import date

from bench.gates import Gate
from bench.measure import compare
from chalicelib.policy.actions import load_pack
from chalicelib.queue.rules import Order, Place, Seeker, order_of, plan_iteration

CHILDREN, GROUPS = 2_500, 300
MOST_S = 0.1
YEAR = 2026


def run() -> list[Gate]:
    """Return the gate of the iteration's decision."""
    seekers, places, order = _city()
    carry: dict[int, int] = {}
    plan = plan_iteration(seekers, places, order, carry)
    placed = sum(outcome.group_id is not None for outcome in plan.outcomes)
    found = compare(
        lambda: plan_iteration(seekers, places, order, carry),
        lambda: plan_iteration(seekers, places, order, carry),
        calls=3,
    )
    return [
        Gate(
            f"iteration, {CHILDREN:,} children x {GROUPS} groups, CPU",
            f"{found.ours_s * 1000:.0f} ms, {placed:,} placed",
            f"{MOST_S * 1000:.0f} ms",
            found.ours_s <= MOST_S,
            found.control,
        )
    ]


def _city() -> tuple[list[Seeker], list[Place], Order]:
    """Return an invented city, always the same: three wishes each, some twins, few places."""
    chance = random.Random(2026)
    order = order_of(load_pack("preschool", "taldykorgan").at(date(YEAR, 9, 1)), YEAR)
    places = []
    for n in range(GROUPS):
        age = chance.randint(2, 5)
        places.append(
            Place(
                group_id=f"group-{n:04d}",
                age_from=age,
                age_to=age + chance.randint(0, 1),
                language=chance.choice(("kk", "kk", "ru")),
                kind=chance.choice(("general",) * 9 + ("correctional",)),
                free=chance.randint(0, 15),
            )
        )
    seekers = []
    for n in range(CHILDREN):
        cohort = chance.choice(order.cohorts)
        language = chance.choice(("kk", "kk", "ru"))
        like = [
            p.group_id for p in places if p.language == language and p.age_from <= YEAR - cohort
        ]
        seekers.append(
            Seeker(
                application_id=f"application-{n:05d}",
                ticket=f"ticket-{n:05d}",
                tier=chance.choices(order.tiers, (1, 4, 10)[: len(order.tiers)])[0],
                cohort=cohort,
                age=YEAR - cohort,
                ordered_at=f"2026-06-15T05:00:00.{chance.randint(0, 999_999):06d}Z",
                language=language,
                kind=chance.choice(("general",) * 9 + ("correctional",)),
                preferences=tuple(chance.sample(like, min(3, len(like)))),
                batch_id=f"batch-{n // 2:04d}" if n < 50 else None,
                batch_size=2 if n < 50 else None,
            )
        )
    return seekers, places, order
