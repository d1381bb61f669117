"""A little reading of a queue's public files, of its own: it imports nothing of what made them."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any


def sha(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def root(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, word for word."""
    if len(leaves) == 1:
        return sha(b"\x00" + leaves[0])
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha(b"\x01" + root(leaves[:k]) + root(leaves[k:]))


def root_by_path(number: int, size: int, leaf: bytes, path: list[bytes]) -> bytes | None:
    """RFC 9162, 2.1.3.2."""
    if number >= size:
        return None
    top, first, last = sha(b"\x00" + leaf), number, size - 1
    for beside in path:
        if last == 0:
            return None
        if first & 1 or first == last:
            top = sha(b"\x01" + beside + top)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            top = sha(b"\x01" + top + beside)
        first, last = first >> 1, last >> 1
    return top if last == 0 else None


def signed(note: str, public: bytes) -> bool:
    """A C2SP signed note of one key."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    text, _, signatures = note.rpartition("\n\n")
    for line in signatures.splitlines():
        dash, name, packed = line.split(" ")
        raw = base64.b64decode(packed)
        assert dash == "\u2014"
        assert raw[:4] == sha(name.encode() + b"\n\x01" + public)[:4]
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(raw[4:], f"{text}\n".encode())
        except InvalidSignature:
            return False
        return True
    return False


def text_of(note: str) -> str:
    return note.rpartition("\n\n")[0] + "\n"


def said(note: str) -> dict[str, str]:
    """A note's text: its three first lines, and word → value of the others."""
    lines = text_of(note).splitlines()
    found = {"title": lines[0], "size": lines[1], "root": lines[2]}
    return found | dict(line.split(" ", 1) for line in lines[3:])


def checked(folder: Path, stage: str, public: bytes) -> list[dict[str, Any]]:
    """Read a whole queue's files and assert every word of their format; return what they say."""
    index = json.loads((folder / "index.json").read_bytes())
    assert index.keys() == {"area", "checkpoints", "programme", "runs"}
    title = f"kezek/{stage}/queue/{index['programme']}/{index['area']}"
    previous, as_of, found = "-", "", []
    for place, named in enumerate(index["checkpoints"], 1):
        assert named["number"] == place
        here = folder / str(place)
        note = (here / "note").read_text()
        order_bytes = (here / "order.json").read_bytes()
        leaves = [base64.b64decode(x) for x in (here / "leaves").read_text().splitlines()]
        order = json.loads(order_bytes)
        tells = said(note)

        assert signed(note, public)
        assert list(tells) == [
            "title", "size", "root", "number", "as-of", "order", "pack", "run", "previous",
        ]  # fmt: skip
        assert (tells["title"], tells["number"]) == (title, str(place))
        assert tells["previous"] == previous
        assert tells["as-of"] == order["as_of"] == named["as_of"] >= as_of
        assert (tells["run"] == "-") == (named["run"] is None)
        assert tells["order"] == b64(sha(order_bytes))
        assert int(tells["size"]) == len(leaves) == len(set(leaves)) == named["size"]
        assert tells["root"] == b64(root(leaves))
        compact = json.dumps(order, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert order_bytes == compact.encode()
        assert order["number"] == place
        cells = [c["waiting"] for c in order["cells"]]
        assert all(waiting >= 5 for waiting in cells)
        by_cell = [line["cell"] for line in order["lines"]]
        assert by_cell == sorted(by_cell)
        assert [by_cell.count(n) for n in range(1, len(cells) + 1)] == cells
        assert len(order["lines"]) == len(leaves) if cells else len(leaves) >= 5
        for n in range(1, len(cells) + 1):
            places = [line["place"] for line in order["lines"] if line["cell"] == n]
            assert all(p in (None, i) for i, p in enumerate(places, 1))
        previous, as_of = b64(sha(text_of(note).encode())), order["as_of"]
        found.append({**tells, "note": note, "order": order, "leaves": leaves})
    return found
