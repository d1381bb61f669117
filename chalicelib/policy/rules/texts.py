"""What every row of a rule pack has: days of force, a source and a text in three languages.

Field metadata say what a value may be, for the reader of pack files: `least` and `most` of a
number, the `form` of a text with its readable `shape`, `derived` for what files never state,
`empty` for a list that may hold nothing.
"""

# No postponed annotations here: the reader of pack files uses them as they are.

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from chalicelib.kernel.periods import DateRange

POLICY = "policy"

HOUR_AND_MINUTE = {"form": r"([01][0-9]|2[0-3]):[0-5][0-9]", "shape": "HH:MM"}
MONTH_AND_DAY = {"form": r"[0-9]{2}-[0-9]{2}", "shape": "MM-DD"}
HOURS = {"form": r"[0-9]{1,4}(\.[0-9])?", "shape": 'a number as text, like "9", "10.5" or "60"'}
CODE = {"form": r"[A-Za-z][A-Za-z0-9-]*", "shape": "letters, digits and hyphens"}


def between(least: int, most: int) -> Mapping[str, int]:
    """Return the metadata of a number with limits, both included."""
    return {"least": least, "most": most}


MAY_BE_EMPTY = {"empty": True}
DAY_OF_MONTH = between(1, 28)
AT_LEAST_ONE = between(1, 100_000)


@dataclass(frozen=True, slots=True)
class Text:
    """One human text in the three languages; none is ever empty."""

    kk: str
    ru: str
    en: str

    def in_(self, language: str) -> str:
        """Return the text in "kk", "ru" or "en"; any other language reads Russian."""
        return {"kk": self.kk, "en": self.en}.get(language, self.ru)


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """A legal act or a publication that rows cite by its key.

    in_force_from, in_force_to: days of force as published, both included; None when unknown.
    """

    key: str = field(metadata=CODE)
    kind: Literal["order", "law", "resolution", "publication"]
    number: str | None = None
    issued_on: date | None = None
    in_force_from: date | None = None
    in_force_to: date | None = None
    issuer: str | None = None
    url: str | None = None
    text: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Dated:
    """What all rows share: days of force (both included), origin and human text.

    source: the key of an act of the pack, or "policy" for a default that no published act fixes.
    """

    during: DateRange
    source: str
    paragraph: str | None = None
    text: Text
