"""The story in numbers, and whether each number is the one that was to come."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from infra.demo import admitting, sample
from infra.demo.attending import Autumn
from infra.demo.paying import Winter
from infra.demo.queueing import Summer
from infra.demo.stage import Stage


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: what came out beside what follows from the sample's construction."""

    name: str
    found: Any
    expected: Any

    @property
    def right(self) -> bool:
        return bool(self.found == self.expected)


@dataclass(frozen=True, slots=True)
class Caught:
    """A planted trouble and what became of it; how is None when it went unnoticed."""

    id: str
    kind: str
    where: str
    how: str | None


def figures(summer: Summer, autumn: Autumn, winter: Winter) -> list[Figure]:
    """Return the figures that are checked, in the order of the story."""
    expected = sample.expected()
    told = expected["attendance"]
    taken = {name: result.taken for name, result in summer.imports.items()}
    partner_days = sum(told["partner_child_days"].values())
    return [
        Figure("steps of an admission", summer.admission, admitting.EXPECTED),
        Figure("groups imported", taken["providers.csv"], expected["groups"]),
        Figure(
            "applications imported",
            sum(taken[name] for name in sample.APPLICATION_FILES),
            expected["waiting_before"],
        ),
        *(
            Figure(f"rows refused in {name}", len(result.refused), expected["import"][name])
            for name, result in summer.imports.items()
        ),
        Figure(
            "vouchers of the first iteration", summer.issued_first, expected["vouchers_first_run"]
        ),
        Figure(
            "waiting after it",
            summer.after_first["waiting"],
            expected["waiting_after_first_run"],
        ),
        Figure(
            "free private places after it",
            summer.after_first["free_private"],
            expected["free_private_after_first_run"],
        ),
        Figure(
            "free public places after it",
            summer.after_first["free_public"],
            expected["free_public_after_first_run"],
        ),
        Figure("inactive after the silence of families", summer.inactive, expected["inactive"]),
        Figure("vouchers issued in all", summer.issued, expected["vouchers_issued"]),
        Figure(
            "children enrolled on 1 September",
            len(summer.enrolments),
            expected["enrolled_on_1_september"],
        ),
        Figure("papers refused", summer.papers_refused, expected["papers_refused"]),
        Figure("transfers on 17 September", len(autumn.transferred), expected["transfers"]),
        Figure("children on tablets", len(autumn.children), told["children_on_tablets"]),
        Figure(
            "child-days marked on tablets",
            dict(sorted(autumn.marked.items())),
            told["tablet_child_days"],
        ),
        Figure("rows of the partner's timesheet taken", _taken(autumn), partner_days),
        Figure(
            "rows refused in the partner's timesheet",
            len(autumn.partner.refused) if autumn.partner else None,
            expected["import"]["attendance-2026-09.csv"],
        ),
        Figure("waiting in the end", winter.at_the_end["waiting"], expected["waiting_at_the_end"]),
        Figure(
            "free private places in the end",
            winter.at_the_end["free_private"],
            expected["free_private_at_the_end"],
        ),
        Figure(
            "free public places in the end",
            winter.at_the_end["free_public"],
            expected["free_public_at_the_end"],
        ),
        Figure("child-days paid", winter.child_days, winter.reckoned_days),
        Figure("due for September, tiyn", winter.due_tiyn, winter.reckoned_tiyn),
        Figure("posted for September, tiyn", winter.posted_tiyn, winter.reckoned_tiyn),
        Figure("posted by the second morning's billing", winter.posted_again_tiyn, 0),
        Figure("sent to the bank, tiyn", winter.sent_tiyn, winter.reckoned_tiyn),
        Figure(
            "paid and returned, tiyn", winter.paid_tiyn + winter.returned_tiyn, winter.sent_tiyn
        ),
        Figure(
            "savings and due make the list-based sum",
            winter.due_tiyn + sum(winter.savings_tiyn.values()),
            winter.list_based_tiyn,
        ),
        Figure("planted troubles unnoticed", _unnoticed(summer, autumn), []),
    ]


def troubles(summer: Summer, autumn: Autumn) -> list[Caught]:
    """Return every planted trouble and where it was caught."""
    results = dict(summer.imports)
    if autumn.partner is not None:
        results["attendance-2026-09.csv"] = autumn.partner
    refused = {(name, one.line): one for name, result in results.items() for one in result.refused}
    found = []
    for one in sample.planted():
        how: str | None
        if one["file"]:
            row = refused.get((one["file"], one["line"]))
            how = row.reason("en") if row and row.code in one["codes"] else None
            where = f"{one['file']}:{one['line']}"
        else:
            how, where = autumn.caught.get(one["id"]), "a tablet's upload"
        found.append(Caught(one["id"], one["kind"], where, how))
    return found


def tell(stage: Stage, summer: Summer, autumn: Autumn, winter: Winter, seconds: float) -> bool:
    """Print the story; return whether every figure is as expected."""
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)

    def table(title: str, rows: list[tuple[str, Any]], note: str = "") -> None:
        shown = Table(title=title, show_header=False, title_justify="left", caption=note or None)
        shown.add_column(overflow="fold")
        shown.add_column(justify="right", overflow="fold")
        for name, value in rows:
            shown.add_row(name, _shown(value))
        console.print(shown)

    expected = sample.expected()
    table(
        "The queue",
        [
            ("a new kindergarten's way onto the List", " → ".join(summer.admission)),
            ("waiting before", expected["waiting_before"]),
            (
                "papers proved by the department / by the family card",
                f"{summer.proved} / {summer.by_register}",
            ),
            ("vouchers of the first iteration, 20 July 18:00", summer.issued_first),
            ("waiting after it", summer.after_first["waiting"]),
            (
                "families that did not confirm / restored",
                f"{summer.inactive + summer.restored} / {summer.restored}",
            ),
            ("places taken from waiting lists", summer.offers["accepted"]),
            ("vouchers in all", summer.issued),
            ("enrolled on 1 September", len(summer.enrolments)),
            ("still waiting in the end", winter.at_the_end["waiting"]),
            ("private places free beside them", winter.at_the_end["free_private"]),
        ],
        "why: " + ", ".join(f"{n} {v}" for n, v in expected["why_places_stay_free"].items()),
    )
    table(
        "September on 73 tablets and in a partner's system",
        [
            ("records sent in uploads", f"{autumn.sent} in {autumn.uploads}"),
            ("accepted / had already", f"{autumn.outcomes['accepted']} / {autumn.outcomes['had']}"),
            *((f"refused: {code}", n) for code, n in sorted(autumn.refused.items())),
            ("rows of the partner's timesheet taken", _taken(autumn)),
            ("certificates and requests filed", autumn.proofs),
            (
                "timesheets approved / disputed days / silent families",
                f"{winter.approved} / {winter.disputed} / {winter.silent}",
            ),
            (
                "lines decided by the department / still open",
                f"{winter.decided} / {winter.held_days}",
            ),
        ],
    )
    table(
        "The money, tenge",
        [
            ("payment by list would be", _tenge(winter.list_based_tiyn)),
            ("due for days that count", _tenge(winter.due_tiyn)),
            ("posted", _tenge(winter.posted_tiyn)),
            ("held until decided", _tenge(winter.held_tiyn)),
            ("sent to payees", f"{_tenge(winter.sent_tiyn)} to {winter.payees}"),
            ("paid", _tenge(winter.paid_tiyn)),
            ("returned by the bank", _tenge(winter.returned_tiyn)),
            *((f"saved: {reason}", _tenge(n)) for reason, n in sorted(winter.savings_tiyn.items())),
            ("saved in all", _tenge(sum(winter.savings_tiyn.values()))),
        ],
        winter.formula,
    )
    caught = troubles(summer, autumn)
    table(
        f"Planted troubles: {sum(c.how is not None for c in caught)} of {len(caught)} caught",
        [(f"{c.id} {c.kind} ({c.where})", c.how or "NOT CAUGHT") for c in caught],
    )
    table(
        "The way there",
        [
            *((f"{name}", f"{s:.0f} s, {n} requests") for name, s, n in stage.acts),
            ("in all", f"{seconds:.0f} s, {stage.calls} requests and {autumn.uploads} uploads"),
            *_units(stage),
        ],
    )
    wrong = [figure for figure in figures(summer, autumn, winter) if not figure.right]
    checked = len(figures(summer, autumn, winter))
    for figure in wrong:
        console.print(f"NOT AS EXPECTED {figure.name}: {figure.found}, expected {figure.expected}")
    console.print(f"{checked - len(wrong)} of {checked} figures as expected")
    return not wrong


def _unnoticed(summer: Summer, autumn: Autumn) -> list[str]:
    return [one.id for one in troubles(summer, autumn) if one.how is None]


def _taken(autumn: Autumn) -> int:
    return autumn.partner.taken if autumn.partner is not None else 0


def _units(stage: Stage) -> list[tuple[str, str]]:
    """Return the capacity units the cloud counted, where it counts them."""
    counted = stage.control.status().get("capacity")
    if not isinstance(counted, dict):
        return []
    found: Counter[str] = Counter()
    for entry in counted.values():
        if isinstance(entry, dict):
            found.update({k: v for k, v in entry.items() if isinstance(v, int | float)})
    return [(f"capacity units: {name}", f"{value:,.0f}") for name, value in sorted(found.items())]


def _tenge(tiyn: int) -> str:
    return f"{tiyn / 100:,.0f}".replace(",", " ")


def _shown(value: Any) -> str:
    return f"{value:,}".replace(",", " ") if isinstance(value, int) else str(value)
