"""Rows of broken glasses."""

from __future__ import annotations

from collections.abc import Iterator

from chalicelib.access.rules.breaking import Opening
from chalicelib.access.store.naming import NAMED, Named
from chalicelib.storage import keys, vault
from chalicelib.storage.commit import Put
from chalicelib.storage.rows import FactsRow
from chalicelib.storage.shelf import Kept, Shelf

OPENINGS: Shelf[Opening] = Shelf(FactsRow, Opening)


def find_opening(opening_id: str) -> Kept[Opening] | None:
    return OPENINGS.find(keys.opening(opening_id))


def load_opening(opening_id: str) -> Kept[Opening]:
    return OPENINGS.load(keys.opening(opening_id))


def each_opening(area: str, *, before: str | None = None) -> Iterator[tuple[str, str]]:
    """Yield the place in the list and the id of an area's openings, newest first."""
    rows = NAMED.each(
        keys.area_opening(area, "", "")[0],
        upto=before,
        newest_first=True,
    )
    for kept in rows:
        if kept.sk != before:
            yield kept.sk, kept.value.id


def find_openings(opening_ids: list[str]) -> list[Opening]:
    found = OPENINGS.find_many([keys.opening(one) for one in opening_ids])
    by_id = {kept.value.opening_id: kept.value for kept in found.values()}
    return [by_id[one] for one in opening_ids if one in by_id]


def create_opening(opening: Opening, reason: str) -> list[Put]:
    """Describe a new opening, its own row first, its reason sealed."""
    at = keys.area_opening(opening.area, opening.opened_at, opening.opening_id)
    return [
        OPENINGS.create(keys.opening(opening.opening_id), opening),
        NAMED.create(at, Named(opening.opening_id)),
        *vault.seal(_sealed(opening.opening_id), {"reason": reason}),
    ]


def keep_opening(kept: Kept[Opening], opening: Opening) -> Put:
    return OPENINGS.replace(kept, opening)


def reason_of(opening_id: str) -> str | None:
    """Return an opening's reason in words; None when it was erased."""
    return vault.open_fields(_sealed(opening_id)).get("reason")


def _sealed(opening_id: str) -> str:
    return f"OPENING#{opening_id}"
