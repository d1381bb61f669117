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
from samples.draws import Draws
from samples.numbers import Numbers


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


@dataclass(slots=True)
class Mended:
    """What became of a payment that had come back.

    accounts: how the new account stood before two had confirmed it, and after.
    paid_tiyn, returned_tiyn: of the whole month, as anybody reads them. cases: open ones.
    """

    organisation_id: str = ""
    site_id: str = ""
    accounts: tuple[str, str] = ("", "")
    sent_tiyn: int = 0
    paid_tiyn: int = 0
    returned_tiyn: int = 0
    became: Counter[str] = field(default_factory=Counter)
    cases: list[dict[str, Any]] = field(default_factory=list)


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
    run = _by_two(stage, month, run_id)
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
    told = _answer(stage, answer_id, bank(run, first="returned"))
    made.became = Counter(line["became"] for line in told["lines"])
    _answer(stage, answer_id, bank(run, first="returned"))
    stage.calls += 4
    made.paid_tiyn, made.returned_tiyn = paid_and_returned(stage, month)
    return made


def pay_again(stage: Stage, month: str, *, run_id: str, answer_id: str, first: str) -> Mended:
    """Pay once more what came back: to a new account, as soon as two compared it with the letter.

    first: what the bank says of it this time, "settled" or "partial".
    """
    made = Mended()
    finance = stage.officer("finance")
    back = [one for one in claims(stage, month) if one["state"] in ("returned", "refused")]
    made.organisation_id, made.site_id = back[0]["organisation_id"], back[0]["site_id"]
    made.sent_tiyn = sum(claim["amount_tiyn"] for claim in back)
    waits = _name_account(stage, made.organisation_id)
    _confirm_of(stage)(made.organisation_id)
    path = f"/v1/providers/organisations/{made.organisation_id}"
    follows = good(stage.head(made.organisation_id).get(path))["account_state"]
    made.accounts = (waits, follows)
    for claim in back:
        good(finance.put(f"/v1/payouts/claims/{claim['claim_id']}/release", {}))
    run = _by_two(stage, month, run_id)
    told = _answer(stage, answer_id, bank(run, first=first))
    made.became = Counter(line["became"] for line in told["lines"])
    made.paid_tiyn, made.returned_tiyn = paid_and_returned(stage, month)
    made.cases = list(pages(finance, "/v1/payouts/cases", "cases", area=stage.area))
    stage.calls += 6 + len(back)
    return made


def paid_and_returned(stage: Stage, month: str) -> tuple[int, int]:
    """Return what anybody may read that was paid, and that came back, of a month."""
    asked = {"programme": stage.programme, "area": stage.area, "month": month}
    rows = good(stage.api.get("/v1/payouts/figures", **asked))["providers"]
    return sum(row["paid_tiyn"] for row in rows), sum(row["returned_tiyn"] for row in rows)


def _by_two(stage: Stage, month: str, run_id: str) -> dict[str, Any]:
    """Return a payment run: one of finance proposes it, another confirms it over its sum."""
    asked = {"programme": stage.programme, "area": stage.area, "month": month}
    path = f"/v1/payouts/runs/{run_id}"
    seen = good(stage.officer("finance").put(path, asked))
    second = stage.officer("finance", f"finance-{stage.area}-2")
    confirmed = {"total_tiyn": seen["planned_tiyn"]}
    run: dict[str, Any] = good(second.put(f"{path}/confirmation", confirmed))
    stage.calls += 2
    return run


def _answer(stage: Stage, answer_id: str, content: bytes) -> dict[str, Any]:
    path = f"/v1/payouts/answers/{answer_id}"
    told = good(stage.officer("finance").ask("PUT", path, content, media="text/csv"))
    stage.calls += 1
    stage.control.drain()
    found: dict[str, Any] = told
    return found


def _name_account(stage: Stage, organisation_id: str) -> str:
    """Return how an account stands that the head names: nothing follows it before two agree."""
    head = stage.head(organisation_id)
    path = f"/v1/providers/organisations/{organisation_id}"
    seen = good(head.get(path))
    kept = {name: seen[name] for name in ("bin", "name", "form", "payee", "contact")}
    account = Numbers(Draws(f"another account of {organisation_id}")).account()
    named = {"account": account, "bank": seen["bank"], "replaces": seen["revision"]}
    return str(good(head.put(path, kept | named))["account_state"])


def bank(run: dict[str, Any], *, first: str) -> bytes:
    """Return the treasury's answer: everything settled, but the first payment as said.

    Of "partial" all but a hundred tenge arrived.
    """
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(["record", "end_to_end_id", "status", "amount", "reason"])
    total = Decimal(0)
    for number, payment in enumerate(run["payments"]):
        status = "settled" if number else first
        amount = Decimal(payment["amount_tiyn"]) / 100 - (100 if status == "partial" else 0)
        total += amount
        reason = "AC04" if status == "returned" else ""
        rows.writerow(["payment", payment["end_to_end_id"], status, f"{amount:.2f}", reason])
    rows.writerow(["total", len(run["payments"]), "", f"{total:.2f}", ""])
    return out.getvalue().encode()
