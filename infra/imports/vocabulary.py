"""The words of akimats' files: which heading is which field, which word is which code."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path


@functools.lru_cache(maxsize=1)
def _book() -> dict[str, dict[str, dict[str, list[str]]]]:
    return tomllib.loads((Path(__file__).parent / "vocabulary.toml").read_text("utf-8"))


@functools.lru_cache(maxsize=32)
def codes(of: str) -> dict[str, tuple[str, ...]]:
    """Return word → codes it may stand for, the usual one first; a code stands for itself too."""
    found: dict[str, tuple[str, ...]] = {}
    for code, spellings in _book()["words"][of].items():
        for spelling in (code, *spellings):
            found[plain(spelling)] = (*found.get(plain(spelling), ()), code)
    return found


@functools.lru_cache(maxsize=32)
def words(of: str) -> dict[str, str]:
    """Return word → code."""
    return {word: stands_for[0] for word, stands_for in codes(of).items()}


@functools.lru_cache(maxsize=8)
def headings(of: str) -> dict[str, str]:
    """Return heading → field of a kind of file; a field's name is a heading too."""
    found = {}
    for field, spellings in _book()["headings"][of].items():
        for spelling in (field, *spellings):
            found[plain(spelling)] = field
    return found


def shown(of: str, field: str) -> str:
    """Return the first heading of a field, for messages."""
    return _book()["headings"][of][field][0]


def columns(of: str, row: Sequence[str]) -> dict[str, int]:
    """Return field → place in a heading row; headings that mean nothing to us are left out."""
    known = headings(of)
    found: dict[str, int] = {}
    for place, heading in enumerate(row):
        field = known.get(plain(heading))
        if field is not None:
            found.setdefault(field, place)
    return found


def guess(row: Sequence[str]) -> str | None:
    """Return the kind of file that a heading row fits best."""
    counts: Mapping[str, int] = {of: len(columns(of, row)) for of in _book()["headings"]}
    best = max(counts, key=lambda of: counts[of])
    return best if counts[best] else None


def plain(text: str) -> str:
    """Return a word without the differences that mean nothing: case, ё, doubled spaces."""
    return " ".join(text.casefold().replace("ё", "е").split()).rstrip(":.")
