"""Watches, which forget by themselves, and the signals they raise."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from chalicelib.access.rules.watching import Note, Pattern, Signal, Watch, forgotten_at
from chalicelib.storage import keys
from chalicelib.storage.commit import Put
from chalicelib.storage.rows import FactsRow
from chalicelib.storage.shelf import Kept, Shelf

WATCHES: Shelf[Watch] = Shelf(FactsRow, Watch)
SIGNALS: Shelf[Signal] = Shelf(FactsRow, Signal)


def find_watches(notes: Sequence[Note]) -> dict[tuple[str, str], Kept[Watch]]:
    """Return the watches that notes belong to, by key. One call."""
    return WATCHES.find_many([key_of(note) for note in notes])


def key_of(note: Note) -> tuple[str, str]:
    return keys.watch(note.pattern, note.whose)


def keep_watch(
    kept: Kept[Watch] | None, note: Note, watch: Watch, pattern: Pattern, *, now: datetime
) -> Put:
    """Describe a watch's next state; a day after its window it is gone."""
    gone = int((forgotten_at(watch, pattern) + timedelta(days=1)).timestamp())
    if kept is None:
        # Gone and made again it must have a version above all it ever had.
        version = int(now.timestamp())
        return WATCHES.create(key_of(note), watch, version=version, expires_at=gone)
    return WATCHES.replace(kept, watch, expires_at=gone)


def find_signal(signal_id: str) -> Kept[Signal] | None:
    return SIGNALS.find(keys.signal(signal_id))


def load_signal(signal_id: str) -> Kept[Signal]:
    return SIGNALS.load(keys.signal(signal_id))


def create_signal(signal: Signal) -> tuple[Put, Put]:
    """Describe a new signal, and its place in its area's list."""
    listed = keys.area_signal(signal.area, signal.raised_at, signal.signal_id)
    return SIGNALS.create(keys.signal(signal.signal_id), signal), SIGNALS.create(listed, signal)


def keep_signal(kept: Kept[Signal], signal: Signal) -> Put:
    return SIGNALS.replace(kept, signal)


def list_signals(area: str, *, before: str | None, limit: int) -> tuple[list[Signal], str | None]:
    """Return an area's signals, newest first, as they stand now, and where to go on."""
    pk, _ = keys.area_signal(area, "", "")
    listed = []
    for kept in SIGNALS.each(pk, upto=before, newest_first=True, limit=limit + 2):
        if kept.sk != before:
            listed.append(kept)
    page = listed[:limit]
    found = SIGNALS.find_many([keys.signal(kept.value.signal_id) for kept in page])
    signals = [found[keys.signal(k.value.signal_id)].value for k in page]
    return signals, page[-1].sk if len(listed) > limit else None
