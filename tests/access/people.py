"""People of access's tests: a parent with a child, officers, clerks."""

from __future__ import annotations

from typing import Any

from infra.local.testing import TestCloud
from tests.children.builders import an_iin

ME: dict[str, Any] = {
    "iin": an_iin(0),
    "surname": "Әбенова",
    "given_name": "Айгерім",
    "language": "kk",
    "contacts": [{"kind": "phone", "value": "+77011234567"}],
}
CHILD: dict[str, Any] = {
    "iin": an_iin(100),
    "surname": "Әбенов",
    "given_name": "Ерасылбек",
    "birth_date": "2022-05-04",
    "sex": "male",
}


def parent(cloud: TestCloud, subject: str = "aigerim", **more: Any) -> str:
    """Return the token of a registered representative."""
    token = cloud.token("representative", subject)
    said = cloud.put("/v1/children/me", {**ME, **more}, token=token)
    assert said.status == 200, said.text
    return token


def register_child(
    cloud: TestCloud,
    token: str,
    application_id: str = "application-1",
    *,
    statuses: list[str] | None = None,
    **more: Any,
) -> str:
    said = cloud.put(
        f"/v1/applications/{application_id}",
        {
            "programme": "preschool",
            "area": "taldykorgan",
            "language": "kk",
            "child": {**CHILD, **more},
            "statuses": statuses or [],
        },
        token=token,
    )
    assert said.status == 200, said.text
    return str(said.json["child_id"])


def officer(
    cloud: TestCloud, subject: str = "officer-1", role: str = "department", **more: Any
) -> str:
    return cloud.token(role, subject, **{"areas": ["taldykorgan"], **more})


def clerk(cloud: TestCloud, subject: str = "clerk-1", **more: Any) -> str:
    return cloud.token("clerk", subject, **{"areas": ["taldykorgan"], **more})
