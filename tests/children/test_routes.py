"""Children over HTTP: one yes of each route, and each no down to its code."""

from __future__ import annotations

from typing import Any

import pytest

from infra.local.testing import TestCloud
from tests.children.builders import an_iin

ME = {
    "iin": an_iin(0),
    "surname": "Әбенова",
    "given_name": "Айгерім",
    "language": "kk",
    "contacts": [{"kind": "phone", "value": "+77011234567"}],
}
RELATION = {"powers": ["apply"], "valid_from": "2026-03-02", "basis": "court"}


@pytest.fixture
def parent(cloud: TestCloud) -> str:
    token = cloud.token("representative", "aigerim")
    assert cloud.put("/v1/children/me", ME, token=token).status == 200
    return token


@pytest.fixture
def officer(cloud: TestCloud) -> str:
    return cloud.token("department", "officer", areas=["taldykorgan"])


@pytest.fixture
def colleague(cloud: TestCloud) -> str:
    return cloud.token("department", "colleague", areas=["taldykorgan"])


@pytest.fixture
def child_id(cloud: TestCloud, parent: str) -> str:
    return register_child(cloud, parent, "application-1", an_iin(100))


def register_child(cloud: TestCloud, token: str, application_id: str, iin: str | None) -> str:
    child: dict[str, Any] = {
        "iin": iin,
        "surname": "Әбенов",
        "given_name": "Ерасыл",
        "birth_date": "2022-05-04",
        "sex": "male",
    }
    if iin is None:
        child["no_iin_reason"] = "awaiting-documents"
    said = cloud.put(
        f"/v1/applications/{application_id}",
        {"programme": "preschool", "area": "taldykorgan", "language": "kk", "child": child},
        token=token,
    )
    assert said.status == 200, said.text
    return str(said.json["child_id"])


def test_a_representative_registers_and_sees_themself(cloud: TestCloud, parent: str) -> None:
    said = cloud.get("/v1/children/me", token=parent)

    assert said.status == 200
    assert (said.json["surname"], said.json["contacts"]) == ("Әбенова", ME["contacts"])
    assert "iin" not in said.json


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"iin": "991231500007"}, 400, "kernel/bad-iin"),
        ({"iin": "99123150000"}, 400, "kezek/bad-field"),
        ({"surname": "Әбен0ва"}, 400, "kezek/bad-field"),
        ({"surname": "Әбенова\n"}, 400, "kezek/bad-field"),
        ({"unknown": 1}, 400, "kezek/bad-field"),
        ({"contacts": [{"kind": "phone", "value": "870112"}]}, 400, "children/bad-contact"),
        ({"contacts": ME["contacts"] * 3}, 400, "kezek/bad-field"),
        ({"language": "de"}, 400, "kezek/bad-field"),
    ],
)
def test_a_registration_is_read_strictly(
    cloud: TestCloud, changes: dict[str, Any], status: int, code: str
) -> None:
    said = cloud.put(
        "/v1/children/me", {**ME, **changes}, token=cloud.token("representative", "aigerim")
    )

    assert (said.status, said.code) == (status, code)
    assert said.json["type"] == f"/v1/problems/{code}"


def test_each_no_of_registering(cloud: TestCloud, parent: str) -> None:
    changed = cloud.put("/v1/children/me", {**ME, "iin": an_iin(1)}, token=parent)
    other = cloud.put("/v1/children/me", ME, token=cloud.token("representative", "bank"))
    nobody = cloud.get("/v1/children/me", token=cloud.token("representative", "nobody"))

    assert (changed.status, changed.code) == (409, "children/identity-fixed")
    assert (other.status, other.code) == (409, "children/iin-taken")
    assert (nobody.status, nobody.code) == (409, "children/register-first")


def test_a_sign_in_is_linked_by_what_the_refusal_told(
    cloud: TestCloud, parent: str, officer: str
) -> None:
    another = cloud.token("department", "officer-9", areas=["astana"])
    bank = cloud.token("representative", "bank")
    sign_in = cloud.put("/v1/children/me", ME, token=bank).json["sign_in"]
    path = f"/v1/children/sign-ins/{sign_in}"

    assert cloud.put(path, {"iin": an_iin(0)}, token=officer).status == 202
    assert cloud.get("/v1/children/me", token=bank).code == "children/register-first"
    assert cloud.put(path, {"iin": an_iin(0)}, token=another).json["linked"] is True
    cloud.drain()
    told = cloud.get("/v1/notices", token=parent).json["notices"]
    assert [one["template"] for one in told] == ["notice:children/sign-in-linked"]

    assert (
        cloud.get("/v1/children/me", token=bank).json
        == cloud.get("/v1/children/me", token=parent).json
    )
    assert cloud.put(path, {"iin": an_iin(9)}, token=officer).code == "kezek/unknown"
    assert cloud.put(path, {"iin": "991231500007"}, token=officer).code == "kernel/bad-iin"
    other = cloud.token("representative", "other")
    cloud.put("/v1/children/me", {**ME, "iin": an_iin(3)}, token=other)
    taken = cloud.put(path, {"iin": an_iin(3)}, token=officer)
    assert (taken.status, taken.code) == (409, "children/sign-in-taken")


def test_a_child_is_seen_by_its_representative_only(
    cloud: TestCloud, parent: str, child_id: str
) -> None:
    stranger = cloud.token("representative", "stranger")
    cloud.put("/v1/children/me", {**ME, "iin": an_iin(1)}, token=stranger)

    own = cloud.get(f"/v1/children/{child_id}", token=parent)
    foreign = cloud.get(f"/v1/children/{child_id}", token=stranger)
    nonexistent = cloud.get("/v1/children/nonexistent", token=stranger)

    assert (own.status, own.json["surname"]) == (200, "Әбенов")
    assert (foreign.status, foreign.code) == (404, "kezek/unknown")
    assert foreign.content == nonexistent.content


def test_children_are_listed_by_signed_cursors(
    cloud: TestCloud, parent: str, child_id: str
) -> None:
    second = register_child(cloud, parent, "application-2", an_iin(101))

    first_page = cloud.get("/v1/children", token=parent, query={"limit": "1"})
    cursor = first_page.json["next_cursor"]
    last_page = cloud.get("/v1/children", token=parent, query={"limit": "1", "cursor": cursor})

    items = first_page.json["items"] + last_page.json["items"]
    assert {item["child_id"] for item in items} == {child_id, second}
    assert last_page.json["next_cursor"] is None
    changed = cloud.get("/v1/children", token=parent, query={"cursor": f"A{cursor}"})
    assert (changed.status, changed.code) == (400, "kezek/bad-cursor")
    nobody = cloud.token("representative", "nobody")
    assert cloud.get("/v1/children", token=nobody).code == "children/register-first"


def test_two_officers_add_a_representative(
    cloud: TestCloud, parent: str, officer: str, colleague: str, child_id: str
) -> None:
    father = cloud.token("representative", "father")
    person_id = cloud.put("/v1/children/me", {**ME, "iin": an_iin(1)}, token=father).json[
        "person_id"
    ]
    path = f"/v1/children/{child_id}/representatives/{person_id}"

    proposed = cloud.put(path, RELATION, token=colleague)
    assert proposed.status == 202
    assert cloud.put(path, RELATION, token=colleague).json == proposed.json, "one is one"
    assert cloud.get(f"/v1/children/{child_id}", token=father).code == "kezek/unknown"
    said = cloud.put(path, RELATION, token=officer)

    assert (said.status, said.json["powers"]) == (200, ["apply"])
    assert cloud.put(path, RELATION, token=officer).json == said.json
    assert cloud.get(f"/v1/children/{child_id}", token=father).json["powers"] == ["apply"]
    ends = {**RELATION, "valid_to": "2026-03-01"}
    assert cloud.put(path, ends, token=officer).code == "children/bad-dates"
    elsewhere = cloud.token("department", "other", areas=["astana"])
    assert cloud.put(path, RELATION, token=elsewhere).code == "kezek/unknown"
    assert cloud.put(path, RELATION, token=parent).code == "kezek/not-your-role"


def test_two_officers_correct_an_identity(
    cloud: TestCloud, parent: str, officer: str, colleague: str, child_id: str
) -> None:
    path = f"/v1/children/{child_id}/identity"

    proposed = cloud.put(path, {"iin": an_iin(101)}, token=colleague)
    said = cloud.put(path, {"iin": an_iin(101)}, token=officer)

    assert proposed.status == 202
    assert (said.status, said.json["has_iin"]) == (200, True)
    assert set(said.json) == {"child_id", "area", "birth_year", "has_iin", "merged_into"}
    other = register_child(cloud, parent, "application-2", an_iin(100))
    taken = cloud.put(f"/v1/children/{other}/identity", {"iin": an_iin(101)}, token=officer)
    assert (taken.status, taken.code) == (409, "children/child-iin-taken")
    assert cloud.put(path, {"iin": "991231500007"}, token=officer).code == "kernel/bad-iin"
    future = {"birth_date": "2027-01-01"}
    assert cloud.put(path, future, token=officer).code == "children/bad-dates"
    nowhere = "/v1/children/nonexistent/identity"
    assert cloud.put(nowhere, {}, token=officer).code == "kezek/unknown"


def test_two_officers_merge_and_unmerge(
    cloud: TestCloud, parent: str, officer: str, colleague: str, child_id: str
) -> None:
    doubled = register_child(cloud, parent, "application-2", None)
    path = f"/v1/children/{doubled}/merge"
    both = cloud.put(path, {"into": child_id}, token=officer)
    assert (both.status, both.code) == (409, "children/both-hold")
    assert cloud.put("/v1/applications/application-1/withdrawal", token=parent).status == 200
    other_way = cloud.put(path, {"into": child_id}, token=officer)
    assert (other_way.status, other_way.code) == (409, "children/merge-other-way")
    itself = cloud.put(path, {"into": doubled}, token=officer)
    assert (itself.status, itself.code) == (400, "children/merge-with-itself")
    assert cloud.put("/v1/applications/application-2/withdrawal", token=parent).status == 200

    assert cloud.put(path, {"into": child_id}, token=colleague).status == 202
    merged = cloud.put(path, {"into": child_id}, token=officer)

    assert (merged.status, merged.json["merged_into"]) == (200, child_id)
    assert cloud.get(f"/v1/children/{doubled}", token=parent).json["child_id"] == child_id
    back = cloud.put(f"/v1/children/{child_id}/merge", {"into": doubled}, token=officer)
    assert (back.status, back.code) == (409, "children/merged-already")
    assert cloud.delete(path, token=colleague).status == 202
    assert cloud.delete(path, token=officer).json["merged_into"] is None
    assert cloud.delete("/v1/children/nonexistent/merge", token=officer).code == "kezek/unknown"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/v1/children/me"),
        ("GET", "/v1/children/me"),
        ("GET", "/v1/children"),
        ("GET", "/v1/children/whoever-1"),
        ("PUT", "/v1/children/whoever-1/representatives/whoever-2"),
        ("PUT", "/v1/children/whoever-1/identity"),
        ("PUT", "/v1/children/whoever-1/merge"),
        ("DELETE", "/v1/children/whoever-1/merge"),
        ("PUT", "/v1/children/sign-ins/whoever-1"),
    ],
)
def test_nobody_comes_in_without_a_sign_in_or_in_the_wrong_role(
    cloud: TestCloud, method: str, path: str
) -> None:
    unsigned = cloud.request(method, path)
    auditor = cloud.request(method, path, token=cloud.token("auditor", "auditor"))

    assert (unsigned.status, unsigned.code) == (401, "kezek/sign-in")
    assert (auditor.status, auditor.code) == (403, "kezek/not-your-role")


def test_the_power_that_is_missing_is_named(
    cloud: TestCloud, parent: str, officer: str, colleague: str, child_id: str
) -> None:
    person_id = cloud.get("/v1/children/me", token=parent).json["person_id"]
    path = f"/v1/children/{child_id}/representatives/{person_id}"
    for token in (colleague, officer):
        cloud.put(path, {**RELATION, "powers": ["apply"]}, token=token)

    said = cloud.put("/v1/applications/application-1/withdrawal", token=parent)

    assert (said.status, said.code) == (403, "children/power-missing")
    assert said.json["power"] == "withdraw"
