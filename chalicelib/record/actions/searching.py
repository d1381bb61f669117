"""The search for entries that streams lost: a scan of the journal, a part at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from chalicelib.kernel.periods import local_day, stamp
from chalicelib.record import store
from chalicelib.record.actions.sequencing import sequence
from chalicelib.record.store import NotReadable, Search
from chalicelib.storage.commit import commit

# The whole journal in this many parts, one after the other: a round takes a week.
SEGMENTS, SEGMENTS_A_DAY = 28, 4
_PAGE = 1000


def search(*, now: datetime, pages: int, may_begin: Callable[[], bool] = lambda: True) -> int:
    """Look through some more of the journal; return how many entries had no place in the log.

    Goes on where the last search ended, and from the beginning after the end; reads at most
    `pages` pages and ends after a seventh of the journal a day. Safe to repeat and to interrupt.
    Raises Raced when another search runs, LogLost as `sequence` does.
    """
    kept = store.find_search()
    state = kept.value if kept else Search()
    today = local_day(now)
    if state.on != today:
        state = replace(state, on=today, ended=0, begun_at=state.begun_at or stamp(now))
    found = 0
    for _ in range(pages):
        if state.ended >= SEGMENTS_A_DAY:
            break
        names, after = store.scan(state.segment, SEGMENTS, after=state.after, limit=_PAGE)
        lost = _placed(names, may_begin)
        found += lost
        state = replace(state, after=after, found=state.found + lost)
        if after is None:
            state = _next_segment(state, now)
    if kept is None or state != kept.value:
        commit([store.keep_search(kept, state)])
    return found


def _next_segment(state: Search, now: datetime) -> Search:
    state = replace(state, segment=(state.segment + 1) % SEGMENTS, ended=state.ended + 1)
    if state.segment:
        return state
    return replace(
        state, begun_at=stamp(now), found=0, round_at=state.begun_at, round_found=state.found
    )


def _placed(names: list[tuple[str, str]], may_begin: Callable[[], bool]) -> int:
    placed = store.find_places(names)
    lost = store.openings([name for name in names if name not in placed])
    leaves = []
    for opening in lost.values():
        try:
            leaves.append(store.leaf_of(opening))
        except NotReadable:
            continue  # counted by whoever compares the journal with the log
    return sequence(leaves, may_begin=may_begin)
