"""Summer camps of the stories: two camps, families with one child each, officers of Almaty."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from chalicelib.kernel.periods import Month
from chalicelib.policy.actions import load_pack
from infra.local.testing import TestCloud
from tests.stories.people import almaty, bin_, iban, iin

CAMPS = {"programme": "camps", "area": "almaty"}


def camp(n: int, *, capacity: int) -> dict[str, Any]:
    return {
        "organisation": {
            "organisation_id": f"organisation-{n}",
            "bin": bin_(n),
            "name": f"Camp {n}",
            "form": "private",
            "account": iban(n),
            "bank": "KCJBKZKX",
            "contact": "77010000000",
        },
        **CAMPS,
        "name": f"Camp {n}",
        "address": f"Medeu road {n}, Almaty",
        "locality": "urban",
        "form": "private",
        "groups": [
            {
                "group_id": f"group-000{n}",
                "name": f"Squad {n}",
                "academic_year": 2026,
                "age_from": 7,
                "age_to": 15,
                "language": "ru",
                "kind": "day-camp",
                "hours": "9",
                "capacity": capacity,
                "from_on": "2026-05-01",
            }
        ],
        "act": "No. 1",
        "listed_on": "2026-04-15",
        "source": {"system": "old list", "file": "0" * 64, "line": n + 2},
    }


def application(n: int, *statuses: str, **more: Any) -> dict[str, Any]:
    return {
        **CAMPS,
        "language": "any",
        "kind": "any",
        "statuses": list(statuses),
        "child": {
            "surname": "Серіков",
            "given_name": "Ғалымжан",
            "birth_date": "2016-03-14",
            "sex": "male",
            "iin": iin(100 + n),
            "address": "Almaty",
        },
        **more,
    }


class Story:
    """Four families, two camps, money for two vouchers at first."""

    def __init__(
        self,
        cloud: TestCloud,
        person: Callable[..., Any],
        directions: list[str] | None = None,
    ) -> None:
        self.cloud = cloud
        serves = {"areas": ["almaty"], **({"directions": directions} if directions else {})}
        self.operator = person("operator", "operator-1", **serves)
        self.department = person("department", "officer-1", **serves)
        self.finance = person("finance", "finance-1", **serves)
        self.other_finance = person("finance", "finance-2", **serves)
        self.heads = [
            person("head", f"head-{n}", organisations=[f"organisation-{n}"]) for n in (0, 1)
        ]
        self.families = [person("representative", f"family-{n}") for n in range(4)]

    def sign_in(self, n: int) -> None:
        """Let a family make itself known."""
        self.families[n].put(
            "/v1/children/me",
            {
                "iin": iin(n),
                "surname": "Серікова",
                "given_name": "Әлия",
                "language": "ru",
                "contacts": [{"kind": "phone", "value": f"+7701000000{n}"}],
            },
        )

    def application(self, n: int) -> dict[str, Any]:
        return self.families[n].get(f"/v1/applications/application-{n}")

    def voucher(self, n: int) -> dict[str, Any]:
        return self.families[n].get(f"/v1/vouchers/{self.application(n)['voucher_id']}")

    def states(self) -> list[str]:
        return [self.application(n)["state"] for n in range(4)]

    def evening(self, day: str) -> None:
        """Let what was due lapse, and the evening's run and checkpoint happen."""
        self.cloud.set_clock(almaty(f"{day}T17:50:00"))
        self.cloud.fire("run_deadlines")
        self.cloud.advance(almaty(f"{day}T20:00:00"))

    def allot(self, tiyn: int, act: str) -> None:
        self.finance.put("/v1/budgets/camps/almaty/2026", {"amount_tiyn": tiyn, "act": act})

    def budget(self) -> dict[str, Any]:
        return self.finance.get("/v1/budgets/camps/almaty/2026")


def sign(story: Story, n: int, group_id: str, starts_on: str) -> str:
    voucher_id = story.voucher(n)["voucher_id"]
    story.families[n].put(f"/v1/vouchers/{voucher_id}/choice", {"group_id": group_id})
    signed = story.families[n].put(f"/v1/vouchers/{voucher_id}/contract", {"starts_on": starts_on})
    return str(signed["enrolment_id"])


def working_days(month: str) -> list[date]:
    return list(load_pack("camps", "almaty").calendar.working_days_in(Month.parse(month)))


def attend(story: Story, tablet: Any, enrolment: str, days: list[date]) -> None:
    for day in days:
        came = almaty(f"{day}T09:00:00")
        story.cloud.set_clock(came + timedelta(hours=12))
        said = tablet.upload(
            [
                tablet.record(enrolment, "in", came),
                tablet.record(enrolment, "out", came + timedelta(hours=8)),
            ]
        )
        assert {o["outcome"] for o in said.json["outcomes"]} == {"accepted"}, said.text
