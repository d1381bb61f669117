"""The change feed: each change once, in one order, while more arrive; nothing personal."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib.edge import pages
from chalicelib.storage import secrets
from chalicelib.storage.vault import ring
from infra.local.testing import MORNING, TestCloud
from tests.children.builders import an_iin
from tests.children.test_routes import ME, register_child
from tests.record.builders import changed

FEED = "/v1/feed"


@pytest.fixture
def portal(cloud: TestCloud) -> str:
    return cloud.token("portal", "egov")


def page(cloud: TestCloud, token: str, **query: Any) -> Any:
    said = cloud.get(FEED, token=token, query={k: str(v) for k, v in query.items() if v})
    assert said.status == 200, said.text
    return said


def test_c3_a_traversal_while_entries_arrive_has_none_twice_and_none_missing(
    cloud: TestCloud, portal: str
) -> None:
    seen: list[int] = []
    cursor = None
    for n in range(40):
        changed(f"thing-{n % 7}", times=n % 5)
        if n % 3 == 0:
            cloud.drain()
        said = page(cloud, portal, cursor=cursor, limit=1 + n % 9)
        seen += [change["number"] for change in said.json["changes"]]
        cursor = said.json["cursor"]
    cloud.drain()
    while True:
        said = page(cloud, portal, cursor=cursor)
        seen += [change["number"] for change in said.json["changes"]]
        cursor = said.json["cursor"]
        if not said.json["more"]:
            break

    assert seen == list(range(sum(n % 5 for n in range(40))))
    assert said.headers["retry-after"] == "5"
    again = page(cloud, portal, cursor=cursor)
    assert (again.json["changes"], again.json["cursor"]) == ([], cursor)


def test_a_change_tells_which_thing_when_and_where_and_nothing_more(
    cloud: TestCloud, portal: str
) -> None:
    parent = cloud.token("representative", "aigerim")
    assert cloud.put("/v1/children/me", ME, token=parent).status == 200
    register_child(cloud, parent, "application-1", an_iin(100))
    cloud.drain()

    changes = page(cloud, portal).json["changes"]

    told = {(c["event"], c["kind"], c["area"]) for c in changes}
    assert ("applications/applied", "application", "taldykorgan") in told
    assert ("children/child-registered", "child", "taldykorgan") in told
    assert {frozenset(c) for c in changes} == {
        frozenset(("number", "event", "kind", "id", "at", "area"))
    }


def test_a_cursor_outlives_every_renewal_of_the_keys(
    cloud: TestCloud, portal: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "keys.json"
    secrets.new_keyring_file(file)
    monkeypatch.setenv("KEZEK_KEYS_FILE", str(file))
    portal = cloud.token("portal", "egov")
    changed("one", times=3)
    cloud.drain()
    seen = [c["number"] for c in page(cloud, portal, limit=1).json["changes"]]
    cursor = page(cloud, portal, limit=1).json["cursor"]
    # One of before cursors lasted is good until its key is retired.
    old = pages.cursor("1", of="/v1/feed?")

    kept, at_once = secrets.keyring(), timedelta(0)
    for _ in range(2):
        new = ring.announce(secrets.keyring(), now=MORNING)
        for step in (ring.seal, ring.lead):
            new = step(new, now=MORNING, settle=at_once)
        secrets.write_keyring(file, new)
        if kept.seals in new.root:
            assert page(cloud, portal, cursor=old).json["changes"]
        for step in (ring.stop_claiming, ring.drop):
            new = step(new, now=MORNING, settle=at_once)
        secrets.write_keyring(file, new)
    assert not {*kept.root} & {*secrets.keyring().root}

    seen += [c["number"] for c in page(cloud, portal, cursor=cursor).json["changes"]]
    assert seen == [0, 1, 2]
    gone = cloud.get(FEED, token=portal, query={"cursor": old})
    assert (gone.status, gone.code) == (400, "kezek/bad-cursor")


def test_one_slice_alone_has_a_cursor_of_its_own(cloud: TestCloud, portal: str) -> None:
    changed("one", times=3)
    parent = cloud.token("representative", "aigerim")
    assert cloud.put("/v1/children/me", ME, token=parent).status == 200
    cloud.drain()

    said = page(cloud, portal, slice="children")

    assert [c["event"] for c in said.json["changes"]] == ["children/registered"]
    other = cloud.get(FEED, token=portal, query={"cursor": said.json["cursor"]})
    assert (other.status, other.code) == (400, "kezek/bad-cursor")


def test_far_between_changes_come_by_empty_pages_that_go_on(
    cloud: TestCloud, portal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.feed import actions

    monkeypatch.setattr(actions, "_TILES", 1)
    changed("one", times=300)
    parent = cloud.token("representative", "aigerim")
    assert cloud.put("/v1/children/me", ME, token=parent).status == 200
    cloud.drain()

    first = page(cloud, portal, slice="children").json
    second = page(cloud, portal, slice="children", cursor=first["cursor"]).json

    assert (first["changes"], first["more"]) == ([], True)
    assert [c["number"] for c in second["changes"]] == [300]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"cursor": "none"}, "kezek/bad-cursor"),
        ({"slice": "access"}, "kezek/bad-field"),
        ({"limit": "0"}, "kezek/bad-field"),
        ({"limit": "101"}, "kezek/bad-field"),
        ({"from": "1"}, "kezek/bad-field"),
    ],
)
def test_what_cannot_be_asked(
    cloud: TestCloud, portal: str, query: dict[str, str], code: str
) -> None:
    said = cloud.get(FEED, token=portal, query=query)
    assert (said.status, said.code) == (400, code)


@pytest.mark.parametrize("role", ["representative", "head", "department", "analyst"])
def test_the_feed_is_for_portals_operators_and_auditors(cloud: TestCloud, role: str) -> None:
    said = cloud.get(FEED, token=cloud.token(role, areas=["taldykorgan"]))
    assert (said.status, said.code) == (403, "kezek/not-your-role")
    assert cloud.get(FEED).status == 401
    assert cloud.get(FEED, token=cloud.token("operator", areas=["taldykorgan"])).status == 200
    assert cloud.get(FEED, token=cloud.token("auditor")).status == 200
