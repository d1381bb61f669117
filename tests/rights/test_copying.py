"""All about a child as one file, for its family alone."""

from __future__ import annotations

import pytest

from chalicelib.children import store as people
from chalicelib.edge.auth import subject_name
from chalicelib.rights.actions import copying
from infra.local.issuer import NAME
from tests.children.builders import an_iin
from tests.rights.conftest import Family


def test_a_copy_holds_what_is_known_and_says_what_it_leaves_out(family: Family) -> None:
    family.verify()
    family.withdraw()
    said = family.cloud.get(f"{family.place}/copy", token=family.parent)

    assert said.status == 200, said.text
    copy = said.json
    assert list(copy["sections"]) == list(copying.SECTIONS) == list(copy["holds"])
    (child,) = copy["sections"]["child"]
    assert (child["iin"], child["surname"]) == (an_iin(100), "Лазуритбеков")
    (application,) = copy["sections"]["applications"]
    assert {s["status"] for s in application["statuses"]} == {"teacher", "sen"}
    assert [step["event"] for step in application["steps"]] == [
        "applications/applied",
        "applications/withdrawn",
    ]
    (look,) = copy["sections"]["looks"]
    assert "subject" not in look and "session" not in look
    assert copy["sections"]["representatives"][0]["you"] is True
    assert len(copy["leaves_out"]) == 5 and copy["next_cursor"] is None


def test_a_copy_names_no_other_person(family: Family) -> None:
    text = family.cloud.get(f"{family.place}/copy", token=family.parent).text

    assert an_iin(0) not in text and "Айгерім" not in text


def test_a_copy_shows_of_others_complaints_only_how_they_stand(family: Family) -> None:
    about = {"kind": "application", "id": "application-1"}
    asked = {"about": about, "topic": "queue", "contact": "+77019990011"}
    words = {"parent": "Менің шағымым", "officer": "Басқа біреудің сөзі"}
    answerer = family.cloud.token("department", "answerer", areas=["taldykorgan"])
    for n, (who, said) in enumerate(words.items()):
        token = family.parent if who == "parent" else family.officer
        place = f"/v1/complaints/complaint-{n}"
        assert family.cloud.put(place, {**asked, "text": said}, token=token).status == 200
        answered = family.cloud.put(f"{place}/answer", {"text": "Жауап"}, token=answerer)
        assert answered.status == 200, answered.text
    copy = family.cloud.get(f"{family.place}/copy", token=family.parent)

    own, other = copy.json["sections"]["complaints"]
    assert (own["by_you"], own["fields"]["text"]) == (True, words["parent"])
    assert (other["by_you"], other["complaint"]["state"]) == (False, "answered")
    assert words["officer"] not in copy.text and "fields" not in other
    assert own["complaint"]["steps"][-1]["by"] == "department"
    for subject in ("officer", "answerer"):
        assert subject_name(NAME, subject) not in copy.text


def test_a_copy_that_ends_within_complaints_goes_on_with_the_next(
    family: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {"about": {"kind": "application", "id": "application-1"}, "topic": "queue"}
    for n in range(3):
        place = f"/v1/complaints/complaint-{n}"
        body = {**asked, "text": f"Шағым {n}"}
        assert family.cloud.put(place, body, token=family.parent).status == 200
    monkeypatch.setattr(copying, "MOST_BYTES", 1)
    found, cursor = [], None
    while True:
        query = {"cursor": cursor} if cursor else {}
        page = family.cloud.get(f"{family.place}/copy", token=family.parent, query=query).json
        found += page["sections"].get("complaints", [])
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert [one["fields"]["text"] for one in found] == ["Шағым 0", "Шағым 1", "Шағым 2"]


def test_a_copy_can_be_read_by_people_and_runs_nothing(family: Family) -> None:
    said = family.cloud.get(f"{family.place}/copy", token=family.parent, query={"format": "html"})

    assert said.headers["content-type"].startswith("text/html")
    assert "Нефритбек" in said.text and "<script" not in said.text


@pytest.mark.parametrize("most", [1, 900])
def test_a_long_copy_goes_on_under_a_cursor_and_loses_nothing(
    family: Family, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    for _ in range(3):
        family.verify()
    whole = family.cloud.get(f"{family.place}/copy", token=family.parent).json["sections"]
    monkeypatch.setattr(copying, "MOST_BYTES", most)
    found: dict[str, list[object]] = {}
    cursor, pages = None, 0
    while True:
        query = {"cursor": cursor} if cursor else {}
        page = family.cloud.get(f"{family.place}/copy", token=family.parent, query=query).json
        for name, items in page["sections"].items():
            found.setdefault(name, []).extend(items)
        cursor, pages = page["next_cursor"], pages + 1
        if cursor is None:
            break

    assert pages > 1
    assert found == whole


def test_a_copy_is_for_the_childs_family_alone(family: Family) -> None:
    foreign = family.cloud.get(f"{family.place}/copy", token=family.stranger)
    nobody = family.cloud.get("/v1/rights/children/nobody-99/copy", token=family.stranger)

    assert (foreign.status, foreign.text) == (nobody.status, nobody.text)
    assert foreign.status == 404
    said = family.cloud.get(f"{family.place}/copy", token=family.officer)
    assert (said.status, said.code) == (403, "kezek/not-your-role")


def _let(family: Family, who: str, powers: list[str]) -> None:
    """Let somebody else act for the child with these powers; two officers say so."""
    alias = people.find_alias(subject_name(NAME, who))
    assert alias is not None
    path = f"/v1/children/{family.child_id}/representatives/{alias.value.person_id}"
    body = {"powers": powers, "valid_from": "2026-03-02", "basis": "power-of-attorney"}
    for officer in ("officer-1", "officer-2"):
        token = family.cloud.token("department", officer, areas=["taldykorgan"])
        said = family.cloud.put(path, body, token=token)
    assert said.status == 200, said.text


@pytest.mark.parametrize(
    ("powers", "closed"),
    [
        (["apply"], set()),
        (["withdraw"], set()),
        (
            ["choose"],
            {"child", "representatives", "applications", "signatures", "attendance", "money"},
        ),
        (
            ["confirm"],
            {"child", "representatives", "applications", "signatures", "vouchers", "money"},
        ),
        (
            ["choose", "confirm"],
            {"child", "representatives", "applications", "signatures", "money"},
        ),
    ],
)
def test_a_copy_goes_as_far_as_the_powers_do(
    family: Family, powers: list[str], closed: set[str]
) -> None:
    _let(family, "stranger", powers)

    said = family.cloud.get(f"{family.place}/copy", token=family.stranger)

    assert said.status == 200, said.text
    copy = said.json
    assert set(copy["closed"]) == closed
    assert all(copy["sections"][name] == [] for name in closed)
    assert list(copy["sections"]) == list(copying.SECTIONS)
    assert len(copy["leaves_out"]) == (6 if closed else 5)
    for secret in (an_iin(100), "Лазуритбеков", "Яшма", '"sen"'):
        assert (secret in said.text) == (not closed), secret


def test_a_cursor_of_the_whole_copy_opens_nothing_more(
    family: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    _let(family, "stranger", ["confirm"])
    monkeypatch.setattr(copying, "MOST_BYTES", 1)
    cursor = family.cloud.get(f"{family.place}/copy", token=family.parent).json["next_cursor"]
    said = family.cloud.get(f"{family.place}/copy", token=family.stranger, query={"cursor": cursor})

    assert said.status == 200, said.text
    assert '"sen"' not in said.text and an_iin(100) not in said.text
