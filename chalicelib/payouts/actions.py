"""Carry money from posted statements to the bank, and its answers back; each step once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime

from chalicelib.billing import actions as billing
from chalicelib.billing.rules import figures as public_figures
from chalicelib.billing.rules import ledger
from chalicelib.billing.store import ledger as books
from chalicelib.billing.store import statements
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor, Role
from chalicelib.kernel.periods import Month, from_stamp, local_day, stamp
from chalicelib.kernel.refusals import AnotherContent, Unknown
from chalicelib.payouts import store
from chalicelib.payouts.rules import answers, claims, payments
from chalicelib.payouts.rules.claims import Claim, Hand, Posted, SiteClaims
from chalicelib.payouts.rules.files import Register, Transfer
from chalicelib.payouts.rules.payments import (
    AnswerLine,
    BankAnswer,
    Case,
    CaseReason,
    PaymentLine,
    PaymentRun,
    Told,
    Verdict,
)
from chalicelib.policy.actions import list_packs, load_pack
from chalicelib.policy.rules import Pack
from chalicelib.providers import actions as providers
from chalicelib.providers.rules import AccountUnconfirmed
from chalicelib.storage import agenda, outbox, vault
from chalicelib.storage.commit import Put, Raced, Write, commit, settles
from chalicelib.storage.secrets import fingerprint
from chalicelib.storage.shelf import Kept

CALCULATE = "payouts/calculate"
ANSWER_DUE = "payouts/answer"
# A payee's commit holds its line, claims, posting, vault rows and reminder: 100 writes at most.
_CLAIMS_IN_A_LINE = 60

Payee = Callable[[str], providers.Payee]


# --- claims -------------------------------------------------------------------------------------


@settles
def calculate(site_id: str, month: Month, *, by: Actor, now: datetime) -> Claim | None:
    """Turn statements that no claim covers into a claim; None when there is nothing to turn."""
    head, posted = statements.load_site_month(site_id, month)
    if head is None:
        return None
    kept = store.find_site_claims(site_id, month)
    known = kept.value if kept else SiteClaims(site_id=site_id, month=str(month))
    newest = store.load_claim(known.claims[-1]) if known.claims else None
    site = Claim(
        claim_id="",
        number=0,
        site_id=site_id,
        organisation_id=head.value.organisation_id,
        programme=head.value.programme,
        area=head.value.area,
        month=str(month),
        first=0,
        last=0,
        amount_tiyn=0,
        state="calculated",
        calculated_at=stamp(now),
    )
    plan = claims.plan_claim(
        known,
        newest.value if newest else None,
        [Posted(s.number, s.movement_tiyn) for s in posted],
        site=site,
    )
    if plan is None:
        return None
    site_claims, claim = plan
    writes: list[Write] = []
    if claim is not None:
        if newest is not None and newest.value.claim_id == claim.claim_id:
            writes.append(store.keep_claim(newest, claim))
        else:
            writes.extend(store.create_claim(claim))
        template = "claim-overpaid" if claim.state == "open-case" else "claim-to-sign"
        writes.append(
            outbox.notice(
                f"{template}#{claim.claim_id}#{claim.last}",
                to=f"organisation:{claim.organisation_id}",
                template=f"notice:payouts/{template}",
                now=now,
                month=claim.month,
                tenge=claim.amount_tiyn // 100,
            )
        )
    entry = journal.entry(
        "payouts/calculated",
        f"claims/{site_id}/{month}",
        by=by,
        now=now,
        claim=claim.claim_id if claim else None,
        amount_tiyn=claim.amount_tiyn if claim else 0,
        covered=site_claims.covered,
    )
    journal.commit(entry, store.keep_site_claims(kept, site_claims), *writes)
    return claim


@settles
def sign(claim_id: str, *, amount_tiyn: int, by: Actor, now: datetime) -> Claim:
    """Sign a claim for the provider; the same signature again changes nothing.

    Raises Unknown, SumChanged, NothingToClaim, NotNow.
    """
    kept = store.load_claim(claim_id)
    claim = kept.value
    if claim.organisation_id not in by.organisations:
        raise Unknown()
    if claim.signed and claim.signed.by == by.subject and claim.amount_tiyn == amount_tiyn:
        return claim
    signed = claims.decide_signature(claim, amount_tiyn=amount_tiyn, hand=_hand(by, now))
    _keep(kept, signed, "payouts/signed", by=by, now=now)
    return signed


@settles
def agree(claim_id: str, *, agreed: bool, reason: str | None, by: Actor, now: datetime) -> Claim:
    """Agree a signed claim for the department, or give it back with a reason.

    Agreed money moves from accrued to payable. Raises Unknown, ReasonNeeded, NotNow, AccountShort.
    """
    kept = store.load_claim(claim_id)
    claim = kept.value
    if not by.serves(claim.area):
        raise Unknown()
    if agreed and reason is None and claim.agreed and claim.agreed.by == by.subject:
        return claim
    if not agreed and claim.state == "calculated" and reason is not None and claim.reason == reason:
        return claim
    decided = claims.decide_agreement(claim, agree=agreed, reason=reason, hand=_hand(by, now))
    if decided.state == "calculated":
        notice = outbox.notice(
            f"declined#{claim_id}#{kept.version}",
            to=f"organisation:{claim.organisation_id}",
            template="notice:payouts/claim-declined",
            now=now,
            month=claim.month,
            reason=reason,
        )
        _keep(kept, decided, "payouts/declined", notice, by=by, now=now)
        return decided
    month = Month.parse(claim.month)
    posting = ledger.transfer(
        f"agreed#{claim_id}",
        claim.amount_tiyn,
        source=ledger.accrued(claim.site_id, month),
        target=ledger.payable(claim.organisation_id),
        at=stamp(now),
        claim=claim_id,
        site=claim.site_id,
        month=claim.month,
    )
    again = outbox.work(
        f"calculate#{claim_id}", CALCULATE, now=now, site_id=claim.site_id, month=claim.month
    )
    _keep(kept, decided, "payouts/agreed", *books.book(posting), again, by=by, now=now)
    return decided


@settles
def release(claim_id: str, *, by: Actor, now: datetime, payee: Payee = providers.payee_of) -> Claim:
    """Release an agreed claim for payment, or one that came back, by another person.

    Raises Unknown, NotNow, SecondPerson, AccountUnconfirmed, AccountShort.
    """
    kept = store.load_claim(claim_id)
    claim = kept.value
    if not by.serves(claim.area):
        raise Unknown()
    if claim.state == "released" and claim.released and claim.released.by == by.subject:
        return claim
    released = claims.decide_release(claim, by=by, hand=_hand(by, now))
    payee(claim.organisation_id)  # raises AccountUnconfirmed: money follows no such account
    writes: list[Write] = []
    if claim.state in ("returned", "refused"):
        posting = ledger.transfer(
            f"released#{claim_id}#{released.releases}",
            claim.amount_tiyn,
            source=ledger.returned(claim.organisation_id),
            target=ledger.payable(claim.organisation_id),
            at=stamp(now),
            claim=claim_id,
        )
        writes += books.book(posting)
    _keep(kept, released, "payouts/released", *writes, by=by, now=now)
    return released


def list_claims(
    month: Month, *, programme: str | None, area: str | None, by: Actor, payee: Payee | None = None
) -> list[Claim]:
    """Return a month's claims by id: a head's own, an officer's area, all of an area to auditors.

    An unpaid claim of an organisation without a confirmed account says so. Raises Unknown.
    """
    if programme is not None and area is not None:
        if not (by.has(Role.AUDITOR) or by.serves(area)):
            raise Unknown()
        found = store.list_area_claims(programme, area, month)
    else:
        found = [
            kept
            for organisation_id in sorted(by.organisations)
            for kept in store.list_organisation_claims(organisation_id, month)
        ]
    shown = sorted((kept.value for kept in found), key=lambda c: c.claim_id)
    waiting = {c.organisation_id for c in shown if c.state not in ("sent", "settled", "open-case")}
    held = {o: code for o in sorted(waiting) if (code := _held(o, payee or providers.payee_of))}
    return [
        replace(c, held=held[c.organisation_id])
        if c.organisation_id in held and c.state not in ("sent", "settled", "open-case")
        else c
        for c in shown
    ]


def _held(organisation_id: str, payee: Payee) -> str | None:
    try:
        payee(organisation_id)
    except (AccountUnconfirmed, Unknown) as refusal:
        return refusal.code
    return None


def _keep(
    kept: Kept[Claim], claim: Claim, event: str, *writes: Write, by: Actor, now: datetime
) -> None:
    entry = journal.entry(
        event,
        f"claim/{claim.claim_id}",
        by=by,
        now=now,
        amount_tiyn=claim.amount_tiyn,
        reason=claim.reason,
    )
    journal.commit(entry, store.keep_claim(kept, claim), *writes)


def _hand(by: Actor, now: datetime) -> Hand:
    return Hand(by.subject, stamp(now))


# --- payment runs -------------------------------------------------------------------------------


def make_run(
    run_id: str,
    *,
    programme: str,
    area: str,
    month: Month,
    by: Actor,
    now: datetime,
    payee: Payee = providers.payee_of,
) -> PaymentRun:
    """Put a month's released claims on their way, one line per payee; go on where it stopped.

    Raises Unknown, NoPack, AnotherContent, NothingReleased, TreasuryMissing.
    """
    kept = _open_run(run_id, programme=programme, area=area, month=month, by=by, now=now)
    run = kept.value
    if run.made:
        return run
    for organisation_id in run.payees:
        _pay(run, organisation_id, by=by, now=now, payee=payee)
    return _finish_run(run_id, by=by, now=now, payee=payee)


@settles
def _open_run(
    run_id: str, *, programme: str, area: str, month: Month, by: Actor, now: datetime
) -> Kept[PaymentRun]:
    if not by.serves(area):
        raise Unknown()
    pack = load_pack(programme, area)
    store.treasury_of(area)
    asked = fingerprint([programme, area, str(month)])
    kept = store.find_run(run_id)
    if kept is not None:
        if kept.value.asked != asked:
            raise AnotherContent()
        return kept
    payees = {
        one.value.organisation_id
        for one in store.list_area_claims(programme, area, month)
        if one.value.state == "released"
    }
    if not payees:
        raise payments.NothingReleased(month=str(month))
    run = PaymentRun(
        run_id=run_id,
        programme=programme,
        area=area,
        month=str(month),
        asked=asked,
        made_by=by.subject,
        made_at=stamp(now),
        execute_on=pack.calendar.next_working(local_day(now)).isoformat(),
        payees=tuple(sorted(payees)),
    )
    entry = journal.entry("payouts/run-opened", f"payment-run/{run_id}", by=by, now=now)
    journal.commit(entry, store.keep_run(None, run))
    return store.load_run(run_id)


@settles
def _pay(run: PaymentRun, organisation_id: str, *, by: Actor, now: datetime, payee: Payee) -> None:
    """Write a payee's line, its claims sent and its money in transit, unless that was done."""
    name = payments.end_to_end_id(run.run_id, organisation_id, run.month)
    if store.find_payment(name) is not None:
        return
    month = Month.parse(run.month)
    released = [
        kept
        for kept in store.list_organisation_claims(organisation_id, month)
        if kept.value.state == "released"
        and (kept.value.programme, kept.value.area) == (run.programme, run.area)
    ][:_CLAIMS_IN_A_LINE]
    try:
        whom = payee(organisation_id)
    except (AccountUnconfirmed, Unknown):
        return  # the run names it among the skipped; its claims stay released
    if not released:
        return
    amount = sum(kept.value.amount_tiyn for kept in released)
    line = PaymentLine(
        end_to_end_id=name,
        run_id=run.run_id,
        organisation_id=organisation_id,
        programme=run.programme,
        area=run.area,
        month=run.month,
        amount_tiyn=amount,
        claims=tuple(kept.value.claim_id for kept in released),
        sent_at=stamp(now),
    )
    posting = ledger.transfer(
        f"sent#{name}",
        amount,
        source=ledger.payable(organisation_id),
        target=ledger.transit(run.run_id),
        at=stamp(now),
        payment=name,
        run=run.run_id,
    )
    # Pinned as it was sent: the same run gives the same file whatever account comes later.
    sealed = vault.seal(
        f"PAYMENT#{name}",
        {"payee": whom.payee, "bin": whom.bin, "account": whom.account, "bank": whom.bank},
    )
    entry = journal.entry(
        "payouts/sent", f"payment/{name}", by=by, now=now, run=run.run_id, amount_tiyn=amount
    )
    journal.commit(
        entry,
        store.create_payment(line),
        *(
            store.keep_claim(kept, claims.send(kept.value, run_id=run.run_id, end_to_end_id=name))
            for kept in released
        ),
        *books.book(posting),
        *sealed,
        agenda.due(_answer_due(line), ANSWER_DUE, name),
    )


@settles
def _finish_run(run_id: str, *, by: Actor, now: datetime, payee: Payee) -> PaymentRun:
    kept = store.load_run(run_id)
    run = kept.value
    if run.made:
        return run
    names = {o: payments.end_to_end_id(run_id, o, run.month) for o in run.payees}
    lines = store.find_payments(list(names.values()))
    paid = {line.organisation_id for line in lines}
    skipped = {
        o: _held(o, payee) or payments.NothingReleased.code for o in run.payees if o not in paid
    }
    made = replace(
        run,
        made=True,
        lines=tuple(line.end_to_end_id for line in lines),
        skipped=skipped,
        total_tiyn=sum(line.amount_tiyn for line in lines),
    )
    entry = journal.entry(
        "payouts/run-made",
        f"payment-run/{run_id}",
        by=by,
        now=now,
        lines=len(lines),
        total_tiyn=made.total_tiyn,
    )
    journal.commit(entry, store.keep_run(kept, made))
    return made


def see_run(run_id: str, *, by: Actor) -> tuple[PaymentRun, list[PaymentLine]]:
    """Return a run with its lines as they stand. Raises Unknown."""
    run = store.load_run(run_id).value
    if not (by.serves(run.area) or by.has(Role.AUDITOR)):
        raise Unknown()
    return run, store.find_payments(run.lines)


def register_of(run_id: str, *, by: Actor) -> Register:
    """Return a made run with the payees' names and accounts, for its files alone.

    Nothing of it is stored in clear. Raises Unknown, RunUnfinished.
    """
    run = store.load_run(run_id).value
    if not by.serves(run.area):
        raise Unknown()
    if not run.made:
        raise payments.RunUnfinished()
    lines = store.find_payments(run.lines)
    opened = vault.open_many([f"PAYMENT#{line.end_to_end_id}" for line in lines])
    transfers = []
    for number, line in enumerate(lines, start=1):
        whom = opened[f"PAYMENT#{line.end_to_end_id}"]
        transfers.append(
            Transfer(
                number=number,
                end_to_end_id=line.end_to_end_id,
                organisation_id=line.organisation_id,
                payee=whom["payee"],
                bin=whom["bin"],
                account=whom["account"],
                bank=whom["bank"],
                amount_tiyn=line.amount_tiyn,
                month=line.month,
            )
        )
    return Register(
        run_id=run_id,
        made_at=run.made_at,
        execute_on=run.execute_on,
        month=run.month,
        treasury=store.treasury_of(run.area),
        transfers=tuple(transfers),
    )


# --- the bank's answers -------------------------------------------------------------------------


def take_answer(answer_id: str, content: bytes, *, by: Actor, now: datetime) -> BankAnswer:
    """Read a bank's answer file and do what each line says, each once.

    The same file again tells the same; one that was interrupted goes on. Raises BrokenAnswer,
    AnotherContent.
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
    if kept is None or not (kept.value.by == by.subject or by.has(Role.AUDITOR)):
        raise Unknown()
    return kept.value


@settles
def _open_answer(
    answer_id: str, asked: str, content: bytes, *, by: Actor, now: datetime
) -> Kept[BankAnswer]:
    kept = store.find_answer(answer_id)
    if kept is not None:
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
    if kept is None or not by.serves(kept.value.area):
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
    if kept is None or kept.value.done:
        raise Raced() if kept is None else AnotherContent()
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
    if kept is None or kept.value.state != "sent" or now < _answer_due(kept.value):
        return False
    verdict = Verdict("open-case", "doubt", "no-answer")
    _apply(kept, verdict, answer_id=None, said_tiyn=None, by=by, now=now)
    return True


def _answer_due(line: PaymentLine) -> datetime:
    calendar = load_pack(line.programme, line.area).calendar
    return calendar.deadline(from_stamp(line.sent_at), working_days=payments.ANSWER_WORKING_DAYS)


# --- the calendar and what the public sees ------------------------------------------------------


def months_in_claiming(at: datetime) -> list[tuple[Pack, Month]]:
    """Return which packs' months have their claims drawn up on the day of an event."""
    today = local_day(at)
    return [
        (pack, month)
        for pack, month in _preceding(at)
        if (dates := pack.at(month.last).month_calendar.dates(month, pack.calendar)).check_from
        <= today
        <= max(dates.claim_to, dates.pay_on)
    ]


def months_at_payday(at: datetime) -> list[tuple[Pack, Month]]:
    """Return which packs have payday on the day of an event, and for which month."""
    today = local_day(at)
    return [(pack, month) for pack, month in _preceding(at) if pay_on(pack, month) == today]


def pay_on(pack: Pack, month: Month) -> date:
    """Return when a month is to be paid: the pack's day, or the working day before it."""
    return pack.at(month.last).month_calendar.pay_on(month, pack.calendar)


def tell_payday(programme: str, area: str, month: Month, *, now: datetime) -> int:
    """Tell each provider on payday which claim is not paid and where it stands; return how many."""
    told = 0
    for kept in store.list_area_claims(programme, area, month):
        claim = kept.value
        if claim.state == "settled" or claim.amount_tiyn == 0 or claim.reason == claims.OVERPAID:
            continue
        notice = outbox.notice(
            f"payday#{claim.claim_id}",
            to=f"organisation:{claim.organisation_id}",
            template="notice:payouts/payday-passed",
            now=now,
            month=claim.month,
            tenge=claim.amount_tiyn // 100,
            state=claim.state,
        )
        told += _once(notice)
    return told


def _once(notice: Put) -> bool:
    try:
        commit([notice])
    except Raced:
        return False  # told already, by an earlier delivery of the same event
    return True


def _preceding(at: datetime) -> Iterable[tuple[Pack, Month]]:
    month = Month.preceding(at)
    for pack in list_packs():
        if pack.valid_from <= month.last and (pack.valid_to is None or month.last <= pack.valid_to):
            yield pack, month


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutFigure:
    """A provider's money of a month; site_id is None for several small providers together.

    claimed: signed and beyond. overdue: posted and not paid after payday.
    """

    site_id: str | None
    accrued_tiyn: int
    claimed_tiyn: int
    paid_tiyn: int
    returned_tiyn: int
    overdue_tiyn: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutFigures:
    """An area's public payout figures of a month, against its payday."""

    programme: str
    area: str
    month: str
    pay_on: date
    providers: tuple[PayoutFigure, ...]


def figures(programme: str, area: str, month: Month, *, now: datetime) -> PayoutFigures:
    """Return what was accrued, claimed, paid, returned and is overdue per provider.

    Providers with fewer than five children stand together. Raises NoPack.
    """
    pack = load_pack(programme, area)
    payday = pay_on(pack, month)
    overdue = local_day(now) > payday
    heads = {h.site_id: h for h in billing.list_heads(programme, area, month)}
    by_site: dict[str, list[Claim]] = {}
    for kept in store.list_area_claims(programme, area, month):
        by_site.setdefault(kept.value.site_id, []).append(kept.value)
    children = {site_id: head.children for site_id, head in heads.items()}
    shown = []
    for name, site_ids in public_figures.groups(children):
        made = [c for site_id in site_ids for c in by_site.get(site_id, [])]
        asked = [c for c in made if c.state != "calculated" and c.reason != claims.OVERPAID]
        accrued = sum(heads[site_id].posted_tiyn for site_id in site_ids)
        paid = sum(c.amount_tiyn for c in asked if c.state == "settled")
        shown.append(
            PayoutFigure(
                site_id=name,
                accrued_tiyn=accrued,
                claimed_tiyn=sum(c.amount_tiyn for c in asked),
                paid_tiyn=paid,
                returned_tiyn=sum(
                    c.amount_tiyn for c in asked if c.state in ("returned", "refused")
                ),
                overdue_tiyn=max(0, accrued - paid) if overdue else 0,
            )
        )
    return PayoutFigures(
        programme=programme, area=area, month=str(month), pay_on=payday, providers=tuple(shown)
    )
