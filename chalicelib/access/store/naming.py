"""Pointers: lists of what is found under another key."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.storage.rows import FactsRow
from chalicelib.storage.shelf import Shelf


@dataclass(frozen=True, slots=True)
class Named:
    """A pointer to a proposal, an opening or a consent."""

    id: str


NAMED: Shelf[Named] = Shelf(FactsRow, Named)
