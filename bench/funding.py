"""A run by budget: 3,000 children who wait, drawn within an intake, money for half of them.

The decision is measured against the least that any program must do for it: hash each ticket with
the seed, sort, and add up. Issuing is measured in write units a voucher, on a real engine.
"""

from __future__ import annotations

import hashlib
import random
import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

from bench.gates import Gate
from bench.measure import compare
from chalicelib.policy.actions import load_pack
from chalicelib.queue.rules import Money, Order, Seeker, money_of, order_of, plan_by_budget
from infra.local import faults, testing

CHILDREN = 3_000
ISSUED = 120
MOST_RATIO = 4.0
MOST_UNITS = 34.0  # per voucher, the journal's and the outbox's rows included
ON = date(2026, 9, 10)
SEED = "5eed" * 16


def run() -> list[Gate]:
    """Return the gates of a run by budget."""
    return [_decision(), _issuing()]


def _decision() -> Gate:
    seekers, money, order = _city()
    plan = plan_by_budget(seekers, money, order, {})
    found = compare(
        lambda: plan_by_budget(seekers, money, order, {}), _bare(seekers, money, order), calls=3
    )
    return Gate(
        f"run by budget, {CHILDREN:,} drawn / hash, sort, add, CPU",
        f"{found.ratio:.2f}  ({found.ours_s * 1e3:.0f} ms / {found.anchor_s * 1e3:.0f} ms), "
        f"{plan.vouchers:,} vouchers",
        f"{MOST_RATIO}",
        found.ratio <= MOST_RATIO,
        found.control,
    )


def _bare(seekers: list[Seeker], money: Money, order: Order) -> Callable[[], object]:
    """Return the same decision without reasons, outcomes or anything but who and whose money."""

    cost = {sen: money.cost_of(sen=sen) for sen in (False, True)}

    def decide() -> list[tuple[str, str]]:
        line = sorted(
            (
                order.categories[s.tier, s.cohort],
                s.ordered_at,
                hashlib.sha256(f"kezek-draw-v1\n{SEED}\n{s.ticket}".encode()).hexdigest(),
                n,
            )
            for n, s in enumerate(seekers)
        )
        left = {pot.direction: pot.free_tiyn for pot in money.pots}
        got = []
        for *_, n in line:
            seeker = seekers[n]
            direction = seeker.kind if seeker.kind in left else max(left, key=left.__getitem__)
            left[direction] -= cost[seeker.sen]
            if left[direction] >= 0:
                got.append((seeker.application_id, direction))
        return got

    return decide


def _city() -> tuple[list[Seeker], Money, Order]:
    """Return an invented city of clubs, always the same."""
    chance = random.Random(2026)
    judged = load_pack("clubs", "karaganda").at(ON)
    order = order_of(judged, ON.year, {"intake": SEED})
    kinds = tuple(judged.kinds)
    one = money_of(judged, dict.fromkeys(kinds, 0), ON).cost_of(sen=False)
    money = money_of(judged, dict.fromkeys(kinds, one * CHILDREN // 6), ON)
    seekers = [
        Seeker(
            application_id=f"application-{n:05d}",
            ticket=f"ticket-{chance.getrandbits(64):016x}",
            tier=chance.choice(order.tiers),
            cohort=0,
            age=chance.randint(5, 17),
            ordered_at="2026-08-20T04:00:00.000000Z",
            language="any",
            kind=chance.choice((*kinds, "any")),
            sen=chance.random() < 0.1,
            intake="intake",
        )
        for n in range(CHILDREN)
    ]
    return seekers, money, order


def _issuing() -> Gate:
    testing.prepare_process()
    with tempfile.TemporaryDirectory(prefix="kezek-bench-") as name:
        folder = Path(name)
        with testing.running_engine(folder) as engine:
            tables = testing.TestTables(engine)
            services = testing.TestServices(folder)
            try:
                tables.wipe()
                return _written()
            finally:
                services.close()


def _written() -> Gate:
    from tests.queue import clubs

    waiting = [clubs.a_wish(f"{n:04d}", kind=clubs.DIRECTIONS[n * 7 % 3]) for n in range(ISSUED)]
    clubs.let_wait(waiting)
    clubs.allot(sport=ISSUED, creative=ISSUED, education=ISSUED)
    clubs.released()
    with faults.watch() as seen:
        clubs.finished(most=50)
    calls = seen.operations["TransactWriteItems"]
    units = seen.units[1] / ISSUED
    return Gate(
        f"run by budget, {ISSUED} vouchers of 3 directions, written",
        f"{units:.1f} write units a voucher, {calls} commits",
        f"{MOST_UNITS:g}",
        units <= MOST_UNITS,
    )
