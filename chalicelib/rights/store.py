"""Rows of rights: erasures asked for, and the list of what must not come back."""

from __future__ import annotations

from collections.abc import Iterator

from chalicelib.kernel.periods import from_stamp
from chalicelib.rights.rules import Asking, Erased, Erasure
from chalicelib.storage import keys
from chalicelib.storage.commit import Put
from chalicelib.storage.rows import FactsRow, KeyRow
from chalicelib.storage.shelf import Kept, Shelf

ERASURES: Shelf[Erasure] = Shelf(FactsRow, Erasure)
ASKINGS: Shelf[Asking] = Shelf(FactsRow, Asking)
# Beside the data keys: what is restored from a copy of the facts brings no older list with it.
LIST: Shelf[Erased] = Shelf(KeyRow, Erased)
_FIRST_YEAR = 2026


def find_erasure(erasure_id: str) -> Kept[Erasure] | None:
    return ERASURES.find(keys.erasure(erasure_id))


def load_erasure(erasure_id: str) -> Kept[Erasure]:
    """Return an erasure. Raises Unknown."""
    return ERASURES.load(keys.erasure(erasure_id))


def create_erasure(erasure: Erasure) -> Put:
    return ERASURES.create(keys.erasure(erasure.erasure_id), erasure)


def keep_erasure(kept: Kept[Erasure], erasure: Erasure) -> Put:
    return ERASURES.replace(kept, erasure)


def find_asking(child_id: str) -> Kept[Asking]:
    """Return which erasure of a child is under way; none, at version 0, before the first."""
    pk, sk = keys.erasure_of(child_id)
    return ASKINGS.find((pk, sk)) or Kept(Asking(), pk, sk, 0, "{}")


def keep_asking(kept: Kept[Asking], asking: Asking) -> Put:
    if kept.version == 0:
        return ASKINGS.create((kept.pk, kept.sk), asking)
    return ASKINGS.replace(kept, asking)


def put_on_list(erased: Erased) -> Put:
    """Describe an entry of the erasure list; the same again replaces itself."""
    year = from_stamp(erased.at).year
    return Put(LIST.create(keys.erased(year, erased.at, erased.child_id), erased).row)


def each_on_list(upto_year: int) -> Iterator[Erased]:
    """Yield the erasure list, oldest first. A query per year."""
    for year in range(_FIRST_YEAR, upto_year + 1):
        for kept in LIST.each(keys.erased(year, "", "")[0]):
            yield kept.value
