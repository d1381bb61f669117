"""The longest answer file that is read fits into the row that keeps it, and into the journal."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import msgspec
import pytest

from chalicelib.journal import actions as journals
from chalicelib.journal import store as journal
from chalicelib.payouts import store
from chalicelib.payouts.rules import answers
from chalicelib.payouts.rules.answers import MOST_LINES, MOST_PAYMENTS, BrokenAnswer
from chalicelib.payouts.rules.claims import short_id
from chalicelib.payouts.rules.payments import AnswerLine, BankAnswer, Told, file_ids

from .bank import status_report
from .builders import FINANCE, NOW, allot, sent, take


def made_up(number: int) -> str:
    return hashlib.sha256(f"{number}".encode()).hexdigest()[:34]


def an_answer(*, mentions: int = 0, count: int = MOST_LINES) -> BankAnswer:
    lines = tuple(
        AnswerLine(
            line=number * 30,
            end_to_end_id=short_id("payment", str(number)),
            said="returned" if mentions else "settled",
            amount_tiyn=10**9 + number,
            reference=made_up(number) if count == MOST_LINES else None,
            mentions=tuple(short_id("claim", str(number), str(n)) for n in range(mentions)),
        )
        for number in range(count)
    )
    return BankAnswer(answer_id="answer-1", asked="a", by="p", at="2026-11-18", lines=lines)


def done(answer: BankAnswer) -> BankAnswer:
    told = tuple(
        Told(line=line.line, end_to_end_id=line.end_to_end_id, became="settled")
        for line in answer.lines
    )
    return replace(answer, done=True, told=told)


@pytest.mark.parametrize(
    "read",
    [an_answer(), an_answer(mentions=5), an_answer(count=MOST_PAYMENTS)],
    ids=["lines", "credits that name claims", "payments of whole files"],
)
def test_the_longest_answer_is_kept_whole_from_its_reading_to_its_end(tables, read):
    for answer in (read, done(read)):
        kept = store.find_answer("answer-1")
        entry = journal.entry("payouts/answer-read", "bank-answer/answer-1", by=FINANCE, now=NOW)
        journal.commit(entry, store.keep_answer(kept, answer))

    assert store.find_answer("answer-1").value == done(read)
    assert list(journals.differences()) == []


def test_an_answer_that_was_kept_line_by_line_is_read_and_finished(tables):
    read = replace(an_answer(), lines=an_answer().lines[:3])
    entry = journal.entry("payouts/answer-read", "bank-answer/answer-1", by=FINANCE, now=NOW)
    put = store.keep_answer(None, read)
    put.row.body = msgspec.json.encode(read).decode()
    journal.commit(entry, put)

    kept = store.find_answer("answer-1")

    assert kept.value == read
    entry = journal.entry("payouts/answer-done", "bank-answer/answer-1", by=FINANCE, now=NOW)
    journal.commit(entry, store.keep_answer(kept, done(read)))
    assert store.find_answer("answer-1").value == done(read)


def test_what_is_said_of_whole_files_is_said_of_so_many_payments_at_most(tables, monkeypatch):
    allot()
    (line,) = sent()
    message, _ = file_ids(line.run_id)
    content = status_report(group="<GrpSts>ACSC</GrpSts>", message=message)
    monkeypatch.setattr(answers, "MOST_PAYMENTS", 0)

    with pytest.raises(BrokenAnswer) as refused:
        take(content, "answer-1")

    assert refused.value.facts["problem"] == "too-many-lines"
    assert store.find_answer("answer-1") is None
