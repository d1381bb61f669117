"""The register of a platform that closes: each row is sent, refused or had; nothing is lost."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib.kernel.periods import stamp
from infra.client import Answer, Api
from infra.imports import moving, names, reconciling, running, sheets
from infra.imports.registers import Register
from infra.imports.running import Result
from samples import headings
from samples.files import csv_bytes, xlsx_bytes
from samples.numbers import spoiled

ROOT = Path(__file__).parents[2] / "samples" / "karaganda"
HELD = {
    "number": "DB-1", "state": "действует", "voucher_kind": "универсальный",
    "asked_at": "18.11.2025 16:41:03", "area": "Караганда", "direction": "творчество",
    "status": "потеря кормильца", "iin": "991231600002", "surname": "Есенова", "given": "Нурай",
    "patronymic": "", "birth_date": "15.06.2017", "sex": "женский", "address": "",
    "parent_iin": "991231500006", "parent_surname": "Есенова", "parent_given": "Айгуль",
    "parent_patronymic": "", "telephone": "8 (709) 000-13-83", "second": "", "account": "krg-1",
    "notices": "казахский", "club": "KRG-17", "group": "KRG-17-1", "starts_on": "01.12.2025",
    "month": "08.2026", "limit": "18 000", "used": "6000,0", "place": "",
}  # fmt: skip
WAITS = {
    **HELD, "number": "DB-2", "state": "в очереди", "voucher_kind": "", "iin": "991231600301",
    "club": "", "group": "", "starts_on": "", "month": "", "limit": "", "used": "", "place": "7",
}  # fmt: skip


def saved(tmp_path: Path, *rows: dict[str, str], encoding: str = "utf-8") -> Path:
    path = tmp_path / "register.csv"
    table = [list(headings.DAMUBALA.values())]
    table += [[row[name] for name in headings.DAMUBALA] for row in rows]
    path.write_bytes(csv_bytes(table, encoding=encoding))
    return path


def read(path: Path, area: str = "karaganda") -> tuple[Register, Result]:
    sheet = sheets.read(path)
    register = Register(
        platform="damubala", clubs_from="akimat", digest=sheet.digest, programme="clubs",
        area=area, issuer="https://issuer.kezek.test",
    )  # fmt: skip
    result = Result(sheet.name, sheet.digest, len(sheet.lines))
    running.read_rows("register", sheet, register, result)
    return register, result


class Platform(Api):
    """A Kezek that takes every row, and remembers it."""

    def __init__(self, refuse: Callable[[str, dict[str, Any]], str | None] | None = None) -> None:
        super().__init__("http://test")
        self.rows: dict[str, dict[str, Any]] = {}
        self.first: dict[str, datetime] = {}
        self.clock = datetime(2026, 9, 14, tzinfo=UTC)
        self.refuse = refuse or (lambda path, body: None)

    def ask(self, method: str, path: str, body: object = None, **more: Any) -> Answer:
        if method == "PUT" and path.startswith("/v1/queue/checkpoints/"):
            return said(200, {"waiting": sum("/applications/" in p for p in self.rows)})
        if path.startswith("/v1/queue/"):
            waiting = sorted(
                (row for p, row in self.rows.items() if "/applications/" in p),
                key=lambda row: row["applied_at"],
            )
            tickets = [{"ticket": f"t-{row['source']['number']}"} for row in waiting]
            return said(200, {"checkpoint_id": "newest", "lines": tickets, "cursor": None})
        assert method == "PUT" and isinstance(body, dict)
        code = self.refuse(path, body)
        if code is not None:
            return said(409, {"code": code, "title": "no"})
        first = self.first.setdefault(path, self.clock)
        self.rows[path] = body
        if "/vouchers/" in path:
            used = body["used"]
            left = 1_800_000 - used["used_tiyn"]
            told = {"remaining_tiyn": left, "cap_tiyn": 1_800_000, "state": "used"}
            return said(200, {**told, "imported_at": stamp(first)})
        number = body["source"]["number"]
        told = {"ticket": f"t-{number}", "state": "queued", "category": 11}
        told["received_at"] = stamp(first)
        return said(200, {**told, "ordered_at": body["applied_at"]})


def said(status: int, content: dict[str, Any]) -> Answer:
    return Answer(status, json.dumps(content).encode(), {})


def move(path: Path, api: Platform, **beside: Path) -> reconciling.Moved:
    api.clock += timedelta(hours=1)
    return moving.move(
        path, api, platform="damubala", clubs_from="akimat", programme="clubs", area="karaganda",
        issuer=None, beside=beside, clock=lambda: api.clock, at_once=2,
        on_progress=lambda done, total: None,
    )  # fmt: skip


def test_a_voucher_names_its_group_its_cap_and_where_its_row_stood(tmp_path: Path):
    register, result = read(saved(tmp_path, HELD))

    assert not result.refused
    (request,) = register.requests()
    assert request.path == f"/v1/vouchers/imports/{names.voucher('DB-1', system='damubala')}"
    body = request.body
    assert body["group_id"] == names.group("KRG-17-1")
    assert (body["voucher_kind"], body["statuses"]) == ("universal", ["breadwinner-lost"])
    assert body["used"]["month"] == "2026-08"
    assert (body["used"]["used_tiyn"], body["used"]["limit_tiyn"]) == (600_000, 1_800_000)
    assert body["source"] == {
        "system": "damubala", "number": "DB-1", "file": result.digest, "line": 2,
    }  # fmt: skip
    assert body["representative"]["contacts"] == [{"kind": "phone", "value": "+77090001383"}]


def test_a_place_in_the_queue_keeps_its_hour_and_says_which_place_it_was(tmp_path: Path):
    register, _ = read(saved(tmp_path, WAITS))

    (request,) = register.requests()
    assert request.path.startswith("/v1/applications/imports/app-")
    assert request.body["applied_at"] == "2025-11-18T16:41:03+05:00"
    assert (request.body["kind"], request.body["language"]) == ("creative", "any")
    assert request.body["source"]["place"] == 7


@pytest.mark.parametrize(
    ("changes", "column", "code"),
    [
        ({"iin": spoiled("991231600002")}, "ИИН ребёнка", "kernel/bad-iin"),
        ({"parent_iin": "99123150000А"}, "ИИН родителя", "kernel/bad-iin"),
        ({"birth_date": "31.02.2017"}, "Дата рождения", "import/bad-date"),
        ({"state": "спит"}, "Статус", "import/unknown-word"),
        ({"status": "космонавт"}, "Категория", "import/unknown-word"),
        ({"voucher_kind": "золотой"}, "Вид ваучера", "import/unknown-word"),
        ({"used": "18001"}, "Использовано, тг", "import/out-of-bounds"),
        ({"used": "-1"}, "Использовано, тг", "import/out-of-bounds"),
        ({"limit": "много"}, "Лимит месяца, тг", "import/not-a-number"),
        ({"month": "13.2026"}, "Месяц", "import/bad-date"),
        ({"group": ""}, "Код группы", "import/missing"),
        ({"parent_surname": ""}, "Фамилия родителя", "import/missing"),
        ({"area": "Астана"}, "Город", "import/other-area"),
        ({"direction": "магия"}, "Направление", "import/unknown-word"),
        ({"telephone": "12"}, "Телефон", "import/bad-telephone"),
    ],
)
def test_a_poison_row_is_named_by_its_column_and_stops_no_other(
    tmp_path: Path, changes: dict[str, str], column: str, code: str
):
    register, result = read(saved(tmp_path, {**HELD, **changes}, WAITS))

    (refused,) = result.refused
    assert (refused.line, refused.column, refused.code) == (2, column, code)
    assert [request.lines for request in register.requests()] == [(3,)]
    assert set(register.standings) == {2, 3}, "a refused row is accounted for all the same"


def test_a_number_with_other_content_and_the_very_same_row_are_told_apart(tmp_path: Path):
    other = {**HELD, "given": "Заур"}

    _, result = read(saved(tmp_path, HELD, other, HELD))

    assert [(r.line, r.code) for r in result.refused] == [
        (3, "import/number-used-twice"), (4, "import/row-twice"),
    ]  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251", "utf-16"])
def test_a_register_reads_the_same_in_every_encoding(tmp_path: Path, encoding: str):
    register, result = read(saved(tmp_path, HELD, WAITS, encoding=encoding))

    assert not result.refused and len(list(register.requests())) == 2


def test_kazakh_headings_and_words_read_the_same(tmp_path: Path):
    kazakh = {
        **HELD, "state": "белсенді", "voucher_kind": "әмбебап", "direction": "шығармашылық",
        "status": "асыраушысынан айырылған", "area": "Қарағанды", "sex": "қыз",
        "notices": "қазақша", "month": "2026-08",
    }  # fmt: skip
    rows = [list(headings.ARTSPORT.values()), [kazakh[name] for name in headings.ARTSPORT]]
    path = tmp_path / "register.xlsx"
    path.write_bytes(xlsx_bytes("Тізілім", rows))
    plain = saved(tmp_path, HELD)

    (one,) = read(path)[0].requests()
    (other,) = read(plain)[0].requests()
    assert {**one.body, "source": 0} == {**other.body, "source": 0}


def test_the_committed_registers_are_read_but_for_their_planted_rows():
    planted = json.loads((ROOT / "planted.json").read_text("utf-8"))
    for name in ("damubala.csv", "artsport.xlsx"):
        _, result = read(ROOT / name)
        ours = {
            one["line"]: one["codes"]
            for one in planted
            if one["file"] == name and one["codes"][0].startswith(("import/", "kernel/bad-"))
        }
        assert {r.line: [r.code] for r in result.refused} == ours


def test_the_same_file_twice_is_had_and_balances(tmp_path: Path):
    path, api = saved(tmp_path, HELD, WAITS), Platform()
    first = move(path, api)
    before = copy.deepcopy(api.rows)

    again = move(path, api)

    assert api.rows == before
    told = reconciling.report(first), reconciling.report(again)
    assert [t["balanced"] for t in told] == [True, True]
    assert [(t["rows"]["imported"], t["rows"]["had"]) for t in told] == [(2, 0), (0, 2)]


def test_what_kezek_refuses_is_explained_with_its_money(tmp_path: Path):
    path = saved(tmp_path, HELD, WAITS)
    api = Platform(lambda path, body: "children/already-held" if "/vouchers/" in path else None)

    told = reconciling.report(move(path, api))

    assert told["balanced"]
    assert told["refused"] == {"children/already-held": 1}
    assert told["vouchers"] == {
        "before": 1, "after": 0, "explained": {"refused": 1}, "balance": 0,
    }  # fmt: skip
    assert told["remaining_tiyn"]["explained"]["refused"] == 1_200_000


def test_a_child_on_two_platforms_is_named_with_both_rows(tmp_path: Path):
    other = tmp_path / "other"
    other.mkdir()
    second = saved(other, {**HELD, "number": "AS-9"})

    moved = move(saved(tmp_path, HELD), Platform(), artsport=second)

    (twin,) = reconciling.report(moved)["on_two_platforms"]
    assert (twin["number"], twin["other_number"], twin["platform"]) == ("DB-1", "AS-9", "artsport")


def test_a_token_that_may_not_import_ends_the_move(tmp_path: Path):
    class Closed(Platform):
        def ask(self, method: str, path: str, body: object = None, **more: Any) -> Answer:
            return said(403, {"code": "kezek/not-your-role"})

    with pytest.raises(running.NotAllowed):
        move(saved(tmp_path, HELD), Closed())
