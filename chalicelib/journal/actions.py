"""Rebuild the tables from the journal: each row's newest image, in any order of reading."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from chalicelib.journal import store
from chalicelib.journal.store import Image

Newest = dict[tuple[str, str, str], Image]  # by table, pk and sk


@dataclass(frozen=True, slots=True)
class Difference:
    """A row that is not as the journal says: the version expected, and found (None: no row)."""

    table: str
    pk: str
    sk: str
    expected: int
    found: int | None


def newest_images() -> Newest:
    """Return the newest image of every row the journal knows, by table, pk and sk."""
    newest: Newest = {}
    for image in store.scan_images():
        key = (image.table, image.pk, image.sk)
        kept = newest.get(key)
        if kept is None or image.version > kept.version:
            newest[key] = image
    return newest


def rebuild(newest: Newest | None = None) -> dict[str, int]:
    """Write each row that is not as the journal says; return rows written and removed, by table.

    Safe to repeat and to interrupt: an image is put whole, and a row that is newer than its image
    (somebody works meanwhile) stays.
    """
    counts: dict[str, int] = {}
    for image, found in store.stored((newest_images() if newest is None else newest).values()):
        if found != image.attributes and store.restore(image):
            counts[image.table] = counts.get(image.table, 0) + 1
    return counts


def differences(newest: Newest | None = None) -> Iterator[Difference]:
    """Yield every row that differs from the journal: the drill's verdict is that there is none."""
    for image, found in store.stored((newest_images() if newest is None else newest).values()):
        if found != image.attributes:
            version = None if found is None else int(found.get("v", {}).get("N", 0))
            yield Difference(image.table, image.pk, image.sk, image.version, version)
