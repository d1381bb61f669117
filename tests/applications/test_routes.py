"""Applications over HTTP: one yes of each route, and each no down to its code."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.adapters import registry
from chalicelib.applications import actions, store
from chalicelib.kernel.actors import system
from infra.local.testing import Said, TestCloud
from tests.applications.builders import a_group, at, keep_group, offer
from tests.children.builders import an_iin

ME = {"iin": an_iin(0), "surname": "Әбенова", "given_name": "Айгерім", "language": "kk"}
CHILD: dict[str, Any] = {
    "iin": an_iin(100),
    "surname": "Әбенов",
    "given_name": "Ерасыл",
    "birth_date": "2022-05-04",
    "sex": "male",
}
ASKED: dict[str, Any] = {
    "programme": "preschool",
    "area": "taldykorgan",
    "language": "kk",
    "child": CHILD,
}
ONE = "/v1/applications/application-1"
JOB = system("queue/deadlines")


@pytest.fixture
def parent(cloud: TestCloud) -> str:
    registry.forget()
    token = cloud.token("representative", "aigerim")
    assert cloud.put("/v1/children/me", ME, token=token).status == 200
    return token


@pytest.fixture
def stranger(cloud: TestCloud) -> str:
    token = cloud.token("representative", "stranger")
    assert cloud.put("/v1/children/me", {**ME, "iin": an_iin(1)}, token=token).status == 200
    return token


@pytest.fixture
def officer(cloud: TestCloud) -> str:
    return cloud.token("department", "officer", areas=["taldykorgan"])


@pytest.fixture
def applied(cloud: TestCloud, parent: str) -> dict[str, Any]:
    said = cloud.put(ONE, {**ASKED, "statuses": ["teacher"]}, token=parent)
    assert said.status == 200, said.text
    return dict(said.json)


def refused(said: Said, status: int, code: str) -> bool:
    problem = said.json
    return (said.status, said.code, problem["type"], problem["status"]) == (
        status,
        code,
        f"/v1/problems/{code}",
        status,
    )


# --- applying


def test_the_answer_says_where_the_child_stands(
    applied: dict[str, Any], cloud: TestCloud, parent: str
) -> None:
    assert applied["state"] == "queued"
    assert applied["received_at"] == applied["ordered_at"] == "2026-03-02T04:00:00.000000Z"
    assert (applied["category"]["number"], applied["category"]["tier"]) == (16, "general")
    assert applied["links"] == {
        "place": "/v1/queue/places/application-1",
        "voucher": None,
        "receipt": f"{ONE}/receipt",
    }
    (status,) = applied["statuses"]
    assert (status["status"], status["state"], status["proof"]) == ("teacher", "claimed", "paper")
    again = cloud.put(ONE, {**ASKED, "statuses": ["teacher"]}, token=parent)
    seen = cloud.get(ONE, token=parent).json
    assert again.json == applied
    assert {
        **seen,
        "receipt": applied["receipt"],
        "receipt_text": applied["receipt_text"],
    } == applied


@pytest.mark.parametrize(
    ("language", "word"), [("kk", "кезек"), ("ru", "очередь"), ("en", "queue")]
)
def test_a_category_has_a_name_in_the_callers_language(
    cloud: TestCloud, parent: str, applied: dict[str, Any], language: str, word: str
) -> None:
    said = cloud.get(ONE, token=parent, headers={"accept-language": language})

    assert word in said.json["category"]["text"].lower()


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"unknown": 1}, 400, "kezek/bad-field"),
        ({"language": "en"}, 400, "kezek/bad-field"),
        ({"programme": "Pre School"}, 400, "kezek/bad-field"),
        ({"batch": {"id": "our-twins", "size": 5}}, 400, "kezek/bad-field"),
        ({"child": {**CHILD, "birth_date": "04.05.2022"}}, 400, "kezek/bad-field"),
        ({"area": "nowhere"}, 404, "policy/no-pack"),
        ({"child": None}, 400, "applications/child-or-id"),
        ({"child_id": "some-child"}, 400, "applications/child-or-id"),
        ({"statuses": ["no-such"]}, 400, "policy/unknown-status"),
        (
            {"preferences": [f"group-{n}-x" for n in range(6)]},
            400,
            "applications/too-many-preferences",
        ),
        ({"preferences": ["group-one"] * 2}, 400, "applications/doubled-preference"),
        ({"preferences": ["group-one"]}, 409, "applications/preference-not-here"),
        ({"child": {**CHILD, "iin": None}}, 400, "children/iin-or-reason"),
        ({"child": {**CHILD, "iin": "991231500007"}}, 400, "kernel/bad-iin"),
        ({"child": {**CHILD, "birth_date": "2027-01-01"}}, 400, "children/bad-dates"),
        ({"child": {**CHILD, "birth_date": "2024-03-03"}}, 409, "applications/too-young"),
        ({"child": {**CHILD, "birth_date": "2018-09-01"}}, 409, "applications/too-old"),
        ({"child": None, "child_id": "some-child"}, 404, "kezek/unknown"),
    ],
)
def test_each_no_of_applying(
    cloud: TestCloud, parent: str, changes: dict[str, Any], status: int, code: str
) -> None:
    assert refused(cloud.put(ONE, {**ASKED, **changes}, token=parent), status, code)


def test_too_young_says_from_when(cloud: TestCloud, parent: str) -> None:
    young = {**ASKED, "child": {**CHILD, "birth_date": "2024-03-03"}}

    assert cloud.put(ONE, young, token=parent).json["possible_from"] == "2026-03-03"


def test_each_no_of_applying_that_needs_others(
    cloud: TestCloud, parent: str, stranger: str, officer: str, applied: dict[str, Any]
) -> None:
    two = "/v1/applications/application-2"
    nobody = cloud.token("representative", "nobody")

    assert refused(cloud.put(ONE, ASKED, token=parent), 409, "kezek/another-content")
    assert refused(cloud.put(ONE, ASKED, token=stranger), 404, "kezek/unknown")
    assert refused(cloud.put(two, ASKED, token=nobody), 409, "children/register-first")
    assert refused(cloud.put(two, ASKED, token=stranger), 409, "children/represented-by-another")
    already = cloud.put(two, {**ASKED, "area": "astana"}, token=parent)
    assert refused(already, 409, "applications/already-applied")
    assert (already.json["programme"], already.json["area"]) == ("preschool", "taldykorgan")
    assert "application-1" not in already.text
    other = {**ASKED, "child": {**CHILD, "surname": "Басқа"}}
    assert refused(cloud.put(two, other, token=parent), 409, "children/other-data")
    assert refused(cloud.put("/v1/applications/short", ASKED, token=parent), 400, "kernel/bad-id")


def test_each_no_of_a_batch(cloud: TestCloud, parent: str) -> None:
    def twin(n: int, **changes: Any) -> Said:
        child = {**CHILD, "iin": an_iin(100 + n), **changes.pop("child", {})}
        batch = {"id": "our-twins", "size": 2}
        body = {**ASKED, "child": child, "batch": batch, **changes}
        return cloud.put(f"/v1/applications/twin-number-{n}", body, token=parent)

    assert twin(0).json["batch"] == "our-twins"
    assert refused(twin(1, language="ru"), 409, "applications/batch-differs")
    older = twin(1, child={"birth_date": "2021-05-04"})
    assert refused(older, 409, "applications/batch-differs")
    assert (older.json["field"]) == "birth_date"
    assert twin(2).status == 200
    assert refused(twin(3), 409, "applications/batch-full")


def test_a_representative_without_the_power_is_told_which(
    cloud: TestCloud, parent: str, officer: str, applied: dict[str, Any]
) -> None:
    person_id = cloud.get("/v1/children/me", token=parent).json["person_id"]
    relation = f"/v1/children/{applied['child_id']}/representatives/{person_id}"
    second = cloud.token("department", "second", areas=["taldykorgan"])

    def only(*powers: str) -> None:
        body = {"powers": powers, "valid_from": "2026-03-02", "basis": "court"}
        assert cloud.put(relation, body, token=second).status == 202
        assert cloud.put(relation, body, token=officer).status == 200

    only("apply")
    for path, body, power in (
        ("preferences", {"preferences": []}, "choose"),
        ("confirmation", None, "confirm"),
        ("refusal", None, "confirm"),
        ("withdrawal", None, "withdraw"),
    ):
        said = cloud.put(f"{ONE}/{path}", body, token=parent)
        assert refused(said, 403, "children/power-missing")
        assert said.json["power"] == power
    only("choose")
    for path, body in (
        (f"{ONE}/restoration", None),
        ("/v1/applications/application-2", {**ASKED, "area": "astana"}),
    ):
        said = cloud.put(path, body, token=parent)
        assert refused(said, 403, "children/power-missing")
        assert said.json["power"] == "apply"


# --- reading


def test_b1_a_foreign_application_answers_like_none(
    cloud: TestCloud, stranger: str, applied: dict[str, Any]
) -> None:
    none = "/v1/applications/nonexistent"
    for path, body in (
        ("", None),
        ("/preferences", {"preferences": []}),
        ("/confirmation", None),
        ("/refusal", None),
        ("/withdrawal", None),
        ("/restoration", None),
    ):
        method = "PUT" if path else "GET"
        foreign = cloud.request(method, ONE + path, body, token=stranger)
        nonexistent = cloud.request(method, none + path, body, token=stranger)
        assert refused(foreign, 404, "kezek/unknown")
        assert foreign.content == nonexistent.content


def test_own_applications_are_listed_by_signed_cursors(
    cloud: TestCloud, parent: str, stranger: str, applied: dict[str, Any]
) -> None:
    second = {**ASKED, "child": {**CHILD, "iin": an_iin(101)}}
    assert cloud.put("/v1/applications/application-2", second, token=parent).status == 200

    page = cloud.get("/v1/applications", token=parent, query={"limit": "1"})
    cursor = page.json["next_cursor"]
    rest = cloud.get("/v1/applications", token=parent, query={"cursor": cursor})

    items = page.json["items"] + rest.json["items"]
    assert {i["application_id"] for i in items} == {"application-1", "application-2"}
    assert rest.json["next_cursor"] is None
    assert cloud.get("/v1/applications", token=stranger).json["items"] == []
    theirs = cloud.get("/v1/applications", token=stranger, query={"cursor": cursor})
    assert refused(theirs, 400, "kezek/bad-cursor")
    many = cloud.get("/v1/applications", token=parent, query={"limit": "101"})
    assert refused(many, 400, "kezek/bad-field")
    nobody = cloud.token("representative", "nobody")
    said = cloud.get("/v1/applications", token=nobody)
    assert refused(said, 409, "children/register-first")


# --- officers


def test_an_officer_verifies_and_the_family_sees_it(
    cloud: TestCloud, parent: str, officer: str, applied: dict[str, Any]
) -> None:
    query = {"area": "taldykorgan"}
    (waiting,) = cloud.get("/v1/applications/to-verify", token=officer, query=query).json["items"]
    assert waiting["application_id"] == "application-1"

    proved = cloud.put(f"{ONE}/statuses/teacher", {"result": "proved"}, token=officer)

    assert (proved.status, proved.json["category"]["number"]) == (200, 10)
    assert cloud.get("/v1/applications/to-verify", token=officer, query=query).json["items"] == []
    answer = cloud.put(
        f"{ONE}/statuses/teacher", {"result": "refused", "reason": "not-entitled"}, token=officer
    )
    assert answer.json["category"]["number"] == 16
    ru = cloud.get(ONE, token=parent, headers={"accept-language": "ru"})
    assert ru.json["statuses"][0]["reason_text"] == "Документ не даёт права на этот статус"


def test_each_no_of_verifying(
    cloud: TestCloud, parent: str, officer: str, applied: dict[str, Any]
) -> None:
    path, proved = f"{ONE}/statuses/teacher", {"result": "proved"}
    elsewhere = cloud.token("department", "other", areas=["astana"])
    no_reason = cloud.put(path, {"result": "refused"}, token=officer)
    old = cloud.put(path, {**proved, "paper_on": "2025-01-01"}, token=officer)

    assert refused(no_reason, 400, "applications/reason-needed")
    assert refused(old, 409, "applications/paper-outdated")
    assert refused(cloud.put(path, proved, token=elsewhere), 404, "kezek/unknown")
    other = f"{ONE}/statuses/orphan"
    assert refused(cloud.put(other, proved, token=officer), 404, "kezek/unknown")
    assert refused(cloud.put(path, proved, token=parent), 403, "kezek/not-your-role")
    cloud.put(f"{ONE}/withdrawal", token=parent)
    assert refused(cloud.put(path, proved, token=officer), 409, "applications/not-live")
    for query, status, code in (
        ({"area": "astana"}, 404, "kezek/unknown"),
        ({"area": "taldykorgan", "cursor": "x"}, 400, "kezek/bad-cursor"),
        ({}, 400, "kezek/bad-field"),
    ):
        said = cloud.get("/v1/applications/to-verify", token=officer, query=query)
        assert refused(said, status, code)


# --- answering


def test_preferences_change_and_each_no_of_it(
    cloud: TestCloud, parent: str, applied: dict[str, Any]
) -> None:
    keep_group(a_group())
    path = f"{ONE}/preferences"

    said = cloud.put(path, {"preferences": ["group-one-1"]}, token=parent)

    assert (said.status, said.json["preferences"]) == (200, ["group-one-1"])
    for preferences, status, code in (
        ([f"group-{n}-x" for n in range(6)], 400, "applications/too-many-preferences"),
        (["group-one-1"] * 2, 400, "applications/doubled-preference"),
        (["group-two-2"], 409, "applications/preference-not-here"),
    ):
        no = cloud.put(path, {"preferences": preferences}, token=parent)
        assert refused(no, status, code)
    cloud.put(f"{ONE}/withdrawal", token=parent)
    no = cloud.put(path, {"preferences": []}, token=parent)
    assert refused(no, 409, "applications/not-queued")


def test_a_voucher_is_confirmed(cloud: TestCloud, parent: str, applied: dict[str, Any]) -> None:
    no = cloud.put(f"{ONE}/confirmation", token=parent)
    assert refused(no, 409, "applications/not-offered")
    voucher = offer("application-1")
    shown = cloud.get(ONE, token=parent).json
    assert (shown["state"], shown["confirm_by"]) == ("offered", voucher.confirm_by)
    assert shown["links"]["voucher"] == f"/v1/vouchers/{voucher.voucher_id}"
    withdrawn = cloud.put(f"{ONE}/withdrawal", token=parent)
    assert refused(withdrawn, 409, "applications/refuse-instead")

    said = cloud.put(f"{ONE}/confirmation", token=parent)

    assert (said.status, said.json["state"]) == (200, "fulfilled")
    assert cloud.put(f"{ONE}/confirmation", token=parent).json == said.json
    assert refused(cloud.put(f"{ONE}/refusal", token=parent), 409, "applications/not-offered")
    assert refused(cloud.put(f"{ONE}/withdrawal", token=parent), 409, "applications/not-live")


def test_a_voucher_is_refused(cloud: TestCloud, parent: str, applied: dict[str, Any]) -> None:
    offer("application-1", keep_group(a_group()))

    said = cloud.put(f"{ONE}/refusal", token=parent)

    assert (said.status, said.json["state"]) == (200, "annulled")
    assert cloud.put(f"{ONE}/refusal", token=parent).json == said.json
    no = cloud.put(f"{ONE}/confirmation", token=parent)
    assert refused(no, 409, "applications/not-offered")


def test_an_answer_comes_too_late(cloud: TestCloud, parent: str, applied: dict[str, Any]) -> None:
    voucher = offer("application-1")
    cloud.set_clock(at(voucher.confirm_by))
    token = cloud.token("representative", "aigerim")

    for answer in ("confirmation", "refusal"):
        no = cloud.put(f"{ONE}/{answer}", token=token)
        assert refused(no, 409, "applications/confirm-too-late")


def test_an_inactive_application_is_restored_once_and_in_time(
    cloud: TestCloud, parent: str, applied: dict[str, Any]
) -> None:
    no = cloud.put(f"{ONE}/restoration", token=parent)
    assert refused(no, 409, "applications/not-inactive")
    voucher = offer("application-1")
    end = at(voucher.confirm_by)
    assert actions.lapse_confirmation("application-1", by=JOB, now=end)
    until = at(store.load_application("application-1").value.restore_until)
    cloud.set_clock(until)
    late = cloud.put(f"{ONE}/restoration", token=cloud.token("representative", "aigerim"))
    assert refused(late, 409, "applications/restore-closed")

    cloud.set_clock(end)
    token = cloud.token("representative", "aigerim")
    said = cloud.put(f"{ONE}/restoration", token=token)

    assert (said.status, said.json["state"], said.json["restores"]) == (200, "queued", 1)
    assert said.json["ordered_at"] == applied["ordered_at"]


def test_each_no_of_restoring(cloud: TestCloud, parent: str, applied: dict[str, Any]) -> None:
    voucher = offer("application-1")
    end = at(voucher.confirm_by)
    actions.lapse_confirmation("application-1", by=JOB, now=end)
    identity = f"/v1/children/{applied['child_id']}/identity"

    def correct(birth_date: str) -> None:
        """Correct the child's birth date, by two officers."""
        for n, status in ((1, 202), (2, 200)):
            officer = cloud.token("department", f"officer-{n}", areas=["taldykorgan"])
            said = cloud.put(identity, {"birth_date": birth_date}, token=officer)
            assert said.status == status, said.text

    def restore() -> Said:
        return cloud.put(f"{ONE}/restoration", token=parent)

    correct("2018-09-01")
    assert refused(restore(), 409, "applications/too-old")
    correct("2025-09-01")
    assert refused(restore(), 409, "applications/too-young")
    correct(CHILD["birth_date"])
    assert cloud.put("/v1/applications/application-2", ASKED, token=parent).status == 200
    assert refused(restore(), 409, "applications/already-applied")


def test_an_application_is_withdrawn(
    cloud: TestCloud, parent: str, applied: dict[str, Any]
) -> None:
    said = cloud.put(f"{ONE}/withdrawal", token=parent)

    assert (said.status, said.json["state"]) == (200, "withdrawn")
    assert cloud.put(f"{ONE}/withdrawal", token=parent).json == said.json


# --- who


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", ""),
        ("GET", ""),
        ("PUT", "/preferences"),
        ("PUT", "/confirmation"),
        ("PUT", "/refusal"),
        ("PUT", "/withdrawal"),
        ("PUT", "/restoration"),
        ("PUT", "/statuses/teacher"),
    ],
)
def test_nobody_comes_in_without_a_sign_in_or_in_the_wrong_role(
    cloud: TestCloud, method: str, path: str
) -> None:
    unsigned = cloud.request(method, ONE + path)
    auditor = cloud.request(method, ONE + path, token=cloud.token("auditor", "auditor"))

    assert refused(unsigned, 401, "kezek/sign-in")
    assert refused(auditor, 403, "kezek/not-your-role")


def test_every_refusal_of_these_slices_has_a_text_in_three_languages() -> None:
    from chalicelib.applications import rules as applications
    from chalicelib.children import rules as children
    from chalicelib.edge.texts import catalogue
    from chalicelib.kernel.refusals import Refusal

    for module in (applications, children):
        for kind in vars(module).values():
            if isinstance(kind, type) and issubclass(kind, Refusal):
                texts = catalogue().get(kind.code, {})
                assert texts.keys() == {"kk", "ru", "en"}, kind.code
                assert len(set(texts.values())) == 3
