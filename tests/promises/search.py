"""Finds personal values wherever they may hide in bytes: plain, coded, hashed, compressed.

One index of all forms of all values; its cost grows with what is searched, not with what is sought.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import urllib.parse
import zlib
from collections.abc import Iterable, Iterator

_START = 6
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{24,}={0,2}")


class Search:
    """All forms of some values, found in bytes."""

    def __init__(self, values: Iterable[str]) -> None:
        self._starts: dict[bytes, list[tuple[bytes, str]]] = {}
        for value in values:
            for how, form in set(forms(value)):
                if len(form) > _START:
                    self._starts.setdefault(form[:_START], []).append((form, f"{value} ({how})"))

    def found(self, where: str, content: bytes) -> list[str]:
        """Return one line for each value that stands in some bytes, or in what they hold."""
        seen: dict[str, None] = {}
        for layer in layers(content):
            for at in range(len(layer) - _START + 1):
                for form, value in self._starts.get(layer[at : at + _START], ()):
                    if layer.startswith(form, at):
                        around = layer[max(0, at - 40) : at + len(form) + 20]
                        seen[f"{value} in {where}: …{around.decode('utf-8', 'replace')}…"] = None
        return list(seen)

    def found_in_text(self, where: str, text: str) -> list[str]:
        """Return the same for a text."""
        return self.found(where, text.encode("utf-8", "surrogatepass"))


def forms(value: str) -> Iterator[tuple[str, bytes]]:
    """Yield (how, bytes): the ways in which a value might stand somewhere."""
    raw = value.encode()
    yield "plain", raw
    yield "escaped", json.dumps(value)[1:-1].encode()
    yield "url", urllib.parse.quote(value).encode()
    yield "url", urllib.parse.quote(value).lower().encode()
    yield "utf-16", value.encode("utf-16-le")
    yield "utf-16", value.encode("utf-16-be")
    for text, how in ((raw, "hex"), (value.encode("utf-16-le"), "utf-16 hex")):
        yield how, text.hex().encode()
        yield how, text.hex().upper().encode()
    for text, how in ((raw, "base64"), (value.encode("utf-16-le"), "utf-16 base64")):
        for shift in range(3):
            for code in (base64.b64encode, base64.urlsafe_b64encode):
                coded = code(b"\x00" * shift + text)
                # Letters that also depend on neighbours are left off at both ends.
                yield f"{how} at {shift}", coded[4 if shift else 0 : -4]
    for spelled in spellings(value):
        for name in ("sha256", "sha1", "md5"):
            made = hashlib.new(name, spelled.encode(), usedforsecurity=False)
            yield name, made.hexdigest().encode()
            yield name, made.hexdigest().upper().encode()
            yield name, base64.b64encode(made.digest()).rstrip(b"=")
            yield name, base64.urlsafe_b64encode(made.digest()).rstrip(b"=")
            yield name, made.digest()


def spellings(value: str) -> set[str]:
    """Return how somebody might write a value before hashing it."""
    close = "".join(value.split())
    each = {value, value.strip(), close, close.lstrip("+"), f"+{close.lstrip('+')}"}
    return each | {t for v in each for t in (v.casefold(), v.lower(), v.upper(), v.title())}


def layers(content: bytes) -> Iterator[bytes]:
    """Yield some bytes, and what is compressed in them: whole, or in base64 inside."""
    yield content
    for packed in (content, *_decoded(content)):
        try:
            yield zlib.decompress(packed)
        except zlib.error:
            continue


def _decoded(content: bytes) -> Iterator[bytes]:
    for match in _BASE64.finditer(content):
        text = match.group().replace(b"-", b"+").replace(b"_", b"/").rstrip(b"=")
        try:
            yield base64.b64decode(text + b"=" * (-len(text) % 4))
        except binascii.Error:
            continue
