"""What must come out, computed from how the sample was built; no run is ever asked.

The exceptions are few and counted one by one, so that each
figure of the demo can be traced to a line of this file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from samples.attendance import LEAVER_LAST_DAY, WORKING_DAYS, Partner, mark
from samples.city import CELLS, SHORT, SPARE, Organisation
from samples.families import Application
from samples.rows import Planted

SILENT = 6           # families that do not confirm their voucher
RESTORED = 1         # … of whom one restores the application
PAPERS_REFUSED = 1   # one set of papers is incomplete, then accepted
TRANSFERS = 3        # children who change kindergarten on the 17th of September
LEAVERS = 1          # a child who leaves on the 11th of September


def silent(queue: Sequence[Application]) -> list[str]:
    """Return who does not confirm: ordinary applicants, early in a cell without places to spare.

    They surely get a voucher, and their places surely go on to the next who wait.
    """
    sure = [a for a in queue if a.cell.name == "4-kk" and not a.status and not a.twins]
    return [a.number for a in sure[20 : 20 + SILENT]]


def expected(
    city: Sequence[Organisation],
    queue: Sequence[Application],
    trouble: Sequence[Planted],
    partner: Partner,
) -> dict[str, object]:
    """Return every figure that the demo checks."""
    waiting = len(queue)
    first_run = sum(cell.placed for cell in CELLS)
    unplaced = sum(cell.unplaced for cell in CELLS)
    spare = sum(cell.spare for cell in CELLS)
    inactive = SILENT - RESTORED
    # The silent families' places go to the restored one and to those who wait.
    second_run = SILENT
    on_tablets = first_run - len(partner.enrolled)
    tablet = Counter(mark(n, day) for n in range(on_tablets) for day in range(len(WORKING_DAYS)))
    return {
        "organisations": len(city),
        "organisations_by_form": dict(Counter(o.sites[0].form for o in city)),
        "sites": sum(len(o.sites) for o in city),
        "groups": sum(len(s.groups) for o in city for s in o.sites),
        "places": sum(cell.places for cell in CELLS),
        "waiting_before": waiting,
        "vouchers_first_run": first_run,
        "waiting_after_first_run": unplaced,
        "free_private_after_first_run": spare,
        "free_public_after_first_run": 0,
        "silent": silent(queue),
        "inactive": inactive,
        "vouchers_second_run": second_run,
        "vouchers_issued": first_run + second_run,
        "enrolled_on_1_september": first_run,
        "waiting_at_the_end": unplaced + RESTORED - second_run,
        "free_private_at_the_end": spare + LEAVERS,
        "free_public_at_the_end": 0,
        "leaver": {"number": partner.leaver, "last_day": LEAVER_LAST_DAY.isoformat()},
        "transfers": TRANSFERS,
        "papers_refused": PAPERS_REFUSED,
        "working_days": len(WORKING_DAYS),
        "attendance": {
            "children_on_tablets": on_tablets,
            "tablet_child_days": {code: tablet[code] for code in sorted(tablet)},
            "partner_children": len(partner.enrolled),
            "partner_child_days": dict(sorted(partner.marks.items())),
        },
        "planted": {kind: n for kind, n in sorted(Counter(t.kind for t in trouble).items())},
        "import": {
            name: sum(1 for t in trouble if t.file == name)
            for name in sorted({t.file for t in trouble if t.file})
        },
        "why_places_stay_free": {cell.name: cell.spare for cell in CELLS if cell.spare},
        "why_children_wait": {cell.name: cell.unplaced for cell in SHORT},
        "transfers_within": [cell.name for cell in SPARE],
    }
