"""What is alike after every month: figures read, claims through three hands, the bank's answer."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from infra.client import Api
from infra.demo.stage import Stage, Unexpected, good, pages


@dataclass(slots=True)
class Billed:
    """What anybody may read of a month, summed and by direction ("" where there is none)."""

    due_tiyn: int = 0
    posted_tiyn: int = 0
    list_based_tiyn: int = 0
    units: int = 0
    formula: str = ""
    savings_tiyn: Counter[str] = field(default_factory=Counter)
    rows: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class Paid:
    """What became of a payment run."""

    payees: int = 0
    sent_tiyn: int = 0
    paid_tiyn: int = 0
    returned_tiyn: int = 0
    became: Counter[str] = field(default_factory=Counter)
    files: list[str] = field(default_factory=list)


def billed(stage: Stage, month: str) -> Billed:
    """Return the public figures of a month."""
    asked = {"programme": stage.programme, "area": stage.area, "month": month}
    found = good(stage.api.get("/v1/billing/figures", **asked))
    rows = found["providers"]
    made = Billed(
        due_tiyn=sum(row["due_tiyn"] for row in rows),
        posted_tiyn=sum(row["posted_tiyn"] for row in rows),
        list_based_tiyn=sum(row["list_based_tiyn"] for row in rows),
        units=sum(row["child_days"] for row in rows),
        formula=found["formula"],
        rows=rows,
    )
    for row in rows:
        made.savings_tiyn.update(row["savings_tiyn"])
    return made


def undecided(stage: Stage, department: Api, month: str) -> list[Any]:
    """Return what waits for the department's word, by child."""
    found: list[Any] = []
    cursor: str | None = None
    while True:
        page = good(
            department.get(
                "/v1/attendance/undecided",
                programme=stage.programme,
                area=stage.area,
                month=month,
                limit=10,
                cursor=cursor,
            )
        )
        found += page["items"]
        cursor = page["next_cursor"]
        if not cursor:
            return found


def claims(stage: Stage, month: str) -> list[dict[str, Any]]:
    """Return the month's claims as the auditor sees them."""
    asked = {"month": month, "programme": stage.programme, "area": stage.area}
    return list(pages(stage.officer("auditor"), "/v1/payouts/claims", "claims", **asked))


def through_three_hands(stage: Stage, month: str) -> int:
    """Heads sign, the direction's department agrees, finance releases; return how many claims."""
    finance = stage.officer("finance")
    found = claims(stage, month)
    stage.each("imported accounts confirmed by two", _payees(found), _confirm_of(stage))

    def hands(claim: dict[str, Any]) -> None:
        path = f"/v1/payouts/claims/{claim['claim_id']}"
        head = stage.head(claim["organisation_id"])
        department = stage.officer("department", direction=claim.get("direction") or None)
        good(head.put(f"{path}/signature", {"amount_tiyn": claim["amount_tiyn"]}))
        good(department.put(f"{path}/agreement", {"agreed": True}))
        good(finance.put(f"{path}/release", {}))

    stage.each("claims signed, agreed, released", found, hands)
    stage.calls += 2 * len(found)
    return len(found)


def _payees(found: list[dict[str, Any]]) -> list[str]:
    return sorted({claim["organisation_id"] for claim in found})


def _confirm_of(stage: Stage) -> Callable[[str], None]:
    """Return what compares an organisation's imported account with the bank's letter, by two."""
    officers = [stage.officer("department", f"department-{stage.area}-{n}") for n in (1, 2)]

    def confirm(organisation_id: str) -> None:
        path = f"/v1/providers/organisations/{organisation_id}"
        seen = good(officers[0].get(path))
        if seen["account_state"] in ("imported", "changed"):
            for officer in officers:
                body = {"revision": seen["revision"]}
                good(officer.put(f"{path}/account-confirmation", body))

    return confirm


def pay(stage: Stage, month: str, *, run_id: str, answer_id: str) -> Paid:
    """One payment file, by two of finance; the bank settles all but one, and says it twice."""
    made = Paid()
    finance = stage.officer("finance")
    asked = {"programme": stage.programme, "area": stage.area, "month": month}
    run = good(finance.put(f"/v1/payouts/runs/{run_id}", asked))
    second = stage.officer("finance", f"finance-{stage.area}-2")
    seen = {"total_tiyn": run["planned_tiyn"]}
    run = good(second.put(f"/v1/payouts/runs/{run_id}/confirmation", seen))
    folder = stage.control.data / "payments"
    folder.mkdir(exist_ok=True)
    for form, ending in (("csv", "csv"), ("xlsx", "xlsx"), ("pain.001", "xml")):
        answer = finance.get(f"/v1/payouts/runs/{run_id}", format=form)
        if not answer.good:
            raise Unexpected(f"{form}: {answer.code}")
        (folder / f"{run_id}.{ending}").write_bytes(answer.raw)
        made.files.append(str(folder / f"{run_id}.{ending}"))
    made.payees = len(run["payments"])
    made.sent_tiyn = int(run["total_tiyn"])
    path = f"/v1/payouts/answers/{answer_id}"
    told = good(finance.ask("PUT", path, bank(run), media="text/csv"))
    made.became = Counter(line["became"] for line in told["lines"])
    good(finance.ask("PUT", path, bank(run), media="text/csv"))
    stage.calls += 7
    stage.control.drain()
    figures = good(stage.api.get("/v1/payouts/figures", **asked))
    made.paid_tiyn = sum(row["paid_tiyn"] for row in figures["providers"])
    made.returned_tiyn = sum(row["returned_tiyn"] for row in figures["providers"])
    return made


def bank(run: dict[str, Any]) -> bytes:
    """Return the treasury's answer: everything settled, the first payment returned."""
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(["record", "end_to_end_id", "status", "amount", "reason"])
    total = Decimal(0)
    for number, payment in enumerate(run["payments"]):
        amount = Decimal(payment["amount_tiyn"]) / 100
        total += amount
        status, reason = ("settled", "") if number else ("returned", "AC04")
        rows.writerow(["payment", payment["end_to_end_id"], status, f"{amount:.2f}", reason])
    rows.writerow(["total", len(run["payments"]), "", f"{total:.2f}", ""])
    return out.getvalue().encode()
