"""A small city of clubs in the tables: money by direction, children who wait for a voucher."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from chalicelib.applications import store as applications
from chalicelib.applications.rules import Application, entry_of
from chalicelib.budgets import actions as budgets
from chalicelib.budgets.rules import ledger
from chalicelib.budgets.store import ledger as books
from chalicelib.children import store as children
from chalicelib.children.rules import Holding, Holdings, Person
from chalicelib.kernel.actors import Actor, Role
from chalicelib.policy.actions import load_pack
from chalicelib.queue import actions
from chalicelib.storage.commit import Write, commit
from tests.queue.city import JOB

PROGRAMME, AREA = "clubs", "karaganda"
HERE = {"programme": PROGRAMME, "area": AREA}
# Thursday 10 September 2026, 18:00 in Almaty: September to December are reserved.
EVENING = datetime(2026, 9, 10, 13, 0, tzinfo=UTC)
LATER = EVENING + timedelta(minutes=30)
YEAR = 2026
MONTHS = 4
DIRECTIONS = ("sport", "creative", "education")
FINANCE = Actor(
    "finance-1",
    frozenset({Role.FINANCE}),
    areas=frozenset({AREA}),
    directions=frozenset(DIRECTIONS),
)
RUN = "run-of-the-clubs"


def cost(*, sen: bool = False) -> int:
    """What a voucher takes in all when it is issued in September."""
    return load_pack(PROGRAMME, AREA).at(EVENING.date()).month_max_tiyn(sen) * MONTHS


def with_kept(promised_tiyn: int) -> int:
    """The budget of which so much may be promised to the queue: a tenth of it is kept free."""
    return promised_tiyn + max(0, promised_tiyn - 1) // 9


def allot(at: datetime = EVENING, act: str = "act-1", **vouchers: int) -> None:
    """Allot money for so many vouchers, by direction, and a tiyn less than for one more.

    On top of it comes what is kept free for vouchers without a queue.
    """
    for direction, count in vouchers.items():
        budgets.allot(
            programme=PROGRAMME,
            area=AREA,
            year=at.year,
            amount_tiyn=with_kept((count + 1) * cost() - 1),
            act=f"{act}-{direction}",
            direction=direction,
            by=FINANCE,
            now=at,
        )


def free() -> dict[str, int]:
    """What each direction has left to promise."""
    return budgets.free(PROGRAMME, AREA, EVENING.year, DIRECTIONS)


def committed() -> dict[str, int]:
    """What vouchers hold of each direction, all months together."""
    return {
        direction: sum(
            books.balances(
                ledger.committed(PROGRAMME, AREA, month, direction) for month in _months()
            ).values()
        )
        for direction in DIRECTIONS
    }


def a_wish(name: str, **said: Any) -> Application:
    """An application for a voucher, wishing for sport."""
    judged = load_pack(PROGRAMME, AREA).at(date(2026, 9, 1))
    tier, age = said.get("tier", "others"), said.get("age", 9)
    told: dict[str, Any] = {
        "application_id": f"application-{name}",
        "child_id": f"child-{name}",
        "person_id": f"person-{name}",
        "programme": PROGRAMME,
        "area": AREA,
        "birth_year": YEAR - age,
        "age": age,
        "academic_year": YEAR,
        "language": "any",
        "kind": "sport",
        "statuses": (),
        "tier": tier,
        "category": judged.cohorts.category_number(tier, 0, YEAR),
        "preferences": (),
        "batch_id": None,
        "ticket": f"ticket-{name}",
        "received_at": f"2026-09-01T05:00:00.{name:0>6}Z",
        "ordered_at": f"2026-09-01T05:00:00.{name:0>6}Z",
        "state": "queued",
        "pack": "pack",
        "asked": "asked",
    }
    return Application(**{**told, **said})


def let_wait(waiting: Iterable[Application]) -> None:
    """Put applications into the tables."""
    writes: list[Write] = []
    for application in waiting:
        holding = Holding(
            kind="application",
            id=application.application_id,
            programme=PROGRAMME,
            area=AREA,
            since=application.received_at,
        )
        person = Person(
            person_id=application.person_id,
            subject=f"subject-of-{application.person_id}",
            language="kk",
            created_at=application.received_at,
            asked="",
        )
        writes += [
            children.create_person(person),
            applications.create_application(application),
            *applications.announce(application),
            applications.enter_queue(application, entry_of(application)),
            children.keep_holdings(
                children.load_holdings(application.child_id), Holdings((holding,))
            ),
        ]
    for start in range(0, len(writes), 100):
        commit(writes[start : start + 100])


def a_small_city_of_clubs(waiting: int = 40, seed: int = 3) -> None:
    """Put an invented city into the tables, always the same for a seed."""
    chance = random.Random(seed)
    tiers = [tier.code for tier in load_pack(PROGRAMME, AREA).at(EVENING.date()).tiers]
    let_wait(
        a_wish(
            f"{n:04d}",
            tier=chance.choice(tiers),
            kind=chance.choice((*DIRECTIONS, "any")),
            age=chance.randint(5, 16),
            sen=chance.random() < 0.2,
        )
        for n in range(waiting)
    )
    allot(sport=waiting // 8, creative=waiting // 6, education=waiting // 10)


def released(run_id: str = RUN) -> str:
    """Draft a run in the evening and release it half an hour later."""
    actions.propose(run_id, programme=PROGRAMME, area=AREA, by=JOB, now=EVENING)
    assert actions.release_due(run_id, by=JOB, now=LATER)
    return run_id


def finished(run_id: str = RUN, *, most: int = 25, now: datetime = LATER) -> None:
    """Issue all vouchers of a run."""
    while actions.commit_part(run_id, by=JOB, now=now, most=most):
        pass


def _months() -> Iterable[Any]:
    from chalicelib.kernel.periods import Month

    return [Month(YEAR, month) for month in range(9, 13)]
