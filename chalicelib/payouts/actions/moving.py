"""What a payment's new state writes: its claims, its money, the payee's notice."""

from __future__ import annotations

from datetime import datetime

from chalicelib.budgets.rules import ledger
from chalicelib.kernel.periods import Month, stamp
from chalicelib.payouts import store
from chalicelib.payouts.rules import claims
from chalicelib.payouts.rules.payments import PaymentLine, Verdict
from chalicelib.storage import outbox
from chalicelib.storage.commit import Raced, Write


def moved_writes(
    line: PaymentLine, moved: PaymentLine, verdict: Verdict, *, now: datetime
) -> list[Write]:
    """Describe a payment's claims moved with it, and what its payee is told."""
    if verdict.move is None:
        return []
    writes: list[Write] = [
        store.keep_claim(
            one, claims.answer(one.value, verdict.move, reason=verdict.reason, at=stamp(now))
        )
        for one in store.find_claims(line.claims)
    ]
    if moved.state in ("settled", "returned", "refused"):
        template = "paid" if moved.state == "settled" else "not-paid"
        writes.append(_told(line, moved, template, line.amount_tiyn, verdict.reason, now=now))
    return writes


def part_writes(
    line: PaymentLine, moved: PaymentLine, settled_tiyn: int, *, now: datetime
) -> list[Write]:
    """Describe a payment of which a part arrived: claims paid in their order, the rest came back.

    The claim at the border is split: what it was paid settles it, the rest is a claim of its own.
    """
    writes: list[Write] = []
    left, at = settled_tiyn, stamp(now)
    for kept in store.find_claims(line.claims):
        claim = kept.value
        if claim.amount_tiyn <= left:
            left -= claim.amount_tiyn
            paid = claims.answer(claim, "settle", reason=None, at=at)
            writes.append(store.keep_claim(kept, paid))
        elif left == 0:
            back = claims.answer(claim, "return", reason="partial", at=at)
            writes.append(store.keep_claim(kept, back))
        else:
            site = store.find_site_claims(claim.site_id, Month.parse(claim.month))
            if site is None:
                raise Raced()
            paid, rest, known = claims.split(claim, site.value, left, at=at)
            writes += [store.keep_claim(kept, paid), *store.create_claim(rest)]
            writes.append(store.keep_site_claims(site, known))
            left = 0
    writes.append(_told(line, moved, "paid", settled_tiyn, None, now=now))
    rest_tiyn = line.amount_tiyn - settled_tiyn
    writes.append(_told(line, moved, "not-paid", rest_tiyn, "partial", now=now))
    return writes


def posting_of(line: PaymentLine, moved: PaymentLine, at: str) -> ledger.Posting:
    """Return what a payment's new state moves; nothing for a case: the money stays in transit."""
    paid, returned = ledger.paid(line.organisation_id), ledger.returned(line.organisation_id)
    homes = {"settled": paid, "returned": returned, "refused": returned}
    source = homes.get(line.state, ledger.transit(line.run_id))
    target = homes.get(moved.state)
    name = f"{moved.state}#{line.end_to_end_id}" + (f"#{line.moves}" if line.moves else "")
    if target is None:
        return ledger.posting(name, (), at=at)
    arrived = moved.settled_tiyn
    movements = (
        [(source, -line.amount_tiyn), (target, line.amount_tiyn)]
        if arrived is None
        else [(source, -line.amount_tiyn), (paid, arrived), (returned, line.amount_tiyn - arrived)]
    )
    return ledger.posting(name, movements, at=at, payment=line.end_to_end_id, run=line.run_id)


def _told(
    line: PaymentLine,
    moved: PaymentLine,
    template: str,
    amount_tiyn: int,
    reason: str | None,
    *,
    now: datetime,
) -> Write:
    again = f"#{line.moves}" if line.moves else ""
    return outbox.notice(
        f"{template}#{moved.state}#{line.end_to_end_id}{again}",
        to=f"organisation:{line.organisation_id}",
        template=f"notice:payouts/{template}",
        now=now,
        month=line.month,
        tenge=amount_tiyn // 100,
        reason=reason or "-",
    )
