"""Rows of what was counted."""

from __future__ import annotations

from chalicelib.access.rules.figures import Figures
from chalicelib.kernel.periods import Month
from chalicelib.storage import keys
from chalicelib.storage.commit import Put
from chalicelib.storage.rows import FactsRow
from chalicelib.storage.shelf import Kept, Shelf

FIGURES: Shelf[Figures] = Shelf(FactsRow, Figures)


def load_figures(month: Month, area: str, of: str) -> Kept[Figures]:
    """Return what was counted in an area's month; nothing, at version 0, before the first.

    of: what is counted; each has its own row, so that one commit may count two things.
    """
    key = keys.access_figures(month, area, of)
    none = Figures(month=str(month), area=area)
    return FIGURES.find(key) or Kept(none, *key, 0, "{}")


def keep_figures(kept: Kept[Figures], figures: Figures) -> Put:
    if kept.version == 0:
        return FIGURES.create((kept.pk, kept.sk), figures)
    return FIGURES.replace(kept, figures)


def list_figures(month: Month) -> list[Figures]:
    """Return a month's figures, in order of area. One query, at most three rows of each area."""
    return [kept.value for kept in FIGURES.each(keys.access_figures(month, "", "")[0])]
