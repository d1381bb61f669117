"""What an answer file is read into, and the refusal of one that cannot be."""

from __future__ import annotations

import re
from dataclasses import dataclass

from chalicelib.kernel.money import TIYN_IN_TENGE
from chalicelib.kernel.refusals import Malformed
from chalicelib.payouts.rules.payments import AnswerLine, Said

CURRENCY = "KZT"
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9 .,:/?()+'-]{0,34}\Z")
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,34}\Z")
# Up to five decimals, as ISO 20022 may write them; what is finer than a tiyn is refused.
_AMOUNT = re.compile(r"([0-9]{1,15})(?:[.,]([0-9]{1,2})0{0,3})?\Z")


class BrokenAnswer(Malformed):
    """The answer file cannot be read; nothing of it was taken. `line` and `problem` say where."""

    code = "payouts/broken-answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerFile:
    """An answer file as read. accounts: whose entries it states, where it states an account's."""

    lines: tuple[AnswerLine, ...]
    accounts: tuple[str, ...] = ()


def tiyn_of(text: str, *, line: int) -> int:
    """Return tenge with decimals or without as tiyn; never through a float."""
    found = _AMOUNT.match(text)
    if found is None:
        raise BrokenAnswer(line=line, problem="amount")
    return int(found[1]) * TIYN_IN_TENGE + int((found[2] or "").ljust(2, "0"))


def check_currency(code: str, *, line: int) -> None:
    """Raise BrokenAnswer for money that is not tenge: no account of ours holds another."""
    if code != CURRENCY:
        raise BrokenAnswer(line=line, problem="currency")


def made_line(
    number: int,
    name: str,
    said: Said | None,
    amount_tiyn: int,
    reason: str | None,
    *,
    whole: bool = False,
    reference: str | None = None,
) -> AnswerLine:
    """Return a line whose id, status and reason are well formed. Raises BrokenAnswer."""
    if not _ID.match(name):
        raise BrokenAnswer(line=number, problem="end-to-end-id")
    if said is None:
        raise BrokenAnswer(line=number, problem="status")
    if reason and not _CODE.match(reason):
        raise BrokenAnswer(line=number, problem="reason")
    if reference and not _ID.match(reference):
        raise BrokenAnswer(line=number, problem="reference")
    return AnswerLine(
        line=number,
        end_to_end_id=name,
        said=said,
        amount_tiyn=amount_tiyn,
        reason=reason or None,
        whole=whole,
        reference=reference or None,
    )
