"""Kindergartens that an earlier act listed, taken over with their groups."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.journal import store as journal
from chalicelib.providers import actions, rules, store
from infra.local.testing import Said
from tests.providers.town import (
    ACCOUNT,
    BINS,
    GROUP,
    ORG,
    SITE,
    Town,
    group_body,
    ok,
    organisation_body,
    site_body,
)


def import_body(**said: Any) -> dict[str, Any]:
    payee = {"organisation_id": ORG, **organisation_body()}
    del payee["payee"]
    site = site_body()
    del site["organisation_id"]
    return {
        "organisation": payee,
        **site,
        "groups": [imported_group()],
        "act": "345 / 10.09.2025",
        "listed_on": "2025-09-10",
        "source": {"system": "akimat", "file": "0" * 64, "line": 2},
        **said,
    }


def imported_group(group_id: str = GROUP, **said: Any) -> dict[str, Any]:
    group = {"group_id": group_id, **group_body(), "from_on": "2025-09-10", **said}
    del group["site_id"]
    return group


def imported(town: Town, site_id: str = SITE, who: str = "operator", **said: Any) -> Said:
    """Import a site as an operator of the area."""
    claims: dict[str, Any] = {"areas": ["taldykorgan" if who == "operator" else "astana"]}
    token = town.cloud.token("operator", who, **claims)
    return town.cloud.put(f"/v1/providers/imports/{site_id}", import_body(**said), token=token)


def no(said: Said, status: int, code: str) -> None:
    assert (said.status, said.code) == (status, code), said.text


def test_an_imported_site_is_listed_with_open_groups_and_an_account_that_two_confirm(
    town: Town,
) -> None:
    site = ok(imported(town))

    assert (site["state"], site["listed_from"], site["valid_to"]) == (
        "listed",
        "2025-09-10",
        "2026-09-10",
    )
    assert [(group["open"], group["free"]) for group in site["groups"]] == [(True, 20)]
    with pytest.raises(rules.AccountUnconfirmed):
        actions.payee_of(ORG)
    ok(town.by_two(f"organisations/{ORG}/account-confirmation", {"revision": 1}))
    assert actions.payee_of(ORG).account == ACCOUNT
    (entry,) = journal.history(f"site/{SITE}")
    assert (entry.event, entry.facts["line"]) == ("providers/site-imported", 2)


def test_the_same_import_again_changes_nothing_a1(town: Town) -> None:
    first = ok(imported(town))
    before = town.cloud.tables.effects()

    assert ok(imported(town)) == first
    assert town.cloud.tables.effects() == before


def test_groups_that_were_not_known_are_added(town: Town) -> None:
    ok(imported(town))

    ok(imported(town, groups=[imported_group(), imported_group("group-balapan-2")]))

    assert [group.group_id for group in actions.groups_of_site(SITE)] == [GROUP, "group-balapan-2"]
    assert store.load_site(SITE).value.groups == 2


def test_the_same_group_twice_in_one_import_is_one(town: Town) -> None:
    ok(imported(town, groups=[imported_group(), imported_group()]))

    assert len(actions.groups_of_site(SITE)) == 1


@pytest.mark.parametrize(
    "said",
    [
        {"name": "Басқа атау"},
        {"act": "999"},
        {"groups": [imported_group(capacity=5)]},
        {"groups": [imported_group(), imported_group(capacity=5)]},
    ],
)
def test_other_content_under_a_known_id_is_refused_a2(town: Town, said: dict[str, Any]) -> None:
    ok(imported(town))

    no(imported(town, **said), 409, "kezek/another-content")


def test_a_group_of_another_site_is_not_taken_over(town: Town) -> None:
    ok(imported(town))

    no(imported(town, "site-second"), 409, "kezek/another-content")


def test_a_site_that_applied_the_ordinary_way_is_left_alone(town: Town) -> None:
    town.described()

    no(imported(town), 409, "kezek/another-content")


@pytest.mark.parametrize(
    ("said", "status", "code"),
    [
        ({"listed_on": "2024-09-10"}, 409, "providers/listing-over"),
        ({"listed_on": "2026-09-10"}, 409, "providers/listing-over"),
        ({"area": "atlantis"}, 404, "kezek/unknown"),
        ({"programme": "clubs"}, 404, "policy/no-pack"),
        ({"groups": [imported_group(capacity=41)]}, 400, "providers/bad-capacity"),
        ({"groups": [imported_group(age_from=5, age_to=3)]}, 400, "providers/bad-ages"),
        ({"groups": [imported_group("group!!!!")]}, 400, "kernel/bad-id"),
        ({"groups": []}, 400, "kezek/bad-field"),
        ({"source": {"system": "akimat", "file": "x", "line": 1}}, 400, "kezek/bad-field"),
    ],
)
def test_an_import_that_cannot_be_is_refused(
    town: Town, said: dict[str, Any], status: int, code: str
) -> None:
    no(imported(town, **said), status, code)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"bin": "050140000012"}, "kernel/bad-bin"),
        ({"account": "KZ87125KZT5004100100"}, "providers/bad-account"),
        ({"bank": "AAAADEFF"}, "providers/bad-bank"),
    ],
)
def test_a_payee_that_cannot_be_paid_is_refused(
    town: Town, said: dict[str, Any], code: str
) -> None:
    payee = {**import_body()["organisation"], **said}

    no(imported(town, organisation=payee), 400, code)


def test_a_bin_of_another_organisation_is_refused(town: Town) -> None:
    ok(imported(town))
    other = {**import_body()["organisation"], "organisation_id": "org-second"}
    own_bin = {**other, "bin": BINS[1]}

    no(imported(town, "site-second", organisation=other), 409, "providers/bin-taken")
    ok(
        imported(
            town, "site-second", organisation=own_bin, groups=[imported_group("group-other-1")]
        )
    )


def test_only_the_areas_operator_imports_b1(town: Town) -> None:
    no(imported(town, who="far-operator"), 404, "kezek/unknown")
    no(town.put("head", f"imports/{SITE}", import_body()), 403, "kezek/not-your-role")
    no(town.cloud.put(f"/v1/providers/imports/{SITE}", import_body()), 401, "kezek/sign-in")
