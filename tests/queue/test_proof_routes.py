"""What proves a run, over HTTP: for everybody, for a family, for auditors; and each no."""

from __future__ import annotations

import base64
import hashlib
import json

import pytest

from chalicelib.access.store import looking
from chalicelib.adapters import files
from chalicelib.queue import actions, jobs
from infra.local.testing import TestCloud
from tests.queue.city import AREA as AREA
from tests.queue.city import (
    EVENING,
    JOB,
    LATER,
    OPERATOR,
    PROGRAMME,
    a_family,
    a_group,
    a_small_city,
    an_application,
    finished,
    released,
    settle_in,
)
from tests.queue.test_bundles import climbed

RUN = "run-of-the-day"
PATH = f"/v1/queue/runs/{RUN}"
WHY = {"Kezek-Purpose": "inspection"}


@pytest.fixture
def proved(evening: TestCloud) -> TestCloud:
    """Return the cloud after a run over twenty children was published."""
    a_small_city(20, 3)
    finished(released())
    jobs.prove_run({"run_id": RUN}, LATER)
    return evening


# --- the bundle, for everybody ------------------------------------------------------------------


def test_everybody_reads_the_very_bytes_that_are_published(proved: TestCloud) -> None:
    said = proved.get(f"{PATH}/bundle")

    assert said.status == 200 and "immutable" in said.headers["cache-control"]
    content = files.published(said.json["file"])
    assert content is not None
    assert said.json["bundle"].encode() == content
    assert base64.b64decode(said.json["sha256"]) == hashlib.sha256(content).digest()
    assert said.json["note"].encode() == files.published(
        f"queue/{PROGRAMME}/{AREA}/runs/{RUN}/note"
    )
    assert said.json["bytes"] == len(content)


def test_a_run_without_a_public_bundle_is_as_if_it_were_none(evening: TestCloud) -> None:
    settle_in([a_group("a", 2)], [an_application(f"{n:04d}") for n in range(4)])
    finished(released())

    before = evening.get(f"{PATH}/bundle")
    jobs.prove_run({"run_id": RUN}, LATER)
    small = evening.get(f"{PATH}/bundle")
    none = evening.get("/v1/queue/runs/run-that-is-not/bundle")

    assert {(one.status, one.code) for one in (before, small, none)} == {(404, "kezek/unknown")}


def test_a_bundle_whose_file_is_being_saved_is_asked_for_again_later(evening: TestCloud) -> None:
    a_small_city(20, 3)
    finished(released())
    actions.prove(RUN, by=JOB, now=LATER)

    said = evening.get(f"{PATH}/bundle")

    assert (said.status, said.code) == (409, "queue/not-proved")


# --- one's own leaf -----------------------------------------------------------------------------


def test_a_family_opens_its_own_leaf_and_climbs_to_the_signed_root(proved: TestCloud) -> None:
    token = a_family(proved, "0003")

    said = proved.get(f"{PATH}/leaf", token=token, query={"application_id": "application-0003"})

    assert (said.status, said.json["format"]) == (200, "kezek/input/1")
    leaf = said.json["leaf"]
    text = json.loads(leaf["text"])
    assert (text["ticket"], text["run"]) == ("ticket-0003", RUN)
    salted = b"kezek/run/1\n" + base64.b64decode(leaf["salt"]) + leaf["text"].encode()
    digest = hashlib.sha256(salted).digest()
    bundle = proved.get(f"{PATH}/bundle").json
    assert said.json["note"] == bundle["note"]
    leaves = json.loads(bundle["bundle"])["leaves"]
    assert leaves[leaf["number"]] == base64.b64encode(digest).decode()
    path = [base64.b64decode(step) for step in said.json["path"]]
    lines = said.json["note"].split("\n")
    size, root = int(lines[1]), base64.b64decode(lines[2])
    assert climbed(digest, leaf["number"], size, path) == root


def test_nobody_opens_another_familys_leaf(proved: TestCloud) -> None:
    token = a_family(proved, "0003")

    foreign = proved.get(f"{PATH}/leaf", token=token, query={"application_id": "application-0004"})
    nothing = proved.get(f"{PATH}/leaf", token=token, query={"application_id": "application-9999"})
    officer = proved.get(
        f"{PATH}/leaf",
        token=proved.token("operator", "operator-one", areas=[AREA]),
        query={"application_id": "application-0004"},
    )
    nobody = proved.get(f"{PATH}/leaf", query={"application_id": "application-0004"})

    assert foreign.status == nothing.status == 404 and foreign.json == nothing.json
    assert (officer.status, officer.code) == (403, "kezek/not-your-role")
    assert (nobody.status, nobody.code) == (401, "kezek/sign-in")


def test_a_leaf_is_asked_for_after_the_run_and_of_a_run_that_read_it(evening: TestCloud) -> None:
    settle_in([a_group("a", 2)], [an_application(f"{n:04d}") for n in range(7)])
    token = a_family(evening, "0003")
    late = a_family(evening, "0009", subject="saule")
    run_id = released()
    settle_in([], [an_application("0009")])
    own = {"application_id": "application-0003"}

    early = evening.get(f"{PATH}/leaf", token=token, query=own)
    finished(run_id)
    jobs.prove_run({"run_id": RUN}, LATER)
    absent = evening.get(f"{PATH}/leaf", token=late, query={"application_id": "application-0009"})
    elsewhere = evening.get("/v1/queue/runs/run-x-y-z/leaf", token=token, query=own)
    unnamed = evening.get(f"{PATH}/leaf", token=token)
    odd = evening.get(f"{PATH}/leaf", token=token, query={"application_id": "a/b"})

    assert (early.status, early.code) == (409, "queue/not-proved")
    assert (absent.status, absent.code) == (404, "kezek/unknown")
    assert (elsewhere.status, elsewhere.code) == (404, "kezek/unknown")
    assert unnamed.status == odd.status == 400


def test_a_family_of_a_run_of_fewer_than_five_opens_its_leaf_too(evening: TestCloud) -> None:
    settle_in([a_group("a", 2)], [an_application(f"{n:04d}") for n in range(3)])
    token = a_family(evening, "0001")
    finished(released())
    jobs.prove_run({"run_id": RUN}, LATER)

    said = evening.get(f"{PATH}/leaf", token=token, query={"application_id": "application-0001"})

    assert (said.status, said.json["note"]) == (200, None)
    assert json.loads(said.json["leaf"]["text"])["ticket"] == "ticket-0001"


# --- the openings, for auditors -----------------------------------------------------------------


def test_an_auditor_reads_all_openings_page_by_page_and_each_child_is_noted(
    proved: TestCloud,
) -> None:
    auditor = proved.token("auditor", "auditor-one")
    query = {"limit": "7"}
    heads, lines = [], []
    while True:
        said = proved.get(f"{PATH}/openings", token=auditor, query=query, headers=WHY)
        assert said.status == 200
        heads.append(said.json["head"])
        lines += said.json["openings"]
        if said.json["cursor"] is None:
            break
        query["cursor"] = said.json["cursor"]

    head, *expected = list(actions.every_opening(RUN))
    assert [head, None, None] == heads and lines == expected
    of_each = [list(looking.each_look(f"child-{n:04d}")) for n in range(20)]
    assert all(of_each)
    looks = [look.value for of_one in of_each for look in of_one]
    assert {(one.action, one.purpose, one.roles) for one in looks} == {
        ("queue/open-run", "inspection", ("auditor",))
    }
    assert {"application", "protected"} <= set(looks[0].fields)


def test_openings_are_for_auditors_who_say_why(proved: TestCloud) -> None:
    auditor = proved.token("auditor", "auditor-one")
    operator = proved.token("operator", "operator-one", areas=[AREA])

    silent = proved.get(f"{PATH}/openings", token=auditor)
    odd = proved.get(f"{PATH}/openings", token=auditor, headers={"Kezek-Purpose": "curiosity"})
    officer = proved.get(f"{PATH}/openings", token=operator, headers=WHY)
    nobody = proved.get(f"{PATH}/openings")
    cursor = proved.get(f"{PATH}/openings", token=auditor, headers=WHY, query={"cursor": "x"})
    none = proved.get("/v1/queue/runs/run-x-y-z/openings", token=auditor, headers=WHY)

    assert (silent.status, silent.code) == (403, "access/say-why")
    assert (odd.status, odd.code) == (400, "access/unknown-purpose")
    assert (officer.status, officer.code) == (403, "kezek/not-your-role")
    assert (nobody.status, nobody.code) == (401, "kezek/sign-in")
    assert (cursor.status, cursor.code) == (400, "kezek/bad-cursor")
    assert (none.status, none.code) == (404, "kezek/unknown")


def test_openings_of_a_run_that_has_not_ended_come_later(evening: TestCloud) -> None:
    a_small_city(8, 2)
    actions.propose(RUN, programme=PROGRAMME, area=AREA, by=OPERATOR, now=EVENING)

    said = evening.get(
        f"{PATH}/openings", token=evening.token("auditor", "auditor-one"), headers=WHY
    )

    assert (said.status, said.code) == (409, "queue/not-proved")


def test_the_full_digest_of_the_rules_is_public(proved: TestCloud) -> None:
    packs = {
        pack["version"]: pack["sha256"] for pack in proved.get("/v1/policy/packs").json["packs"]
    }
    bundle = json.loads(proved.get(f"{PATH}/bundle").json["bundle"])

    assert packs[bundle["pack"]] == bundle["pack_sha256"]
