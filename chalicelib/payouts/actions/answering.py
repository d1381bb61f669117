"""The bank's answers: read whole, done line by line, each once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from itertools import islice

from chalicelib.access import actions as access
from chalicelib.budgets.store import ledger as books
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import stamp
from chalicelib.kernel.refusals import AnotherContent, Unknown
from chalicelib.payouts import store
from chalicelib.payouts.actions.cases import new_case, open_case
from chalicelib.payouts.actions.debts import case_due
from chalicelib.payouts.actions.moving import moved_writes, posting_of
from chalicelib.payouts.actions.paying import answer_due
from chalicelib.payouts.actions.repaying import take_repayment
from chalicelib.payouts.rules import answers, cases, payments
from chalicelib.payouts.rules.answers import AnswerFile, BrokenAnswer
from chalicelib.payouts.rules.cases import CaseReason
from chalicelib.payouts.rules.payments import (
    AnswerLine,
    BankAnswer,
    PaymentLine,
    Told,
    Verdict,
)
from chalicelib.payouts.store import KeptAnswer
from chalicelib.policy.actions import list_packs
from chalicelib.storage.commit import Raced, Write, settles
from chalicelib.storage.secrets import fingerprint
from chalicelib.storage.shelf import Kept


def take_answer(answer_id: str, content: bytes, *, by: Actor, now: datetime) -> BankAnswer:
    """Read a bank's answer file and do what each line says, each once.

    The same file again tells the same, under whatever id; one that was interrupted goes on. Raises
    BrokenAnswer, AnotherContent, Unknown.
    """
    kept = _open_answer(answer_id, content, by=by, now=now)
    answer = kept.value
    if answer.done:
        return answer
    # A file that came under another id before is finished under that one.
    first_id = answer.same_as or answer_id
    told: list[Told] = []
    seen: dict[str, list[Told]] = {}
    for line in answer.lines:
        before = seen.setdefault(line.end_to_end_id, [])
        told.append(_take_line(line, first_id, tuple(before), by=by, now=now))
        before.append(told[-1])
    done = payments.told_again(told) if answer.same_as else tuple(told)
    return _finish_answer(answer_id, done, by=by, now=now)


def see_answer(answer_id: str, *, by: Actor) -> BankAnswer:
    """Return what an answer file said and what became of it. Raises Unknown."""
    kept = store.find_answer(answer_id)
    access.demand(by, own=kept is not None and kept.value.by == by.subject)
    if kept is None:
        raise Unknown()
    return kept.value


@settles
def _open_answer(answer_id: str, content: bytes, *, by: Actor, now: datetime) -> KeptAnswer:
    whole = hashlib.sha256(content).hexdigest()
    asked = fingerprint(whole)
    kept = store.find_answer(answer_id)
    if kept is not None:
        # Going on with somebody else's file would read it by other areas than it was sent for.
        access.demand(by, own=kept.value.by == by.subject)
        if kept.value.asked != asked:
            raise AnotherContent()
        return kept
    areas = _areas(by)
    read = answers.read_file(content)
    _check_accounts(read, areas)
    # Whose areas differ reads other payments in it: for them it is another file.
    digest = fingerprint([whole, areas])
    same_as = store.find_answer_of(digest)
    each = (one for line in read.lines for one in _each_payment(line, areas))
    lines = tuple(islice(each, answers.MOST_PAYMENTS + 1))
    if len(lines) > answers.MOST_PAYMENTS:
        raise BrokenAnswer(line=lines[-1].line, problem="too-many-lines")
    answer = BankAnswer(
        answer_id=answer_id,
        asked=asked,
        by=by.subject,
        at=stamp(now),
        lines=lines,
        same_as=same_as,
    )
    entry = journal.entry(
        "payouts/answer-read",
        f"bank-answer/{answer_id}",
        by=by,
        now=now,
        lines=len(answer.lines),
        same_as=same_as,
    )
    put = store.keep_answer(None, answer)
    remembered = [] if same_as else [store.remember_file(digest, answer_id)]
    journal.commit(entry, put, *remembered)
    return store.answer_as_kept(put)


def _check_accounts(read: AnswerFile, areas: list[str]) -> None:
    """Raise BrokenAnswer for the statement of an account from which none of the areas pays."""
    ours = store.accounts_of(areas)
    for account in read.accounts:
        if account not in ours:
            raise BrokenAnswer(line=read.lines[0].line, problem="account")


def _each_payment(line: AnswerLine, areas: list[str]) -> Iterator[AnswerLine]:
    """Yield what is said of a whole file as said of each of its payments; else the line itself.

    Where the sum that is said is not the file's, nobody knows which payment is meant.
    """
    run = store.find_run_of_file(line.end_to_end_id) if line.whole else None
    if run is None or not run.value.made or run.value.area not in areas:
        yield replace(line, whole=False)
        return
    if line.amount_tiyn not in (0, run.value.total_tiyn):
        yield replace(line, whole=False)
        return
    for payment in store.find_payments(run.value.lines):
        yield replace(
            line,
            whole=False,
            end_to_end_id=payment.end_to_end_id,
            amount_tiyn=payment.amount_tiyn,
        )


@settles
def _take_line(
    line: AnswerLine, answer_id: str, before: tuple[Told, ...], *, by: Actor, now: datetime
) -> Told:
    """Do what one line says. before: what became of earlier lines of the file about its id."""
    name = line.end_to_end_id
    kept = store.find_payment(name)
    # Another area's payment answers as if there were none.
    if kept is None or not access.may(by, area=kept.value.area):
        if line.said == "pending":
            return Told(line=line.line, end_to_end_id=name, became="pending", reason=None)
        repaid = take_repayment(line, answer_id=answer_id, by=by, now=now)
        if repaid is not None:
            return repaid
        # What belongs to no payment is the first area's of who sent the file.
        area = _areas(by)[0]
        new = new_case(None, line, "unknown-id", area=area, answer_id=answer_id, now=now)
        opened = open_case(new, line, by=by, now=now)
        return _doubted(line, "unknown-id", opened=opened)
    known = payments.heard_before(kept.value, line, answer_id)
    first = None if before else answer_id
    verdict = known or payments.decide_answer(kept.value, line, answer_id=first)
    told = Told(line=line.line, end_to_end_id=name, became=verdict.became, reason=verdict.reason)
    if verdict.move is not None:
        heard = (*before, told)
        _apply(kept, verdict, line, answer_id=answer_id, heard=heard, by=by, now=now)
    elif known is None and verdict.became == "open-case":
        payment = kept.value
        reason = _doubt(verdict, otherwise="contradiction")
        new = new_case(payment, line, reason, area=payment.area, answer_id=answer_id, now=now)
        if not open_case(new, line, about=kept, by=by, now=now):
            return _doubted(line, verdict.reason, opened=False)
    return told


def _doubted(line: AnswerLine, reason: str | None, *, opened: bool) -> Told:
    """Return what a line became that moves nothing: what was decided before is not opened again."""
    return Told(
        line=line.line,
        end_to_end_id=line.end_to_end_id,
        became="open-case" if opened else "already",
        reason=reason if opened else None,
    )


def _areas(by: Actor) -> list[str]:
    """Return the areas whose payments a sender of files reaches, by id. Raises Unknown."""
    areas = access.areas_of(by) or sorted(
        {pack.area for pack in list_packs() if access.may(by, area=pack.area)}
    )
    if not areas:
        raise Unknown()
    return areas


def _apply(
    kept: Kept[PaymentLine],
    verdict: Verdict,
    said: AnswerLine | None,
    *,
    answer_id: str | None,
    heard: tuple[Told, ...] = (),
    by: Actor,
    now: datetime,
) -> None:
    """Move a payment with its claims and money, and open or close its case."""
    line, at = kept.value, stamp(now)
    moved = payments.answered(line, verdict, answer_id=answer_id)
    if answer_id is not None:
        moved = payments.hear(moved, answer_id, heard)
    writes: list[Write] = [
        *moved_writes(line, moved, verdict, now=now),
        *books.book(posting_of(line, moved, at)),
    ]
    case = store.find_case(line.end_to_end_id)
    if verdict.move == "doubt":
        reason = _doubt(verdict, otherwise="wrong-sum")
        new = new_case(line, said, reason, area=line.area, answer_id=answer_id, now=now)
        opened = cases.noted(case.value if case else None, new, None)
        writes += [*store.keep_case(case, opened or new), case_due(opened or new)]
    elif case is not None and case.value.is_open:
        writes += store.keep_case(case, cases.closed(case.value, None, at=at))
    entry = journal.entry(
        f"payouts/{moved.state}",
        f"payment/{line.end_to_end_id}",
        by=by,
        now=now,
        reason=verdict.reason,
        answer=answer_id,
    )
    journal.commit(entry, store.keep_payment(kept, moved), *writes)


def _doubt(verdict: Verdict, *, otherwise: CaseReason) -> CaseReason:
    """Return what a case is about, by what the answer was found to be."""
    for known in ("no-answer", "partial", "wrong-sum"):
        if verdict.reason == known:
            return known
    return otherwise


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
    _apply(kept, verdict, None, answer_id=None, by=by, now=now)
    return True
