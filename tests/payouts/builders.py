"""A month that is billed and claimed, and the people whose hands it passes."""

from __future__ import annotations

from datetime import UTC, datetime

from chalicelib.billing import actions as billing
from chalicelib.billing.rules.judging import ProviderMonth
from chalicelib.budgets import actions as budgets
from chalicelib.budgets.store import ledger as books
from chalicelib.kernel.actors import Actor, Role, system
from chalicelib.kernel.money import tenge
from chalicelib.payouts import actions
from chalicelib.payouts.rules import payments
from chalicelib.payouts.rules.claims import Claim
from chalicelib.providers.actions import Payee
from chalicelib.providers.rules import AccountUnconfirmed
from tests.billing.builders import OCTOBER, a_child, a_month

NOW = datetime(2026, 11, 16, 5, 0, tzinfo=UTC)
JOB = system("payouts")
AREA = frozenset({"taldykorgan"})
HEAD = Actor("head-1", frozenset({Role.HEAD}), organisations=frozenset({"org-site-aaaa"}))
HEAD_B = Actor("head-2", frozenset({Role.HEAD}), organisations=frozenset({"org-site-bbbb"}))
DEPARTMENT = Actor("department-1", frozenset({Role.DEPARTMENT}), areas=AREA)
FINANCE = Actor("finance-1", frozenset({Role.FINANCE}), areas=AREA)
OTHER_FINANCE = Actor("finance-3", frozenset({Role.FINANCE}), areas=AREA)
FOREIGN = Actor("finance-2", frozenset({Role.FINANCE}), areas=frozenset({"astana"}))
HEADS = {"site-aaaa": HEAD, "site-bbbb": HEAD_B}
WHERE = {"programme": "preschool", "area": "taldykorgan", "month": OCTOBER}


def payee(organisation_id: str) -> Payee:
    return Payee(
        organisation_id=organisation_id,
        payee='ТОО "Ақбота"',
        bin="010140000012",
        account="KZ3807010KSN01010001",
        bank="KKMFKZ2A",
    )


def no_account(organisation_id: str) -> Payee:
    raise AccountUnconfirmed(organisation_id=organisation_id)


def allot() -> None:
    budgets.allot(
        programme="preschool",
        area="taldykorgan",
        year=2026,
        amount_tiyn=tenge(10_000_000),
        act="act-1",
        by=FINANCE,
        now=NOW,
    )


def bill(site_id: str = "site-aaaa", codes: str = "P" * 21, **other: object) -> None:
    provided: ProviderMonth = a_month(a_child(f"child-{site_id}", codes, **other), site_id=site_id)
    billing.bill(site_id, OCTOBER, by=JOB, now=NOW, gather=lambda *_: provided)


def claimed(site_id: str = "site-aaaa", codes: str = "P" * 21) -> Claim:
    bill(site_id, codes)
    claim = actions.calculate(site_id, OCTOBER, by=JOB, now=NOW)
    assert claim is not None
    return claim


def signed(site_id: str = "site-aaaa", codes: str = "P" * 21) -> Claim:
    claim = claimed(site_id, codes)
    return actions.sign(claim.claim_id, amount_tiyn=claim.amount_tiyn, by=HEADS[site_id], now=NOW)


def agreed(site_id: str = "site-aaaa", codes: str = "P" * 21) -> Claim:
    claim = signed(site_id, codes)
    return actions.agree(claim.claim_id, agreed=True, reason=None, by=DEPARTMENT, now=NOW)


def released(site_id: str = "site-aaaa", codes: str = "P" * 21) -> Claim:
    claim = agreed(site_id, codes)
    return actions.release(claim.claim_id, by=FINANCE, now=NOW, payee=payee)


def proposed(run_id: str = "run-aaaa") -> payments.PaymentRun:
    return actions.make_run(run_id, **WHERE, by=FINANCE, now=NOW)


def run(run_id: str = "run-aaaa", whose=payee) -> payments.PaymentRun:
    """A run that one proposes and another confirms."""
    total = proposed(run_id).planned_tiyn
    return actions.confirm_run(run_id, total_tiyn=total, by=OTHER_FINANCE, now=NOW, payee=whose)


def sent(*site_ids: str) -> list[payments.PaymentLine]:
    for site_id in site_ids or ("site-aaaa",):
        released(site_id)
    run()
    return actions.see_run("run-aaaa", by=FINANCE)[1]


def answer_file(*rows: tuple[str, str, int, str]) -> bytes:
    """A bank's CSV from (id, status, tiyn, reason)."""
    text = "record,end_to_end_id,status,amount,reason\r\n"
    for name, status, amount, reason in rows:
        text += f"payment,{name},{status},{amount // 100}.{amount % 100:02d},{reason}\r\n"
    total = sum(row[2] for row in rows)
    return (text + f"total,{len(rows)},,{total // 100}.{total % 100:02d},\r\n").encode()


def take(content: bytes, answer_id: str = "answer-1", by: Actor = FINANCE) -> list[str]:
    answer = actions.take_answer(answer_id, content, by=by, now=NOW)
    return [told.became for told in answer.told]


def balance(account: str) -> int:
    return books.balances([account])[account]
