"""The two routes that take over lists and queues: each refusal down to its code."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import pytest

from infra.local.testing import Said, TestCloud

SUMMER = datetime(2026, 7, 20, 4, 0, tzinfo=UTC)
DIGEST = "a" * 64
SITE: dict[str, Any] = {
    "organisation": {
        "organisation_id": "org-first",
        "bin": "890443714553",
        "name": "ТОО «Айгөлек»",
        "form": "private",
        "account": "KZ409993424193426461",
        "bank": "INVNKZKA",
        "contact": "head-01",
    },
    "programme": "preschool",
    "area": "taldykorgan",
    "name": "Балабақша «Айгөлек»",
    "address": "ул. Медеу, 5",
    "locality": "urban",
    "form": "private",
    "groups": [
        {
            "group_id": "group-first",
            "name": "1-топ",
            "academic_year": 2026,
            "age_from": 3,
            "age_to": 3,
            "language": "kk",
            "kind": "general",
            "hours": "10.5",
            "capacity": 20,
            "from_on": "2026-06-01",
        }
    ],
    "act": "Приказ № 214-Ө",
    "listed_on": "2026-06-01",
    "source": {"system": "akimat", "file": DIGEST, "line": 2},
}
ROW: dict[str, Any] = {
    "representative": {
        "iin": "991231500006",
        "surname": "Оспанова",
        "given_name": "Асель",
        "language": "kk",
        "contacts": [{"kind": "phone", "value": "+77090000001"}],
    },
    "child": {
        "iin": "991231600002",
        "surname": "Оспанов",
        "given_name": "Артём",
        "birth_date": "2023-02-07",
        "sex": "male",
    },
    "programme": "preschool",
    "area": "taldykorgan",
    "language": "kk",
    "applied_at": "2025-01-06T13:12:59+05:00",
    "preferences": [],
    "source": {"system": "akimat", "number": "7", "file": DIGEST, "line": 2},
    "sign_in": {"issuer": "https://issuer.kezek.test", "subject": "portal-7"},
}


@pytest.fixture
def summer(cloud: TestCloud) -> TestCloud:
    cloud.set_clock(SUMMER)
    return cloud


def changed(base: dict[str, Any], **paths: Any) -> dict[str, Any]:
    """Return a body with some values replaced; a__b names b inside a."""
    body = copy.deepcopy(base)
    for path, value in paths.items():
        *above, last = path.split("__")
        inner: Any = body
        for name in above:
            inner = inner[int(name)] if name.isdigit() else inner[name]
        inner[last] = value
    return body


def put_site(
    cloud: TestCloud,
    body: dict[str, Any],
    site: str = "site-first",
    areas: tuple[str, ...] = ("*",),
) -> Said:
    token = cloud.token("operator", "operator", areas=list(areas))
    return cloud.put(f"/v1/providers/imports/{site}", body, token=token)


def put_row(
    cloud: TestCloud, body: dict[str, Any], name: str = "app-first", areas: tuple[str, ...] = ("*",)
) -> Said:
    token = cloud.token("operator", "operator", areas=list(areas))
    return cloud.put(f"/v1/applications/imports/{name}", body, token=token)


def code_of(said: Said) -> str:
    return str(said.json["code"])


def test_an_imported_site_is_listed_with_open_groups(summer: TestCloud):
    said = put_site(summer, SITE)

    assert (said.status, said.json["state"]) == (200, "listed")
    assert said.json["valid_to"] == "2027-06-01"
    assert [group["open"] for group in said.json["groups"]] == [True]
    assert put_site(summer, SITE).json == said.json


def test_a_later_file_adds_a_group_to_an_imported_site(summer: TestCloud):
    put_site(summer, SITE)
    more = copy.deepcopy(SITE)
    more["groups"].append({**SITE["groups"][0], "group_id": "group-second", "age_to": 4})

    said = put_site(summer, more)

    assert {group["group_id"] for group in said.json["groups"]} == {"group-first", "group-second"}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"organisation__bin": "890443714554"}, "kernel/bad-bin"),
        ({"organisation__account": "KZ419993424193426461"}, "providers/bad-account"),
        ({"organisation__bank": "INVNDE2A"}, "providers/bad-bank"),
        ({"area": "atlantis"}, "policy/no-pack"),
        ({"listed_on": "2025-06-01"}, "providers/listing-over"),
        ({"listed_on": "2026-08-01"}, "providers/listing-over"),
        ({"groups__0__capacity": 41}, "providers/bad-capacity"),
        ({"groups__0__age_from": 5}, "providers/bad-ages"),
        ({"source__file": "short"}, "kezek/bad-field"),
    ],
)
def test_a_site_that_cannot_be_taken_is_refused(
    summer: TestCloud, changes: dict[str, Any], code: str
):
    assert code_of(put_site(summer, changed(SITE, **changes))) == code


def test_an_operator_of_another_area_takes_over_nothing(summer: TestCloud):
    assert code_of(put_site(summer, SITE, areas=("astana",))) == "kezek/unknown"
    assert code_of(put_row(summer, ROW, areas=("astana",))) == "kezek/unknown"


def test_a_head_does_not_import(summer: TestCloud):
    token = summer.token("head", "head", organisations=["org-first"])

    said = summer.put("/v1/providers/imports/site-first", SITE, token=token)

    assert code_of(said) == "kezek/not-your-role"


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "Балабақша «Басқа»"},
        {"act": "Приказ № 215-Ө"},
        {"groups__0__capacity": 21},
        {"organisation__account": "another"},
    ],
)
def test_other_content_under_the_same_id_is_refused(summer: TestCloud, changes: dict[str, Any]):
    put_site(summer, SITE)
    body = changed(SITE, **changes)
    if body["organisation"]["account"] == "another":
        body["organisation"]["account"] = _account("9991234567890123")

    assert code_of(put_site(summer, body)) == "kezek/another-content"


def _account(rest: str) -> str:
    digits = "".join(str(int(sign, 36)) for sign in rest + "KZ00")
    return f"KZ{98 - int(digits) % 97:02d}{rest}"


def test_a_bin_belongs_to_one_organisation(summer: TestCloud):
    put_site(summer, SITE)
    other = changed(SITE, organisation__organisation_id="org-second")
    other["groups"][0]["group_id"] = "group-other"

    assert code_of(put_site(summer, other, "site-second")) == "providers/bin-taken"


def test_an_imported_family_signs_in_and_finds_its_application(summer: TestCloud):
    said = put_row(summer, ROW)

    assert (said.status, said.json["state"]) == (200, "queued")
    assert said.json["ordered_at"].startswith("2025-01-06T08:12:59")
    family = summer.token("representative", "portal-7")
    found = summer.get("/v1/applications", token=family).json["items"]
    assert [item["application_id"] for item in found] == ["app-first"]
    assert put_row(summer, ROW).json == said.json


def test_the_line_of_the_file_is_no_part_of_the_content(summer: TestCloud):
    first = put_row(summer, ROW)

    again = put_row(summer, changed(ROW, source__line=99))

    assert again.json == first.json


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"applied_at": "2026-07-21T09:00:00+05:00"}, "applications/applied-later"),
        ({"applied_at": "2026-07-01T09:00:00"}, "kezek/bad-field"),
        ({"area": "atlantis"}, "policy/no-pack"),
        ({"statuses": ["cosmonaut"]}, "policy/unknown-status"),
        ({"preferences": ["group-none"]}, "applications/preference-not-here"),
        ({"representative__iin": "991231500007"}, "kernel/bad-iin"),
        ({"representative__contacts": [{"kind": "phone", "value": "12345"}]},
         "children/bad-contact"),
        ({"child__iin": "991231600003"}, "kernel/bad-iin"),
        ({"child__birth_date": "2027-01-01"}, "children/bad-dates"),
        ({"child__birth_date": "2016-03-14"}, "applications/too-old"),
        ({"child__birth_date": "2025-12-20"}, "applications/too-young"),
        ({"child__no_iin_reason": "awaiting-documents"}, "children/iin-or-reason"),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_taken_is_refused_and_leaves_nothing(
    summer: TestCloud, changes: dict[str, Any], code: str
):
    before = summer.tables.effects()

    assert code_of(put_row(summer, changed(ROW, **changes))) == code
    assert summer.tables.effects() == before


def test_a_child_queues_once_in_the_country(summer: TestCloud):
    put_row(summer, ROW)

    again = put_row(summer, changed(ROW, area="astana", source__number="8"), "app-second")

    assert code_of(again) == "applications/already-applied"


def test_another_parent_does_not_apply_for_a_represented_child(summer: TestCloud):
    put_row(summer, ROW)
    other = changed(
        ROW, representative__iin="991231500707", sign_in__subject="portal-8", source__number="8"
    )

    assert code_of(put_row(summer, other, "app-second")) == "children/represented-by-another"


def test_a_known_child_described_otherwise_is_refused(summer: TestCloud):
    put_row(summer, ROW)
    other = changed(ROW, child__surname="Иванов", source__number="8")

    assert code_of(put_row(summer, other, "app-second")) == "children/other-data"


def test_an_account_is_one_persons(summer: TestCloud):
    put_row(summer, ROW)
    other = changed(ROW, representative__iin="991231500707", child__iin="991231600301")

    assert code_of(put_row(summer, other, "app-second")) == "children/sign-in-taken"


def test_other_content_of_an_application_is_refused(summer: TestCloud):
    put_row(summer, ROW)

    assert code_of(put_row(summer, changed(ROW, language="ru"))) == "kezek/another-content"


def test_twins_come_together_and_a_third_does_not_fit(summer: TestCloud):
    batch = {"id": "twins-001", "size": 2}
    put_row(summer, {**ROW, "batch": batch})
    second = changed(ROW, child__iin="991231600301", child__given_name="Тимур")
    third = changed(ROW, child__iin="991231500707", child__given_name="Ерлан")

    assert put_row(summer, {**second, "batch": batch}, "app-second").status == 200
    assert code_of(put_row(summer, {**third, "batch": batch}, "app-third")) == (
        "applications/batch-full"
    )
    differs = {**third, "language": "ru", "batch": batch}
    assert code_of(put_row(summer, differs, "app-third")) == "applications/batch-differs"
