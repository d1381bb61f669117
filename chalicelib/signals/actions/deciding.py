"""What an officer says of a signal, and what follows: the lines of a confirmed one are held.

Holding is a piece of work of its own, a commit per child-month, so that a signal about a hundred
children is decided in one commit and its lines are held whatever breaks between.
"""

from __future__ import annotations

from datetime import datetime

from chalicelib.access import actions as access
from chalicelib.access.rules import works_for
from chalicelib.attendance import actions as attendance
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import Month, shown_day
from chalicelib.signals import rules, store
from chalicelib.signals.rules import Reason, Signal, Verdict, WorksHere
from chalicelib.storage import outbox
from chalicelib.storage.commit import settles

HOLD = "signals/hold"


@settles
def decide(
    signal_id: str,
    *,
    verdict: Verdict,
    reason: Reason,
    note_code: str,
    seen: str,
    by: Actor,
    now: datetime,
) -> Signal:
    """Say what a signal was; the same again is the same. seen: digest of the evidence looked at.

    A confirmed one has its lines held. Raises Unknown, WorksHere, WrongReason, AnotherContent,
    SignalChanged, in this order.
    """
    kept = store.load_signal(signal_id)
    signal = kept.value
    access.demand(by, area=signal.area, direction=signal.direction)
    if works_for(by, signal.organisation_id):
        raise WorksHere()
    decided = rules.decide(
        signal, verdict=verdict, reason=reason, note_code=note_code, seen=seen, by=by, now=now
    )
    if decided is signal:
        return signal
    aggregate, lists = store.keep_signal(kept, decided)
    follows = []
    if verdict == "confirmed":
        round_ = len(decided.decisions)
        follows.append(
            outbox.work(
                f"signal-confirmed#{signal_id}#{round_}", HOLD, now=now, signal_id=signal_id
            )
        )
    journal.commit(
        journal.entry(
            "signals/decided",
            f"oddity/{signal_id}",
            by=by,
            now=now,
            pack=signal.pack,
            kind=signal.kind,
            verdict=verdict,
            reason=reason,
            note_code=note_code,
            evidence=seen,
        ),
        aggregate,
        *lists,
        *follows,
    )
    return decided


def hold(signal_id: str, *, by: Actor, now: datetime) -> int:
    """Hold the lines of a confirmed signal; return how many it holds. Safe to repeat.

    Nothing, where the signal was opened again since. Raises Unknown.
    """
    signal = store.load_signal(signal_id).value
    if signal.state != "confirmed":
        return 0
    decided = signal.decisions[-1]
    lines = sum(
        attendance.hold_lines(
            ref.site_id or signal.site_id,
            Month.parse(ref.month),
            ref.child_id,
            frozenset(ref.lines),
            signal_id=signal_id,
            decided_by=decided.by,
            by=by,
            now=now,
        )
        for ref in signal.refs
    )
    _note_held(signal_id, lines, by=by, now=now)
    return lines


@settles
def _note_held(signal_id: str, lines: int, *, by: Actor, now: datetime) -> None:
    """Write down how many lines a signal holds, and tell the provider once for each decision."""
    kept = store.load_signal(signal_id)
    signal = kept.value
    after = rules.held(signal, lines, now=now)
    if after is signal:
        return
    aggregate, lists = store.keep_signal(kept, after)
    told = []
    if signal.held != lines:
        told.append(
            outbox.notice(
                f"signal-confirmed#{signal_id}#{len(signal.decisions)}#{lines}",
                to=f"organisation:{signal.organisation_id}",
                template="notice:signals/confirmed",
                now=now,
                site_id=signal.site_id,
                signal_id=signal_id,
                since=shown_day(Month.parse(signal.month).first),
                lines=lines,
            )
        )
    journal.commit(
        journal.entry(
            "signals/held", f"oddity/{signal_id}", by=by, now=now, pack=signal.pack, lines=lines
        ),
        aggregate,
        *lists,
        *told,
    )
