"""From findings to signals: raised once, grown where more is found, never again for the same."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor
from chalicelib.signals import rules, store
from chalicelib.signals.rules import Finding, Signal, Where
from chalicelib.storage.commit import settles


def raise_signals(
    findings: Sequence[Finding], where: Where, *, by: Actor, now: datetime
) -> list[Signal]:
    """Raise what was found at a site, each in a commit of its own; return those that changed.

    Safe to repeat and to interrupt: what stands already is left as it is. One read per hundred
    findings, and a commit for each that says something new.
    """
    known = store.find_signals([rules.id_of(one, where.site_id) for one in findings])
    changed: list[Signal] = []
    for finding in findings:
        kept = known.get(rules.id_of(finding, where.site_id))
        before = kept.value if kept else None
        if rules.met(before, finding, where, now=now) is before:
            continue
        signal = _raise(finding, where, by=by, now=now)
        if signal is not None:
            changed.append(signal)
    return changed


@settles
def _raise(finding: Finding, where: Where, *, by: Actor, now: datetime) -> Signal | None:
    """Write one signal as it stands with a finding; None where another has written the same."""
    kept = store.find_signal(rules.id_of(finding, where.site_id))
    before = kept.value if kept else None
    signal = rules.met(before, finding, where, now=now)
    if signal is before:
        return None
    if kept is None:
        event, (aggregate, lists) = "signals/raised", store.create_signal(signal)
    else:
        again = kept.value.state != signal.state
        event = "signals/raised-again" if again else "signals/grew"
        aggregate, lists = store.keep_signal(kept, signal)
    journal.commit(
        journal.entry(
            event,
            f"oddity/{signal.signal_id}",
            by=by,
            now=now,
            pack=where.pack,
            kind=signal.kind,
            site_id=signal.site_id,
            period=signal.period,
            children=len(signal.refs),
            evidence=signal.digest,
        ),
        aggregate,
        *lists,
    )
    return signal
