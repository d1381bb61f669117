"""An auditor's copy of the public record: its files, and what each entry was made of.

    checkpoint  keys  checkpoints/<size>  tile/…  openings.jsonl

`verify/kezek_verify.py bundle` checks the folder with code that shares nothing with ours.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chalicelib.journal.rules import shown
from chalicelib.record.actions import opening, publishing
from chalicelib.record.rules.leaves import Leaf
from chalicelib.record.rules.notes import tiles_between
from chalicelib.record.store import Opening


class NothingPublished(RuntimeError):
    """The record has no checkpoint yet."""


def export(folder: Path, *, progress: Callable[[int], None] = lambda _: None) -> dict[str, int]:
    """Write the record up to its newest checkpoint into a folder; return what was written."""
    published = publishing.find_newest()
    if published is None:
        raise NothingPublished()
    size = published.size
    for tile in tiles_between(0, size):
        _save(folder / tile.name, publishing.tile(tile))
    checkpoints = 0
    for kept, note in publishing.each_checkpoint(upto=size):
        _save(folder / "checkpoints" / str(kept), note.encode())
        checkpoints += 1
    lost = 0
    with (folder / "openings.jsonl").open("w", encoding="utf-8", newline="\n") as file:
        for number, leaf, opened in opening.every_opening(size):
            lost += opened is None
            file.write(json.dumps(_line(number, leaf, opened), ensure_ascii=False) + "\n")
            progress(number + 1)
    _save(folder / "keys", published.keys.encode())
    _save(folder / "checkpoint", published.note.encode())
    return {"entries": size, "checkpoints": checkpoints, "lost": lost}


def _line(number: int, leaf: Leaf, opened: Opening | None) -> dict[str, Any]:
    if opened is None:
        return {"number": number, "name": leaf.name, "lost": True}
    line: dict[str, Any] = {
        "number": number,
        "name": opened.name,
        "salt": shown(opened.salt),
        "body": opened.body,
    }
    if opened.attached is None:
        return {**line, "attached_digest": shown(opened.attached_digest)}
    return {**line, "attached": opened.attached.decode()}


def _save(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
