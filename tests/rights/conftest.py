"""A family with an application, an officer, and a stranger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.adapters import registry
from infra.local.testing import MORNING, Said, TestCloud
from tests.children.builders import an_iin

ME = {
    "iin": an_iin(0),
    "surname": "Лазуритбекова",
    "given_name": "Айгерім",
    "language": "kk",
    "contacts": [{"kind": "phone", "value": "+77013332211"}],
}
CHILD: dict[str, Any] = {
    "iin": an_iin(100),
    "surname": "Лазуритбеков",
    "given_name": "Нефритбек",
    "birth_date": "2022-05-04",
    "sex": "male",
    "address": "Талдықорған, Яшма көшесі, 12",
}
HERE = {"programme": "preschool", "area": "taldykorgan"}
ONE = "/v1/applications/application-1"
TO_VERIFY = {"area": "taldykorgan"}


@dataclass
class Family:
    """A parent who applied for a child, and those who may look."""

    cloud: TestCloud
    child_id: str = ""

    @property
    def parent(self) -> str:
        return self.cloud.token("representative", "aigerim")

    @property
    def officer(self) -> str:
        return self.cloud.token("department", "officer", areas=["taldykorgan"])

    @property
    def stranger(self) -> str:
        return self.cloud.token("representative", "stranger")

    @property
    def place(self) -> str:
        return f"/v1/rights/children/{self.child_id}"

    def looks(self, token: str | None = None, **query: str) -> Any:
        said = self.cloud.get(f"{self.place}/looks", token=token or self.parent, query=query)
        assert said.status == 200, said.text
        return said.json

    def verify(self, **more: Any) -> Said:
        return self.cloud.get(
            "/v1/applications/to-verify", token=self.officer, query=TO_VERIFY, **more
        )

    def withdraw(self) -> None:
        said = self.cloud.put(f"{ONE}/withdrawal", token=self.parent)
        assert said.status == 200, said.text

    def ask(self, erasure_id: str = "erasure-1", token: str | None = None) -> Said:
        return self.cloud.put(
            f"/v1/rights/erasures/{erasure_id}",
            {"child_id": self.child_id},
            token=token or self.parent,
        )

    def wait(self, days: int) -> None:
        """Let days pass; deadlines fire on the last."""
        self.cloud.set_clock(MORNING + timedelta(days=days))
        self.cloud.fire("run_deadlines")


@pytest.fixture
def family(cloud: TestCloud) -> Family:
    registry.forget()
    made = Family(cloud)
    for token, me in ((made.parent, ME), (made.stranger, {**ME, "iin": an_iin(1)})):
        assert cloud.put("/v1/children/me", me, token=token).status == 200
    asked = {**HERE, "language": "kk", "child": CHILD, "statuses": ["teacher", "sen"]}
    said = cloud.put(ONE, asked, token=made.parent)
    assert said.status == 200, said.text
    made.child_id = said.json["child_id"]
    return made
