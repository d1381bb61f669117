"""The bank's answer file, read strictly: whole or not at all.

CSV of the treasury: comma or semicolon, UTF-8, a row of headings

    record,end_to_end_id,status,amount,reason

then one row `payment` per payment (status settled, returned or refused; amount in tenge with two
decimals) and one last row `total` with the number of payments in place of the id and their sum:
a file that was cut has none. XML: ISO 20022 pain.002 in any version, with a status per
transaction; document types and entities are refused.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.parsers import expat

from chalicelib.kernel.money import TIYN_IN_TENGE
from chalicelib.kernel.refusals import Malformed
from chalicelib.payouts.rules.payments import AnswerLine, Said

HEADINGS = ("record", "end_to_end_id", "status", "amount", "reason")
MOST_LINES = 2_000
_MOST_DEPTH = 40
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9 .,:/?()+'-]{0,34}\Z")
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,34}\Z")
_AMOUNT = re.compile(r"([0-9]{1,15})(?:[.,]([0-9]{2}))?\Z")
_SAID: Mapping[str, Said] = {"settled": "settled", "returned": "returned", "refused": "refused"}
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


class BrokenAnswer(Malformed):
    """The answer file cannot be read; nothing of it was taken. `line` and `problem` say where."""

    code = "payouts/broken-answer"


def read_answer(content: bytes) -> tuple[AnswerLine, ...]:
    """Return the lines of an answer file, CSV or pain.002 by its first sign. Raises BrokenAnswer.

    The same payment twice in a file is kept twice; the second will be found answered already.
    """
    body = content.removeprefix(b"\xef\xbb\xbf")
    if body.lstrip()[:1] == b"<":
        lines = _xml(body)
    else:
        lines = _csv(body)
    if not lines:
        raise BrokenAnswer(line=1, problem="no-payments")
    if len(lines) > MOST_LINES:
        raise BrokenAnswer(line=lines[MOST_LINES].line, problem="too-many-lines")
    return lines


def _csv(body: bytes) -> tuple[AnswerLine, ...]:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        line = body[: error.start].count(b"\n") + 1
        raise BrokenAnswer(line=line, problem="charset") from error
    if "\x00" in text:
        raise BrokenAnswer(line=text[: text.index("\x00")].count("\n") + 1, problem="charset")
    first = text.split("\n", 1)[0]
    separator = ";" if ";" in first else ","
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    lines: list[AnswerLine] = []
    total: tuple[int, int] | None = None
    read = 0
    try:
        for number, row in enumerate(rows, start=1):
            read = number
            cells = [cell.strip() for cell in row]
            if not any(cells):
                continue
            if number == 1:
                if tuple(cell.lower() for cell in cells) != HEADINGS:
                    raise BrokenAnswer(line=1, problem="headings")
                continue
            if total is not None:
                raise BrokenAnswer(line=number, problem="after-total")
            if len(cells) != len(HEADINGS):
                raise BrokenAnswer(line=number, problem="columns")
            record, name, status, amount, reason = cells
            if record == "total":
                if not (name.isascii() and name.isdigit()):
                    raise BrokenAnswer(line=number, problem="total")
                total = int(name), tiyn_of(amount, line=number)
            elif record == "payment":
                lines.append(_line(number, name, _SAID.get(status), amount, reason))
            else:
                raise BrokenAnswer(line=number, problem="record")
    except csv.Error as error:
        raise BrokenAnswer(line=read + 1, problem="quoting") from error
    if total is None:
        raise BrokenAnswer(line=read + 1, problem="cut-off")
    if total != (len(lines), sum(line.amount_tiyn for line in lines)):
        raise BrokenAnswer(line=read, problem="total")
    return tuple(lines)


def tiyn_of(text: str, *, line: int) -> int:
    """Return tenge with two decimals or none as tiyn; never through a float."""
    found = _AMOUNT.match(text)
    if found is None:
        raise BrokenAnswer(line=line, problem="amount")
    return int(found[1]) * TIYN_IN_TENGE + int(found[2] or 0)


def _line(number: int, name: str, said: Said | None, amount: str, reason: str | None) -> AnswerLine:
    if not _ID.match(name):
        raise BrokenAnswer(line=number, problem="end-to-end-id")
    if said is None:
        raise BrokenAnswer(line=number, problem="status")
    if reason and not _CODE.match(reason):
        raise BrokenAnswer(line=number, problem="reason")
    return AnswerLine(
        line=number,
        end_to_end_id=name,
        said=said,
        amount_tiyn=tiyn_of(amount, line=number),
        reason=reason or None,
    )


@dataclass(slots=True)
class _Transaction:
    line: int
    values: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Reader:
    """What is under way while pain.002 is read: only what we need is kept."""

    path: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    open: _Transaction | None = None
    read: list[_Transaction] = field(default_factory=list)
    currency: str = ""


_WANTED = {
    "OrgnlEndToEndId": "id",
    "TxSts": "status",
    "InstdAmt": "amount",
    "Cd": "reason",
    "Prtry": "reason",
}


def _xml(body: bytes) -> tuple[AnswerLine, ...]:
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")

    def forbid(*_: object) -> None:
        raise BrokenAnswer(line=parser.CurrentLineNumber, problem="document-type")

    def start(name: str, attributes: dict[str, str]) -> None:
        local = name.rsplit(" ", 1)[-1]
        namespace = name.rsplit(" ", 1)[0] if " " in name else ""
        if len(reader.path) >= _MOST_DEPTH:
            raise BrokenAnswer(line=parser.CurrentLineNumber, problem="depth")
        if not reader.path and ":pain.002." not in namespace:
            raise BrokenAnswer(line=parser.CurrentLineNumber, problem="not-pain.002")
        if local == "TxInfAndSts":
            reader.open = _Transaction(parser.CurrentLineNumber)
        if local == "InstdAmt" and reader.open is not None:
            reader.open.values["currency"] = attributes.get("Ccy", "")
        reader.path.append(local)
        reader.text.clear()

    def characters(text: str) -> None:
        reader.text.append(text)

    def end(name: str) -> None:
        local = reader.path.pop()
        transaction = reader.open
        if transaction is None:
            return
        if local == "TxInfAndSts":
            reader.read.append(transaction)
            reader.open = None
        elif local in _WANTED:
            key = _WANTED[local]
            if key == "reason" and "StsRsnInf" not in reader.path:
                return
            transaction.values.setdefault(key, "".join(reader.text).strip())

    parser.StartDoctypeDeclHandler = forbid
    parser.EntityDeclHandler = forbid
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = characters
    try:
        parser.Parse(body, True)
    except expat.ExpatError as error:
        raise BrokenAnswer(line=error.lineno, problem="not-whole-xml") from error
    return tuple(_transaction(one) for one in reader.read)


def _transaction(one: _Transaction) -> AnswerLine:
    values = one.values
    if values.get("currency", "KZT") != "KZT":
        raise BrokenAnswer(line=one.line, problem="currency")
    if "amount" not in values:
        raise BrokenAnswer(line=one.line, problem="amount")
    return _line(
        one.line,
        values.get("id", ""),
        _ISO.get(values.get("status", "")),
        values["amount"],
        values.get("reason"),
    )
