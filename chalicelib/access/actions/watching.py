"""Noticing patterns of queue-grabbing as they arrive, and what the department says of them.

Actions tell what was done and commit what comes back along with their own change: one read of the
watches concerned, and a write for each that saw something new. Nothing is searched for, and nothing
is refused.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from importlib import resources

from chalicelib.access.actions.doing import demand
from chalicelib.access.rules import watching as rules
from chalicelib.access.rules.watching import Finding, Note, Pattern, Signal
from chalicelib.access.store import watching as store
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor, system
from chalicelib.kernel.periods import from_stamp
from chalicelib.storage.commit import Write, settles
from chalicelib.storage.secrets import alias_digest

_WATCH = system("watch")


@functools.lru_cache(maxsize=1)
def patterns() -> dict[str, Pattern]:
    """Return every pattern, as `patterns.toml` has them."""
    import tomllib  # not before it is needed: a cold start counts milliseconds

    text = resources.files("chalicelib.access").joinpath("patterns.toml").read_text("utf-8")
    return {name: Pattern(name=name, **said) for name, said in tomllib.loads(text).items()}


def contact_marks(contacts: Sequence[str]) -> tuple[str, ...]:
    """Return the marks by which one contact of many persons is noticed."""
    return tuple(alias_digest("contact", contact)[:32] for contact in contacts)


def applied(
    person_id: str, child_id: str, marks: Sequence[str], *, area: str, by: Actor, now: datetime
) -> list[Write]:
    """Describe what an application leaves to be noticed. marks: of its person's contacts."""
    notes = [Note("many-children", person_id, child_id)]
    notes += [Note("same-contact", mark, person_id) for mark in marks]
    if by.session and by.via is None:
        notes.append(Note("shared-sign-in", by.session, person_id))
    return _noticed(notes, area=area, now=now)


def withdrawn(child_id: str, application_id: str, *, area: str, now: datetime) -> list[Write]:
    """Describe what a withdrawal leaves to be noticed."""
    return _noticed([Note("in-and-out", child_id, application_id)], area=area, now=now)


def confirmed(
    person_id: str, application_id: str, issued_at: str, *, area: str, by: Actor, now: datetime
) -> list[Write]:
    """Describe what a confirmed voucher leaves to be noticed: nothing, where a family took time."""
    pattern = patterns()["fast-answers"]
    if now - from_stamp(issued_at) > timedelta(seconds=pattern.within_s):
        return []
    note = Note("fast-answers", by.via or person_id, application_id)
    return _noticed([note], area=area, now=now)


def served(clerk: str, subject: str, *, area: str, now: datetime) -> list[Write]:
    """Describe what a consent at a clerk's desk leaves to be noticed. subject: who gave it."""
    return _noticed([Note("clerk-rush", clerk, subject)], area=area, now=now)


def list_signals(
    area: str, *, before: str | None, limit: int, by: Actor
) -> tuple[list[Signal], str | None]:
    """Return an area's signals, newest first, and where to go on. Raises Unknown."""
    demand(by, area=area)
    return store.list_signals(area, before=before, limit=limit)


@settles
def decide_signal(
    signal_id: str, *, finding: Finding, note_code: str, by: Actor, now: datetime
) -> Signal:
    """Say what a signal was; the same again is the same. Raises Unknown, AnotherContent."""
    kept = store.load_signal(signal_id)
    demand(by, area=kept.value.area)
    decided = rules.decide(kept.value, finding, note_code, by=by, now=now)
    if decided is not kept.value:
        what = journal.entry(
            "access/signal-decided",
            f"signal/{signal_id}",
            by=by,
            now=now,
            pattern=decided.pattern,
            finding=finding,
        )
        journal.commit(what, store.keep_signal(kept, decided))
    return decided


def _noticed(notes: Sequence[Note], *, area: str, now: datetime) -> list[Write]:
    watches, writes = store.find_watches(notes), list[Write]()
    for note in notes:
        pattern, kept = patterns()[note.pattern], watches.get(store.key_of(note))
        watch = rules.notice(kept.value if kept else None, note, pattern, now=now)
        if watch is None:
            continue
        signal = rules.raise_signal(watch, note, pattern, area)
        if signal is not None:
            watch = replace(watch, signal_id=signal.signal_id)
            writes += _raised(signal, now=now)
        elif watch.signal_id is not None:
            writes += _joined(watch.signal_id, watch.seen[-1], now=now)
        writes.append(store.keep_watch(kept, note, watch, pattern, now=now))
    return writes


def _raised(signal: Signal, *, now: datetime) -> list[Write]:
    aggregate, listed = store.create_signal(signal)
    what = journal.entry(
        "access/signal-raised",
        f"signal/{signal.signal_id}",
        by=_WATCH,
        now=now,
        pattern=signal.pattern,
        area=signal.area,
        evidence=len(signal.evidence),
    )
    return [aggregate, listed, journal.beside(what, aggregate)]


def _joined(signal_id: str, seen: rules.Seen, *, now: datetime) -> list[Write]:
    kept = store.find_signal(signal_id)
    joined = rules.join(kept.value, seen) if kept is not None else None
    if kept is None or joined is None or joined is kept.value:
        return []
    aggregate = store.keep_signal(kept, joined)
    what = journal.entry(
        "access/signal-grew",
        f"signal/{signal_id}",
        by=_WATCH,
        now=now,
        evidence=len(joined.evidence),
    )
    return [aggregate, journal.beside(what, aggregate)]
