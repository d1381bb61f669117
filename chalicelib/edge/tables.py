"""Tables as files that a spreadsheet opens safely: nothing runs, letters and zeros stay.

Comma, CRLF and a byte-order mark: Excel then reads Kazakh letters without asking.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

CSV_MEDIA_TYPE = "text/csv; charset=utf-8"
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
