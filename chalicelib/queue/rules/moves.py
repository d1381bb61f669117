"""Why a place moved between two checkpoints: causes that add up exactly to the difference.

A place is counted in the own line: the tier and the cohort. A category's number is only its name of
a year and may change without anybody moving. Whoever stood ahead then and does not now has left or
fallen back, and the place is better by one; whoever stands ahead now and did not then has come in
ahead, and it is worse by one. Each of them has one cause; where none is known it is counted as
"unexplained", so that the sum is exact whatever happened, and somebody is to look.

Who changed the line, or was drawn, has a place that is not comparable: the change itself is the
cause of the whole difference. Sums over several checkpoints are differences of what is summed since
a ticket began to stand, so a place is explained over any stretch of time from its two ends.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal, get_args

from chalicelib.applications.rules import Application
from chalicelib.kernel.periods import from_stamp

Gone = Literal[
    "voucher",  # got a voucher
    "withdrawn",  # the family took the application back
    "inactive",  # a voucher was not confirmed in its term
    "ended",  # left the queue for another reason: age, annulment, erasure
]
Came = Literal[
    "restored",  # an inactive application was restored with its instant
    "right",  # a right was proved, or lost: came from another category
    "cohort",  # another cohort: came with the academic year
    "corrected",  # an instant or a record was corrected by an officer's act
    "brought",  # came from another platform with its instant
    "intake",  # applied in the same intake, and counts as of its opening
    "earlier",  # applied earlier; the record came into the queue just after the checkpoint
]
Other = Literal[
    "category-left",  # stands in another category now: own right or cohort changed
    "fell-back",  # stands later in the same category: back to its end
    "drawn",  # the draw decided an order that was open
    "unexplained",  # no cause is known
    "left",  # left or changed the category, where to say why would tell of somebody
    "entered",  # came in ahead, where to say why would tell of somebody
]
Own = Literal["own-category", "own-cohort", "own-instant", "own-away"]
Cause = Gone | Came | Other | Own
Causes = tuple[tuple[Cause, int], ...]

UNEXPLAINED: Cause = "unexplained"
# An order is read some moments after the instant that it is published under, and an application
# that was being written then is read by the next one.
_BEING_WRITTEN = timedelta(minutes=5)
# More who changed their instant than this are counted by what is left over of both ways.
_SINGLY_MOST = 200


@dataclass(frozen=True, slots=True)
class Stood:
    """Where a ticket stood: tier and cohort, how many stand ahead of it in them plus one.

    instant: since when it stands, as the order counts it; whoever's changes, moves by it. drawn:
    whether the draw of its intake gave it a place; until then all of the intake share the first.
    category: the number of the line at that checkpoint.
    """

    tier: str
    cohort: int
    place: int
    instant: str = ""
    drawn: bool = True
    category: int = 0

    @property
    def line(self) -> tuple[str, int]:
        return self.tier, self.cohort


@dataclass(frozen=True, slots=True)
class Moves:
    """From which place to which, and how many places for each cause; below zero is better.

    was: the category before, where it was another line; 0 where it was this one.
    """

    before: int
    now: int
    causes: Causes = ()
    was: int = 0

    @property
    def unexplained(self) -> int:
        return next((abs(count) for cause, count in self.causes if cause == UNEXPLAINED), 0)


def summed(causes: Mapping[Cause, int]) -> Causes:
    """Return causes in order, those that cancel out left away."""
    return tuple((cause, count) for cause, count in sorted(causes.items()) if count)


def added(first: Causes, second: Causes) -> Causes:
    """Return the sum of two lists of causes."""
    return summed(_plus(first, second))


def _plus(first: Causes, second: Causes) -> Counter[Cause]:
    counts: Counter[Cause] = Counter()
    for cause, count in (*first, *second):
        counts[cause] += count
    return counts


def needed(before: Mapping[str, Stood], now: Mapping[str, Stood]) -> tuple[list[str], list[str]]:
    """Return who left the queue, and who is new and stands ahead of one that stood there before.

    Whoever comes behind everybody moves nobody and needs no cause.
    """
    last: dict[tuple[str, int], int] = {}
    for ticket, stands in now.items():
        if ticket in before:
            last[stands.line] = max(last.get(stands.line, 0), stands.place)
    gone = sorted(ticket for ticket in before if ticket not in now)
    came = sorted(
        ticket
        for ticket, stands in now.items()
        if ticket not in before and stands.place < last.get(stands.line, 0)
    )
    return gone, came


def moves(
    before: Mapping[str, Stood],
    now: Mapping[str, Stood],
    *,
    gone: Mapping[str, Gone],
    came: Mapping[str, Came],
) -> dict[str, Moves]:
    """Return the moves of every ticket that stands at both checkpoints.

    gone: why each ticket that stands no more left; came: why each that did not stand before and
    stands ahead of one that did came in. One that is missing is counted as unexplained, as is an
    order that changed by itself.
    """
    told: dict[str, Moves] = {}
    lines: dict[tuple[str, int], _Line] = {}
    for ticket, was in before.items():
        lines.setdefault(was.line, _Line()).then.append(ticket)
        stands = now.get(ticket)
        if stands is not None and (own := _own_cause(was, stands)):
            difference = stands.place - was.place
            causes: Causes = ((own, difference),) if difference else ()
            told[ticket] = Moves(
                was.place, stands.place, causes, was.category if was.line != stands.line else 0
            )
    for ticket, stands in now.items():
        lines.setdefault(stands.line, _Line()).today.append(ticket)
    for line in lines.values():
        line.count(before, now, gone, came)
        for ticket in line.both:
            if ticket not in told:
                told[ticket] = line.explain(ticket, before[ticket], now[ticket])
    return told


def since(before: int, now: int, *, then: Causes, today: Causes, unbroken: bool) -> Moves:
    """Return the moves between two checkpoints from what is summed up to each.

    unbroken: the ticket stood in the queue all the time between; where it did not, what the time
    away made of its place is a cause of its own.
    """
    if unbroken:
        counts = _plus(today, tuple((cause, -count) for cause, count in then))
    else:
        counts = _plus(today, ())
    rest = now - before - counts.total()
    counts[UNEXPLAINED if unbroken else "own-away"] += rest
    return Moves(before, now, summed(counts))


def discreet(causes: Causes) -> Causes:
    """Return causes that do not tell why others left or came, in the same sum.

    For a category that is not shown apart: there one proved right more is one child's, and who
    compares two published orders may know which. What is known to everybody, vouchers, and what is
    the family's own stay as they are.
    """
    counts: Counter[Cause] = Counter()
    for cause, count in causes:
        counts[_DISCREET.get(cause, cause)] += count
    return summed(counts)


_DISCREET: dict[Cause, Cause] = {
    **dict.fromkeys(("withdrawn", "inactive", "ended", "category-left"), "left"),
    **dict.fromkeys(get_args(Came), "entered"),
    "fell-back": "left",
}


def why_left(
    application: Application | None, *, before: str, out_of_age: bool = False
) -> Gone | None:
    """Return why somebody stands in the queue no more; None where nothing says it.

    before: the instant of the checkpoint it stood at; out_of_age: it stands there for no cohort.
    """
    if application is None:
        return None
    if out_of_age or application.state in ("annulled", "expired"):
        return "ended"
    ended = application.voucher_ended_at
    if application.state in ("offered", "fulfilled") or (ended is not None and ended >= before):
        return "voucher"
    if application.state == "withdrawn":
        return "withdrawn"
    if application.state == "inactive" or application.restores:
        return "inactive"
    return None


def why_came(
    application: Application | None, *, before: str, year_turned: bool = False
) -> Came | None:
    """Return why somebody stands ahead who did not stand there before; None where nothing says it.

    before: the instant of the checkpoint before; year_turned: another academic year began since.
    """
    if application is None:
        return None
    lately = from_stamp(before) - _BEING_WRITTEN
    if from_stamp(application.ordered_at) >= lately:
        return "earlier"
    if application.restores:
        return "restored"
    if application.source is not None:
        return "brought"
    if application.intake is not None and from_stamp(application.received_at) >= lately:
        return "intake"
    if year_turned:
        return "cohort"
    return "corrected" if application.ordered_at != application.received_at else None


def _own_cause(was: Stood, stands: Stood) -> Cause | None:
    if was.cohort != stands.cohort:
        return "own-cohort"
    if was.tier != stands.tier:
        return "own-category"
    return "drawn" if was.drawn != stands.drawn else None


@dataclass(slots=True)
class _Line:
    """One tier and cohort at both checkpoints. Places of each cause are kept sorted."""

    then: list[str] = field(default_factory=list)
    today: list[str] = field(default_factory=list)
    both: list[str] = field(default_factory=list)
    _left: dict[Cause, list[int]] = field(default_factory=dict)
    _entered: dict[Cause, list[int]] = field(default_factory=dict)
    _moved: list[tuple[int, int]] = field(default_factory=list)
    _ends: tuple[list[int], list[int]] = field(default_factory=lambda: ([], []))
    _drawn: tuple[list[int], list[int]] = field(default_factory=lambda: ([], []))

    def count(
        self,
        before: Mapping[str, Stood],
        now: Mapping[str, Stood],
        gone: Mapping[str, Gone],
        came: Mapping[str, Came],
    ) -> None:
        """Note where whoever left, entered or changed stood."""
        stood, stands = set(self.then), set(self.today)
        for ticket in self.then:
            if ticket in stands:
                self.both.append(ticket)
                self._note_changed(before[ticket], now[ticket])
                continue
            cause: Cause = "category-left" if ticket in now else gone.get(ticket, UNEXPLAINED)
            self._left.setdefault(cause, []).append(before[ticket].place)
        for ticket in self.today:
            if ticket in stood:
                continue
            was = before.get(ticket)
            if was is None:
                cause = came.get(ticket, UNEXPLAINED)
            else:
                cause = "cohort" if was.cohort != now[ticket].cohort else "right"
            self._entered.setdefault(cause, []).append(now[ticket].place)
        sorted_ones = (*self._left.values(), *self._entered.values(), *self._ends, *self._drawn)
        for places in sorted_ones:
            places.sort()

    def _note_changed(self, was: Stood, stands: Stood) -> None:
        if was.drawn != stands.drawn:
            self._drawn[0].append(was.place)
            self._drawn[1].append(stands.place)
        elif was.instant != stands.instant:
            self._moved.append((was.place, stands.place))
            self._ends[0].append(was.place)
            self._ends[1].append(stands.place)

    def explain(self, ticket: str, was: Stood, stands: Stood) -> Moves:
        """Return the moves of one that stayed in the line."""
        counts: Counter[Cause] = Counter()
        for cause, places in self._left.items():
            counts[cause] -= bisect_left(places, was.place)
        for cause, places in self._entered.items():
            counts[cause] += bisect_left(places, stands.place)
        then, today = self._drawn
        counts["drawn"] += bisect_left(today, stands.place) - bisect_left(then, was.place)
        difference = stands.place - was.place
        if was.instant != stands.instant:
            counts["own-instant"] += difference - counts.total()
        else:
            self._passed(counts, was.place, stands.place)
            counts[UNEXPLAINED] += difference - counts.total()
        return Moves(was.place, stands.place, summed(counts))

    def _passed(self, counts: Counter[Cause], was: int, stands: int) -> None:
        """Count whoever stayed in the line and changed sides."""
        if len(self._moved) > _SINGLY_MOST:
            then, today = self._ends
            net = bisect_left(today, stands) - bisect_left(then, was)
            counts["corrected" if net > 0 else "fell-back"] += net
            return
        for before, now in self._moved:
            counts["fell-back"] -= before < was and now >= stands
            counts["corrected"] += before >= was and now < stands
