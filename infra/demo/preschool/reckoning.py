"""What September should cost, reckoned apart from Kezek's own code.

Reads the rate rows of the pack's file and the demo's own plan of attendance; shares no line with
billing. One child: Σ over confirmed paid days of rate ÷ 22, rounded half up to a tenge once.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from infra.local.places import project_root
from samples.attendance import MONTH_LAST, WORKING_DAYS

PACK = project_root() / "chalicelib" / "policy" / "packs" / "preschool-taldykorgan.toml"
PAID = frozenset({"P", "S", "F"})


@dataclass(frozen=True, slots=True)
class PaidDay:
    """A day of a child: how it was spent, at which group; whether money is waiting for a word."""

    on: date
    code: str
    kind: str
    hours: str
    locality: str
    held: bool = False


def rates() -> dict[tuple[str, str, str], int]:
    """Return (kind, hours, locality) → tiyn a month, in force at the end of September."""
    rows = tomllib.loads(PACK.read_text("utf-8"))["rates"]
    return {
        (row["kind"], row["hours"], row["locality"]): row["rate_tiyn"]
        for row in rows
        if row["valid_from"] <= MONTH_LAST and row.get("valid_to", MONTH_LAST) >= MONTH_LAST
    }


def due(children: Iterable[Iterable[PaidDay]]) -> tuple[int, int]:
    """Return the sum that is due, in tiyn, and the child-days that are paid."""
    table = rates()
    total = days = 0
    for child in children:
        exact = Fraction(0)
        for day in child:
            if day.code in PAID and not day.held:
                exact += Fraction(table[day.kind, day.hours, day.locality], len(WORKING_DAYS))
                days += 1
        total += int(exact / 100 + Fraction(1, 2)) * 100
    return total, days
