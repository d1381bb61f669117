"""From the text of a pack file to typed rows, every problem with its line and its cure.

The standard TOML reader gives no lines for values. Pack files are plain enough for a scan to find
them: a table header per row, one key per line. A file with a problem is read to its end, so
that its author sees all of them at once.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, fields
from datetime import date, datetime
from functools import cached_property, lru_cache
from types import NoneType, UnionType
from typing import (
    Any,
    Generic,
    Literal,
    NamedTuple,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from chalicelib.kernel.periods import DateRange
from chalicelib.policy.rules.texts import Dated, Text

Row = TypeVar("Row")

LANGUAGES = ("kk", "ru", "en")
TEXT_KEYS = frozenset(LANGUAGES)
DAY_KEYS = frozenset({"valid_from", "valid_to"})

_HEADER = re.compile(r"\s*(\[\[?)\s*([A-Za-z0-9_-]+)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(r"\s*([A-Za-z0-9_-]+)\s*=")
_AT_LINE = re.compile(r"\s*\(at line (\d+), column \d+\)$")


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """What is wrong at a line of a pack file, and what to do about it."""

    file: str
    line: int
    wrong: str
    cure: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.wrong}; {self.cure}"


class BrokenPack(ValueError):
    """A pack file cannot be used. Not a refusal: whoever ships or edits the file must mend it."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(map(str, self.problems)))


@dataclass(frozen=True, slots=True)
class Lines:
    """The line of a table's header and those of its keys."""

    header: int
    keys: Mapping[str, int]


class Place(NamedTuple):
    """Where the n-th table of a name stands; its lines are looked up when they are needed."""

    reader: Reader
    table: str
    n: int

    @property
    def line(self) -> int:
        """Return the line of the header, 1 when the table is absent."""
        return self.reader.lines_of(self.table, self.n).header

    def of(self, key: str) -> int:
        """Return the line of a key, or of the header when the key is absent."""
        lines = self.reader.lines_of(self.table, self.n)
        return lines.keys.get(key, lines.header)


@dataclass(frozen=True, slots=True)
class Located(Generic[Row]):
    """A row together with its place in the file."""

    row: Row
    place: Place


class Reader:
    """Reads one file; `problems` grows, `raise_problems` ends the reading when there are any."""

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self._text_of_file = text
        try:
            self.document: dict[str, Any] = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            # Dates that cannot exist and doubled keys end here, too.
            message = str(error)
            at = _AT_LINE.search(message)
            line = int(at[1]) if at else max(1, text.count("\n"))
            wrong = f"not readable as TOML: {_AT_LINE.sub('', message)}"
            raise BrokenPack([Problem(file, line, wrong, "write valid TOML here")]) from error

    def report(self, line: int, wrong: str, cure: str) -> None:
        """Note a problem and read on."""
        self.problems.append(Problem(self.file, line, wrong, cure))

    def raise_problems(self) -> None:
        """Raise BrokenPack when anything was reported."""
        if self.problems:
            raise BrokenPack(self.problems)

    def place(self, table: str, n: int = 0) -> Place:
        """Return where the n-th table of that name stands."""
        return Place(self, table, n)

    def lines_of(self, table: str, n: int) -> Lines:
        """Return the lines of the n-th table of that name; line 1 when it is absent."""
        found = self._lines.get(table, [])
        return found[n] if n < len(found) else Lines(1, {})

    @cached_property
    def _lines(self) -> dict[str, list[Lines]]:
        # Only a file with a problem is scanned a second time.
        return lines_in(self._text_of_file)

    def refuse_other_tables(self, known: frozenset[str]) -> None:
        """Report each top-level name that is not known."""
        for name in self.document:
            if name not in known:
                self.report(
                    self.place(name).line,
                    f"unknown table {name!r}",
                    f"use one of: {', '.join(sorted(known))}",
                )

    def one(self, table: str, kind: type[Row]) -> Located[Row] | None:
        """Return the only `[table]` of the file, None after a report."""
        raw = self.document.get(table)
        if not isinstance(raw, dict):
            self.report(self.place(table).line, f"no [{table}]", f"add one [{table}] table")
            return None
        return self._row(table, raw, kind, self.place(table))

    def many(self, table: str, kind: type[Row]) -> list[Located[Row]]:
        """Return all `[[table]]` rows that could be read, in the order of the file."""
        raws = self.document.get(table, [])
        if not (isinstance(raws, list) and all(isinstance(raw, dict) for raw in raws)):
            self.report(
                self.place(table).line, f"{table} is not a list", f"write [[{table}]] for each row"
            )
            return []
        read = [self._row(table, raw, kind, self.place(table, n)) for n, raw in enumerate(raws)]
        return [located for located in read if located is not None]

    def _row(self, table: str, raw: dict[str, Any], kind: Any, place: Place) -> Located[Any] | None:
        before = len(self.problems)
        dated, specs = _specs(kind)
        allowed = frozenset(specs) | TEXT_KEYS | (DAY_KEYS if dated else frozenset())
        for key in raw:
            if key not in allowed:
                self.report(
                    place.of(key),
                    f"unknown key {key!r} in {table}",
                    f"use one of: {', '.join(sorted(allowed))}",
                )
        values: dict[str, Any] = {"text": self._text(raw, place)}
        if dated:
            values["during"] = self._during(raw, place)
        for key, (spec, hint) in specs.items():
            if key in raw:
                wrong = _wrong(raw[key], hint, spec.metadata)
                if wrong is not None:
                    self.report(place.of(key), f"{key} = {_shown(raw[key])} is wrong", wrong)
                values[key] = _made(raw[key], hint)
            elif spec.default is MISSING:
                self.report(place.line, f"{table} without {key!r}", f"add {key} = …")
        return Located(kind(**values), place) if len(self.problems) == before else None

    def _text(self, raw: dict[str, Any], place: Place) -> Text:
        for language in LANGUAGES:
            said = raw.get(language)
            if not isinstance(said, str) or not said.strip():
                self.report(place.of(language), f"no text in {language!r}", f'add {language} = "…"')
        return Text(*(str(raw.get(language)) for language in LANGUAGES))

    def _during(self, raw: dict[str, Any], place: Place) -> DateRange:
        first, last = raw.get("valid_from"), raw.get("valid_to")
        for key, day in (("valid_from", first), ("valid_to", last)):
            missing = day is None and key == "valid_from"
            if missing or not (day is None or _is_date(day)):
                self.report(place.of(key), f"{key} is not a date", f"add {key} = YYYY-MM-DD")
                return DateRange(date.min)
        if last is not None and last < first:
            self.report(
                place.of("valid_to"),
                f"valid_to {last} is before valid_from {first}",
                "both days are included: end on the first day or later",
            )
        return DateRange(first, last)  # type: ignore[arg-type]


def lines_in(text: str) -> dict[str, list[Lines]]:
    """Return the lines of all table headers and of the keys below each, by table name.

    Headers and keys inside texts of several lines are not mistaken for real ones.
    """
    tables: dict[str, list[Lines]] = {}
    keys: dict[str, int] = {}
    inside = False
    for number, line in enumerate(text.splitlines(), start=1):
        if not inside:
            if header := _HEADER.match(line):
                keys = {}
                tables.setdefault(header[2], []).append(Lines(number, keys))
            elif key := _KEY.match(line):
                keys.setdefault(key[1], number)
                if not tables:
                    tables[key[1]] = [Lines(number, {})]  # a key above all headers
        if (line.count('"""') + line.count("'''")) % 2:
            inside = not inside
    return tables


@lru_cache(maxsize=64)
def _specs(kind: type[Any]) -> tuple[bool, dict[str, tuple[Field[Any], Any]]]:
    # Texts and days of force are written as keys of their own in the files.
    hints = get_type_hints(kind)
    specs = {
        spec.name: (spec, hints[spec.name])
        for spec in fields(kind)
        if spec.name not in {"text", "during"} and not spec.metadata.get("derived")
    }
    return issubclass(kind, Dated), specs


def _wrong(value: object, hint: Any, limits: Mapping[str, Any]) -> str | None:
    """Return what a value of this type should be, None when it is."""
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        wrongs = [_wrong(value, arg, limits) for arg in args if arg is not NoneType]
        return None if None in wrongs else next(wrong for wrong in wrongs if wrong)
    if origin is Literal:
        return None if value in args else f"use one of: {', '.join(map(str, args))}"
    if origin is tuple:
        if not isinstance(value, list) or not (value or limits.get("empty")):
            return "write a list in [ ] with at least one entry"
        return next((w for entry in value if (w := _wrong(entry, args[0], limits))), None)
    hint = getattr(hint, "__supertype__", hint)  # Tiyn is an int to the reader
    if hint is bool:
        return None if isinstance(value, bool) else "write true or false"
    if hint is int:
        least, most = limits.get("least", 0), limits.get("most")
        whole = isinstance(value, int) and not isinstance(value, bool)
        if whole and least <= value and (most is None or value <= most):
            return None
        return f"write a whole number from {least}" + (f" to {most}" if most else " up")
    if hint is date:
        return None if _is_date(value) else "write a date as YYYY-MM-DD"
    if hint is Text:
        complete = (
            isinstance(value, dict)
            and value.keys() == TEXT_KEYS
            and all(isinstance(said, str) and said.strip() for said in value.values())
        )
        return None if complete else 'write { kk = "…", ru = "…", en = "…" }'
    if not isinstance(value, str) or not value.strip():
        return 'write a text in " "'
    form = limits.get("form")
    if form is not None and not re.fullmatch(form, value):
        return f"write {limits['shape']}"
    return None


def _made(value: Any, hint: Any) -> Any:
    if isinstance(value, list):
        return tuple(value)
    if hint is Text and isinstance(value, dict):
        return Text(*(value.get(language, "") for language in LANGUAGES))
    return value


def _is_date(value: object) -> bool:
    return isinstance(value, date) and not isinstance(value, datetime)


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value!r}"[:60]
