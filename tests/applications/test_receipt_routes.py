"""The receipt a family holds: what it says, that it never changes, and that it tells nothing."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.access.store import looking
from chalicelib.adapters import registry
from chalicelib.applications import actions, store
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import system
from chalicelib.kernel.periods import from_stamp
from chalicelib.storage import signing
from chalicelib.storage.secrets import ticket_salt
from infra.local.testing import TestCloud
from tests.access import people
from tests.access.people import register_child
from tests.access.test_consents_routes import on_behalf, opened
from tests.applications.test_routes import ASKED, CHILD, ME, ONE
from tests.children.builders import an_iin
from tests.queue.reading import signed

JOB = system("test")


@pytest.fixture
def parent(cloud: TestCloud) -> str:
    registry.forget()
    token = cloud.token("representative", "aigerim")
    assert cloud.put("/v1/children/me", ME, token=token).status == 200
    return token


@pytest.fixture
def applied(cloud: TestCloud, parent: str) -> dict[str, Any]:
    said = cloud.put(ONE, {**ASKED, "statuses": ["teacher"]}, token=parent)
    assert said.status == 200, said.text
    return dict(said.json)


def judged_anew(by_category: int) -> None:
    """Let an application pass to another category, as a proved status does."""
    kept = store.load_application("application-1")
    changed = replace(kept.value, category=by_category, pack="another-pack")
    journal.commit(
        journal.entry(
            "applications/judged", "application/application-1", by=JOB, now=from_stamp(NOON)
        ),
        store.keep_application(kept, changed),
    )


NOON = "2026-03-02T07:00:00.000000Z"


def test_a_receipt_says_to_the_byte_what_was_taken_in(applied: dict[str, Any]) -> None:
    salt = base64.b64encode(ticket_salt("application-1")).decode()
    expected = (
        "kezek/test/receipt\n"
        f"ticket {applied['ticket']}\n"
        "programme preschool\n"
        "area taldykorgan\n"
        f"received {applied['received_at']}\n"
        f"category {applied['category']['number']}\n"
        f"pack {applied['rules']}\n"
        f"salt {salt}\n"
    )
    ((_, public),) = signing.public_keys()

    assert applied["receipt"].startswith(f"{expected}\n\u2014 kezek/test/record ")
    assert signed(applied["receipt"], public)


def test_B7_a_receipt_holds_no_name_no_iin_and_no_date_of_birth(applied: dict[str, Any]) -> None:
    for canary in (CHILD["iin"], CHILD["surname"], CHILD["given_name"], CHILD["birth_date"]):
        assert canary not in applied["receipt"]
    assert "2022" not in applied["receipt"].partition("pack")[0]
    assert an_iin(100) not in json.dumps(applied)


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_a_receipt_is_explained_and_is_the_same_whenever_it_is_asked_for(
    cloud: TestCloud, parent: str, applied: dict[str, Any], language: str
) -> None:
    judged_anew(1)

    again = cloud.put(ONE, {**ASKED, "statuses": ["teacher"]}, token=parent).json
    seen = cloud.get(f"{ONE}/receipt", token=parent, headers={"Accept-Language": language}).json

    assert seen["receipt"] == again["receipt"] == applied["receipt"]
    assert seen["category"] == applied["category"]["number"] != again["category"]["number"]
    word = {"kk": "қолхат", "ru": "расписк", "en": "receipt"}[language]
    assert word in seen["text"].lower()


def test_an_application_older_than_receipts_has_one_from_its_first_entry(
    cloud: TestCloud, parent: str, applied: dict[str, Any]
) -> None:
    judged_anew(1)
    kept = store.load_application("application-1")
    commit_as_before(kept)

    seen = cloud.get(f"{ONE}/receipt", token=parent)

    assert seen.json["receipt"] == applied["receipt"]


def commit_as_before(kept: Any) -> None:
    old = replace(kept.value, first_category=0, first_pack="")
    journal.commit(
        journal.entry(
            "applications/judged", "application/application-1", by=JOB, now=from_stamp(NOON)
        ),
        store.keep_application(kept, old),
    )


def test_while_the_keys_are_silent_an_application_is_taken_in_without_a_receipt(
    cloud: TestCloud, parent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEZEK_RECORD_KEYS_FILE", "/nowhere")

    said = cloud.put(ONE, ASKED, token=parent)
    later = cloud.get(f"{ONE}/receipt", token=parent)

    assert (said.status, said.json["receipt"]) == (200, None)
    assert (later.status, later.code) == (503, "kezek/keys-silent")
    monkeypatch.undo()
    assert cloud.get(f"{ONE}/receipt", token=parent).json["receipt"].startswith("kezek/test/rec")


def test_another_s_receipt_is_as_one_that_does_not_exist(
    cloud: TestCloud, applied: dict[str, Any]
) -> None:
    stranger = cloud.token("representative", "stranger")
    cloud.put("/v1/children/me", {**ME, "iin": an_iin(1)}, token=stranger)

    foreign = cloud.get(f"{ONE}/receipt", token=stranger)
    nothing = cloud.get("/v1/applications/application-9/receipt", token=stranger)

    assert (foreign.status, foreign.code) == (404, "kezek/unknown")
    assert (nothing.status, nothing.code) == (404, "kezek/unknown")
    officer = cloud.token("department", "officer", areas=["taldykorgan"])
    assert cloud.get(f"{ONE}/receipt", token=officer).status == 403
    assert actions.find_receipt(store.load_application("application-1").value) is not None


def test_a_clerk_with_a_consent_gets_the_receipt_and_the_family_sees_who_looked(
    cloud: TestCloud,
) -> None:
    child_id = register_child(cloud, family := people.parent(cloud))
    listed = cloud.get("/v1/applications", token=family).json["items"]
    at = f"/v1/applications/{listed[0]['application_id']}/receipt"
    clerk = opened(cloud, family)

    shown = on_behalf(cloud, clerk, "GET", at)

    assert (shown.status, shown.json) == (200, cloud.get(at, token=family).json)
    (kept,) = looking.each_look(child_id)
    look = kept.value
    assert (look.action, look.roles) == ("applications/see-receipt", ("clerk",))
    assert look.fields == ("application",)
