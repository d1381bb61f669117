"""Fields of rows that the code has to read at every step and that nobody else shall read.

A protected status decides the order, so it is read with whole queues, without a look at the vault
for each child. Such fields stand veiled: AES-256-SIV under a key of the ring that is not rotated,
bound to the row's table and key, so that equal values of two children do not look equal and a
moved one does not open. The same value in the same place is the same text, so a repeated write is
the same to the byte, as is a rebuild, which puts images as they are and opens nothing.
"""

from __future__ import annotations

import base64
import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from chalicelib.storage.secrets import purpose_key

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

# What is veiled is filled up to a multiple of this, so that its length does not say what it is.
BLOCK = 64


def hide(place: str, value: object, *, block: int = BLOCK) -> str:
    """Return a value as nobody without the ring reads it; place: whose it is."""
    text = msgspec.json.encode(value)
    return cover(place, text.ljust(-(-len(text) // block) * block))


def reveal(place: str, veiled: str) -> Any:
    """Return what was hidden. Raises InvalidTag for what was moved or altered."""
    return msgspec.json.decode(uncover(place, veiled))


def revealer() -> Callable[[str, str], Any]:
    """Return what reveals many values in a row; the ring is looked at once."""
    decrypt, decode, told = _cipher().decrypt, msgspec.json.decode, base64.b64decode

    def reveal_next(place: str, veiled: str) -> Any:
        return decode(decrypt(told(veiled), [place.encode()]))

    return reveal_next


def cover(place: str, content: bytes) -> str:
    """Return bytes veiled, in base64; their length shows."""
    return base64.b64encode(_cipher().encrypt(content, [place.encode()])).decode()


def uncover(place: str, covered: str) -> bytes:
    """Return bytes that were veiled. Raises InvalidTag."""
    return _cipher().decrypt(base64.b64decode(covered), [place.encode()])


def _cipher() -> AESSIV:
    return _cipher_of(purpose_key("veil/mac") + purpose_key("veil/cipher"))


@functools.lru_cache(maxsize=4)
def _cipher_of(key: bytes) -> AESSIV:
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

    return AESSIV(key)
