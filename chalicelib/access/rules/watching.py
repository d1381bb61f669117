"""Patterns of queue-grabbing: what was seen lately of somebody, and when it is worth a look.

A watch keeps what was seen of one person, contact, child, clerk or sign-in within a pattern's
window, each thing once. When there is enough of it, a signal is raised for the department of the
area; more of the same joins the open signal. Nothing is refused: people decide.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import from_stamp, stamp
from chalicelib.kernel.refusals import AnotherContent

MOST_SEEN, MOST_EVIDENCE = 40, 200

Finding = Literal["grabbing", "family", "service", "mistake"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """One pattern; see patterns.toml."""

    name: str
    why: str
    whose: str
    what: str
    times: int
    minutes: int
    within_s: int = 0


@dataclass(frozen=True, slots=True)
class Note:
    """Something that was done: by which pattern it counts, of whom, and what it was."""

    pattern: str
    whose: str
    what: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen, and when first."""

    what: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What was seen lately of one for one pattern, oldest first, and the signal it gave."""

    seen: tuple[Seen, ...] = ()
    signal_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """A pattern that was seen, for people to judge.

    whose: a pseudonymous id, or the digest of a contact or a sign-in. evidence: ids, oldest first.
    """

    signal_id: str
    pattern: str
    area: str
    whose: str
    evidence: tuple[Seen, ...]
    raised_at: str
    finding: Finding | None = None
    note_code: str = ""
    decided_at: str | None = None
    decided_by: str | None = None


def notice(watch: Watch | None, note: Note, pattern: Pattern, *, now: datetime) -> Watch | None:
    """Return a watch that has seen one thing more; None where it has seen it already.

    What is older than the window is forgotten, and with the last of it the signal.
    """
    oldest = stamp(now - timedelta(minutes=pattern.minutes))
    held = watch or Watch()
    seen = tuple(one for one in held.seen if one.at > oldest)
    if any(one.what == note.what for one in seen):
        return None
    signal_id = held.signal_id if seen else None
    grown = (*seen, Seen(note.what, stamp(now)))[-MOST_SEEN:]
    return Watch(seen=grown, signal_id=signal_id)


def raise_signal(watch: Watch, note: Note, pattern: Pattern, area: str) -> Signal | None:
    """Return the signal that a watch gives rise to; None while there is too little."""
    if watch.signal_id is not None or len(watch.seen) < pattern.times:
        return None
    first = watch.seen[0].at
    named = f"{pattern.name}\x00{note.whose}\x00{first}"
    return Signal(
        signal_id=hashlib.sha256(named.encode()).hexdigest()[:26],
        pattern=pattern.name,
        area=area,
        whose=note.whose,
        evidence=watch.seen,
        raised_at=watch.seen[-1].at,
    )


def join(signal: Signal, seen: Seen) -> Signal:
    """Return a signal with one thing more, unless it was judged already or has enough."""
    if signal.finding is not None or len(signal.evidence) >= MOST_EVIDENCE:
        return signal
    return replace(signal, evidence=(*signal.evidence, seen))


def decide(signal: Signal, finding: Finding, note_code: str, *, by: Actor, now: datetime) -> Signal:
    """Return a judged signal; the same judgement again is the same, another is refused."""
    if signal.finding is not None:
        if (signal.finding, signal.note_code) != (finding, note_code):
            raise AnotherContent()
        return signal
    return replace(
        signal,
        finding=finding,
        note_code=note_code,
        decided_at=stamp(now),
        decided_by=by.subject,
    )


def forgotten_at(watch: Watch, pattern: Pattern) -> datetime:
    """Return when a watch holds nothing any more."""
    return from_stamp(watch.seen[-1].at) + timedelta(minutes=pattern.minutes)
