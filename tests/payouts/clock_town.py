"""March at a kindergarten of six children, a small one beside it, and everybody's tokens."""

from __future__ import annotations

from datetime import date, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from chalicelib.payouts import actions as payouts
from chalicelib.payouts import jobs
from chalicelib.payouts.rules.payments import PaymentLine
from infra.local.testing import Said, TestCloud
from tests.attendance.builders import at
from tests.promises import money
from tests.promises.money import AREA, DAYS, GROUPS, HEADS, MARCH, ORGANISATIONS, Town

# The sites of the money town under names that a path may carry.
LARGE, SMALL = SITES = ("kindergarten-0", "kindergarten-1")
for _known in (GROUPS, ORGANISATIONS, HEADS):
    for _name, _as in zip(SITES, money.SITES, strict=True):
        _known.setdefault(_name, _known[_as])  # type: ignore[attr-defined]
WHERE = {"programme": "preschool", "area": AREA, "month": "2026-03"}


class ClockTown(Town):
    """The month of the Town, with six children at the large kindergarten."""

    cloud: TestCloud

    def begin(self, cloud: TestCloud) -> None:
        self.cloud = cloud
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(money, "SITES", SITES)
            self.open()
        for n in range(1, 7):
            self.enrol(n, LARGE, MARCH.first)

    def few(self, *children: int) -> None:
        """Let the small kindergarten have a few children, there all March."""
        for n in children:
            self.enrol(n, SMALL, MARCH.first)
            self.attend(n, SMALL, *DAYS)

    def pay(self, run_id: str) -> list[PaymentLine]:
        """Propose a run, confirm it by another person, and return its lines."""
        run = payouts.make_run(
            run_id, **money.PLACE, month=money.MARCH, by=money.FINANCE, now=money.OFFICE
        )
        payouts.confirm_run(run_id, total_tiyn=run.planned_tiyn, by=money.SECOND, now=money.OFFICE)
        return payouts.see_run(run_id, by=money.FINANCE)[1]

    def settle_down(self) -> None:
        for site_id in SITES:
            self.bill(site_id)
        for site_id in SITES:
            self.calculate(site_id)

    def attend_all(self, *days: date) -> None:
        for n in range(1, 7):
            self.attend(n, LARGE, *(days or DAYS))

    def approve_all(self, *but: int) -> None:
        for n in range(1, 7):
            if n not in but:
                self.approve(n, LARGE)

    def to(self, day: str) -> datetime:
        """Set the clock to a quarter to one of a day of Almaty."""
        now = at(f"{day} 12:45")
        self.cloud.set_clock(now)
        return now

    def look(self) -> None:
        """Let the clock look at every site's months, now."""
        jobs.run_clock(event(self.cloud.clock()))
        self.cloud.drain()

    def clock(self, **query: str) -> Any:
        said = self.cloud.get("/v1/payouts/clock", query={**WHERE, **query})
        assert said.status == 200, said.text
        return said.json

    def steps(self) -> dict[str, int]:
        (region,) = self.clock()["regions"]
        return {step["step"]: step["tiyn"] for step in region["steps"]}

    def why(self, site_id: str = LARGE, language: str = "ru", **token: Any) -> Said:
        return self.cloud.get(
            f"/v1/payouts/sites/{site_id}/months/2026-03/why",
            token=token.get("token", self.token("head")),
            headers={"Accept-Language": language},
        )

    def token(self, role: str, **claims: Any) -> str:
        mine: dict[str, Any] = {"areas": [AREA]}
        if role == "head":
            mine = {"organisations": list(ORGANISATIONS.values())}
        return self.cloud.token(role, f"{role}-9", **{**mine, **claims})


def event(now: datetime) -> SimpleNamespace:
    return SimpleNamespace(time=now.strftime("%Y-%m-%dT%H:%M:%SZ"))
