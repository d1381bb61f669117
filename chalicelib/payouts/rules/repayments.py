"""What was agreed too much comes back: through the bank, or set off against what is agreed."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.kernel.refusals import OutOfTurn
from chalicelib.payouts.rules.claims import Claim, Repayment, SumChanged, answer
from chalicelib.payouts.rules.payments import AnswerLine, Became

WORKING_DAYS = 10  # where a pack says nothing


class NothingOwed(OutOfTurn):
    """The claim is not one of which the provider owes anything."""

    code = "payouts/nothing-owed"


class MoreThanOwed(OutOfTurn):
    """More would be taken from the provider than it still owes."""

    code = "payouts/more-than-owed"


class NoSetOff(OutOfTurn):
    """A debt is set off against an agreed claim of the same provider, programme and area."""

    code = "payouts/no-set-off"


def judge_line(claim: Claim, said: AnswerLine, *, answer_id: str, owed_tiyn: int) -> Became:
    """Return what money that came in for an owed claim is: "repaid", known "already", or a case.

    owed_tiyn: what the claim and the ledger both say is owed. Without a reference of the bank two
    equal sums are not told apart, so people look at the second.
    """
    for one in claim.repaid:
        if (one.answer_id, one.line) == (answer_id, said.line):
            return "repaid"
        if one.reference is not None and (one.reference, one.amount_tiyn) == (
            said.reference,
            said.amount_tiyn,
        ):
            return "already"
    again = said.reference is None and any(
        one.reference is None and one.amount_tiyn == said.amount_tiyn for one in claim.repaid
    )
    fits = claim.is_owed and 0 < said.amount_tiyn <= owed_tiyn
    return "repaid" if fits and not again else "open-case"


def repay(claim: Claim, repayment: Repayment, *, owed_tiyn: int) -> Claim:
    """Return an owed claim with a repayment; settled once nothing is left of it.

    Raises NothingOwed, MoreThanOwed.
    """
    if not claim.is_owed:
        raise NothingOwed()
    if repayment.amount_tiyn > min(owed_tiyn, claim.amount_tiyn):
        raise MoreThanOwed(amount_tiyn=max(0, min(owed_tiyn, claim.amount_tiyn)))
    left = claim.amount_tiyn - repayment.amount_tiyn
    return replace(
        claim,
        amount_tiyn=left,
        repaid=(*claim.repaid, repayment),
        state="open-case" if left else "settled",
        settled_at=None if left else repayment.at,
    )


def set_off_tiyn(owed: Claim, against: Claim, *, owed_tiyn: int, seen_tiyn: int) -> int:
    """Return how much of an agreed claim is kept back. Raises NothingOwed, NoSetOff, SumChanged.

    seen_tiyn: the sum that the persons saw; it is the whole debt, or all of the claim.
    """
    if not owed.is_owed or owed_tiyn <= 0:
        raise NothingOwed()

    def whose(claim: Claim) -> tuple[str, str, str]:
        return claim.organisation_id, claim.programme, claim.area

    if against.state != "agreed" or against.releasing or whose(owed) != whose(against):
        raise NoSetOff()
    sum_tiyn = min(owed.amount_tiyn, owed_tiyn, against.amount_tiyn)
    if sum_tiyn != seen_tiyn:
        raise SumChanged(amount_tiyn=sum_tiyn)
    return sum_tiyn


def kept_back(claim: Claim, *, at: str) -> Claim:
    """Return an agreed claim that was set off: it is settled, and nothing of it is paid out."""
    return answer(claim, "set-off", reason="set-off", at=at)
