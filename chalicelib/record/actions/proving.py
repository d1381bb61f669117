"""Tiles and proofs, computed from what the log's rows hold. Two queries per level at most."""

from __future__ import annotations

from chalicelib.kernel import merkle
from chalicelib.kernel.merkle import TILE_HEIGHT, TILE_WIDTH, Fetch, Head, leaf_hash, node_hash
from chalicelib.record import store
from chalicelib.record.rules import notes
from chalicelib.record.rules.leaves import Leaf
from chalicelib.record.rules.notes import NoSuchTile, Tile


def reader() -> Fetch:
    """Return a function that finds the hash of a whole node, and reads each tile once."""
    tiles: dict[tuple[int, int], list[bytes]] = {}

    def fetch(level: int, number: int) -> bytes:
        height, rest = divmod(level, TILE_HEIGHT)
        tile, offset = divmod(number << rest, TILE_WIDTH)
        if (height, tile) not in tiles:
            tiles[height, tile] = _hashes(height, tile)
        hashes = tiles[height, tile][offset : offset + (1 << rest)]
        while len(hashes) > 1:
            hashes = [
                node_hash(left, right)
                for left, right in zip(hashes[::2], hashes[1::2], strict=True)
            ]
        return hashes[0]

    return fetch


def tile_bytes(tile: Tile) -> bytes:
    """Return a tile's file. Raises NoSuchTile when the log is not as long."""
    if tile.level < 0:
        leaves = store.tile_leaves(tile.number)[: tile.width]
        found = [leaf.digest for leaf in leaves]
    else:
        found = _hashes(tile.level, tile.number)[: tile.width]
    if len(found) < tile.width:
        raise NoSuchTile()
    return notes.bundled(found) if tile.level < 0 else b"".join(found)


def head_at(size: int) -> Head:
    """Return the log as it was when it had `size` entries."""
    fetch = reader()
    frontier = tuple(fetch(level, number) for level, number in merkle.subtrees(0, size))
    return Head(size, frontier, merkle.root_of(size, fetch))


def inclusion(number: int, size: int) -> tuple[bytes, list[bytes], bytes]:
    """Return a leaf's hash, the path to the root of the log of that size, and the root.

    Raises NoSuchTree.
    """
    fetch = reader()
    path = merkle.inclusion(number, size, fetch)
    return fetch(0, number), path, merkle.root_of(size, fetch)


def consistency(old: int, new: int) -> tuple[bytes, list[bytes], bytes]:
    """Return the older root, the proof that the newer log begins so, and the newer root.

    Raises NoSuchTree.
    """
    fetch = reader()
    path = merkle.consistency(old, new, fetch)
    return merkle.root_of(old, fetch), path, merkle.root_of(new, fetch)


def leaf_at(number: int) -> Leaf:
    """Return a leaf of the log. Raises NoSuchTree."""
    tile, offset = divmod(number, TILE_WIDTH)
    leaves = store.tile_leaves(tile)
    if offset >= len(leaves):
        raise merkle.NoSuchTree(number=number, size=store.find_head()[1].size)
    return leaves[offset]


def _hashes(height: int, tile: int) -> list[bytes]:
    if height:
        return store.tile_nodes(height, tile)
    return [leaf_hash(leaf.digest) for leaf in store.tile_leaves(tile)]
