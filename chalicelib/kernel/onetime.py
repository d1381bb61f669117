"""One-time codes that people read, say aloud and type."""

from __future__ import annotations

import re

ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
_NOT_CODE = re.compile(r"[\s-]")


def code_of(digest: bytes, *, length: int) -> str:
    """Return a code of letters and digits that do not look alike; digest: 16 random bytes or more.

    Its strength is 31 to the power of `length`.
    """
    number = int.from_bytes(digest[:16], "big")
    signs: list[str] = []
    for _ in range(length):
        number, rest = divmod(number, len(ALPHABET))
        signs.append(ALPHABET[rest])
    return "".join(signs)


def in_groups(code: str, *, of: int = 4) -> str:
    """Return a code in groups with hyphens, easier to read aloud."""
    return "-".join(code[n : n + of] for n in range(0, len(code), of))


def typed(text: str) -> str:
    """Return a code as it was meant, whatever its case, spaces and hyphens."""
    return _NOT_CODE.sub("", text[:40]).upper()
