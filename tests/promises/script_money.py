"""September's money: budget, claims, what was agreed too much, payments, what the bank says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalicelib.payouts.rules.cases import unknown_id
from tests.stories.accounts import confirm_accounts
from tests.stories.people import almaty

if TYPE_CHECKING:
    from tests.promises.script import City

SITE = "site-0000"
_CSV = {"content-type": "text/csv"}


def money(city: City) -> None:
    """September is billed on demand, claimed, released, paid; the bank answers."""
    budget = {"amount_tiyn": 100_000_000_00, "act": "No. 7"}
    city.at("2026-10-08T09:00:00")
    city.act(
        city.finance,
        "/v1/budgets/preschool/taldykorgan/2026",
        budget,
        other={**budget, "amount_tiyn": 1_00},
    )
    city.at("2026-10-12T09:00:00")
    wanted = _wanted(city)
    city.act(
        city.operator,
        "/v1/billing/runs/billing-run-1",
        wanted,
        other={**wanted, "month": "2026-08"},
    )
    city.cloud.drain()
    claims = _claimed(city, "2026-10-14T09:00:00")
    assert claims
    confirm_accounts(city.cloud, "taldykorgan", claims)
    for claim in claims:
        path = f"/v1/payouts/claims/{claim['claim_id']}"
        head = city.heads[int(claim["site_id"][-1])]
        sum_ = claim["amount_tiyn"]
        city.act(
            head,
            f"{path}/signature",
            {"amount_tiyn": sum_},
            other={"amount_tiyn": sum_ + 1},
            code="payouts/not-now",
        )
        city.act(
            city.department,
            f"{path}/agreement",
            {"agreed": True},
            other={"agreed": False, "reason": "other"},
            code="payouts/not-now",
        )
    _set_off(city, claims)
    for claim in _claims(city):
        if claim["state"] == "agreed":
            city.act(city.finance, f"/v1/payouts/claims/{claim['claim_id']}/release", {})
    _paid(city)
    _repaid(city)


def _set_off(city: City, claims: list[dict[str, Any]]) -> None:
    """What turns out to be agreed too much is kept back of the claim that is agreed."""
    (agreed,) = (claim for claim in claims if claim["site_id"] == SITE)
    owed = _found_out(city, "2026-10-15T08:00:00")
    asked = {"against": agreed["claim_id"], "amount_tiyn": owed["amount_tiyn"]}
    said = city.act(
        city.finance,
        f"/v1/payouts/claims/{owed['claim_id']}/set-off",
        asked,
        other={**asked, "amount_tiyn": owed["amount_tiyn"] + 1},
    )
    assert (said["state"], said["repaid_tiyn"]) == ("settled", owed["amount_tiyn"])


def _paid(city: City) -> None:
    """A payment run of two persons; the bank settles it, and names a payment nobody knows."""
    wanted = _wanted(city)
    run = city.act(
        city.finance,
        "/v1/payouts/runs/payment-run-1",
        wanted,
        other={**wanted, "month": "2026-08"},
    )
    run = city.act(
        city.other_finance,
        "/v1/payouts/runs/payment-run-1/confirmation",
        {"total_tiyn": run["planned_tiyn"]},
        other={"total_tiyn": run["planned_tiyn"] + 1},
        code="payouts/sum-changed",
    )
    city.cloud.drain()
    settled = [(one["end_to_end_id"], "settled", one["amount_tiyn"]) for one in run["payments"]]
    file = bank_file(*settled, ("unknown-0001", "settled", 1_00))
    city.act(
        city.finance,
        "/v1/payouts/answers/answer-0001",
        file,
        other=file.replace(b"settled", b"returned"),
        headers=_CSV,
    )
    decision = {"what": "closed", "why": "not-ours", "document": "No. 17"}
    city.act(
        city.finance,
        f"/v1/payouts/cases/{unknown_id('taldykorgan', 'unknown-0001')}/decision",
        decision,
        other={**decision, "document": "No. 18"},
        code="payouts/case-closed",
    )
    city.cloud.drain()


def _repaid(city: City) -> None:
    """What was paid too much comes in at the bank, under a name that only people can read."""
    owed = _found_out(city, "2026-10-16T08:00:00")
    file = bank_file(("unknown-0002", "returned", owed["amount_tiyn"]))
    city.act(city.finance, "/v1/payouts/answers/answer-0002", file, headers=_CSV)
    decision = {
        "what": "repaid",
        "why": "bank-letter",
        "document": "No. 19",
        "claim": owed["claim_id"],
    }
    city.act(
        city.finance,
        f"/v1/payouts/cases/{unknown_id('taldykorgan', 'unknown-0002')}/decision",
        decision,
        other={**decision, "document": "No. 20"},
        code="payouts/case-closed",
        variant="repaid",
    )
    city.cloud.drain()
    assert [c["state"] for c in _claims(city) if c["claim_id"] == owed["claim_id"]] == ["settled"]


def _found_out(city: City, until: str) -> dict[str, Any]:
    """Let a day's marks turn out to be false after they were agreed; return what is owed."""
    asked = {**city.here, "which": "open"}
    listed = city.department.get("/v1/signals", query=asked)["signals"]
    first = next(one for one in listed if one["kind"] == "clock-jump" and one["site_id"] == SITE)
    word = {"verdict": "confirmed", "reason": "false-marks", "seen": first["evidence"]}
    city.act(
        city.department,
        f"/v1/signals/{first['signal_id']}/decision",
        word,
        other={**word, "reason": "tablet-misused"},
        variant="confirmed",
    )
    city.cloud.drain()
    (owed,) = (one for one in _claimed(city, until) if one["waits_for"] == "repayment")
    return owed


def _claimed(city: City, until: str) -> list[dict[str, Any]]:
    """Let the schedules bill and claim; return the month's claims."""
    city.cloud.advance(almaty(until), only=["run_billing", "run_claims"])
    return _claims(city)


def _claims(city: City) -> list[dict[str, Any]]:
    return list(city.department.get("/v1/payouts/claims", query=_wanted(city))["claims"])


def _wanted(city: City) -> dict[str, str]:
    return {**city.here, "month": "2026-09"}


def bank_file(*rows: tuple[str, str, int]) -> bytes:
    """Return a bank's answer from (id, status, tiyn)."""
    lines = ["record,end_to_end_id,status,amount,reason"]
    lines += [f"payment,{name},{said},{tiyn / 100:.2f}," for name, said, tiyn in rows]
    lines.append(f"total,{len(rows)},,{sum(row[2] for row in rows) / 100:.2f},")
    return "\n".join(lines).encode()
