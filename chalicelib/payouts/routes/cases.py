"""HTTP of open cases: what the bank's answers leave to people."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from chalicelib.edge import pages
from chalicelib.edge.body import TEXT
from chalicelib.edge.routes import Call
from chalicelib.kernel.refusals import Unknown
from chalicelib.payouts import actions
from chalicelib.payouts.routes.shapes import Named, routes
from chalicelib.payouts.rules.cases import (
    CaseClosed,
    CaseDoesNotFit,
    Decision,
    DecisionUnclear,
    Fact,
    What,
    Why,
)
from chalicelib.payouts.rules.repayments import MoreThanOwed, NothingOwed
from chalicelib.policy.actions import NoPack


class DecisionAsked(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What became of the money, why, and on which document of the bank.

    settled: all of it arrived; returned: all of it came back; partial: settled_tiyn of it arrived
    and stayed, the rest came back, then or later; matched: the bank meant the payment; repaid: a
    provider paid back what was agreed too much on the claim; closed: none of our money is meant.
    """

    what: What
    why: Why
    document: Annotated[str, Meta(min_length=1, max_length=60, pattern=TEXT)]
    payment: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{7,63}$(?!\n)")] | None = None
    settled_tiyn: Annotated[int, Meta(ge=1)] | None = None
    claim: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{7,63}$(?!\n)")] | None = None


class FactSeen(msgspec.Struct, frozen=True):
    """What a line of an answer said; said is None where it is silence that opened the case."""

    said: str | None
    amount_tiyn: int
    at: str
    reason: str | None
    reference: str | None
    answer_id: str | None
    line: int


class DecisionSeen(msgspec.Struct, frozen=True):
    what: str
    why: str
    document: str
    payment: str | None
    settled_tiyn: int | None
    claim: str | None
    at: str


class CaseSeen(msgspec.Struct, frozen=True):
    """A case. end_to_end_id: as the bank wrote it. amount_tiyn: the payment's, 0 for an unknown id.

    due_at: when it should be decided; overdue: that is past. decision: None while it is open, or
    where a right answer closed it.
    """

    case_id: str
    end_to_end_id: str
    area: str
    programme: str | None
    organisation_id: str | None
    run_id: str | None
    reason: str
    state: Literal["open", "closed"]
    amount_tiyn: int
    opened_at: str
    due_at: str
    closed_at: str | None
    age_days: int
    overdue: bool
    times: int
    facts: tuple[FactSeen, ...]
    decision: DecisionSeen | None


class CasesAsked(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    area: Named
    state: Literal["open", "closed"] = "open"
    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    cursor: Annotated[str, Meta(max_length=400)] | None = None


class CasesSeen(msgspec.Struct, frozen=True):
    cases: tuple[CaseSeen, ...]
    next: str | None


@routes.get(
    "/cases",
    action="payouts/list-cases",
    query=CasesAsked,
    answers=CasesSeen,
    refuses=(Unknown, pages.BadCursor),
)
def get_cases(call: Call[None]) -> CasesSeen:
    """List an area's cases with their age and term, the oldest first."""
    asked: CasesAsked = call.query
    whose = f"cases#{asked.area}#{asked.state}#{call.actor.subject}"
    after = pages.position(asked.cursor, of=whose) if asked.cursor else None
    found, rest = actions.list_cases(
        asked.area, state=asked.state, by=call.actor, now=call.now, after=after, limit=asked.limit
    )
    return CasesSeen(
        tuple(_case(one) for one in found),
        pages.cursor(rest, of=whose) if rest is not None else None,
    )


@routes.get(
    "/cases/{case_id}",
    action="payouts/see-case",
    answers=CaseSeen,
    refuses=(Unknown,),
)
def get_case(call: Call[None], case_id: str) -> CaseSeen:
    """Show a case: what the bank said, when, and what was decided."""
    return _case(actions.see_case(case_id, by=call.actor, now=call.now))


@routes.put(
    "/cases/{case_id}/decision",
    action="payouts/decide-case",
    asks=DecisionAsked,
    answers=CaseSeen,
    refuses=(
        Unknown,
        DecisionUnclear,
        CaseClosed,
        CaseDoesNotFit,
        NothingOwed,
        MoreThanOwed,
        NoPack,
    ),
)
def put_decision(call: Call[DecisionAsked], case_id: str) -> CaseSeen:
    """Decide a case; the second of two persons who ask the same carries it out."""
    asked = call.asked
    decision = Decision(
        what=asked.what,
        why=asked.why,
        document=asked.document,
        payment=asked.payment,
        settled_tiyn=asked.settled_tiyn,
        claim=asked.claim,
    )
    actions.decide_case(case_id, decision, by=call.actor, now=call.now)
    return _case(actions.see_case(case_id, by=call.actor, now=call.now))


def _case(seen: actions.CaseSeen) -> CaseSeen:
    case, decided = seen.case, seen.case.decision
    return CaseSeen(
        case_id=case.case_id,
        end_to_end_id=case.end_to_end_id,
        area=case.area,
        programme=case.programme or None,
        organisation_id=case.organisation_id or None,
        run_id=case.run_id,
        reason=case.reason,
        state="open" if case.is_open else "closed",
        amount_tiyn=case.amount_tiyn,
        opened_at=case.opened_at,
        due_at=case.due_at,
        closed_at=case.closed_at,
        age_days=seen.age_days,
        overdue=seen.overdue,
        times=case.times,
        facts=tuple(_fact(fact) for fact in case.facts),
        decision=None
        if decided is None
        else DecisionSeen(
            decided.what,
            decided.why,
            decided.document,
            decided.payment,
            decided.settled_tiyn,
            decided.claim,
            decided.at,
        ),
    )


def _fact(fact: Fact) -> FactSeen:
    return FactSeen(
        fact.said,
        fact.amount_tiyn,
        fact.at,
        fact.reason,
        fact.reference,
        fact.answer_id,
        fact.line,
    )
