"""How a commission decides: member by member, each vote with the rules and evidence it cites.

A decision falls with the vote that makes it certain by these rules, and stays:

    fewer votes than the quorum       no decision yet
    more votes for one result         that result, by the majority of those who voted
    as many for as against            the next member decides
    the same, and every member voted  refused: a divided commission admits nobody

With a quorum of one the first vote is the decision. Quorum and number of members come from the
rule pack. Source: domain sheet §9; the way of counting is a policy default.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from chalicelib.kernel.refusals import Malformed, OutOfTurn

Result = Literal["admit", "refuse"]
# Votes and decision lie in the site's row, which is never to come near 400 KB.
MOST_REASONS_OF_A_VOTE = 10
MOST_REASONS_OF_A_DECISION = 20


class ReasonNeeded(Malformed):
    """A refusal cites at least one rule, each with its evidence; so does each of several voters."""

    code = "providers/reason-needed"


class CommissionFull(OutOfTurn):
    """The commission has `most` members, and as many have voted in this round."""

    code = "providers/commission-full"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why: the rule that is cited, and what shows it."""

    rule: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Vote:
    """One member's vote. by: the member's pseudonymous subject, shown to nobody."""

    by: str
    result: Result
    reasons: tuple[Reason, ...]
    at: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What the commission decided, with the reasons of the votes that carried it.

    by: the pseudonymous subject whose vote completed it. object_by: until when a refusal may be
    objected to (the end not included), None when it may not.
    """

    result: Result
    reasons: tuple[Reason, ...]
    by: str
    at: str
    pack: str
    object_by: str | None = None


def outcome(votes: Sequence[Vote], *, quorum: int, members: int) -> Result | None:
    """Return what the votes decide, None while they decide nothing."""
    if len(votes) < quorum:
        return None
    admitting = sum(vote.result == "admit" for vote in votes)
    refusing = len(votes) - admitting
    if admitting == refusing:
        return "refuse" if len(votes) >= members else None
    return "admit" if admitting > refusing else "refuse"


def carried_by(votes: Sequence[Vote], result: Result) -> tuple[Reason, ...]:
    """Return the reasons of the votes for a result, each once, in the order they were given.

    The first twenty; the others stand in their votes.
    """
    given = [reason for vote in votes if vote.result == result for reason in vote.reasons]
    return tuple(dict.fromkeys(given))[:MOST_REASONS_OF_A_DECISION]


def cited(reasons: Sequence[Reason]) -> None:
    """Raise ReasonNeeded unless there is a reason and each has a rule and evidence."""
    if not reasons or not all(r.rule.strip() and r.evidence.strip() for r in reasons):
        raise ReasonNeeded()
