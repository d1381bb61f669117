"""ISO 20022 camt.053, the statement of an account, in any version.

A booked debit with our end-to-end id settles a payment, a booked credit with it brings one back. A
credit that names a claim, as its id or in the words of who paid, is a provider's repayment. An
entry that names no payment of ours stands under an id made of what the bank says of it: the same
whenever it is stated again. Sums are checked where they are told: details against their entry,
entries against the summary, and against the balances.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from chalicelib.payouts.rules.answers.document import Element
from chalicelib.payouts.rules.answers.lines import (
    AnswerFile,
    BrokenAnswer,
    check_currency,
    made_line,
    tiyn_of,
)
from chalicelib.payouts.rules.claims import short_id
from chalicelib.payouts.rules.payments import AnswerLine, Said

_NO_ID = ("", "NOTPROVIDED", "NOT PROVIDED", "NONREF")
_CLAIM = re.compile(r"(?<![a-z0-9])[a-z2-7]{26}(?![a-z0-9])")
MOST_MENTIONS = 5
_SIGNS = {"DBIT": -1, "CRDT": 1}


def read(document: Element) -> AnswerFile:
    """Return what a bank's statement says, in the order of the file. Raises BrokenAnswer."""
    lines: list[AnswerLine] = []
    accounts: list[str] = []
    for statement in document.each("BkToCstmrStmt", "Stmt"):
        account = statement.said("Acct", "Id", "IBAN") or statement.said("Acct", "Id", "Othr", "Id")
        if not account:
            raise BrokenAnswer(line=statement.line, problem="account")
        currency = statement.said("Acct", "Ccy")
        if currency:
            check_currency(currency, line=statement.line)
        accounts.append(account)
        entries = list(statement.each("Ntry"))
        _check_summary(statement, entries)
        _check_balances(statement, entries)
        seen: Counter[str] = Counter()
        for entry in entries:
            lines += _entry(entry, account, seen)
    return AnswerFile(lines=tuple(lines), accounts=tuple(dict.fromkeys(accounts)))


def _entry(entry: Element, account: str, seen: Counter[str]) -> Iterator[AnswerLine]:
    whole = _amount(entry)
    booked = (entry.said("Sts", "Cd") or entry.said("Sts")) == "BOOK"
    details = list(entry.each("NtryDtls", "TxDtls"))
    batch = entry.first("NtryDtls", "Btch")
    if not details and batch is not None and batch.said("PmtInfId"):
        said: Said = _said(entry, booked=booked)
        yield made_line(entry.line, batch.said("PmtInfId"), said, whole, None, whole=True)
        return
    if not details:
        yield _line(entry, entry, whole, account, seen, booked=booked)
        return
    amounts = [_detail_amount(one) for one in details]
    if len(details) == 1 and amounts[0] is None:
        amounts = [whole]
    total = 0
    for one, amount in zip(details, amounts, strict=True):
        if amount is None:
            raise BrokenAnswer(line=one.line, problem="amount")
        total += amount
        yield _line(one, entry, amount, account, seen, booked=booked)
    if total != whole:
        raise BrokenAnswer(line=entry.line, problem="total")


def _line(
    detail: Element,
    entry: Element,
    amount_tiyn: int,
    account: str,
    seen: Counter[str],
    *,
    booked: bool,
) -> AnswerLine:
    name = detail.said("Refs", "EndToEndId") if detail is not entry else ""
    reference = (
        detail.said("Refs", "AcctSvcrRef") or entry.said("AcctSvcrRef") or entry.said("NtryRef")
    )
    said = _said(detail, entry, booked=booked)
    if name.upper() in _NO_ID:
        name = _made_id(detail, entry, amount_tiyn, account, reference, seen)
    reason = detail.first("RtrInf", "Rsn") if detail is not entry else None
    code = (reason.said("Cd") or reason.said("Prtry") or None) if reason is not None else None
    line = made_line(detail.line, name, said, amount_tiyn, code, reference=reference or None)
    return replace(line, mentions=_mentions(detail)) if said == "returned" else line


def _mentions(detail: Element) -> tuple[str, ...]:
    """Return what may be ids of claims in the words with which somebody paid, each once."""
    words = [
        *detail.each("RmtInf", "Ustrd"),
        *detail.each("RmtInf", "Strd", "CdtrRefInf", "Ref"),
        *detail.each("AddtlTxInf"),
    ]
    found = (one for word in words for one in _CLAIM.findall(word.text.lower()))
    return tuple(dict.fromkeys(found))[:MOST_MENTIONS]


def _made_id(
    detail: Element,
    entry: Element,
    amount_tiyn: int,
    account: str,
    reference: str,
    seen: Counter[str],
) -> str:
    """Return an id for what the bank books without one: its own reference, or what tells it apart.

    Of entries that nothing tells apart, the first, the second … have ids of their own.
    """
    booked_on = entry.said("BookgDt", "Dt") or entry.said("BookgDt", "DtTm")
    what = short_id(
        "entry", account, reference, booked_on, _indicator(detail, entry), str(amount_tiyn)
    )
    seen[what] += 1
    return "entry-" + (what if seen[what] == 1 else short_id(what, str(seen[what])))


def _said(*elements: Element, booked: bool) -> Said:
    if not booked:
        return "pending"
    return "settled" if _indicator(*elements) == "DBIT" else "returned"


def _indicator(*elements: Element) -> str:
    """Return DBIT or CRDT, of the detail where it says so itself."""
    told = next((t for e in elements if (t := e.said("CdtDbtInd"))), "")
    if told not in _SIGNS:
        raise BrokenAnswer(line=elements[-1].line, problem="credit-or-debit")
    return told


def _amount(element: Element) -> int:
    found = element.first("Amt")
    if found is None:
        raise BrokenAnswer(line=element.line, problem="amount")
    check_currency(found.attributes.get("Ccy", ""), line=found.line)
    return tiyn_of(found.text.strip(), line=found.line)


def _detail_amount(detail: Element) -> int | None:
    for path in (("Amt",), ("AmtDtls", "TxAmt", "Amt"), ("AmtDtls", "InstdAmt", "Amt")):
        found = detail.first(*path)
        if found is not None:
            check_currency(found.attributes.get("Ccy", ""), line=found.line)
            return tiyn_of(found.text.strip(), line=found.line)
    return None


def _check_summary(statement: Element, entries: list[Element]) -> None:
    summary = statement.first("TxsSummry", "TtlNtries")
    if summary is None:
        return
    count, sum_ = summary.said("NbOfNtries"), summary.said("Sum")
    if count and count != str(len(entries)):
        raise BrokenAnswer(line=summary.line, problem="total")
    if sum_ and tiyn_of(sum_, line=summary.line) != sum(_amount(entry) for entry in entries):
        raise BrokenAnswer(line=summary.line, problem="total")


def _check_balances(statement: Element, entries: list[Element]) -> None:
    """Raise BrokenAnswer unless what was booked leads from the opening to the closing balance."""
    found: dict[str, int] = {}
    for balance in statement.each("Bal"):
        kind = balance.said("Tp", "CdOrPrtry", "Cd")
        found.setdefault(kind, _amount(balance) * _SIGNS[_indicator(balance)])
    opening = found.get("OPBD", found.get("PRCD"))
    if opening is None or "CLBD" not in found:
        return
    booked = sum(
        _amount(entry) * _SIGNS[_indicator(entry)]
        for entry in entries
        if (entry.said("Sts", "Cd") or entry.said("Sts")) == "BOOK"
    )
    if opening + booked != found["CLBD"]:
        raise BrokenAnswer(line=statement.line, problem="balance")
