"""Claims, and the hands they pass through."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from chalicelib.access import actions as access
from chalicelib.billing.store import statements
from chalicelib.budgets.rules import ledger
from chalicelib.budgets.store import ledger as books
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import Month, shown_last_day, stamp
from chalicelib.kernel.refusals import Unknown
from chalicelib.payouts import store
from chalicelib.payouts.actions import hands
from chalicelib.payouts.actions.debts import debt_due, follow_debt
from chalicelib.payouts.rules import claims
from chalicelib.payouts.rules.claims import Claim, Posted, SiteClaims
from chalicelib.policy.actions import load_pack
from chalicelib.providers import actions as providers
from chalicelib.providers.rules import AccountUnconfirmed
from chalicelib.storage import outbox
from chalicelib.storage.commit import Write, settles
from chalicelib.storage.shelf import Kept

CALCULATE = "payouts/calculate"

Payee = Callable[[str], providers.Payee]


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
        direction=head.value.direction,
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
    if claim is not None and claim.is_owed and claim.repay_by is None:
        pack = load_pack(claim.programme, claim.area)
        days = hands.repay_working_days(pack, now)
        claim = replace(claim, repay_by=stamp(pack.calendar.deadline(now, working_days=days)))
    writes: list[Write] = []
    if claim is not None:
        writes += debt_due(claim)
        if newest is not None and newest.value.claim_id == claim.claim_id:
            writes.append(store.keep_claim(newest, claim))
            writes += follow_debt(claim, now=now) if newest.value.is_owed else []
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
                until=shown_last_day(claim.repay_by) if claim.repay_by else "",
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
    access.demand(by, organisation=claim.organisation_id)
    if claim.signed and claim.signed.by == by.subject and claim.amount_tiyn == amount_tiyn:
        return claim
    signed = claims.decide_signature(claim, amount_tiyn=amount_tiyn, hand=hands.hand(by, now))
    _keep(kept, signed, "payouts/signed", by=by, now=now)
    return signed


@settles
def agree(claim_id: str, *, agreed: bool, reason: str | None, by: Actor, now: datetime) -> Claim:
    """Agree a signed claim for the department, or give it back with a reason.

    Where each direction has its own department, only that one finds the claim. A great amount takes
    more than one; the last moves the money from accrued to payable. Raises Unknown, ReasonNeeded,
    NotNow, SecondPerson, AccountShort.
    """
    kept = store.load_claim(claim_id)
    claim = kept.value
    access.demand(by, area=claim.area, direction=claim.direction)
    if agreed and reason is None and by.subject in claim.agreed_by:
        return claim
    if not agreed and claim.state == "calculated" and reason is not None and claim.reason == reason:
        return claim
    decided = claims.decide_agreement(
        claim,
        agree=agreed,
        reason=reason,
        hand=hands.hand(by, now, others=_others(claim)),
        needed=hands.needed_for(claim, "agree", now=now),
    )
    if decided == claim:
        return claim
    if decided.state == "signed":
        _keep(kept, decided, "payouts/agreed-by-one", by=by, now=now)
        return decided
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
    """Release an agreed claim for payment, or one that came back, by others than agreed it.

    A great amount takes more than one; until the last of them it stays where it is.
    Raises Unknown, NotNow, SecondPerson, AdmittedHere, AccountUnconfirmed, AccountShort.
    """
    kept = store.load_claim(claim_id)
    claim = kept.value
    access.demand(by, area=claim.area)
    if claim.state == "released" and by.subject in _releasers(claim):
        return claim
    released = claims.decide_release(
        claim,
        by=by,
        hand=hands.hand(by, now, others=_others(claim)),
        admitted_by=providers.admitted_by(claim.site_id),
        needed=hands.needed_for(claim, "release", now=now),
    )
    if released == claim:
        return claim
    payee(claim.organisation_id)  # raises AccountUnconfirmed: money follows no such account
    if released.state != "released":
        _keep(kept, released, "payouts/released-by-one", by=by, now=now)
        return released
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

    A department sees the claims of the directions it serves, finance those of all. An unpaid
    claim of an organisation without a confirmed account says so. Raises Unknown.
    """
    if programme is not None and area is not None:
        access.demand(by, area=area)
        found = [
            kept
            for kept in store.list_area_claims(programme, area, month)
            if access.may(by, area=area, direction=kept.value.direction)
        ]
    else:
        found = [
            kept
            for organisation_id in access.organisations_of(by)
            for kept in store.list_organisation_claims(organisation_id, month)
        ]
    shown = sorted((kept.value for kept in found), key=lambda c: c.claim_id)
    waiting = {c.organisation_id for c in shown if c.state not in ("sent", "settled", "open-case")}
    held = {o: code for o in sorted(waiting) if (code := held_code(o, payee or providers.payee_of))}
    return [
        replace(c, held=held[c.organisation_id])
        if c.organisation_id in held and c.state not in ("sent", "settled", "open-case")
        else c
        for c in shown
    ]


def held_code(organisation_id: str, payee: Payee) -> str | None:
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


def _others(claim: Claim) -> list[str]:
    """Return whose hands a claim passed, in a fixed order."""
    return sorted(claim.signed_or_agreed_by | claim.released_by)


def _releasers(claim: Claim) -> frozenset[str]:
    last = {claim.released.by} if claim.released else set()
    return claim.released_by | last
