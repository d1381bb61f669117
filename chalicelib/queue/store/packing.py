"""Long things in parts: a fixed number of items, compressed JSON, veiled.

A part's key carries the digest of the whole it belongs to, so a repeated attempt writes the same
rows, and one that read something else writes others.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from chalicelib.kernel.refusals import OutOfTurn
from chalicelib.storage import veil
from chalicelib.storage.commit import Put
from chalicelib.storage.rows import QueueRow
from chalicelib.storage.shelf import Kept, Shelf

T = TypeVar("T")
IN_A_PART = 500  # a part stays far below the 400 KB of a row


class WrittenAlready(OutOfTurn):
    """This part lies there already, the same to the byte."""

    code = "queue/written-already"


@dataclass(frozen=True, slots=True)
class Packed:
    """A part: compressed JSON, veiled, for it says who of which category stands where.

    packed: the same in base64 alone, as parts were written before.
    """

    veiled: str = ""
    packed: str = ""


PARTS: Shelf[Packed] = Shelf(QueueRow, Packed)


def digest(value: object) -> str:
    """Return the SHA-256 of a value's canonical JSON."""
    found = hashlib.sha256()
    for piece in _pieces(value):
        found.update(piece)
    return found.hexdigest()


def _pieces(value: object) -> Iterator[bytes]:
    """Yield canonical JSON piece by piece: of a whole city at once it would fill the memory."""
    if isinstance(value, list | tuple) and not (value and isinstance(value[0], str)):
        yield b"["
        for number, one in enumerate(value):
            if number:
                yield b","
            yield from _pieces(one)
        yield b"]"
    else:
        yield msgspec.json.encode(_plain(value), order="deterministic")


# Fields that came later, with what they are where nothing is said. They are left out then, so
# that what was read and decided before keeps its digest and can be checked with this code.
_LATER: Mapping[str, object] = {
    "awaited": 0,
    "direction": None,
    "drawn": True,
    "entered": 0,
    "first_forecast": None,
    "forecast": None,
    "from_group": None,
    "intake": None,
    "leaf": 0,
    "missing_tiyn": None,
    "money": None,
    "moved": None,
    "ordered_at": "",
    "other_ages": 0,
    "own": None,
    "pack_sha256": "",
    "preferred": (),
    "reserved_tiyn": 0,
    "ring": None,
    "seeds": {},
    "sen": False,
    "siblings": (),
    "since": "",
    "step": None,
    "sums": (),
    "together": None,
    "voucher_id": None,
}


def _plain(value: object) -> Any:
    return _as_said(msgspec.to_builtins(value, str_keys=True))


def _as_said(plain: Any) -> Any:
    if isinstance(plain, list | tuple):
        if plain and isinstance(plain[0], str):
            return plain
        return [_as_said(one) for one in plain]
    if isinstance(plain, dict):
        for name in _LATER.keys() & plain.keys():
            if plain[name] == _LATER[name]:
                del plain[name]
        for name, inner in plain.items():
            if isinstance(inner, list | tuple | dict):
                plain[name] = _as_said(inner)
    return plain


def parts_of(items: Sequence[T], size: int) -> list[Sequence[T]]:
    """Return items cut into parts; one empty part for none, so that there is always a first."""
    return [items[start : start + size] for start in range(0, len(items), size)] or [[]]


def packed(key: tuple[str, str], value: object) -> Packed:
    content = zlib.compress(msgspec.json.encode(_plain(value)), 6)
    return Packed(veil.cover(_place(key), content))


def opened(kept: Kept[Packed]) -> bytes:
    if kept.value.packed:
        return zlib.decompress(base64.b64decode(kept.value.packed))
    place = _place((kept.pk, kept.sk))
    return zlib.decompress(veil.uncover(place, kept.value.veiled))


def _place(key: tuple[str, str]) -> str:
    return "\x00".join(("part", *key))


def put_part(key: tuple[str, str], value: object) -> Put:
    return PARTS.create(key, packed(key, value), otherwise=WrittenAlready())
