"""The story in numbers, and whether each number is the one that was to come."""

from __future__ import annotations

from infra.demo import admitting, money
from infra.demo import figures as shared
from infra.demo.figures import Caught, Figure, Page, tenge
from infra.demo.preschool import proving, sample
from infra.demo.preschool.attending import Autumn
from infra.demo.preschool.paying import Winter
from infra.demo.preschool.queueing import Summer
from infra.demo.stage import Stage


def figures(summer: Summer, autumn: Autumn, winter: Winter) -> list[Figure]:
    """Return the figures that are checked, in the order of the story."""
    expected = sample.expected()
    told = expected["attendance"]
    taken = {name: result.taken for name, result in summer.imports.items()}
    partner_days = sum(told["partner_child_days"].values())
    return [
        Figure("steps of an admission", summer.admission, admitting.expected(1)),
        Figure(
            "statuses proved by the family card",
            summer.by_register,
            sum(len(statuses) for statuses in sample.registered().values()),
        ),
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
        Figure("families whose receipt and place hold", summer.proof.families, proving.FAMILIES),
        Figure(
            "tickets of the first iteration decided again by the verifier",
            summer.proof.tickets,
            expected["waiting_before"],
        ),
        Figure("exit code for an order with two tickets swapped", summer.proof.forged, 1),
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
        Figure("child-days paid", winter.billed.units, winter.reckoned_days),
        Figure("due for September, tiyn", winter.billed.due_tiyn, winter.reckoned_tiyn),
        Figure("posted for September, tiyn", winter.billed.posted_tiyn, winter.reckoned_tiyn),
        Figure("posted by the second morning's billing", winter.posted_again_tiyn, 0),
        Figure("sent to the bank, tiyn", winter.paid.sent_tiyn, winter.reckoned_tiyn),
        Figure(
            "paid and returned, tiyn",
            winter.paid.paid_tiyn + winter.paid.returned_tiyn,
            winter.paid.sent_tiyn,
        ),
        Figure(
            "savings and due make the list-based sum",
            winter.billed.due_tiyn + sum(winter.billed.savings_tiyn.values()),
            winter.billed.list_based_tiyn,
        ),
        *money.figures(
            winter.money,
            due_tiyn=winter.reckoned_tiyn,
            held_tiyn=winter.reckoned_held_tiyn,
            expected={"one-device-approvals": 1, "one-second": 1},
        ),
        Figure("planted troubles unnoticed", _unnoticed(summer, autumn), []),
    ]


def troubles(summer: Summer, autumn: Autumn) -> list[Caught]:
    """Return every planted trouble and where it was caught."""
    results = dict(summer.imports)
    if autumn.partner is not None:
        results["attendance-2026-09.csv"] = autumn.partner
    return shared.troubles(sample.planted(), results, autumn.caught, "a tablet's upload")


def tell(stage: Stage, summer: Summer, autumn: Autumn, winter: Winter, seconds: float) -> bool:
    """Print the story; return whether every figure is as expected."""
    page = Page.new()
    expected = sample.expected()
    page.table(
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
    proof = summer.proof
    page.table(
        "The queue proves itself to verify/kezek_verify.py",
        [
            ("receipts and places of families that hold", proof.families),
            ("published orders, signed, each naming the one before", proof.orders),
            ("tickets of the first iteration, decided again from its inputs", proof.tickets),
            ("a copy in which two tickets changed places", proof.named),
            *((f"why my place moved, {one}", text) for one, text in proof.moved.items()),
            *((f"why not there, {one}", text) for one, text in proof.why_not.items()),
            *((f"when, {one}", text) for one, text in proof.expected.items()),
        ],
    )
    page.table(
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
    page.table(
        "The money, tenge",
        [
            ("payment by list would be", tenge(winter.billed.list_based_tiyn)),
            ("due for days that count", tenge(winter.billed.due_tiyn)),
            ("posted", tenge(winter.billed.posted_tiyn)),
            ("held until decided", tenge(winter.held_tiyn)),
            ("sent to payees", f"{tenge(winter.paid.sent_tiyn)} to {winter.paid.payees}"),
            ("paid", tenge(winter.paid.paid_tiyn)),
            ("returned by the bank", tenge(winter.paid.returned_tiyn)),
            *(
                (f"saved: {reason}", tenge(n))
                for reason, n in sorted(winter.billed.savings_tiyn.items())
            ),
            ("saved in all", tenge(sum(winter.billed.savings_tiyn.values()))),
        ],
        winter.billed.formula,
    )
    money.tell(page, winter.money, "September")
    page.caught(troubles(summer, autumn))
    page.way(stage, seconds, autumn.uploads)
    return page.judge(figures(summer, autumn, winter))


def _unnoticed(summer: Summer, autumn: Autumn) -> list[str]:
    return [one.id for one in troubles(summer, autumn) if one.how is None]


def _taken(autumn: Autumn) -> int:
    return autumn.partner.taken if autumn.partner is not None else 0
