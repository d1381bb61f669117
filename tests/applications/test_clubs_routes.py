"""Applications for clubs and windows of intake over HTTP: each yes, and each no to its code."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from chalicelib.adapters import registry
from chalicelib.applications import rules, store
from chalicelib.children.actions import acting
from infra.local.testing import Said, TestCloud
from tests.applications.builders import at
from tests.applications.clubs import (
    BEACON,
    CLOSES,
    OPENS,
    SEED,
    SIGNATURE,
    give,
)
from tests.children.builders import NOW, an_iin

ME = {"iin": an_iin(0), "surname": "Әбенова", "given_name": "Айгерім", "language": "kk"}
CHILD: dict[str, Any] = {
    "iin": an_iin(100),
    "surname": "Әбенов",
    "given_name": "Ерасыл",
    "birth_date": "2015-05-04",
    "sex": "male",
}
ASKED: dict[str, Any] = {
    "programme": "clubs",
    "area": "karaganda",
    "language": "any",
    "child": CHILD,
}
ONE = "/v1/applications/application-1"
WINDOW = "/v1/applications/intakes/intake-2026-03"
ASKED_WINDOW = {
    "programme": "clubs",
    "area": "karaganda",
    "opens_at": OPENS.isoformat(),
    "closes_at": CLOSES.isoformat(),
    "beacon_at": BEACON.isoformat(),
}


@pytest.fixture
def parent(cloud: TestCloud) -> str:
    registry.forget()
    token = cloud.token("representative", "aigerim")
    assert cloud.put("/v1/children/me", ME, token=token).status == 200
    return token


@pytest.fixture
def operator(cloud: TestCloud) -> str:
    return cloud.token("operator", "operator", areas=["karaganda"])


@pytest.fixture
def window(cloud: TestCloud, operator: str) -> dict[str, Any]:
    said = cloud.put(WINDOW, ASKED_WINDOW, token=operator)
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


def test_an_application_for_a_club_shows_its_wish_its_category_and_what_comes_next(
    cloud: TestCloud, parent: str
) -> None:
    said = cloud.put(ONE, {**ASKED, "kind": "sport"}, token=parent)

    assert said.status == 200, said.text
    shown = said.json
    assert (shown["kind"], shown["language"], shown["state"]) == ("sport", "any", "queued")
    assert shown["category"]["tier"] == "no-recent-voucher"
    assert (shown["returns"], shown["returns_left"], shown["sen"]) == (0, 1, False)
    assert (shown["intake"], shown["moved"]) == (None, None)
    assert shown["next"]["step"] == "wait" and shown["next"]["text"]
    again = cloud.put(ONE, {**ASKED, "kind": "sport"}, token=parent)
    assert again.json == shown


def test_without_a_wish_it_is_any_direction(cloud: TestCloud, parent: str) -> None:
    assert cloud.put(ONE, ASKED, token=parent).json["kind"] == "any"


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"kind": "general"}, 400, "policy/unknown-kind"),
        ({"kind": "No Such"}, 400, "kezek/bad-field"),
        ({"language": "en"}, 400, "kezek/bad-field"),
        ({"batch": {"id": "our-twins", "size": 2}}, 400, "applications/batch-not-here"),
        ({"statuses": ["teacher"]}, 400, "policy/unknown-status"),
        ({"child": {**CHILD, "birth_date": "2022-05-04"}}, 409, "applications/too-young"),
        ({"child": {**CHILD, "birth_date": "2005-05-04"}}, 409, "applications/too-old"),
        (
            {"programme": "preschool", "area": "taldykorgan", "language": "kk", "kind": "any"},
            400,
            "applications/kind-needed",
        ),
        ({"programme": "preschool", "area": "taldykorgan"}, 400, "applications/language-needed"),
    ],
)
def test_each_no_of_applying_for_a_club(
    cloud: TestCloud, parent: str, changes: dict[str, Any], status: int, code: str
) -> None:
    said = cloud.put(ONE, {**ASKED, **changes}, token=parent)

    assert refused(said, status, code), said.text


def test_a_category_without_proof_is_said_clearly(cloud: TestCloud, parent: str) -> None:
    shown = cloud.put(ONE, {**ASKED, "statuses": ["sen"]}, token=parent).json

    said = {s["status"]: s for s in shown["statuses"]}
    assert said["sen"]["state"] == "claimed"
    assert said["sen"]["text"] and said["sen"]["prove_by"] == shown["next"]["until"]
    assert shown["next"]["step"] == "prove"
    assert shown["category"]["tier"] == "no-recent-voucher"  # not that of special needs
    assert said["no-recent-voucher"]["proof"] == "own"


def test_a_protected_status_is_opened_to_an_officer_who_says_why(
    cloud: TestCloud, parent: str
) -> None:
    shown = cloud.put(ONE, {**ASKED, "statuses": ["sen", "tsa"]}, token=parent).json

    assert {"sen", "tsa"} < {s["status"] for s in shown["statuses"]}, "the family sees its own"
    officer = cloud.token("department", "officer", areas=["karaganda"])
    listed = cloud.get(
        "/v1/applications/to-verify?area=karaganda&programme=clubs", token=officer
    ).json["items"][0]
    assert {"protected", "tsa"} < {s["status"] for s in listed["statuses"]}
    assert "sen" not in [s["status"] for s in listed["statuses"]]

    why = {"kezek-purpose": "verification"}
    silent = cloud.get(f"{ONE}/protected", token=officer)
    assert (silent.status, silent.code) == (403, "access/say-why")
    opened = cloud.get(f"{ONE}/protected", token=officer, headers=why).json
    assert [s["status"] for s in opened["protected"]] == ["sen"]
    far = cloud.token("department", "far", areas=["astana"])
    assert cloud.get(f"{ONE}/protected", token=far, headers=why).status == 404
    weak = cloud.token("department", "officer", areas=["karaganda"], acr=None, auth_time=None)
    said = cloud.get(f"{ONE}/protected", token=weak, headers=why)
    assert (said.status, said.code) == (401, "kezek/step-up")


def test_a_category_that_would_tell_why_goes_by_its_number(cloud: TestCloud, parent: str) -> None:
    cloud.put(ONE, {**ASKED, "statuses": ["sen", "tsa"]}, token=parent)
    officer = cloud.token("department", "officer", areas=["karaganda"])

    said = cloud.put(f"{ONE}/statuses/sen", {"result": "proved"}, token=officer).json

    assert said["category"] == {"number": 3, "tier": "protected", "text": "3-санат"}
    own = cloud.get(ONE, token=parent).json["category"]
    assert own["tier"] == "sen" and own["text"] != "3-санат"


def test_no_officer_proves_what_our_own_data_say(cloud: TestCloud, parent: str) -> None:
    cloud.put(ONE, ASKED, token=parent)
    officer = cloud.token("department", "officer", areas=["karaganda"])

    said = cloud.put(
        f"{ONE}/statuses/no-recent-voucher",
        {"result": "refused", "reason": "not-entitled"},
        token=officer,
    )

    assert refused(said, 409, "applications/decided-by-own-data")


def test_a_child_of_a_kindergarten_may_have_a_club_and_a_second_club_never(
    cloud: TestCloud, parent: str
) -> None:
    small = {**CHILD, "birth_date": "2020-05-04"}
    kindergarten = {
        "programme": "preschool",
        "area": "taldykorgan",
        "language": "kk",
        "child": small,
    }
    assert cloud.put("/v1/applications/application-0", kindergarten, token=parent).status == 200

    assert cloud.put(ONE, {**ASKED, "child": small}, token=parent).status == 200
    second = {**ASKED, "area": "astana", "child": small}
    said = cloud.put("/v1/applications/application-2", second, token=parent)

    assert refused(said, 409, "applications/already-applied")
    assert said.json["held"] == "application"
    assert said.json["area"] == "karaganda"


def test_a_programme_that_does_not_go_beside_is_refused_and_what_is_held_is_named(
    cloud: TestCloud, parent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acting, "_beside", lambda programme, area, on: ())
    small = {**CHILD, "birth_date": "2020-05-04"}
    kindergarten = {
        "programme": "preschool",
        "area": "taldykorgan",
        "language": "kk",
        "child": small,
    }
    cloud.put("/v1/applications/application-0", kindergarten, token=parent)

    said = cloud.put(ONE, {**ASKED, "child": small}, token=parent)

    assert refused(said, 409, "children/held-elsewhere")
    facts = {name: said.json[name] for name in ("kind", "programme", "area", "beside")}
    assert facts == {
        "kind": "application",
        "programme": "preschool",
        "area": "taldykorgan",
        "beside": "clubs",
    }


def test_a_wish_is_changed(cloud: TestCloud, parent: str) -> None:
    cloud.put(ONE, ASKED, token=parent)

    said = cloud.put(f"{ONE}/wish", {"kind": "creative", "language": "kk"}, token=parent)

    assert (said.json["kind"], said.json["language"]) == ("creative", "kk")


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ({"kind": "general", "language": "kk"}, 400, "policy/unknown-kind"),
        ({"kind": "sport"}, 400, "kezek/bad-field"),
        ({"kind": "sport", "language": "de"}, 400, "kezek/bad-field"),
    ],
)
def test_each_no_of_wishing(
    cloud: TestCloud, parent: str, asked: dict[str, Any], status: int, code: str
) -> None:
    cloud.put(ONE, ASKED, token=parent)

    assert refused(cloud.put(f"{ONE}/wish", asked, token=parent), status, code)


def test_wishing_for_anothers_or_an_ended_application(cloud: TestCloud, parent: str) -> None:
    asked = {"kind": "sport", "language": "kk"}
    assert refused(cloud.put(f"{ONE}/wish", asked, token=parent), 404, "kezek/unknown")
    cloud.put(ONE, ASKED, token=parent)
    cloud.put(f"{ONE}/withdrawal", None, token=parent)

    assert refused(cloud.put(f"{ONE}/wish", asked, token=parent), 409, "applications/not-queued")


def test_places_are_asked_for_by_kind_and_language_where_they_are_given(
    cloud: TestCloud, parent: str
) -> None:
    kindergarten = {
        "programme": "preschool",
        "area": "taldykorgan",
        "language": "kk",
        "child": {**CHILD, "birth_date": "2022-05-04"},
    }
    cloud.put(ONE, kindergarten, token=parent)

    for asked, code in (
        ({"kind": "any", "language": "kk"}, "applications/kind-needed"),
        ({"kind": "general", "language": "any"}, "applications/language-needed"),
    ):
        assert refused(cloud.put(f"{ONE}/wish", asked, token=parent), 400, code)


# --- windows of intake


def test_a_window_names_its_source_before_it_opens(
    cloud: TestCloud, operator: str, window: dict[str, Any]
) -> None:
    assert window["state"] == "announced"
    assert (window["seed"], window["drawn_at"]) == (None, None)
    beacon = window["beacon"]
    assert beacon["value_at"] == f"{beacon['url']}/public/{beacon['round']}"
    assert CLOSES < at(beacon["round_at"]) <= BEACON == at(beacon["moment"])
    assert cloud.put(WINDOW, ASKED_WINDOW, token=operator).json == window
    # Everybody sees it, without signing in.
    assert cloud.get(WINDOW).json == window
    listed = cloud.get("/v1/applications/intakes?programme=clubs&area=karaganda")
    assert listed.json == {"items": [window], "next_cursor": None}


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"opens_at": "2026-03-10T09:00:00"}, 400, "kezek/bad-field"),
        ({"opens_at": "1900-01-01T00:00:00+14:00"}, 409, "applications/announced-too-late"),
        ({"closes_at": "2999-12-31T23:59:59-12:00"}, 400, "applications/bad-window"),
        ({"beacon_at": "2999-12-31T23:59:59-12:00"}, 400, "applications/bad-window"),
        ({"area": "nowhere"}, 404, "kezek/unknown"),
        ({"area": "astana"}, 404, "kezek/unknown"),
        ({"programme": "none"}, 404, "policy/no-pack"),
        ({"closes_at": OPENS.isoformat()}, 400, "applications/bad-window"),
        ({"beacon_at": CLOSES.isoformat()}, 400, "applications/bad-window"),
        ({"closes_at": "2026-03-11T04:00:00Z"}, 409, "applications/window-too-short"),
        ({"opens_at": "2026-03-05T04:00:00Z"}, 409, "applications/announced-too-late"),
    ],
)
def test_each_no_of_announcing(
    cloud: TestCloud, operator: str, changes: dict[str, Any], status: int, code: str
) -> None:
    said = cloud.put(WINDOW, {**ASKED_WINDOW, **changes}, token=operator)

    assert refused(said, status, code), said.text


def test_each_no_of_announcing_that_needs_a_window(
    cloud: TestCloud, operator: str, parent: str, window: dict[str, Any]
) -> None:
    other = {**ASKED_WINDOW, "beacon_at": "2026-03-15T05:00:00Z"}
    assert refused(cloud.put(WINDOW, other, token=operator), 409, "kezek/another-content")
    second = "/v1/applications/intakes/intake-two"
    overlap = cloud.put(second, ASKED_WINDOW, token=operator)
    assert refused(overlap, 409, "applications/windows-overlap")
    assert overlap.json["intake_id"] == "intake-2026-03"
    assert cloud.put(second, ASKED_WINDOW, token=parent).status == 403
    town = cloud.token("operator", "town", areas=["taldykorgan"])
    time_decides = {**ASKED_WINDOW, "programme": "preschool", "area": "taldykorgan"}
    assert refused(cloud.put(second, time_decides, token=town), 409, "applications/no-draw-here")
    assert refused(cloud.get(second), 404, "kezek/unknown")


def test_windows_are_listed_newest_first_page_by_page(
    cloud: TestCloud, operator: str, window: dict[str, Any]
) -> None:
    later = {
        **ASKED_WINDOW,
        "opens_at": "2026-09-01T04:00:00Z",
        "closes_at": "2026-09-05T04:00:00Z",
        "beacon_at": "2026-09-06T04:00:00Z",
    }
    cloud.put("/v1/applications/intakes/intake-autumn", later, token=operator)
    url = "/v1/applications/intakes?programme=clubs&area=karaganda&limit=1"

    first = cloud.get(url).json
    second = cloud.get(f"{url}&cursor={first['next_cursor']}").json

    assert [i["intake_id"] for i in first["items"]] == ["intake-autumn"]
    assert [i["intake_id"] for i in second["items"]] == ["intake-2026-03"]
    assert second["next_cursor"] is None
    # One in the stead of one that was cancelled opens at the same instant.
    cloud.put(f"{WINDOW}/cancellation", token=operator)
    cloud.put("/v1/applications/intakes/intake-stead", ASKED_WINDOW, token=operator)
    seen, cursor = [], first["next_cursor"]
    while cursor:
        page = cloud.get(f"{url}&cursor={cursor}").json
        seen += [i["intake_id"] for i in page["items"]]
        cursor = page["next_cursor"]
    assert seen == ["intake-stead", "intake-2026-03"]
    assert refused(cloud.get(f"{url}&cursor=x"), 400, "kezek/bad-cursor")
    nowhere = cloud.get("/v1/applications/intakes?programme=clubs&area=nowhere")
    assert refused(nowhere, 404, "policy/no-pack")


def test_a_window_is_cancelled_before_it_opens_and_never_after(
    cloud: TestCloud, operator: str, parent: str, window: dict[str, Any]
) -> None:
    other = "/v1/applications/intakes/intake-two"
    autumn = {
        **ASKED_WINDOW,
        "opens_at": "2026-09-01T04:00:00Z",
        "closes_at": "2026-09-05T04:00:00Z",
        "beacon_at": "2026-09-06T04:00:00Z",
    }
    cloud.put(other, autumn, token=operator)

    said = cloud.put(f"{other}/cancellation", token=operator)

    assert (said.status, said.json["state"]) == (200, "cancelled")
    assert cloud.get(other).json == said.json
    beacon = {"round": 1, "randomness": SEED, "signature": SIGNATURE}
    drawn = cloud.put(f"{other}/beacon", beacon, token=operator)
    assert refused(drawn, 409, "applications/intake-cancelled")
    nobodys = "/v1/applications/intakes/intake-none/cancellation"
    assert refused(cloud.put(nobodys, token=operator), 404, "kezek/unknown")
    assert cloud.put(f"{WINDOW}/cancellation", token=parent).status == 403
    cloud.set_clock(OPENS)
    _, operator = fresh(cloud)
    late = cloud.put(f"{WINDOW}/cancellation", token=operator)
    assert refused(late, 409, "applications/intake-opened")


def test_a_window_from_announcement_to_draw(
    cloud: TestCloud, operator: str, parent: str, window: dict[str, Any]
) -> None:
    early = cloud.put(ONE, ASKED, token=parent)
    assert refused(early, 409, "applications/intake-not-open")
    assert early.json["opens_at"] == window["opens_at"]

    cloud.set_clock(OPENS)
    parent, operator = fresh(cloud)
    applied = cloud.put(ONE, ASKED, token=parent).json
    assert applied["ordered_at"] == window["opens_at"]
    assert applied["intake"]["state"] == "open" and applied["intake"]["number"] is None
    assert applied["next"]["step"] == "wait-for-close"

    beacon = {
        "round": window["beacon"]["round"],
        "randomness": SEED,
        "signature": SIGNATURE,
    }
    cloud.set_clock(CLOSES)
    parent, operator = fresh(cloud)
    not_yet = cloud.put(f"{WINDOW}/beacon", beacon, token=operator)
    assert refused(not_yet, 409, "applications/beacon-not-yet")
    assert cloud.get(ONE, token=parent).json["next"]["step"] == "wait-for-draw"

    cloud.set_clock(BEACON)
    parent, operator = fresh(cloud)
    drawn = cloud.put(f"{WINDOW}/beacon", beacon, token=operator)
    assert drawn.status == 200, drawn.text
    assert (drawn.json["state"], drawn.json["seed"]) == ("drawn", SEED)
    assert cloud.put(f"{WINDOW}/beacon", beacon, token=operator).json == drawn.json
    assert cloud.get(WINDOW).json == drawn.json
    shown = cloud.get(ONE, token=parent).json
    assert shown["intake"]["number"] == rules.draw_number(SEED, shown["ticket"])

    other = {
        **beacon,
        "signature": "cd" * 48,
        "randomness": hashlib.sha256(bytes.fromhex("cd" * 48)).hexdigest(),
    }
    for asked, status, code in (
        (other, 409, "applications/already-drawn"),
        ({**beacon, "round": 1}, 409, "applications/other-round"),
        ({**beacon, "randomness": "00" * 32}, 400, "applications/bad-beacon"),
        ({**beacon, "randomness": "XY"}, 400, "kezek/bad-field"),
        ({**beacon, "signature": "abc"}, 400, "kezek/bad-field"),
    ):
        assert refused(cloud.put(f"{WINDOW}/beacon", asked, token=operator), status, code)
    nobodys = "/v1/applications/intakes/intake-none/beacon"
    assert refused(cloud.put(nobodys, beacon, token=operator), 404, "kezek/unknown")


def fresh(cloud: TestCloud) -> tuple[str, str]:
    """Return tokens of the clock's new day, of the representative and the operator."""
    return (
        cloud.token("representative", "aigerim"),
        cloud.token("operator", "operator", areas=["karaganda"]),
    )


# --- brought from a platform that closed


def test_whoever_was_brought_over_sees_from_where(cloud: TestCloud, operator: str) -> None:
    row = {
        **ASKED,
        "representative": {**ME, "contacts": []},
        "applied_at": "2025-09-01T04:00:00Z",
        "source": {
            "system": "damubala",
            "number": "D-17",
            "file": "a" * 64,
            "line": 18,
            "place": 17,
        },
        "sign_in": {"issuer": "https://issuer.kezek.test", "subject": "aigerim"},
    }
    imported = cloud.put("/v1/applications/imports/application-1", row, token=operator)
    assert imported.status == 200, imported.text

    shown = cloud.get(ONE, token=cloud.token("representative", "aigerim")).json

    assert shown["ordered_at"] == "2025-09-01T04:00:00.000000Z"
    assert shown["moved"] == {
        "platform": "damubala",
        "number": "D-17",
        "file": "a" * 64,
        "row": 18,
        "old_place": 17,
        "place": "/v1/queue/places/application-1",
    }
    entry = store.find_entries("clubs", "karaganda", ["application-1"])["application-1"].value
    assert (entry.platform, entry.old_place) == ("damubala", 17)
    bad = {**row, "source": {**row["source"], "place": 0}}
    said = cloud.put("/v1/applications/imports/application-2", bad, token=operator)
    assert refused(said, 400, "kezek/bad-field")


def test_a_family_that_was_sent_back_sees_that_no_return_is_left(
    cloud: TestCloud, parent: str
) -> None:
    from chalicelib.applications import actions
    from chalicelib.kernel.actors import system

    cloud.put(ONE, ASKED, token=parent)
    voucher = give("application-1", now=NOW)
    shown = cloud.get(ONE, token=parent).json
    assert (shown["state"], shown["next"]["step"]) == ("fulfilled", "use-voucher")

    actions.missed_contract(voucher.voucher_id, by=system("job"), now=at(voucher.contract_by))

    shown = cloud.get(ONE, token=parent).json
    assert (shown["state"], shown["returns"], shown["returns_left"]) == ("queued", 1, 0)
