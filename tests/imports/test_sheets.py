"""Files as akimats export them are read whatever their encoding and separator."""

from __future__ import annotations

import io
from datetime import datetime
from pathlib import Path

import pytest

from infra.imports import sheets
from infra.imports.sheets import Unreadable


def a_file(tmp_path: Path, content: bytes, name: str = "rows.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251", "utf-16"])
@pytest.mark.parametrize("separator", [";", ",", "\t"])
def test_csv_is_read_in_any_encoding_and_with_any_separator(
    tmp_path: Path, encoding: str, separator: str
):
    rows = [["Имя ребёнка", "Адрес"], ["Алихан", "ул. Абая, 5; кв. 7"]]
    text = "\r\n".join(separator.join(f'"{cell}"' for cell in row) for row in rows)

    sheet = sheets.read(a_file(tmp_path, text.encode(encoding)))

    assert sheet.headings == ("Имя ребёнка", "Адрес")
    assert sheet.lines[0].cells == ("Алихан", "ул. Абая, 5; кв. 7")
    assert sheet.lines[0].number == 2


def test_kazakh_letters_survive_utf_8_and_xlsx(tmp_path: Path):
    name = "Нұрәлі Ғұмарұлы Қожаөтеғалиев Һ"
    csv = a_file(tmp_path, f"Баланың аты\n{name}\n".encode())
    book = a_file(tmp_path, a_book([["Баланың аты"], [name]]), "rows.xlsx")

    assert sheets.read(csv).lines[0].cells == (name,)
    assert sheets.read(book).lines[0].cells == (name,)


def test_a_cell_over_several_lines_keeps_the_line_it_begins_on(tmp_path: Path):
    text = 'a;b\n1;"two\nlines"\n3;4\n'

    sheet = sheets.read(a_file(tmp_path, text.encode()))

    assert [(line.number, line.cells[0]) for line in sheet.lines] == [(2, "1"), (4, "3")]


def test_xlsx_dates_numbers_and_zeros_are_what_a_person_sees(tmp_path: Path):
    rows = [
        ["a", "b", "c", "d"],
        [datetime(2023, 2, 7), 15.0, "000123", datetime(2026, 1, 2, 8, 5)],
    ]

    sheet = sheets.read(a_file(tmp_path, a_book(rows), "rows.xlsx"))

    assert sheet.lines[0].cells == ("07.02.2023", "15", "000123", "02.01.2026 08:05:00")


def test_empty_rows_are_skipped_and_the_others_keep_their_numbers(tmp_path: Path):
    sheet = sheets.read(a_file(tmp_path, b"a;b\n;\n1;2\n"))

    assert [line.number for line in sheet.lines] == [3]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no rows"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest", "old Excel"),
        (b"PK\x03\x04 and then nothing", "XLSX"),
        (b"a;b\n\x00;\x98\n", "not a text file|neither"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(tmp_path: Path, content: bytes, why: str):
    with pytest.raises(Unreadable, match=why) as refused:
        sheets.read(a_file(tmp_path, content))
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there_is_unreadable(tmp_path: Path):
    with pytest.raises(Unreadable):
        sheets.read(tmp_path / "none.csv")


def a_book(rows: list[list[object]]) -> bytes:
    from openpyxl import Workbook

    book = Workbook()
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
