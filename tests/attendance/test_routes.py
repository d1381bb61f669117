"""Attendance over HTTP: one yes, and each no, down to its code."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import pytest

from chalicelib.attendance import actions
from chalicelib.edge import auth
from chalicelib.kernel.periods import Month
from chalicelib.storage import keys, outbox
from chalicelib.storage.secrets import alias_digest
from infra.local import issuer
from infra.local.testing import MORNING, Said, TestCloud
from tests.attendance.builders import (
    AREA,
    MARCH,
    ORGANISATION,
    OTHER_SITE,
    SITE,
    a_family,
    at,
    b64,
    child,
    enrolment,
    open_site,
    pair,
    person,
    send,
)
from tests.attendance.tablets import Tablet

PREFIX = "/v1/attendance"
APRIL_2, APRIL_8 = at("2026-04-02 12:00"), at("2026-04-08 12:00")
MONTH = f"{PREFIX}/sites/{SITE}/months/2026-03"
CHILD = f"{PREFIX}/children/{child()}/months/2026-03"
LINE = f"{MONTH}/children/{child()}"


def subject_of(name: str) -> str:
    return alias_digest("sign-in", f"{issuer.NAME}\x00{name}")[:32]


class Kindergarten:
    """A kindergarten with two children, the first with a family that signed in."""

    def __init__(self, cloud: TestCloud) -> None:
        self.cloud = cloud
        open_site()
        a_family(1, subject=subject_of("parent"))
        a_family(2, subject=subject_of("neighbour"))
        self.tablet = Tablet()
        pair(self.tablet)

    def token(self, role: str, name: str | None = None, **claims: Any) -> str:
        if role == "head":
            claims = {"organisations": [ORGANISATION], **claims}
        if role == "department":
            claims = {"areas": [AREA], **claims}
        return self.cloud.token(role, name or role, **claims)

    @property
    def head(self) -> str:
        return self.token("head")

    @property
    def parent(self) -> str:
        return self.token("representative", "parent")

    @property
    def neighbour(self) -> str:
        return self.token("representative", "neighbour")

    @property
    def department(self) -> str:
        return self.token("department")

    @property
    def stranger(self) -> str:
        return self.token("head", "stranger", organisations=["organisation-2"])

    def march(self, *, until: int = 31) -> None:
        """Send a month in which the first child came each working day."""
        for day in range(2, until + 1):
            on = date(2026, 3, day)
            if on.weekday() < 5:
                came = self.tablet.sign(f"{on}T08:05:00+05:00")
                left = self.tablet.sign(f"{on}T18:05:00+05:00", kind="out")
                send(self.tablet, [came, left], now=at(f"{on} 19:00"))

    def close(self) -> None:
        self.cloud.set_clock(APRIL_2)
        assert self.cloud.put(f"{MONTH}/closing", {}, token=self.head).status == 200

    def sheet(self) -> dict[str, Any]:
        (shown,) = self.cloud.get(CHILD, token=self.parent).json["items"]
        return shown

    def approve(self) -> Said:
        body = {"digest": self.sheet()["digest"]}
        return self.cloud.put(f"{CHILD}/approval", body, token=self.parent)

    def dispute(self, day: str = "2026-03-03", **changes: Any) -> Said:
        body = {"claim": "S", "reason": "was-not-there", **changes}
        return self.cloud.put(f"{CHILD}/disputes/{day}", body, token=self.parent)


@pytest.fixture
def garden(cloud: TestCloud) -> Kindergarten:
    return Kindergarten(cloud)


def day_of(shown: dict[str, Any], on: str) -> dict[str, Any]:
    return next(day for day in shown["lines"] if day["on"] == on)


# --- tablets


def invite(garden: Kindergarten, pairing_id: str = "pairing-new", **changes: Any) -> Said:
    body = {"site_id": SITE, "label": "Кіреберіс", **changes}
    return garden.cloud.put(f"{PREFIX}/pairings/{pairing_id}", body, token=garden.head)


def register(garden: Kindergarten, tablet: Tablet, code: str, **changes: Any) -> Said:
    body = {
        "code": code,
        "public_key": b64(tablet.public),
        "label": "Планшет 2",
        "proof": tablet.proof(code),
        **changes,
    }
    return garden.cloud.put(f"{PREFIX}/devices/{tablet.device_id}", body)


def test_a_tablet_is_paired_by_a_one_time_code(garden: Kindergarten) -> None:
    said = invite(garden)
    code = said.json["code"]
    tablet = Tablet(seed=2)

    paired = register(garden, tablet, code.lower())

    assert said.status == paired.status == 200
    assert paired.json["site_id"] == SITE
    assert register(garden, tablet, code).json == paired.json
    (first, second) = garden.cloud.get(
        f"{PREFIX}/devices", query={"site_id": SITE}, token=garden.head
    ).json["items"]
    assert {first["device_id"], second["device_id"]} == {
        garden.tablet.device_id,
        tablet.device_id,
    }
    answer = garden.cloud.post(
        f"{PREFIX}/records",
        {"records": [tablet.sign("2026-03-02T08:00:00+05:00")]},
        token=tablet.token(MORNING),
    )
    assert answer.json["outcomes"] == [
        {"counter": 1, "outcome": "accepted", "code": None, "flags": []}
    ]


def test_an_invitation_again_is_the_same_code_and_with_other_content_refused(
    garden: Kindergarten,
) -> None:
    first = invite(garden)

    assert invite(garden).json == first.json
    assert invite(garden, label="Басқа").code == "kezek/another-content"
    everything = json.dumps(garden.cloud.tables.dump(), default=str)
    assert first.json["code"] not in everything
    assert first.json["code"].replace("-", "") not in everything


def test_a_code_that_is_wrong_used_or_old_is_refused_alike(garden: Kindergarten) -> None:
    code = invite(garden).json["code"]
    second = Tablet(seed=2)

    wrong = register(garden, second, "ABCD-2345")
    assert (wrong.status, wrong.code) == (403, "attendance/bad-code")
    register(garden, second, code)
    used = register(garden, Tablet(seed=3), code)
    old = invite(garden, "pairing-old").json["code"]
    garden.cloud.set_clock(MORNING + timedelta(minutes=15))
    late = register(garden, Tablet(seed=3), old)

    assert wrong.json == used.json == late.json
    assert invite(garden, "pairing-old").code == "attendance/pairing-over"


def test_a_tablet_must_hold_the_key_it_names(garden: Kindergarten) -> None:
    code = invite(garden).json["code"]
    tablet, other = Tablet(seed=2), Tablet(seed=3)

    for changes in (
        {"proof": other.proof(code)},
        {"proof": tablet.proof("ABCD-2345")},
        {"public_key": b64(other.public)},
        {"public_key": "A" * 43},
    ):
        said = register(garden, tablet, code, **changes)
        assert (said.status, said.code) == (400, "attendance/bad-key")


def test_a_key_is_paired_once(garden: Kindergarten) -> None:
    code = invite(garden).json["code"]

    assert register(garden, garden.tablet, code).code == "attendance/already-paired"
    tablet = Tablet(seed=2)
    register(garden, tablet, code)
    assert register(garden, tablet, code, label="Басқа").code == "attendance/already-paired"


def test_a_site_has_a_limited_number_of_tablets(
    garden: Kindergarten, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chalicelib.attendance.rules.DEVICES_MAX", 1)

    assert invite(garden).code == "attendance/too-many-devices"


def test_other_peoples_sites_and_tablets_are_unknown(garden: Kindergarten) -> None:
    device = f"{PREFIX}/devices/{garden.tablet.device_id}"
    body = {"site_id": SITE, "label": "x"}

    for said in (
        garden.cloud.put(f"{PREFIX}/pairings/pairing-9999", body, token=garden.stranger),
        invite(garden, site_id="site-nowhere"),
        garden.cloud.put(f"{device}/revocation", {"site_id": SITE}, token=garden.stranger),
        garden.cloud.put(
            f"{PREFIX}/devices/nosuchdevice/revocation", {"site_id": SITE}, token=garden.head
        ),
        garden.cloud.get(f"{PREFIX}/devices", query={"site_id": SITE}, token=garden.stranger),
        garden.cloud.get(
            f"{PREFIX}/devices",
            query={"site_id": SITE},
            token=garden.token("department", areas=["astana"]),
        ),
    ):
        assert (said.status, said.code) == (404, "kezek/unknown")


def test_a_revoked_tablet_is_refused_and_revocation_repeats(garden: Kindergarten) -> None:
    device = f"{PREFIX}/devices/{garden.tablet.device_id}/revocation"
    token = garden.tablet.token(MORNING)

    first = garden.cloud.put(device, {"site_id": SITE}, token=garden.head)
    again = garden.cloud.put(device, {"site_id": SITE}, token=garden.head)

    assert first.json["revoked_at"] is not None
    assert again.json == first.json
    records = {"records": [garden.tablet.sign("2026-03-02T08:00:00+05:00")]}
    said = garden.cloud.post(f"{PREFIX}/records", records, token=token)
    assert (said.status, said.code) == (403, "attendance/device-revoked")
    assert garden.cloud.get(f"{PREFIX}/roster", token=token).code == "attendance/device-revoked"


def test_a_tablet_sees_short_names_of_todays_children_only(garden: Kindergarten) -> None:
    said = garden.cloud.get(f"{PREFIX}/roster", token=garden.tablet.token(MORNING))

    assert said.json["items"] == [
        {"enrolment_id": enrolment(n), "group_id": "group-senior", "name": "Ерасыл Ж."}
        for n in (1, 2)
    ]
    unpaired = Tablet(seed=7)
    said = garden.cloud.get(f"{PREFIX}/roster", token=unpaired.token(MORNING))
    assert (said.status, said.code) == (403, "attendance/not-paired")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"records": []}, "kezek/bad-field"),
        ({"records": [{}] * 501}, "kezek/bad-field"),
        ({}, "kezek/bad-field"),
        ({"records": [{}], "more": 1}, "kezek/bad-field"),
    ],
)
def test_an_upload_holds_one_to_five_hundred_records(
    garden: Kindergarten, body: object, code: str
) -> None:
    said = garden.cloud.post(f"{PREFIX}/records", body, token=garden.tablet.token(MORNING))

    assert (said.status, said.code) == (400, code)


def test_uploads_that_are_too_wide_too_many_or_unpaired_are_refused(garden: Kindergarten) -> None:
    token = garden.tablet.token(MORNING)
    first = garden.tablet.sign("2026-03-02T08:00:00+05:00")
    garden.tablet.counter = 2_000
    far = garden.tablet.sign("2026-03-02T08:01:00+05:00")

    wide = garden.cloud.post(f"{PREFIX}/records", {"records": [first, far]}, token=token)
    assert (wide.status, wide.code) == (400, "attendance/upload-too-large")
    for _ in range(40):
        said = garden.cloud.post(f"{PREFIX}/records", {"records": [{}] * 500}, token=token)
    assert (said.status, said.code) == (429, "attendance/too-many-uploads")
    assert int(said.headers["retry-after"]) > 0
    unpaired = Tablet(seed=7)
    said = garden.cloud.post(
        f"{PREFIX}/records", {"records": [first]}, token=unpaired.token(MORNING)
    )
    assert (said.status, said.code) == (403, "attendance/not-paired")


def test_a_tablets_token_is_short_and_its_own(garden: Kindergarten) -> None:
    at_now = int(MORNING.timestamp())

    for changes in ({"exp": at_now + 601}, {"exp": at_now - 60}, {"sub": "a" * 26}):
        said = garden.cloud.get(f"{PREFIX}/roster", token=garden.tablet.token(MORNING, **changes))
        assert (said.status, said.code) == (401, "kezek/bad-token")
    assert auth.device_id(garden.tablet.public) == garden.tablet.device_id


# --- a child's month


def test_a_family_sees_each_day_as_it_comes(garden: Kindergarten) -> None:
    garden.march(until=3)
    garden.cloud.set_clock(at("2026-03-04 09:00"))

    shown = garden.sheet()

    assert (shown["state"], shown["name"]) == ("open", None)
    assert [day["code"] for day in shown["lines"]] == ["H", "P", "P"]
    day = day_of(shown, "2026-03-02")
    assert day["visits"] == [
        {
            "came": "08:05",
            "left": "18:05",
            "next_day": False,
            "ways": ["educator"],
            "guessed": False,
        }
    ]
    assert (shown["approve_from"], shown["approve_to"]) == ("2026-04-01", "2026-04-07")


def test_other_families_children_are_unknown(garden: Kindergarten) -> None:
    body = {"digest": "0" * 32}
    claim = {"claim": "P", "reason": "was-there"}
    for token in (garden.neighbour, garden.token("representative", "nobody")):
        for said in (
            garden.cloud.get(CHILD, token=token),
            garden.cloud.put(f"{CHILD}/approval", body, token=token),
            garden.cloud.put(f"{CHILD}/disputes/2026-03-02", claim, token=token),
        ):
            assert (said.status, said.code) == (404, "kezek/unknown")


def test_a_month_is_closed_approved_and_locked(garden: Kindergarten) -> None:
    garden.march()
    garden.close()

    said = garden.approve()

    assert said.status == 200
    assert said.json["state"] == "approved"
    assert {day["standing"] for day in said.json["lines"]} == {"confirmed"}
    assert garden.approve().json == said.json
    assert garden.dispute().code == "attendance/locked"
    paper = {"reason": "S", "proof": "№ 12"}
    locked = garden.cloud.put(f"{LINE}/proofs/2026-03-05", paper, token=garden.head)
    assert locked.code == "attendance/locked"
    other = garden.cloud.put(f"{CHILD}/approval", {"digest": "0" * 32}, token=garden.parent)
    assert (other.status, other.code) == (409, "kezek/another-content")


def test_marks_after_approval_are_late_and_wait_for_the_department(garden: Kindergarten) -> None:
    garden.march(until=30)
    garden.close()
    garden.approve()
    late = garden.tablet.sign("2026-03-31T08:05:00+05:00")

    receipt = send(garden.tablet, [late], now=APRIL_2)
    again = send(garden.tablet, [late], now=APRIL_2)

    assert receipt.outcomes[0].flags == ("late",)
    assert again == receipt
    day = day_of(garden.sheet(), "2026-03-31")
    assert (day["code"], day["flags"]) == ("N", ["late-mark", "no-departure"])
    found = garden.cloud.get(
        f"{PREFIX}/undecided",
        query={"area": AREA, "month": "2026-03"},
        token=garden.department,
    ).json["items"]
    assert [(i["child_id"], [d["on"] for d in i["lines"]]) for i in found] == [
        (child(), ["2026-03-31"])
    ]
    body = {"counts": True, "day_code": "P", "reason": "device-evidence"}
    decided = garden.cloud.put(f"{LINE}/decisions/2026-03-31", body, token=garden.department)
    assert decided.json["code"] == "P"
    (facts, _) = actions.month_for_billing(SITE, MARCH).children
    assert facts.lines[30].code == "P"
    assert facts.lines[30].confirmed


@pytest.mark.parametrize(
    ("when", "code"),
    [
        ("2026-03-31 23:59", "attendance/too-early"),
        ("2026-04-01 00:00", "attendance/not-closed"),
        ("2026-04-08 00:00", "attendance/locked"),
    ],
)
def test_approval_has_its_days(garden: Kindergarten, when: str, code: str) -> None:
    garden.cloud.set_clock(at(when))

    said = garden.approve()

    assert (said.status, said.code) == (409, code)


def test_a_sheet_that_changed_meanwhile_is_looked_at_again(garden: Kindergarten) -> None:
    garden.march(until=30)
    garden.close()
    seen = garden.sheet()["digest"]
    send(garden.tablet, [garden.tablet.sign("2026-03-31T08:05:00+05:00")], now=APRIL_2)

    said = garden.cloud.put(f"{CHILD}/approval", {"digest": seen}, token=garden.parent)

    assert (said.status, said.code) == (409, "attendance/sheet-changed")
    assert garden.approve().status == 200


def test_nobody_both_marks_and_approves(garden: Kindergarten) -> None:
    garden.close()
    digest = garden.sheet()["digest"]
    working = garden.cloud.token(["representative", "head"], "parent", organisations=[ORGANISATION])
    claim = {"claim": "P", "reason": "was-there"}

    for said in (
        garden.cloud.put(f"{CHILD}/approval", {"digest": digest}, token=working),
        garden.cloud.put(f"{CHILD}/disputes/2026-03-03", claim, token=working),
    ):
        assert (said.status, said.code) == (403, "attendance/marks-here")
    garden.cloud.set_clock(APRIL_8)
    officer = garden.token("department", organisations=[ORGANISATION])
    body = {"counts": False, "reason": "no-evidence"}
    said = garden.cloud.put(f"{LINE}/decisions/2026-03-03", body, token=officer)
    assert (said.status, said.code) == (403, "attendance/marks-here")


def test_a_relation_without_the_power_sees_and_does_not_approve(garden: Kindergarten) -> None:
    from dataclasses import replace

    from chalicelib.children import store as children
    from chalicelib.storage.commit import commit

    kept = children.find_relation(child(), person())
    assert kept is not None
    commit([children.keep_relation(kept, replace(kept.value, powers=("apply",)))])
    garden.close()

    said = garden.approve()

    assert (said.status, said.code) == (403, "children/power-missing")
    assert garden.dispute().code == "children/power-missing"


def test_a_child_at_two_sites_in_one_month_has_two_sheets(garden: Kindergarten) -> None:
    from dataclasses import replace

    from chalicelib.storage.commit import commit
    from chalicelib.vouchers import store as vouchers

    stays = vouchers.find_stays(child(), "preschool")
    (first,) = stays.value.stays
    left = replace(first, ends_on=date(2026, 3, 16))
    commit([vouchers.keep_stays(stays, replace(stays.value, stays=(left,)))])
    open_site(
        site_id=OTHER_SITE,
        organisation_id="organisation-2",
        children_count=1,
        starts_on=date(2026, 3, 17),
    )
    garden.cloud.set_clock(APRIL_2)

    found = garden.cloud.get(CHILD, token=garden.parent).json["items"]
    unsaid = garden.cloud.put(f"{CHILD}/approval", {"digest": "0" * 32}, token=garden.parent)
    first_day = garden.dispute("2026-03-16")
    second_day = garden.dispute("2026-03-17")

    assert [sheet["site_id"] for sheet in found] == [SITE, OTHER_SITE]
    assert [day_of(sheet, "2026-03-17")["code"] for sheet in found] == ["X", "N"]
    assert (unsaid.status, unsaid.code) == (400, "attendance/which-site")
    assert (first_day.status, second_day.status) == (200, 200)
    disputed = [
        [day["on"] for day in sheet["lines"] if day["standing"] == "disputed"]
        for sheet in garden.cloud.get(CHILD, token=garden.parent).json["items"]
    ]
    assert disputed == [["2026-03-16"], ["2026-03-17"]]


# --- disputes and decisions


def test_a_dispute_is_answered_and_decided_and_holds_its_day_only(garden: Kindergarten) -> None:
    garden.march()
    garden.close()

    said = garden.dispute()
    approved = garden.approve()
    answer = garden.cloud.put(f"{LINE}/answers/2026-03-03", {"answer": "insist"}, token=garden.head)
    body = {"counts": False, "reason": "representative-statement"}
    decided = garden.cloud.put(f"{LINE}/decisions/2026-03-03", body, token=garden.department)

    assert said.json["answer_by"] == "2026-04-07T19:00:00.000000Z"
    (told,) = [
        kept.value.facts
        for kept in outbox.NOTICES.each(keys.notice(f"organisation:{ORGANISATION}", "")[0])
        if "disputed" in kept.value.template
    ]
    assert (told["on"], told["answer_by"]) == ("03.03.2026", "07.04.2026")
    assert garden.dispute().json["at"] == said.json["at"]
    held = [d["on"] for d in approved.json["lines"] if d["standing"] == "disputed"]
    assert held == ["2026-03-03"]
    assert answer.json["answer"] == "insist"
    assert decided.json["code"] == "N"
    again = garden.cloud.put(f"{LINE}/decisions/2026-03-03", body, token=garden.department)
    assert again.json == decided.json
    (facts, _) = actions.month_for_billing(SITE, MARCH).children
    assert facts.held == ()
    assert (facts.lines[2].code, facts.lines[2].standing) == ("N", "confirmed")
    told = {row["sk"]["S"].split("#")[0] for row in garden.cloud.tables.dump()["kezek-test-outbox"]}
    assert {"day-disputed", "dispute-answered", "line-decided", "timesheet-approved"} <= told


@pytest.mark.parametrize(
    ("day", "changes", "status", "code"),
    [
        ("2026-03-03", {"claim": "P"}, 409, "attendance/nothing-to-dispute"),
        ("2026-03-08", {}, 409, "attendance/nothing-to-dispute"),
        ("2026-04-01", {}, 400, "attendance/bad-day"),
        ("3", {}, 400, "attendance/bad-day"),
        ("2026-03-03", {"claim": "H"}, 400, "kezek/bad-field"),
        ("2026-03-03", {"site_id": "site-nowhere"}, 404, "kezek/unknown"),
    ],
)
def test_a_dispute_that_says_nothing_is_refused(
    garden: Kindergarten, day: str, changes: dict[str, str], status: int, code: str
) -> None:
    garden.march()
    garden.cloud.set_clock(APRIL_2)

    said = garden.dispute(day, **changes)

    assert (said.status, said.code) == (status, code)


def test_disputes_end_with_the_window_and_never_concern_tomorrow(garden: Kindergarten) -> None:
    garden.cloud.set_clock(at("2026-03-02 12:00"))
    assert garden.dispute("2026-03-03", claim="P").code == "attendance/too-early"
    garden.cloud.set_clock(APRIL_8)
    assert garden.dispute("2026-03-03", claim="P").code == "attendance/locked"


def test_another_dispute_or_answer_for_the_same_day_is_other_content(
    garden: Kindergarten,
) -> None:
    garden.cloud.set_clock(APRIL_2)
    garden.dispute(claim="P", reason="was-there")
    path = f"{LINE}/answers/2026-03-03"
    garden.cloud.put(path, {"answer": "agree"}, token=garden.head)

    assert garden.dispute(claim="S").code == "kezek/another-content"
    said = garden.cloud.put(path, {"answer": "insist"}, token=garden.head)
    assert (said.status, said.code) == (409, "kezek/another-content")
    said = garden.cloud.put(f"{LINE}/answers/2026-03-04", {"answer": "agree"}, token=garden.head)
    assert (said.status, said.code) == (404, "kezek/unknown")


def test_an_answer_after_the_decision_is_refused(garden: Kindergarten) -> None:
    garden.cloud.set_clock(APRIL_2)
    garden.dispute(claim="P", reason="was-there")
    garden.cloud.set_clock(APRIL_8)
    body = {"counts": False, "reason": "no-evidence"}
    garden.cloud.put(f"{LINE}/decisions/2026-03-03", body, token=garden.department)

    said = garden.cloud.put(f"{LINE}/answers/2026-03-03", {"answer": "agree"}, token=garden.head)

    assert (said.status, said.code) == (409, "attendance/locked")


def test_silence_is_listed_for_the_department_line_by_line(garden: Kindergarten) -> None:
    garden.march()
    garden.close()
    garden.approve()
    asked = {"area": AREA, "month": "2026-03"}

    before = garden.cloud.get(f"{PREFIX}/undecided", query=asked, token=garden.department)
    garden.cloud.set_clock(APRIL_8)
    after = garden.cloud.get(f"{PREFIX}/undecided", query=asked, token=garden.department)

    assert before.json == {"items": [], "next_cursor": None}
    (silent,) = after.json["items"]
    assert silent["child_id"] == child(2)
    assert len(silent["lines"]) == len([d for d in MARCH.days() if day_is_worked(d)])
    foreign = garden.cloud.get(
        f"{PREFIX}/undecided",
        query=asked,
        token=garden.token("department", areas=["astana"]),
    )
    assert (foreign.status, foreign.code) == (403, "attendance/not-your-area")


def day_is_worked(on: date) -> bool:
    from chalicelib.policy.actions import load_pack

    return load_pack("preschool", AREA).calendar.is_working(on)


def test_a_line_that_is_not_open_is_not_decided(garden: Kindergarten) -> None:
    body = {"counts": True, "reason": "device-evidence"}
    path = f"{LINE}/decisions/2026-03-03"
    garden.cloud.set_clock(APRIL_2)

    open_line = garden.cloud.put(path, body, token=garden.department)
    garden.dispute(claim="P", reason="was-there")
    waiting = garden.cloud.put(path, body, token=garden.department)
    foreign = garden.cloud.put(path, body, token=garden.token("department", areas=["astana"]))
    nobody = garden.cloud.put(
        f"{MONTH}/children/child-nobody/decisions/2026-03-03", body, token=garden.department
    )

    assert (open_line.status, open_line.code) == (409, "attendance/not-undecided")
    assert (waiting.status, waiting.code) == (409, "attendance/not-undecided")
    assert (foreign.status, foreign.code) == (404, "kezek/unknown")
    assert (nobody.status, nobody.code) == (404, "kezek/unknown")


# --- a site's month


def test_a_head_sees_names_and_an_officer_does_not(garden: Kindergarten) -> None:
    garden.march(until=3)
    garden.cloud.set_clock(at("2026-03-04 09:00"))

    own = garden.cloud.get(MONTH, token=garden.head).json
    seen = garden.cloud.get(MONTH, token=garden.department).json

    assert [sheet["name"] for sheet in own["items"]] == ["Жұмабаев1 Ерасыл", "Жұмабаев2 Ерасыл"]
    assert [sheet["name"] for sheet in seen["items"]] == [None, None]
    assert [s["lines"] for s in own["items"]] == [s["lines"] for s in seen["items"]]
    assert garden.cloud.get(MONTH, token=garden.stranger).code == "kezek/unknown"
    auditor = garden.cloud.get(MONTH, token=garden.token("auditor"))
    assert auditor.status == 200


def test_a_sites_month_is_paged(garden: Kindergarten) -> None:
    first = garden.cloud.get(MONTH, query={"limit": "1"}, token=garden.head).json
    second = garden.cloud.get(
        MONTH, query={"limit": "1", "cursor": first["next_cursor"]}, token=garden.head
    ).json

    assert [s["child_id"] for s in first["items"] + second["items"]] == [child(1), child(2)]
    assert second["next_cursor"] is None
    said = garden.cloud.get(MONTH, query={"cursor": "AAAA"}, token=garden.head)
    assert (said.status, said.code) == (400, "kezek/bad-cursor")
    other = f"{PREFIX}/sites/{SITE}/months/2026-02"
    said = garden.cloud.get(other, query={"cursor": first["next_cursor"]}, token=garden.head)
    assert said.code == "kezek/bad-cursor"


def test_a_month_is_closed_once_it_is_over(garden: Kindergarten) -> None:
    path = f"{MONTH}/closing"

    early = garden.cloud.put(path, {}, token=garden.head)
    garden.cloud.set_clock(APRIL_2)
    closed = garden.cloud.put(path, {}, token=garden.head)
    garden.cloud.set_clock(APRIL_8)
    again = garden.cloud.put(path, {}, token=garden.head)

    assert (early.status, early.code) == (409, "attendance/too-early")
    assert closed.json == again.json
    assert garden.cloud.put(path, {}, token=garden.stranger).code == "kezek/unknown"
    bad = garden.cloud.put(f"{PREFIX}/sites/{SITE}/months/2026-3/closing", {}, token=garden.head)
    assert (bad.status, bad.code) == (400, "kernel/bad-month")


@pytest.mark.parametrize(
    ("day", "body", "status", "code"),
    [
        ("2026-03-02", {}, 409, "attendance/not-an-absence"),
        ("2026-03-01", {}, 409, "attendance/not-an-absence"),
        ("2026-03-32", {}, 400, "attendance/bad-day"),
        ("2026-03-04", {"reason": "N"}, 400, "kezek/bad-field"),
        ("2026-03-04", {"proof": "Серик болел"}, 400, "kezek/bad-field"),
        ("2026-03-05", {}, 409, "attendance/too-early"),
    ],
)
def test_a_paper_is_refused_where_none_is_needed(
    garden: Kindergarten, day: str, body: dict[str, str], status: int, code: str
) -> None:
    garden.march(until=3)
    garden.cloud.set_clock(at("2026-03-04 12:00"))

    said = garden.cloud.put(
        f"{LINE}/proofs/{day}", {"reason": "S", "proof": "095/у 12", **body}, token=garden.head
    )

    assert (said.status, said.code) == (status, code)


def test_a_paper_proves_an_absence_for_billing(garden: Kindergarten) -> None:
    garden.cloud.set_clock(at("2026-03-05 12:00"))
    path = f"{LINE}/proofs/2026-03-04"
    body = {"reason": "S", "proof": "095/у № 123"}

    said = garden.cloud.put(path, body, token=garden.head)
    again = garden.cloud.put(path, body, token=garden.head)
    other = garden.cloud.put(path, {**body, "reason": "F"}, token=garden.head)
    foreign = garden.cloud.put(path, body, token=garden.stranger)

    assert said.status == 200
    assert again.json == said.json
    assert (other.status, other.code) == (409, "kezek/another-content")
    assert (foreign.status, foreign.code) == (404, "kezek/unknown")
    (facts, _) = actions.month_for_billing(SITE, MARCH).children
    assert (facts.lines[3].code, facts.lines[3].proved) == ("S", True)


# --- for other slices


def test_billing_gets_every_enrolled_child_with_or_without_marks(garden: Kindergarten) -> None:
    garden.march()
    garden.close()
    garden.approve()

    facts = actions.month_for_billing(SITE, MARCH)

    assert (facts.closed, facts.organisation_id) == (True, ORGANISATION)
    first, second = facts.children
    assert first.digest is not None
    assert all(day.confirmed for day in first.lines)
    assert [stay.enrolment_id for stay in second.stays] == [enrolment(2)]
    assert {day.code for day in second.lines} == {"N", "H"}
    assert len(second.held) == sum(day.code == "N" for day in second.lines)
    assert all("no-record" in day.flags for day in second.held)
    before = actions.month_for_billing(SITE, MARCH, today=date(2026, 4, 2))
    assert before.children[1].held == ()


def test_attended_days_are_counted_over_months(garden: Kindergarten) -> None:
    garden.march()
    april = garden.tablet.sign("2026-04-01T08:00:00+05:00")
    send(garden.tablet, [april], now=at("2026-04-01 09:00"))
    worked = [day for day in MARCH.days() if day_is_worked(day)]

    assert actions.attended_days(SITE, child(), date(2026, 1, 1), date(2026, 6, 30)) == (
        len(worked) + 1
    )
    assert actions.attended_days(SITE, child(), date(2026, 3, 10), date(2026, 3, 10)) == 1
    assert actions.attended_days(SITE, child(2), date(2026, 1, 1), date(2026, 6, 30)) == 0
    assert Month.of(date(2026, 3, 2)) == MARCH


# --- a tablet under suspicion ---------------------------------------------------------------------


def clear(garden: Kindergarten, reason: str = "inspected", **more: Any) -> Said:
    path = f"{PREFIX}/devices/{garden.tablet.device_id}/clearing"
    token = more.pop("token", None) or garden.token("department")
    return garden.cloud.put(path, {"site_id": SITE, "reason": reason, **more}, token=token)


def test_a_tablet_in_foreign_hands_is_cleared_by_the_department(garden: Kindergarten) -> None:
    revocation = f"{PREFIX}/devices/{garden.tablet.device_id}/revocation"
    stolen = {"site_id": SITE, "foreign_on": "2026-03-02"}
    assert garden.cloud.put(revocation, stolen, token=garden.head).status == 200

    first, again = clear(garden), clear(garden)

    assert first.status == 200, first.text
    assert again.json == first.json
    assert clear(garden, "records-agree").code == "kezek/another-content"


def test_what_cannot_be_cleared_is_refused(garden: Kindergarten) -> None:
    assert (clear(garden).status, clear(garden).code) == (409, "attendance/not-doubted")
    assert clear(garden, "trust-me").code == "kezek/bad-field"
    for said in (
        clear(garden, token=garden.token("department", areas=["astana"])),
        clear(garden, site_id="site-nowhere"),
    ):
        assert (said.status, said.code) == (404, "kezek/unknown")
    works_here = garden.token("department", organisations=[ORGANISATION])
    assert clear(garden, token=works_here).code in ("attendance/marks-here", "kezek/sign-in")
    assert clear(garden, token=garden.head).status == 403


def test_a_tablet_cannot_have_been_lost_tomorrow(garden: Kindergarten) -> None:
    revocation = f"{PREFIX}/devices/{garden.tablet.device_id}/revocation"
    said = garden.cloud.put(
        revocation, {"site_id": SITE, "foreign_on": "2027-01-01"}, token=garden.head
    )

    assert (said.status, said.code) == (400, "attendance/day-to-come")
