"""Changes after a place in the log, in its order: none twice, none missing."""

from __future__ import annotations

from chalicelib.feed import rules
from chalicelib.feed.rules import Change
from chalicelib.kernel.actors import Actor, Role
from chalicelib.kernel.merkle import TILE_WIDTH
from chalicelib.record import store

# So many tiles are looked through for one page, found or not.
_TILES = 8


def changes(
    after: int, *, limit: int, only: str | None, by: Actor
) -> tuple[list[Change], int, bool]:
    """Return changes from a place on, the place to go on from, and whether more is there now.

    A page may be empty and yet not the last, where a filter passes over much. Only portals, which
    keep a copy for families, are told whose: staff has ways of its own to read a child's things.
    """
    _, head = store.find_head()
    found: list[Change] = []
    portal = by.has(Role.PORTAL)
    place = after
    for _ in range(_TILES):
        if place >= head.size:
            break
        tile, offset = divmod(place, TILE_WIDTH)
        for leaf in store.tile_leaves(tile)[offset:]:
            if len(found) == limit:
                return found, place, True
            change = rules.told(place, leaf, only=only, families=portal)
            place += 1
            if change is not None:
                found.append(change)
    return found, place, place < head.size
