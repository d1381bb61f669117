"""Aggregates whose changes fill the journal, and the log made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from chalicelib.journal import store as journal
from chalicelib.kernel.actors import system
from chalicelib.record import store
from chalicelib.record.actions import sequencing
from chalicelib.storage.rows import FactsRow
from chalicelib.storage.shelf import Shelf

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
JOB = system("test")


@dataclass(frozen=True, slots=True)
class Thing:
    """An aggregate."""

    says: str


THINGS: Shelf[Thing] = Shelf(FactsRow, Thing)


def changed(
    thing: str, *, times: int = 1, area: str = "taldykorgan", named: Sequence[str] = ()
) -> None:
    """Change an aggregate; the first time makes it. named: what the entry tells beside it."""
    for _ in range(times):
        kept = THINGS.find((f"THING#{thing}", "-"))
        value = Thing(f"{thing} {kept.version + 1 if kept else 1}")
        put = THINGS.replace(kept, value) if kept else THINGS.create((f"THING#{thing}", "-"), value)
        journal.commit(
            journal.entry(
                "vouchers/chosen",
                f"voucher/{thing}",
                by=JOB,
                now=NOW,
                area=area,
                **({"named": list(named)} if named else {}),
            ),
            put,
        )


def removed(thing: str) -> None:
    """Remove an aggregate."""
    kept = THINGS.load((f"THING#{thing}", "-"))
    journal.commit(
        journal.entry("vouchers/closed", f"voucher/{thing}", by=JOB, now=NOW), THINGS.remove(kept)
    )


def leaves() -> list[store.Leaf]:
    """Return the leaf of every journal row, in the order of their names."""
    rows = [store.leaf_of(store.opening_of(row)) for row in store.AnyRow.scan()]
    return sorted(rows, key=lambda leaf: leaf.name)


def logged() -> list[store.Leaf]:
    """Put everything into the log; return it."""
    sequencing.sequence(leaves())
    return the_log()


def the_log() -> list[store.Leaf]:
    """Return the log's leaves in order."""
    _, head = store.find_head()
    found: list[store.Leaf] = []
    for tile in range((head.size + 255) // 256):
        found += store.tile_leaves(tile)
    return found
