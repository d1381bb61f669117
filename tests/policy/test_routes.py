"""Anybody reads the rules, and which act each rests on."""

from __future__ import annotations

from infra.local.testing import TestCloud

PACK = "/v1/policy/packs/preschool/taldykorgan"


def test_anybody_lists_the_packs_with_their_acts(cloud: TestCloud) -> None:
    said = cloud.get("/v1/policy/packs")

    assert said.status == 200
    assert {(p["programme"], p["area"]) for p in said.json["packs"]} >= {
        ("preschool", "taldykorgan"),
        ("preschool", "astana"),
    }
    assert all(p["acts"] and p["version"] for p in said.json["packs"])


def test_the_rules_of_a_day_are_those_in_force_on_it(cloud: TestCloud) -> None:
    said = cloud.get(PACK, query={"on": "2026-09-01"})

    assert said.status == 200
    assert said.json["on"] == "2026-09-01"
    assert said.json["rules"]


def test_without_a_day_the_rules_of_today_are_told(cloud: TestCloud) -> None:
    assert cloud.get(PACK).json["on"] == "2026-03-02"


def test_an_area_without_a_pack_is_refused(cloud: TestCloud) -> None:
    assert cloud.get("/v1/policy/packs/preschool/atlantis").code == "policy/no-pack"


def test_a_day_before_all_rules_is_refused(cloud: TestCloud) -> None:
    assert cloud.get(PACK, query={"on": "1991-12-16"}).code == "policy/no-rule-in-force"


def test_a_day_that_cannot_be_is_refused(cloud: TestCloud) -> None:
    assert cloud.get(PACK, query={"on": "2026-02-30"}).code == "kezek/bad-field"
    assert cloud.get(PACK, query={"when": "2026-02-03"}).code == "kezek/bad-field"


CLUBS = "/v1/policy/packs/clubs/karaganda"


def test_a_family_reads_the_twelve_categories_and_what_a_lesson_earns(cloud: TestCloud) -> None:
    said = cloud.get(CLUBS, query={"on": "2026-10-05"}).json["rules"]

    assert [tier["order"] for tier in said["tiers"]] == list(range(1, 13))
    assert said["programme"][0]["unit"] == "lesson"
    assert {kind["code"]: kind["queued"] for kind in said["voucher_kinds"]} == {
        "universal": True,
        "target": False,
    }
    hour = [r for r in said["rates"] if (r["kind"], r["hours"]) == ("sport", "60")]
    assert {(r["locality"], r["rate_tiyn"], r["cap_tiyn"]) for r in hour} == {
        ("urban", 150_000, 1_800_000),
        ("rural", 150_000, 1_800_000),
    }
    assert said["interleave"] == []


def test_nothing_public_says_why_a_child_is_in_the_protected_category(cloud: TestCloud) -> None:
    text = cloud.get(CLUBS, query={"on": "2026-10-05"}).text.lower()

    for word in ("девиант", "полици", "трудной жизнен", "deviant", "police", "difficult life"):
        assert word not in text, word
