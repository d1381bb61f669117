"""A signal: what is odd, where, on what evidence, and what officers said of it.

    open ── confirmed ── open again, where new facts came
      └──── dismissed ── open again, where new facts came

A signal is named by what it is about, so the same oddity found twice is one signal. More evidence
joins it. What was decided is remembered with the facts it was decided on: the same facts never
raise it again. A signal holds no money by itself; a confirmed one has its lines held by attendance,
where they are decided one by one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import stamp
from chalicelib.kernel.refusals import AnotherContent, NotAllowed, OutOfTurn

Kind = Literal[
    "two-providers",
    "outside-hours",
    "one-second",
    "identical-rows",
    "full-attendance",
    "one-device-approvals",
    "far-apart",
    "clock-jump",
    "no-act",
    "over-capacity",
]
KINDS: tuple[Kind, ...] = Kind.__args__  # type: ignore[attr-defined]
# What is seen in an upload as it arrives; all else needs the month whole.
ARRIVING: frozenset[Kind] = frozenset({"outside-hours", "one-second", "far-apart", "clock-jump"})

SubjectOf = Literal["child", "group", "device", "day"]
State = Literal["open", "confirmed", "dismissed"]
Verdict = Literal["confirmed", "dismissed"]
Reason = Literal[
    "false-marks",  # nobody was there, or not then
    "false-approvals",  # somebody else spoke for the families
    "not-entitled",  # more children than places, or one child twice
    "tablet-misused",  # its clock, its place or its key
    "explained",  # true, and there is a reason for it
    "mistake",  # of a person; it earned nothing wrong
    "our-mistake",  # the signal is wrong
]
CONFIRMS: frozenset[Reason] = frozenset(
    {"false-marks", "false-approvals", "not-entitled", "tablet-misused"}
)
# Records named by one child's evidence; all of them lie in the uploads that these name.
RECORDS_MAX = 40


class SignalChanged(OutOfTurn):
    """More evidence came since the signal was read; look at it again."""

    code = "signals/changed"


class WrongReason(OutOfTurn):
    """That reason does not go with that verdict; `reasons` lists those that do."""

    code = "signals/wrong-reason"


class WorksHere(NotAllowed):
    """Nobody judges a signal of the provider they work for."""

    code = "signals/works-here"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ref:
    """One child's part in the evidence, by ids.

    site_id: where, if not the signal's own site. lines: days or lessons; none: each line of the
    month that counts a visit. records: "tablet/counter".
    """

    child_id: str
    month: str
    site_id: str = ""
    lines: tuple[str, ...] = ()
    records: tuple[str, ...] = ()

    @property
    def of(self) -> tuple[str, str, str]:
        return self.site_id, self.month, self.child_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a look at attendance found: of which kind, about what, with which evidence.

    subject: the id of a child, group or tablet, a day, or the digest of a device that approves.
    period: the month or the day. facts: numbers and days that its text needs.
    """

    kind: Kind
    subject: str
    subject_of: SubjectOf
    period: str
    refs: tuple[Ref, ...]
    facts: Mapping[str, int | str] = field(default_factory=dict)

    @property
    def month(self) -> str:
        return self.period[:7]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What an officer said of a signal. seen: digest of the evidence it was said of."""

    verdict: Verdict
    reason: Reason
    note_code: str
    seen: str
    at: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """A signal with its evidence and all that was decided of it, oldest first.

    pack: version of the rules whose thresholds it passed. held: lines that attendance holds for it.
    """

    signal_id: str
    kind: Kind
    programme: str
    area: str
    direction: str
    site_id: str
    organisation_id: str
    subject: str
    subject_of: SubjectOf
    period: str
    refs: tuple[Ref, ...]
    facts: dict[str, Any]
    raised_at: str
    changed_at: str
    pack: str
    state: State = "open"
    decisions: tuple[Decision, ...] = ()
    held: int = 0
    held_at: str | None = None

    @property
    def digest(self) -> str:
        """Return what a decision binds: the evidence as it stands."""
        return digest_of(self.refs)

    @property
    def month(self) -> str:
        return self.period[:7]

    @property
    def sites(self) -> tuple[str, ...]:
        """Return every site that the evidence lies at."""
        return tuple(sorted({ref.site_id or self.site_id for ref in self.refs}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """The site of a finding, and the rules that judged it."""

    programme: str
    area: str
    direction: str
    site_id: str
    organisation_id: str
    pack: str


def id_of(finding: Finding, site_id: str) -> str:
    """Return the one name of what a finding is about at a site."""
    named = "\x00".join((finding.kind, site_id, finding.subject, finding.period))
    return hashlib.sha256(named.encode()).hexdigest()[:26]


def digest_of(refs: Iterable[Ref]) -> str:
    """Return a name of evidence, whatever its order: 32 hex digits."""
    lines = sorted(
        "\x00".join((*ref.of, " ".join(ref.lines), " ".join(ref.records))) for ref in refs
    )
    return hashlib.sha256("\n".join(["kezek-signal-v1", *lines]).encode()).hexdigest()[:32]


def met(signal: Signal | None, finding: Finding, where: Where, *, now: datetime) -> Signal:
    """Return the signal of a finding: new, grown, opened again; the very same if nothing is new."""
    if signal is None:
        return Signal(
            signal_id=id_of(finding, where.site_id),
            kind=finding.kind,
            programme=where.programme,
            area=where.area,
            direction=where.direction,
            site_id=where.site_id,
            organisation_id=where.organisation_id,
            subject=finding.subject,
            subject_of=finding.subject_of,
            period=finding.period,
            refs=joined((), finding.refs),
            facts=dict(finding.facts),
            raised_at=stamp(now),
            changed_at=stamp(now),
            pack=where.pack,
        )
    refs = joined(signal.refs, finding.refs)
    if refs == signal.refs:
        return signal
    return replace(
        signal,
        refs=refs,
        facts={**signal.facts, **finding.facts},
        changed_at=stamp(now),
        pack=where.pack,
        state="open",
    )


def joined(held: Iterable[Ref], new: Iterable[Ref]) -> tuple[Ref, ...]:
    """Return evidence united, in one order; nothing that was seen is forgotten."""
    found: dict[tuple[str, str, str], Ref] = {}
    for ref in (*held, *new):
        before = found.get(ref.of, ref)
        # No lines are all lines: more than any of them.
        whole = not (before.lines and ref.lines)
        found[ref.of] = replace(
            ref,
            lines=() if whole else tuple(sorted({*before.lines, *ref.lines})),
            records=tuple(sorted({*before.records, *ref.records}))[:RECORDS_MAX],
        )
    return tuple(found[key] for key in sorted(found))


def decide(
    signal: Signal,
    *,
    verdict: Verdict,
    reason: Reason,
    note_code: str,
    seen: str,
    by: Actor,
    now: datetime,
) -> Signal:
    """Return a judged signal; the same said again changes nothing.

    seen: digest of the evidence that the officer looked at. Raises WrongReason, AnotherContent,
    SignalChanged, in this order.
    """
    if (reason in CONFIRMS) != (verdict == "confirmed"):
        fits = [one for one in Reason.__args__ if (one in CONFIRMS) == (verdict == "confirmed")]  # type: ignore[attr-defined]
        raise WrongReason(reasons=fits)
    if signal.state != "open":
        last = signal.decisions[-1]
        same = (last.verdict, last.reason, last.note_code) == (verdict, reason, note_code)
        if last.seen != seen or not same:
            raise AnotherContent()
        return signal
    if seen != signal.digest:
        raise SignalChanged()
    decision = Decision(
        verdict=verdict,
        reason=reason,
        note_code=note_code,
        seen=seen,
        at=stamp(now),
        by=by.subject,
    )
    return replace(
        signal, state=verdict, decisions=(*signal.decisions, decision), changed_at=stamp(now)
    )


def held(signal: Signal, lines: int, *, now: datetime) -> Signal:
    """Return a signal whose lines are held; the same count again changes nothing."""
    if signal.held == lines and signal.held_at is not None:
        return signal
    return replace(signal, held=lines, held_at=stamp(now))
