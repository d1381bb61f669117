"""A small Karaganda for stories: families, three clubs in three directions, little money."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from infra.local.testing import TestCloud
from tests.stories.people import almaty, bin_, iban, iin

AREA = {"programme": "clubs", "area": "karaganda"}
# The dearest month of any rate: a rural club. Any move is covered by what is held.
MONTH_MAX = 21_600_00
SEN_MAX = 27_000_00
# A voucher issued in September holds four months of the year.
HELD = 4 * MONTH_MAX
# A tenth of a direction's budget is not promised to the queue, so that public clubs need none.
KEPT_OF_TWO, KEPT_OF_ONE = 2 * HELD // 9, HELD // 9
DIRECTIONS = ("sport", "creative", "education")
CODE = re.compile(r"[A-Z0-9]{4}-[A-Z0-9]{4}-[A-Z0-9]{4}")
SIGNATURE = "ab" * 48
RANDOMNESS = hashlib.sha256(bytes.fromhex(SIGNATURE)).hexdigest()


def club(n: int, direction: str, form: str = "private", *, capacity: int = 10) -> dict[str, Any]:
    return {
        "organisation": {
            "organisation_id": f"organisation-{n}",
            "bin": bin_(n),
            "name": f"Club {n}",
            "form": "public" if form == "public" else "private",
            "account": iban(n),
            "bank": "KCJBKZKX",
            "contact": "77010000000",
        },
        **AREA,
        "name": f"Club {n}",
        "address": f"Abai street {n}, Karaganda",
        "locality": "urban",
        "form": form,
        "direction": direction,
        "groups": [
            {
                "group_id": f"group-000{n}",
                "name": f"Group {n}",
                "academic_year": 2026,
                "age_from": 8,
                "age_to": 14,
                "language": "kk",
                "kind": direction,
                "hours": "60",
                "capacity": capacity,
                "from_on": "2026-09-01",
                "activity": {"sport": "football", "creative": "dombra", "education": "robotics"}[
                    direction
                ],
            }
        ],
        "act": "No. 1",
        "listed_on": "2026-08-20",
        "source": {"system": "old list", "file": "0" * 64, "line": n + 2},
    }


def application(n: int, wish: str, *statuses: str) -> dict[str, Any]:
    return {
        **AREA,
        "language": "any",
        "kind": wish,
        "preferences": [],
        "statuses": list(statuses),
        "child": {
            "surname": "Серіков",
            "given_name": "Ғалымжан",
            "birth_date": "2015-03-14",
            "sex": "male",
            "iin": iin(100 + n),
            "address": "Karaganda",
        },
    }


class Story:
    """Five families, three clubs in three directions, money for three vouchers of sport."""

    def __init__(self, cloud: TestCloud, person: Callable[..., Any]) -> None:
        self.cloud = cloud
        every = {"areas": ["karaganda"], "directions": ["*"]}
        self.operator = person("operator", "operator-1", **every)
        self.auditor = person("auditor", "auditor-1", **every)
        self.finance = person("finance", "finance-1", **every)
        self.other_finance = person("finance", "finance-2", **every)
        self.departments = {
            direction: person(
                "department", f"officer-{direction}", areas=["karaganda"], directions=[direction]
            )
            for direction in DIRECTIONS
        }
        self.heads = [
            person("head", f"head-{n}", organisations=[f"organisation-{n}"]) for n in range(3)
        ]
        self.families = [person("representative", f"family-{n}") for n in range(5)]

    def voucher(self, n: int) -> dict[str, Any]:
        shown = self.families[n].get(f"/v1/applications/application-{n}")
        return self.families[n].get(f"/v1/vouchers/{shown['voucher_id']}")

    def child(self, n: int) -> str:
        shown = self.families[n].get(f"/v1/applications/application-{n}")
        return str(shown["child_id"])


def prepare(story: Story) -> None:
    """The clubs are on the List, their timetables and the budgets are set."""
    story.cloud.set_clock(almaty("2026-09-01T09:00:00"))
    for n, (direction, form) in enumerate(
        [("sport", "private"), ("creative", "private"), ("education", "public")]
    ):
        story.operator.put(f"/v1/providers/imports/site-000{n}", club(n, direction, form))
    for direction, amount in (
        ("sport", 2 * HELD + KEPT_OF_TWO),
        ("creative", HELD + KEPT_OF_ONE),
        ("education", 0),
    ):
        story.finance.put(
            f"/v1/budgets/clubs/karaganda/2026/{direction}",
            {"amount_tiyn": amount, "act": f"No. 7 {direction}"},
        )
    # Club 0 on Monday, Wednesday and Friday at 16:00, club 1 an hour later, club 2 on Saturdays.
    for n, (days, starts) in enumerate(
        [((1, 3, 5), "16:00"), ((1, 3, 5), "17:00"), ((6,), "10:00")]
    ):
        story.heads[n].put(
            f"/v1/lessons/groups/group-000{n}/timetable",
            {
                "from_on": "2026-09-21",
                "lessons": [{"weekday": d, "starts": starts, "minutes": 60} for d in days],
            },
        )


def hold_intake(story: Story) -> None:
    """A window of ten days in which no click is faster than another, and its draw."""
    cloud = story.cloud
    intake = story.operator.put(
        "/v1/applications/intakes/intake-1",
        {
            **AREA,
            "opens_at": "2026-09-08T09:00:00+05:00",
            "closes_at": "2026-09-18T18:00:00+05:00",
            "beacon_at": "2026-09-19T12:00:00+05:00",
        },
    )
    for n, family in enumerate(story.families):
        family.put(
            "/v1/children/me",
            {
                "iin": iin(n),
                "surname": "Серікова",
                "given_name": "Әлия",
                "language": "kk",
                "contacts": [{"kind": "phone", "value": f"+7701000000{n}"}],
            },
        )
    cloud.set_clock(almaty("2026-09-08T09:00:01"))
    for n, wish in enumerate(["sport", "sport", "sport", "creative"]):
        cloud.set_clock(cloud.clock() + timedelta(days=1))
        story.families[n].put(f"/v1/applications/application-{n}", application(n, wish))
    cloud.set_clock(almaty("2026-09-18T19:00:00"))
    refused = story.operator.refused("PUT", "/v1/queue/runs/run-early", AREA)
    assert refused == "queue/intake-open", "nobody is served before the draw"
    cloud.set_clock(almaty("2026-09-19T12:10:00"))
    drawn = story.operator.put(
        "/v1/applications/intakes/intake-1/beacon",
        {
            "round": intake["beacon"]["round"],
            "randomness": RANDOMNESS,
            "signature": SIGNATURE,
        },
    )
    assert drawn["state"] == "drawn"


def paired(story: Story, tablet: Callable[[], Any], n: int) -> Any:
    """Return a tablet of a club."""
    asked = {"site_id": f"site-000{n}", "label": "Hall"}
    code = story.heads[n].put(f"/v1/attendance/pairings/pairing-{n}", asked)
    made = tablet()
    assert made.pair(code["code"]).status == 200
    return made


def signed(story: Story, n: int, group_id: str, starts_on: str) -> str:
    """Choose a club and sign; return the enrolment's id."""
    voucher_id = story.voucher(n)["voucher_id"]
    story.families[n].put(f"/v1/vouchers/{voucher_id}/choice", {"group_id": group_id})
    contract = story.families[n].put(
        f"/v1/vouchers/{voucher_id}/contract", {"starts_on": starts_on}
    )
    return str(contract["enrolment_id"])


def at_five(lesson: str) -> str:
    """Return the creative club's lesson of the same day."""
    return f"{lesson[:8]}T1700"


def begins(lesson: str) -> datetime:
    """Return the instant at which a lesson begins."""
    day, clock = lesson.split("T")
    return almaty(f"{day[:4]}-{day[4:6]}-{day[6:]}T{clock[:2]}:{clock[2:]}:00")


def visit(story: Story, tablet: Any, lesson: str, *enrolments: str) -> None:
    """Sign the visits of a lesson, some seconds apart, and send them when it is over."""
    at = begins(lesson)
    records = [
        tablet.record(enrolment, "in", at - timedelta(minutes=5, seconds=-7 * n))
        for n, enrolment in enumerate(enrolments)
    ]
    story.cloud.set_clock(at + timedelta(minutes=70))
    said = tablet.upload(records)
    assert {o["outcome"] for o in said.json["outcomes"]} == {"accepted"}, said.text


def tap(story: Story, n: int, lesson: str) -> None:
    """Confirm one lesson."""
    story.families[n].put(
        f"/v1/attendance/children/{story.child(n)}/lessons/{lesson}/confirmation",
        {"programme": "clubs"},
    )


def approve(story: Story, n: int, site: str) -> None:
    """Look at a month and confirm what is left of it."""
    path = f"/v1/attendance/children/{story.child(n)}/months/2026-10"
    sheets = story.families[n].get(path, query={"programme": "clubs"})["items"]
    (sheet,) = [sheet for sheet in sheets if sheet["site_id"] == site]
    story.families[n].put(
        f"{path}/approval", {"digest": sheet["digest"], "site_id": site, "programme": "clubs"}
    )
