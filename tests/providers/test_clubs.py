"""Clubs over HTTP: directions, votes, objections, papers, teachers; each no down to its code."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from infra.local.testing import Said
from tests.providers.clubs import (
    ALL_THERE,
    CENTRE,
    MEMBERS,
    NO_CAMERAS,
    NO_FIRST_AID,
    ClubTown,
    checklist_body,
    imported_group,
)
from tests.providers.town import GROUP, ORG, REASON, SITE, Town, measure_body, ok


def no(said: Said, status: int, code: str) -> Any:
    """Return the problem of a request that must be refused so."""
    assert (said.status, said.code) == (status, code), said.text
    return said.json


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


# --- what a club is -----------------------------------------------------------------------------


def test_a_club_shows_its_direction_place_on_the_map_and_sen_conditions(city: ClubTown) -> None:
    ok(city.organisation())
    site = ok(city.site(sen_conditions=True))

    assert (site["direction"], site["location"], site["sen_conditions"]) == ("sport", CENTRE, True)
    moved = ok(city.site(location={"lat": 49.8123456, "lon": 73}, replaces=1))
    assert moved["location"] == {"lat": 49.812346, "lon": 73.0}


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"direction": ""}, "providers/direction-needed"),
        ({"direction": "music"}, "providers/direction-needed"),
        ({"form": "mini-centre"}, "policy/unknown-form"),
        ({"location": {"lat": 39.9, "lon": 73.1}}, "providers/bad-location"),
        ({"location": {"lat": 49.8, "lon": 88.1}}, "providers/bad-location"),
        ({"location": {"lat": 73.1, "lon": 49.8}}, "providers/bad-location"),
        ({"location": {"lat": "49.8", "lon": 73.1}}, "kezek/bad-field"),
        ({"location": {"lat": 49.8}}, "kezek/bad-field"),
    ],
)
def test_a_club_that_cannot_be_is_refused(city: ClubTown, said: dict[str, Any], code: str) -> None:
    ok(city.organisation())

    problem = no(city.site(**said), 400, code)

    if code == "providers/direction-needed":
        assert problem["known"] == ["creative", "education", "sport"]


def test_a_kindergarten_has_no_direction(town: Town) -> None:
    ok(town.organisation())

    no(town.site(direction="sport"), 400, "providers/no-directions")
    no(town.site(form="other"), 400, "policy/unknown-form")
    assert ok(town.site())["direction"] == ""


def test_a_direction_is_chosen_once(city: ClubTown) -> None:
    ok(city.organisation())
    ok(city.site())

    no(city.site(direction="creative", replaces=1), 409, "kezek/another-content")


# --- officers of a direction --------------------------------------------------------------------


@pytest.mark.parametrize("who", ["culture", "undirected", "far-officer"])
def test_officers_of_another_direction_meet_no_such_club_b1(city: ClubTown, who: str) -> None:
    city.submitted()

    theirs = no(city.put(who, f"sites/{SITE}/check", {"result": "complete"}), 404, "kezek/unknown")
    nobodys = no(
        city.put(who, "sites/site-nobody/check", {"result": "complete"}), 404, "kezek/unknown"
    )

    assert theirs == nobodys
    no(city.get(who, f"sites/{SITE}"), 404, "kezek/unknown")
    no(city.get(who, f"organisations/{ORG}"), 404, "kezek/unknown")
    if who != "far-officer":
        assert ok(city.get(who, "sites", programme="clubs"))["items"] == []


def test_a_member_of_another_directions_commission_does_not_vote(city: ClubTown) -> None:
    city.in_check()

    no(city.vote("culture-member"), 404, "kezek/unknown")
    no(city.vote("culture-member", step="objection-answer"), 404, "kezek/unknown")


def test_who_names_no_programme_sees_the_sites_of_all(city: ClubTown) -> None:
    city.submitted()

    for who, query in (("head", {}), ("department", {}), ("auditor", {"area": "karaganda"})):
        page = ok(city.get(who, "sites", **query))
        assert [site["site_id"] for site in page["items"]] == [SITE]
    assert ok(city.get("head", "sites", programme="preschool"))["items"] == []


def test_an_officer_sees_the_clubs_of_their_direction(city: ClubTown) -> None:
    city.submitted()
    ok(city.site("site-dombra-1", direction="creative", name="Домбыра"))

    def ids(who: str, **query: str) -> list[str]:
        page = ok(city.get(who, "sites", programme="clubs", **query))
        return [site["site_id"] for site in page["items"]]

    assert ids("department") == [SITE]
    assert ids("culture") == ["site-dombra-1"]
    assert ids("all-directions") == [SITE, "site-dombra-1"]
    assert ids("all-directions", direction="creative") == ["site-dombra-1"]
    assert ids("department", direction="creative") == []
    assert ids("undirected") == []
    assert ids("m1") == [SITE]
    assert ids("auditor", area="karaganda") == [SITE, "site-dombra-1"]


# --- groups -------------------------------------------------------------------------------------


def test_a_group_teaches_its_activity_and_says_its_hours(city: ClubTown) -> None:
    ok(city.organisation())
    ok(city.site())

    group = ok(city.group(sen=True, capacity=6))

    assert (group["kind"], group["hours"], group["activity"]) == ("sport", "60", "judo")
    assert (group["sen"], group["times"]) == (True, [])
    assert ok(city.group(sen=True, capacity=6)) == group


@pytest.mark.parametrize(
    ("said", "code", "facts"),
    [
        ({"kind": "creative", "activity": "dance"}, "providers/other-direction", {}),
        ({"kind": "general"}, "policy/unknown-kind", {}),
        ({"hours": "50"}, "policy/unknown-hours", {}),
        ({"hours": "10.5"}, "policy/unknown-hours", {}),
        ({"activity": "dance"}, "policy/unknown-activity", {}),
        ({"activity": ""}, "policy/unknown-activity", {}),
        ({"activity": "curling"}, "policy/unknown-activity", {}),
        (
            {"age_from": 6},
            "providers/below-activity-age",
            {"activity": "judo", "least": 7, "age_from": 6},
        ),
        (
            {"activity": "boxing", "age_from": 9, "age_to": 12},
            "providers/below-activity-age",
            {"activity": "boxing", "least": 10, "age_from": 9},
        ),
        ({"age_to": 18}, "providers/above-activity-age", {"most": 17, "age_to": 18}),
        ({"age_from": 12}, "providers/bad-ages", {"oldest": 17}),
        ({"activity": "DANCE"}, "kezek/bad-field", {}),
    ],
)
def test_a_group_that_its_club_cannot_teach_is_refused(
    city: ClubTown, said: dict[str, Any], code: str, facts: dict[str, Any]
) -> None:
    ok(city.organisation())
    ok(city.site())

    problem = no(city.group(**said), 400, code)

    assert {name: problem[name] for name in facts} == facts


def test_a_kindergartens_group_names_no_activity(town: Town) -> None:
    town.described()

    no(town.group(activity="judo"), 400, "policy/unknown-activity")
    no(town.group(kind="sport"), 400, "policy/unknown-kind")
    no(town.group(hours="60"), 400, "policy/unknown-hours")


def test_with_children_in_it_a_group_keeps_its_activity(city: ClubTown) -> None:
    from datetime import date

    from chalicelib.providers import rules, store
    from chalicelib.storage.commit import commit

    city.listed()
    ok(city.group())
    kept = store.load_group(GROUP)
    held = rules.take_seat(kept.value, "voucher-1", "used", date(2026, 3, 2))
    commit([store.keep_group(kept, held)])

    no(city.group(activity="football", replaces=1), 409, "providers/group-fixed")
    no(city.group(sen=True, replaces=1), 409, "providers/group-fixed")
    ok(city.group(name="Дзюдо", replaces=1))


# --- the checklist of a direction ---------------------------------------------------------------


def test_each_direction_has_its_checklist(city: ClubTown) -> None:
    ok(city.organisation())
    ok(city.site())
    ok(city.site("site-dombra-1", direction="creative"))
    sport, creative = checklist_body("sport"), checklist_body("creative")

    problem = no(
        city.put("head", "sites/site-dombra-1/submission", sport), 400, "providers/unknown-item"
    )
    assert problem["item"] in {"first-aid", "age-by-sport", "coach-licence", "cameras"}
    without = checklist_body("sport", first_aid=None)
    problem = no(
        city.put("head", f"sites/{SITE}/submission", without), 409, "providers/checklist-unmet"
    )
    assert problem["missing"] == ["first-aid"]
    too_long = checklist_body("sport", tax_debt={"valid_to": "2026-06-01"})
    problem = no(
        city.put("head", f"sites/{SITE}/submission", too_long), 400, "providers/paper-too-long"
    )
    assert (problem["item"], problem["latest"]) == ("tax-debt", "2026-05-31")
    ok(city.put("head", f"sites/{SITE}/submission", sport))
    ok(city.put("head", "sites/site-dombra-1/submission", creative))


def test_a_club_that_is_on_no_map_is_not_handed_in(city: ClubTown) -> None:
    ok(city.organisation())
    ok(city.site(location=None))

    problem = no(
        city.put("head", f"sites/{SITE}/submission", checklist_body()),
        409,
        "providers/checklist-unmet",
    )

    assert problem["missing"] == ["address-on-map"]
    ok(city.site(replaces=1))
    city.hand_in()


def test_a_correction_cites_the_checklist_of_the_direction(city: ClubTown) -> None:
    city.submitted()
    path = f"sites/{SITE}/check"
    of_others = [{"rule": "teaching-programme", "evidence": "no programme"}]

    no(
        city.put("department", path, {"result": "correction", "reasons": of_others}),
        400,
        "providers/unknown-item",
    )
    back = ok(city.put("department", path, {"result": "correction", "reasons": [NO_FIRST_AID]}))
    assert back["proceedings"]["to_correct"] == [NO_FIRST_AID]


# --- the commission's vote ----------------------------------------------------------------------


def test_three_of_five_decide_and_the_department_lists(city: ClubTown) -> None:
    city.in_check()

    first = ok(city.vote("m1"))
    second = ok(city.vote("m2", "refuse", NO_CAMERAS))
    assert [s["proceedings"]["decided"] for s in (first, second)] == [None, None]
    assert [s["proceedings"]["voted"] for s in (first, second)] == [1, 2]
    no(
        city.put("department", f"sites/{SITE}/listing", {"act": "1-Ө"}),
        409,
        "providers/not-decided",
    )
    third = ok(city.vote("m3"))

    assert (third["state"], third["proceedings"]["decided"]) == ("in-check", "admit")
    ok(city.put("department", f"sites/{SITE}/listing", {"act": "1-Ө"}))


def test_votes_are_hidden_until_the_decision_and_then_shown_without_their_authors(
    city: ClubTown,
) -> None:
    city.in_check()
    ok(city.vote("m1"))
    ok(city.vote("m2", "refuse", NO_FIRST_AID))

    for who in ("head", "m3", "department"):
        before = ok(city.get(who, f"sites/{SITE}"))["proceedings"]
        assert (before["voted"], before["votes"], before["reasons"]) == (2, [], [])
    ok(city.vote("m3", "refuse", NO_FIRST_AID, NO_CAMERAS))
    seen = ok(city.get("head", f"sites/{SITE}"))

    votes = seen["proceedings"]["votes"]
    assert [(v["member"], v["result"], v["reasons"]) for v in votes] == [
        (1, "admit", [ALL_THERE]),
        (2, "refuse", [NO_FIRST_AID]),
        (3, "refuse", [NO_FIRST_AID, NO_CAMERAS]),
    ]
    assert seen["proceedings"]["reasons"] == [NO_FIRST_AID, NO_CAMERAS]
    assert not any(f'"{member}"' in city.get("head", f"sites/{SITE}").text for member in MEMBERS)


def test_a_member_votes_once_and_the_same_again_changes_nothing_a1_a2(city: ClubTown) -> None:
    city.in_check()
    first = ok(city.vote("m1"))
    before = city.cloud.tables.effects()

    assert ok(city.vote("m1")) == first
    no(city.vote("m1", "refuse", NO_CAMERAS), 409, "kezek/another-content")
    no(city.vote("m1", "admit", NO_CAMERAS), 409, "kezek/another-content")

    assert city.cloud.tables.effects() == before
    ok(city.vote("m2"))
    ok(city.vote("m3"))
    assert ok(city.vote("m1"))["proceedings"]["decided"] == "admit"


def test_after_the_decision_nobody_votes(city: ClubTown) -> None:
    city.admitted()

    problem = no(city.vote("m4"), 409, "providers/wrong-state")

    assert (problem["step"], problem["state"]) == ("decision", "in-check")


@pytest.mark.parametrize(
    ("reasons", "code"),
    [
        ([], "providers/reason-needed"),
        ([{"rule": "first-aid", "evidence": "  "}], "providers/reason-needed"),
    ],
)
def test_a_vote_to_refuse_cites_rules_and_evidence(
    city: ClubTown, reasons: list[dict[str, str]], code: str
) -> None:
    city.in_check()

    no(city.vote("m1", "refuse", *reasons), 400, code)
    no(city.vote("m1", attempt=2), 409, "providers/wrong-state")


def test_a_vote_to_admit_of_a_commission_of_several_has_its_reasons_too(city: ClubTown) -> None:
    city.in_check()
    path = f"sites/{SITE}/decision"

    no(city.put("m1", path, {"result": "admit"}), 400, "providers/reason-needed")
    ok(city.put("m1", path, {"result": "admit", "reasons": [ALL_THERE]}))


def test_nobody_who_voted_lists_whatever_they_voted(city: ClubTown) -> None:
    city.in_check()
    voting, listing = (
        city.cloud.token(role, "both", areas=["karaganda"], directions=["sport"])
        for role in ("commission", "department")
    )
    path = city.everyone(f"sites/{SITE}")
    against = {"result": "refuse", "reasons": [NO_CAMERAS]}
    ok(city.cloud.put(f"{path}/decision", against, token=voting))
    for member in MEMBERS[:2]:
        ok(city.vote(member))

    no(
        city.cloud.put(f"{path}/listing", {"act": "1-Ө"}, token=listing),
        403,
        "providers/second-person",
    )
    ok(city.put("department", f"sites/{SITE}/listing", {"act": "1-Ө"}))


# --- objection ----------------------------------------------------------------------------------

CLAIM = {"rule": "first-aid", "evidence": "the new certificate is of 1 March"}


def _object(city: ClubTown, who: str = "head", **said: Any) -> Said:
    return city.put(who, f"sites/{SITE}/objection", {"reasons": [CLAIM], **said})


def test_an_objection_brings_the_refusal_before_the_commission_again(city: ClubTown) -> None:
    city.refused()
    refused = ok(city.get("head", f"sites/{SITE}"))["proceedings"]
    assert refused["object_by"] == "2026-03-10T19:00:00.000000Z"  # 5 working days, 9 March is off

    objected = ok(_object(city))
    assert ok(_object(city)) == objected
    assert objected["state"] == "in-check"
    assert objected["proceedings"]["due_at"] == "2026-03-17T19:00:00.000000Z"
    for member in MEMBERS[2:]:
        ok(city.vote(member, step="objection-answer"))
    answered = ok(city.get("head", f"sites/{SITE}"))

    assert (answered["state"], answered["proceedings"]["decided"]) == ("in-check", "admit")
    objection = answered["proceedings"]["objection"]
    assert (objection["result"], objection["reasons"]) == ("admit", [CLAIM])
    assert objection["refused_for"] == [NO_FIRST_AID, NO_CAMERAS]
    assert [vote["result"] for vote in objection["votes"]] == ["admit", "refuse", "refuse"]
    ok(city.put("department", f"sites/{SITE}/listing", {"act": "1-Ө"}))


def test_the_answer_to_an_objection_is_the_last_word_but_the_club_may_apply_again(
    city: ClubTown,
) -> None:
    city.refused()
    ok(_object(city))
    for member in MEMBERS[:3]:
        ok(city.vote(member, "refuse", NO_CAMERAS, step="objection-answer"))
    seen = ok(city.get("head", f"sites/{SITE}"))

    assert (seen["state"], seen["proceedings"]["object_by"]) == ("refused", None)
    no(_object(city, reasons=[REASON]), 409, "kezek/another-content")
    assert ok(_object(city))["state"] == "refused"  # the same again: as it stands
    city.hand_in(attempt=2)
    assert ok(city.get("head", f"sites/{SITE}"))["proceedings"]["objection"] is None
    no(_object(city, attempt=2), 409, "providers/wrong-state")


def test_an_objection_out_of_time_or_turn_is_refused(city: ClubTown) -> None:
    city.in_check()
    no(_object(city), 409, "providers/wrong-state")
    ok(city.vote("m1", "refuse", NO_FIRST_AID))
    ok(city.vote("m2", "refuse", NO_FIRST_AID))
    ok(city.vote("m3", "refuse", NO_FIRST_AID))

    no(city.vote("m4", step="objection-answer"), 409, "providers/wrong-state")
    no(_object(city, reasons=[]), 400, "providers/reason-needed")
    no(_object(city, attempt=2), 409, "providers/wrong-state")
    no(_object(city, who="stranger"), 404, "kezek/unknown")
    no(_object(city, who="department"), 403, "kezek/not-your-role")
    city.at(at("2026-03-10T19:00:00Z"))
    problem = no(_object(city), 409, "providers/objection-late")
    assert problem["due_at"] == "2026-03-10T19:00:00.000000Z"


def test_a_changed_club_applies_again_instead_of_objecting(city: ClubTown) -> None:
    city.refused()
    changed = ok(city.site(address="Қарағанды, Абай көшесі, 2", replaces=1))

    assert changed["proceedings"]["object_by"] is None
    no(_object(city), 409, "providers/wrong-state")
    city.hand_in(attempt=2)


def test_an_objection_is_answered_by_its_own_votes(city: ClubTown) -> None:
    city.refused()
    ok(_object(city))

    no(city.vote("m4"), 409, "providers/wrong-state")
    ok(city.vote("m1", "refuse", NO_CAMERAS, step="objection-answer"))
    assert ok(city.get("head", f"sites/{SITE}"))["proceedings"]["voted"] == 1
    no(city.vote("m1", step="objection-answer"), 409, "kezek/another-content")
    no(city.vote("m2", "refuse", step="objection-answer"), 400, "providers/reason-needed")
    no(
        city.put("department", f"sites/{SITE}/objection-answer", {"result": "admit"}),
        403,
        "kezek/not-your-role",
    )
    no(
        city.put("head", f"sites/{SITE}/submission", checklist_body(attempt=2)),
        409,
        "providers/wrong-state",
    )


def test_what_the_clock_refused_is_not_objected_to(city: ClubTown) -> None:
    from chalicelib.kernel.actors import system
    from chalicelib.providers import actions

    city.submitted()
    ok(
        city.put(
            "department",
            f"sites/{SITE}/check",
            {"result": "correction", "reasons": [NO_FIRST_AID]},
        )
    )
    late = at("2026-03-10T19:00:00+00:00")
    assert actions.lapse_correction(SITE, by=system("deadlines"), now=late)

    no(_object(city), 409, "providers/wrong-state")


def test_preschool_objects_in_the_same_way(town: Town) -> None:
    town.in_check()
    path = f"sites/{SITE}"
    ok(town.put("commission", f"{path}/decision", {"result": "refuse", "reasons": [REASON]}))
    ok(town.put("head", f"{path}/objection", {"reasons": [REASON]}))

    answered = ok(town.put("commission", f"{path}/objection-answer", {"result": "admit"}))

    assert answered["proceedings"]["decided"] == "admit"
    ok(town.put("department", f"{path}/listing", {"act": "1-Ө"}))


# --- papers on the List -------------------------------------------------------------------------


def _renew(city: ClubTown, item: str = "first-aid", who: str = "head", **said: Any) -> Said:
    body = {"document": "KZ-8", "valid_to": "2027-03-01", **said}
    return city.put(who, f"sites/{SITE}/documents/{item}", body)


def test_a_paper_is_renewed_on_top_of_what_was_read(city: ClubTown) -> None:
    city.listed()

    no(_renew(city), 409, "kezek/another-content")
    renewed = ok(_renew(city, replaces=1))
    shown = {item["item"]: item for item in renewed["proceedings"]["checklist"]}

    assert shown["first-aid"]["valid_to"] == "2027-03-01"
    assert shown["first-aid"]["renewed_at"] == "2026-03-02T04:00:00.000000Z"
    assert shown["fire-safety"]["renewed_at"] is None
    assert renewed["proceedings"]["revision"] == 2
    before = city.cloud.tables.effects()
    assert ok(_renew(city, replaces=1)) == renewed
    assert city.cloud.tables.effects() == before
    problem = no(_renew(city, document="KZ-9", replaces=1), 409, "providers/changed-meanwhile")
    assert problem["revision"] == 2


@pytest.mark.parametrize(
    ("item", "said", "status", "code"),
    [
        ("first-aid", {"valid_to": "2026-03-01"}, 409, "providers/checklist-unmet"),
        ("first-aid", {"valid_to": None}, 409, "providers/checklist-unmet"),
        ("first-aid", {"state": "in-progress"}, 409, "providers/checklist-unmet"),
        # It may be in progress at first; once it was there, it would be watched no more.
        ("sanitary-conclusion", {"state": "in-progress"}, 409, "providers/checklist-unmet"),
        ("first-aid", {"valid_to": "2027-03-03"}, 400, "providers/paper-too-long"),
        ("tax-debt", {"valid_to": "2026-06-01"}, 400, "providers/paper-too-long"),
        ("teaching-programme", {}, 400, "providers/unknown-item"),
        ("swimming-pool", {}, 400, "providers/unknown-item"),
        ("first-aid", {"document": ""}, 400, "kezek/bad-field"),
    ],
)
def test_a_paper_that_is_no_better_is_refused(
    city: ClubTown, item: str, said: dict[str, Any], status: int, code: str
) -> None:
    city.listed()

    no(_renew(city, item, replaces=1, **said), status, code)


def test_a_paper_in_progress_is_brought_later_and_watched_from_then_on(city: ClubTown) -> None:
    ok(city.organisation())
    ok(city.site())
    city.hand_in(sanitary_conclusion={"state": "in-progress", "valid_to": None})
    ok(city.put("department", f"sites/{SITE}/check", {"result": "complete"}))
    for member in MEMBERS[:3]:
        ok(city.vote(member))
    ok(city.put("department", f"sites/{SITE}/listing", {"act": "1-Ө"}))

    renewed = ok(_renew(city, "sanitary-conclusion", valid_to="2026-12-31", replaces=1))

    shown = {item["item"]: item for item in renewed["proceedings"]["checklist"]}
    assert (shown["sanitary-conclusion"]["state"], shown["sanitary-conclusion"]["valid_to"]) == (
        "ready",
        "2026-12-31",
    )


def test_papers_are_renewed_by_the_head_of_a_listed_club_only(city: ClubTown) -> None:
    city.submitted()

    no(_renew(city, replaces=1), 409, "providers/site-fixed")
    no(_renew(city, who="stranger", replaces=1), 404, "kezek/unknown")
    no(_renew(city, who="department", replaces=1), 403, "kezek/not-your-role")


def test_a_club_whose_paper_is_over_is_reinstated_once_it_is_renewed(city: ClubTown) -> None:
    ok(city.organisation())
    ok(city.site())
    city.hand_in(first_aid={"valid_to": "2026-05-01"})
    ok(city.put("department", f"sites/{SITE}/check", {"result": "complete"}))
    for member in MEMBERS[:3]:
        ok(city.vote(member))
    ok(city.put("department", f"sites/{SITE}/listing", {"act": "1-Ө"}))
    city.at(at("2026-05-05T04:00:00Z"))
    ok(city.put("department", f"sites/{SITE}/suspension", measure_body("2-Ө")))

    problem = no(
        city.put("department", f"sites/{SITE}/reinstatement", measure_body("3-Ө")),
        409,
        "providers/checklist-unmet",
    )
    assert problem["expired"] == ["first-aid"]
    ok(_renew(city, replaces=1))
    ok(city.put("department", f"sites/{SITE}/reinstatement", measure_body("3-Ө")))


def test_the_yearly_recheck_wants_papers_in_force(city: ClubTown) -> None:
    city.listed()
    city.at(at("2027-02-10T04:00:00Z"))
    ok(_renew(city, valid_to="2027-02-11", replaces=1))
    ok(_renew(city, "tax-debt", valid_to="2027-05-01", replaces=2))
    city.at(at("2027-02-12T04:00:00Z"))

    no(
        city.put("department", f"sites/{SITE}/listing", {"act": "2-Ө"}),
        409,
        "providers/checklist-unmet",
    )
    ok(_renew(city, valid_to="2028-01-31", replaces=3))
    renewed = ok(city.put("department", f"sites/{SITE}/listing", {"act": "2-Ө"}))
    assert renewed["valid_to"] == "2028-03-01"


# --- teachers -----------------------------------------------------------------------------------

AIGUL = {"name": "Айгүл Серік", "education": "КарГУ, дене шынықтыру", "experience_years": 12}
ERLAN = {"name": "Ерлан Қасым", "education": "Спорт колледжі", "experience_years": 0}


def _teachers(city: ClubTown, *teachers: Any, who: str = "head", **said: Any) -> Said:
    return city.put(who, f"sites/{SITE}/teachers", {"teachers": list(teachers), **said})


def test_teachers_are_published_and_everybody_reads_them(city: ClubTown) -> None:
    city.listed()

    first = ok(_teachers(city, AIGUL, ERLAN))
    assert ok(_teachers(city, AIGUL, ERLAN)) == first
    assert ok(city.get(None, f"sites/{SITE}"))["teachers"] == [AIGUL, ERLAN]
    no(_teachers(city, ERLAN), 409, "kezek/another-content")
    no(_teachers(city, ERLAN, replaces=2), 409, "providers/changed-meanwhile")
    changed = ok(_teachers(city, ERLAN, replaces=1))

    assert (changed["teachers"], changed["teachers_revision"]) == ([ERLAN], 2)
    assert ok(_teachers(city, replaces=2))["teachers"] == []
    assert ok(city.get(None, f"sites/{SITE}"))["teachers"] == []


@pytest.mark.parametrize(
    "said",
    [
        {"name": ""},
        {"name": "<b>Айгүл</b>"},
        {"education": ""},
        {"experience_years": -1},
        {"experience_years": 71},
        {"experience_years": "12"},
        {"iin": "991231500006"},
    ],
)
def test_a_teacher_that_cannot_be_read_is_refused(city: ClubTown, said: dict[str, Any]) -> None:
    ok(city.organisation())
    ok(city.site())

    no(_teachers(city, {**AIGUL, **said}), 400, "kezek/bad-field")
    no(_teachers(city, *[AIGUL] * 61), 400, "kezek/bad-field")


def test_teachers_are_the_heads_to_publish_and_not_while_the_club_is_judged(
    city: ClubTown,
) -> None:
    ok(city.organisation())
    ok(city.site())
    ok(_teachers(city, AIGUL))
    city.hand_in()

    no(_teachers(city, ERLAN, replaces=1), 409, "providers/site-fixed")
    no(_teachers(city, ERLAN, who="stranger", replaces=1), 404, "kezek/unknown")
    no(_teachers(city, ERLAN, who="department", replaces=1), 403, "kezek/not-your-role")
    no(_teachers(city, ERLAN, replaces=7), 409, "providers/changed-meanwhile")


def test_teachers_of_a_draft_are_not_for_the_public(city: ClubTown) -> None:
    ok(city.organisation())
    ok(city.site())
    ok(_teachers(city, AIGUL))

    no(city.get(None, f"sites/{SITE}"), 404, "kezek/unknown")
    assert ok(city.get("department", f"sites/{SITE}"))["teachers"] == [AIGUL]


# --- imports ------------------------------------------------------------------------------------


def test_an_imported_club_is_listed_with_its_direction_and_activities(city: ClubTown) -> None:
    club = city.imported(SITE, [imported_group(GROUP, sen=True)], sen_conditions=True)

    assert (club["state"], club["direction"], club["location"]) == ("listed", "sport", CENTRE)
    (group,) = club["groups"]
    assert (group["activity"], group["sen"], group["open"]) == ("judo", True, True)
    assert city.imported(SITE, [imported_group(GROUP, sen=True)], sen_conditions=True) == club


@pytest.mark.parametrize(
    ("said", "group", "status", "code"),
    [
        ({"direction": ""}, {}, 400, "providers/direction-needed"),
        ({"location": {"lat": 0, "lon": 0}}, {}, 400, "providers/bad-location"),
        ({"form": "mini-centre"}, {}, 400, "policy/unknown-form"),
        ({}, {"activity": "dance"}, 400, "policy/unknown-activity"),
        ({}, {"kind": "creative", "activity": "dance"}, 400, "providers/other-direction"),
        ({}, {"kind": "general"}, 400, "policy/unknown-kind"),
        ({}, {"hours": "24"}, 400, "policy/unknown-hours"),
        ({}, {"age_from": 5}, 400, "providers/below-activity-age"),
    ],
)
def test_an_imported_club_that_cannot_be_is_refused(
    city: ClubTown, said: dict[str, Any], group: dict[str, Any], status: int, code: str
) -> None:
    no(city.import_club(SITE, [imported_group(GROUP, **group)], **said), status, code)


def test_a_described_club_is_found_by_nobody_until_it_is_listed(city: ClubTown) -> None:
    ok(city.organisation())
    ok(city.site())

    assert city.found() == []
