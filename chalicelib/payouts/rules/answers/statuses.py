"""ISO 20022 pain.002, the payment status report, in any version.

A status per payment (TxInfAndSts); where a file or its payment information has a status of its own
and no payment below it has one, that status is for all payments of the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from chalicelib.payouts.rules.answers.document import Element
from chalicelib.payouts.rules.answers.lines import (
    AnswerFile,
    BrokenAnswer,
    check_currency,
    made_line,
    tiyn_of,
)
from chalicelib.payouts.rules.payments import AnswerLine, Said

# ISO 20022 external payment transaction status codes.
_ISO: Mapping[str, Said] = {
    "ACSC": "settled",
    "ACCC": "settled",
    "RJCT": "refused",
    "CANC": "refused",
    "ACTC": "pending",
    "ACCP": "pending",
    "ACSP": "pending",
    "ACWC": "pending",
    "PDNG": "pending",
    "RCVD": "pending",
}


def read(document: Element) -> AnswerFile:
    """Return what a status report says, in the order of the file. Raises BrokenAnswer."""
    lines: list[AnswerLine] = []
    for report in document.each("CstmrPmtStsRpt"):
        group = report.first("OrgnlGrpInfAndSts")
        told = [
            line for info in report.each("OrgnlPmtInfAndSts") for line in _payment_information(info)
        ]
        if not told and group is not None:
            told = list(_whole(group, "OrgnlMsgId", "GrpSts"))
        lines += told
    return AnswerFile(lines=tuple(lines))


def _payment_information(info: Element) -> Iterator[AnswerLine]:
    transactions = list(info.each("TxInfAndSts"))
    if not transactions:
        yield from _whole(info, "OrgnlPmtInfId", "PmtInfSts")
    for transaction in transactions:
        amount = transaction.first("OrgnlTxRef", "Amt", "InstdAmt")
        if amount is None:
            raise BrokenAnswer(line=transaction.line, problem="amount")
        check_currency(amount.attributes.get("Ccy", ""), line=amount.line)
        yield made_line(
            transaction.line,
            transaction.said("OrgnlEndToEndId"),
            _ISO.get(transaction.said("TxSts")),
            tiyn_of(amount.text.strip(), line=amount.line),
            _reason(transaction),
        )


def _whole(element: Element, name: str, status: str) -> Iterator[AnswerLine]:
    """Yield what is said of a whole file; its sum where it is told, else zero."""
    told = element.said(status)
    if not told or told == "PART":  # each payment has its own, in this report or another
        return
    sum_ = element.first("OrgnlCtrlSum")
    yield made_line(
        element.line,
        element.said(name),
        _ISO.get(told),
        tiyn_of(sum_.text.strip(), line=sum_.line) if sum_ is not None else 0,
        _reason(element),
        whole=True,
    )


def _reason(element: Element) -> str | None:
    reason = element.first("StsRsnInf", "Rsn")
    return (reason.said("Cd") or reason.said("Prtry") or None) if reason is not None else None
