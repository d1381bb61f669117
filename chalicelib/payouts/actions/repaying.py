"""What was agreed too much is taken back: as it comes in at the bank, or by set-off."""

from __future__ import annotations

from datetime import datetime

from chalicelib.access import actions as access
from chalicelib.budgets.rules import ledger
from chalicelib.budgets.store import ledger as books
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import Month, stamp
from chalicelib.kernel.refusals import AnotherContent
from chalicelib.payouts import store
from chalicelib.payouts.actions.debts import follow_debt
from chalicelib.payouts.rules import claims, repayments
from chalicelib.payouts.rules.claims import Claim, Repayment
from chalicelib.payouts.rules.payments import AnswerLine, Told
from chalicelib.storage import outbox
from chalicelib.storage.commit import Put, Raced, Write, settles
from chalicelib.storage.shelf import Kept


def take_repayment(line: AnswerLine, *, answer_id: str, by: Actor, now: datetime) -> Told | None:
    """Book what came in for an owed claim that it names; None: it names none, or people look at it.

    Another area's claim is none.
    """
    if line.said != "returned":
        return None
    for name in dict.fromkeys([line.end_to_end_id.lower(), *line.mentions]):
        kept = store.find_claim(name)
        if kept is None or not access.may(by, area=kept.value.area):
            continue
        claim = kept.value
        owed = _at_most(claim, ledger.paid(claim.organisation_id))
        became = repayments.judge_line(claim, line, answer_id=answer_id, owed_tiyn=owed)
        if became == "open-case":
            return None
        repayment = Repayment(
            amount_tiyn=line.amount_tiyn,
            at=stamp(now),
            answer_id=answer_id,
            line=line.line,
            reference=line.reference,
        )
        if became == "repaid" and not _is_booked(claim, repayment):
            put, writes = repaid_writes(kept, repayment, now=now)
            entry = journal.entry(
                "payouts/repaid",
                f"claim/{claim.claim_id}",
                by=by,
                now=now,
                amount_tiyn=line.amount_tiyn,
                answer=answer_id,
            )
            journal.commit(entry, put, *writes)
        return Told(line=line.line, end_to_end_id=line.end_to_end_id, became=became)
    return None


@settles
def set_off(
    claim_id: str, *, against: str, amount_tiyn: int, by: Actor, now: datetime
) -> tuple[Claim, Claim]:
    """Keep what is owed back of an agreed claim of the same provider, over the sum that was seen.

    Of the two claims that are returned, the second is what was kept back. The same again changes
    nothing. Raises Unknown, NothingOwed, NoSetOff, SumChanged, AnotherContent.
    """
    kept = store.load_claim(claim_id)
    access.demand(by, area=kept.value.area)
    other = store.load_claim(against)
    access.demand(by, area=other.value.area)
    for one in kept.value.repaid:
        if one.claim_id == against:
            if one.amount_tiyn != amount_tiyn:
                raise AnotherContent()
            return kept.value, other.value
    sum_tiyn = repayments.set_off_tiyn(
        kept.value, other.value, owed_tiyn=_recoverable(kept.value), seen_tiyn=amount_tiyn
    )
    at = stamp(now)
    repayment = Repayment(amount_tiyn=sum_tiyn, at=at, claim_id=against)
    put, writes = _writes(
        kept, repayment, source=ledger.payable(kept.value.organisation_id), now=now
    )
    if sum_tiyn == other.value.amount_tiyn:
        back = repayments.kept_back(other.value, at=at)
    else:
        site = store.find_site_claims(other.value.site_id, Month.parse(other.value.month))
        if site is None:
            raise Raced()
        part, rest, known = claims.split(other.value, site.value, sum_tiyn)
        back = repayments.kept_back(part, at=at)
        writes += [*store.create_claim(rest), store.keep_site_claims(site, known)]
    entry = journal.entry(
        "payouts/set-off",
        f"claim/{claim_id}",
        by=by,
        now=now,
        amount_tiyn=sum_tiyn,
        against=against,
    )
    owed = repayments.repay(kept.value, repayment, owed_tiyn=sum_tiyn)
    journal.commit(entry, put, store.keep_claim(other, back), *writes)
    return owed, back


def repaid_writes(
    kept: Kept[Claim], repayment: Repayment, *, now: datetime
) -> tuple[Put, list[Write]]:
    """Describe money of a provider that came in at the bank: its claim, and what goes with it.

    Raises NothingOwed, MoreThanOwed.
    """
    return _writes(kept, repayment, source=ledger.paid(kept.value.organisation_id), now=now)


def _writes(
    kept: Kept[Claim], repayment: Repayment, *, source: str, now: datetime
) -> tuple[Put, list[Write]]:
    claim = kept.value
    owed = repayments.repay(claim, repayment, owed_tiyn=_at_most(claim, source))
    number = len(owed.repaid)
    posting = ledger.transfer(
        f"repaid#{claim.claim_id}#{number}",
        repayment.amount_tiyn,
        source=source,
        target=ledger.recoverable(claim.site_id, Month.parse(claim.month)),
        at=repayment.at,
        claim=claim.claim_id,
        site=claim.site_id,
        month=claim.month,
    )
    told = outbox.notice(
        f"repaid#{claim.claim_id}#{number}",
        to=f"organisation:{claim.organisation_id}",
        template="notice:payouts/set-off" if repayment.claim_id else "notice:payouts/repaid",
        now=now,
        month=claim.month,
        tenge=repayment.amount_tiyn // 100,
        left=owed.amount_tiyn // 100,
    )
    booked = books.book(posting, otherwise={source: Raced()})
    return store.keep_claim(kept, owed), [*booked, told, *follow_debt(owed, now=now)]


def _at_most(claim: Claim, source: str) -> int:
    """Return how much may be taken back from an account: what is owed, and lies there."""
    account = ledger.recoverable(claim.site_id, Month.parse(claim.month))
    held = books.balances([account, source])
    return min(-held[account], held[source])


def _recoverable(claim: Claim) -> int:
    """Return what the ledger says is owed for a month; a statement may have it changed already."""
    account = ledger.recoverable(claim.site_id, Month.parse(claim.month))
    return -books.balances([account])[account]


def _is_booked(claim: Claim, repayment: Repayment) -> bool:
    line = repayment.answer_id, repayment.line
    return any((one.answer_id, one.line) == line for one in claim.repaid)
