"""Terms of what people owe: a provider its debt, officers the decision of a case.

A debt that was not paid back in time is a case, open until the money came or was kept back.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import from_stamp, shown_last_day, stamp
from chalicelib.payouts import store
from chalicelib.payouts.actions import hands
from chalicelib.payouts.rules import cases
from chalicelib.payouts.rules.cases import Case, Fact
from chalicelib.payouts.rules.claims import Claim
from chalicelib.policy.actions import load_pack
from chalicelib.storage import agenda, outbox
from chalicelib.storage.commit import Put, Write, settles

DEBT_DUE = "payouts/repay"
CASE_DUE = "payouts/case"


def debt_due(claim: Claim) -> list[Write]:
    """Describe the reminder of a claim's debt; nothing where it owes nothing."""
    if claim.repay_by is None:
        return []
    return [agenda.due(from_stamp(claim.repay_by), DEBT_DUE, claim.claim_id)]


def case_due(case: Case) -> Put:
    """Describe the reminder of a case's term."""
    return agenda.due(from_stamp(case.due_at), CASE_DUE, case.case_id)


def follow_debt(claim: Claim, *, now: datetime) -> list[Write]:
    """Describe what a claim's new sum makes of the case of its debt: that sum, or its end."""
    kept = store.find_case(claim.claim_id)
    if kept is None or not kept.value.is_open:
        return []
    if claim.is_owed:
        return [*store.keep_case(kept, replace(kept.value, amount_tiyn=claim.amount_tiyn))]
    return [*store.keep_case(kept, cases.closed(kept.value, None, at=stamp(now)))]


@settles
def lapse_debt(claim_id: str, *, by: Actor, now: datetime) -> bool:
    """Open the case of a debt that was not paid back within its term; True if it did.

    The provider and finance are told. Nobody decides such a case: it ends with the debt.
    """
    kept = store.find_claim(claim_id)
    if kept is None:
        return False
    claim, at = kept.value, stamp(now)
    if not claim.is_owed or claim.repay_by is None or at < claim.repay_by:
        return False
    known = store.find_case(claim_id)
    if known is not None and known.value.is_open:
        return False
    pack = load_pack(claim.programme, claim.area)
    term = hands.case_working_days(pack, now)
    new = Case(
        case_id=claim_id,
        end_to_end_id=claim_id,
        reason="not-repaid",
        opened_at=at,
        area=claim.area,
        programme=claim.programme,
        organisation_id=claim.organisation_id,
        amount_tiyn=claim.amount_tiyn,
        due_at=stamp(pack.calendar.deadline(now, working_days=term)),
        facts=(Fact(said=None, amount_tiyn=claim.amount_tiyn, at=at),),
    )
    case = cases.noted(known.value if known else None, new, None) or new
    facts = {
        "month": claim.month,
        "tenge": claim.amount_tiyn // 100,
        "until": shown_last_day(claim.repay_by),
    }
    told = [
        outbox.notice(
            f"not-repaid#{claim_id}#{claim.repay_by}#{to}",
            to=to,
            template="notice:payouts/not-repaid",
            now=now,
            **facts,
        )
        for to in (f"organisation:{claim.organisation_id}", f"desk:finance:{claim.area}")
    ]
    entry = journal.entry(
        "payouts/case-opened", f"case/{claim_id}", by=by, now=now, reason=new.reason
    )
    put, *listed = store.keep_case(known, case)
    # Written anew, so that money which comes in at this instant finds the case, or the case it.
    stands = store.keep_claim(kept, claim)
    journal.commit(entry, put, *listed, stands, case_due(case), *told)
    return True


def remind_case(case_id: str, *, by: Actor, now: datetime) -> bool:
    """Tell finance of a case that is open beyond its term; True if it was told."""
    kept = store.find_case(case_id)
    if kept is None or not kept.value.is_open or stamp(now) < kept.value.due_at:
        return False
    case = kept.value
    told = outbox.notice(
        f"case-late#{case_id}#{case.due_at}",
        to=f"desk:finance:{case.area}",
        template="notice:payouts/case-late",
        now=now,
        case=case_id,
        tenge=(case.amount_tiyn or case.said_tiyn or 0) // 100,
        until=shown_last_day(case.due_at),
    )
    return outbox.write_each([told]) == 1
