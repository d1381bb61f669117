"""Payment runs: one line per payee and run, and what the bank's answers do to a line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from chalicelib.kernel.refusals import OutOfTurn
from chalicelib.payouts.rules.claims import (
    Claim,
    Hand,
    Move,
    SecondPerson,
    SumChanged,
    short_id,
)

LineState = Literal["sent", "settled", "returned", "refused", "open-case"]
Said = Literal["settled", "partial", "returned", "refused", "pending"]
Became = Literal["settled", "returned", "refused", "open-case", "already", "pending", "repaid"]

MOVE_OF: dict[Said, Move] = {"settled": "settle", "returned": "return", "refused": "refuse"}
# What may be said of a line after what was said before; anything else contradicts itself.
FOLLOWS: frozenset[tuple[LineState, Said]] = frozenset(
    {
        ("sent", "settled"),
        ("sent", "returned"),
        ("sent", "refused"),
        ("settled", "returned"),
    }
)


class RunUnfinished(OutOfTurn):
    """The run is still being made; send the same request again to finish it."""

    code = "payouts/run-unfinished"


class RunUnconfirmed(OutOfTurn):
    """The run waits for another person of finance; nothing of it was sent."""

    code = "payouts/run-unconfirmed"


class ControlSumOff(OutOfTurn):
    """The run's lines and the ledger differ; no file is drawn up until somebody found out why."""

    code = "payouts/control-sum"


class NothingReleased(OutOfTurn):
    """No released claim of that month waits for payment."""

    code = "payouts/nothing-released"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What became of a line of an answer, kept with the payment that a line of it moved."""

    answer_id: str
    line: int
    became: Became
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentLine:
    """One payee's payment in a run. answered_by: the answer that brought it where it is.

    moves: how often its money moved since it was sent. settled_tiyn: what arrived of it, where
    officers found that only a part did; None otherwise. claims: with those that a part made; they
    sum to amount_tiyn. heard: what became of the lines of each
    answer that moved it, so that one that was interrupted tells the same when it goes on.
    """

    end_to_end_id: str
    run_id: str
    organisation_id: str
    programme: str
    area: str
    month: str
    amount_tiyn: int
    claims: tuple[str, ...]
    sent_at: str
    state: LineState = "sent"
    reason: str | None = None
    answered_by: str | None = None
    moves: int = 0
    settled_tiyn: int | None = None
    heard: tuple[Heard, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRun:
    """One payment file. made: every payee has a line, and files may be drawn up.

    claims: by payee, the claims that were proposed; planned_tiyn: their sum. approved: who proposed
    the run and who confirmed it, as many as the amount takes before anything is sent. skipped:
    payees that got no line, with the code of the reason.
    """

    run_id: str
    programme: str
    area: str
    month: str
    asked: str
    made_by: str
    made_at: str
    execute_on: str
    payees: tuple[str, ...]
    made: bool = False
    lines: tuple[str, ...] = ()
    skipped: dict[str, str] | None = None
    total_tiyn: int = 0
    claims: dict[str, tuple[str, ...]] = field(default_factory=dict)
    planned_tiyn: int = 0
    approved: tuple[Hand, ...] = ()
    confirmed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerLine:
    """One line of a bank's answer. line: where it stands in the file, from 1.

    whole: it is about all payments of a file, and its id is the file's. reference: the bank's own.
    mentions: what may be ids of claims in the words of who paid.
    """

    line: int
    end_to_end_id: str
    said: Said
    amount_tiyn: int
    reason: str | None = None
    whole: bool = False
    reference: str | None = None
    mentions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What became of one line of an answer."""

    line: int
    end_to_end_id: str
    became: Became
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BankAnswer:
    """An answer file: its lines as read, and, once done, what became of each.

    same_as: the answer that brought the same file before; nothing was done again.
    """

    answer_id: str
    asked: str
    by: str
    at: str
    lines: tuple[AnswerLine, ...]
    done: bool = False
    told: tuple[Told, ...] = ()
    same_as: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer line does: a move and a reason; or nothing, and what is told instead.

    arrived_tiyn: what has arrived of the payment in the end, where officers say so.
    """

    became: Became
    move: Move | None = None
    reason: str | None = None
    arrived_tiyn: int | None = None


# A payee's commit holds its line, claims, posting, vault rows and reminder: 100 writes at most.
CLAIMS_IN_A_LINE = 60
# A run names its payees in one row, and the bank answers them in one file.
PAYEES_IN_A_RUN = 2_000


def told_again(told: Iterable[Told]) -> tuple[Told, ...]:
    """Return what the same file tells under another id: what was done is done already."""
    done = ("settled", "returned", "refused", "repaid")
    return tuple(replace(one, became="already") if one.became in done else one for one in told)


def file_ids(run_id: str) -> tuple[str, str]:
    """Return the ids by which a bank names a run's file: of the message, of its payments."""
    return short_id("message", run_id), short_id("payments", run_id)


def end_to_end_id(run_id: str, organisation_id: str, month: str) -> str:
    """Return the id of a payee's payment in a run, the same whoever computes it."""
    return short_id("payment", run_id, organisation_id, month)


def plan_run(released: Iterable[Claim]) -> dict[str, tuple[str, ...]]:
    """Return which claims a run would pay, by payee; as many of one as a line holds.

    What is over stays released, for the next run.
    """
    planned: dict[str, list[str]] = {}
    for claim in sorted(released, key=lambda claim: (claim.organisation_id, claim.claim_id)):
        if claim.organisation_id not in planned and len(planned) == PAYEES_IN_A_RUN:
            break
        line = planned.setdefault(claim.organisation_id, [])
        if len(line) < CLAIMS_IN_A_LINE:
            line.append(claim.claim_id)
    return {organisation_id: tuple(line) for organisation_id, line in planned.items()}


def confirm_run(
    run: PaymentRun,
    claims: Mapping[str, Claim],
    *,
    total_tiyn: int,
    hand: Hand,
    needed: int,
) -> PaymentRun:
    """Return the run with one more hand, confirmed once there are enough.

    total_tiyn: the sum the person saw. claims: those of the run, as they stand now. Raises
    SecondPerson, SumChanged.
    """
    if hand.by in {one.by for one in run.approved[:1]}:
        raise SecondPerson()
    check_hand(hand.by, claims.values())
    now_tiyn = sum(
        claims[name].amount_tiyn
        for names in run.claims.values()
        for name in names
        if name in claims and claims[name].state == "released"
    )
    if not total_tiyn == run.planned_tiyn == now_tiyn:
        raise SumChanged(amount_tiyn=now_tiyn)
    if hand.by in {one.by for one in run.approved}:
        return run
    hands = (*run.approved, hand)
    return replace(run, approved=hands, confirmed=len(hands) >= needed)


def check_hand(subject: str, claims: Iterable[Claim]) -> None:
    """Raise SecondPerson where somebody would pay what they signed or agreed."""
    for claim in claims:
        if subject in claim.signed_or_agreed_by:
            raise SecondPerson()


def decide_answer(line: PaymentLine, said: AnswerLine, *, answer_id: str | None) -> Verdict:
    """Return what an answer does to a payment; each amount settles or goes back exactly once.

    answer_id: the answer under way, so that one that was interrupted tells the same when it goes
    on; None for an id that stood in the same file before. A repetition of what is known does
    nothing. A wrong sum and a contradiction open the payment's one case; only a right answer to a
    payment that had none within its term closes one.
    """
    if said.said == "pending":
        return Verdict("pending")
    if answer_id is not None and line.answered_by == answer_id and line.state != "sent":
        return Verdict(line.state, None, line.reason)
    if said.said == "partial":
        return _doubted(line, "partial")
    right = said.amount_tiyn == line.amount_tiyn
    if line.settled_tiyn is not None:
        # Officers split it; what the bank says of it now is theirs to look at again.
        known = said.said == "settled" and said.amount_tiyn == line.settled_tiyn
        return Verdict("already") if known else Verdict("open-case", None, "contradiction")
    if line.state == "open-case":
        if line.reason == "no-answer" and right:
            return Verdict(said.said, MOVE_OF[said.said], said.reason)
        return Verdict("open-case", None, line.reason)
    if right and line.state == said.said:
        return Verdict("already")
    if not right:
        return _doubted(line, "wrong-sum")
    if (line.state, said.said) in FOLLOWS:
        return Verdict(said.said, MOVE_OF[said.said], said.reason)
    # Its money is not in transit any more, so nothing moves: people look at the case.
    return Verdict("open-case", None, "contradiction")


def arrived(line: PaymentLine) -> int | None:
    """Return what arrived of a payment and stayed; None while nobody knows."""
    if line.state in ("sent", "open-case"):
        return None
    if line.state == "settled":
        return line.amount_tiyn if line.settled_tiyn is None else line.settled_tiyn
    return 0


def _doubted(line: PaymentLine, reason: str) -> Verdict:
    """Return a case: it holds money that is still in transit, and moves none that is not."""
    if line.state == "sent":
        return Verdict("open-case", "doubt", reason)
    return Verdict("open-case", None, line.reason if line.state == "open-case" else reason)


def heard_before(line: PaymentLine, said: AnswerLine, answer_id: str) -> Verdict | None:
    """Return what became of an answer's line when it was done; None where that is not known."""
    for one in line.heard:
        if (one.answer_id, one.line) == (answer_id, said.line):
            return Verdict(one.became, None, one.reason)
    return None


def hear(line: PaymentLine, answer_id: str, told: Iterable[Told]) -> PaymentLine:
    """Return the line with what became of an answer's lines about it, up to the one that moves it.

    What moved nothing before that one would say something else afterwards.
    """
    known = {(one.answer_id, one.line) for one in line.heard}
    new = (
        Heard(answer_id=answer_id, line=one.line, became=one.became, reason=one.reason)
        for one in told
        if (answer_id, one.line) not in known
    )
    return replace(line, heard=(*line.heard, *new))


def answered(line: PaymentLine, verdict: Verdict, *, answer_id: str | None) -> PaymentLine:
    """Return the line as a verdict with a move leaves it."""
    states: dict[Move, LineState] = {
        "settle": "settled",
        "return": "returned",
        "refuse": "refused",
        "doubt": "open-case",
    }
    if verdict.move is None:
        return line
    part = verdict.arrived_tiyn
    return replace(
        line,
        state=states[verdict.move],
        settled_tiyn=None if part in (0, line.amount_tiyn) else part,
        reason=verdict.reason,
        answered_by=answer_id,
        moves=line.moves + 1,
    )
