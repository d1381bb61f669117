"""Open cases: opened by answers and by silence, decided by two persons."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.access import actions as access
from chalicelib.budgets.store import ledger as books
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import from_stamp, local_day, stamp
from chalicelib.kernel.refusals import OutOfTurn, Unknown
from chalicelib.payouts import store
from chalicelib.payouts.actions import hands
from chalicelib.payouts.actions.debts import case_due
from chalicelib.payouts.actions.moving import brought_writes, moved_writes, posting_of
from chalicelib.payouts.actions.repaying import repaid_writes
from chalicelib.payouts.rules import cases, payments
from chalicelib.payouts.rules.cases import Case, CaseReason, Decision, Fact
from chalicelib.payouts.rules.claims import Repayment
from chalicelib.payouts.rules.payments import AnswerLine, PaymentLine, Verdict
from chalicelib.policy.actions import list_packs
from chalicelib.storage.commit import Raced, Write, settles
from chalicelib.storage.shelf import Kept


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseSeen:
    """A case as officers see it. age_days: since it was opened, or how long it was open."""

    case: Case
    age_days: int
    overdue: bool


def new_case(
    line: PaymentLine | None,
    said: AnswerLine | None,
    reason: CaseReason,
    *,
    area: str,
    answer_id: str | None,
    now: datetime,
) -> Case:
    """Return the case as it would be opened now. line: None where the id is no payment of ours."""
    at = stamp(now)
    end_to_end_id = line.end_to_end_id if line else said.end_to_end_id if said else ""
    programme = line.programme if line else ""
    packs = list_packs()
    here = (one for one in packs if one.area == area and programme in ("", one.programme))
    pack = next(here, packs[0])
    term = hands.case_working_days(pack, now)
    fact = Fact(
        said=said.said if said else None,
        amount_tiyn=said.amount_tiyn if said else 0,
        at=at,
        reason=said.reason if said else None,
        reference=said.reference if said else None,
        answer_id=answer_id,
        line=said.line if said else 0,
    )
    return Case(
        end_to_end_id=end_to_end_id,
        reason=reason,
        opened_at=at,
        answer_id=answer_id,
        run_id=line.run_id if line else None,
        said_tiyn=said.amount_tiyn if said else None,
        area=area,
        programme=programme,
        organisation_id=line.organisation_id if line else "",
        amount_tiyn=line.amount_tiyn if line else 0,
        due_at=stamp(pack.calendar.deadline(now, working_days=term)),
        facts=(fact,),
        case_id=line.end_to_end_id if line else cases.unknown_id(area, end_to_end_id),
    )


def open_case(
    new: Case,
    said: AnswerLine,
    *,
    about: Kept[PaymentLine] | None = None,
    by: Actor,
    now: datetime,
) -> bool:
    """Open a case, or note on it what is new; return whether what was said is open to decide.

    What the case knows already changes nothing, and opens no case that was decided. about: the
    payment as it was judged; where it changed since, the judgement begins again.
    """
    kept = store.find_case(new.case_id)
    case = cases.noted(kept.value if kept else None, new, said)
    if case is None:
        return kept is not None and (kept.value.is_open or kept.value.was_told_by(new))
    opens = kept is None or not kept.value.is_open
    put, *listed = store.keep_case(kept, case)
    listed += [case_due(case)] if opens else []
    entry = journal.entry(
        "payouts/case-opened" if opens else "payouts/case-noted",
        f"case/{case.case_id}",
        by=by,
        now=now,
        reason=case.reason,
        answer=new.answer_id,
    )
    judged = [store.payment_stands(about)] if about is not None else []
    journal.commit(entry, put, *listed, *judged)
    return True


@settles
def decide_case(case_id: str, decision: Decision, *, by: Actor, now: datetime) -> Case:
    """Decide a case: its payment settled, returned or paid in part, matched to another, closed,
    or the money taken as a provider's repayment of a claim.

    The second of two persons carries it out; the same again changes nothing. Raises Unknown,
    DecisionUnclear, CaseClosed, CaseDoesNotFit, NothingOwed, MoreThanOwed.
    """
    kept = store.load_case(case_id)
    case = kept.value
    access.demand(by, area=case.area)
    cases.check_decision(decision)
    if case.decision is not None and not case.is_open:
        told = replace(case.decision, by="", at="")
        if told == replace(decision, by="", at=""):
            return case
    if decision.claim is not None:
        return _repaid(kept, decision, by=by, now=now)
    payment = _payment_of(case, decision, by=by)
    line = payment.value if payment else None
    made = replace(decision, by=by.subject, at=stamp(now))
    done = cases.closed(case, made, at=stamp(now))
    put, *writes = store.keep_case(kept, done)
    others: list[Write] = [*writes]
    try:
        claims = store.find_claims(line.claims) if line else []
        verdict = cases.decide_case(case, decision, line, [one.value for one in claims])
        if payment is not None and verdict is not None:
            others += _carried(payment, verdict, now=now)
            if decision.what == "matched":
                others += _closing(payment.value, made, now=now)
    except OutOfTurn as refusal:
        # Another decision between our reads leaves us with half of what it changed: begin again.
        if store.load_case(case_id).version != kept.version:
            raise Raced() from refusal
        raise
    entry = journal.entry(
        "payouts/case-decided",
        f"case/{case_id}",
        by=by,
        now=now,
        what=made.what,
        why=made.why,
        document=made.document,
        payment=line.end_to_end_id if line else None,
        settled_tiyn=made.settled_tiyn,
    )
    journal.commit(entry, put, *others)
    return done


def see_case(case_id: str, *, by: Actor, now: datetime) -> CaseSeen:
    """Return a case. Raises Unknown."""
    case = store.load_case(case_id).value
    access.demand(by, area=case.area)
    return _seen(case, now)


def list_cases(
    area: str, *, state: str, by: Actor, now: datetime, after: str | None, limit: int
) -> tuple[list[CaseSeen], str | None]:
    """Return an area's open or closed cases, the oldest first, and where to go on.

    Raises Unknown.
    """
    access.demand(by, area=area)
    listed = store.list_cases(area, state, after=after, limit=limit + 1)
    page = listed[:limit]
    found = store.find_cases([case_id for _, case_id in page])
    shown = [_seen(found[case_id], now) for _, case_id in page if case_id in found]
    return shown, page[-1][0] if len(listed) > limit else None


def _payment_of(case: Case, decision: Decision, *, by: Actor) -> Kept[PaymentLine] | None:
    """Return the payment a decision is about; another area's is none. Raises Unknown."""
    if decision.payment is not None:
        kept = store.find_payment(decision.payment)
        if kept is None or not access.may(by, area=kept.value.area):
            raise Unknown()
        return kept
    return store.find_payment(case.end_to_end_id) if case.reason != "unknown-id" else None


def _repaid(kept: Kept[Case], decision: Decision, *, by: Actor, now: datetime) -> Case:
    """Take money that came in as a provider's repayment of the claim that officers name."""
    case, at = kept.value, stamp(now)
    fact = cases.came_in(case)
    claim = store.find_claim(decision.claim or "")
    if claim is None or not access.may(by, area=claim.value.area):
        raise Unknown()
    repayment = Repayment(
        amount_tiyn=fact.amount_tiyn,
        at=at,
        answer_id=fact.answer_id,
        line=fact.line,
        reference=fact.reference,
    )
    done = cases.closed(case, replace(decision, by=by.subject, at=at), at=at)
    put, *writes = store.keep_case(kept, done)
    entry = journal.entry(
        "payouts/case-decided",
        f"case/{case.case_id}",
        by=by,
        now=now,
        what=decision.what,
        why=decision.why,
        document=decision.document,
        claim=decision.claim,
        amount_tiyn=fact.amount_tiyn,
    )
    repaid, booked = repaid_writes(claim, repayment, now=now)
    journal.commit(entry, put, *writes, repaid, *booked)
    return done


def _carried(kept: Kept[PaymentLine], verdict: Verdict, *, now: datetime) -> list[Write]:
    """Describe a payment brought where a decision brings it, with claims and money."""
    line = kept.value
    moved = payments.answered(line, verdict, answer_id=line.answered_by)
    if verdict.arrived_tiyn is None:
        writes = moved_writes(line, moved, verdict, now=now)
    else:
        moved, writes = brought_writes(line, moved, verdict, now=now)
    posting = posting_of(line, moved, stamp(now))
    return [store.keep_payment(kept, moved), *writes, *books.book(posting)]


def _closing(line: PaymentLine, decision: Decision, *, now: datetime) -> list[Write]:
    """Describe that the payment's own case ends with the answer that was found under another id."""
    own = store.find_case(line.end_to_end_id)
    if own is None or not own.value.is_open:
        return []
    return [*store.keep_case(own, cases.closed(own.value, decision, at=stamp(now)))]


def _seen(case: Case, now: datetime) -> CaseSeen:
    end = from_stamp(case.closed_at) if case.closed_at else now
    return CaseSeen(
        case=case,
        age_days=(local_day(end) - local_day(from_stamp(case.opened_at))).days,
        overdue=case.is_open and bool(case.due_at) and stamp(now) >= case.due_at,
    )
