"""Files that anybody can check: checkpoints as signed notes, tiles under their names.

Formats: C2SP tlog-checkpoint and tlog-tiles; the notes themselves are the kernel's.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from chalicelib.kernel.merkle import TILE_HEIGHT, TILE_WIDTH, Head
from chalicelib.kernel.refusals import Unknown

LEVELS_MAX = 5  # tiles of tiles: 2^40 leaves
ENTRIES = "entries"


class NoSuchTile(Unknown):
    """The log has no such tile: a name is a level, and a number in groups as in x001/067."""

    code = "record/no-such-tile"


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile's place: level (-1: the leaves themselves), number, and how many hashes it holds."""

    level: int
    number: int
    width: int = TILE_WIDTH

    @property
    def name(self) -> str:
        """The file's name: tile/<level>/<number>[.p/<width>]."""
        level = ENTRIES if self.level < 0 else str(self.level)
        groups = [f"{self.number % 1000:03d}"]
        rest = self.number // 1000
        while rest:
            groups.append(f"x{rest % 1000:03d}")
            rest //= 1000
        part = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return f"tile/{level}/{'/'.join(reversed(groups))}{part}"


def tile_named(level: str, *parts: str) -> Tile:
    """Return the tile that the parts of a name say. Raises NoSuchTile."""
    groups, width = list(parts), TILE_WIDTH
    if len(groups) > 1 and groups[-2].endswith(".p"):
        text = groups.pop()
        width = int(text) if text.isascii() and text.isdigit() and len(text) <= 3 else 0
        groups[-1] = groups[-1].removesuffix(".p")
        if not 0 < width < TILE_WIDTH:
            raise NoSuchTile()
    digits = "".join(g.removeprefix("x") for g in groups)
    if not (digits.isascii() and digits.isdigit()):
        raise NoSuchTile()
    if level != ENTRIES and not (level.isascii() and level.isdigit() and int(level) <= LEVELS_MAX):
        raise NoSuchTile()
    tile = Tile(-1 if level == ENTRIES else int(level), int(digits), width)
    if tile.name != "/".join(("tile", level, *parts)):
        raise NoSuchTile()  # one name per tile
    return tile


def tiles_between(old: int, new: int) -> Iterator[Tile]:
    """Yield the tiles that a log of `new` leaves has and one of `old` had not, partial ones too."""
    for level in range(-1, LEVELS_MAX + 1):
        shift = max(level, 0) * TILE_HEIGHT
        before, after = old >> shift, new >> shift
        if not after:
            return
        for number in range(before // TILE_WIDTH, (after + TILE_WIDTH - 1) // TILE_WIDTH):
            width = min(TILE_WIDTH, after - number * TILE_WIDTH)
            if number * TILE_WIDTH + width > before:
                yield Tile(level, number, width)


def checkpoint_text(origin: str, head: Head) -> str:
    """Return what is signed of a log's end."""
    return f"{origin}\n{head.size}\n{base64.b64encode(head.root).decode()}\n"


def read_checkpoint(note: bytes) -> tuple[int, bytes]:
    """Return the size and root that a checkpoint says, unchecked. Raises ValueError."""
    lines = note.decode().split("\n")
    return int(lines[1]), base64.b64decode(lines[2], validate=True)


def bundled(leaves: Iterable[bytes]) -> bytes:
    """Return leaves as an entry bundle: each behind its length."""
    return b"".join(len(leaf).to_bytes(2, "big") + leaf for leaf in leaves)
