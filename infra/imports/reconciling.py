"""Before and after a move: every row, every tenge and every place accounted for.

The balance of each is before - after - explained, and it must be zero: rows, vouchers, what was
left of the month's cap, places in the queue. A family's change of place is taken apart into named
parts (who left the file, who stands in a better category, who came from elsewhere); a part that
the rules do not explain is counted as unexplained. Persons appear by the number that the platform
gave them, and by Kezek's public ticket.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chalicelib.edge.tables import csv_file
from infra.imports.registers import Standing
from infra.imports.report import Refused, said
from infra.imports.running import Result

IMPORTED, HAD, REFUSED = "imported", "had", "refused"
HEADINGS = (
    "line", "number", "state", "outcome", "code", "direction", "club", "group",
    "remaining_before_tenge", "remaining_after_tenge", "place_before", "place_after", "category",
    "ticket", "left_the_file", "better_right_behind", "worse_right_ahead", "from_elsewhere",
    "not_in_the_file", "reason_kk", "reason_ru", "reason_en",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Now:
    """What Kezek answered for a row. cap_tiyn: the month's by the rules in force."""

    had: bool
    remaining_tiyn: int | None = None
    cap_tiyn: int | None = None
    state: str = ""
    ticket: str = ""
    category: int | None = None
    ordered_at: str = ""


@dataclass(frozen=True, slots=True)
class Way:
    """Why a place is another: after = before - left - absent + overtaken - overtook + elsewhere.

    left: of the file, ahead before and waiting no more; absent: ahead before and not in the file;
    overtaken: behind before, ahead now; overtook: ahead before, behind now; elsewhere: ahead now
    and from another source.
    """

    left: int = 0
    absent: int = 0
    overtaken: int = 0
    overtook: int = 0
    elsewhere: int = 0

    def after(self, before: int) -> int:
        return before - self.left - self.absent + self.overtaken - self.overtook + self.elsewhere


@dataclass(frozen=True, slots=True)
class Twin:
    """A child that stands in another platform's register too."""

    line: int
    number: str
    platform: str
    other_line: int
    other_number: str


@dataclass(slots=True)
class Moved:
    """One file's move. hidden: who waits, but fewer than five, so that no order is published."""

    platform: str
    result: Result
    standings: Mapping[int, Standing]
    now: Mapping[int, Now]
    ways: dict[int, Way] = field(default_factory=dict)
    unexplained: list[int] = field(default_factory=list)
    twins: list[Twin] = field(default_factory=list)
    hidden: int = 0

    @property
    def refused(self) -> dict[int, Refused]:
        return {one.line: one for one in self.result.refused}

    def outcome(self, line: int) -> str:
        """Return how a row ended: imported, had, refused; "" is a row that was lost."""
        if line in self.refused:
            return REFUSED
        now = self.now.get(line)
        if now is None:
            return ""
        return HAD if now.had else IMPORTED


def explain(moved: Moved, order: Sequence[str]) -> None:
    """Find why each place changed. order: tickets as they are published, the first goes first."""
    at = {ticket: place for place, ticket in enumerate(order, start=1)}
    asked = sorted(
        (s for s in moved.standings.values() if s.state == "queue" and s.place is not None),
        key=lambda s: (s.place or 0, s.line),
    )
    waiting = [s for s in asked if _place(moved, s, at) is not None]
    own = {moved.now[s.line].ticket for s in waiting}
    foreign_before = _running(order, own)
    behind = _Counter(len(waiting))
    ranks = {
        s.line: rank
        for rank, s in enumerate(sorted(waiting, key=lambda s: at[moved.now[s.line].ticket]))
    }
    left = 0
    seen = 0
    found: dict[int, Way] = {}
    for nth, standing in enumerate(asked):
        if standing.line not in ranks:
            left += 1
            continue
        rank = ranks[standing.line]
        ahead_both = behind.before(rank)
        found[standing.line] = Way(
            left=left,
            absent=(standing.place or 0) - 1 - nth,
            overtaken=rank - ahead_both,
            overtook=seen - ahead_both,
            elsewhere=foreign_before[at[moved.now[standing.line].ticket] - 1],
        )
        behind.add(rank)
        seen += 1
    moved.ways = found
    moved.unexplained = _unexplained(moved, waiting, at)


def _place(moved: Moved, standing: Standing, at: Mapping[str, int]) -> int | None:
    now = moved.now.get(standing.line)
    return at.get(now.ticket) if now is not None else None


def _unexplained(moved: Moved, waiting: Sequence[Standing], at: Mapping[str, int]) -> list[int]:
    """Return the lines whose place no rule explains.

    One child goes before another by category, then by the hour of asking; whatever else changed
    the order of two rows of the file is unexplained, and so is a live application without a place.
    """
    off: set[int] = set()
    in_order = sorted(waiting, key=lambda s: at[moved.now[s.line].ticket])
    for first, second in itertools.pairwise(in_order):
        one, other = moved.now[first.line], moved.now[second.line]
        if (one.category, one.ordered_at) > (other.category, other.ordered_at):
            off.add(second.line)
    for standing in waiting:
        way = moved.ways[standing.line]
        if way.after(standing.place or 0) != at[moved.now[standing.line].ticket]:
            off.add(standing.line)
    unplaced = _unplaced(moved, {s.line for s in waiting})
    if len(unplaced) > moved.hidden:
        off.update(unplaced)
    return sorted(off)


def _unplaced(moved: Moved, placed: Collection[int]) -> list[int]:
    """Return the lines of live applications that have no place in the published order."""
    return [
        line
        for line, standing in moved.standings.items()
        if standing.state == "queue" and line not in placed and _waits(moved, line)
    ]


def _waits(moved: Moved, line: int) -> bool:
    now = moved.now.get(line)
    return now is not None and now.state == "queued"


def name_twins(moved: Moved, others: Mapping[str, Iterable[Standing]]) -> None:
    """Name children that stand in another platform's register too. others: platform → rows."""
    known: dict[str, list[tuple[str, Standing]]] = {}
    for platform, rows in others.items():
        for row in rows:
            if row.child_iin:
                known.setdefault(row.child_iin, []).append((platform, row))
    moved.twins = [
        Twin(mine.line, mine.number, platform, row.line, row.number)
        for mine in moved.standings.values()
        for platform, row in known.get(mine.child_iin, [])
    ]


def report(moved: Moved) -> dict[str, Any]:
    """Return the reconciliation; `balanced` says whether all of it adds up to zero."""
    lines = sorted(set(moved.standings) | set(moved.refused) | set(moved.now))
    outcomes = Counter(moved.outcome(line) for line in lines)
    rows = {
        "in": moved.result.rows,
        "imported": outcomes[IMPORTED],
        "had": outcomes[HAD],
        "refused": outcomes[REFUSED],
    }
    rows["balance"] = rows["in"] - rows["imported"] - rows["had"] - rows["refused"]
    held = [s for s in moved.standings.values() if s.state == "voucher"]
    waiting = [s for s in moved.standings.values() if s.state == "queue"]
    vouchers = _account(
        len(held),
        sum(1 for s in held if moved.outcome(s.line) in (IMPORTED, HAD)),
        {"refused": sum(1 for s in held if moved.outcome(s.line) == REFUSED)},
    )
    remaining = _account(
        sum(s.remaining_tiyn for s in held),
        sum(_after(moved, s) for s in held),
        {
            "refused": sum(s.remaining_tiyn for s in held if moved.outcome(s.line) == REFUSED),
            "cap_by_rules": sum(_by_rules(moved, s) for s in held),
        },
    )
    places = _account(
        len(waiting),
        sum(1 for s in waiting if s.line in moved.ways),
        {
            "refused": sum(1 for s in waiting if moved.outcome(s.line) == REFUSED),
            "waits_no_more": sum(1 for s in waiting if _served(moved, s)),
            "without_a_number": sum(1 for s in waiting if s.place is None and _here(moved, s)),
            "too_few_to_publish": _too_few(moved),
        },
    )
    balances = [rows["balance"], vouchers["balance"], remaining["balance"], places["balance"]]
    return {
        "platform": moved.platform,
        "file": moved.result.file,
        "sha256": moved.result.digest,
        "rows": rows,
        "vouchers": vouchers,
        "remaining_tiyn": remaining,
        "places": places,
        "places_unexplained": len(moved.unexplained),
        "refused": dict(sorted(Counter(r.code for r in moved.result.refused).items())),
        "on_two_platforms": [
            {
                "line": t.line,
                "number": t.number,
                "platform": t.platform,
                "other_line": t.other_line,
                "other_number": t.other_number,
                "outcome": moved.outcome(t.line),
            }
            for t in moved.twins
        ],
        "balanced": not any(balances) and not moved.unexplained,
    }


def _account(before: int, after: int, explained: dict[str, int]) -> dict[str, Any]:
    return {
        "before": before,
        "after": after,
        "explained": explained,
        "balance": before - after - sum(explained.values()),
    }


def _after(moved: Moved, standing: Standing) -> int:
    now = moved.now.get(standing.line)
    return (now.remaining_tiyn or 0) if now is not None else 0


def _by_rules(moved: Moved, standing: Standing) -> int:
    """Return what the platform's own limit gave beyond the cap of the rules in force."""
    now = moved.now.get(standing.line)
    return standing.limit_tiyn - now.cap_tiyn if now is not None and now.cap_tiyn else 0


def _here(moved: Moved, standing: Standing) -> bool:
    """Tell whether a place without a number is in Kezek and not counted otherwise."""
    return moved.outcome(standing.line) in (IMPORTED, HAD) and not _served(moved, standing)


def _too_few(moved: Moved) -> int:
    """Return the places of a queue so short that its order is not published."""
    unplaced = [
        line for line in _unplaced(moved, moved.ways) if moved.standings[line].place is not None
    ]
    return len(unplaced) if len(unplaced) <= moved.hidden else 0


def _served(moved: Moved, standing: Standing) -> bool:
    now = moved.now.get(standing.line)
    return now is not None and standing.line not in moved.ways and now.state != "queued"


def families(moved: Moved) -> bytes:
    """Return before and after of every row as CSV, without names or numbers of persons."""
    return csv_file(HEADINGS, (_line(moved, line) for line in sorted(moved.standings)))


def _line(moved: Moved, line: int) -> tuple[object, ...]:
    standing, now, way = moved.standings[line], moved.now.get(line), moved.ways.get(line)
    refused = moved.refused.get(line)
    held = standing.state == "voucher"
    after = now.remaining_tiyn if now is not None else None
    return (
        line,
        standing.number,
        standing.state,
        moved.outcome(line),
        refused.code if refused else "",
        standing.direction,
        standing.club,
        standing.group,
        standing.remaining_tiyn // 100 if held else "",
        after // 100 if after is not None else "",
        standing.place or "",
        way.after(standing.place or 0) if way else "",
        now.category if now is not None and now.category is not None else "",
        now.ticket if now is not None else "",
        way.left if way else "",
        way.overtaken if way else "",
        way.overtook if way else "",
        way.elsewhere if way else "",
        way.absent if way else "",
        *(_reason(moved, line, language) for language in ("kk", "ru", "en")),
    )


def _reason(moved: Moved, line: int, language: str) -> str:
    """Return why a family's lot is another than it was, in plain words; "" where it is not."""
    refused = moved.refused.get(line)
    if refused is not None:
        return refused.reason(language)
    way = moved.ways.get(line)
    if way is None:
        return ""
    if line in moved.unexplained:
        return said("move/unexplained", language, {})
    parts = [
        said(f"move/{name}", language, {"n": count})
        for name, count in (
            ("left", way.left),
            ("absent", way.absent),
            ("overtook", way.overtook),
            ("overtaken", way.overtaken),
            ("elsewhere", way.elsewhere),
        )
        if count
    ]
    return "; ".join(parts) or said("move/same", language, {})


def _running(order: Sequence[str], own: set[str]) -> list[int]:
    """Return, for each place, how many tickets of others stand before it."""
    counts, others = [], 0
    for ticket in order:
        counts.append(others)
        others += ticket not in own
    return counts


class _Counter:
    """Counts how many of the ranks added so far lie before a rank, in O(log n)."""

    def __init__(self, size: int) -> None:
        self._tree = [0] * (size + 1)

    def add(self, rank: int) -> None:
        place = rank + 1
        while place < len(self._tree):
            self._tree[place] += 1
            place += place & -place

    def before(self, rank: int) -> int:
        found, place = 0, rank
        while place:
            found += self._tree[place]
            place -= place & -place
        return found
