"""Rows of signals: each signal whole, and the lists of an area that point to it."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.signals.rules import Signal
from chalicelib.storage import keys
from chalicelib.storage.commit import Delete, Put, Write
from chalicelib.storage.rows import AttendanceRow
from chalicelib.storage.shelf import Kept, Shelf

SIGNALS: Shelf[Signal] = Shelf(AttendanceRow, Signal)
POINTERS: Shelf[str] = Shelf(AttendanceRow, str)


def find_signals(signal_ids: Sequence[str]) -> dict[str, Kept[Signal]]:
    """Return signals by id. One call per hundred."""
    found = SIGNALS.find_many([keys.oddity(one) for one in signal_ids])
    return {kept.value.signal_id: kept for kept in found.values()}


def load_signal(signal_id: str) -> Kept[Signal]:
    """Return a signal. Raises Unknown. One read."""
    return SIGNALS.load(keys.oddity(signal_id))


def find_signal(signal_id: str) -> Kept[Signal] | None:
    """Return a signal, or None. One read."""
    return SIGNALS.find(keys.oddity(signal_id))


def create_signal(signal: Signal) -> tuple[Put, list[Write]]:
    """Describe a new signal, and its places in its area's lists."""
    listed = keys.area_oddity(signal.programme, signal.area, signal.raised_at, signal.signal_id)
    lists: list[Write] = [POINTERS.create(listed, signal.signal_id), *in_open(signal, version=1)]
    return SIGNALS.create(keys.oddity(signal.signal_id), signal), lists


def keep_signal(kept: Kept[Signal], signal: Signal) -> tuple[Put, list[Write]]:
    """Describe a signal's next version, and whether it waits for an officer."""
    moved = kept.value.state != signal.state
    lists = in_open(signal, version=kept.version + 1) if moved else []
    return SIGNALS.replace(kept, signal), lists


def in_open(signal: Signal, *, version: int) -> list[Write]:
    """Describe a signal's place among those that wait. version: the signal's own.

    The signal's row carries the condition; this follows it.
    """
    key = keys.open_oddity(signal.programme, signal.area, signal.raised_at, signal.signal_id)
    if signal.state == "open":
        return [Put(POINTERS.create(key, signal.signal_id, version=version).row)]
    return [Delete(AttendanceRow(*key, version=version))]


def list_signals(
    programme: str, area: str, *, waiting: bool, before: str | None, limit: int
) -> tuple[list[Signal], str | None]:
    """Return an area's signals, newest first, and where to go on; waiting: the open ones alone.

    One query and a call per hundred.
    """
    made = keys.open_oddity if waiting else keys.area_oddity
    pk = made(programme, area, "", "")[0]
    listed: list[Kept[str]] = []
    for kept in POINTERS.each(pk, upto=before, newest_first=True, limit=limit + 2):
        if kept.sk != before:
            listed.append(kept)
    page = listed[:limit]
    found = find_signals([kept.value for kept in page])
    signals = [found[kept.value].value for kept in page if kept.value in found]
    return signals, page[-1].sk if len(listed) > limit else None
