"""A Merkle tree that only grows, hashed as RFC 6962 says, kept in tiles of 256.

A node is (level, number): level 0 are the leaves' hashes, node n of level l covers the leaves from
n·2^l on. Tile t of tile level k holds the nodes of level 8k from 256·t on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from chalicelib.kernel.refusals import OutOfTurn

TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT
EMPTY_ROOT = hashlib.sha256(b"").digest()

Node = tuple[int, int]
Fetch = Callable[[int, int], bytes]  # level and number of a whole node → its hash


class NoSuchTree(OutOfTurn):
    """The log is not as long as that, or what is asked lies behind its end."""

    code = "record/no-such-tree"


@dataclass(frozen=True, slots=True)
class Head:
    """The log's end: its size, the roots of its whole subtrees (largest first), its root hash."""

    size: int = 0
    frontier: tuple[bytes, ...] = ()
    root: bytes = EMPTY_ROOT


@dataclass(frozen=True, slots=True)
class Growth:
    """What appending did: the new head, and the nodes of upper tiles that became whole."""

    head: Head
    uppers: dict[Node, bytes] = field(default_factory=dict)  # (tile level, number) → hash


def leaf_hash(leaf: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def grow(head: Head, leaves: Sequence[bytes]) -> Growth:
    """Return the log with leaves appended in order."""
    frontier, size = list(head.frontier), head.size
    uppers: dict[Node, bytes] = {}
    for leaf in leaves:
        top, level = leaf_hash(leaf), 0
        while size >> level & 1:
            top, level = node_hash(frontier.pop(), top), level + 1
            if level % TILE_HEIGHT == 0:
                uppers[level // TILE_HEIGHT, size >> level] = top
        frontier.append(top)
        size += 1
    return Growth(Head(size, tuple(frontier), _folded(frontier)), uppers)


def subtrees(low: int, high: int) -> Iterator[Node]:
    """Yield the whole nodes that cover the leaves from low (included) to high, left to right.

    low must be where a tree of this size may be split: a multiple of the next power of two.
    """
    while low < high:
        level = (high - low).bit_length() - 1
        yield level, low >> level
        low += 1 << level


def root_of(size: int, fetch: Fetch) -> bytes:
    """Return the root of the log's first `size` leaves."""
    return _hashed(0, size, fetch) if size else EMPTY_ROOT


def inclusion(number: int, size: int, fetch: Fetch) -> list[bytes]:
    """Return the path that leads from a leaf to the root of a tree. Raises NoSuchTree."""
    if not 0 <= number < size:
        raise NoSuchTree(number=number, size=size)
    path: list[bytes] = []
    low, high = 0, size
    while high - low > 1:
        middle = low + _split(high - low)
        if number < middle:
            path.append(_hashed(middle, high, fetch))
            high = middle
        else:
            path.append(_hashed(low, middle, fetch))
            low = middle
    return path[::-1]


def consistency(old: int, new: int, fetch: Fetch) -> list[bytes]:
    """Return the proof that a tree is the beginning of a later one. Raises NoSuchTree."""
    if not 0 < old <= new:
        raise NoSuchTree(number=old, size=new)
    path: list[bytes] = []
    low, high, whole = 0, new, True
    while old != high:
        middle = low + _split(high - low)
        if old <= middle:
            path.append(_hashed(middle, high, fetch))
            high = middle
        else:
            path.append(_hashed(low, middle, fetch))
            low, whole = middle, False
    if not whole:
        path.append(_hashed(low, high, fetch))
    return path[::-1]


def whole(leaves: Sequence[bytes]) -> list[list[bytes]]:
    """Return the whole nodes of a tree, level by level from the leaves' hashes up."""
    return above([leaf_hash(leaf) for leaf in leaves])


def above(level: list[bytes]) -> list[list[bytes]]:
    """Return a level's whole nodes and those of all levels above it."""
    levels = [level]
    while len(level) > 1:
        level = [node_hash(*level[n : n + 2]) for n in range(0, len(level) - 1, 2)]
        levels.append(level)
    return levels


def fetching(levels: Sequence[Sequence[bytes]]) -> Fetch:
    """Return how proofs get at the nodes of a tree that is at hand."""
    return lambda level, number: levels[level][number]


def _split(size: int) -> int:
    return 1 << (size - 1).bit_length() - 1


def _hashed(low: int, high: int, fetch: Fetch) -> bytes:
    return _folded([fetch(level, number) for level, number in subtrees(low, high)])


def _folded(hashes: Sequence[bytes]) -> bytes:
    """Return the root over whole subtrees, the largest first."""
    if not hashes:
        return EMPTY_ROOT
    *rest, top = hashes
    for left in reversed(rest):
        top = node_hash(left, top)
    return top
