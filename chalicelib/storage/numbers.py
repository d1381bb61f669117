"""Whose is this IIN or BIN? Claims by keyed digest, under every version of the lookup key.

While the key is rotated a number is claimed under the old and the new version in one commit, so
that two registrations race for at least one row that both write, whichever ring each of them has.
The leading version decides. These rows are not in the journal's images: an append-only log would
keep what an erasure or a retired key must take away. They can be made anew from the vault.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from chalicelib.kernel.refusals import Refusal
from chalicelib.storage import keys
from chalicelib.storage.commit import Delete, Put
from chalicelib.storage.rows import FactsRow
from chalicelib.storage.secrets import Digests
from chalicelib.storage.shelf import Kept, Shelf

T = TypeVar("T")


class NumberRow(FactsRow):
    """A claim on an IIN or a BIN."""

    imaged = False


@dataclass(frozen=True, slots=True)
class Held(Generic[T]):
    """Who holds a number, as the leading version says, and the rows that were read."""

    value: T
    rows: Mapping[str, Kept[T]]


class Numbers(Generic[T]):
    """Claims of one kind of holder; `nobody` stands for a number that is free."""

    def __init__(self, kind: type[T], *, nobody: T) -> None:
        self.shelf: Shelf[T] = Shelf(NumberRow, kind)
        self._nobody = nobody

    def find(self, digests: Digests) -> Held[T] | None:
        """Return who holds a number, or None. One read; two while the key is rotated."""
        if len(digests) == 1:
            kept = self.shelf.find(keys.alias(digests[0]))
            return Held(kept.value, {digests[0]: kept}) if kept else None
        return self.find_many([digests]).get(digests)

    def find_many(self, wanted: Iterable[Digests]) -> dict[Digests, Held[T]]:
        """Return who holds those numbers that are held. One call per hundred."""
        wanted = list(wanted)
        rows = self.shelf.find_many([keys.alias(d) for digests in wanted for d in digests])
        found: dict[Digests, Held[T]] = {}
        for digests in wanted:
            mine = {d: rows[keys.alias(d)] for d in digests if keys.alias(d) in rows}
            if mine:
                # Only the leading row speaks: a process with the ring of the step before may
                # have freed the number without knowing of the other.
                leading = mine.get(digests[0])
                found[digests] = Held(leading.value if leading else self._nobody, mine)
        return found

    def claim(
        self,
        digests: Digests,
        held: Held[T] | None,
        value: T,
        *,
        otherwise: Refusal | None = None,
    ) -> list[Put]:
        """Describe who holds a number from now on, under every version.

        held: what was read; a race is Raced, or `otherwise` where the number was free.
        """
        rows = held.rows if held else {}
        return [
            self.shelf.replace(rows[digest], value)
            if digest in rows
            else self.shelf.create(keys.alias(digest), value, otherwise=otherwise)
            for digest in digests
        ]

    def free(self, held: Held[T]) -> list[Delete]:
        """Describe a number that nobody holds, nor ever did."""
        return [self.shelf.remove(kept) for kept in held.rows.values()]
