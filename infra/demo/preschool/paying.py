"""October: months are closed and approved, billed by the schedule, claimed, released, paid."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from infra.demo import money, settling
from infra.demo.money import Money
from infra.demo.preschool import reckoning, sample
from infra.demo.preschool.attending import MONTH, Autumn, Child, is_spoken_for
from infra.demo.preschool.queueing import Summer, standing
from infra.demo.preschool.reckoning import PaidDay
from infra.demo.settling import Billed, Paid
from infra.demo.stage import Stage, at, good, pages
from samples.attendance import LEAVER_LAST_DAY, NO_REASON, PRESENT, WORKING_DAYS, mark

QUARTER = "2026-Q3"
DISPUTES = 6  # half of them are agreed to, half insisted on; one is left undecided
SILENT = 5  # families that do not look at the timesheet; one is left undecided
RATINGS = 8
ON_ONE_TELEPHONE = 7  # families of one house, whose approvals come from the same device
BUDGET_TIYN = 40_000_000_000
RUN, AGAIN = "september-2026", "september-2026-2"


@dataclass(slots=True)
class Winter:
    """What October left behind. held: (application, day) whose money waits for a word."""

    closed: int = 0
    approved: int = 0
    disputed: int = 0
    silent: int = 0
    decided: int = 0
    held_days: int = 0
    billed: Billed = field(default_factory=Billed)
    held_tiyn: int = 0
    reckoned_tiyn: int = 0
    reckoned_days: int = 0
    reckoned_held_tiyn: int = 0
    paid: Paid = field(default_factory=Paid)
    ratings: int = 0
    rated_hundredths: int | None = None
    posted_again_tiyn: int = 0
    agreed: set[tuple[str, date]] = field(default_factory=set)
    at_the_end: dict[str, int] = field(default_factory=dict)
    money: Money = field(default_factory=Money)


def play(stage: Stage, summer: Summer, autumn: Autumn) -> Winter:
    """Play October."""
    winter = Winter()
    with stage.act("closing and approval"):
        _close(stage, winter)
        stage.jump(at("2026-10-02", "10:00"))
        _clear(stage, autumn)
        held = _approve(stage, autumn, winter)
        stage.jump(at("2026-10-08", "10:00"))
        _decide(stage, autumn, winter, held)
        stage.live(at("2026-10-09", "04:05"), "run_signals")
        _signals(stage, autumn, winter)
    with stage.act("billing"):
        finance = stage.officer("finance")
        budget = {"amount_tiyn": BUDGET_TIYN, "act": "Решение маслихата № 12-4"}
        good(finance.put(f"/v1/budgets/{stage.programme}/{stage.area}/2026", budget))
        _bill(stage, winter)
        _reckon(stage, summer, autumn, winter, held)
    with stage.act("claims and payment"):
        stage.live(at("2026-10-13", "13:05"), "run_clock")
        stage.jump(at("2026-10-14", "10:00"))
        _pay(stage, autumn, winter)
    with stage.act("ratings"):
        _rate(stage, autumn, winter)
        winter.at_the_end = standing(stage)
    return winter


def _pay(stage: Stage, autumn: Autumn, winter: Winter) -> None:
    """Claims, the file, the bank; one payment comes back and is paid to another account."""
    seen = winter.money
    first = min(settling.claims(stage, MONTH), key=lambda c: (c["organisation_id"], c["claim_id"]))
    payee = (first["site_id"], first["organisation_id"])
    seen.look(stage, MONTH)
    seen.ask(stage, MONTH, *payee)
    settling.through_three_hands(stage, MONTH)
    stage.jump(at("2026-10-16", "09:00"))
    winter.paid = settling.pay(stage, MONTH, run_id=RUN, answer_id="bank-2026-10-16")
    seen.look(stage, MONTH)
    stage.jump(at("2026-10-19", "10:00"))
    seen.look(stage, MONTH)
    seen.ask(stage, MONTH, *payee)
    seen.mended = settling.pay_again(
        stage, MONTH, run_id=AGAIN, answer_id="bank-2026-10-19", first="settled"
    )
    seen.look(stage, MONTH)
    seen.ask(stage, MONTH, *payee)
    seen.night = money.night(stage, "2026-10-20", MONTH)
    seen.signed = autumn.signed.get(payee[0]) or autumn.signed[min(autumn.signed)]
    seen.traced = money.trace(stage, MONTH, seen.signed)


def _clear(stage: Stage, autumn: Autumn) -> None:
    """The department inspects the tablet whose key was copied: its own marks are proof again."""
    site_id, device_id = autumn.copied
    path = f"/v1/attendance/devices/{device_id}/clearing"
    body = {"site_id": site_id, "reason": "inspected"}
    good(stage.officer("department").put(path, body))


def _signals(stage: Stage, autumn: Autumn, winter: Winter) -> None:
    """What is odd waits for an officer, each with its reason."""
    found = winter.money.signals = money.signals(stage)
    if found["one-second"]:
        autumn.caught["T4"] = "a signal: many children came in one second by one tablet"
    if found["one-device-approvals"]:
        autumn.caught["T5"] = "a signal: many families approved from one telephone"


def _close(stage: Stage, winter: Winter) -> None:
    def close(garden: sample.Garden) -> None:
        path = f"/v1/attendance/sites/{garden.site_id}/months/{MONTH}/closing"
        good(stage.head(garden.organisation_id).put(path, {}))

    winter.closed = len(stage.each("months closed", list(sample.gardens().values()), close))


def _children(stage: Stage, autumn: Autumn) -> list[tuple[str, str]]:
    """Return (application id, child id) of everybody who was anywhere in September."""
    found = {c.application_id: c.child_id for c in autumn.children.values()}
    for garden in sample.gardens().values():
        if garden.groups[0]["kind"] == "general":
            continue
        head = stage.head(garden.organisation_id)
        for entry in pages(head, f"/v1/vouchers/sites/{garden.site_id}/enrolments"):
            found[entry["application_id"]] = entry["child_id"]
    return sorted(found.items())


def _approve(stage: Stage, autumn: Autumn, winter: Winter) -> set[tuple[str, date]]:
    """Families look and approve; a few dispute a day, a few never look.

    Returns (application id, day) of what is then for the department to decide.
    """
    everybody = _children(stage, autumn)
    plain = [c for c in autumn.children.values() if c.application_id not in autumn.transferred]
    away = [c for c in plain if _days_of(c, NO_REASON)]
    silent = [c for c in plain if not _days_of(c, NO_REASON) and not is_spoken_for(c)][:SILENT]
    disputing = {c.application_id: _days_of(c, NO_REASON)[0] for c in away[:DISPUTES]}
    quiet = {c.application_id for c in silent}
    shared = _on_one_telephone(autumn, {*quiet, *disputing})

    def approve(pair: tuple[str, str]) -> int:
        application_id, child_id = pair
        if application_id in quiet:
            return 0
        api = stage.family(sample.families()[application_id].account)
        if application_id in shared:
            api = api.from_("telephone-of-an-educator")
        path = f"/v1/attendance/children/{child_id}/months/{MONTH}"
        if application_id in disputing:
            said = {"claim": "P", "reason": "was-there"}
            good(api.put(f"{path}/disputes/{disputing[application_id]}", said))
        sheets = good(api.get(path))["items"]
        for sheet in sheets:
            body = {"digest": sheet["digest"], "site_id": sheet["site_id"]}
            good(api.put(f"{path}/approval", body))
        return len(sheets)

    # Those on one telephone approve one after the other, as its owner would.
    everybody.sort(key=lambda pair: pair[0] not in shared)
    winter.approved = sum(stage.each("timesheets approved", everybody, approve))
    winter.disputed, winter.silent = len(disputing), len(quiet)
    stage.calls += winter.approved
    _answer(stage, autumn, disputing)
    held = set(disputing.items())
    return held | {(c.application_id, day) for c in silent for day in WORKING_DAYS}


def _on_one_telephone(autumn: Autumn, others: set[str]) -> set[str]:
    """Return families of one house, none of the others, whose word one person gives for all."""
    day = WORKING_DAYS[-1]
    houses: dict[str, dict[str, str]] = {}
    for child in autumn.children.values():
        if child.application_id not in others:
            account = sample.families()[child.application_id].account
            houses.setdefault(child.at(day)[0], {})[account] = child.application_id
    house = next(found for _, found in sorted(houses.items()) if len(found) >= ON_ONE_TELEPHONE)
    return set(sorted(house.values())[:ON_ONE_TELEPHONE])


def _days_of(child: Child, code: str) -> list[date]:
    return [d for n, d in enumerate(WORKING_DAYS) if mark(child.ordinal, n) == code]


def _answer(stage: Stage, autumn: Autumn, disputing: dict[str, date]) -> None:
    """Heads answer: every second one agrees with the family."""
    for number, (application_id, day) in enumerate(sorted(disputing.items())):
        child = autumn.children[application_id]
        site_id, _ = child.at(day)
        head = stage.head(sample.gardens()[site_id].organisation_id)
        path = f"/v1/attendance/sites/{site_id}/months/{MONTH}/children/{child.child_id}"
        said = {"answer": "agree" if number % 2 == 0 else "insist"}
        good(head.put(f"{path}/answers/{day}", said))
        stage.calls += 1


def _decide(stage: Stage, autumn: Autumn, winter: Winter, held: set[tuple[str, date]]) -> None:
    """The department decides line by line; one child's lines and one dispute stay open.

    Takes what was decided out of `held`; what was decided as absent stays with its code N.
    """
    department = stage.officer("department")
    waiting = settling.undecided(stage, department, MONTH)
    by_child = {c.child_id: c for c in autumn.children.values()}
    disputed = sorted(
        (entry["child_id"], line["on"], entry["site_id"], line)
        for entry in waiting
        for line in entry["lines"]
        if line["dispute"] is not None
    )
    silent = sorted(
        (entry["child_id"], line["on"], entry["site_id"], line)
        for entry in waiting
        for line in entry["lines"]
        if line["dispute"] is None
    )
    left_open = {disputed[-1][0]} if disputed else set()
    left_open |= {silent[-1][0]} if silent else set()
    work = [entry for entry in disputed + silent if entry[0] not in left_open]

    def decide(entry: tuple[str, str, str, Any]) -> None:
        child_id, on, site_id, line = entry
        if line["dispute"] is None:
            said: dict[str, Any] = {"counts": line["code"] != NO_REASON}
            said["reason"] = "device-evidence" if line["code"] == PRESENT else "paper-proof"
        elif line["dispute"]["answer"] == "agree":
            said = {"counts": True, "reason": "both-agree", "day_code": "P"}
        else:
            said = {"counts": False, "reason": "no-evidence", "day_code": "N"}
        path = f"/v1/attendance/sites/{site_id}/months/{MONTH}/children/{child_id}"
        good(department.put(f"{path}/decisions/{on}", said))

    stage.each("lines decided by the department", work, decide)
    winter.decided = len(work)
    for child_id, on, _, line in work:
        child = by_child[child_id]
        held.discard((child.application_id, date.fromisoformat(on)))
        if line["dispute"] is not None and line["dispute"]["answer"] == "agree":
            winter.agreed.add((child.application_id, date.fromisoformat(on)))
    winter.held_days = len(held)


def _bill(stage: Stage, winter: Winter) -> None:
    """The schedule bills; the second morning it finds nothing to post."""
    stage.jump(at("2026-10-12", "05:59"))
    stage.live(at("2026-10-12", "06:05"), "run_billing")
    _read_figures(stage, winter)
    once = winter.billed.posted_tiyn
    stage.jump(at("2026-10-13", "05:59"))
    stage.live(at("2026-10-13", "06:05"), "run_billing")
    _read_figures(stage, winter)
    winter.posted_again_tiyn = winter.billed.posted_tiyn - once


def _read_figures(stage: Stage, winter: Winter) -> None:
    """Read what anybody may read, and what waits from each provider's page."""
    winter.billed = settling.billed(stage, MONTH)
    auditor = stage.officer("auditor")

    def waiting(garden: sample.Garden) -> int:
        month = good(auditor.get(f"/v1/billing/sites/{garden.site_id}/months/{MONTH}"))
        return sum(int(w["tiyn"]) for w in month["waiting"])

    sites = list(sample.gardens().values())
    winter.held_tiyn = sum(stage.each("provider-months read", sites, waiting))


def _reckon(
    stage: Stage, summer: Summer, autumn: Autumn, winter: Winter, held: set[tuple[str, date]]
) -> None:
    """Reckon what is due from the plan that was played, apart from Kezek's own code."""
    groups = {
        group["group_id"]: (garden, group)
        for garden in sample.gardens().values()
        for group in garden.groups
    }

    def child_days(child: Child) -> list[PaidDay]:
        days = []
        for number, day in enumerate(WORKING_DAYS):
            _, enrolment = child.at(day)
            garden, group = groups[_group_of(stage, summer, child, enrolment)]
            code = mark(child.ordinal, number)
            if (child.application_id, day) in winter.agreed:
                code = PRESENT
            waits = (child.application_id, day) in held
            days.append(PaidDay(day, code, group["kind"], group["hours"], garden.locality, waits))
        return days

    children = [child_days(child) for child in autumn.children.values()]
    children += _partner_days(summer, groups)
    winter.reckoned_tiyn, winter.reckoned_days = reckoning.due(children)
    decided = [[replace(day, held=False) for day in days] for days in children]
    winter.reckoned_held_tiyn = reckoning.due(decided)[0] - winter.reckoned_tiyn


def _group_of(stage: Stage, summer: Summer, child: Child, enrolment_id: str) -> str:
    first = summer.enrolments[child.application_id]
    if first["enrolment_id"] == enrolment_id:
        return str(first["group_id"])
    family = sample.families()[child.application_id]
    voucher = good(stage.family(family.account).get(f"/v1/vouchers/{child.voucher_id}"))
    return str(voucher["group_id"])


def _partner_days(summer: Summer, groups: dict[str, Any]) -> list[list[PaidDay]]:
    expected = sample.expected()
    leaver = expected["leaver"]["number"]
    special = [
        (sample.families()[a].number, e)
        for a, e in summer.enrolments.items()
        if sample.families()[a].kind != "general"
    ]
    order = {number: n for n, number in enumerate(sorted(number for number, _ in special))}
    found = []
    for number, enrolment in special:
        garden, group = groups[enrolment["group_id"]]
        found.append(
            [
                PaidDay(day, mark(order[number], n), group["kind"], group["hours"], garden.locality)
                for n, day in enumerate(WORKING_DAYS)
                if number != leaver or day <= LEAVER_LAST_DAY
            ]
        )
    return found


def _rate(stage: Stage, autumn: Autumn, winter: Winter) -> None:
    """Families of one kindergarten rate it; it answers; everybody reads."""
    day = WORKING_DAYS[-1]
    counts = Counter(child.at(day)[0] for child in autumn.children.values())
    site_id = counts.most_common(1)[0][0]
    raters = [c for c in autumn.children.values() if c.at(day)[0] == site_id][:RATINGS]
    criteria = [c["code"] for c in good(stage.api.get(f"/v1/ratings/sites/{site_id}"))["criteria"]]
    told: set[str] = set()

    def rate(child: Child) -> None:
        family = sample.families()[child.application_id]
        scores = {code: 3 + (child.ordinal + n) % 3 for n, code in enumerate(criteria)}
        path = f"/v1/ratings/sites/{site_id}/quarters/{QUARTER}"
        answer = stage.family(family.account).put(path, {"scores": scores})
        if answer.good:
            told.add(family.account)
        elif answer.code != "kezek/another-content":  # twins: one family, one rating
            good(answer)

    stage.each("ratings", raters, rate)
    seen = good(stage.api.get(f"/v1/ratings/sites/{site_id}"))["quarters"]
    this = next(q for q in seen if q["quarter"] == QUARTER)
    winter.ratings, winter.rated_hundredths = this["answers"], this["overall_hundredths"]
    head = stage.head(sample.gardens()[site_id].organisation_id)
    said = {"quarter": QUARTER, "text": "Рақмет! Спасибо за оценки."}
    good(head.put(f"/v1/ratings/sites/{site_id}/answer", said))
