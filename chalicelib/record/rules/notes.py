"""Files that anybody can check: checkpoints as signed notes, tiles under their names.

Formats: C2SP signed-note, tlog-checkpoint and tlog-tiles. A note's key has a name and a number of
four bytes, made of the name and the public key, so that several keys may sign one note.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from chalicelib.kernel.refusals import Unknown
from chalicelib.record.rules.tree import TILE_HEIGHT, TILE_WIDTH, Head

_ED25519 = b"\x01"
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


def key_number(name: str, public: bytes) -> bytes:
    """Return the four bytes by which a signature names its key."""
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:4]


def verifier_key(name: str, public: bytes) -> str:
    """Return a public key as those who check notes write it down."""
    key = base64.b64encode(_ED25519 + public).decode()
    return f"{name}+{key_number(name, public).hex()}+{key}"


def note(text: str, signatures: Iterable[tuple[str, bytes, bytes]]) -> str:
    """Return a text with its signatures; each: the key's name, public key, signature."""
    lines = [
        f"— {name} {base64.b64encode(key_number(name, public) + signature).decode()}\n"
        for name, public, signature in signatures
    ]
    return f"{text}\n{''.join(lines)}"


def bundled(leaves: Iterable[bytes]) -> bytes:
    """Return leaves as an entry bundle: each behind its length."""
    return b"".join(len(leaf).to_bytes(2, "big") + leaf for leaf in leaves)
