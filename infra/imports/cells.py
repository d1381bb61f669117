"""One cell → one value, or a refusal that names the column; nothing is guessed."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from chalicelib.kernel.iin import checked_bin, checked_iin
from chalicelib.kernel.periods import almaty
from chalicelib.kernel.refusals import Refusal
from infra.imports import vocabulary

_DATE = re.compile(r"([0-9]{1,2})[.]([0-9]{1,2})[.]([0-9]{4})\Z")
_ISO = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})\Z")
_TIME = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:[.]([0-9]{1,6}))?)?\Z")
_NUMBER = re.compile(r"-?[0-9]+\Z")


class CellRefused(ValueError):
    """A cell cannot be taken. code: import/…, or the code of the system's own rule."""

    def __init__(self, field: str, code: str, **facts: object) -> None:
        super().__init__(code)
        self.field = field
        self.code = code
        self.facts = facts


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of a line by field. Errors name the field; values never enter a message."""

    of: str
    cells: Mapping[str, str]

    def optional(self, field: str) -> str | None:
        """Return the text of a cell, None when it is empty or the column is missing."""
        return self.cells.get(field) or None

    def text(self, field: str, *, most: int = 300) -> str:
        """Return a text that must be there."""
        found = self.cells.get(field, "")
        if not found:
            raise CellRefused(field, "import/missing")
        if len(found) > most:
            raise CellRefused(field, "import/too-long", most=most)
        return found

    def word(self, field: str, *, of: str | None = None, otherwise: str | None = None) -> str:
        """Return the code that a word stands for."""
        if otherwise is not None and not self.cells.get(field):
            return otherwise
        code = vocabulary.words(of or field).get(vocabulary.plain(self.text(field)))
        if code is None:
            raise CellRefused(field, "import/unknown-word")
        return code

    def words(self, field: str, *, known: Collection[str] = ()) -> list[str]:
        """Return the codes of a cell that holds several words, by comma or semicolon, each once.

        known: codes that are meant where a word may stand for several.
        """
        found = []
        for word in self.listed(field):
            codes = vocabulary.codes(field).get(vocabulary.plain(word))
            if codes is None:
                raise CellRefused(field, "import/unknown-word")
            found.append(next((code for code in codes if code in known), codes[0]))
        return list(dict.fromkeys(found))

    def listed(self, field: str) -> list[str]:
        """Return the parts of a cell that holds several things, by comma or semicolon."""
        return [part for part in re.split(r"\s*[,;]\s*", self.optional(field) or "") if part]

    def degrees(self, field: str, *, most: int) -> float:
        """Return a latitude or longitude; comma or point."""
        found = self.text(field).replace(",", ".")
        if not re.fullmatch(r"-?[0-9]{1,3}([.][0-9]{1,10})?", found):
            raise CellRefused(field, "import/not-a-number")
        if abs(value := float(found)) > most:
            raise CellRefused(field, "import/out-of-bounds", least=-most, most=most)
        return value

    def number(self, field: str, *, least: int, most: int) -> int:
        """Return a whole number; spaces between thousands and ",0" at the end are allowed."""
        found = self.text(field).replace(" ", "").replace("\u202f", "").replace(",", ".")
        found = re.sub(r"[.]0+\Z", "", found)
        if not _NUMBER.match(found):
            raise CellRefused(field, "import/not-a-number")
        value = int(found)
        if not least <= value <= most:
            raise CellRefused(field, "import/out-of-bounds", least=least, most=most)
        return value

    def day(self, field: str) -> date:
        """Return a day written DD.MM.YYYY (or as ISO has it)."""
        return _day(field, self.text(field))

    def instant(self, field: str) -> datetime:
        """Return an instant in Kazakhstan written DD.MM.YYYY HH:MM[:SS]; midnight without time."""
        day, _, clock = self.text(field).replace("T", " ").partition(" ")
        return at(field, _day(field, day), clock.strip() or "00:00")

    def iin(self, field: str) -> str:
        """Return an IIN that is right in form and check digit."""
        return self._checked(field, checked_iin)

    def bin(self, field: str) -> str:
        """Return a BIN that is right in form and check digit."""
        return self._checked(field, checked_bin)

    def telephone(self, field: str) -> str | None:
        """Return a telephone number as +77xxxxxxxxx, None when the cell is empty."""
        found = self.optional(field)
        if found is None:
            return None
        digits = re.sub(r"[ ()\-]", "", found)
        if re.fullmatch(r"8[0-9]{10}", digits):
            digits = f"+7{digits[1:]}"
        if re.fullmatch(r"[0-9]{11,15}", digits):
            digits = f"+{digits}"
        if not re.fullmatch(r"\+[0-9]{10,15}", digits):
            raise CellRefused(field, "import/bad-telephone")
        return digits

    def _checked(self, field: str, check: object) -> str:
        found = self.text(field).replace(" ", "")
        # Excel drops the zeros in front of a number that it takes for one.
        found = found.zfill(12) if found.isdigit() and 9 <= len(found) < 12 else found
        try:
            return str(check(found))  # type: ignore[operator]
        except Refusal as refusal:
            raise CellRefused(field, refusal.code, **refusal.facts) from refusal


def at(field: str, day: date, clock: str) -> datetime:
    """Return a wall clock's instant of a day in Kazakhstan."""
    match = _TIME.match(clock)
    try:
        if match is None:
            raise ValueError
        hour, minute, second, fraction = match.groups()
        micro = int((fraction or "").ljust(6, "0"))
        return datetime(
            day.year,
            day.month,
            day.day,
            int(hour),
            int(minute),
            int(second or 0),
            micro,
            tzinfo=almaty(),
        )
    except ValueError as error:
        raise CellRefused(field, "import/bad-time") from error


def _day(field: str, text: str) -> date:
    match = _DATE.match(text)
    iso = _ISO.match(text)
    try:
        if match:
            return date(int(match[3]), int(match[2]), int(match[1]))
        if iso:
            return date(int(iso[1]), int(iso[2]), int(iso[3]))
    except ValueError as error:
        raise CellRefused(field, "import/bad-date") from error
    raise CellRefused(field, "import/bad-date")
