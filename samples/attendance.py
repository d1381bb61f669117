"""September 2026: who comes, who is away and why; as a rule, not by chance.

The plan speaks of a child's place in a list, so that the figures follow without knowing which
children the iteration chose. The three special kindergartens keep their timesheet in a partner's
system: their children are known beforehand, for each kind has its own place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from samples.city import SPECIAL, Organisation
from samples.draws import Draws
from samples.families import Application
from samples.rows import Planted

MONTH_FIRST, MONTH_LAST = date(2026, 9, 1), date(2026, 9, 30)
# 22 days: no public holiday falls into this September.
WORKING_DAYS = tuple(
    day
    for day in (MONTH_FIRST + timedelta(days=n) for n in range(30))
    if day.weekday() < 5
)
LEAVER_LAST_DAY = date(2026, 9, 11)

PRESENT, ILL, FAMILY, NO_REASON = "P", "S", "F", "N"
_WORDS = {PRESENT: "присутствовал", ILL: "болезнь", FAMILY: "семейные обстоятельства",
          NO_REASON: "без причины"}


def mark(ordinal: int, day: int) -> str:
    """Return how a child spends a working day.

    ordinal: the child's place in the list of the enrolled; day: 0 to 21. One in twenty is ill for
    three days with a certificate, one in twenty-five is away for a day at the family's request,
    one in thirty-three for two days without a reason.
    """
    if ordinal % 20 == 3 and 4 <= day <= 6:
        return ILL
    if ordinal % 25 == 7 and day == 9:
        return FAMILY
    if ordinal % 33 == 11 and day in (12, 13):
        return NO_REASON
    return PRESENT


@dataclass(frozen=True, slots=True)
class PartnerRow:
    """A line of the partner's file, and what is wrong with it."""

    cells: dict[str, str]
    planted: Planted | None = None


@dataclass(slots=True)
class Partner:
    """The partner's timesheet. enrolled: numbers in order; leaver: who left; marks by code."""

    rows: list[PartnerRow] = field(default_factory=list)
    enrolled: list[str] = field(default_factory=list)
    leaver: str = ""
    marks: dict[str, int] = field(default_factory=dict)


def partner_rows(
    draws: Draws, city: Sequence[Organisation], queue: Sequence[Application]
) -> Partner:
    """Return the timesheet of the three special kindergartens, day by day."""
    made = Partner()
    sites = {
        group.cell.name: site.code
        for organisation in city
        for site in organisation.sites
        for group in site.groups
        if group.cell in SPECIAL
    }
    children = [(a, sites[a.cell.name]) for a in queue if a.cell in SPECIAL]
    made.enrolled = [a.number for a, _ in children]
    made.leaver = next(a.number for a in reversed(queue) if a.cell.name == "sanatorium-ru")
    for number, day in enumerate(WORKING_DAYS):
        for ordinal, (application, site) in enumerate(children):
            code = mark(ordinal, number)
            row = _row(draws, site, application.number, day, code)
            if application.number == made.leaver and day > LEAVER_LAST_DAY:
                if day <= LEAVER_LAST_DAY + timedelta(days=5):
                    kind = "attendance-after-leaving"
                    codes: tuple[str, ...] = ("import/not-enrolled",)
                    made.rows.append(PartnerRow(row, _planted(made, kind, codes)))
                continue
            made.rows.append(PartnerRow(row))
            made.marks[code] = made.marks.get(code, 0) + 1
    first, site = children[0]
    other = next(code for code in sites.values() if code != site)
    extra: tuple[tuple[str, tuple[str, ...], dict[str, str]], ...] = (
        ("child-enrolled-twice", ("import/not-enrolled",), {"site": other}),
        ("unknown-child", ("import/not-enrolled",), {"number": "TDK-999999"}),
        ("bad-date", ("import/bad-date",), {"day": "31.09.2026"}),
        ("unknown-mark", ("import/unknown-word",), {"mark": "улетел"}),
    )
    for kind, codes, changed in extra:
        row = _row(draws, site, first.number, WORKING_DAYS[-1], PRESENT) | changed
        made.rows.append(PartnerRow(row, _planted(made, kind, codes)))
    return made


def _planted(made: Partner, kind: str, codes: tuple[str, ...]) -> Planted:
    count = sum(1 for row in made.rows if row.planted is not None) + 1
    return Planted(f"C{count}", kind, "import", codes, made.leaver if "leaving" in kind else "")


def _row(draws: Draws, site: str, number: str, day: date, code: str) -> dict[str, str]:
    there = code == PRESENT
    return {
        "site": site,
        "number": number,
        "day": day.strftime("%d.%m.%Y"),
        "in": f"08:{draws.number(0, 49):02d}" if there else "",
        "out": f"17:{draws.number(5, 55):02d}" if there else "",
        "mark": _WORDS[code],
    }
