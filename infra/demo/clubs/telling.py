"""The story in numbers per direction, and whether each number is the one that was to come."""

from __future__ import annotations

from typing import Any

from infra.demo import admitting, money
from infra.demo import figures as shared
from infra.demo.clubs import sample
from infra.demo.clubs.learning import Month
from infra.demo.clubs.opening import Autumn
from infra.demo.clubs.paying import Winter
from infra.demo.clubs.sample import DIRECTIONS
from infra.demo.figures import Caught, Figure, Page, tenge
from infra.demo.stage import Stage
from infra.imports.running import Result


def figures(autumn: Autumn, month: Month, winter: Winter) -> list[Figure]:
    """Return the figures that are checked, in the order of the story."""
    told = sample.expected()
    listed = autumn.imported
    votes = admitting.votes_of(autumn.rules)
    return [
        Figure("steps of an admission", autumn.admission, admitting.expected(votes)),
        Figure("groups on the List", listed.taken if listed else None, told["groups"]),
        *(
            Figure(f"rows refused in {name}", len(result.refused), told["import"].get(name, 0))
            for name, result in _results(autumn).items()
        ),
        Figure(
            "timetables that exceed October's cap", autumn.warned, told["timetables_above_the_cap"]
        ),
        Figure("applications in the window", dict(autumn.applied), told["window"]),
        *(figure for platform in told["register"] for figure in _of_platform(autumn, platform)),
        Figure("the published order is the draw's", autumn.checked_order, True),
        Figure(
            "waiting before the iteration",
            autumn.waiting["waiting"],
            sum(told["queue_at_the_run"].values()),
        ),
        Figure("vouchers by the iteration", dict(autumn.issued), told["vouchers_by_run"]),
        Figure("waiting after it", dict(autumn.waiting_after), told["waiting_after_the_run"]),
        Figure(
            "favoured by the draw, and came",
            {d: len(found) for d, found in autumn.winners.items()},
            told["drawn"],
        ),
        Figure("target vouchers", autumn.target, told["by_way"]["counter"]),
        Figure(
            "vouchers given back in September",
            autumn.given_back.total(),
            sum(told["had_before"].values()),
        ),
        Figure(
            "asking again, in the last of twelve categories",
            autumn.last_category,
            told["by_category"]["12 others"],
        ),
        Figure(
            "lessons by how they were spent",
            {d: dict(sorted(month.marked[d].items())) for d in DIRECTIONS},
            {d: told["due"][d]["lessons"] for d in DIRECTIONS},
        ),
        Figure("families that switched", month.switched, told["switched"]),
        Figure("children who left the suspended club", month.fled, told["left_the_suspended_club"]),
        Figure("lessons cancelled", month.cancelled, told["cancelled_lessons"]),
        Figure("lessons made up", month.made_up, told["made_up_lessons"]),
        Figure(
            "back at the end of their category",
            month.ended["queued"],
            sum(told["never_choose"].values()) + sum(told["no_shows"].values()),
        ),
        Figure("lessons confirmed by code", month.by_code, told["codes"]),
        Figure("lessons contested", winter.contested, told["contests"]),
        *(figure for direction in DIRECTIONS for figure in _of_direction(winter, direction)),
        Figure("posted by the second morning's billing", winter.posted_again_tiyn, 0),
        Figure("sent to the bank, tiyn", winter.paid.sent_tiyn, _due()),
        Figure(
            "paid and returned, tiyn",
            winter.paid.paid_tiyn + winter.paid.returned_tiyn,
            winter.paid.sent_tiyn,
        ),
        Figure(
            "spent of the budgets, tiyn",
            {d: winter.budgets[d]["spent"] for d in DIRECTIONS},
            {d: told["due"][d]["due_tiyn"] for d in DIRECTIONS},
        ),
        *money.figures(
            winter.money,
            due_tiyn=_due(),
            held_tiyn=sum(bill.waiting_tiyn for bill in winter.bills.values()),
            expected={"one-second": 1},
        ),
        Figure("waiting in the end", winter.waiting_at_the_end, told["waiting_at_the_end"]),
        Figure(
            "planted troubles unnoticed",
            [one.id for one in troubles(autumn, month, winter) if one.how is None],
            [],
        ),
    ]


def _due() -> int:
    return sum(sample.expected()["due"][d]["due_tiyn"] for d in DIRECTIONS)


def _of_platform(autumn: Autumn, platform: str) -> list[Figure]:
    told = sample.expected()["register"][platform]
    found = autumn.balances[platform]
    return [
        Figure(f"{platform}: everything adds up", found["balanced"], True),
        Figure(f"{platform}: vouchers moved", found["vouchers"]["after"], told.get("voucher", 0)),
        Figure(f"{platform}: places moved", found["places"]["after"], told.get("queue", 0)),
    ]


def _of_direction(winter: Winter, direction: str) -> list[Figure]:
    told, found = sample.expected()["due"][direction], winter.bills[direction]
    raised = found.parts.total() - found.parts["base"]
    return [
        Figure(f"{direction}: lessons paid", found.lessons, told["paid_lessons"]),
        Figure(f"{direction}: due, tiyn", found.due_tiyn, told["due_tiyn"]),
        Figure(f"{direction}: posted, tiyn", found.posted_tiyn, told["due_tiyn"]),
        Figure(f"{direction}: lessons beyond the cap", found.beyond_cap,
               told["lessons_beyond_the_cap"]),
        Figure(f"{direction}: lessons that wait for a word", found.waiting,
               told["waiting_lessons"]),
        # A third of what a child with special needs earns is the raised part (1.5 of 1).
        Figure(f"{direction}: raised for special needs, tiyn", raised, told["sen_tiyn"] // 3),
    ]  # fmt: skip


def _results(autumn: Autumn) -> dict[str, Result]:
    found = {sample.REGISTERS[name]: moved.result for name, moved in autumn.moved.items()}
    return found | ({sample.CLUBS: autumn.imported} if autumn.imported else {})


def troubles(autumn: Autumn, month: Month, winter: Winter) -> list[Caught]:
    """Return every planted trouble and where it was caught."""
    caught = autumn.caught | month.caught | winter.caught
    return shared.troubles(sample.planted(), _results(autumn), caught, "October")


def tell(stage: Stage, autumn: Autumn, month: Month, winter: Winter, seconds: float) -> bool:
    """Print the story; return whether every figure is as expected."""
    page = Page.new()
    told = sample.expected()
    missing = autumn.place.get("money") or {}
    page.table(
        "The way in",
        [
            ("a new club's way onto the List", " → ".join(autumn.admission)),
            ("timetables that exceed the month's cap: allowed, said", autumn.warned),
            ("children in twelve categories", told["children"]),
            *((f"… {name}", count) for name, count in told["by_category"].items()),
            ("drawn by the beacon's value", f"{autumn.seed[:16]}…"),
            ("papers proved by the department", autumn.proved),
            ("the last family in the queue reads", missing.get("text", "")),
        ],
    )
    page.wide(
        "The queue and its money",
        ["", *DIRECTIONS],
        [
            ("applied in the window", *(autumn.applied[d] for d in DIRECTIONS)),
            ("vouchers on 15 September", *(autumn.issued[d] for d in DIRECTIONS)),
            ("waiting after it", *(autumn.waiting_after[d] for d in DIRECTIONS)),
            (
                "money missing for them, tenge",
                *(tenge(autumn.missing.get(d) or 0) for d in DIRECTIONS),
            ),
        ],
    )
    page.wide(
        "Platforms that closed",
        ["", *told["register"]],
        [
            (label, *(_account(autumn.balances[p], name) for p in told["register"]))
            for label, name in (
                ("rows = imported + had + refused", "rows"),
                ("vouchers", "vouchers"),
                ("left of the month's cap, tenge", "remaining_tiyn"),
                ("places in the queue", "places"),
            )
        ],
        "before = after + explained (refused, served already, another cap); balance in brackets",
    )
    page.table(
        "October",
        [
            ("marks sent in uploads", f"{month.sent} in {month.uploads}"),
            ("accepted / had already", f"{month.outcomes['accepted']} / {month.outcomes['had']}"),
            *((f"refused: {code}", n) for code, n in sorted(month.refused.items())),
            *((f"flagged: {flag}", n) for flag, n in sorted(month.flags.items())),
            ("families that switched from one day to the next", month.switched),
            (
                "children who left the suspended club (its transition ends)",
                f"{month.fled} ({month.transition_until or 'by the rules'})",
            ),
            ("lessons cancelled / made up", f"{month.cancelled} / {month.made_up}"),
            (
                "vouchers not used in time, back in the queue",
                f"{len(autumn.never_choose)} never chose, {len(month.no_shows)} never came",
            ),
            (
                "confirmed by tap / by code / months approved",
                f"{winter.taps} / {month.by_code} / {winter.approved}",
            ),
            (
                "lessons contested / lines decided / still open",
                f"{winter.contested} / {winter.decided} / {winter.left_open}",
            ),
        ],
    )
    bills = [winter.bills[d] for d in DIRECTIONS]
    page.wide(
        "The money of October, tenge",
        ["", *DIRECTIONS],
        [
            ("clubs", *(b.clubs for b in bills)),
            ("lessons paid", *(b.lessons for b in bills)),
            ("… expected", *(told["due"][d]["paid_lessons"] for d in DIRECTIONS)),
            ("lessons beyond the cap", *(b.beyond_cap for b in bills)),
            ("lessons that wait for a word", *(b.waiting for b in bills)),
            ("due", *(tenge(b.due_tiyn) for b in bills)),
            ("… expected", *(tenge(told["due"][d]["due_tiyn"]) for d in DIRECTIONS)),
            *(
                (f"of it: {part}", *(tenge(b.parts[part]) for b in bills))
                for part in sorted({p for b in bills for p in b.parts} - {"base"})
            ),
            *(
                (f"budget {name}", *(tenge(winter.budgets[d][name]) for d in DIRECTIONS))
                for name in ("allotted", "committed", "spent", "left")
            ),
        ],
    )
    page.table(
        "Payday, tenge",
        [
            ("claims signed, agreed, released", winter.claims),
            ("sent to payees", f"{tenge(winter.paid.sent_tiyn)} to {winter.paid.payees}"),
            ("paid", tenge(winter.paid.paid_tiyn)),
            ("returned by the bank", tenge(winter.paid.returned_tiyn)),
            *(
                (f"saved: {reason}", tenge(n))
                for reason, n in sorted(winter.billed.savings_tiyn.items())
            ),
        ],
        winter.billed.formula,
    )
    money.tell(page, winter.money, "October")
    page.caught(troubles(autumn, month, winter))
    page.way(stage, seconds, month.uploads)
    return page.judge(figures(autumn, month, winter))


def _account(balance: dict[str, Any], name: str) -> str:
    found = balance[name]
    if name == "rows":
        made = f"{found['in']} = {found['imported']} + {found['had']} + {found['refused']}"
    else:
        scale = 100 if name.endswith("_tiyn") else 1
        made = f"{found['before'] // scale} → {found['after'] // scale}"
    return f"{made} ({found['balance']})"
