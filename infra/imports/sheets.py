"""Read a table from the bytes of a file: CSV or XLSX, as Excel and 1C export them.

CSV: a byte-order mark or none; UTF-8, else Windows-1251 (which has no Kazakh letters ә ғ қ ң ө ұ
ү һ: such a file spells them the Russian way); semicolon, comma or tab.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path

LONGEST_CELL = 4000
MOST_BYTES = 200_000_000
_SEPARATORS = ";,\t"


class Unreadable(ValueError):
    """The file cannot be read at all; the message says why, in one line."""


@dataclass(frozen=True, slots=True)
class Line:
    """A row with the number it has in the file, headings being line 1."""

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table. digest: SHA-256 of the file; encoding and separator: as they were found."""

    name: str
    digest: str
    headings: tuple[str, ...]
    lines: tuple[Line, ...]
    encoding: str
    separator: str


def read(path: Path) -> Sheet:
    """Return the first table of a file. Raises Unreadable."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise Unreadable(f"{path}: larger than {MOST_BYTES // 1_000_000} MB")
        raw = path.read_bytes()
    except OSError as error:
        raise Unreadable(f"{path}: {error.strerror or error}") from error
    digest = hashlib.sha256(raw).hexdigest()
    if raw[:4] == b"PK\x03\x04":
        lines, encoding, separator = list(_xlsx(path, raw)), "xlsx", ""
    elif raw[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        raise Unreadable(f"{path}: an old Excel file (.xls); save it as .xlsx or CSV")
    else:
        text, encoding = _decoded(path, raw)
        separator = _separator(text)
        lines = list(_csv(path, text, separator))
    lines = [line for line in lines if any(line.cells)]
    if not lines:
        raise Unreadable(f"{path}: no rows")
    return Sheet(path.name, digest, lines[0].cells, tuple(lines[1:]), encoding, separator)


def _decoded(path: Path, raw: bytes) -> tuple[str, str]:
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return raw.decode("utf-16"), "utf-16"
        except UnicodeDecodeError as error:
            raise Unreadable(f"{path}: neither UTF-8 nor Windows-1251") from error
    for encoding in ("utf-8-sig", "cp1251"):
        try:
            return raw.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    raise Unreadable(f"{path}: neither UTF-8 nor Windows-1251")


def _separator(text: str) -> str:
    """Return the separator of the heading line: the one that occurs most outside quotes."""
    heading = text.lstrip("\r\n").split("\n", 1)[0]
    bare = "".join(heading.split('"')[::2])
    return max(_SEPARATORS, key=bare.count)


def _csv(path: Path, text: str, separator: str) -> Iterator[Line]:
    if "\x00" in text:
        raise Unreadable(f"{path}: not a text file")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    before = 0
    try:
        for row in reader:
            yield Line(before + 1, _tidy(row))
            before = reader.line_num
    except csv.Error as error:
        raise Unreadable(f"{path}: line {before + 1}: {error}") from error


def _xlsx(path: Path, raw: bytes) -> Iterator[Line]:
    from openpyxl.reader.excel import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = load_workbook(io.BytesIO(raw), read_only=True, data_only=True)  # type: ignore[no-untyped-call]
        sheet = book.worksheets[0]
        for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
            yield Line(number, _tidy([_text(cell) for cell in row]))
        book.close()
    except (InvalidFileException, zipfile.BadZipFile, KeyError, IndexError, OSError) as error:
        raise Unreadable(f"{path}: not an XLSX workbook that can be read") from error


def _text(cell: object) -> str:
    """Return a cell as a person sees it: dates DD.MM.YYYY, whole numbers without a fraction."""
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        shown = f"{cell:%d.%m.%Y}"
        return shown if cell.time() == time(0) else f"{shown} {cell:%H:%M:%S}"
    if isinstance(cell, date):
        return f"{cell:%d.%m.%Y}"
    if isinstance(cell, time):
        return f"{cell:%H:%M}"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)


def _tidy(row: Sequence[str]) -> tuple[str, ...]:
    # A spreadsheet's apostrophe says "this is text"; it is no part of the text.
    return tuple(
        cell.replace("\u00a0", " ").strip().removeprefix("'")[:LONGEST_CELL] for cell in row
    )
