"""Statements: what is posted for a provider-month is what is due minus what was posted.

A statement is never edited. The first one of a month states every child, zeros too; each later one
states only the lines that changed, what they said before, and why.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from chalicelib.billing.rules.judging import UNDECIDED
from chalicelib.billing.rules.pricing import DOUBLED, HELD, OVER_MONTH_CAP, Line
from chalicelib.kernel.refusals import OutOfTurn

Cause = Literal[
    "month",
    "late-confirmation",
    "decision",
    "doubled-day",
    "rule-change",
    "late-record",
    "other-provider",
    "enrolment",
]


class MonthNotOver(OutOfTurn):
    """A month is billed when it is over."""

    code = "billing/month-not-over"


class MonthForgotten(OutOfTurn):
    """The rosters no longer know every child of that month; it cannot be billed again."""

    code = "billing/month-forgotten"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedLine:
    """A line as a statement says it: the child's whole due now, and what was posted before."""

    line: Line
    before_tiyn: int
    cause: Cause

    @property
    def movement_tiyn(self) -> int:
        """Return the signed difference; plus is owed to the provider."""
        return self.line.accrual_tiyn - self.before_tiyn


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One posted statement of a provider-month. movement_tiyn: signed, plus is owed."""

    number: int
    site_id: str
    organisation_id: str
    programme: str
    area: str
    month: str
    at: str
    cause: Cause
    movement_tiyn: int
    pack: str
    lines: tuple[StatedLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteMonth:
    """How a provider-month stands.

    claimed: child → digest of what this site wrote in that child's claimants row; shared: children
    whose row names other sites too. statements: how many were posted; posted_tiyn: their sum.
    held: the code of what keeps a statement from being posted. closed: the provider closed the
    month. direction: whose department and budget it is, "" in a programme that has one. The rest
    is what is due now.
    """

    site_id: str
    organisation_id: str
    programme: str
    area: str
    month: str
    claimed: dict[str, str] = field(default_factory=dict)
    shared: tuple[str, ...] = ()
    statements: int = 0
    posted_tiyn: int = 0
    held: str | None = None
    closed: bool = True
    children: int = 0
    child_days: int = 0
    due_tiyn: int = 0
    unpaid: dict[str, int] = field(default_factory=dict)
    withheld_tiyn: dict[str, int] = field(default_factory=dict)
    direction: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One answer to "why am I not paid": a reason, its units (days or lessons) and money."""

    reason: str
    days: int = 0
    tiyn: int = 0


def posted_lines(statements: Iterable[Statement]) -> dict[str, Line]:
    """Return each child's newest stated line."""
    lines: dict[str, Line] = {}
    for statement in sorted(statements, key=lambda s: s.number):
        for stated in statement.lines:
            lines[stated.line.child_id] = stated.line
    return lines


def plan_statement(
    posted: Mapping[str, Line], due: Mapping[str, Line], *, first: bool, pack: str
) -> tuple[StatedLine, ...]:
    """Return the lines that a new statement must state; empty when nothing changed in money.

    A child that is no longer in the month's timesheets goes back to zero. A line that says other
    things about the same sum is not posted again, so a repeated run posts nothing.
    """
    stated: list[StatedLine] = []
    for child_id in sorted({*posted, *due}):
        old, new = posted.get(child_id), due.get(child_id)
        if new is None and old is not None:
            new = Line(
                child_id=child_id,
                attended=0,
                payable={},
                unpaid={},
                withheld_tiyn={},
                accrual_tiyn=0,
                pack=pack,
            )
        if new is None or (old is not None and old.accrual_tiyn == new.accrual_tiyn):
            continue
        stated.append(
            StatedLine(
                line=new,
                before_tiyn=0 if old is None else old.accrual_tiyn,
                cause="month" if first else cause_of(old, new),
            )
        )
    return tuple(stated)


def cause_of(old: Line | None, new: Line) -> Cause:
    """Return why a line changed; where several things did, the first of a fixed order."""
    if old is None:
        return "late-record"
    if not new.payable and not new.unpaid:
        return "enrolment"
    if old.unpaid.get(DOUBLED, 0) != new.unpaid.get(DOUBLED, 0):
        return "doubled-day"
    if old.unpaid.get(UNDECIDED, 0) > new.unpaid.get(UNDECIDED, 0):
        return "late-confirmation"
    if any(old.unpaid.get(r, 0) != new.unpaid.get(r, 0) for r in HELD):
        return "decision"
    if old.payable == new.payable and old.unpaid == new.unpaid:
        return "rule-change" if old.pack != new.pack else "other-provider"
    if old.unpaid.get("X", 0) != new.unpaid.get("X", 0):
        return "enrolment"
    above = [line.withheld_tiyn.get(OVER_MONTH_CAP, 0) for line in (old, new)]
    if above[0] != above[1] and _below_the_cap(old) == _below_the_cap(new):
        # The same units, and more or less of them above the month's cap: what another site's
        # units use of it has changed.
        return "other-provider"
    return "late-record"


def _below_the_cap(line: Line) -> tuple[int, dict[str, int]]:
    """Return a line as it would be without a month cap: units that may earn, and the others."""
    others = {reason: n for reason, n in line.unpaid.items() if reason != OVER_MONTH_CAP}
    return sum(line.payable.values()) + line.unpaid.get(OVER_MONTH_CAP, 0), others


def why_not_paid(head: SiteMonth | None) -> tuple[Waiting, ...]:
    """Return what keeps money of a month from being posted; empty when all that earns is posted."""
    if head is None or (head.statements == 0 and head.held is None):
        return (Waiting("not-billed-yet"),)
    waiting = [
        Waiting(reason, head.unpaid[reason], head.withheld_tiyn.get(reason, 0))
        for reason in sorted(HELD)
        if head.unpaid.get(reason)
    ]
    if not head.closed:
        waiting.insert(0, Waiting("not-closed"))
    if head.held is not None:
        waiting.append(Waiting(head.held, 0, max(0, head.due_tiyn - head.posted_tiyn)))
    return tuple(waiting)


def not_to_be_paid(head: SiteMonth | None) -> tuple[Waiting, ...]:
    """Return what earns nothing and waits for nobody, by reason, with what it would bring."""
    if head is None:
        return ()
    return tuple(
        Waiting(reason, head.unpaid.get(reason, 0), head.withheld_tiyn.get(reason, 0))
        for reason in sorted({*head.unpaid, *head.withheld_tiyn})
        if reason not in HELD
    )
