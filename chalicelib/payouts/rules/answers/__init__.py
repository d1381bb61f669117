"""The bank's answer file, read strictly: whole or not at all.

table     the treasury's CSV
document  XML of any kind, with limits, into elements
statuses  ISO 20022 pain.002: what became of each payment, or of a whole file
entries   ISO 20022 camt.053: what was booked on the account
lines     what all of them are read into
"""

from __future__ import annotations

from chalicelib.payouts.rules.answers import entries, statuses, table
from chalicelib.payouts.rules.answers.document import read_document
from chalicelib.payouts.rules.answers.lines import AnswerFile, BrokenAnswer
from chalicelib.payouts.rules.payments import AnswerLine

__all__ = [
    "AnswerFile",
    "BrokenAnswer",
    "HEADINGS",
    "MOST_LINES",
    "MOST_PAYMENTS",
    "read_answer",
    "read_file",
]

HEADINGS = table.HEADINGS
MOST_LINES = 2_000
# Once what is said of a whole file is said of each of its payments: so many fit into a row.
MOST_PAYMENTS = 5_000


def read_answer(content: bytes) -> tuple[AnswerLine, ...]:
    """Return the lines of an answer file. Raises BrokenAnswer."""
    return read_file(content).lines


def read_file(content: bytes) -> AnswerFile:
    """Return an answer file as read: CSV, pain.002 or camt.053 by its first sign and namespace.

    The same payment twice in a file is kept twice; the second will be found answered already.
    Raises BrokenAnswer.
    """
    body = content.removeprefix(b"\xef\xbb\xbf")
    wide = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}.get(body[:2])
    if wide is not None and body[2:4] != "<".encode(wide):
        raise BrokenAnswer(line=1, problem="charset")  # a table, as spreadsheets like to save it
    if wide is not None or body.lstrip()[:1] == b"<":
        read = _xml(body)
    else:
        read = AnswerFile(lines=table.read(body))
    if not read.lines:
        raise BrokenAnswer(line=1, problem="no-payments")
    if len(read.lines) > MOST_LINES:
        raise BrokenAnswer(line=read.lines[MOST_LINES].line, problem="too-many-lines")
    return read


def _xml(body: bytes) -> AnswerFile:
    document = read_document(body)
    for message, read in ((":pain.002.", statuses.read), (":camt.053.", entries.read)):
        if document.name == "Document" and message in document.namespace:
            return read(document)
    raise BrokenAnswer(line=document.line, problem="not-pain.002")
