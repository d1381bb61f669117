"""The treasury's answer as CSV: comma or semicolon, UTF-8, a row of headings

    record,end_to_end_id,status,amount,reason

then one row `payment` per payment (status settled, partial, returned or refused; amount in tenge
with two decimals; of "partial" what arrived) and one last row `total` with the number of payments
in place of the id and their sum: a file that was cut has none.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping

from chalicelib.payouts.rules.answers.lines import BrokenAnswer, made_line, tiyn_of
from chalicelib.payouts.rules.payments import AnswerLine, Said

HEADINGS = ("record", "end_to_end_id", "status", "amount", "reason")
_SAID: Mapping[str, Said] = {
    "settled": "settled",
    "partial": "partial",
    "returned": "returned",
    "refused": "refused",
}


def read(body: bytes) -> tuple[AnswerLine, ...]:
    """Return the rows of payments, in order. Raises BrokenAnswer."""
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
                amount_tiyn = tiyn_of(amount, line=number)
                lines.append(made_line(number, name, _SAID.get(status), amount_tiyn, reason))
            else:
                raise BrokenAnswer(line=number, problem="record")
    except csv.Error as error:
        raise BrokenAnswer(line=read + 1, problem="quoting") from error
    if total is None:
        raise BrokenAnswer(line=read + 1, problem="cut-off")
    if total != (len(lines), sum(line.amount_tiyn for line in lines)):
        raise BrokenAnswer(line=read, problem="total")
    return tuple(lines)
