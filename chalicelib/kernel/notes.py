"""Signed texts that anybody can check: C2SP signed notes.

A note's key has a name and a number of four bytes, made of the name and the public key, so that
several keys may sign one note. The first line of a text says what it is, so that no note passes
for one of another kind.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable

_ED25519 = b"\x01"


def key_number(name: str, public: bytes) -> bytes:
    """Return the four bytes by which a signature names its key."""
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:4]


def verifier_key(name: str, public: bytes) -> str:
    """Return a public key as those who check notes write it down."""
    key = base64.b64encode(_ED25519 + public).decode()
    return f"{name}+{key_number(name, public).hex()}+{key}"


def signed_note(text: str, signatures: Iterable[tuple[str, bytes, bytes]]) -> str:
    """Return a text with its signatures; each: the key's name, public key, signature.

    text: lines, each with its end.
    """
    lines = [
        f"— {name} {base64.b64encode(key_number(name, public) + signature).decode()}\n"
        for name, public, signature in signatures
    ]
    return f"{text}\n{''.join(lines)}"


def signed_text(note: str) -> str:
    """Return what a note's signatures stand for: the text, with the end of its last line."""
    text, empty, _ = note.rpartition("\n\n")
    return f"{text}\n" if empty else note
