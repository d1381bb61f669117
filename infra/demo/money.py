"""What a visitor asks of a month's money: where it stands, why not yet, is it right, from where.

Everything is read over HTTP, by those who may; the schedules that answer it run by themselves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chalicelib.kernel.periods import local_day, shown_day
from infra.demo.figures import Figure, Page, tenge
from infra.demo.settling import Mended
from infra.demo.stage import Stage, at, good, pages

NIGHT = ("run_ledger", "run_self_audit")


@dataclass(frozen=True, slots=True)
class Signed:
    """A record as its tablet keeps it: its number in the chain, the hash that the next names."""

    site_id: str
    device_id: str
    counter: int
    hash: str


@dataclass(slots=True)
class Standing:
    """What the public clock says. steps: where money stands, as the API tells a step."""

    on: str = ""
    total_tiyn: int = 0
    paid_tiyn: int = 0
    overdue_tiyn: int = 0
    steps: dict[str, dict[str, Any]] = field(default_factory=dict)
    overdue: list[dict[str, Any]] = field(default_factory=list)

    def tiyn(self, step: str) -> int:
        """Return how much stands at a step."""
        return int(self.steps[step]["tiyn"]) if step in self.steps else 0


@dataclass(slots=True)
class Night:
    """What the night found: the ledger against itself, all statements against what is due."""

    on: str = ""
    postings: int = 0
    together_tiyn: int | None = None
    flaws: int | None = None
    statements: int = 0
    difference_tiyn: int | None = None
    cases: int | None = None
    saved: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Traced:
    """A signed record and its money, there and back. back: the child's line names that record."""

    hash: str = ""
    line: str = ""
    day_tiyn: int = 0
    exact: bool = False
    back: bool = False
    statement: int = 0
    posting: str = ""
    run: str = ""
    payment: str = ""
    state: str = ""


@dataclass(slots=True)
class Money:
    """What the demo's visitor found out. whys: when it was asked → the provider's answer."""

    standings: list[Standing] = field(default_factory=list)
    whys: list[tuple[str, str]] = field(default_factory=list)
    mended: Mended = field(default_factory=Mended)
    night: Night = field(default_factory=Night)
    signed: Signed = Signed("", "", 0, "")
    traced: Traced = field(default_factory=Traced)
    signals: Counter[str] = field(default_factory=Counter)

    def look(self, stage: Stage, month: str) -> None:
        """Keep what the clock says now."""
        self.standings.append(standing(stage, month))

    def ask(self, stage: Stage, month: str, site_id: str, organisation_id: str) -> None:
        """Keep what a provider is told about its month now."""
        told = why(stage, month, site_id, organisation_id)
        self.whys.append((shown_day(local_day(stage.control.now())), told))


def standing(stage: Stage, month: str) -> Standing:
    """Return what everybody may read of where a month's money stands."""
    asked = {"programme": stage.programme, "area": stage.area, "month": month}
    seen = good(stage.api.get("/v1/payouts/clock", **asked))
    stage.calls += 1
    (region,) = seen["regions"]
    return Standing(
        on=_day(seen["today"]),
        total_tiyn=region["total_tiyn"],
        paid_tiyn=region["paid_tiyn"],
        overdue_tiyn=region["overdue_tiyn"],
        steps={step["step"]: step for step in region["steps"]},
        overdue=region["overdue"],
    )


def why(stage: Stage, month: str, site_id: str, organisation_id: str) -> str:
    """Return why a month is not paid yet, as its provider reads it."""
    head = stage.head(organisation_id)
    head.language = "en"
    stage.calls += 1
    return str(good(head.get(f"/v1/payouts/sites/{site_id}/months/{month}/why"))["says"])


def night(stage: Stage, day: str, month: str) -> Night:
    """Let a night pass and read what it found: trial balance, self-audit, savings."""
    stage.jump(at(day, "02:25"))
    for clock in ("02:35", "03:05", "03:35"):
        stage.live(at(day, clock), *NIGHT)
    trial = good(stage.officer("auditor").get("/v1/budgets/trial-balance"))
    area = {"programme": stage.programme, "area": stage.area}
    audit = good(stage.api.get("/v1/billing/self-audit", **area))
    english = stage.api.as_(None)
    english.language = "en"
    saved = good(english.get("/v1/billing/savings", **area, first=month, last=month))
    stage.calls += 3
    return Night(
        on=_day(audit["on"]) if audit["on"] else "",
        postings=trial["postings"],
        together_tiyn=trial["total_tiyn"] if trial["on"] else None,
        flaws=trial["flawed"] if trial["on"] else None,
        statements=audit["statements"],
        difference_tiyn=audit["difference_tiyn"],
        cases=audit["cases"] if audit["on"] else None,
        saved=saved,
    )


def trace(stage: Stage, month: str, signed: Signed) -> Traced:
    """Follow a signed record to the bank's answer, and the child's line back to the record."""
    auditor = stage.officer("auditor").for_("inspection")
    found = good(auditor.get(f"/v1/traces/records/{signed.device_id}/{signed.counter}"))
    path = f"/v1/traces/sites/{signed.site_id}/months/{month}/children/{found['child_id']}"
    whole = good(auditor.get(path))
    stage.calls += 2
    line = next(day for day in whole["days"] if day["line"] == found["line"])
    newest = found["statements"][-1]
    return Traced(
        hash=found["hash"],
        line=found["line"],
        day_tiyn=found["day"]["tiyn"],
        exact=whole["exact"],
        back=signed.hash in [record["hash"] for record in line["records"]],
        statement=newest["statement"],
        posting=newest["posting"],
        run=newest["payment_run"] or "",
        payment=newest["payment_id"] or "",
        state=newest["payment_state"] or "",
    )


def signals(stage: Stage, direction: str | None = None) -> Counter[str]:
    """Return what waits for an officer's look, by kind."""
    department = stage.officer("department", direction=direction)
    asked = {"programme": stage.programme, "area": stage.area}
    found = list(pages(department, "/v1/signals", "signals", **asked))
    stage.calls += 1
    return Counter(one["kind"] for one in found)


# --- told -----------------------------------------------------------------------------------------


def tell(page: Page, money: Money, month: str) -> None:
    """Print what was found out."""
    looks = money.standings
    steps = [step for step in _steps(looks) if any(one.tiyn(step) for one in looks)]
    page.wide(
        f"Where the money of {month} stands, tenge: GET /v1/payouts/clock, GET /clock",
        ["step, its days, who acts", *(one.on for one in looks)],
        [
            *((_titled(step, looks), *(tenge(one.tiyn(step)) for one in looks)) for step in steps),
            ("together", *(tenge(one.total_tiyn) for one in looks)),
            ("overdue", *(tenge(one.overdue_tiyn) for one in looks)),
        ],
        "few children's money is told with the next step's",
    )
    late = [(one, row) for one in looks for row in one.overdue]
    mended, night_, traced = money.mended, money.night, money.traced
    page.table(
        "Why am I not paid yet?",
        [
            *(
                (f"{one.on}, everybody reads who is late", f"{row['name']}: {_late(row)}")
                for one, row in late
            ),
            *((f"{on}, the provider reads", says) for on, says in money.whys),
            ("another account is named; two compare it", " → ".join(mended.accounts)),
            ("sent again, to that one", _became(mended)),
        ],
    )
    saved = night_.saved.get("total", {})
    page.table(
        f"Is it right? The night to {night_.on}",
        [
            ("the ledger: all accounts together, tiyn", night_.together_tiyn),
            ("… of so many postings, flaws", f"{night_.postings} postings, {night_.flaws} flaws"),
            ("self-audit: posted and due differ by, tiyn", night_.difference_tiyn),
            ("… of so many statements, open cases", f"{night_.statements}, {night_.cases}"),
            ("payment by list", tenge(saved.get("list_based_tiyn", 0))),
            ("due", tenge(saved.get("due_tiyn", 0))),
            ("saved", tenge(saved.get("saved_tiyn", 0))),
            ("held, may be paid yet", tenge(sum(saved.get("held_tiyn", {}).values()))),
            ("what the tablet signed", f"record {traced.hash[:16]}… of {traced.line}"),
            ("… brought, tenge", tenge(traced.day_tiyn)),
            ("… by statement, posting", f"{traced.statement}, {traced.posting}"),
            ("… paid by", f"{traced.payment} of {traced.run}: {traced.state}"),
            ("… and back to the same record", "yes" if traced.back else "NO"),
            ("signals that wait for an officer", _counted(money.signals)),
        ],
        night_.saved.get("formula", ""),
    )


def figures(
    money: Money, *, due_tiyn: int, held_tiyn: int, expected: Mapping[str, int]
) -> list[Figure]:
    """Return what is compared with what follows from the construction.

    expected: signals that what was planted must raise.
    """
    before, paid, late, end = money.standings
    night_, traced, mended = money.night, money.traced, money.mended
    saved = night_.saved["total"]
    in_cases = sum(case["amount_tiyn"] for case in mended.cases)
    return [
        Figure(
            "known of the month by the clock at each look, tiyn",
            [one.total_tiyn for one in money.standings],
            [due_tiyn + held_tiyn] * 4,
        ),
        Figure(
            "waits for signatures on the day to sign, tiyn", before.tiyn("sign"), before.total_tiyn
        ),
        Figure("came back and waits for finance, tiyn", paid.tiyn("release"), mended.sent_tiyn),
        Figure("overdue before the payment, tiyn", before.overdue_tiyn, 0),
        Figure(
            "overdue once it came back, by name, tiyn",
            [_named(paid), _named(late)],
            [{"release": mended.sent_tiyn}] * 2,
        ),
        Figure("overdue in the end, tiyn", end.overdue_tiyn, in_cases),
        Figure("a new account, before and after two", mended.accounts, ("changed", "confirmed")),
        Figure(
            "paid in the end or in one open case, tiyn",
            mended.paid_tiyn + in_cases,
            due_tiyn,
        ),
        Figure("the ledger's accounts together, tiyn", night_.together_tiyn, 0),
        Figure("flaws of the ledger", night_.flaws, 0),
        Figure("the self-audit's number, tiyn", night_.difference_tiyn, 0),
        Figure(
            "list-based less due: blocked and held, tiyn",
            sum(saved["blocked_tiyn"].values()) + sum(saved["held_tiyn"].values()),
            saved["list_based_tiyn"] - due_tiyn,
        ),
        Figure("held until somebody decides, tiyn", sum(saved["held_tiyn"].values()), held_tiyn),
        Figure("the record that a tablet signed, traced", traced.hash, money.signed.hash),
        Figure(
            "its days sum to its line, and lead back to it",
            (traced.exact, traced.back),
            (True, True),
        ),
        Figure("its money at the bank", traced.state, "settled"),
        Figure(
            "signals of what was planted",
            {kind: money.signals[kind] for kind in expected},
            expected,
        ),
    ]


def _named(late: Standing) -> dict[str, int]:
    return {row["step"]: row["tiyn"] for row in late.overdue if row["name"]}


def _steps(looks: list[Standing]) -> list[str]:
    return list(dict.fromkeys(step for one in looks for step in one.steps))


def _titled(step: str, looks: list[Standing]) -> str:
    told = next(one.steps[step] for one in looks if step in one.steps)
    days = f"{_day(told['first'])[:5]} to {_day(told['last'])[:5]}"
    return f"{step}, {days}, {told['who']}"


def _late(row: dict[str, Any]) -> str:
    days = row["late_days"]
    return f"{tenge(row['tiyn'])} at “{row['step']}”, {days} {'day' if days == 1 else 'days'} late"


def _became(mended: Mended) -> str:
    what = ", ".join(sorted(mended.became))
    cases = [f"{case['reason']}, to be decided by {_day(case['due_at'])}" for case in mended.cases]
    return f"{tenge(mended.sent_tiyn)}: {what}" + "".join(f" ({case})" for case in cases)


def _counted(found: Counter[str]) -> str:
    return ", ".join(f"{kind} {count}" for kind, count in sorted(found.items())) or "none"


def _day(text: str) -> str:
    return f"{text[8:10]}.{text[5:7]}.{text[:4]}"
