"""The timesheet of a child-month: proofs, closing, approval, disputes, decisions.

Silence never approves and never refuses. Until the family's window ends a day is "open"; then it
is "confirmed" where the family approved it, "disputed" where it objected, and "undecided" where it
was silent; the department decides disputed and undecided days line by line. What was approved is
stored with its codes and their digest, so that it can be proved and never drifts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Literal, TypeVar

from chalicelib.attendance.rules.days import Day, DayCode, confirmed_days, fold, same_day
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import DateRange, Month, from_stamp, local_day, stamp
from chalicelib.kernel.refusals import AnotherContent, Malformed, NotAllowed, OutOfTurn, Unknown
from chalicelib.kernel.workdays import Calendar
from chalicelib.policy.rules import MonthDates

ProofReason = Literal["S", "Q", "W", "V", "R", "F"]
ClaimCode = Literal["P", "S", "Q", "W", "V", "R", "F", "N"]
DisputeReason = Literal["was-there", "was-not-there", "another-reason", "not-our-child"]
AnswerKind = Literal["agree", "insist"]
DecisionReason = Literal[
    "device-evidence",
    "paper-proof",
    "both-agree",
    "representative-statement",
    "provider-statement",
    "no-evidence",
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


class MarksHere(NotAllowed):
    """Nobody both marks and approves: the caller works for this provider."""

    code = "attendance/marks-here"


class BadDay(Malformed):
    """The day is not a day of that month."""

    code = "attendance/bad-day"


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteMonth:
    """A provider's month. closed_by: pseudonymous, a job's name when nobody closed in time."""

    site_id: str
    month: str
    closed_at: str | None = None
    closed_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A paper for an absence: its number in the site's folder, never its text."""

    on: date
    reason: ProofReason
    reference: str
    at: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """A day that the family sees otherwise, and what the head says to it."""

    on: date
    claim: ClaimCode
    reason: DisputeReason
    at: str
    by: str
    answer_by: str
    answer: AnswerKind | None = None
    answered_at: str | None = None
    answered_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the department made of a line, for good."""

    on: date
    code: DayCode
    counts: bool
    reason: DecisionReason
    at: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """All that people said about a child-month; the marks lie in a row of their own.

    codes: a sign per day of the month as approved, "-" for a day not in question then.
    """

    approved_at: str | None = None
    approved_by: str | None = None
    codes: str | None = None
    digest: str | None = None
    proofs: tuple[Proof, ...] = ()
    disputes: tuple[Dispute, ...] = ()
    decisions: tuple[Decision, ...] = ()


EMPTY = Sheet()

Line = TypeVar("Line", Proof, Dispute, Decision)


def timesheet(
    marks: Collection[int],
    late: Collection[int],
    sheet: Sheet,
    *,
    month: Month,
    enrolled: Sequence[DateRange],
    calendar: Calendar,
    dates: MonthDates,
    today: date,
) -> tuple[Day, ...]:
    """Return a child-month's days as they stand today, for a family, an officer and the bill.

    late: marks that came after approval; they change nothing by themselves and are flagged.
    """
    upto = None if today > month.last else today - timedelta(days=1)
    if sheet.codes is not None:
        days = _approved(sheet.codes, month)
        if late:
            folded = fold(
                {*marks, *late}, month=month, enrolled=enrolled, calendar=calendar, upto=upto
            )
            days = _late(days, folded)
    else:
        days = fold(
            marks,
            month=month,
            enrolled=enrolled,
            calendar=calendar,
            upto=upto,
            standing="undecided" if today > dates.approve_to else "open",
        )
    if not (sheet.proofs or sheet.disputes or sheet.decisions):
        return days
    proofs = {proof.on: proof for proof in sheet.proofs}
    disputed = {dispute.on for dispute in sheet.disputes}
    decisions = {decision.on: decision for decision in sheet.decisions}
    spoken = proofs.keys() | disputed | decisions.keys()
    return tuple(
        _said(day, proofs.get(day.on), day.on in disputed, decisions.get(day.on))
        if day.on in spoken and day.counted
        else day
        for day in days
    )


def digest_of(site_id: str, month: Month, child_id: str, days: Iterable[Day]) -> str:
    """Return what an approval binds: 32 hex digits of the days' codes, proofs and disputes."""
    lines = [
        f"{day.on.isoformat()} {day.code}{' proved' * day.proved}{' disputed' * _open(day)}"
        for day in days
    ]
    text = "\n".join(["kezek-sheet-v1", site_id, str(month), child_id, *lines])
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def close(state: SiteMonth, *, month: Month, by: str, now: datetime) -> SiteMonth:
    """Return the month closed; a closed one stays as it was. Raises TooEarly."""
    if state.closed_at is not None:
        return state
    if local_day(now) <= month.last:
        raise TooEarly(from_on=month.next().first.isoformat())
    return replace(state, closed_at=stamp(now), closed_by=by)


def file_proof(
    sheet: Sheet,
    day: Day | None,
    *,
    on: date,
    reason: ProofReason,
    reference: str,
    dates: MonthDates,
    by: str,
    now: datetime,
) -> Sheet:
    """Return the sheet with a paper for an absence; the paper's reason becomes the day's.

    Raises AnotherContent, Locked, TooEarly, NotAnAbsence, in this order.
    """
    earlier = next((p for p in sheet.proofs if p.on == on), None)
    if earlier is not None:
        if (earlier.reason, earlier.reference) != (reason, reference):
            raise AnotherContent()
        return sheet
    if sheet.codes is not None or local_day(now) > dates.department_to or _decided(sheet, on):
        raise Locked()
    if on > local_day(now):
        raise TooEarly(from_on=on.isoformat())
    if day is not None and (day.code == "P" or not day.counted):
        raise NotAnAbsence(on=on.isoformat(), day_code=day.code)
    proof = Proof(on=on, reason=reason, reference=reference, at=stamp(now), by=by)
    return replace(sheet, proofs=_sorted((*sheet.proofs, proof)))


def dispute(
    sheet: Sheet,
    day: Day | None,
    *,
    on: date,
    claim: ClaimCode,
    reason: DisputeReason,
    dates: MonthDates,
    answer_by: datetime,
    by: str,
    now: datetime,
) -> Sheet:
    """Return the sheet with one day disputed, until the approval window ends.

    Raises AnotherContent, Locked, TooEarly, NothingToDispute, in this order.
    """
    earlier = next((d for d in sheet.disputes if d.on == on), None)
    if earlier is not None:
        if (earlier.claim, earlier.reason) != (claim, reason):
            raise AnotherContent()
        return sheet
    if sheet.codes is not None or local_day(now) > dates.approve_to:
        raise Locked()
    if on > local_day(now):
        raise TooEarly(from_on=on.isoformat())
    if day is None or not day.counted or day.code == claim:
        raise NothingToDispute(on=on.isoformat())
    new = Dispute(
        on=on, claim=claim, reason=reason, at=stamp(now), by=by, answer_by=stamp(answer_by)
    )
    return replace(sheet, disputes=_sorted((*sheet.disputes, new)))


def answer(sheet: Sheet, *, on: date, said: AnswerKind, by: str, now: datetime) -> Sheet:
    """Return the sheet with the head's answer to a dispute. Raises Unknown, Locked."""
    earlier = next((d for d in sheet.disputes if d.on == on), None)
    if earlier is None:
        raise Unknown()
    if earlier.answer is not None:
        if earlier.answer != said:
            raise AnotherContent()
        return sheet
    if _decided(sheet, on):
        raise Locked()
    answered = replace(earlier, answer=said, answered_at=stamp(now), answered_by=by)
    return replace(sheet, disputes=_sorted((*(d for d in sheet.disputes if d.on != on), answered)))


def approve(
    sheet: Sheet,
    days: Sequence[Day],
    *,
    month: Month,
    seen: str,
    digest: str,
    closed: bool,
    dates: MonthDates,
    by: str,
    now: datetime,
) -> Sheet:
    """Return the sheet approved, but for its disputed days.

    seen: the digest of what the representative looked at; digest: of what stands now.
    Raises AnotherContent, TooEarly, Locked, NotClosed, SheetChanged, in this order.
    """
    if sheet.codes is not None:
        if sheet.digest != seen:
            raise AnotherContent()
        return sheet
    today = local_day(now)
    if today < dates.approve_from:
        raise TooEarly(from_on=dates.approve_from.isoformat())
    if today > dates.approve_to:
        raise Locked()
    if not closed:
        raise NotClosed(close_on=dates.close_on.isoformat())
    if seen != digest:
        raise SheetChanged()
    of_day = {day.on: day.code for day in days}
    return replace(
        sheet,
        approved_at=stamp(now),
        approved_by=by,
        codes="".join(of_day.get(on, "-") for on in month.days()),
        digest=digest,
    )


def decide(
    sheet: Sheet,
    day: Day | None,
    *,
    on: date,
    counts: bool,
    code: ClaimCode | None,
    reason: DecisionReason,
    by: str,
    now: datetime,
) -> Sheet:
    """Return the sheet with the department's word on one line.

    counts: the day stands, as `code` where one is given; else it becomes a day without a reason.
    Raises AnotherContent, NotUndecided.
    """
    earlier = next((d for d in sheet.decisions if d.on == on), None)
    if earlier is not None:
        same = (earlier.counts, earlier.reason) == (counts, reason)
        if not same or (counts and code not in (None, earlier.code)):
            raise AnotherContent()
        return sheet
    if day is None or not (day.held or "late-mark" in day.flags):
        raise NotUndecided(on=on.isoformat())
    asked = next((d for d in sheet.disputes if d.on == on), None)
    if asked is not None and asked.answer is None and now < from_stamp(asked.answer_by):
        raise NotUndecided(on=on.isoformat(), answer_by=asked.answer_by)
    became: DayCode = (code or day.code) if counts else "N"
    decision = Decision(on=on, code=became, counts=counts, reason=reason, at=stamp(now), by=by)
    return replace(sheet, decisions=_sorted((*sheet.decisions, decision)))


def check_separate(actor: Actor, organisation_id: str) -> None:
    """Raise MarksHere when the caller works for the provider whose marks are to be judged."""
    if organisation_id in actor.organisations:
        raise MarksHere()


def day_of(text: str, month: Month) -> date:
    """Return a day written as YYYY-MM-DD or D. Raises BadDay when it is not of the month."""
    try:
        on = date.fromisoformat(text)
    except ValueError as error:
        raise BadDay() from error
    if Month.of(on) != month or text != on.isoformat():
        raise BadDay()
    return on


def lines_for_department(days: Iterable[Day]) -> tuple[Day, ...]:
    """Return the lines that wait for a decision: disputed, undecided, corrected too late."""
    return tuple(day for day in days if day.held or _open_late(day))


def _open_late(day: Day) -> bool:
    return "late-mark" in day.flags and "decided" not in day.flags


def _open(day: Day) -> bool:
    return day.standing == "disputed"


# Most children of a site share a few patterns of a month.
@lru_cache(maxsize=1024)
def _approved(codes: str, month: Month) -> tuple[Day, ...]:
    known = zip(confirmed_days(month), codes, strict=False)
    return tuple([of_day[code] for of_day, code in known if code != "-"])


def _late(approved: Sequence[Day], folded: Sequence[Day]) -> tuple[Day, ...]:
    now = {day.on: day.code for day in folded}
    return tuple(
        same_day(day.on, day.code, ("late-mark",), False, "confirmed")
        if now.get(day.on, day.code) != day.code
        else day
        for day in approved
    )


def _said(day: Day, proof: Proof | None, disputed: bool, decision: Decision | None) -> Day:
    """Return a day in question with what people said of it."""
    code, flags, standing = day.code, day.flags, day.standing
    proved = proof is not None and code != "P"
    if proof is not None and proved:
        code = proof.reason
        flags = tuple(flag for flag in flags if flag != "no-record")
    if decision is not None:
        proved = proved and code == decision.code
        code, standing = decision.code, "confirmed"
        flags = (*flags, "decided")
    elif disputed:
        standing = "disputed"
    return same_day(day.on, code, flags, proved, standing)


def _decided(sheet: Sheet, on: date) -> bool:
    return any(decision.on == on for decision in sheet.decisions)


def _sorted(lines: Iterable[Line]) -> tuple[Line, ...]:
    return tuple(sorted(lines, key=lambda line: line.on))
