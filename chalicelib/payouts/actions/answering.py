"""The bank's answers: read whole, done line by line, each once."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime

from chalicelib.access import actions as access
from chalicelib.budgets.rules import ledger
from chalicelib.budgets.store import ledger as books
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import stamp
from chalicelib.kernel.refusals import AnotherContent, Unknown
from chalicelib.payouts import store
from chalicelib.payouts.actions.paying import answer_due
from chalicelib.payouts.rules import answers, claims, payments
from chalicelib.payouts.rules.payments import (
    AnswerLine,
    BankAnswer,
    Case,
    CaseReason,
    PaymentLine,
    Told,
    Verdict,
)
from chalicelib.storage import outbox
from chalicelib.storage.commit import Raced, Write, settles
from chalicelib.storage.secrets import fingerprint
from chalicelib.storage.shelf import Kept


def take_answer(answer_id: str, content: bytes, *, by: Actor, now: datetime) -> BankAnswer:
    """Read a bank's answer file and do what each line says, each once.

    The same file again tells the same; one that was interrupted goes on. Raises BrokenAnswer,
    AnotherContent, Unknown.
    """
    asked = fingerprint(hashlib.sha256(content).hexdigest())
    kept = _open_answer(answer_id, asked, content, by=by, now=now)
    answer = kept.value
    if answer.done:
        return answer
    told: list[Told] = []
    seen: set[str] = set()
    for line in answer.lines:
        first = None if line.end_to_end_id in seen else answer_id
        seen.add(line.end_to_end_id)
        told.append(_take_line(line, answer_id, first, by=by, now=now))
    return _finish_answer(answer_id, tuple(told), by=by, now=now)


def see_answer(answer_id: str, *, by: Actor) -> BankAnswer:
    """Return what an answer file said and what became of it. Raises Unknown."""
    kept = store.find_answer(answer_id)
    access.demand(by, own=kept is not None and kept.value.by == by.subject)
    if kept is None:
        raise Unknown()
    return kept.value


@settles
def _open_answer(
    answer_id: str, asked: str, content: bytes, *, by: Actor, now: datetime
) -> Kept[BankAnswer]:
    kept = store.find_answer(answer_id)
    if kept is not None:
        # Going on with somebody else's file would read it by other areas than it was sent for.
        access.demand(by, own=kept.value.by == by.subject)
        if kept.value.asked != asked:
            raise AnotherContent()
        return kept
    answer = BankAnswer(
        answer_id=answer_id,
        asked=asked,
        by=by.subject,
        at=stamp(now),
        lines=answers.read_answer(content),
    )
    entry = journal.entry(
        "payouts/answer-read",
        f"bank-answer/{answer_id}",
        by=by,
        now=now,
        lines=len(answer.lines),
    )
    put = store.keep_answer(None, answer)
    journal.commit(entry, put)
    return store.ANSWERS.kept(put.row)


@settles
def _take_line(
    line: AnswerLine, answer_id: str, first: str | None, *, by: Actor, now: datetime
) -> Told:
    """Do what one line says. first: the answer's id, None when its id stood in the file before."""
    name = line.end_to_end_id
    kept = store.find_payment(name)
    # Another area's payment answers as if there were none.
    if kept is None or not access.may(by, area=kept.value.area):
        _open_case(name, "unknown-id", answer_id, line, None, by=by, now=now)
        return Told(line=line.line, end_to_end_id=name, became="open-case", reason="unknown-id")
    verdict = payments.decide_answer(kept.value, line, answer_id=first)
    if verdict.move is not None:
        _apply(kept, verdict, answer_id=answer_id, said_tiyn=line.amount_tiyn, by=by, now=now)
    elif verdict.became == "open-case":
        reason: CaseReason = "wrong-sum" if verdict.reason == "wrong-sum" else "contradiction"
        _open_case(name, reason, answer_id, line, kept.value.run_id, by=by, now=now)
    return Told(line=line.line, end_to_end_id=name, became=verdict.became, reason=verdict.reason)


def _apply(
    kept: Kept[PaymentLine],
    verdict: Verdict,
    *,
    answer_id: str | None,
    said_tiyn: int | None,
    by: Actor,
    now: datetime,
) -> None:
    """Move a payment with its claims and money, and open or close its case."""
    line, at = kept.value, stamp(now)
    move = verdict.move
    if move is None:
        return
    moved = payments.answered(line, verdict, answer_id=answer_id)
    writes: list[Write] = [
        store.keep_claim(one, claims.answer(one.value, move, reason=verdict.reason, at=at))
        for one in store.find_claims(line.claims)
    ]
    writes += books.book(_posting(line, moved, at))
    case = store.find_case(line.end_to_end_id)
    if move == "doubt":
        opened = Case(
            end_to_end_id=line.end_to_end_id,
            reason="no-answer" if verdict.reason == "no-answer" else "wrong-sum",
            opened_at=at,
            answer_id=answer_id,
            run_id=line.run_id,
            said_tiyn=said_tiyn,
        )
        writes.append(store.keep_case(case, opened))
    elif case is not None and case.value.closed_at is None:
        writes.append(store.keep_case(case, replace(case.value, closed_at=at)))
    if moved.state in ("settled", "returned", "refused"):
        template = "paid" if moved.state == "settled" else "not-paid"
        writes.append(
            outbox.notice(
                f"{moved.state}#{line.end_to_end_id}",
                to=f"organisation:{line.organisation_id}",
                template=f"notice:payouts/{template}",
                now=now,
                month=line.month,
                tenge=line.amount_tiyn // 100,
                reason=verdict.reason or "-",
            )
        )
    entry = journal.entry(
        f"payouts/{moved.state}",
        f"payment/{line.end_to_end_id}",
        by=by,
        now=now,
        reason=verdict.reason,
        answer=answer_id,
    )
    journal.commit(entry, store.keep_payment(kept, moved), *writes)


def _posting(line: PaymentLine, moved: PaymentLine, at: str) -> ledger.Posting:
    """Return what a payment's new state moves; nothing for a case: the money stays in transit."""
    transit = ledger.transit(line.run_id)
    paid, returned = ledger.paid(line.organisation_id), ledger.returned(line.organisation_id)
    source = paid if line.state == "settled" else transit
    target = {"settled": paid, "returned": returned, "refused": returned}.get(moved.state)
    name = f"{moved.state}#{line.end_to_end_id}"
    if target is None:
        return ledger.posting(name, (), at=at)
    return ledger.transfer(
        name,
        line.amount_tiyn,
        source=source,
        target=target,
        at=at,
        payment=line.end_to_end_id,
        run=line.run_id,
    )


def _open_case(
    name: str,
    reason: CaseReason,
    answer_id: str,
    line: AnswerLine,
    run_id: str | None,
    *,
    by: Actor,
    now: datetime,
) -> None:
    if store.find_case(name) is not None:
        return
    case = Case(
        end_to_end_id=name,
        reason=reason,
        opened_at=stamp(now),
        answer_id=answer_id,
        run_id=run_id,
        said_tiyn=line.amount_tiyn,
    )
    entry = journal.entry(
        "payouts/case-opened", f"case/{name}", by=by, now=now, reason=reason, answer=answer_id
    )
    journal.commit(entry, store.keep_case(None, case))


@settles
def _finish_answer(
    answer_id: str, told: tuple[Told, ...], *, by: Actor, now: datetime
) -> BankAnswer:
    kept = store.find_answer(answer_id)
    if kept is None:
        raise Raced()
    if kept.value.done:
        # The same file, sent twice at once: the other one's end is ours.
        return kept.value
    done = replace(kept.value, done=True, told=told)
    entry = journal.entry(
        "payouts/answer-done", f"bank-answer/{answer_id}", by=by, now=now, lines=len(told)
    )
    journal.commit(entry, store.keep_answer(kept, done))
    return done


@settles
def lapse_answer(end_to_end_id: str, *, by: Actor, now: datetime) -> bool:
    """Open the case of a payment that the bank did not answer within its term; True if it did."""
    kept = store.find_payment(end_to_end_id)
    if kept is None or kept.value.state != "sent" or now < answer_due(kept.value):
        return False
    verdict = Verdict("open-case", "doubt", "no-answer")
    _apply(kept, verdict, answer_id=None, said_tiyn=None, by=by, now=now)
    return True
