"""HTTP of the bank's answers."""

from __future__ import annotations

import msgspec

from chalicelib.edge.body import TooLarge
from chalicelib.edge.routes import Call
from chalicelib.kernel.refusals import AnotherContent, Unknown
from chalicelib.payouts import actions
from chalicelib.payouts.routes.shapes import routes
from chalicelib.payouts.rules.answers import BrokenAnswer
from chalicelib.payouts.rules.payments import BankAnswer

MOST_ANSWER_BYTES = 2_000_000


class ToldSeen(msgspec.Struct, frozen=True):
    """What became of a line: settled, returned, refused, repaid, already, pending or open-case."""

    line: int
    end_to_end_id: str
    became: str
    reason: str | None


class AnswerSeen(msgspec.Struct, frozen=True):
    answer_id: str
    at: str
    done: bool
    same_as: str | None
    lines: tuple[ToldSeen, ...]


@routes.put(
    "/answers/{answer_id}",
    action="payouts/take-answer",
    asks=bytes,
    answers=AnswerSeen,
    body_media="text/csv, application/xml",
    most_bytes=MOST_ANSWER_BYTES,
    refuses=(Unknown, TooLarge, BrokenAnswer, AnotherContent),
)
def put_answer(call: Call[bytes], answer_id: str) -> AnswerSeen:
    """Take a bank's answer file, CSV, pain.002 or camt.053: whole or not at all, each payment once.

    The same file under another id does nothing again; same_as names the first.
    """
    return _answer(actions.take_answer(answer_id, call.asked, by=call.actor, now=call.now))


@routes.get(
    "/answers/{answer_id}",
    action="payouts/see-answer",
    answers=AnswerSeen,
    refuses=(Unknown,),
)
def get_answer(call: Call[None], answer_id: str) -> AnswerSeen:
    """Show what became of an answer file's lines."""
    return _answer(actions.see_answer(answer_id, by=call.actor))


def _answer(answer: BankAnswer) -> AnswerSeen:
    return AnswerSeen(
        answer.answer_id,
        answer.at,
        answer.done,
        answer.same_as,
        tuple(ToldSeen(t.line, t.end_to_end_id, t.became, t.reason) for t in answer.told),
    )
