"""A partner's timesheet becomes a signed chain; what was acknowledged is never sent again."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from chalicelib.attendance.rules import read_record
from infra.client import Answer, Api
from infra.imports import attendance, names
from infra.imports.running import Result

NOW = datetime(2026, 9, 11, 14, 0, tzinfo=UTC)
HEAD = "Код объекта,Номер заявления,Дата,Приход,Уход,Отметка"


class Site(Api):
    """A Kezek of one site with one enrolled child; remembers every record it was sent."""

    def __init__(self, *, silent: bool = False) -> None:
        super().__init__("http://test", "head")
        self.records: list[dict[str, Any]] = []
        self.silent = silent
        self.uploads = 0

    def as_(self, token: str | None) -> Api:
        return self

    def ask(self, method: str, path: str, body: Any = None, **more: Any) -> Answer:
        if "/pairings/" in path:
            return _said({"code": "ABCD-EFGH"})
        if "/devices/" in path:
            return _said({})
        if "/enrolments" in path:
            entry = {
                "application_id": names.application("TDK-1"),
                "enrolment_id": "enrolment-1",
                "starts_on": "2026-09-01",
                "ends_on": "2026-09-10",
            }
            other = {**entry, "application_id": names.application("TDK-7"), "enrolment_id": "e-7"}
            return _said({"items": [entry, other], "next_cursor": None})
        self.uploads += 1
        if self.silent:
            return Answer(503, b"{}", {})
        self.records += body["records"]
        outcomes = [{"outcome": "accepted", "code": None} for _ in body["records"]]
        return _said({"outcomes": outcomes})


def _said(content: dict[str, Any]) -> Answer:
    return Answer(200, json.dumps(content).encode(), {})


def imported(folder: Path, rows: list[str], api: Site) -> Result:
    path = folder / "september.csv"
    path.write_text("\n".join([HEAD, *rows]), "utf-8")
    return attendance.run(
        path,
        api,
        key=folder / "recorder.json",
        heads=lambda site: api if site == "TDK-61" else None,
        system=names.SYSTEM,
        at_once=1,
        now=lambda: NOW,
        on_progress=lambda done, total: None,
    )


PRESENT = "TDK-61,TDK-1,01.09.2026,08:10,17:20,присутствовал"
ILL = "TDK-61,TDK-1,02.09.2026,,,болезнь"


def test_each_row_is_signed_in_order_as_the_format_asks(tmp_path: Path):
    site = Site()

    result = imported(tmp_path, [ILL, PRESENT], site)

    assert result.taken == 2
    assert [(r["counter"], r["kind"]) for r in site.records] == [
        (1, "in"),
        (2, "out"),
        (3, "absence"),
    ]
    read = [read_record(record) for record in site.records]
    assert [record.hash for record in read[:2]] == [record.prev for record in read[1:]]  # type: ignore[union-attr]


def test_no_record_is_older_than_the_one_before_it(tmp_path: Path):
    """A clock that steps back between two records would be a signal."""
    site = Site()

    imported(tmp_path, [PRESENT, "TDK-61,TDK-7,01.09.2026,08:30,16:50,присутствовал"], site)

    assert [(r["enrolment"], r["kind"]) for r in site.records] == [
        ("enrolment-1", "in"),
        ("e-7", "in"),
        ("e-7", "out"),
        ("enrolment-1", "out"),
    ]


def test_the_same_file_again_sends_nothing(tmp_path: Path):
    site = Site()
    imported(tmp_path, [PRESENT], site)

    again = imported(tmp_path, [PRESENT], site)

    assert (again.taken, site.uploads) == (1, 1)


def test_what_was_signed_and_not_acknowledged_is_sent_as_it_was(tmp_path: Path):
    with pytest.raises(attendance.Unfinished):
        imported(tmp_path, [PRESENT], Site(silent=True))
    first = json.loads((tmp_path / "recorder.json").read_text())["TDK-61"]["waiting"]
    site = Site()

    imported(tmp_path, [PRESENT, ILL], site)

    assert site.records[:2] == [record for _, _, record in first]
    assert len(site.records) == 3


@pytest.mark.parametrize(
    ("row", "code", "column"),
    [
        ("TDK-61,TDK-1,11.09.2026,08:10,,присутствовал", "import/not-enrolled", "Номер заявления"),
        ("TDK-61,TDK-2,01.09.2026,08:10,,присутствовал", "import/not-enrolled", "Номер заявления"),
        ("TDK-62,TDK-1,01.09.2026,08:10,,присутствовал", "import/no-device", "Код объекта"),
        ("TDK-61,TDK-1,31.09.2026,08:10,,присутствовал", "import/bad-date", "Дата"),
        ("TDK-61,TDK-1,01.09.2026,8.10,,присутствовал", "import/bad-time", "Приход"),
        ("TDK-61,TDK-1,01.09.2026,,,улетел", "import/unknown-word", "Отметка"),
    ],
)
def test_a_row_that_cannot_be_signed_is_named(tmp_path: Path, row: str, code: str, column: str):
    (refused,) = imported(tmp_path, [row], Site()).refused

    assert (refused.line, refused.code, refused.column) == (2, code, column)


def test_the_key_file_is_for_its_owner_only(tmp_path: Path):
    imported(tmp_path, [PRESENT], Site())

    assert (tmp_path / "recorder.json").stat().st_mode & 0o077 == 0
