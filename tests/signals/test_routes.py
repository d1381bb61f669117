"""Signals over HTTP: one yes, and each no, down to its code; and a fraud from upload to money."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from chalicelib.attendance import store as sheets
from chalicelib.edge.texts import LANGUAGES, catalogue
from chalicelib.kernel.notes import signed_text
from chalicelib.signals.rules import KINDS, Reason, Signal
from chalicelib.storage import signing
from infra.local.testing import Said, TestCloud
from tests.attendance.builders import (
    AREA,
    MARCH,
    ORGANISATION,
    SITE,
    a_family,
    at,
    child,
    enrolment,
    open_site,
    pair,
    send,
)
from tests.attendance.tablets import Tablet
from tests.attendance.test_routes import subject_of
from tests.signals.builders import open_signals

PREFIX = "/v1/signals"
LIST = {"programme": "preschool", "area": AREA}
WHY = {"Kezek-Purpose": "integrity"}
DAY = "2026-03-02"


class City:
    """A kindergarten where eight children came in one second."""

    def __init__(self, cloud: TestCloud) -> None:
        self.cloud = cloud
        open_site(children_count=8)
        self.tablet = Tablet()
        pair(self.tablet)
        for n in range(1, 9):
            self.tablet.sign(f"{DAY}T08:10:07+05:00", "in", enrolment(n))
        self.records = list(self.tablet.records)
        send(self.tablet, self.tablet.records, now=at(f"{DAY} 09:00"))
        cloud.drain()
        (self.signal,) = open_signals()
        self.path = f"{PREFIX}/{self.signal.signal_id}"

    def officer(self, **claims: Any) -> str:
        return self.cloud.token("department", "officer-1", **{"areas": [AREA], **claims})

    def auditor(self) -> str:
        return self.cloud.token("auditor", "auditor-1")

    def list(self, **query: str) -> Said:
        return self.cloud.get(PREFIX, query={**LIST, **query}, token=self.officer())

    def decide(self, *, token: str | None = None, **changes: Any) -> Said:
        body = {"verdict": "confirmed", "reason": "false-marks", "seen": self.signal.digest}
        return self.cloud.put(
            f"{self.path}/decision", {**body, **changes}, token=token or self.officer()
        )


@pytest.fixture
def city(cloud: TestCloud) -> City:
    return City(cloud)


# --- looking


def test_an_officer_sees_what_is_odd_and_why(city: City) -> None:
    said = city.list()

    (signal,) = said.json["signals"]
    assert said.status == 200 and said.json["cursor"] is None
    assert signal["kind"] == "one-second"
    assert signal["text"].startswith("02.03.2026")
    assert signal["state"] == "open"
    assert signal["evidence"] == city.signal.digest
    assert [one["child_id"] for one in signal["children"]] == [child(n) for n in range(1, 9)]
    assert signal["children"][0]["records"] == [f"{city.tablet.device_id}/1"]


def test_no_name_of_a_child_is_shown(city: City) -> None:
    a_family(1)

    texts = [city.list().text, city.cloud.get(city.path, token=city.officer()).text]

    assert not any("Жұмабаев" in text or "Ерасыл" in text for text in texts)


def test_a_signal_is_shown_with_its_trail(city: City) -> None:
    city.decide()
    city.cloud.drain()

    said = city.cloud.get(city.path, token=city.auditor())

    assert [step["event"] for step in said.json["trail"]] == [
        "signals/raised",
        "signals/decided",
        "signals/held",
    ]
    assert said.json["trail"][0]["evidence"] == city.signal.digest
    assert said.json["signal"]["decisions"][0]["verdict"] == "confirmed"


def test_what_was_decided_leaves_the_open_list_and_stays_in_the_other(city: City) -> None:
    city.decide(verdict="dismissed", reason="our-mistake")

    assert city.list().json["signals"] == []
    (signal,) = city.list(which="all").json["signals"]
    assert (signal["state"], signal["decisions"][0]["reason"]) == ("dismissed", "our-mistake")


def test_pages_go_on_and_end(city: City) -> None:
    for day in ("2026-03-03", "2026-03-04"):
        city.tablet.records.clear()
        for n in range(1, 9):
            city.tablet.sign(f"{day}T08:10:07+05:00", "in", enrolment(n))
        send(city.tablet, city.tablet.records, now=at(f"{day} 09:00"))
        city.cloud.set_clock(at(f"{day} 09:01"))
        city.cloud.drain()

    seen, cursor = [], None
    for _ in range(3):
        said = city.list(limit="1", **({"cursor": cursor} if cursor else {}))
        seen += [one["period"] for one in said.json["signals"]]
        cursor = said.json["cursor"]

    assert seen == ["2026-03-04", "2026-03-03", DAY]
    assert cursor is None


def test_a_changed_cursor_is_refused(city: City) -> None:
    said = city.list(cursor="AAAA")

    assert (said.status, said.code) == (400, "kezek/bad-cursor")


def test_a_cursor_of_another_list_is_refused(city: City) -> None:
    from chalicelib.edge import pages

    other = pages.cursor("x", of=f"signals#preschool#{AREA}#all")

    assert city.list(cursor=other).code == "kezek/bad-cursor"


@pytest.mark.parametrize("path", ["", "/package"])
def test_what_is_not_there_is_unknown(city: City, path: str) -> None:
    said = city.cloud.get(f"{PREFIX}/nothing-like-it{path}", token=city.officer(), headers=WHY)

    assert (said.status, said.code) == (404, "kezek/unknown")


def test_another_area_sees_the_same_as_nothing(city: City) -> None:
    far = city.cloud.token("department", "officer-2", areas=["astana"])

    for path, headers in ((city.path, {}), (f"{city.path}/package", WHY)):
        said = city.cloud.get(path, token=far, headers=headers)
        assert (said.status, said.code) == (404, "kezek/unknown")
    said = city.cloud.get(PREFIX, query=LIST, token=far)
    assert (said.status, said.code) == (404, "kezek/unknown")
    assert city.decide(token=far).code == "kezek/unknown"


@pytest.mark.parametrize(
    "role", ["head", "educator", "representative", "finance", "operator", "commission", "analyst"]
)
def test_nobody_else_looks(city: City, role: str) -> None:
    token = city.cloud.token(role, "x", areas=[AREA], organisations=[ORGANISATION])

    for path, query in ((PREFIX, LIST), (city.path, None), (f"{city.path}/package", None)):
        said = city.cloud.get(path, query=query, token=token, headers=WHY)
        assert said.status == 403, (path, said.text)


# --- deciding


def test_a_decision_is_said_once_and_answered_alike(city: City) -> None:
    first, second = city.decide(), city.decide()

    assert (first.status, second.status) == (200, 200)
    assert first.json == second.json
    assert first.json["state"] == "confirmed"


def test_another_decision_is_refused(city: City) -> None:
    city.decide()

    said = city.decide(verdict="dismissed", reason="mistake")

    assert (said.status, said.code) == (409, "kezek/another-content")


def test_evidence_that_grew_is_looked_at_again(city: City) -> None:
    said = city.decide(seen="0" * 32)

    assert (said.status, said.code) == (409, "signals/changed")


def test_a_reason_that_does_not_fit(city: City) -> None:
    said = city.decide(reason="mistake")

    assert (said.status, said.code) == (409, "signals/wrong-reason")


def test_an_auditor_changes_nothing(city: City) -> None:
    assert city.decide(token=city.auditor()).status == 403


@pytest.mark.parametrize(
    "changes",
    [
        {"verdict": "maybe"},
        {"reason": "because"},
        {"seen": "none"},
        {"note_code": "Ерасыл Жұмабаев"},
        {"note": "x"},
        {"seen": None},
    ],
)
def test_a_decision_of_another_form(city: City, changes: dict[str, Any]) -> None:
    assert city.decide(**changes).status == 400


# --- what follows


def test_a_fraud_from_the_upload_to_the_lines_that_wait(city: City) -> None:
    city.decide()
    city.cloud.drain()

    held = sheets.find_sheet(SITE, MARCH, child(1)).said.value.holds
    assert [(one.on.isoformat(), one.signal_id) for one in held] == [(DAY, city.signal.signal_id)]
    shown = city.cloud.get(city.path, token=city.officer()).json["signal"]
    assert shown["held_lines"] == 8
    waiting = city.cloud.get(
        "/v1/attendance/undecided",
        query={**LIST, "month": "2026-03"},
        token=city.officer(),
    )
    assert DAY in waiting.text and "suspected" in waiting.text


def test_the_package_proves_itself(city: City) -> None:
    said = city.cloud.get(f"{city.path}/package", token=city.officer(), headers=WHY)

    assert said.status == 200, said.text
    content = json.loads(said.json["content"])
    digest = hashlib.sha256(said.json["content"].encode()).hexdigest()
    text = signed_text(said.json["note"])
    assert text.splitlines()[1:] == [city.signal.signal_id, "1", digest]
    ((name, public),) = signing.public_keys()
    line = said.json["note"].splitlines()[-1]
    assert line.startswith(f"— {name} ")
    signature = base64.b64decode(line.rpartition(" ")[2])[4:]
    Ed25519PublicKey.from_public_bytes(public).verify(signature, text.encode())

    (tablet,) = content["tablets"]
    key = base64.urlsafe_b64decode(tablet["public_key"] + "=")
    records = [json.loads(r) for one in content["children"] for r in one["records"]]
    assert len(records) == 8
    for record in records:
        signed = base64.urlsafe_b64decode(record.pop("sig") + "==")
        Ed25519PublicKey.from_public_bytes(key).verify(signed, rfc8785.dumps(record))
    assert content["children"][0]["lines"][0]["line"] == DAY
    assert content["trail"][0]["event"] == "signals/raised"


def test_the_package_asks_why(city: City) -> None:
    said = city.cloud.get(f"{city.path}/package", token=city.officer())

    assert (said.status, said.code) == (403, "access/say-why")


def test_a_package_of_many_children_has_parts(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    from chalicelib.signals.actions import showing

    monkeypatch.setattr(showing, "CHILDREN_A_PAGE", 5)
    seen: list[str] = []
    cursor: dict[str, str] = {}
    parts = []
    while True:
        said = city.cloud.get(
            f"{city.path}/package", query=cursor, token=city.officer(), headers=WHY
        )
        content = json.loads(said.json["content"])
        seen += [one["child_id"] for one in content["children"]]
        parts.append((content["part"], content["parts"]))
        if said.json["cursor"] is None:
            break
        cursor = {"cursor": said.json["cursor"]}

    assert parts == [(1, 2), (2, 2)]
    assert seen == [child(n) for n in range(1, 9)]
    bad = city.cloud.get(
        f"{city.path}/package", query={"cursor": "AAAA"}, token=city.officer(), headers=WHY
    )
    assert bad.code == "kezek/bad-cursor"


def test_families_learn_that_somebody_looked(city: City) -> None:
    city.list()

    rows = [row["pk"]["S"] for row in city.cloud.tables.dump()["kezek-test-looks"]]
    assert f"LOOKS#{child(1)}" in rows


# --- the device a family approves on


def test_the_device_of_an_approval_is_kept_as_a_digest(cloud: TestCloud) -> None:
    open_site(children_count=1)
    a_family(1, subject=subject_of("parent"))
    cloud.set_clock(at("2026-04-01 09:00"))
    head = cloud.token("head", "head", organisations=[ORGANISATION])
    assert (
        cloud.put(f"/v1/attendance/sites/{SITE}/months/2026-03/closing", {}, token=head).status
        == 200
    )
    path = f"/v1/attendance/children/{child()}/months/2026-03"
    parent = cloud.token("representative", "parent")
    (sheet,) = cloud.get(path, token=parent).json["items"]
    digest = sheet["digest"]

    said = cloud.put(
        f"{path}/approval",
        {"digest": digest},
        token=parent,
        headers={"Kezek-Device": "phone-installation-1"},
    )

    assert said.status == 200, said.text
    device = sheets.find_sheet(SITE, MARCH, child()).said.value.device
    assert device is not None and len(device) == 32 and "phone" not in device
    bad = cloud.get(
        path, query={"programme": "preschool"}, token=parent, headers={"Kezek-Device": "no"}
    )
    assert (bad.status, bad.code) == (400, "kernel/bad-id")


# --- words


def test_every_signal_has_its_words() -> None:
    for kind in KINDS:
        for language in LANGUAGES:
            assert catalogue()[f"signal:{kind}"][language]


def test_the_words_need_no_more_than_the_facts(city: City) -> None:
    for language in LANGUAGES:
        said = city.cloud.get(
            city.path, token=city.officer(), headers={"Accept-Language": language}
        )
        assert "{" not in said.json["signal"]["text"]
        assert "8" in said.json["signal"]["text"]


def test_reasons_are_those_of_the_rules() -> None:
    assert len(Reason.__args__) == 7  # type: ignore[attr-defined]
    assert Signal.__dataclass_fields__["state"].default == "open"
