"""A tablet's chain: each record names the one before it, so loss, branching and copies show.

gap    records are missing before this one; usual under way, named until they come
fork   another record with this counter was taken before: refused, the tablet is flagged
clone  the record does not follow from its neighbour: two machines sign with one key
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from chalicelib.attendance.rules.records import FIRST_PREV, Record

ChainFlag = Literal["gap", "clone"]


@dataclass(frozen=True, slots=True)
class Link:
    """A record that was taken before: its hash, and the hash it follows where that is known."""

    hash: str
    prev: str | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """Counters that were never received, both ends included."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Chain:
    """What an upload does to a chain. had, forks: hashes of records."""

    had: Collection[str] = frozenset()
    forks: Collection[str] = frozenset()
    flags: Mapping[int, tuple[ChainFlag, ...]] = field(default_factory=dict)
    gaps: tuple[Gap, ...] = ()


def judge_chain(records: Sequence[Record], known: Mapping[int, Link]) -> Chain:
    """Return how authentic records of one tablet continue what is known of its chain.

    records: each once, in any order. known: counter → link, for all counters that could be met and
    for the last one before them; empty for a new tablet. The order of the records never matters.
    """
    by_counter: dict[int, list[Record]] = {}
    for record in records:
        by_counter.setdefault(record.counter, []).append(record)
    had: set[str] = set()
    forks: set[str] = set()
    taken: dict[int, Record] = {}
    for counter, rivals in by_counter.items():
        kept = known.get(counter)
        if kept is not None:
            had |= {r.hash for r in rivals if r.hash == kept.hash}
            forks |= {r.hash for r in rivals if r.hash != kept.hash}
        elif len(rivals) > 1:
            # Nobody can tell which of the two is genuine, so neither counts.
            forks |= {r.hash for r in rivals}
        else:
            taken[counter] = rivals[0]

    flags: dict[int, tuple[ChainFlag, ...]] = {}
    gaps: list[Gap] = []
    seen = sorted(known.keys() | taken.keys())
    before = dict(zip(seen[1:], seen, strict=False))
    for counter in sorted(taken):
        record = taken[counter]
        found: list[ChainFlag] = []
        last = before.get(counter, 0)
        if last < counter - 1:
            gaps.append(Gap(last + 1, counter - 1))
            found.append("gap")
        elif not _follows(record, _hash_at(last, known, taken)):
            found.append("clone")
        after = known.get(counter + 1)
        if after is not None and after.prev not in (None, record.hash) and "clone" not in found:
            found.append("clone")
        if found:
            flags[counter] = tuple(found)
    return Chain(frozenset(had), frozenset(forks), flags, tuple(gaps))


def _hash_at(counter: int, known: Mapping[int, Link], taken: Mapping[int, Record]) -> str:
    if counter == 0:
        return FIRST_PREV
    return known[counter].hash if counter in known else taken[counter].hash


def _follows(record: Record, before: str) -> bool:
    return record.prev == before
