"""Payment runs: one line per payee, and the files drawn up from them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from chalicelib.access import actions as access
from chalicelib.budgets.rules import ledger
from chalicelib.budgets.store import ledger as books
from chalicelib.journal import store as journal
from chalicelib.journal.rules import commitments, salted
from chalicelib.kernel.actors import Actor, Role
from chalicelib.kernel.ids import new_salt
from chalicelib.kernel.periods import Month, from_stamp, local_day, stamp
from chalicelib.kernel.refusals import AnotherContent, Unknown
from chalicelib.payouts import store
from chalicelib.payouts.actions.claiming import Payee, held_code
from chalicelib.payouts.rules import claims, payments
from chalicelib.payouts.rules.files import Register, Transfer
from chalicelib.payouts.rules.payments import (
    PaymentLine,
    PaymentRun,
)
from chalicelib.policy.actions import load_pack
from chalicelib.providers import actions as providers
from chalicelib.providers.rules import AccountUnconfirmed
from chalicelib.storage import agenda, vault
from chalicelib.storage.commit import settles
from chalicelib.storage.secrets import fingerprint
from chalicelib.storage.shelf import Kept

ANSWER_DUE = "payouts/answer"
# A payee's commit holds its line, claims, posting, vault rows and reminder: 100 writes at most.
_CLAIMS_IN_A_LINE = 60


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
    access.demand(by, area=area)
    pack = load_pack(programme, area)
    store.treasury_of(programme, area)
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
    # Pinned as it was sent: the same run gives the same file whatever account comes later, and the
    # record shows it if somebody put another in its place.
    sealed = salted(
        {"payee": whom.payee, "bin": whom.bin, "account": whom.account, "bank": whom.bank},
        new_salt(),
    )
    entry = journal.entry(
        "payouts/sent",
        f"payment/{name}",
        by=by,
        now=now,
        run=run.run_id,
        amount_tiyn=amount,
        commitments=commitments(sealed),
    )
    journal.commit(
        entry,
        store.create_payment(line),
        *(
            store.keep_claim(kept, claims.send(kept.value, run_id=run.run_id, end_to_end_id=name))
            for kept in released
        ),
        *books.book(posting),
        *vault.seal(f"PAYMENT#{name}", sealed),
        agenda.due(answer_due(line), ANSWER_DUE, name),
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
        o: held_code(o, payee) or payments.NothingReleased.code for o in run.payees if o not in paid
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
    access.demand(by, area=run.area)
    return run, store.find_payments(run.lines)


def register_of(run_id: str, *, by: Actor) -> Register:
    """Return a made run with the payees' names and accounts, for its files alone.

    Nothing of it is stored in clear. Raises Unknown, RunUnfinished.
    """
    run = store.load_run(run_id).value
    if access.reaching(by, area=run.area) <= {Role.AUDITOR}:
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
        treasury=store.treasury_of(run.programme, run.area),
        transfers=tuple(transfers),
    )


def answer_due(line: PaymentLine) -> datetime:
    calendar = load_pack(line.programme, line.area).calendar
    return calendar.deadline(from_stamp(line.sent_at), working_days=payments.ANSWER_WORKING_DAYS)
