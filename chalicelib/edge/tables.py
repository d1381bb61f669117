"""Tables as files that a spreadsheet opens safely: nothing runs, letters and zeros stay.

Comma, CRLF and a byte-order mark: Excel then reads Kazakh letters without asking.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime

CSV_MEDIA_TYPE = "text/csv; charset=utf-8"
XLSX_MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_BYTE_ORDER_MARK = "\ufeff"
# What a spreadsheet may take for a formula, full-width twins included.
_RUNS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def csv_file(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """Return a CSV file: UTF-8 with a byte-order mark, comma, CRLF, a row of headings first.

    Cells are text, whole numbers, days or None (empty). Text that a spreadsheet would run begins
    with an apostrophe; numbers are never touched, so a negative sum stays a number.
    """
    out = io.StringIO()
    out.write(_BYTE_ORDER_MARK)
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([safe_cell(heading) for heading in headings])
    for row in rows:
        writer.writerow([safe_cell(cell) for cell in row])
    return out.getvalue().encode()


def xlsx_file(
    sheet: str, headings: Sequence[str], rows: Iterable[Sequence[object]], *, made_at: datetime
) -> bytes:
    """Return a workbook of one sheet: texts stay texts, leading zeros too, and nothing runs.

    Cells are text, whole numbers or None. made_at stands in the file as its date, so that the
    same rows give the same bytes.
    """
    import xlsxwriter

    out = io.BytesIO()
    # In memory and row by row: Lambda has little room, and nothing of it must touch a disk.
    options = {"in_memory": True, "constant_memory": False, "strings_to_formulas": False}
    options |= {"strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(out, options)
    book.set_properties({"created": made_at.replace(tzinfo=None)})
    page = book.add_worksheet(sheet)
    bold = book.add_format({"bold": True})
    for column, heading in enumerate(headings):
        page.write_string(0, column, heading, bold)
    for number, row in enumerate(rows, start=1):
        for column, cell in enumerate(row):
            if cell is None:
                continue
            if isinstance(cell, int) and not isinstance(cell, bool):
                page.write_number(number, column, cell)
            else:
                page.write_string(number, column, str(cell))
    page.freeze_panes(1, 0)
    book.close()
    return out.getvalue()


def safe_cell(cell: object) -> object:
    """Return a cell as it may stand in a spreadsheet."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, int):
        return cell
    text = str(cell)
    # A spreadsheet skips leading spaces before it looks for a formula.
    return f"'{text}" if text.lstrip(" \u00a0").startswith(_RUNS) else text
