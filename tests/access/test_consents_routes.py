"""A service centre's clerk acts for a representative: with consent, for minutes."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.access import actions as access
from chalicelib.journal import store as journal
from infra.local import faults
from infra.local.testing import MORNING, Said, TestCloud
from tests.access.people import ME, clerk, parent, register_child
from tests.children.builders import an_iin

CONSENT = "/v1/access/consents/consent-1"
BY_CODE: dict[str, Any] = {
    "iin": ME["iin"],
    "basis": "code",
    "powers": ["apply", "choose"],
    "minutes": 30,
}
ON_PAPER: dict[str, Any] = {**BY_CODE, "basis": "paper"}
PAPER = {"number": "№ 14-2026", "signed_on": "2026-03-02"}
CHILDREN = "/v1/children"


def code_of(cloud: TestCloud, token: str) -> str:
    """Return the code of the newest notice, as the representative reads it."""
    cloud.drain()
    notices = cloud.get("/v1/notices", token=token).json["notices"]
    texts = [n["text"] for n in notices if n["template"] == "notice:access/consent-code"]
    found = re.search(r"[A-Z2-9]{4}-[A-Z2-9]{4}", texts[0])
    assert found, texts
    return found.group()


def opened(cloud: TestCloud, family: str, asked: dict[str, Any] | None = None) -> str:
    """Return the token of a clerk who has a consent in force."""
    token = clerk(cloud)
    assert cloud.put(CONSENT, asked or BY_CODE, token=token).status == 200
    said = cloud.put(f"{CONSENT}/code", {"code": code_of(cloud, family)}, token=token)
    assert (said.status, said.json["state"]) == (200, "open"), said.text
    return token


def on_behalf(
    cloud: TestCloud,
    token: str,
    method: str,
    path: str,
    body: Any = None,
    consent: str = "consent-1",
) -> Said:
    return cloud.request(method, path, body, token=token, headers={"kezek-consent": consent})


@pytest.fixture
def family(cloud: TestCloud) -> str:
    return parent(cloud)


def test_a_code_from_the_representatives_own_contact_opens_it(
    cloud: TestCloud, family: str
) -> None:
    child_id = register_child(cloud, family)
    token = clerk(cloud)

    asked = cloud.put(CONSENT, BY_CODE, token=token)
    assert (asked.status, asked.json["state"], asked.json["registered"]) == (200, "asked", True)
    assert on_behalf(cloud, token, "GET", CHILDREN).code == "access/consent-over"
    said = cloud.put(f"{CONSENT}/code", {"code": code_of(cloud, family).lower()}, token=token)

    assert (said.status, said.json["until"]) == (200, "2026-03-02T04:30:00.000000Z")
    listed = on_behalf(cloud, token, "GET", CHILDREN)
    assert [child["child_id"] for child in listed.json["items"]] == [child_id]
    assert listed.headers["cache-control"] == "no-store"
    # Without the header the clerk is nobody's representative.
    assert cloud.get(CHILDREN, token=token).code == "kezek/not-your-role"


def test_what_is_done_says_via_whom(cloud: TestCloud, family: str) -> None:
    token = opened(cloud, family)
    body = {
        "programme": "preschool",
        "area": "taldykorgan",
        "language": "kk",
        "child": {
            "iin": an_iin(100),
            "surname": "Әбенов",
            "given_name": "Ерасыл",
            "birth_date": "2022-05-04",
            "sex": "male",
        },
    }

    applied = on_behalf(cloud, token, "PUT", "/v1/applications/application-1", body)

    assert applied.status == 200, applied.text
    assert applied.headers["cache-control"] == "no-store"
    entries = list(journal.history("application/application-1"))
    asked = next(iter(journal.history("consent/consent-1")))
    clerk_subject = asked.by.partition(":")[2]
    assert entries[0].by.startswith("representative:")
    assert entries[0].by.endswith(f" via clerk:{clerk_subject}")
    # The representative sees it as their own.
    assert cloud.get("/v1/applications/application-1", token=family).status == 200


def test_after_the_time_or_the_end_nothing_of_the_client_is_reached(
    cloud: TestCloud, family: str
) -> None:
    child_id = register_child(cloud, family)
    token = opened(cloud, family)
    assert on_behalf(cloud, token, "GET", f"{CHILDREN}/{child_id}").status == 200

    ended = cloud.put(f"{CONSENT}/end", token=token)

    assert (ended.status, ended.json["state"]) == (200, "ended")
    assert ended.headers["clear-site-data"] == '"cache", "cookies", "storage"'
    assert ended.headers["cache-control"] == "no-store"
    for path in (CHILDREN, f"{CHILDREN}/{child_id}", "/v1/applications"):
        said = on_behalf(cloud, token, "GET", path)
        assert (said.status, said.code) == (401, "access/consent-over")
    assert cloud.put(f"{CONSENT}/end", token=token).json == ended.json
    late = cloud.put(f"{CONSENT}/code", {"code": code_of(cloud, family)}, token=token)
    assert (late.status, late.code) == (409, "access/consent-ended")


def test_it_ends_by_its_time(cloud: TestCloud, family: str) -> None:
    token = opened(cloud, family, {**BY_CODE, "minutes": 5})
    cloud.set_clock(MORNING + timedelta(minutes=5, microseconds=-1))
    assert on_behalf(cloud, token, "GET", CHILDREN).status == 200
    cloud.set_clock(MORNING + timedelta(minutes=5))

    assert on_behalf(cloud, token, "GET", CHILDREN).code == "access/consent-over"
    assert cloud.get(CONSENT, token=token).json["state"] == "ended"


def test_it_serves_its_own_clerk_alone(cloud: TestCloud, family: str) -> None:
    opened(cloud, family)
    other = clerk(cloud, "clerk-2")

    assert on_behalf(cloud, other, "GET", CHILDREN).code == "access/consent-over"
    assert cloud.get(CONSENT, token=other).code == "kezek/unknown"
    assert cloud.put(f"{CONSENT}/end", token=other).code == "kezek/unknown"
    assert cloud.put(CONSENT, BY_CODE, token=other).code == "kezek/unknown"
    assert cloud.put(f"{CONSENT}/code", {"code": "AAAA-AAAA"}, token=other).code == "kezek/unknown"
    # Nor the representative's own sign-in, nor somebody without any.
    assert on_behalf(cloud, family, "GET", CHILDREN).code == "access/consent-over"
    anonymous = cloud.get("/v1/providers/figures", headers={"kezek-consent": "consent-1"})
    assert anonymous.code == "access/consent-over"
    assert on_behalf(cloud, other, "GET", CHILDREN, consent="x").code == "kernel/bad-id"


def test_wrong_codes_are_counted_and_the_fifth_ends_it(cloud: TestCloud, family: str) -> None:
    token = clerk(cloud)
    cloud.put(CONSENT, BY_CODE, token=token)
    code = code_of(cloud, family)

    for left in (4, 3, 2, 1, 0):
        said = cloud.put(f"{CONSENT}/code", {"code": "AAAA-AAAA"}, token=token)
        assert (said.status, said.code, said.json["left"]) == (403, "access/bad-consent-code", left)

    said = cloud.put(f"{CONSENT}/code", {"code": code}, token=token)
    assert (said.status, said.code) == (409, "access/consent-ended")
    assert cloud.get(CONSENT, token=token).json["ended_by"] == "wrong-codes"


def test_a_code_is_too_old_after_ten_minutes(cloud: TestCloud, family: str) -> None:
    token = clerk(cloud)
    cloud.put(CONSENT, BY_CODE, token=token)
    code = code_of(cloud, family)
    cloud.set_clock(MORNING + timedelta(minutes=10))

    said = cloud.put(f"{CONSENT}/code", {"code": code}, token=token)

    assert said.code == "access/consent-ended"


def test_the_same_request_sends_no_second_code(cloud: TestCloud, family: str) -> None:
    token = clerk(cloud)
    first = cloud.put(CONSENT, BY_CODE, token=token)
    assert cloud.put(CONSENT, BY_CODE, token=token).json == first.json
    cloud.drain()

    notices = cloud.get("/v1/notices", token=family).json["notices"]
    assert [n["template"] for n in notices].count("notice:access/consent-code") == 1
    other = cloud.put(CONSENT, {**BY_CODE, "minutes": 29}, token=token)
    assert (other.status, other.code) == (409, "kezek/another-content")


def test_the_same_code_again_is_the_same_answer_while_it_is_in_force(
    cloud: TestCloud, family: str
) -> None:
    token = opened(cloud, family)
    seen = cloud.get(CONSENT, token=token).json

    again = cloud.put(f"{CONSENT}/code", {"code": code_of(cloud, family)}, token=token)

    assert (again.status, again.json) == (200, seen)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", f"/v1/attendance/children/{'c' * 8}/months/2026-03/approval"),
        ("PUT", f"/v1/attendance/children/{'c' * 8}/months/2026-03/disputes/2026-03-02"),
        ("PUT", f"/v1/attendance/children/{'c' * 8}/lessons/20260302T1600"),
        ("PUT", f"/v1/ratings/sites/{'s' * 8}/quarters/2026-Q1"),
        ("GET", "/v1/notices"),
        ("GET", "/v1/access/consents"),
    ],
)
def test_what_is_the_representatives_alone_is_never_done_for_them(
    cloud: TestCloud, family: str, method: str, path: str
) -> None:
    token = opened(cloud, family, {**BY_CODE, "powers": ["apply", "choose", "withdraw"]})

    said = on_behalf(cloud, token, method, path)

    assert said.status in (403, 404), said.text
    if said.status == 403:
        assert said.code == "access/not-under-consent"


def test_no_power_ever_reaches_attendance_ratings_or_notices() -> None:
    given = {action for actions in access.table().consent.values() for action in actions}

    slices = {action.partition("/")[0] for action in given}
    assert slices == {"children", "applications", "vouchers", "queue"}
    assert all("representative" in {r.value for r in access.roles_of(a)} for a in given)


def test_powers_that_were_not_given_are_not_there(cloud: TestCloud, family: str) -> None:
    register_child(cloud, family)
    token = opened(cloud, family, {**BY_CODE, "powers": ["choose"]})

    said = on_behalf(cloud, token, "PUT", "/v1/applications/application-1/withdrawal")

    assert (said.status, said.code) == (403, "access/not-under-consent")


def test_on_paper_a_second_clerk_has_seen_it_too(cloud: TestCloud, family: str) -> None:
    token, other = clerk(cloud), clerk(cloud, "clerk-2")
    cloud.put(CONSENT, ON_PAPER, token=token)

    first = cloud.put(f"{CONSENT}/paper", PAPER, token=token)
    assert (first.status, first.json["action"]) == (202, "access/open-on-paper")
    assert on_behalf(cloud, token, "GET", CHILDREN).code == "access/consent-over"
    waiting = cloud.get("/v1/access/proposals", token=other).json["items"]
    assert [one["ids"] for one in waiting] == [{"consent_id": "consent-1"}]
    second = cloud.put(f"{CONSENT}/paper", PAPER, token=other)

    assert (second.status, second.json["state"]) == (200, "open")
    assert on_behalf(cloud, token, "GET", CHILDREN).status == 200
    assert on_behalf(cloud, other, "GET", CHILDREN).code == "access/consent-over"
    cloud.drain()
    notices = cloud.get("/v1/notices", token=family).json["notices"]
    assert "notice:access/consent-opened" in [n["template"] for n in notices]


def test_a_clerk_of_another_centre_seconds_nothing(cloud: TestCloud, family: str) -> None:
    cloud.put(CONSENT, ON_PAPER, token=clerk(cloud))
    cloud.put(f"{CONSENT}/paper", PAPER, token=clerk(cloud))
    far = clerk(cloud, "clerk-9", areas=["astana"])

    assert cloud.put(f"{CONSENT}/paper", PAPER, token=far).code == "kezek/unknown"


@pytest.mark.parametrize(
    ("paper", "status", "code"),
    [
        ({**PAPER, "signed_on": "2026-03-03"}, 409, "access/paper-too-old"),
        ({**PAPER, "signed_on": "2026-01-30"}, 409, "access/paper-too-old"),
        ({**PAPER, "number": "Әбенова Айгерім"}, 400, "kezek/bad-field"),
        ({**PAPER, "number": "14\n"}, 400, "kezek/bad-field"),
    ],
)
def test_the_paper_is_of_this_visit(
    cloud: TestCloud, family: str, paper: dict[str, str], status: int, code: str
) -> None:
    cloud.put(CONSENT, ON_PAPER, token=clerk(cloud))

    said = cloud.put(f"{CONSENT}/paper", paper, token=clerk(cloud))

    assert (said.status, said.code) == (status, code)


def test_each_basis_has_its_own_door(cloud: TestCloud, family: str) -> None:
    token = clerk(cloud)
    cloud.put(CONSENT, ON_PAPER, token=token)
    assert cloud.put(f"{CONSENT}/code", {"code": "AAAA"}, token=token).code == "access/other-basis"
    by_code = "/v1/access/consents/consent-2"
    cloud.put(by_code, BY_CODE, token=token)
    assert cloud.put(f"{by_code}/paper", PAPER, token=token).code == "access/other-basis"


def test_somebody_who_is_not_registered_is_registered_on_paper(cloud: TestCloud) -> None:
    token, other = clerk(cloud), clerk(cloud, "clerk-2")
    unknown = cloud.put(CONSENT, BY_CODE, token=token)
    assert (unknown.status, unknown.code) == (409, "access/not-registered")
    assert cloud.put(CONSENT, ON_PAPER, token=token).code == "access/not-registered"
    asked = cloud.put(CONSENT, {**ON_PAPER, "powers": ["register", "apply"]}, token=token)
    assert (asked.status, asked.json["registered"]) == (200, False)
    cloud.put(f"{CONSENT}/paper", PAPER, token=token)
    assert cloud.put(f"{CONSENT}/paper", PAPER, token=other).status == 200

    another = on_behalf(cloud, token, "PUT", "/v1/children/me", {**ME, "iin": an_iin(1)})
    assert (another.status, another.code) == (403, "access/not-under-consent")
    registered = on_behalf(cloud, token, "PUT", "/v1/children/me", ME)

    assert registered.status == 200, registered.text
    assert on_behalf(cloud, token, "GET", "/v1/children/me").json == registered.json
    # At home they sign in for the first time: two officers link the two, and they see the consent.
    home = cloud.token("representative", "aigerim")
    taken = cloud.put("/v1/children/me", ME, token=home)
    assert taken.code == "children/iin-taken"
    department = cloud.token("department", "officer-1", areas=["taldykorgan"])
    link = f"/v1/children/sign-ins/{taken.json['sign_in']}"
    assert cloud.put(link, {"iin": ME["iin"]}, token=department).status == 202
    second = cloud.token("department", "officer-2", areas=["taldykorgan"])
    assert cloud.put(link, {"iin": ME["iin"]}, token=second).status == 200
    seen = cloud.get("/v1/access/consents", token=home).json["items"]
    assert [one["consent_id"] for one in seen] == ["consent-1"]


def test_the_ticket_of_an_application_names_its_applicant(cloud: TestCloud, family: str) -> None:
    register_child(cloud, family)
    ticket = cloud.get("/v1/applications/application-1", token=family).json["ticket"]
    by_ticket = {k: v for k, v in BY_CODE.items() if k != "iin"} | {"ticket": ticket}

    assert cloud.put(CONSENT, by_ticket, token=clerk(cloud)).json["registered"] is True
    code_of(cloud, family)
    unknown = {**by_ticket, "ticket": "aaaa-bbbb-cccc"}
    said = cloud.put("/v1/access/consents/consent-2", unknown, token=clerk(cloud))
    assert said.code == "access/not-registered"


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"ticket": "aaaa-bbbb-cccc"}, "access/whose-consent"),
        ({"iin": None}, "access/whose-consent"),
        ({"iin": "991231500007"}, "kernel/bad-iin"),
        ({"powers": ["apply", "register"]}, "access/paper-needed"),
        ({"minutes": 31}, "kezek/bad-field"),
        ({"powers": []}, "kezek/bad-field"),
        ({"powers": ["confirm"]}, "kezek/bad-field"),
        ({"basis": "word"}, "kezek/bad-field"),
    ],
)
def test_what_is_asked_is_checked(cloud: TestCloud, wrong: dict[str, Any], code: str) -> None:
    said = cloud.put(CONSENT, {**BY_CODE, **wrong}, token=clerk(cloud))

    assert (said.status, said.code) == (400, code)


def test_the_representative_sees_every_consent_and_ends_it(cloud: TestCloud, family: str) -> None:
    token = opened(cloud, family)

    seen = cloud.get("/v1/access/consents", token=family).json["items"]
    assert [(one["consent_id"], one["state"]) for one in seen] == [("consent-1", "open")]
    ended = cloud.put(f"{CONSENT}/end", token=family)

    assert (ended.status, ended.json["ended_by"]) == (200, "representative")
    assert on_behalf(cloud, token, "GET", CHILDREN).code == "access/consent-over"
    stranger = cloud.token("representative", "stranger")
    assert cloud.put(f"{CONSENT}/end", token=stranger).code == "kezek/unknown"
    assert cloud.get(CONSENT, token=stranger).code == "kezek/unknown"
    assert cloud.get("/v1/access/consents", token=stranger).json["items"] == []
    clerks = cloud.get("/v1/access/consents", token=token).json["items"]
    assert [one["consent_id"] for one in clerks] == ["consent-1"]


def test_one_client_at_a_time(cloud: TestCloud, family: str) -> None:
    other = parent(cloud, "bota", iin=an_iin(1))
    token = opened(cloud, family)
    second = "/v1/access/consents/consent-2"
    cloud.put(second, {**BY_CODE, "iin": an_iin(1)}, token=token)
    code = code_of(cloud, other)

    both = cloud.put(f"{second}/code", {"code": code}, token=token)
    assert (both.status, both.code, both.json["consent_id"]) == (
        409,
        "access/one-client",
        "consent-1",
    )
    cloud.put(f"{CONSENT}/end", token=token)
    assert cloud.put(f"{second}/code", {"code": code}, token=token).status == 200
    assert on_behalf(cloud, token, "GET", CHILDREN).code == "access/consent-over"


def test_nobodys_telephone_is_flooded(cloud: TestCloud, family: str) -> None:
    for n in range(10):
        token = clerk(cloud, f"clerk-{n}")
        assert cloud.put(f"/v1/access/consents/consent-{n}", BY_CODE, token=token).status == 200

    said = cloud.put("/v1/access/consents/consent-10", BY_CODE, token=clerk(cloud))

    assert (said.status, said.code) == (429, "access/too-many-consents")
    cloud.set_clock(MORNING + timedelta(days=1, minutes=1))
    again = cloud.put("/v1/access/consents/consent-10", BY_CODE, token=clerk(cloud))
    assert again.status == 200


def test_no_code_and_no_iin_lies_readable_beside_the_consent(cloud: TestCloud, family: str) -> None:
    opened(cloud, family)
    code = code_of(cloud, family).replace("-", "")

    dump = cloud.tables.dump()

    facts = str([rows for name, rows in dump.items() if not name.endswith("outbox")])
    assert code not in facts
    assert ME["iin"] not in str(dump)


def test_a_crash_anywhere_opens_it_once(cloud: TestCloud, family: str) -> None:
    from tests.promises.rewind import Kept

    token = clerk(cloud)
    cloud.put(CONSENT, BY_CODE, token=token)
    body = {"code": code_of(cloud, family)}
    base = Kept(cloud.tables)
    with faults.watch() as seen:
        cloud.put(f"{CONSENT}/code", body, token=token)
    for number in range(1, len(seen.calls) + 1):
        base.put_back()
        try:
            with faults.crash(after=number):
                cloud.put(f"{CONSENT}/code", body, token=token)
        except faults.Crash:
            pass
        said = cloud.put(f"{CONSENT}/code", body, token=token)
        assert (said.status, said.json["state"]) == (200, "open")
        given = [
            e for e in journal.history("consent/consent-1") if e.event == "access/consent-given"
        ]
        assert len(given) == 1


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", CONSENT),
        ("PUT", f"{CONSENT}/code"),
        ("PUT", f"{CONSENT}/paper"),
        ("PUT", f"{CONSENT}/end"),
        ("GET", CONSENT),
        ("GET", "/v1/access/consents"),
    ],
)
def test_nobody_else_comes_in(cloud: TestCloud, method: str, path: str) -> None:
    assert cloud.request(method, path).code == "kezek/sign-in"
    head = cloud.token("head", "x")
    assert cloud.request(method, path, token=head).code == "kezek/not-your-role"
