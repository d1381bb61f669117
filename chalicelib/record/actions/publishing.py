"""Checkpoints: what is signed, which files go with it, and which one is the newest.

The order makes a kill at any point harmless: tiles first (they never change), then the row that
says which checkpoint is the newest, then its file. Whoever comes next saves that file again unless
it is noted as saved.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import datetime, timedelta

from chalicelib.kernel.notes import signed_note, verifier_key
from chalicelib.kernel.periods import stamp
from chalicelib.kernel.refusals import Unavailable, Unknown
from chalicelib.record import store
from chalicelib.record.actions.proving import head_at, tile_bytes
from chalicelib.record.rules import notes
from chalicelib.record.rules.notes import Tile
from chalicelib.record.store import Published
from chalicelib.storage import signing
from chalicelib.storage.commit import commit


class Broke(Unavailable):
    """The log does not begin with what was published of it: a person has to look."""

    code = "record/broke"


SHORTEST = timedelta(seconds=60)


def tiles_due(*, now: datetime, at_once: bool) -> tuple[int, list[Tile]] | None:
    """Return the size to be published next and the tiles it needs; None when nothing is due.

    at_once: also within a minute of the last.
    """
    kept = store.find_published()
    last = kept.value if kept else Published()
    _, head = store.find_head()
    if head.size == last.size:
        return None
    if last.at and not at_once and stamp(now) < _later(last.at):
        return None
    return head.size, list(notes.tiles_between(last.size, head.size))


def check_continues(note: bytes) -> None:
    """Raise Broke unless the log begins with what a published checkpoint says.

    After a restore from a backup it may be behind; whoever signed then would show two histories.
    """
    try:
        size, root = notes.read_checkpoint(note)
    except (ValueError, IndexError) as error:
        raise Broke() from error
    if size > store.find_head()[1].size or head_at(size).root != root:
        raise Broke(size=size)


def tile(asked: Tile) -> bytes:
    """Return a tile's file."""
    return tile_bytes(asked)


def sign(size: int, *, now: datetime) -> bool:
    """Make the log's first `size` entries the newest checkpoint; False when a newer one is.

    Its tiles lie in their places already.
    """
    kept = store.find_published()
    last = kept.value if kept else Published()
    if last.size >= size:
        return False
    text = notes.checkpoint_text(signing.origin(), head_at(size))
    note = signed_note(text, signing.signed(text.encode()))
    keys = "".join(f"{verifier_key(*key)}\n" for key in signing.public_keys())
    published = Published(size, note, keys, stamp(now), last.saved)
    commit([store.keep_published(kept, published), store.keep_checkpoint(published)])
    return True


def unsaved() -> Published | None:
    """Return the newest checkpoint when its file may not lie in its place yet."""
    kept = store.find_published()
    return kept.value if kept and kept.value.saved < kept.value.size else None


def saved(size: int) -> bool:
    """Note that the file of a checkpoint is saved; False when a newer one came meanwhile."""
    kept = store.find_published()
    if kept is None or kept.value.size != size:
        return False
    commit([store.keep_published(kept, dataclasses.replace(kept.value, saved=size))])
    return True


def find_newest() -> Published | None:
    """Return the newest checkpoint that was published, None before the first."""
    kept = store.find_published()
    return kept.value if kept else None


def newest() -> Published:
    """Return the newest checkpoint that was published. Raises Unknown before the first."""
    found = find_newest()
    if found is None:
        raise Unknown()
    return found


def published_size() -> int:
    """Return how long the log is in its newest checkpoint."""
    found = find_newest()
    return found.size if found else 0


def each_checkpoint(*, upto: int) -> Iterator[tuple[int, str]]:
    """Yield (size, checkpoint) of all that were published up to a size, in order."""
    for size, kept in store.each_checkpoint():
        if size > upto:
            return
        yield size, kept.note


def _later(at: str) -> str:
    return stamp(datetime.fromisoformat(at) + SHORTEST)
