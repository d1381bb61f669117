"""In which month a voucher may be expected, from what this queue did before; a pure function.

The measure is the way a line went forward: a line is a tier and an age of the area (by places), or
a direction's money (by budget); from one checkpoint to the next it is the difference of what stood
ahead of the last ticket that waited at both, everything included: vouchers, leavers, and whoever
came in ahead. A line's history is that way by calendar month.

The forecast asks each month of the history: had the ticket begun to wait then, with as much ahead
as it has now, how many months would it have taken? The answers, sorted, give the expected month
(the middle one) and the band (from the first tenth to the last; all of them where there are fewer
than ten). Where the history ends before the ticket would have been served it goes on from its
beginning, so a year of history is a year with its summer.

Assumed, and so the limits:

- the coming months are like the past ones: no new kindergartens, no other rules, no other budget;
- whoever of a better right will come has come at the same pace before;
- with a year of history or more only starts in the same season count, a month to each side; with
  less, seasons are not known, and the band is a month wider on each side;
- a voucher for a place needs a place that fits: of language and kind this knows nothing;
- by budget a voucher takes less the later in the year it comes, and that is part of the way.

It says that it does not know, and why, rather than a guess: less than three full months seen; a
line that did not go forward; further away than three years; after the child has grown too old; by
budget, money of a year that is not decided and that was not seen to begin before.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Literal

from chalicelib.kernel.periods import Month

MONTHS_LEAST = 3
A_YEAR = 12
KEPT_MONTHS = 48
FARTHEST = 36
# A month counts when at least so many of its days lie between checkpoints.
DAYS_LEAST = 20
SHOWN_LEAST = 5

Unknown = Literal[
    "too-little-history",
    "no-advance",
    "too-far",
    "too-old-before",
    "next-budget",
    "not-drawn",
    "next-run",  # nothing to foretell: the money is there
]


@dataclass(frozen=True, slots=True)
class Forecast:
    """The expected month and its band, YYYY-MM; or why there is none. months: of history seen."""

    month: str | None = None
    early: str | None = None
    late: str | None = None
    unknown: Unknown | None = None
    months: int = 0


@dataclass(frozen=True, slots=True)
class FirstForecast:
    """The first forecast a ticket was shown: in which month, and what it said."""

    at: str
    month: str
    early: str
    late: str


@dataclass(frozen=True, slots=True)
class Pace:
    """How far a line went forward in a month, and how many days of it were seen."""

    month: str
    advance: int
    days: int


@dataclass(frozen=True, slots=True)
class Scores:
    """How forecasts held: vouchers that came in the band, before it, not by its end.

    months_off: between the expected month and the voucher's, summed; where none had come by the end
    of the band, to the month in which that was seen.
    """

    within: int = 0
    before: int = 0
    after: int = 0
    months_off: int = 0

    @property
    def scored(self) -> int:
        return self.within + self.before + self.after


@dataclass(frozen=True, slots=True)
class History:
    """What forecasts of a queue rest on, and how past ones held.

    paces: by line, oldest month first. scores: of all; shown: as the public sees them.
    """

    paces: Mapping[str, tuple[Pace, ...]] = field(default_factory=dict)
    scores: Scores = field(default_factory=Scores)
    shown: Scores = field(default_factory=Scores)


def after(history: History, advanced: Mapping[str, int], *, since: date, on: date) -> History:
    """Return a history with the way that lines went between two checkpoints.

    advanced: by line. A stretch over several months is shared among them by its days.
    """
    paces = dict(history.paces)
    for line, advance in advanced.items():
        known = {pace.month: pace for pace in paces.get(line, ())}
        for month, part, days in _shared(advance, since, on):
            was = known.get(month, Pace(month, 0, 0))
            known[month] = Pace(month, was.advance + part, was.days + days)
        paces[line] = tuple(known[month] for month in sorted(known)[-KEPT_MONTHS:])
    return replace(history, paces=paces)


def _shared(advance: int, since: date, on: date) -> list[tuple[str, int, int]]:
    """Return the parts of an advance by month; they add up to it."""
    whole = (on - since).days
    if whole <= 0:
        return [(str(Month.of(on)), advance, 0)]
    parts, done, day = [], 0, since
    while day < on:
        end = min(Month.of(day).last + timedelta(days=1), on)
        upto = advance * (end - since).days // whole
        parts.append((str(Month.of(day)), upto - done, (end - day).days))
        done, day = upto, end
    return parts


class Outlook:
    """What a line's history says of any way to go; made once for all who stand in the line."""

    def __init__(self, paces: Sequence[Pace], on: date) -> None:
        this = Month.of(on)
        seen = [p for p in paces if p.days >= DAYS_LEAST and p.month < str(this)]
        self.on = on
        self.months = len(seen)
        self._ways: list[list[int]] = []
        ways = [pace.advance for pace in seen]
        if len(seen) < MONTHS_LEAST or sum(ways) <= 0:
            self.goes = False
            return
        self.goes = True
        starts = range(len(seen))
        if len(seen) >= A_YEAR:
            season = [n for n in starts if _apart(seen[n].month, this) <= 1]
            starts = season or starts  # type: ignore[assignment]
        for start in starts:
            farthest, gone, way = 0, 0, []
            for step in range(FARTHEST):
                gone += ways[(start + step) % len(ways)]
                farthest = max(farthest, gone)
                way.append(farthest)
            self._ways.append(way)

    def forecast(
        self, need: int, *, until: str | None = None, money_until: str | None = None
    ) -> Forecast:
        """Return when a line will have gone so far.

        need: how far it must go, at least 1. until: the last month in which the child may hold a
        voucher. money_until: the last month whose budget is decided.
        """
        if self.months < MONTHS_LEAST:
            return Forecast(unknown="too-little-history", months=self.months)
        if not self.goes:
            return Forecast(unknown="no-advance", months=self.months)
        took = sorted(bisect_left(way, need) + 1 for way in self._ways)
        few = len(took) < 10
        least, most = (took[0], took[-1]) if few else (took[len(took) // 10], _tenth(took))
        wider = 1 if self.months < A_YEAR else 0
        middle = took[len(took) // 2]
        if middle > FARTHEST:
            return Forecast(unknown="too-far", months=self.months)
        early, month, late = (
            self._month(max(1, least - wider)),
            self._month(middle),
            self._month(min(most, FARTHEST) + wider),
        )
        if until is not None and month > until:
            return Forecast(unknown="too-old-before", months=self.months)
        if money_until is not None and month > money_until and self.months < A_YEAR:
            return Forecast(unknown="next-budget", months=self.months)
        return Forecast(month, early, late, None, self.months)

    def _month(self, took: int) -> str:
        """Return the month of the middle of the so many-th month from now."""
        ahead = (self.on.day - 1 + 30 * took - 15) // 30
        month = Month.of(self.on)
        for _ in range(ahead):
            month = month.next()
        return str(month)


def _tenth(took: Sequence[int]) -> int:
    return took[len(took) - 1 - len(took) // 10]


def _apart(month: str, this: Month) -> int:
    """Return how many months two calendar months lie apart, whatever the years."""
    apart = abs(Month.parse(month).month - this.month)
    return min(apart, 12 - apart)


def scored(history: History, held: Sequence[tuple[FirstForecast, str]]) -> History:
    """Return a history with forecasts held against the months in which vouchers came, or had not.

    What the public sees is renewed when every number of it grows by none or by five and more, so
    that no difference of two days tells of one child.
    """
    within = before = late = off = 0
    for first, month in held:
        within += first.early <= month <= first.late
        before += month < first.early
        late += month > first.late
        off += abs(_number(month) - _number(first.month))
    was = history.scores
    scores = Scores(
        was.within + within, was.before + before, was.after + late, was.months_off + off
    )
    shown = history.shown
    grown = [
        scores.within - shown.within,
        scores.before - shown.before,
        scores.after - shown.after,
    ]
    if any(grown) and all(one == 0 or one >= SHOWN_LEAST for one in grown):
        shown = scores
    return replace(history, scores=scores, shown=shown)


def _number(month: str) -> int:
    parsed = Month.parse(month)
    return parsed.year * 12 + parsed.month
