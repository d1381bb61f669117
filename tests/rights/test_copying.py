"""All about a child as one file, for its family alone."""

from __future__ import annotations

import pytest

from chalicelib.rights.actions import copying
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
