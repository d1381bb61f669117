"""C3: lists page by sealed cursors; where two people may edit, a change names what it follows.

Other traversals while rows are added stand beside their lists: the feed, the catalogue of clubs,
sites and complaints (tests named c3). What two editors get is tested with each thing that has
`replaces`; here is held that none is left out.
"""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.edge import pages
from chalicelib.edge.openapi import document
from infra.local.testing import TestCloud
from tests.children.builders import an_iin
from tests.children.test_routes import ME, register_child
from tests.offered import OPERATIONS

OF = "/v1/children?"


def _parameters(method: str, path: str) -> dict[str, Any]:
    offered = msgspec.json.decode(document())["paths"][path][method.lower()]
    return {one["name"]: one["schema"] for one in offered["parameters"] if one["in"] == "query"}


def _paged() -> list[tuple[str, str]]:
    asked = [(o, msgspec.inspect.type_info(o.query)) for o in OPERATIONS if o.query is not None]
    return [
        (operation.method, operation.path)
        for operation, kind in asked
        if isinstance(kind, msgspec.inspect.StructType)
        and any(field.name == "cursor" for field in kind.fields)
    ]


def test_c3_every_list_with_a_cursor_refuses_what_is_none_and_gives_at_most_a_hundred() -> None:
    refused = {(o.method, o.path): o.refuses for o in OPERATIONS}
    paged = _paged()

    assert len(paged) > 20
    for method, path in paged:
        assert pages.BadCursor in refused[method, path], path
        limit = _parameters(method, path).get("limit")
        assert limit is None or _most(limit) <= 100, path


def _most(schema: dict[str, Any]) -> int:
    forms = schema.get("anyOf", [schema])
    return max(form.get("maximum", 10**9) for form in forms if form.get("type") != "null")


@pytest.mark.usefixtures("cloud")
def test_c3_a_cursor_says_nothing_and_serves_its_own_list_alone() -> None:
    given_ = pages.cursor("child-1#000001", of=OF)

    assert "child" not in given_
    assert pages.position(given_, of=OF) == "child-1#000001"
    for other in ("/v1/children", "/v1/children?person-2", "/v1/complaints?"):
        with pytest.raises(pages.BadCursor):
            pages.position(given_, of=other)


@pytest.mark.usefixtures("cloud")
def test_c3_any_character_changed_is_refused() -> None:
    given_ = pages.cursor("child-1#000001", of=OF)

    for at in range(len(given_) - 1):  # of the last not all bits count
        for other in "A_9":
            if given_[at] == other:
                continue
            with pytest.raises(pages.BadCursor):
                pages.position(given_[:at] + other + given_[at + 1 :], of=OF)


def test_c3_no_text_whatever_is_a_cursor(cloud: TestCloud) -> None:
    @given(text=st.text(max_size=80))
    def refused(text: str) -> None:
        with pytest.raises(pages.BadCursor):
            pages.position(text, of=OF)

    refused()


def test_c3_a_whole_traversal_while_children_are_added(cloud: TestCloud) -> None:
    token = cloud.token("representative", "aigerim")
    assert cloud.put("/v1/children/me", ME, token=token).status == 200
    known = {register_child(cloud, token, f"application-{n}", an_iin(100 + n)) for n in range(4)}
    seen: list[str] = []
    cursor, added = None, 4

    while True:
        query = {"limit": "1", **({"cursor": cursor} if cursor else {})}
        page = cloud.get("/v1/children", token=token, query=query).json
        seen += [item["child_id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        if added < 7:
            register_child(cloud, token, f"application-{added}", an_iin(100 + added))
            added += 1

    assert len(seen) == len(set(seen)), "none twice"
    assert known <= set(seen), "none missing that was there"


def test_c3_whatever_names_what_it_follows_is_refused_when_that_is_no_more_so() -> None:
    follows = [
        operation
        for operation in OPERATIONS
        if operation.asks not in (None, bytes)
        and "replaces" in getattr(operation.asks, "__struct_fields__", ())
    ]

    assert len(follows) >= 6
    for operation in follows:
        codes = {refusal.code.partition("/")[2] for refusal in operation.refuses}
        assert "changed-meanwhile" in codes, operation.path


def test_c3_if_match_is_refused_and_not_passed_over(cloud: TestCloud) -> None:
    said = cloud.put(
        "/v1/providers/organisations/organisation-1",
        {},
        token=cloud.token("head", organisations=["organisation-1"]),
        headers={"if-match": '"1"'},
    )

    assert (said.status, said.code) == (400, "kezek/bad-header")
    assert said.json["problem"] == "use-replaces"
