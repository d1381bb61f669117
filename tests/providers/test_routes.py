"""Providers over HTTP: one yes, and each no, down to its code."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta
from typing import Any

import pytest

from infra.local.testing import MORNING, Said
from tests.providers.town import (
    ACCOUNT,
    BASE,
    BINS,
    GROUP,
    ORG,
    OTHER_ACCOUNT,
    REASON,
    SITE,
    Town,
    group_body,
    measure_body,
    ok,
    site_body,
    submission_body,
)


def no(said: Said, status: int, code: str) -> Any:
    """Return the problem of a request that must be refused so."""
    assert (said.status, said.code) == (status, code), said.text
    return said.json


# --- organisations ------------------------------------------------------------------------------


def test_a_head_registers_the_organisation_and_the_same_again_changes_nothing_a1(
    town: Town,
) -> None:
    first = ok(town.organisation())
    before = town.cloud.tables.effects()

    again = ok(town.organisation())

    assert again == first
    assert first["account"] == ACCOUNT
    assert first["account_state"] == "new"
    assert town.cloud.tables.effects() == before


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"bin": "050140000012"}, "kernel/bad-bin"),
        ({"account": "KZ87125KZT5004100100"}, "providers/bad-account"),
        ({"bank": "AAAADEFF"}, "providers/bad-bank"),
        ({"name": "x"}, "kezek/bad-field"),
        ({"name": "a\n"}, "kezek/bad-field"),
        ({"surprise": 1}, "kezek/bad-field"),
    ],
)
def test_an_organisation_that_cannot_be_read_is_refused(
    town: Town, said: dict[str, Any], code: str
) -> None:
    no(town.organisation(**said), 400, code)


def test_somebody_elses_organisation_is_unknown(town: Town) -> None:
    ok(town.organisation())

    no(town.organisation(who="stranger"), 404, "kezek/unknown")
    no(town.get("stranger", f"organisations/{ORG}"), 404, "kezek/unknown")
    no(town.get("far-officer", f"organisations/{ORG}"), 404, "kezek/unknown")
    no(town.get("head", "organisations/org-nobody"), 404, "kezek/unknown")


def test_a_bin_belongs_to_one_organisation(town: Town) -> None:
    ok(town.organisation())

    no(town.organisation("org-second"), 409, "providers/bin-taken")


def test_an_organisation_changes_only_on_top_of_what_was_read_a2(town: Town) -> None:
    ok(town.organisation())

    no(town.organisation(name="Басқа атау"), 409, "kezek/another-content")
    no(town.organisation(bin=BINS[1], replaces=1), 409, "kezek/another-content")
    changed = ok(town.organisation(name="Басқа атау", replaces=1))
    assert (changed["name"], changed["revision"]) == ("Басқа атау", 2)
    problem = no(
        town.organisation(name="Үшінші атау", replaces=1), 409, "providers/changed-meanwhile"
    )
    assert problem["revision"] == 2
    no(town.organisation("org-second", bin=BINS[1], replaces=1), 404, "kezek/unknown")


def test_a_changed_account_waits_for_an_officer(town: Town) -> None:
    town.listed()
    seen = ok(town.get("head", f"organisations/{ORG}"))
    assert seen["account_state"] == "confirmed"  # with the listing

    changed = ok(town.organisation(account=OTHER_ACCOUNT, replaces=1))
    path = f"organisations/{ORG}/account-confirmation"

    assert (changed["account"], changed["pending_account"]) == (ACCOUNT, OTHER_ACCOUNT)
    no(town.put("department", path, {"revision": 1}), 409, "providers/changed-meanwhile")
    no(town.put("far-officer", path, {"revision": 2}), 404, "kezek/unknown")
    no(town.put("head", path, {"revision": 2}), 403, "kezek/not-your-role")
    confirmed = ok(town.by_two(path, {"revision": 2}))
    assert (confirmed["account"], confirmed["pending_account"]) == (OTHER_ACCOUNT, None)
    assert ok(town.put("department", path, {"revision": 2})) == confirmed


def test_without_a_new_account_there_is_nothing_to_confirm(town: Town) -> None:
    town.described()

    said = town.put("department", f"organisations/{ORG}/account-confirmation", {"revision": 1})

    no(said, 409, "providers/nothing-to-confirm")


def test_an_auditor_sees_an_organisation_without_its_vault_b2(town: Town) -> None:
    town.described()

    seen = ok(town.get("auditor", f"organisations/{ORG}"))
    officer = ok(town.get("department", f"organisations/{ORG}"))

    assert seen["name"] == "Балапан балабақшасы"
    assert {seen[f] for f in ("bin", "payee", "account", "bank", "contact")} == {None}
    assert officer["account"] == ACCOUNT


# --- sites --------------------------------------------------------------------------------------


def test_a_site_is_described_once_and_changed_on_top_of_what_was_read(town: Town) -> None:
    ok(town.organisation())
    first = ok(town.site())

    assert ok(town.site()) == first
    no(town.site(name="Басқа"), 409, "kezek/another-content")
    no(town.site(area="astana", replaces=1), 409, "kezek/another-content")
    no(town.site(name="Басқа", replaces=7), 409, "providers/changed-meanwhile")
    assert ok(town.site(name="Басқа", replaces=1))["name"] == "Басқа"
    no(town.site("site-second", replaces=1), 404, "kezek/unknown")


def test_a_site_needs_an_organisation_of_ones_own_and_an_area_with_rules(town: Town) -> None:
    no(town.site(), 404, "kezek/unknown")  # not registered yet
    ok(town.organisation())

    no(town.site(area="atlantis"), 404, "policy/no-pack")
    no(town.site(who="stranger"), 404, "kezek/unknown")
    ok(town.site())
    no(
        town.put("stranger", f"sites/{SITE}", site_body(organisation_id="org-stranger")),
        404,
        "kezek/unknown",
    )


def test_what_is_being_judged_is_not_edited(town: Town) -> None:
    town.submitted()

    problem = no(town.site(name="Басқа", replaces=1), 409, "providers/site-fixed")

    assert problem["state"] == "submitted"
    no(town.group(), 409, "providers/site-fixed")


def test_the_whole_way_onto_the_list(town: Town) -> None:
    town.described()
    ok(town.group())

    ok(town.put("head", f"sites/{SITE}/submission", submission_body()))
    ok(town.put("department", f"sites/{SITE}/check", {"result": "complete"}))
    ok(town.put("commission", f"sites/{SITE}/decision", {"result": "admit"}))
    listed = ok(town.put("department", f"sites/{SITE}/listing", {"act": "1-Ө"}))

    assert (listed["state"], listed["valid_to"]) == ("listed", "2027-03-02")
    shown = ok(town.get(None, f"sites/{SITE}"))
    assert [(g["open"], g["free"]) for g in shown["groups"]] == [(True, 20)]
    assert shown["proceedings"] is None


def test_each_step_again_is_the_same_answer_and_other_content_is_refused_a1_a2(
    town: Town,
) -> None:
    town.suspended()
    steps: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
        ("head", "submission", submission_body(), submission_body(without="licence")),
        (
            "department",
            "check",
            {"result": "complete"},
            {"result": "correction", "reasons": [REASON]},
        ),
        (
            "commission",
            "decision",
            {"result": "admit"},
            {"result": "refuse", "reasons": [REASON]},
        ),
        ("department", "suspension", measure_body("2-Ө"), measure_body("2-Ө", reasons=[])),
    ]
    before = town.cloud.tables.effects()

    for who, step, same, other in steps:
        ok(town.put(who, f"sites/{SITE}/{step}", same))
        no(town.put(who, f"sites/{SITE}/{step}", other), 409, "kezek/another-content")
    ok(town.put("department", f"sites/{SITE}/listing", {"act": "1-Ө"}))

    assert town.cloud.tables.effects() == before


def test_a_checklist_with_gaps_is_refused_with_its_items(town: Town) -> None:
    town.described()

    said = town.put("head", f"sites/{SITE}/submission", submission_body(without="licence"))
    unknown = {"checklist": [{"item": "pool", "state": "ready"}]}

    assert no(said, 409, "providers/checklist-unmet")["missing"] == ["licence"]
    no(town.put("head", f"sites/{SITE}/submission", unknown), 400, "providers/unknown-item")
    no(
        town.put("head", f"sites/{SITE}/submission", submission_body(attempt=2)),
        409,
        "providers/wrong-state",
    )


def test_one_correction_and_then_the_commission(town: Town) -> None:
    town.submitted()
    path = f"sites/{SITE}/check"
    correction = {"result": "correction", "reasons": [REASON]}

    no(town.put("department", path, {"result": "correction"}), 400, "providers/reason-needed")
    no(
        town.put(
            "department", path, {**correction, "reasons": [{"rule": "mood", "evidence": "x"}]}
        ),
        400,
        "providers/unknown-item",
    )
    back = ok(town.put("department", path, correction))
    assert back["state"] == "draft"
    assert back["proceedings"]["to_correct"] == [REASON]
    assert back["proceedings"]["due_at"] == "2026-03-10T19:00:00.000000Z"  # 9 March is a day off

    ok(town.put("head", f"sites/{SITE}/submission", submission_body(attempt=2)))
    no(
        town.put("department", path, {**correction, "attempt": 2}),
        409,
        "providers/correction-used",
    )
    ok(town.put("department", path, {"result": "complete", "attempt": 2}))


def test_a_late_correction_is_refused(town: Town) -> None:
    town.submitted()
    ok(town.put("department", f"sites/{SITE}/check", {"result": "correction", "reasons": [REASON]}))
    town.at(datetime.fromisoformat("2026-03-10T19:00:00Z"))

    said = town.put("head", f"sites/{SITE}/submission", submission_body(attempt=2))

    no(said, 409, "providers/correction-late")


def test_a_refusal_cites_rule_and_evidence_and_the_site_applies_again(town: Town) -> None:
    town.in_check()
    path = f"sites/{SITE}/decision"

    no(town.put("commission", path, {"result": "refuse"}), 400, "providers/reason-needed")
    blank = {"result": "refuse", "reasons": [{"rule": "licence", "evidence": " "}]}
    no(town.put("commission", path, blank), 400, "providers/reason-needed")
    refused = ok(town.put("commission", path, {"result": "refuse", "reasons": [REASON]}))

    assert refused["state"] == "refused"
    assert refused["proceedings"]["reasons"] == [REASON]
    again = ok(town.put("head", f"sites/{SITE}/submission", submission_body(attempt=2)))
    assert again["state"] == "submitted"


@pytest.mark.parametrize(
    ("who", "step", "body"),
    [
        ("department", "check", {"result": "complete"}),
        ("commission", "decision", {"result": "admit"}),
        ("department", "listing", {"act": "1-Ө"}),
        ("department", "suspension", measure_body("2-Ө")),
        ("department", "reinstatement", measure_body("3-Ө")),
        ("department", "removal", measure_body("4-Ө", planned_transfer=True)),
    ],
)
def test_a_step_out_of_turn_is_refused(
    town: Town, who: str, step: str, body: dict[str, Any]
) -> None:
    town.described()

    no(town.put(who, f"sites/{SITE}/{step}", body), 409, "providers/wrong-state")


@pytest.mark.parametrize(
    ("step", "body", "foreign", "wrong_role"),
    [
        ("submission", submission_body(), "stranger", "department"),
        ("check", {"result": "complete"}, "far-officer", "head"),
        ("decision", {"result": "admit"}, "far-commission", "department"),
        ("listing", {"act": "1-Ө"}, "far-officer", "commission"),
        ("suspension", measure_body("2-Ө"), "far-officer", "auditor"),
        ("reinstatement", measure_body("3-Ө"), "far-officer", "head"),
        ("removal", measure_body("4-Ө"), "far-officer", "representative"),
    ],
)
def test_a_step_on_a_foreign_site_is_as_one_on_no_site_b1(
    town: Town, step: str, body: dict[str, Any], foreign: str, wrong_role: str
) -> None:
    town.described()

    theirs = no(town.put(foreign, f"sites/{SITE}/{step}", body), 404, "kezek/unknown")
    nobodys = no(town.put(foreign, f"sites/site-nobody/{step}", body), 404, "kezek/unknown")

    assert theirs == nobodys
    no(town.put(wrong_role, f"sites/{SITE}/{step}", body), 403, "kezek/not-your-role")
    no(town.cloud.put(f"{BASE}/sites/{SITE}/{step}", body), 401, "kezek/sign-in")


def test_nobody_lists_what_they_decided(town: Town) -> None:
    town.in_check()
    area = {"areas": ["taldykorgan"]}
    voter = town.cloud.token("commission", "both", **area)
    lister = town.cloud.token("department", "both", **area)
    path = f"{BASE}/sites/{SITE}"

    no(
        town.put("department", f"sites/{SITE}/listing", {"act": "1-Ө"}),
        409,
        "providers/not-decided",
    )
    ok(town.cloud.put(f"{path}/decision", {"result": "admit"}, token=voter))

    no(
        town.cloud.put(f"{path}/listing", {"act": "1-Ө"}, token=lister),
        403,
        "providers/second-person",
    )
    ok(town.put("department", f"sites/{SITE}/listing", {"act": "1-Ө"}))


def test_a_listed_site_is_listed_again_only_near_its_end(town: Town) -> None:
    town.listed()

    problem = no(
        town.put("department", f"sites/{SITE}/listing", {"act": "9-Ө"}), 409, "providers/too-early"
    )

    assert problem["from_on"] == "2027-01-31"
    town.at(datetime.fromisoformat("2027-01-31T04:00:00Z"))
    renewed = ok(town.put("department", f"sites/{SITE}/listing", {"act": "9-Ө"}))
    assert renewed["valid_to"] == "2028-03-01"


def test_suspension_closes_choices_and_reinstatement_opens_them(town: Town) -> None:
    town.listed()
    ok(town.group())

    no(
        town.put("department", f"sites/{SITE}/suspension", measure_body("2-Ө", reasons=[])),
        400,
        "providers/reason-needed",
    )
    suspended = ok(town.put("department", f"sites/{SITE}/suspension", measure_body("2-Ө")))
    assert suspended["transition_until"] == "2026-04-01"
    assert ok(town.get(None, "catalogue", area="taldykorgan"))["items"] == []
    (figure,) = ok(town.get(None, "figures", area="taldykorgan"))["items"]
    assert (figure["free"], figure["closed"], figure["reason"]) == (0, 20, "suspended")

    ok(town.put("department", f"sites/{SITE}/reinstatement", measure_body("3-Ө", reasons=[])))
    (offer,) = ok(town.get(None, "catalogue", area="taldykorgan"))["items"]
    assert offer["free"] == 20


def test_removal_waits_for_the_transition_or_a_planned_transfer(town: Town) -> None:
    town.suspended()
    path = f"sites/{SITE}/removal"

    problem = no(
        town.put("department", path, measure_body("4-Ө")), 409, "providers/transition-running"
    )
    assert problem["transition_until"] == "2026-04-01"
    no(
        town.put("department", path, measure_body("4-Ө", reasons=[], planned_transfer=True)),
        400,
        "providers/reason-needed",
    )
    town.at(MORNING + timedelta(days=31))
    assert ok(town.by_two(path, measure_body("4-Ө")))["state"] == "removed"
    no(town.get(None, f"sites/{SITE}"), 404, "kezek/unknown")


# --- who sees which site ------------------------------------------------------------------------


def test_a_draft_is_seen_by_its_head_and_officers_only(town: Town) -> None:
    town.described()

    for who in ("head", "department", "commission", "auditor", "everywhere"):
        assert ok(town.get(who, f"sites/{SITE}"))["proceedings"] is not None
    for stranger in ("stranger", "far-officer", "representative", None):
        no(town.get(stranger, f"sites/{SITE}"), 404, "kezek/unknown")


def test_sites_are_listed_by_role_area_and_state(town: Town) -> None:
    town.described()
    ok(town.site("site-zhuldyz", name="Жұлдыз"))

    def ids(who: str, **query: str) -> list[str]:
        return [site["site_id"] for site in ok(town.get(who, "sites", **query))["items"]]

    assert ids("head") == [SITE, "site-zhuldyz"]
    assert ids("department") == [SITE, "site-zhuldyz"]
    assert ids("department", state="listed") == []
    assert ids("auditor", area="taldykorgan", state="draft") == [SITE, "site-zhuldyz"]
    assert ids("far-officer") == []
    assert ids("stranger") == []
    no(town.get("auditor", "sites"), 400, "providers/area-needed")
    no(town.get("department", "sites", area="astana"), 404, "kezek/unknown")
    no(town.get("department", "sites", state="lost"), 400, "kezek/bad-field")
    no(town.get("representative", "sites"), 403, "kezek/not-your-role")


def test_sites_page_by_a_cursor_that_nobody_else_can_use_c3(town: Town) -> None:
    town.described()
    ok(town.site("site-zhuldyz", name="Жұлдыз"))

    first = ok(town.get("head", "sites", limit="1"))
    second = ok(town.get("head", "sites", limit="1", cursor=first["next_cursor"]))

    assert [s["site_id"] for s in first["items"] + second["items"]] == [SITE, "site-zhuldyz"]
    assert second["next_cursor"] is None
    stolen = town.get("department", "sites", cursor=first["next_cursor"])
    no(stolen, 400, "kezek/bad-cursor")


# --- groups -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "status", "code"),
    [
        ({"capacity": 0}, 400, "providers/bad-capacity"),
        ({"capacity": 41}, 400, "providers/bad-capacity"),
        ({"age_from": 5, "age_to": 4}, 400, "providers/bad-ages"),
        ({"age_to": 9}, 400, "providers/bad-ages"),
        ({"academic_year": 2030}, 400, "providers/bad-year"),
        ({"language": "en"}, 400, "kezek/bad-field"),
        ({"site_id": "site!!!!!"}, 400, "kernel/bad-id"),
        ({"site_id": "site-nobody"}, 404, "kezek/unknown"),
        ({"replaces": 1}, 404, "kezek/unknown"),
    ],
)
def test_a_group_that_cannot_be_is_refused(
    town: Town, said: dict[str, Any], status: int, code: str
) -> None:
    town.described()

    no(town.group(**said), status, code)


def test_a_group_changes_on_top_of_what_was_read_and_is_its_heads_alone(town: Town) -> None:
    town.listed()
    first = ok(town.group())

    assert ok(town.group()) == first
    no(town.group(capacity=10), 409, "kezek/another-content")
    assert ok(town.group(capacity=10, replaces=1))["places"] == 10
    no(town.group(capacity=11, replaces=1), 409, "providers/changed-meanwhile")
    no(town.group(who="stranger"), 404, "kezek/unknown")
    no(town.put("department", f"groups/{GROUP}", group_body()), 403, "kezek/not-your-role")


def test_somebody_elses_group_is_unknown_even_under_ones_own_site_b1(town: Town) -> None:
    town.listed()
    ok(town.group())
    theirs = "org-stranger"
    ok(town.organisation(theirs, who="stranger", bin=BINS[1]))
    ok(town.site("site-stranger", who="stranger", organisation_id=theirs))

    said = town.group(who="stranger", site_id="site-stranger", replaces=1)

    no(said, 404, "kezek/unknown")


def test_a_site_has_at_most_forty_groups_and_lists_with_all_of_them_a13(town: Town) -> None:
    town.described()
    for n in range(40):
        ok(town.group(f"group-{n:04d}"))

    no(town.group("group-0040"), 409, "providers/too-many-groups")
    ok(town.put("head", f"sites/{SITE}/submission", submission_body()))
    ok(town.put("department", f"sites/{SITE}/check", {"result": "complete"}))
    ok(town.put("commission", f"sites/{SITE}/decision", {"result": "admit"}))
    ok(town.put("department", f"sites/{SITE}/listing", {"act": "1-Ө"}))

    groups = ok(town.get(None, f"sites/{SITE}"))["groups"]
    assert len(groups) == 40
    assert all(group["open"] for group in groups)


# --- the public ---------------------------------------------------------------------------------


def test_the_catalogue_needs_no_token_filters_and_pages_by_name(town: Town) -> None:
    town.listed()
    ok(town.group())
    ok(town.group("group-balapan-2", language="ru", capacity=5))

    (offer,) = ok(town.get(None, "catalogue", area="taldykorgan"))["items"]
    (russian,) = ok(
        town.get(None, "catalogue", area="taldykorgan", language="ru", age="3", free="true")
    )["items"]

    assert (offer["name"], offer["free"], len(offer["groups"])) == ("Балапан", 25, 2)
    assert offer["ratings"] == f"/v1/ratings/sites/{SITE}"
    assert russian["free"] == 5
    assert ok(town.get(None, "catalogue", area="taldykorgan", age="5"))["items"] == []
    assert ok(town.get(None, "catalogue", area="taldykorgan", form="public"))["items"] == []


@pytest.mark.parametrize("path", ["catalogue", "figures"])
def test_an_area_without_rules_has_no_list(town: Town, path: str) -> None:
    no(town.get(None, path, area="atlantis"), 404, "policy/no-pack")
    no(town.get(None, path), 400, "kezek/bad-field")


def test_a_cursor_of_another_list_is_refused(town: Town) -> None:
    no(town.get(None, "catalogue", area="taldykorgan", cursor="x"), 400, "kezek/bad-cursor")
    no(town.get("head", "sites", cursor="x"), 400, "kezek/bad-cursor")


def test_figures_are_the_same_as_json_and_as_csv_c7(town: Town) -> None:
    ok(town.organisation())
    ok(town.site(name="=Балапан"))
    ok(town.group())
    ok(town.put("head", f"sites/{SITE}/submission", submission_body()))
    ok(town.put("department", f"sites/{SITE}/check", {"result": "complete"}))
    ok(town.put("commission", f"sites/{SITE}/decision", {"result": "admit"}))
    ok(town.put("department", f"sites/{SITE}/listing", {"act": "1-Ө"}))

    figures = ok(town.get(None, "figures", area="taldykorgan"))
    file = town.get(None, "figures", area="taldykorgan", format="csv")

    assert file.headers["content-type"].startswith("text/csv")
    assert file.content.startswith(b"\xef\xbb\xbf")
    (row,) = csv.DictReader(io.StringIO(file.content.decode("utf-8-sig")))
    assert row["site"] == "'=Балапан"
    assert row["free"] == str(figures["items"][0]["free"]) == "20"
    assert figures["totals"][0]["free"] == 20


def test_no_answer_of_the_public_names_a_holder_b2(town: Town) -> None:
    from datetime import date

    from chalicelib.providers import rules, store
    from chalicelib.storage.commit import commit

    town.listed()
    ok(town.group())
    kept = store.load_group(GROUP)
    held = rules.take_seat(kept.value, "voucher-canary", "used", date(2026, 3, 2))
    commit([store.keep_group(kept, held)])

    for said in (
        town.get(None, "catalogue", area="taldykorgan"),
        town.get(None, "figures", area="taldykorgan"),
        town.get(None, f"sites/{SITE}"),
        town.get("head", f"sites/{SITE}"),
    ):
        assert ok(said)
        assert "canary" not in said.text


def test_with_children_in_it_a_group_cannot_change_its_sort_or_shrink_below_them(
    town: Town,
) -> None:
    from datetime import date

    from chalicelib.providers import rules, store
    from chalicelib.storage.commit import commit

    town.listed()
    ok(town.group())
    kept = store.load_group(GROUP)
    held = rules.take_seat(kept.value, "voucher-1", "used", date(2026, 3, 2))
    held = rules.take_seat(held, "voucher-2", "used", date(2026, 3, 2))
    commit([store.keep_group(kept, held)])

    no(town.group(language="ru", replaces=1), 409, "providers/group-fixed")
    no(town.group(capacity=1, replaces=1), 409, "providers/below-held")


def test_every_refusal_has_texts_in_three_languages_c5() -> None:
    from chalicelib.edge.texts import catalogue
    from tests.offered import OPERATIONS

    texts = catalogue()
    codes = {r.code for op in OPERATIONS if op.slice_name == "providers" for r in op.refuses}

    for code in codes:
        assert set(texts.get(code, {})) == {"kk", "ru", "en"}, code
