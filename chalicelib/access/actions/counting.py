"""What the public may count: each change of proposals and broken glasses, by area and month."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from chalicelib.access.rules.figures import counted
from chalicelib.access.store import figures as store
from chalicelib.kernel.periods import Month, from_stamp
from chalicelib.storage.commit import Put

Of = Literal["proposals", "openings", "consents"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """One area's month: what was asked of a second person and how it ended, and broken glasses.

    By action: proposed, done, withdrawn, expired. overrides: all that two persons carried out.
    unreviewed: openings of the month without a finding; overdue: those whose day of review passed
    so.
    """

    area: str
    openings: int
    reviewed: int
    justified: int
    not_justified: int
    unreviewed: int
    overdue: int
    overrides: int
    consents: int
    second_person: dict[str, dict[str, int]]


def counting(area: str, at: str | datetime, kind: str, *, of: Of) -> Put:
    """Describe the figures of an area with one more of a kind, in the month of an instant.

    at: of what is counted, a review with its opening, so that a month adds up. Its row is
    everybody's: who loses the race decides again (Raced).
    """
    instant = from_stamp(at) if isinstance(at, str) else at
    kept = store.load_figures(Month.containing(instant), area, of)
    return store.keep_figures(kept, counted(kept.value, kind))


def figures(month: Month) -> list[Counts]:
    """Return a month's figures by area: acts of officers, so small counts are shown too."""
    by_area: dict[str, dict[str, int]] = defaultdict(dict)
    for one in store.list_figures(month):
        by_area[one.area] |= one.counts
    shown = []
    for area, counts in sorted(by_area.items()):
        by_action: dict[str, dict[str, int]] = defaultdict(dict)
        for kind, count in counts.items():
            what, _, action = kind.partition(" ")
            if action:
                by_action[action][what] = count
        count_of = counts.get
        found = {kind: count_of(kind, 0) for kind in ("justified", "not-justified", "opened")}
        reviewed = found["justified"] + found["not-justified"]
        shown.append(
            Counts(
                area=area,
                openings=found["opened"],
                reviewed=reviewed,
                justified=found["justified"],
                not_justified=found["not-justified"],
                unreviewed=found["opened"] - reviewed,
                overdue=count_of("overdue", 0),
                overrides=sum(ways.get("done", 0) for ways in by_action.values()),
                consents=count_of("consent", 0),
                second_person=dict(by_action),
            )
        )
    return shown
