"""November: months are closed, families speak lesson by lesson or at once, money goes out.

Some tap each lesson, some use the code of a message, most look at the month and approve it; a few
contest a lesson and a few say nothing. What nobody confirmed earns nothing until an officer looked.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from infra.demo import money, settling
from infra.demo.clubs import opening, sample
from infra.demo.clubs.learning import Child, Month
from infra.demo.clubs.opening import Autumn
from infra.demo.clubs.sample import DIRECTIONS, House
from infra.demo.money import Money
from infra.demo.settling import Billed, Paid
from infra.demo.stage import Stage, at, good
from samples.clubs.october import MISSED, MONTH, PRESENT
from samples.clubs.plan import Contest

RUN, ANSWER = "october-2026", "bank-2026-11-18"
AGAIN, SECOND_ANSWER = "october-2026-2", "bank-2026-11-19"


@dataclass(slots=True)
class Bill:
    """What one direction's clubs were found to have earned."""

    clubs: int = 0
    children: int = 0
    lessons: int = 0
    due_tiyn: int = 0
    posted_tiyn: int = 0
    waiting: int = 0
    waiting_tiyn: int = 0
    beyond_cap: int = 0
    parts: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Winter:
    """What November left behind."""

    closed: int = 0
    approved: int = 0
    taps: int = 0
    contested: int = 0
    decided: int = 0
    left_open: int = 0
    bills: dict[str, Bill] = field(default_factory=dict)
    billed: Billed = field(default_factory=Billed)
    posted_again_tiyn: int = 0
    claims: int = 0
    paid: Paid = field(default_factory=Paid)
    budgets: dict[str, dict[str, int]] = field(default_factory=dict)
    waiting_at_the_end: int = 0
    caught: dict[str, str] = field(default_factory=dict)
    money: Money = field(default_factory=Money)


def play(stage: Stage, autumn: Autumn, month: Month) -> Winter:
    """Play November."""
    winter = Winter()
    with stage.act("closing and confirmation"):
        stage.jump(at("2026-11-02", "08:00"))
        _close(stage, winter)
        stage.jump(at("2026-11-02", "10:00"))
        _contest(stage, month, winter)
        _tap(stage, month, winter)
        _approve(stage, month, winter)
        stage.jump(at("2026-11-09", "10:00"))
        _decide(stage, month, winter)
        winter.money.signals = money.signals(stage)
    with stage.act("billing"):
        for direction in DIRECTIONS:
            # Every October is promised already; the year's budget is raised for what comes after.
            more = sample.expected()["enrolled"][direction] * opening.voucher_tiyn(autumn, 1)
            opening.allot(stage, autumn, direction, more, "Решение маслихата № 25-2")
        _bill(stage, winter)
    with stage.act("claims and payment"):
        stage.live(at("2026-11-13", "13:05"), "run_clock")
        # A Saturday: the window of two days is not moved, and a claim can be signed on any day.
        stage.jump(at("2026-11-14", "10:00"))
        _pay(stage, month, winter)
        _budgets(stage, winter)
        stage.fire("run_checkpoint")
        winter.waiting_at_the_end = opening.standing(stage)["waiting"]
    return winter


def _pay(stage: Stage, month: Month, winter: Winter) -> None:
    """Claims, the file, the bank; what comes back is paid again, in part: an open case."""
    seen = winter.money
    first = min(settling.claims(stage, MONTH), key=lambda c: (c["organisation_id"], c["claim_id"]))
    payee = (first["site_id"], first["organisation_id"])
    seen.look(stage, MONTH)
    seen.ask(stage, MONTH, *payee)
    winter.claims = settling.through_three_hands(stage, MONTH)
    stage.jump(at("2026-11-18", "09:00"))
    winter.paid = settling.pay(stage, MONTH, run_id=RUN, answer_id=ANSWER)
    seen.look(stage, MONTH)
    stage.jump(at("2026-11-19", "10:00"))
    seen.look(stage, MONTH)
    seen.ask(stage, MONTH, *payee)
    seen.mended = settling.pay_again(
        stage, MONTH, run_id=AGAIN, answer_id=SECOND_ANSWER, first="partial"
    )
    seen.look(stage, MONTH)
    seen.ask(stage, MONTH, *payee)
    seen.night = money.night(stage, "2026-11-20", MONTH)
    seen.signed = next(one for site, one in sorted(month.signed.items()) if site != payee[0])
    seen.traced = money.trace(stage, MONTH, seen.signed)


# --- the families' word ---------------------------------------------------------------------------


def _close(stage: Stage, winter: Winter) -> None:
    def close(house: House) -> None:
        path = f"/v1/attendance/sites/{house.site_id}/months/{MONTH}/closing"
        good(stage.head(house.organisation_id).put(path, {}))

    winter.closed = len(stage.each("months closed", list(sample.houses().values()), close))


def _site_of(child: Child, contest: Contest) -> House:
    group = next(code for lesson, code, _ in child.lines if lesson == contest.lesson)
    return sample.house_of(group)


def _contest(stage: Stage, month: Month, winter: Winter) -> None:
    """Families contest a lesson; clubs agree or insist."""

    def contest(one: Contest) -> None:
        child = month.children[one.number]
        house = _site_of(child, one)
        said = {
            "claim": one.claim,
            "reason": "was-there" if one.claim == PRESENT else "was-not-there",
            "site_id": house.site_id,
            "programme": stage.programme,
        }
        lesson = one.lesson.id
        path = f"/v1/attendance/children/{child.child_id}/months/{MONTH}/disputes/{lesson}"
        good(stage.family(child.account).put(path, said))
        site = f"/v1/attendance/sites/{house.site_id}/months/{MONTH}/children/{child.child_id}"
        answer = {"answer": "agree" if one.end == "agreed" else "insist"}
        good(stage.head(house.organisation_id).put(f"{site}/answers/{lesson}", answer))

    contests = sample.karaganda().month.contests
    winter.contested = len(stage.each("lessons contested", contests, contest))
    stage.calls += len(contests)


def _tap(stage: Stage, month: Month, winter: Winter) -> None:
    """Families confirm lesson by lesson with one tap; somebody else's tap is worth nothing."""
    tapping = [month.children[number] for number in sample.karaganda().month.taps]

    def path(child: Child, lesson: str) -> str:
        return f"/v1/attendance/children/{child.child_id}/lessons/{lesson}/confirmation"

    def tap(child: Child) -> int:
        api = stage.family(child.account)
        there = [lesson.id for lesson, _, code in child.lines if code == PRESENT]
        for lesson in there:
            good(api.put(path(child, lesson), {"programme": stage.programme}))
        return len(there)

    first, other = tapping[0], tapping[1]
    lesson = next(lesson.id for lesson, _, code in first.lines if code == PRESENT)
    stranger = stage.family(other.account)
    said = stranger.put(path(first, lesson), {"programme": stage.programme})
    if said.code == "kezek/unknown":
        winter.caught["T8"] = "a stranger's confirmation was refused as if there were no child"
    winter.taps = sum(stage.each("lessons confirmed by a tap", tapping, tap))
    stage.calls += winter.taps


def _approve(stage: Stage, month: Month, winter: Winter) -> None:
    """Most families look at the month once and approve it; the silent and the tapping do not."""
    made = sample.karaganda().month
    quiet = {*made.silent, *made.taps}
    coming = [child for child in month.children.values() if child.number not in quiet]

    def approve(child: Child) -> int:
        api = stage.family(child.account)
        path = f"/v1/attendance/children/{child.child_id}/months/{MONTH}"
        sheets = good(api.get(path, programme=stage.programme))["items"]
        for sheet in sheets:
            body = {
                "digest": sheet["digest"],
                "site_id": sheet["site_id"],
                "programme": stage.programme,
            }
            good(api.put(f"{path}/approval", body))
        return len(sheets)

    winter.approved = sum(stage.each("timesheets approved", coming, approve))
    stage.calls += winter.approved


def _decide(stage: Stage, month: Month, winter: Winter) -> None:
    """Each direction's department decides line by line; some lines stay open."""
    made = sample.karaganda().month
    by_child = {child.child_id: child for child in month.children.values()}
    ends = {(c.number, c.lesson.id): c.end for c in made.contests}
    work: list[tuple[str, dict[str, Any], dict[str, Any], str]] = []
    for direction in DIRECTIONS:
        department = stage.officer("department", direction=direction)
        for entry in settling.undecided(stage, department, MONTH):
            number = by_child[entry["child_id"]].number
            for line in entry["lines"]:
                end = ends.get((number, line["line"]), "")
                if end == "open" or (not end and number in made.silent_open):
                    winter.left_open += 1
                else:
                    work.append((direction, entry, line, end))

    def decide(one: tuple[str, dict[str, Any], dict[str, Any], str]) -> None:
        direction, entry, line, end = one
        path = (
            f"/v1/attendance/sites/{entry['site_id']}/months/{MONTH}"
            f"/children/{entry['child_id']}/decisions/{line['line']}"
        )
        department = stage.officer("department", direction=direction)
        good(department.put(path, _decision(line, end)))

    stage.each("lines decided by the departments", work, decide)
    winter.decided = len(work)


def _decision(line: dict[str, Any], end: str) -> dict[str, Any]:
    """Return an officer's word: both sides agree, or the tablet's evidence, or none."""
    if not end:
        there = line["code"] == PRESENT
        reason = "device-evidence" if there else "no-evidence"
        return {"counts": there, "reason": reason}
    claim = line["dispute"]["claim"]
    if end == "agreed":
        both = {"counts": claim == PRESENT, "reason": "both-agree"}
        return both | ({"day_code": PRESENT} if claim == PRESENT else {})
    if claim == MISSED:
        return {"counts": True, "reason": "device-evidence", "day_code": PRESENT}
    return {"counts": False, "reason": "no-evidence"}


# --- money ----------------------------------------------------------------------------------------


def _bill(stage: Stage, winter: Winter) -> None:
    """The schedule bills; the second morning it finds nothing to post."""
    stage.jump(at("2026-11-12", "05:59"))
    stage.live(at("2026-11-12", "06:05"), "run_billing")
    once = settling.billed(stage, MONTH)
    stage.jump(at("2026-11-13", "05:59"))
    stage.live(at("2026-11-13", "06:05"), "run_billing")
    winter.billed = settling.billed(stage, MONTH)
    winter.posted_again_tiyn = winter.billed.posted_tiyn - once.posted_tiyn
    auditor = stage.officer("auditor")
    houses = list(sample.houses().values())

    def look(house: House) -> dict[str, Any]:
        path = f"/v1/billing/sites/{house.site_id}/months/{MONTH}"
        found: dict[str, Any] = good(auditor.get(path))
        return found

    winter.bills = {direction: Bill() for direction in DIRECTIONS}
    for house, found in zip(houses, stage.each("clubs' months", houses, look), strict=True):
        _add(winter.bills[house.direction], found)


def _add(bill: Bill, found: dict[str, Any]) -> None:
    bill.clubs += 1
    bill.children += found["children"]
    bill.due_tiyn += found["due_tiyn"]
    bill.posted_tiyn += found["posted_tiyn"]
    for waiting in found["waiting"]:
        bill.waiting += waiting["days"]
        bill.waiting_tiyn += waiting["tiyn"]
    bill.beyond_cap += found["unpaid"].get("over-month-cap", 0)
    for statement in found["statements"]:
        for line in statement["lines"]:
            bill.parts.update(line["parts"])
    bill.lessons += found["child_days"]


def _budgets(stage: Stage, winter: Winter) -> None:
    path = f"/v1/budgets/{stage.programme}/{stage.area}/{opening.YEAR}/figures"
    for row in good(stage.api.get(path))["budgets"]:
        winter.budgets[row["direction"]] = {
            name: row[f"{name}_tiyn"] for name in ("allotted", "committed", "spent", "left")
        }
