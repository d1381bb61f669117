"""The timesheet of a child-month: proofs, closing, confirmation, approval, disputes, decisions.

A line is a day or a lesson of a day; the law is one. Silence never approves and never refuses.
Until the family's window ends a line is "open"; then it is "confirmed" where the family confirmed
or approved it, "disputed" where it objected, and "undecided" where it was silent; the department
decides disputed and undecided lines one by one. What was confirmed is stored with its codes, and
what was approved with their digest too, so that it can be proved and never drifts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from chalicelib.access.rules import works_for
from chalicelib.attendance.rules.lines import Line, LineCode, LineName, same_line
from chalicelib.attendance.rules.plans import Plan, taught_lines, taught_text
from chalicelib.attendance.rules.said import (
    AnswerKind,
    ClaimCode,
    Decision,
    DecisionReason,
    Dispute,
    DisputeReason,
    Hold,
    LineDisputed,
    Locked,
    MarksHere,
    NotAnAbsence,
    NotClosed,
    NotDoubled,
    NotHeldYet,
    NothingToDispute,
    NotLineByLine,
    NotUndecided,
    NotVisited,
    Proof,
    ProofReason,
    Said,
    Sheet,
    SheetChanged,
    SiteMonth,
    TooEarly,
)
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import Month, from_stamp, local_day, stamp, start_of
from chalicelib.kernel.refusals import AnotherContent, Unknown
from chalicelib.policy.rules import MonthDates


def timesheet(
    marks: Collection[int],
    late: Collection[int],
    sheet: Sheet,
    *,
    plan: Plan,
    dates: MonthDates,
    today: date,
    odd: Collection[int] = (),
    doubted: Collection[int] = (),
) -> tuple[Line, ...]:
    """Return a child-month's lines as they stand today, for a family, an officer and the bill.

    late: marks that came after approval; they change nothing by themselves and are flagged. odd:
    marks made with many others in one second. doubted: those of the marks that a tablet under
    suspicion made; a line that says otherwise without them is flagged, unless a paper or the
    department speaks for it.
    """
    lines = _timesheet(marks, late, sheet, plan=plan, dates=dates, today=today, odd=odd)
    if not doubted:
        return lines
    upto = None if today > plan.month.last else today - timedelta(days=1)
    whole = _codes(plan.fold(marks, upto=upto, standing="open"))
    trusted = _codes(plan.fold(set(marks).difference(doubted), upto=upto, standing="open"))
    return tuple(
        replace(line, flags=(*line.flags, "doubted-tablet"))
        if line.counted
        and not line.proved
        and "decided" not in line.flags
        and whole.get(line.key) == line.code != trusted.get(line.key)
        else line
        for line in lines
    )


def _codes(lines: Iterable[Line]) -> dict[str, LineCode]:
    return {line.key: line.code for line in lines}


def _timesheet(
    marks: Collection[int],
    late: Collection[int],
    sheet: Sheet,
    *,
    plan: Plan,
    dates: MonthDates,
    today: date,
    odd: Collection[int],
) -> tuple[Line, ...]:
    month = plan.month
    upto = None if today > month.last else today - timedelta(days=1)
    if sheet.codes is not None:
        lines = plan.approved(sheet.codes)
        if late:
            folded = plan.fold({*marks, *late}, upto=upto, standing="open", odd=odd)
            lines = _late(lines, folded)
    else:
        lines = plan.fold(
            marks,
            upto=upto,
            standing="undecided" if today > dates.approve_to else "open",
            odd=odd,
        )
        if sheet.confirmed:
            lines = _confirmed(lines, sheet.confirmed, month)
    if not (sheet.proofs or sheet.disputes or sheet.decisions or sheet.holds):
        return lines
    proofs = {proof.key: proof for proof in sheet.proofs}
    disputed = {dispute.key for dispute in sheet.disputes}
    decisions = {decision.key: decision for decision in sheet.decisions}
    suspected = {hold.key for hold in sheet.holds}
    spoken = proofs.keys() | disputed | decisions.keys() | suspected
    return tuple(
        _said(line, proofs.get(key), key in disputed, decisions.get(key), key in suspected)
        if (key := line.key) in spoken and line.asked
        else line
        for line in lines
    )


def digest_of(site_id: str, month: Month, child_id: str, lines: Iterable[Line]) -> str:
    """Return what an approval binds: 32 hex digits of the lines' codes, proofs and disputes."""
    texts = [
        f"{line.key} {line.code}{' proved' * line.proved}{' disputed' * _open(line)}"
        for line in lines
    ]
    text = "\n".join(["kezek-sheet-v1", site_id, str(month), child_id, *texts])
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
    line: Line | None,
    *,
    name: LineName,
    reason: ProofReason,
    reference: str,
    dates: MonthDates,
    by: str,
    now: datetime,
) -> Sheet:
    """Return the sheet with a paper for an absence; the paper's reason becomes the line's.

    Raises AnotherContent, Locked, TooEarly, NotAnAbsence, in this order.
    """
    on = name.on
    earlier = _of(sheet.proofs, name)
    if earlier is not None:
        if (earlier.reason, earlier.reference) != (reason, reference):
            raise AnotherContent()
        return sheet
    if sheet.codes is not None or local_day(now) > dates.department_to or _decided(sheet, name):
        raise Locked()
    if on > local_day(now):
        raise TooEarly(from_on=on.isoformat())
    if line is not None and (line.code == "P" or not line.counted):
        raise NotAnAbsence(on=on.isoformat(), day_code=line.code)
    proof = Proof(
        on=on, lesson=name.lesson, reason=reason, reference=reference, at=stamp(now), by=by
    )
    return replace(sheet, proofs=_sorted((*sheet.proofs, proof)))


def dispute(
    sheet: Sheet,
    line: Line | None,
    *,
    name: LineName,
    claim: ClaimCode,
    reason: DisputeReason,
    dates: MonthDates,
    answer_by: datetime,
    by: str,
    now: datetime,
) -> Sheet:
    """Return the sheet with one line disputed, until the approval window ends.

    What the family confirmed is not disputed any more. Raises AnotherContent, Locked, TooEarly,
    NothingToDispute, in this order.
    """
    on = name.on
    earlier = _of(sheet.disputes, name)
    if earlier is not None:
        if (earlier.claim, earlier.reason) != (claim, reason):
            raise AnotherContent()
        return sheet
    if sheet.codes is not None or local_day(now) > dates.approve_to:
        raise Locked()
    if line is not None and line.confirmed and line.counted:
        raise Locked()
    if on > local_day(now):
        raise TooEarly(from_on=on.isoformat())
    if line is None or not line.asked or line.code == claim:
        raise NothingToDispute(on=on.isoformat())
    new = Dispute(
        on=on,
        lesson=name.lesson,
        claim=claim,
        reason=reason,
        at=stamp(now),
        by=by,
        answer_by=stamp(answer_by),
    )
    return replace(sheet, disputes=_sorted((*sheet.disputes, new)))


def answer(sheet: Sheet, *, name: LineName, said: AnswerKind, by: str, now: datetime) -> Sheet:
    """Return the sheet with the head's answer to a dispute. Raises Unknown, Locked."""
    earlier = _of(sheet.disputes, name)
    if earlier is None:
        raise Unknown()
    if earlier.answer is not None:
        if earlier.answer != said:
            raise AnotherContent()
        return sheet
    if _decided(sheet, name):
        raise Locked()
    answered = replace(earlier, answer=said, answered_at=stamp(now), answered_by=by)
    return replace(
        sheet, disputes=_sorted((*(d for d in sheet.disputes if d is not earlier), answered))
    )


def approve(
    sheet: Sheet,
    lines: Sequence[Line],
    *,
    plan: Plan,
    seen: str,
    digest: str,
    closed: bool,
    dates: MonthDates,
    by: str,
    now: datetime,
    device: str | None = None,
) -> Sheet:
    """Return the sheet approved, but for its disputed lines; this confirms all the others.

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
    return replace(
        sheet,
        approved_at=stamp(now),
        approved_by=by,
        codes=plan.pack(lines),
        digest=digest,
        device=device,
    )


def decide(
    sheet: Sheet,
    line: Line | None,
    *,
    name: LineName,
    counts: bool,
    code: ClaimCode | None,
    reason: DecisionReason,
    by: str,
    now: datetime,
    doubled: bool = False,
) -> Sheet:
    """Return the sheet with the department's word on one line.

    counts: the line stands, as `code` where one is given; else it is one without a reason, or
    cancelled as it was. doubled: another provider claims the line's day or hour too; then, by that
    reason, a confirmed line is taken back, even one that was decided to count. Raises
    AnotherContent, NotDoubled, NotUndecided, in this order.
    """
    on = name.on
    earlier = _of(sheet.decisions, name)
    frees = reason == "doubled" and doubled and not counts
    if earlier is not None and not (frees and earlier.counts):
        same = (earlier.counts, earlier.reason) == (counts, reason)
        if not same or (counts and code not in (None, earlier.code)):
            raise AnotherContent()
        return sheet
    if reason == "doubled" and not frees:
        raise NotDoubled(line=name.key)
    open_ = line is not None and (line.held or line.suspect or "late-mark" in line.flags)
    if line is None or not (open_ or (frees and line.confirmed)):
        raise NotUndecided(on=on.isoformat())
    asked = _of(sheet.disputes, name)
    if asked is not None and asked.answer is None and now < from_stamp(asked.answer_by):
        raise NotUndecided(on=on.isoformat(), answer_by=asked.answer_by)
    unpaid: LineCode = "L" if line.code == "L" else "N"
    decision = Decision(
        on=on,
        lesson=name.lesson,
        code=(code or line.code) if counts else unpaid,
        counts=counts,
        reason=reason,
        at=stamp(now),
        by=by,
    )
    others = (one for one in sheet.decisions if one is not earlier)
    return replace(sheet, decisions=_sorted((*others, decision)))


def hold(
    sheet: Sheet, lines: Iterable[Line], *, names: Collection[str], signal_id: str, by: str, at: str
) -> Sheet:
    """Return the sheet with those of its lines held that count a visit and nobody has decided.

    names: of lines or of days; none are all of the month. A line is held once, for good or until
    it is decided; the same again changes nothing.
    """
    taken = {one.key for one in sheet.holds} | {one.key for one in sheet.decisions}
    new = [
        Hold(on=line.on, lesson=line.lesson, signal_id=signal_id, at=at, by=by)
        for line in lines
        if line.code == "P"
        and line.key not in taken
        and (not names or line.key in names or line.on.isoformat() in names)
    ]
    return replace(sheet, holds=_sorted((*sheet.holds, *new))) if new else sheet


def check_separate(
    actor: Actor, organisation_id: str, sheet: Sheet, closed_by: str | None = None
) -> None:
    """Raise MarksHere for who works for the provider whose marks are to be judged, or had a hand.

    closed_by: who closed the provider's month. A hand in the sheet: filed a proof, answered a
    dispute, be it under a role the caller does not come with today.
    """
    hands = {closed_by, *(p.by for p in sheet.proofs), *(d.answered_by for d in sheet.disputes)}
    if works_for(actor, organisation_id) or actor.subject in hands:
        raise MarksHere()


def confirm_lesson(
    sheet: Sheet,
    line: Line | None,
    *,
    name: LineName,
    dates: MonthDates,
    by_line: bool,
    now: datetime,
) -> Sheet:
    """Return the sheet with one visited lesson confirmed for good; the same again changes nothing.

    line: None where the lesson is not on the sheet yet, because nobody marked it and its day is
    not over. Raises NotLineByLine, NotVisited, LineDisputed, Locked, NotHeldYet, NotVisited, in
    this order.
    """
    if not by_line:
        raise NotLineByLine()
    if line is None or line.starts is None:
        raise NotVisited(lesson=name.key, day_code="N")
    if line.confirmed and line.code == "P" and "decided" not in line.flags:
        return sheet
    if line.standing == "disputed":
        raise LineDisputed(lesson=line.key)
    settled = line.confirmed and line.counted
    if sheet.codes is not None or settled or local_day(now) > dates.approve_to:
        raise Locked()
    ends = start_of(line.on) + timedelta(minutes=line.starts + line.minutes)
    if now < ends:
        raise NotHeldYet(lesson=line.key, ends_at=stamp(ends))
    if line.code != "P":
        raise NotVisited(lesson=line.key, day_code=line.code)
    return replace(sheet, confirmed=tuple(sorted({*sheet.confirmed, taught_text(line)})))


def lines_for_department(lines: Iterable[Line], doubled: Collection[str] = ()) -> tuple[Line, ...]:
    """Return the lines that wait for a decision: disputed, undecided, corrected too late, doubled,
    or proved by a suspected tablet alone.

    doubled: names of lines whose day or hour another provider claims too; a decision that lets
    both stand does not end that.
    """
    return tuple(
        line
        for line in lines
        if line.held or line.suspect or _open_late(line) or _twice(line, doubled)
    )


def lines_to_confirm(lines: Iterable[Line]) -> tuple[Line, ...]:
    """Return the lessons that a family may confirm now: visited, and nobody spoke of them yet."""
    return tuple(line for line in lines if line.code == "P" and line.standing == "open")


def _open_late(line: Line) -> bool:
    return "late-mark" in line.flags and "decided" not in line.flags


def _twice(line: Line, doubled: Collection[str]) -> bool:
    return line.confirmed and line.key in doubled


def _open(line: Line) -> bool:
    return line.standing == "disputed"


def _confirmed(lines: Iterable[Line], confirmed: Iterable[str], month: Month) -> tuple[Line, ...]:
    """Return the lines with those that the family confirmed, whatever else changed since."""
    fixed = {line.key: line for line in taught_lines(" ".join(confirmed), month)}
    open_ = {line.key: line for line in lines}
    flags = {key for key, line in open_.items() if "same-second" in line.flags}
    every = {**open_, **fixed}
    if not flags:
        return tuple(every[key] for key in sorted(every))
    return tuple(
        replace(every[key], flags=("same-second",)) if key in flags and key in fixed else every[key]
        for key in sorted(every)
    )


def _late(approved: Sequence[Line], folded: Sequence[Line]) -> tuple[Line, ...]:
    now = {line.key: line.code for line in folded}
    return tuple(
        replace(line, flags=("late-mark",)) if now.get(line.key, line.code) != line.code else line
        for line in approved
    )


def _said(
    line: Line,
    proof: Proof | None,
    disputed: bool,
    decision: Decision | None,
    suspected: bool = False,
) -> Line:
    """Return a line in question with what people said of it."""
    code, flags, standing = line.code, line.flags, line.standing
    proved = proof is not None and code != "P"
    if proof is not None and proved:
        code = proof.reason
        flags = tuple(flag for flag in flags if flag != "no-record")
    if suspected:
        flags = (*flags, "suspected")
    if decision is not None:
        proved = proved and code == decision.code
        code, standing = decision.code, "confirmed"
        flags = (*flags, "decided")
    elif disputed or suspected:
        standing = "disputed"
    return same_line(line.on, code, flags, proved, standing, line.starts, line.minutes)


def _of(said: Iterable[Said], name: LineName) -> Said | None:
    return next((one for one in said if one.key == name.key), None)


def _decided(sheet: Sheet, name: LineName) -> bool:
    return _of(sheet.decisions, name) is not None


def _sorted(said: Iterable[Said]) -> tuple[Said, ...]:
    return tuple(sorted(said, key=lambda one: (one.on, one.key)))
