"""Signals over HTTP: what waits in an area, one with its trail, its evidence, the decision."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from chalicelib.access import actions as access
from chalicelib.edge import pages
from chalicelib.edge.routes import Call, Routes
from chalicelib.edge.texts import text
from chalicelib.journal.rules import Entry
from chalicelib.kernel.periods import shown_day
from chalicelib.kernel.refusals import AnotherContent, Unknown
from chalicelib.signals import actions, rules
from chalicelib.signals.rules import Kind, Reason, Signal, State, SubjectOf, Verdict
from chalicelib.storage.secrets import KeysSilent

routes = Routes(__name__, "signals")

Named = Annotated[str, Meta(min_length=1, max_length=40, pattern=r"^[a-z0-9-]+$(?!\n)")]
Code = Annotated[str, Meta(max_length=40, pattern=r"^[a-z0-9-]*$(?!\n)")]
Digest = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}$(?!\n)")]
Cursor = Annotated[str, Meta(max_length=400)]


class SignalsAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """An area's signals, newest first. which: all, or those that wait for an officer."""

    programme: Named
    area: Named
    which: Literal["all", "open"] = "open"
    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    cursor: Cursor | None = None


class PackageAsked(Struct, frozen=True, forbid_unknown_fields=True):
    cursor: Cursor | None = None


class DecisionAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """What it was, and why: confirmed with false-marks, false-approvals, not-entitled or
    tablet-misused; dismissed with explained, mistake or our-mistake. seen: the digest of the
    evidence that was looked at. note_code: a mark of the officer's own."""

    verdict: Verdict
    reason: Reason
    seen: Digest
    note_code: Code = ""


class EvidenceSeen(Struct, frozen=True):
    """A child's part in the evidence. lines: empty are all of the month that count a visit.
    records: the tablet and the counter of its record."""

    child_id: str
    site_id: str
    month: str
    lines: list[str]
    records: list[str]


class DecisionSeen(Struct, frozen=True):
    """What was decided, on which evidence; by: a pseudonymous subject."""

    verdict: Verdict
    reason: Reason
    note_code: str
    seen: str
    at: str
    by: str


class SignalSeen(Struct, frozen=True):
    """A signal. text: what is odd, in the caller's language; subject: an id, a day, or a digest.
    evidence: the digest that a decision names; held_lines: how many lines wait because of it."""

    signal_id: str
    kind: Kind
    text: str
    programme: str
    area: str
    direction: str
    site_id: str
    period: str
    subject: str
    subject_of: SubjectOf
    state: State
    raised_at: str
    changed_at: str
    evidence: str
    children: list[EvidenceSeen]
    held_lines: int
    held_at: str | None
    decisions: list[DecisionSeen]


class StepSeen(Struct, frozen=True):
    """What happened to it, when, and on which evidence where that is said."""

    event: str
    at: str
    evidence: str | None


class SignalWhole(Struct, frozen=True):
    """A signal, and all that happened to it, oldest first."""

    signal: SignalSeen
    trail: list[StepSeen]


class SignalsPage(Struct, frozen=True):
    """Signals, and where to go on; a page may hold fewer than were asked for."""

    signals: list[SignalSeen]
    cursor: str | None


class PackageSeen(Struct, frozen=True):
    """A part of the evidence. content: JSON, to be kept as it is; note: its signed digest."""

    content: str
    note: str
    cursor: str | None


@routes.get(
    "",
    action="signals/list",
    query=SignalsAsked,
    answers=SignalsPage,
    refuses=(Unknown, pages.BadCursor),
)
def list_signals(call: Call[None]) -> SignalsPage:
    """List an area's signals with reasons and evidence, newest first."""
    asked: SignalsAsked = call.query
    of = f"signals#{asked.programme}#{asked.area}#{asked.which}"
    before = pages.position(asked.cursor, of=of) if asked.cursor else None
    found, more = actions.list_signals(
        asked.programme,
        asked.area,
        waiting=asked.which == "open",
        before=before,
        limit=asked.limit,
        by=call.actor,
    )
    _looked(found)
    return SignalsPage(
        [_seen(one, call.language) for one in found],
        pages.cursor(more, of=of) if more is not None else None,
    )


@routes.get("/{signal_id}", action="signals/see", answers=SignalWhole, refuses=(Unknown,))
def see(call: Call[None], signal_id: str) -> SignalWhole:
    """Show a signal with its evidence and its trail."""
    signal, trail = actions.see(signal_id, by=call.actor)
    _looked([signal])
    return SignalWhole(_seen(signal, call.language), [_step(entry) for entry in trail])


@routes.get(
    "/{signal_id}/package",
    action="signals/package",
    query=PackageAsked,
    answers=PackageSeen,
    refuses=(Unknown, pages.BadCursor, KeysSilent),
)
def get_package(call: Call[None], signal_id: str) -> PackageSeen:
    """Hand out a signal's evidence: signed records, lines, the trail; signed as a whole."""
    asked: PackageAsked = call.query
    of = f"signal-package#{signal_id}"
    after = pages.position(asked.cursor, of=of) if asked.cursor else None
    part, more = actions.package(signal_id, after=after, by=call.actor, now=call.now)
    access.looked(part.children, ("attendance", "enrolment"))
    cursor = pages.cursor(more, of=of) if more is not None else None
    return PackageSeen(part.content, part.note, cursor)


@routes.put(
    "/{signal_id}/decision",
    action="signals/decide",
    asks=DecisionAsked,
    answers=SignalSeen,
    refuses=(
        Unknown,
        rules.WorksHere,
        rules.WrongReason,
        AnotherContent,
        rules.SignalChanged,
    ),
)
def decide(call: Call[DecisionAsked], signal_id: str) -> SignalSeen:
    """Say what a signal was. The lines of a confirmed one are held until each is decided."""
    asked = call.asked
    signal = actions.decide(
        signal_id,
        verdict=asked.verdict,
        reason=asked.reason,
        note_code=asked.note_code,
        seen=asked.seen,
        by=call.actor,
        now=call.now,
    )
    _looked([signal])
    return _seen(signal, call.language)


def _looked(signals: list[Signal]) -> None:
    children = {ref.child_id for signal in signals for ref in signal.refs}
    access.looked(sorted(children), ("attendance",))


def _seen(signal: Signal, language: str) -> SignalSeen:
    return SignalSeen(
        signal_id=signal.signal_id,
        kind=signal.kind,
        text=text(f"signal:{signal.kind}", language, _facts(signal)),
        programme=signal.programme,
        area=signal.area,
        direction=signal.direction,
        site_id=signal.site_id,
        period=signal.period,
        subject=signal.subject,
        subject_of=signal.subject_of,
        state=signal.state,
        raised_at=signal.raised_at,
        changed_at=signal.changed_at,
        evidence=signal.digest,
        children=[
            EvidenceSeen(
                ref.child_id,
                ref.site_id or signal.site_id,
                ref.month,
                list(ref.lines),
                list(ref.records),
            )
            for ref in signal.refs
        ],
        held_lines=signal.held,
        held_at=signal.held_at,
        decisions=[
            DecisionSeen(d.verdict, d.reason, d.note_code, d.seen, d.at, d.by)
            for d in signal.decisions
        ],
    )


def _facts(signal: Signal) -> dict[str, Any]:
    """Return what the text needs; more children than one look found are counted anew."""
    facts = {**signal.facts, "children": len({ref.child_id for ref in signal.refs})}
    if "on" in facts:
        facts["on"] = shown_day(date.fromisoformat(facts["on"]))
    return facts


def _step(entry: Entry) -> StepSeen:
    evidence = entry.facts.get("evidence")
    return StepSeen(entry.event, entry.at, evidence if isinstance(evidence, str) else None)
