"""What people say of a child-month and do with a site's month: values, and every no to them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal, TypeVar

from chalicelib.attendance.rules.lines import LineCode
from chalicelib.kernel.refusals import NotAllowed, OutOfTurn

ProofReason = Literal["S", "Q", "W", "V", "R", "F"]
ClaimCode = Literal["P", "S", "Q", "W", "V", "R", "F", "N", "L"]
DisputeReason = Literal[
    "was-there", "was-not-there", "another-reason", "not-our-child", "no-lesson"
]
AnswerKind = Literal["agree", "insist"]
DecisionReason = Literal[
    "device-evidence",
    "paper-proof",
    "both-agree",
    "representative-statement",
    "provider-statement",
    "no-evidence",
    "doubled",
]


class TooEarly(OutOfTurn):
    """It is not yet time; `from_on` is the first day."""

    code = "attendance/too-early"


class NotClosed(OutOfTurn):
    """The provider has not closed the month yet."""

    code = "attendance/not-closed"


class Locked(OutOfTurn):
    """The timesheet is approved or its window is over; only the department changes lines now."""

    code = "attendance/locked"


class SheetChanged(OutOfTurn):
    """The timesheet is not as it was when it was read; look at it again."""

    code = "attendance/sheet-changed"


class NotAnAbsence(OutOfTurn):
    """The day needs no paper: the child was there, the day is off, or it is not enrolled."""

    code = "attendance/not-an-absence"


class NothingToDispute(OutOfTurn):
    """The day stands as the claim says, or is not in question."""

    code = "attendance/nothing-to-dispute"


class NotUndecided(OutOfTurn):
    """The line is not the department's to decide now."""

    code = "attendance/not-undecided"


class NotDoubled(OutOfTurn):
    """No other provider claims the day or the hour; or the line is to count, which frees none."""

    code = "attendance/not-doubled"


class MarksHere(NotAllowed):
    """Nobody both marks and approves: the caller works for this provider."""

    code = "attendance/marks-here"


class LineDisputed(OutOfTurn):
    """The family contests this lesson; the department decides it."""

    code = "attendance/line-disputed"


class NotHeldYet(OutOfTurn):
    """The lesson is not over; `ends_at` is when it is."""

    code = "attendance/not-held-yet"


class NotVisited(OutOfTurn):
    """No visit of the child is marked in that lesson, so there is nothing to confirm."""

    code = "attendance/not-visited"


class NotLineByLine(OutOfTurn):
    """The programme's timesheets are approved by the month."""

    code = "attendance/not-line-by-line"


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteMonth:
    """A provider's month. closed_by: pseudonymous, a job's name when nobody closed in time.

    reminded: the days of the calendar whose reminder went out. handed_at: when the lines of which
    no family said anything were handed to the department; handed_lines: how many those were, or
    were disputed.
    """

    site_id: str
    month: str
    closed_at: str | None = None
    closed_by: str | None = None
    reminded: tuple[str, ...] = ()
    handed_at: str | None = None
    handed_lines: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OfLine:
    """What people say of one line: a day, or a lesson of a day."""

    on: date
    lesson: str | None = None

    @property
    def key(self) -> str:
        """Return the line's name."""
        return self.lesson or self.on.isoformat()


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof(OfLine):
    """A paper for an absence: its number in the site's folder, never its text."""

    reason: ProofReason
    reference: str
    at: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute(OfLine):
    """A line that the family sees otherwise, and what the head says to it."""

    claim: ClaimCode
    reason: DisputeReason
    at: str
    by: str
    answer_by: str
    answer: AnswerKind | None = None
    answered_at: str | None = None
    answered_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision(OfLine):
    """What the department made of a line, for good."""

    code: LineCode
    counts: bool
    reason: DecisionReason
    at: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold(OfLine):
    """A line that waits for a decision because an officer confirmed a signal about it."""

    signal_id: str
    at: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """All that people said about a child-month; the marks lie in a row of their own.

    codes: the lines as approved, as their plan writes them: a sign per day of the month, "-" for a
    day not in question then; or each lesson with its code. confirmed: lessons the family confirmed
    one by one, written alike, in order; who did it and when stands in the journal. device: the
    digest of the device that the family approved on, where that said which it is.
    """

    approved_at: str | None = None
    approved_by: str | None = None
    codes: str | None = None
    digest: str | None = None
    proofs: tuple[Proof, ...] = ()
    disputes: tuple[Dispute, ...] = ()
    decisions: tuple[Decision, ...] = ()
    confirmed: tuple[str, ...] = ()
    device: str | None = None
    holds: tuple[Hold, ...] = ()


EMPTY = Sheet()

Said = TypeVar("Said", Proof, Dispute, Decision, Hold)
