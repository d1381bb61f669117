"""What a payment's new state writes: its claims, its money, the payee's notice."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from chalicelib.budgets.rules import ledger
from chalicelib.kernel.periods import Month, stamp
from chalicelib.payouts import store
from chalicelib.payouts.rules import claims, payments
from chalicelib.payouts.rules.claims import Claim, Move
from chalicelib.payouts.rules.payments import PaymentLine, Verdict
from chalicelib.storage import outbox
from chalicelib.storage.commit import Raced, Write
from chalicelib.storage.shelf import Kept


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


def brought_writes(
    line: PaymentLine, moved: PaymentLine, verdict: Verdict, *, now: datetime
) -> tuple[PaymentLine, list[Write]]:
    """Describe what officers found to have arrived; return the payment with the claims it has then.

    Claims are paid in their order and taken back from the last; of what was released again in
    another payment none is touched. The claim at the border is split.
    """
    before, after = payments.arrived(line), verdict.arrived_tiyn or 0
    ours = [
        one
        for one in store.find_claims(line.claims)
        if one.value.end_to_end_id == line.end_to_end_id
    ]
    paid = [one for one in ours if one.value.state == "settled"]
    back = [one for one in ours if one.value.state in ("returned", "refused")]
    parts = _Parts(reason=verdict.reason, at=stamp(now))
    if before is None:
        parts.move(ours, after, "settle", others="return")
    elif before < after:
        parts.move(back, after - before, "settle")
    else:
        parts.move(paid[::-1], before - after, "return")
    writes = parts.writes
    if parts.paid_tiyn:
        writes.append(_told(line, moved, "paid", parts.paid_tiyn, None, now=now))
    if parts.back_tiyn:
        writes.append(_told(line, moved, "not-paid", parts.back_tiyn, verdict.reason, now=now))
    return replace(moved, claims=(*line.claims, *parts.made)), writes


class _Parts:
    """Claims of a payment moved up to a sum, one of them in two where the sum ends within it."""

    def __init__(self, *, reason: str | None, at: str) -> None:
        self.reason, self.at = reason, at
        self.writes: list[Write] = []
        self.made: list[str] = []
        self.paid_tiyn = self.back_tiyn = 0

    def move(
        self, found: list[Kept[Claim]], sum_tiyn: int, move: Move, *, others: Move | None = None
    ) -> None:
        """Move claims in this order up to a sum, and what is above it as others are."""
        left = sum_tiyn
        for kept in found:
            claim = kept.value
            part, left = min(left, claim.amount_tiyn), max(0, left - claim.amount_tiyn)
            if part == claim.amount_tiyn or (part == 0 and others is not None):
                to = move if part else others
                self.writes.append(store.keep_claim(kept, self._moved(claim, to)))
            elif part:
                self._split(kept, part, move, others)
        if left:
            raise Raced()

    def _split(self, kept: Kept[Claim], part_tiyn: int, move: Move, others: Move | None) -> None:
        claim = kept.value
        site = store.find_site_claims(claim.site_id, Month.parse(claim.month))
        if site is None:
            raise Raced()
        one, rest, known = claims.split(claim, site.value, part_tiyn)
        self.writes.append(store.keep_claim(kept, self._moved(one, move)))
        self.writes += store.create_claim(self._moved(rest, others))
        self.writes.append(store.keep_site_claims(site, known))
        self.made.append(rest.claim_id)

    def _moved(self, claim: Claim, move: Move | None) -> Claim:
        if move is None:
            return claim
        if move == "settle":
            self.paid_tiyn += claim.amount_tiyn
        else:
            self.back_tiyn += claim.amount_tiyn
        reason = None if move == "settle" and self.reason == "partial" else self.reason
        return claims.answer(claim, move, reason=reason, at=self.at)


def posting_of(line: PaymentLine, moved: PaymentLine, at: str) -> ledger.Posting:
    """Return what a payment's new state moves; nothing for a case: the money stays in transit."""
    before, after = _lies(line), _lies(moved)
    accounts = dict.fromkeys([*before, *after])
    name = f"{moved.state}#{line.end_to_end_id}" + (f"#{line.moves}" if line.moves else "")
    movements = [(one, after.get(one, 0) - before.get(one, 0)) for one in accounts]
    return ledger.posting(name, movements, at=at, payment=line.end_to_end_id, run=line.run_id)


def _lies(line: PaymentLine) -> dict[str, int]:
    """Return on which accounts a payment's money lies."""
    there = payments.arrived(line)
    if there is None:
        return {ledger.transit(line.run_id): line.amount_tiyn}
    return {
        ledger.paid(line.organisation_id): there,
        ledger.returned(line.organisation_id): line.amount_tiyn - there,
    }


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
