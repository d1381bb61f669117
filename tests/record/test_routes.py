"""The record over HTTP: one yes of each route, and each no down to its code."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.local.testing import TestCloud
from tests.access import people
from tests.children.builders import an_iin
from tests.children.test_routes import ME, register_child
from tests.record.builders import changed

SCRIPT = Path(__file__).parents[2] / "verify" / "kezek_verify.py"
AT = "/v1/record"


@pytest.fixture
def log(cloud: TestCloud) -> None:
    for n in range(20):
        changed(f"thing-{n:02d}")
    cloud.drain()


@pytest.fixture
def parent(cloud: TestCloud) -> str:
    token = cloud.token("representative", "aigerim")
    assert cloud.put("/v1/children/me", ME, token=token).status == 200
    return token


def test_nothing_is_published_of_an_empty_log(cloud: TestCloud) -> None:
    for path in ("checkpoint", "keys"):
        said = cloud.get(f"{AT}/{path}")
        assert (said.status, said.code) == (404, "kezek/unknown")


@pytest.mark.usefixtures("log")
def test_tiles_are_bytes_that_may_be_kept_for_good(cloud: TestCloud) -> None:
    said = cloud.get(f"{AT}/tile/0/000.p/20")

    assert (said.status, len(said.content)) == (200, 640)
    assert said.headers["content-type"] == "application/octet-stream"
    assert "immutable" in said.headers["cache-control"]
    assert len(cloud.get(f"{AT}/tile/entries/000.p/20").content) == 20 * 34


@pytest.mark.usefixtures("log")
@pytest.mark.parametrize(
    "name",
    [
        "0/000", "0/000.p/21", "0/001", "1/000.p/1", "0/x001/000", "0/x001/x001/000",
        "0/x001/x001/000.p/1", "0/0", "seven/000", "0/000.p/x", "0/000.p/1/2", "6/000",
    ],
)  # fmt: skip
def test_tiles_that_are_not_there(cloud: TestCloud, name: str) -> None:
    said = cloud.get(f"{AT}/tile/{name}")

    assert (said.status, said.code) == (404, "record/no-such-tile")


@pytest.mark.usefixtures("log")
def test_proofs(cloud: TestCloud) -> None:
    said = cloud.get(f"{AT}/proofs/inclusion?number=3")
    assert said.status == 200
    assert (said.json["number"], said.json["size"], len(said.json["path"])) == (3, 20, 5)
    said = cloud.get(f"{AT}/proofs/consistency?from=3&to=20")
    assert said.status == 200
    assert (said.json["from"], said.json["to"]) == (3, 20)


@pytest.mark.usefixtures("log")
@pytest.mark.parametrize(
    "asked",
    [
        "inclusion?number=20",
        "inclusion?number=3&size=21",
        "inclusion?number=3&size=3",
        "consistency?from=20&to=3",
        "consistency?from=3&to=21",
    ],
)
def test_a_proof_of_what_is_not_there(cloud: TestCloud, asked: str) -> None:
    said = cloud.get(f"{AT}/proofs/{asked}")

    assert (said.status, said.code) == (409, "record/no-such-tree")


@pytest.mark.usefixtures("log")
@pytest.mark.parametrize(
    "asked",
    ["inclusion", "inclusion?number=-1", "inclusion?number=x", "consistency?from=0&to=2"],
)
def test_a_proof_asked_wrongly(cloud: TestCloud, asked: str) -> None:
    said = cloud.get(f"{AT}/proofs/{asked}")

    assert (said.status, said.code) == (400, "kezek/bad-field")


# --- openings -----------------------------------------------------------------------------------


def numbers(cloud: TestCloud, token: str, stream: str) -> list[int]:
    said = cloud.get(f"{AT}/entries", token=token, query={"stream": stream})
    assert said.status == 200, said.text
    return [entry["number"] for entry in said.json["entries"]]


def verified(cloud: TestCloud, content: bytes, tmp_path: Path) -> int:
    (tmp_path / "keys").write_text(cloud.get(f"{AT}/keys").text)
    (tmp_path / "entry.json").write_bytes(content)
    asked = [sys.executable, "-I", SCRIPT, "entry", tmp_path / "entry.json"]
    return subprocess.run(asked, check=False, capture_output=True).returncode


def test_a_family_opens_what_is_its_childs_and_a_script_checks_it(
    cloud: TestCloud, parent: str, tmp_path: Path
) -> None:
    child_id = register_child(cloud, parent, "application-1", an_iin(100))
    cloud.drain()
    (number,) = numbers(cloud, parent, "application/application-1")

    said = cloud.get(f"{AT}/entries/{number}", token=parent)

    assert said.status == 200, said.text
    told = json.loads(said.json["body"])
    assert (told["event"], told["facts"]["child"]) == ("applications/applied", child_id)
    assert "attached" not in said.json  # rows of others may be among them
    assert verified(cloud, said.content, tmp_path) == 0


def test_a_family_opens_the_fields_that_an_entry_committed_to(
    cloud: TestCloud, parent: str, tmp_path: Path
) -> None:
    child_id = register_child(cloud, parent, "application-1", an_iin(100))
    cloud.drain()
    (number,) = numbers(cloud, parent, f"child/{child_id}")

    said = cloud.get(f"{AT}/entries/{number}", token=parent)

    assert said.status == 200, said.text
    assert said.json["fields"]["surname"]["value"] == "Әбенов"
    assert verified(cloud, said.content, tmp_path) == 0
    assert "Әбенов" not in said.json["body"]
    forged = said.json
    forged["fields"]["surname"]["value"] = "Басқа"
    assert verified(cloud, json.dumps(forged).encode(), tmp_path) == 1


def test_others_entries_answer_as_if_there_were_none(cloud: TestCloud, parent: str) -> None:
    register_child(cloud, parent, "application-1", an_iin(100))
    changed("thing-1")
    cloud.drain()
    stranger = cloud.token("representative", "stranger")
    auditor = cloud.token("auditor")
    (number,) = numbers(cloud, auditor, "application/application-1")
    (thing,) = numbers(cloud, auditor, "voucher/thing-1")

    answers = [
        cloud.get(f"{AT}/entries/{number}", token=stranger),
        cloud.get(f"{AT}/entries/{thing}", token=parent),
        cloud.get(f"{AT}/entries/999", token=parent),
        cloud.get(f"{AT}/entries/x", token=parent),
        *(
            cloud.get(f"{AT}/entries", token=stranger, query={"stream": stream})
            for stream in ("application/application-1", "application/none", "person/x", "run/x")
        ),
    ]

    assert {(said.status, said.code) for said in answers} == {(404, "kezek/unknown")}
    assert len({said.content for said in answers}) == 1


def test_an_auditor_opens_everything_and_the_family_sees_who_looked(
    cloud: TestCloud, parent: str, tmp_path: Path
) -> None:
    child_id = register_child(cloud, parent, "application-1", an_iin(100))
    cloud.drain()
    auditor = cloud.token("auditor")

    for number in range(3):
        said = cloud.get(f"{AT}/entries/{number}", token=auditor)
        assert said.status == 200
        assert verified(cloud, said.content, tmp_path) == 0
        assert "Әбенов" not in said.text
        assert said.json["fields"] == {}
    said = cloud.get(f"{AT}/entries/999", token=auditor)
    assert (said.status, said.code) == (409, "record/no-such-tree")
    looks = cloud.get(f"/v1/rights/children/{child_id}/looks", token=parent).json["items"]
    who = {(look["who"]["roles"][0], look["purpose"]) for look in looks}
    assert who == {("auditor", "inspection")}
    assert {"record"} == {field for look in looks for field in look["fields"]}
    # A family that opens its own leaves no look.
    (number,) = numbers(cloud, parent, "application/application-1")
    cloud.get(f"{AT}/entries/{number}", token=parent)
    seen = cloud.get(f"/v1/rights/children/{child_id}/looks", token=parent).json["items"]
    assert seen == looks


def test_every_family_that_an_entry_names_sees_who_opened_it(cloud: TestCloud, parent: str) -> None:
    child_id = register_child(cloud, parent, "application-1", an_iin(100))
    # More than one call of the store can ask for, and its thing among the last of them.
    changed("thing-1", named=[*(f"aaaa-nobody-{n:04d}" for n in range(250)), "application-1"])
    cloud.drain()
    auditor = cloud.token("auditor")
    (number,) = numbers(cloud, auditor, "voucher/thing-1")

    assert cloud.get(f"{AT}/entries/{number}", token=auditor).status == 200

    (look,) = cloud.get(f"/v1/rights/children/{child_id}/looks", token=parent).json["items"]
    assert (look["who"]["roles"], look["purpose"]) == (["auditor"], "inspection")


def test_no_opening_tells_a_protected_status(cloud: TestCloud, parent: str) -> None:
    people.register_child(cloud, parent, statuses=["disability-representative"])
    cloud.drain()
    own = cloud.get("/v1/applications/application-1", token=parent).text
    assert "disability-representative" in own

    for token in (cloud.token("auditor"), parent):
        for number in numbers(cloud, token, "application/application-1"):
            said = cloud.get(f"{AT}/entries/{number}", token=token)
            assert said.status == 200, said.text
            assert "disability" not in said.text


def test_an_entry_is_opened_when_it_is_published(cloud: TestCloud) -> None:
    auditor = cloud.token("auditor")
    changed("one")
    cloud.drain()
    changed("one")
    cloud.drain()

    said = cloud.get(f"{AT}/entries/1", token=auditor)
    assert (said.status, said.code) == (409, "record/not-published")
    cloud.fire("run_record")
    assert cloud.get(f"{AT}/entries/1", token=auditor).status == 200


def test_a_streams_entries_come_in_pages(cloud: TestCloud) -> None:
    auditor = cloud.token("auditor")
    changed("one", times=5)
    cloud.drain()
    found: list[int] = []
    query: dict[str, Any] = {"stream": "voucher/one", "limit": "2"}

    for _ in range(3):
        said = cloud.get(f"{AT}/entries", token=auditor, query=query)
        found += [entry["number"] for entry in said.json["entries"]]
        query["cursor"] = said.json["cursor"]

    assert found == [0, 1, 2, 3, 4]
    assert query["cursor"] is None
    wrong = base64.urlsafe_b64encode(bytes(24)).decode()
    said = cloud.get(
        f"{AT}/entries", token=auditor, query={"stream": "voucher/one", "cursor": wrong}
    )
    assert (said.status, said.code) == (400, "kezek/bad-cursor")


@pytest.mark.parametrize("role", ["department", "head", "portal", "analyst"])
def test_openings_are_for_families_and_auditors(cloud: TestCloud, role: str) -> None:
    token = cloud.token(role, areas=["taldykorgan"], organisations=["organisation-1"])
    for path in ("entries/0", "entries?stream=voucher/one"):
        said = cloud.get(f"{AT}/{path}", token=token)
        assert (said.status, said.code) == (403, "kezek/not-your-role")
        said = cloud.get(f"{AT}/{path}")
        assert said.status == 401
