"""Signals of queue-grabbing: for the department to look at, and to say what they were."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from chalicelib.access import actions as access
from chalicelib.access.actions import watching as actions
from chalicelib.access.routes.shapes import Code, Cursor, Limit, routes
from chalicelib.access.rules.watching import Finding, Signal
from chalicelib.edge import pages
from chalicelib.edge.routes import Call
from chalicelib.edge.texts import text
from chalicelib.kernel.refusals import AnotherContent, Unknown

PatternName = Literal[
    "many-children", "same-contact", "in-and-out", "clerk-rush", "shared-sign-in", "fast-answers"
]


class SignalsAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """An area's signals, newest first."""

    area: Code
    limit: Limit = 50
    cursor: Cursor | None = None


class EvidenceShown(Struct, frozen=True):
    """One thing that was seen: the id of a child, person or application, and when."""

    id: str
    at: str


class SignalShown(Struct, frozen=True):
    """A pattern that was seen. whose: an id, or a digest; of: what the evidence is of."""

    signal_id: str
    pattern: PatternName
    text: str
    area: str
    whose: str
    of: str
    evidence: list[EvidenceShown]
    raised_at: str
    finding: Finding | None
    note_code: str
    decided_at: str | None


class SignalsPage(Struct, frozen=True):
    """Signals, and where to go on."""

    signals: list[SignalShown]
    cursor: str | None


class DecisionAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """What it was: grabbing, a family of its own kind, a service at work, or a mistake of ours."""

    finding: Finding
    note_code: Code


@routes.get(
    "/signals",
    action="access/list-signals",
    query=SignalsAsked,
    answers=SignalsPage,
    refuses=(Unknown, pages.BadCursor),
)
def list_signals(call: Call[None]) -> SignalsPage:
    """List an area's signals of queue-grabbing with their evidence, newest first."""
    asked: SignalsAsked = call.query
    of = f"signals#{asked.area}"
    before = pages.position(asked.cursor, of=of) if asked.cursor else None
    signals, last = actions.list_signals(
        asked.area, before=before, limit=asked.limit, by=call.actor
    )
    cursor = pages.cursor(last, of=of) if last is not None else None
    _looked(signals)
    return SignalsPage([_shown(signal, call.language) for signal in signals], cursor)


@routes.put(
    "/signals/{signal_id}/decision",
    action="access/decide-signal",
    asks=DecisionAsked,
    answers=SignalShown,
    refuses=(Unknown, AnotherContent),
)
def decide_signal(call: Call[DecisionAsked], signal_id: str) -> SignalShown:
    """Say what a signal was; nothing follows by itself."""
    signal = actions.decide_signal(
        signal_id,
        finding=call.asked.finding,
        note_code=call.asked.note_code,
        by=call.actor,
        now=call.now,
    )
    _looked([signal])
    return _shown(signal, call.language)


def _looked(signals: Sequence[Signal]) -> None:
    """Say whose data signals show: of children, that they were applied for or withdrawn."""
    children: set[str] = set()
    for signal in signals:
        pattern = actions.patterns()[signal.pattern]
        if pattern.whose == "child":
            children.add(signal.whose)
        if pattern.what == "child":
            children |= {one.what for one in signal.evidence}
    access.looked(sorted(children), ("application",))


def _shown(signal: Signal, language: str) -> SignalShown:
    pattern = actions.patterns()[signal.pattern]
    return SignalShown(
        signal_id=signal.signal_id,
        pattern=signal.pattern,  # type: ignore[arg-type]
        text=text(f"pattern:{signal.pattern}", language, {"times": len(signal.evidence)}),
        area=signal.area,
        whose=signal.whose,
        of=pattern.what,
        evidence=[EvidenceShown(one.what, one.at) for one in signal.evidence],
        raised_at=signal.raised_at,
        finding=signal.finding,
        note_code=signal.note_code,
        decided_at=signal.decided_at,
    )
