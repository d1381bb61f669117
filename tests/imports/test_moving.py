"""A register through the HTTP API: children go on in their clubs, and twice is once."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from infra.client import Answer, Api
from infra.imports import moving, reconciling, running, sheets
from infra.imports.reconciling import Moved
from infra.local.testing import TestCloud

FOLDER = Path(__file__).parents[2] / "samples" / "karaganda"
SEPTEMBER = datetime(2026, 9, 14, 4, 0, tzinfo=UTC)
HOME = "KRG-17"  # a public club of the creative direction


class CloudApi(Api):
    """The client's face over the cloud of this test process."""

    def __init__(self, cloud: TestCloud, token: str | None) -> None:
        super().__init__("http://test", token)
        self._cloud = cloud

    def ask(self, method: str, path: str, body: object = None, **more: Any) -> Answer:
        route, _, query = path.partition("?")
        pairs = dict(part.split("=", 1) for part in query.split("&") if part)
        said = self._cloud.request(method, route, body, token=self.token, query=pairs or None)
        return Answer(said.status, said.content, said.headers)


@pytest.fixture
def api(cloud: TestCloud, tmp_path: Path) -> CloudApi:
    """Karaganda's club is on the List, and there is money for its direction."""
    cloud.set_clock(SEPTEMBER)
    operator = CloudApi(cloud, cloud.token("operator", "operator", areas=["*"]))
    lines = (FOLDER / "clubs.csv").read_text("utf-8-sig").split("\r\n")
    path = tmp_path / "clubs.csv"
    path.write_text("\r\n".join([lines[0], *(n for n in lines if f";{HOME}-" in n)]), "utf-8")
    running.run(
        "providers", path, operator, system="akimat", programme="clubs", issuer=None, at_once=1,
        on_progress=lambda done, total: None,
    )  # fmt: skip
    finance = cloud.token("finance", "finance", areas=["karaganda"], directions=["*"])
    money = {"amount_tiyn": 10**10, "act": "No. 21"}
    assert (
        cloud.put("/v1/budgets/clubs/karaganda/2026/creative", money, token=finance).status == 200
    )
    return operator


def register(tmp_path: Path, *, vouchers: int, places: int) -> Path:
    """Return a part of the first platform's register: a club's children, and some of its queue."""
    sheet = sheets.read(FOLDER / "damubala.csv")
    rows = (FOLDER / "damubala.csv").read_bytes().decode("cp1251").split("\r\n")
    group, state = sheet.headings.index("Код группы"), sheet.headings.index("Статус")
    clubs = [n for n in sheet.lines if n.cells[group].startswith(f"{HOME}-")][:vouchers]
    queue = [n for n in sheet.lines if n.cells[state] == "в очереди"][:places]
    path = tmp_path / "register.csv"
    chosen = [rows[0], *(rows[n.number - 1] for n in clubs + queue)]
    path.write_bytes(("\r\n".join(chosen) + "\r\n").encode("cp1251"))
    return path


def move(path: Path, api: Api, cloud: TestCloud) -> Moved:
    return moving.move(
        path, api, platform="damubala", clubs_from="akimat", programme="clubs", area="karaganda",
        issuer="https://issuer.kezek.test", beside={}, clock=lambda: cloud.clock(), at_once=1,
        on_progress=lambda done, total: None,
    )  # fmt: skip


def test_children_go_on_in_their_clubs_and_everything_adds_up(
    api: CloudApi, cloud: TestCloud, tmp_path: Path
):
    moved = move(register(tmp_path, vouchers=12, places=8), api, cloud)

    told = reconciling.report(moved)
    assert told["balanced"], told
    assert (told["rows"]["imported"], told["vouchers"]["after"], told["places"]["after"]) == (
        20, 12, 8,
    )  # fmt: skip
    assert told["remaining_tiyn"]["after"] == 12 * (1_800_000 - 600_000)
    assert sum(way.overtaken for way in moved.ways.values()) == sum(
        way.overtook for way in moved.ways.values()
    )


def test_the_same_register_again_is_had_and_changes_no_voucher(
    api: CloudApi, cloud: TestCloud, tmp_path: Path
):
    path = register(tmp_path, vouchers=4, places=4)
    move(path, api, cloud)
    cloud.drain()
    cloud.set_clock(SEPTEMBER.replace(hour=5))

    again = reconciling.report(move(path, api, cloud))

    assert again["balanced"]
    # Fewer than five wait: their order is not published, so nobody can be told from it.
    assert again["places"]["explained"]["too_few_to_publish"] == 4
    assert again["rows"] == {"in": 8, "imported": 0, "had": 8, "refused": 0, "balance": 0}


def test_a_second_club_of_a_child_is_refused_with_its_place_and_money_explained(
    api: CloudApi, cloud: TestCloud, tmp_path: Path
):
    path = register(tmp_path, vouchers=3, places=0)
    head, first, *rest = path.read_bytes().decode("cp1251").split("\r\n")
    again = first.replace(first.split(";")[0], "DB-999999", 1)
    path.write_bytes("\r\n".join([head, first, again, *rest]).encode("cp1251"))

    moved = move(path, api, cloud)

    told = reconciling.report(moved)
    assert told["balanced"]
    assert told["refused"] == {"vouchers/held-already": 1}
    assert moved.result.refused[0].column == "ИИН ребёнка"


def test_without_money_a_row_is_refused_and_named(cloud: TestCloud, api: CloudApi, tmp_path: Path):
    finance = cloud.token("finance", "finance", areas=["karaganda"], directions=["*"])
    nothing = {"amount_tiyn": 0, "act": "No. 22"}
    said = cloud.put("/v1/budgets/clubs/karaganda/2026/creative", nothing, token=finance)
    assert said.status == 200

    told = reconciling.report(move(register(tmp_path, vouchers=2, places=0), api, cloud))

    assert told["refused"] == {"budgets/short": 2} and told["balanced"]
