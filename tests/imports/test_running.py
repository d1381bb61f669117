"""Whole files through the HTTP API: good rows load, bad ones are named, twice changes nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from infra.client import Answer, Api
from infra.imports import running
from infra.local.testing import TestCloud

FOLDER = Path(__file__).parents[2] / "samples" / "taldykorgan"
SUMMER = datetime(2026, 7, 20, 4, 0, tzinfo=UTC)


class CloudApi(Api):
    """The client's face over the cloud of this test process."""

    def __init__(self, cloud: TestCloud, token: str | None) -> None:
        super().__init__("http://test", token)
        self._cloud = cloud

    def ask(self, method: str, path: str, body: object = None, **more: Any) -> Answer:
        said = self._cloud.request(method, path, body, token=self.token)
        return Answer(said.status, said.content, said.headers)


@pytest.fixture
def api(cloud: TestCloud) -> CloudApi:
    cloud.set_clock(SUMMER)
    return CloudApi(cloud, cloud.token("operator", "operator", areas=["*"]))


def imported(kind: running.Kind, path: Path, api: Api) -> running.Result:
    return running.run(
        kind,
        path,
        api,
        system="akimat",
        programme="preschool",
        issuer="https://issuer.kezek.test",
        at_once=1,
        on_progress=lambda done, total: None,
    )


def short(tmp_path: Path, name: str, lines: int) -> Path:
    """Return the first lines of a sample CSV as a file of its own."""
    rows = (FOLDER / name).read_bytes().split(b"\r\n")[:lines]
    path = tmp_path / name
    path.write_bytes(b"\r\n".join(rows) + b"\r\n")
    return path


def planted(name: str) -> dict[int, list[str]]:
    entries = json.loads((FOLDER / "planted.json").read_text("utf-8"))
    return {e["line"]: e["codes"] for e in entries if e["file"] == name}


def test_providers_load_and_each_planted_row_is_refused_with_its_column(api: CloudApi):
    result = imported("providers", FOLDER / "providers.csv", api)

    assert (result.taken, result.rows) == (118, 125)
    assert {r.line: [r.code] for r in result.refused} == planted("providers.csv")
    assert all(r.column for r in result.refused)
    # The akimat's list of kindergartens has no points: taken, but said.
    assert result.off_map == result.as_json()["off_map"] > 0
    listed = api.get("/v1/providers/catalogue", programme="preschool", area="taldykorgan").json()
    assert listed["items"]


def test_the_same_file_twice_changes_nothing(api: CloudApi, cloud: TestCloud, tmp_path: Path):
    gardens = short(tmp_path, "providers.csv", 20)
    queue = short(tmp_path, "applications-1.csv", 40)
    imported("providers", gardens, api)
    imported("applications", queue, api)
    cloud.drain()
    before = cloud.tables.effects()

    first = imported("providers", gardens, api)
    again = imported("applications", queue, api)

    cloud.drain()
    assert cloud.tables.effects() == before
    assert first.refused and not again.taken + len(again.refused) - again.rows


def test_a_moved_queue_keeps_the_order_of_the_old_system(api: CloudApi, tmp_path: Path):
    imported("providers", FOLDER / "providers.csv", api)
    path = short(tmp_path, "applications-1.csv", 12)

    result = imported("applications", path, api)

    assert result.taken == 11
    published = api.put(
        "/v1/queue/checkpoints/after-import", {"programme": "preschool", "area": "taldykorgan"}
    )
    assert published.json()["waiting"] == 11


def test_a_row_that_repeats_a_child_is_refused_by_the_system(api: CloudApi, tmp_path: Path):
    imported("providers", FOLDER / "providers.csv", api)
    text = (FOLDER / "applications-1.csv").read_bytes().decode("cp1251")
    lines = text.split("\r\n")
    path = tmp_path / "twice.csv"
    again = lines[1].replace("TDK-000002", "TDK-700000").replace("Талдыкорган", "Астана", 1)
    cells = again.split(";")
    cells[-2] = ""
    path.write_bytes("\r\n".join([lines[0], lines[1], ";".join(cells)]).encode("cp1251"))

    result = imported("applications", path, api)

    (refused,) = result.refused
    assert (refused.line, refused.code) == (3, "applications/already-applied")
    assert refused.column == "ИИН ребёнка"


def test_an_import_needs_an_operator(cloud: TestCloud, tmp_path: Path):
    cloud.set_clock(SUMMER)
    head = CloudApi(cloud, cloud.token("head", "head", organisations=["org-1"]))

    with pytest.raises(running.NotAllowed):
        imported("providers", short(tmp_path, "providers.csv", 3), head)


def test_a_file_of_another_kind_says_which_columns_are_missing(api: CloudApi):
    with pytest.raises(running.Unreadable, match="looks like a file of applications"):
        imported("providers", FOLDER / "applications-1.csv", api)


def test_sources_stand_in_the_journal(api: CloudApi, cloud: TestCloud, tmp_path: Path):
    imported("providers", FOLDER / "providers.csv", api)
    path = short(tmp_path, "applications-1.csv", 3)
    imported("applications", path, api)
    from chalicelib.journal import store as journal
    from infra.imports import names

    (entry,) = journal.history(f"application/{names.application('TDK-000002')}")

    assert entry.event == "applications/imported"
    assert (entry.facts["line"], entry.facts["number"]) == (2, "TDK-000002")
    assert entry.by.startswith("operator:")
