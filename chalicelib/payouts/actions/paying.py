"""Payment runs: one line per payee, and the files drawn up from them."""

from __future__ import annotations

from collections.abc import Iterable
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
from chalicelib.payouts.actions import hands
from chalicelib.payouts.actions.claiming import Payee, held_code
from chalicelib.payouts.rules import claims, payments
from chalicelib.payouts.rules.claims import Claim
from chalicelib.payouts.rules.files import Register, Transfer, Treasury
from chalicelib.payouts.rules.payments import (
    PaymentLine,
    PaymentRun,
)
from chalicelib.policy.actions import load_pack
from chalicelib.providers import actions as providers
from chalicelib.providers.rules import AccountUnconfirmed
from chalicelib.storage import agenda, vault
from chalicelib.storage.commit import Put, settles
from chalicelib.storage.secrets import fingerprint

ANSWER_DUE = "payouts/answer"


@settles
def make_run(
    run_id: str, *, programme: str, area: str, month: Month, by: Actor, now: datetime
) -> PaymentRun:
    """Propose to pay a month's released claims, one line per payee; another person confirms it.

    The same again changes nothing. Raises Unknown, NoPack, AnotherContent, NothingReleased,
    SecondPerson, TreasuryMissing.
    """
    access.demand(by, area=area)
    load_pack(programme, area)
    store.treasury_of(programme, area)
    asked = fingerprint([programme, area, str(month)])
    kept = store.find_run(run_id)
    if kept is not None:
        if kept.value.asked != asked:
            raise AnotherContent()
        return kept.value
    released = {
        one.value.claim_id: one.value
        for one in store.list_area_claims(programme, area, month)
        if one.value.state == "released"
    }
    planned = payments.plan_run(released.values())
    if not planned:
        raise payments.NothingReleased(month=str(month))
    wanted = [released[name] for names in planned.values() for name in names]
    hand = hands.hand(by, now, others=_others(wanted))
    payments.check_hand(hand.by, wanted)
    run = PaymentRun(
        run_id=run_id,
        programme=programme,
        area=area,
        month=str(month),
        asked=asked,
        made_by=by.subject,
        made_at=stamp(now),
        execute_on="",
        payees=tuple(sorted(planned)),
        claims=planned,
        planned_tiyn=sum(claim.amount_tiyn for claim in wanted),
        approved=(hand,),
    )
    entry = journal.entry(
        "payouts/run-proposed",
        f"payment-run/{run_id}",
        by=by,
        now=now,
        payees=len(planned),
        total_tiyn=run.planned_tiyn,
    )
    journal.commit(entry, store.keep_run(None, run))
    return run


def confirm_run(
    run_id: str,
    *,
    total_tiyn: int,
    by: Actor,
    now: datetime,
    payee: Payee = providers.payee_of,
) -> PaymentRun:
    """Confirm a proposed run over the sum that was seen; the last hand sends it on its way.

    The same again goes on where it stopped. Raises Unknown, SecondPerson, SumChanged,
    TreasuryMissing.
    """
    run = _confirm(run_id, total_tiyn=total_tiyn, by=by, now=now)
    if not run.confirmed or run.made:
        return run
    for organisation_id in run.payees:
        _pay(run, organisation_id, by=by, now=now, payee=payee)
    return _finish_run(run_id, by=by, now=now, payee=payee)


@settles
def _confirm(run_id: str, *, total_tiyn: int, by: Actor, now: datetime) -> PaymentRun:
    kept = store.load_run(run_id)
    run = kept.value
    access.demand(by, area=run.area)
    if run.confirmed:
        # Whoever finds it stopped goes on with it, over the same sum.
        if total_tiyn != run.planned_tiyn:
            raise claims.SumChanged(amount_tiyn=run.planned_tiyn)
        return run
    wanted = {
        one.value.claim_id: one.value
        for one in store.find_claims([name for names in run.claims.values() for name in names])
    }
    others = {hand.by for hand in run.approved} | set(_others(wanted.values()))
    confirmed = payments.confirm_run(
        run,
        wanted,
        total_tiyn=total_tiyn,
        hand=hands.hand(by, now, others=sorted(others)),
        needed=hands.needed(run.programme, run.area, "pay", run.planned_tiyn, now=now),
    )
    if confirmed == run:
        return run
    if confirmed.confirmed:
        calendar = load_pack(run.programme, run.area).calendar
        confirmed = replace(
            confirmed,
            made_at=stamp(now),
            execute_on=calendar.next_working(local_day(now)).isoformat(),
        )
    sealed = _payer(run) if confirmed.confirmed else {}
    entry = journal.entry(
        "payouts/run-confirmed",
        f"payment-run/{run_id}",
        by=by,
        now=now,
        enough=confirmed.confirmed,
        total_tiyn=run.planned_tiyn,
        commitments=commitments(sealed),
    )
    pinned: list[Put] = []
    if sealed:
        message, _ = payments.file_ids(run_id)
        pinned = [*store.name_files(run), *vault.seal(f"PAYMENT#{message}", sealed)]
    journal.commit(entry, store.keep_run(kept, confirmed), *pinned)
    return confirmed


def _payer(run: PaymentRun) -> dict[str, str]:
    """Return the account that pays, as it is now, to be sealed beside the payees'."""
    treasury = store.treasury_of(run.programme, run.area)
    fields = {"payee": treasury.name, "bin": treasury.bin}
    fields |= {"account": treasury.account, "bank": treasury.bank}
    return salted(fields, new_salt())


def _others(wanted: Iterable[Claim]) -> list[str]:
    """Return who signed or agreed any of the claims, in a fixed order."""
    return sorted({subject for claim in wanted for subject in claim.signed_or_agreed_by})


@settles
def _pay(run: PaymentRun, organisation_id: str, *, by: Actor, now: datetime, payee: Payee) -> None:
    """Write a payee's line, its claims sent and its money in transit, unless that was done."""
    name = payments.end_to_end_id(run.run_id, organisation_id, run.month)
    if store.find_payment(name) is not None:
        return
    released = [
        kept
        for kept in store.find_claims(run.claims[organisation_id])
        if kept.value.state == "released"  # another run may have taken it meanwhile
    ]
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
        area=run.area,
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


def hands_of_run(run: PaymentRun, *, now: datetime) -> int:
    """Return how many persons a run takes; as many as it had, once it is confirmed."""
    if run.confirmed:
        return len(run.approved)
    return hands.needed(run.programme, run.area, "pay", run.planned_tiyn, now=now)


def register_of(run_id: str, *, by: Actor) -> Register:
    """Return a made run with the payees' names and accounts, for its files alone.

    Nothing of it is stored in clear. Raises Unknown, RunUnconfirmed, RunUnfinished,
    NothingReleased, ControlSumOff.
    """
    run = store.load_run(run_id).value
    if access.reaching(by, area=run.area) <= {Role.AUDITOR}:
        raise Unknown()
    if not run.made:
        raise payments.RunUnfinished() if run.confirmed else payments.RunUnconfirmed()
    lines = store.find_payments(run.lines)
    if not lines:  # another run, confirmed in the same moment, paid all of it
        raise payments.NothingReleased(month=run.month)
    _check_control_sums(run, lines)
    message, _ = payments.file_ids(run_id)
    names = [message, *(line.end_to_end_id for line in lines)]
    opened = vault.open_many([f"PAYMENT#{name}" for name in names])
    payer = opened[f"PAYMENT#{message}"]
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
        treasury=Treasury(
            name=payer["payee"], bin=payer["bin"], account=payer["account"], bank=payer["bank"]
        ),
        transfers=tuple(transfers),
    )


def _check_control_sums(run: PaymentRun, lines: list[PaymentLine]) -> None:
    """Raise ControlSumOff unless run, lines, claims and ledger say the same of each payment."""
    sent = {
        line.posting.removeprefix("sent#"): line.amount_tiyn
        for line in books.list_lines(ledger.transit(run.run_id))
        if line.posting.startswith("sent#")
    }
    told = {line.end_to_end_id: line.amount_tiyn for line in lines}
    payees = {line.organisation_id for line in lines}
    if not (sent == told and sum(sent.values()) == run.total_tiyn and len(payees) == len(lines)):
        raise payments.ControlSumOff(
            run_tiyn=run.total_tiyn, lines_tiyn=sum(told.values()), ledger_tiyn=sum(sent.values())
        )


def answer_due(line: PaymentLine) -> datetime:
    pack, sent = load_pack(line.programme, line.area), from_stamp(line.sent_at)
    return pack.calendar.deadline(sent, working_days=hands.answer_working_days(pack, sent))
