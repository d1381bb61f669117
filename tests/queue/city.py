"""A small city in the tables: groups with places, children who wait."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from chalicelib.applications import store as applications
from chalicelib.applications.rules import Application, entry_of
from chalicelib.children import store as children
from chalicelib.children.rules import Alias, Holding, Holdings, Person, Relation
from chalicelib.edge import auth
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor, Role, system
from chalicelib.policy.actions import load_pack
from chalicelib.providers import store as providers
from chalicelib.providers.rules import DatedCapacity, Group, Site, SiteState
from chalicelib.queue import actions
from chalicelib.storage import keys
from chalicelib.storage.commit import commit
from infra.local.testing import TestCloud

PROGRAMME, AREA = "preschool", "taldykorgan"
# Tuesday 2 September 2025, 18:00 in Almaty.
EVENING = datetime(2025, 9, 2, 13, 0, tzinfo=UTC)
LATER = EVENING + timedelta(minutes=30)
YEAR = 2025
JOB = system("test")
OPERATOR = Actor("operator-1", frozenset({Role.OPERATOR}), areas=frozenset({AREA}))
SECOND = Actor("operator-2", frozenset({Role.OPERATOR}), areas=frozenset({AREA}))
STRANGER = Actor("operator-3", frozenset({Role.OPERATOR}), areas=frozenset({"astana"}))


def fired(at: datetime) -> Any:
    """A schedule's event."""
    return SimpleNamespace(time=at.strftime("%Y-%m-%dT%H:%M:%SZ"))


def a_group(name: str, capacity: int, **said: Any) -> Group:
    told: dict[str, Any] = {
        "group_id": f"group-{name}",
        "site_id": f"site-{name}",
        "organisation_id": "organisation",
        "programme": PROGRAMME,
        "area": AREA,
        "name": f"Group {name}",
        "academic_year": YEAR,
        "age_from": 2,
        "age_to": 6,
        "language": "kk",
        "kind": "general",
        "hours": "10.5",
        "locality": "urban",
        "capacity": capacity,
        "capacities": (DatedCapacity(date(2025, 1, 1), capacity),),
        "open": True,
    }
    return Group(**{**told, **said})


def an_application(name: str, **said: Any) -> Application:
    judged = load_pack(PROGRAMME, AREA).at(date(2025, 9, 1))
    tier, birth_year = said.get("tier", "general"), said.get("birth_year", 2021)
    told: dict[str, Any] = {
        "application_id": f"application-{name}",
        "child_id": f"child-{name}",
        "person_id": f"person-{name}",
        "programme": PROGRAMME,
        "area": AREA,
        "birth_year": birth_year,
        "age": YEAR - birth_year,
        "academic_year": YEAR,
        "language": "kk",
        "kind": "general",
        "statuses": (),
        "tier": tier,
        "category": judged.cohorts.category_number(tier, birth_year, YEAR),
        "preferences": (),
        "batch_id": None,
        "ticket": f"ticket-{name}",
        "received_at": f"2025-09-01T05:00:00.{name:0>6}Z",
        "ordered_at": f"2025-09-01T05:00:00.{name:0>6}Z",
        "state": "queued",
        "pack": "pack",
        "asked": "asked",
    }
    return Application(**{**told, **said})


def settle_in(
    groups: Iterable[Group],
    waiting: Iterable[Application],
    sizes: Mapping[str, int] | None = None,
    *,
    journaled: bool = False,
) -> None:
    """Put groups and applications into the tables; journaled: so that they can be rebuilt."""
    things = [*_sites(groups), *_families(waiting, sizes or {})]
    if journaled:
        for aggregate, *rest in things:
            entry = journal.entry(
                "test/settled",
                f"{aggregate.row.pk}/{aggregate.row.sk}",
                by=JOB,
                now=EVENING,
                pack="pack",
            )
            journal.commit(entry, aggregate, *rest)
        return
    writes = [write for thing in things for write in thing]
    for start in range(0, len(writes), 100):
        commit(writes[start : start + 100])


def _sites(groups: Iterable[Group]) -> Iterator[list[Any]]:
    for group in groups:
        site = Site(
            site_id=group.site_id,
            organisation_id=group.organisation_id,
            programme=group.programme,
            area=group.area,
            name=f"Kindergarten of {group.name}",
            address="",
            locality="urban",
            form="private",
            state=SiteState.LISTED,
        )
        yield providers.create_site(site)
        yield providers.create_group(group)


def _families(waiting: Iterable[Application], sizes: Mapping[str, int]) -> Iterator[list[Any]]:
    for application in waiting:
        size = sizes.get(application.batch_id or "")
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
        yield [
            applications.create_application(application),
            children.create_person(person),
            *applications.announce(application),
            applications.enter_queue(application, entry_of(application, batch_size=size)),
            children.keep_holdings(
                children.load_holdings(application.child_id), Holdings((holding,))
            ),
        ]


def a_small_city(
    children_waiting: int = 60, groups: int = 6, seed: int = 3, *, journaled: bool = False
) -> None:
    """Put an invented city into the tables, always the same for a seed."""
    chance = random.Random(seed)
    places = [
        a_group(
            f"{n:02d}",
            capacity=chance.randint(2, max(3, children_waiting // groups)),
            age_from=chance.choice((2, 2, 4)),
            language=chance.choice(("kk", "kk", "ru")),
        )
        for n in range(groups)
    ]
    ids = [place.group_id for place in places]
    people = []
    for n in range(children_waiting):
        said: dict[str, Any] = {
            "tier": chance.choices(("extraordinary", "first-priority", "general"), (1, 4, 10))[0],
            "birth_year": chance.choice((2019, 2020, 2021, 2022, 2023, 2024)),
            "language": chance.choice(("kk", "kk", "ru")),
            "preferences": tuple(chance.sample(ids, chance.randint(0, min(3, groups)))),
            "ordered_at": f"2025-09-01T05:00:{chance.randint(10, 59)}.{n:06d}Z",
        }
        if n in (7, 8):
            said |= {"birth_year": 2021, "language": "kk", "batch_id": "batch-twins"}
        people.append(an_application(f"{n:04d}", **said))
    settle_in(places, people, {"batch-twins": 2}, journaled=journaled)


def released(run_id: str = "run-of-the-day") -> str:
    """Draft a run in the evening and release it half an hour later."""
    actions.propose(run_id, programme=PROGRAMME, area=AREA, by=JOB, now=EVENING)
    assert actions.release_due(run_id, by=JOB, now=LATER)
    return run_id


def finished(run_id: str, *, most: int = 25, now: datetime = LATER) -> None:
    """Issue all vouchers of a run."""
    while actions.commit_part(run_id, by=JOB, now=now, most=most):
        pass


def a_family(cloud: TestCloud, name: str, subject: str = "aigerim") -> str:
    """Let a signed-in person represent a child of the city; return their token."""
    token = cloud.token("representative", subject)
    person_id = f"person-{name}"
    signed_in = auth.caller(f"Bearer {token}", now=cloud.clock()).subject
    relation = Relation(
        child_id=f"child-{name}",
        person_id=person_id,
        powers=("apply",),
        valid_from=date(2025, 1, 1),
        valid_to=None,
        basis="birth-record",
    )
    alias = keys.alias(signed_in)
    commit(
        [
            children.ALIASES.create(alias, Alias(person_id=person_id)),
            *children.create_relation(relation),
        ]
    )
    return token
