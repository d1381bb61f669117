"""Statements: what is posted for a provider-month is what is due minus what was posted.

A statement is never edited. The first one of a month states every child, zeros too; each later one
states only the lines that changed, what they said before, and why.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from chalicelib.billing.rules.judging import NOT_ENROLLED, SUSPECT, UNDECIDED
from chalicelib.billing.rules.pricing import DOUBLED, HELD, OVER_MONTH_CAP, Line, PricedBy
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
    "suspect-tablet",
]
ActKind = Literal[
    "approval",
    "confirmation",
    "decision",
    "certificate",
    "dispute",
    "evidence",
    "tablet",
    "enrolment",
    "rate-act",
    "fee-act",
    "other-site",
]


class MonthNotOver(OutOfTurn):
    """A month is billed when it is over."""

    code = "billing/month-not-over"


class MonthNotBegun(OutOfTurn):
    """Nothing is earned in a month that is still to come."""

    code = "billing/month-not-begun"


class MonthForgotten(OutOfTurn):
    """The rosters no longer know every child of that month; it cannot be billed again."""

    code = "billing/month-forgotten"


@dataclass(frozen=True, slots=True, kw_only=True)
class Because:
    """An act that a correction rests on, and where it is written.

    ref: the journal's entry (stream and number), the upload (tablet, last counter, digest), the
    key of the pack's act, or the other site. on: the line it is about, "" for the whole sheet.
    said: a decision's reason, a paper's code and number, an act's number.
    """

    act: ActKind
    ref: str
    at: str = ""
    on: str = ""
    said: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedLine:
    """A line as a statement says it: the child's whole due now, and what was posted before.

    because: the acts since the child's line was stated last; none in a month's first statement.
    parents_before_tiyn: what the family owed by then.
    """

    line: Line
    before_tiyn: int
    cause: Cause
    because: tuple[Because, ...] = ()
    parents_before_tiyn: int = 0

    @property
    def movement_tiyn(self) -> int:
        """Return the signed difference; plus is owed to the provider."""
        return self.line.accrual_tiyn - self.before_tiyn

    @property
    def parents_movement_tiyn(self) -> int:
        """Return the signed difference of what the family owes; plus is owed to the provider."""
        return self.line.parents_tiyn - self.parents_before_tiyn


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

    @property
    def posting(self) -> str:
        """Return the name of the posting that books it."""
        return f"statement#{self.site_id}#{self.month}#{self.number:04d}"

    @property
    def parents_movement_tiyn(self) -> int:
        """Return what families owe more for the month, or less; no money of the budget."""
        return sum(stated.parents_movement_tiyn for stated in self.lines)


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
        old, new = posted.get(child_id), due.get(child_id) or _gone(child_id, pack)
        if old is not None and _money(old) == _money(new):
            continue
        stated.append(
            StatedLine(
                line=new,
                before_tiyn=0 if old is None else old.accrual_tiyn,
                cause="month" if first else cause_of(old, new),
                parents_before_tiyn=0 if old is None else old.parents_tiyn,
            )
        )
    return tuple(stated)


def statement_of(
    head: SiteMonth, stated: tuple[StatedLine, ...], *, number: int, at: str, pack: str
) -> Statement:
    """Return the statement that states these lines; its cause is that of most that move money."""
    causes = Counter(one.cause for one in stated if one.movement_tiyn)
    causes = causes or Counter(one.cause for one in stated)
    return Statement(
        number=number,
        site_id=head.site_id,
        organisation_id=head.organisation_id,
        programme=head.programme,
        area=head.area,
        month=head.month,
        at=at,
        cause=min(causes, key=lambda cause: (-causes[cause], cause)),
        movement_tiyn=sum(one.movement_tiyn for one in stated),
        pack=pack,
        lines=stated,
    )


def stated_at(statements: Iterable[Statement]) -> dict[str, str]:
    """Return when each child's line was stated last."""
    return {
        stated.line.child_id: statement.at
        for statement in sorted(statements, key=lambda s: s.number)
        for stated in statement.lines
    }


def acts_of_rates(old: Line | None, new: Line, *, numbers: Mapping[str, str]) -> list[Because]:
    """Return the acts by which a line is priced now and was not before.

    numbers: key of an act → its number, where it has one. A line that was stated before rows were
    named on lines says nothing of its old ones.
    """
    if old is None:
        return []
    found: list[Because] = []
    kinds: tuple[tuple[ActKind, tuple[PricedBy, ...], tuple[PricedBy, ...]], ...] = (
        ("rate-act", old.rates, new.rates),
        ("fee-act", old.fees, new.fees),
    )
    for kind, before, now in kinds:
        known = {priced.row for priced in before}
        for row in dict.fromkeys(priced.row for priced in now):
            if row not in known and (known or kind == "fee-act"):
                said = numbers.get(row.source, "")
                on = f"{row.sort} {row.since.isoformat()}"
                found.append(Because(act=kind, ref=row.source, on=on, said=said))
    return found


def _gone(child_id: str, pack: str) -> Line:
    return Line(
        child_id=child_id,
        attended=0,
        payable={},
        unpaid={},
        withheld_tiyn={},
        accrual_tiyn=0,
        pack=pack,
    )


def _money(line: Line) -> tuple[int, int]:
    return line.accrual_tiyn, line.parents_tiyn


def cause_of(old: Line | None, new: Line) -> Cause:
    """Return why a line changed; where several things did, the first of a fixed order."""
    if old is None:
        return "late-record"
    if not new.payable and not new.unpaid:
        return "enrolment"
    was, now = Counter(old.unpaid), Counter(new.unpaid)
    if was[DOUBLED] != now[DOUBLED]:
        return "doubled-day"
    if was[SUSPECT] != now[SUSPECT]:
        return "suspect-tablet"
    if was[UNDECIDED] > now[UNDECIDED]:
        return "late-confirmation"
    if any(was[reason] != now[reason] for reason in HELD):
        return "decision"
    if old.payable == new.payable and old.unpaid == new.unpaid:
        return "rule-change" if _repriced(old, new) else "other-provider"
    if was[NOT_ENROLLED] != now[NOT_ENROLLED]:
        return "enrolment"
    above = [Counter(line.withheld_tiyn)[OVER_MONTH_CAP] for line in (old, new)]
    if above[0] != above[1] and _below_the_cap(old) == _below_the_cap(new):
        # The same units, and more or less of them above the month's cap: what another site's
        # units use of it has changed.
        return "other-provider"
    return "late-record"


def _repriced(old: Line, new: Line) -> bool:
    """Return whether other rows, or another version of the rules, price the same units.

    A row that applies backwards judges from a day on without a new version.
    """
    rows = [{priced.row for priced in line.rates + line.fees} for line in (old, new)]
    return old.pack != new.pack or (bool(old.rates) and rows[0] != rows[1])


def _below_the_cap(line: Line) -> tuple[int, dict[str, int]]:
    """Return a line as it would be without a month cap: units that may earn, and the others."""
    others = {reason: n for reason, n in line.unpaid.items() if reason != OVER_MONTH_CAP}
    return sum(line.payable.values()) + Counter(line.unpaid)[OVER_MONTH_CAP], others


def why_not_paid(head: SiteMonth | None) -> tuple[Waiting, ...]:
    """Return what keeps money of a month from being posted; empty when all that earns is posted."""
    if head is None or (head.statements == 0 and head.held is None):
        return (Waiting("not-billed-yet"),)
    waiting = [
        Waiting(reason, count, head.withheld_tiyn.get(reason, 0))
        for reason, count in sorted(head.unpaid.items())
        if reason in HELD and count
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
