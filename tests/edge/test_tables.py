"""Files that open safely in a spreadsheet."""

from __future__ import annotations

import csv
import io
from datetime import date

import pytest

from chalicelib.edge.tables import csv_file


def _read_back(file: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(file.decode("utf-8-sig"), newline="")))


def test_a_file_begins_with_a_byte_order_mark_and_keeps_kazakh_letters() -> None:
    file = csv_file(["Аты", "Орын"], [["Әйгөлек, «Қуаныш»", 5]])

    assert file.startswith(b"\xef\xbb\xbf")
    assert _read_back(file) == [["Аты", "Орын"], ["Әйгөлек, «Қуаныш»", "5"]]


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+7 701",
        "-5",
        "@SUM(A1)",
        "\tx",
        "\r=1",
        "\n=1",
        "  =1",
        "＝1",
        "=cmd|' /C calc'!A0",
    ],
)
def test_text_that_a_spreadsheet_would_run_is_quoted_c7(text: str) -> None:
    (_, (cell,)) = _read_back(csv_file(["a"], [[text]]))

    assert cell == f"'{text}"


def test_numbers_days_and_zeros_stay_what_they_are_c7() -> None:
    (_, row) = _read_back(csv_file(["a"] * 5, [[-5, 0, date(2026, 9, 1), "007", None]]))

    assert row == ["-5", "0", "2026-09-01", "007", ""]


def test_commas_quotes_and_lines_inside_a_cell_survive() -> None:
    (_, row) = _read_back(csv_file(["a", "b"], [['say "no", twice', "two\nlines"]]))

    assert row == ['say "no", twice', "two\nlines"]
