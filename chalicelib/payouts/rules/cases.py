"""Open cases: what the bank's answers leave to people, decided by two of them.

A payment, or an id that is no payment of ours, has one case. What the bank says later is noted on
it; once it was decided, only something new opens it again. A debt that was not paid back within its
term is a case too: nobody decides it, it ends with the debt.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from chalicelib.kernel.refusals import Malformed, OutOfTurn
from chalicelib.payouts.rules.claims import Claim, Move, short_id
from chalicelib.payouts.rules.payments import (
    FOLLOWS,
    MOVE_OF,
    AnswerLine,
    PaymentLine,
    Said,
    Verdict,
    arrived,
)

CaseReason = Literal[
    "unknown-id", "wrong-sum", "partial", "contradiction", "no-answer", "not-repaid"
]
What = Literal["settled", "returned", "partial", "matched", "repaid", "closed"]
Why = Literal[
    "bank-letter", "bank-statement", "bank-mistake", "repeated", "not-ours", "paid-elsewhere"
]
MOST_FACTS = 20


class CaseClosed(OutOfTurn):
    """The case was decided already, otherwise."""

    code = "payouts/case-closed"


class CaseDoesNotFit(OutOfTurn):
    """What is decided does not fit the case or the payment; `problem` says how."""

    code = "payouts/case-does-not-fit"


class DecisionUnclear(Malformed):
    """A decision names a payment only to match, a sum only of a part, a claim only as repaid."""

    code = "payouts/decision-unclear"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What a line of an answer said. said: None where it is silence that opened the case."""

    said: Said | None
    amount_tiyn: int
    at: str
    reason: str | None = None
    reference: str | None = None
    answer_id: str | None = None
    line: int = 0

    def is_told_again(self, line: AnswerLine) -> bool:
        """Return whether a line says this and nothing else."""
        return (self.said, self.amount_tiyn, self.reason, self.reference) == (
            line.said,
            line.amount_tiyn,
            line.reason,
            line.reference,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was decided, on which document, by the second of two persons.

    payment: the one it was matched to. settled_tiyn: what arrived of a payment in parts. claim: of
    which the money is a repayment.
    """

    what: What
    why: Why
    document: str
    payment: str | None = None
    settled_tiyn: int | None = None
    claim: str | None = None
    by: str = ""
    at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What people must look at: one per payment, or per id that is no payment of ours.

    case_id: the payment's id, the owed claim's, or one made of area and unknown id. area,
    programme, organisation_id: whose; for an unknown id the area of who sent the file.
    amount_tiyn: the payment's, the debt's; 0 for an unknown id. due_at: when it should be decided.
    times: how often it was opened. closed_at: None while it is open. decision: None where a right
    answer closed it, or the end of a debt.
    """

    end_to_end_id: str
    reason: CaseReason
    opened_at: str
    answer_id: str | None = None
    run_id: str | None = None
    said_tiyn: int | None = None
    closed_at: str | None = None
    area: str = ""
    programme: str = ""
    organisation_id: str = ""
    amount_tiyn: int = 0
    due_at: str = ""
    times: int = 1
    facts: tuple[Fact, ...] = ()
    decision: Decision | None = None
    case_id: str = ""

    @property
    def is_open(self) -> bool:
        return self.closed_at is None

    def was_told_by(self, new: Case) -> bool:
        """Return whether a fact of this case is of the line that would open the new one."""
        lines = {(fact.answer_id, fact.line) for fact in new.facts}
        return any((fact.answer_id, fact.line) in lines for fact in self.facts)


def unknown_id(area: str, end_to_end_id: str) -> str:
    """Return the id of the case of an id that is no payment of an area's."""
    return "unknown-" + short_id("unknown", area, end_to_end_id)


def noted(case: Case | None, new: Case, line: AnswerLine | None) -> Case | None:
    """Return the case with what is new on it, opened again if it was closed; None: nothing new.

    new: the case as it would be opened now, with one fact.
    """
    if case is None:
        return new
    if line is not None and any(fact.is_told_again(line) for fact in case.facts):
        return None
    facts = (*case.facts, *new.facts)[-MOST_FACTS:]
    if case.is_open and new.amount_tiyn == case.amount_tiyn:
        return replace(case, facts=facts)
    return replace(new, facts=facts, times=case.times + (0 if case.is_open else 1))


def closed(case: Case, decision: Decision | None, *, at: str) -> Case:
    """Return the case closed, by people or by a right answer."""
    return replace(case, closed_at=at, decision=decision)


def check_decision(decision: Decision) -> None:
    """Raise DecisionUnclear for one that says too much or too little."""
    if (decision.payment is not None) is not (decision.what == "matched"):
        raise DecisionUnclear(field="payment")
    if (decision.settled_tiyn is not None) is not (decision.what == "partial"):
        raise DecisionUnclear(field="settled_tiyn")
    if (decision.claim is not None) is not (decision.what == "repaid"):
        raise DecisionUnclear(field="claim")


def came_in(case: Case) -> Fact:
    """Return what came in under an id that is no payment's. Raises CaseClosed, CaseDoesNotFit."""
    if not case.is_open:
        raise CaseClosed()
    said = _last_said(case)
    if case.reason != "unknown-id" or said is None or said.said != "returned":
        raise CaseDoesNotFit(problem="nothing-came-in")
    return said


def _last_said(case: Case) -> Fact | None:
    return next((fact for fact in reversed(case.facts) if fact.said is not None), None)


def decide_case(
    case: Case, decision: Decision, line: PaymentLine | None, claims: Iterable[Claim]
) -> Verdict | None:
    """Return what a decision does to a payment; None where it moves no money.

    line: the case's own payment, or the one it is matched to; claims: the payment's. Raises
    CaseClosed, CaseDoesNotFit.
    """
    if not case.is_open:
        raise CaseClosed()
    if case.reason == "not-repaid":
        raise CaseDoesNotFit(problem="still-owed")
    if decision.what == "matched":
        return _matched(case, line, claims)
    if decision.what == "closed":
        if line is not None and line.state in ("sent", "open-case"):
            raise CaseDoesNotFit(problem="money-in-transit")
        return None
    if line is None:
        raise CaseDoesNotFit(problem="no-payment")
    if line.state == "sent":
        raise CaseDoesNotFit(problem="already-sent")
    reason = decision.why
    whole = line.amount_tiyn
    if decision.what == "partial":
        part = decision.settled_tiyn or 0
        if not 0 < part < whole:
            raise CaseDoesNotFit(problem="sum")
        return _brought(line, part, claims, reason="partial")
    return _brought(line, whole if decision.what == "settled" else 0, claims, reason=reason)


def _brought(line: PaymentLine, to_tiyn: int, claims: Iterable[Claim], *, reason: str) -> Verdict:
    """Return what brings a payment to where so much of it has arrived. Raises CaseDoesNotFit."""
    now_tiyn = arrived(line)
    if now_tiyn == to_tiyn:
        raise CaseDoesNotFit(problem=f"already-{line.state}")
    back = sum(
        claim.amount_tiyn
        for claim in claims
        if claim.state in ("returned", "refused") and claim.end_to_end_id == line.end_to_end_id
    )
    if now_tiyn is not None and to_tiyn - now_tiyn > back:
        # It came back, was released again and is on its way, or arrived, in another payment.
        raise CaseDoesNotFit(problem="released-again")
    move: Move = "settle" if to_tiyn else "return"
    return Verdict("settled" if to_tiyn else "returned", move, reason, to_tiyn)


def _matched(case: Case, line: PaymentLine | None, claims: Iterable[Claim]) -> Verdict:
    """Return what the bank said under another id, done to the payment it meant."""
    said = _last_said(case)
    if case.reason != "unknown-id" or said is None or line is None or said.said is None:
        raise CaseDoesNotFit(problem="no-payment")
    there = arrived(line)
    if said.said == "returned" and there and said.amount_tiyn <= there:
        # A bank that gives a part back, or back what was a part, often has an id of its own for it.
        reason = said.reason or ("partial" if said.amount_tiyn < there else "returned")
        return _brought(line, there - said.amount_tiyn, claims, reason=reason)
    if said.amount_tiyn != line.amount_tiyn:
        raise CaseDoesNotFit(problem="sum")
    became = said.said
    if became != "settled" and became != "returned" and became != "refused":
        raise CaseDoesNotFit(problem="nothing-said")
    silent = line.state == "open-case"
    if line.settled_tiyn is not None or not (silent or (line.state, became) in FOLLOWS):
        raise CaseDoesNotFit(problem=f"already-{line.state}")
    return Verdict(became, MOVE_OF[became], said.reason)
