"""What was refused, for people: file, line, column and the reason in Kazakh, Russian, English."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chalicelib.edge import texts
from chalicelib.edge.tables import csv_file

HEADINGS = ("file", "line", "column", "code", "reason_kk", "reason_ru", "reason_en")


@dataclass(frozen=True, slots=True)
class Refused:
    """One row that was not taken. column: the heading in the file, empty for the whole row."""

    file: str
    line: int
    column: str
    code: str
    facts: Mapping[str, object] = field(default_factory=dict)

    def reason(self, language: str) -> str:
        """Return why, in a language."""
        return said(self.code, language, self.facts)

    def shown(self, language: str) -> str:
        """Return the refusal as one line for people."""
        where = f"{self.file}:{self.line}"
        column = f" «{self.column}»" if self.column else ""
        return f"{where}{column}: {self.reason(language)} [{self.code}]"

    def as_json(self) -> dict[str, Any]:
        """Return the refusal for programs."""
        return {
            "file": self.file,
            "line": self.line,
            "column": self.column or None,
            "code": self.code,
            "reason": {language: self.reason(language) for language in texts.LANGUAGES},
        }


def said(code: str, language: str, facts: Mapping[str, object]) -> str:
    """Return a text of the import's own, or of the system, in a language."""
    own = _own().get(code)
    if own is None:
        return texts.text(code, language, facts)
    return own[language].format_map(_Facts(facts))


def as_csv(refused: Iterable[Refused]) -> bytes:
    """Return refusals as a CSV file that a spreadsheet opens safely."""
    return csv_file(
        HEADINGS,
        (
            (r.file, r.line, r.column, r.code, *(r.reason(n) for n in ("kk", "ru", "en")))
            for r in refused
        ),
    )


@functools.lru_cache(maxsize=1)
def _own() -> dict[str, dict[str, str]]:
    return tomllib.loads((Path(__file__).parent / "texts.toml").read_text("utf-8"))


class _Facts(dict[str, object]):
    def __missing__(self, name: str) -> str:
        return "…"
