"""A child's month at all its providers of a programme: what two claim, and what is left of the cap.

A line claims its day, or each hour of the clock its lesson touches, once it would be paid when
confirmed. Billing holds what two providers claim; here it is found, so that it can be decided.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from chalicelib.attendance.rules.facts import Stay
from chalicelib.attendance.rules.lines import Line
from chalicelib.kernel.money import TIYN_IN_TENGE, daily_share
from chalicelib.kernel.periods import Month
from chalicelib.policy.rules import NoRate, Rate, Rules

_HOUR = 60
_HOURS = 24

RulesOn = Callable[[date], Rules]


@dataclass(frozen=True, slots=True)
class Place:
    """A child's month at one provider. rules_on: the rules in force on a day there."""

    stays: tuple[Stay, ...]
    lines: tuple[Line, ...]
    rules_on: RulesOn

    @property
    def claimed(self) -> tuple[Line, ...]:
        """Return the lines that are paid once they are confirmed."""
        return tuple(line for line in self.lines if self._claims(line))

    def stay_on(self, on: date) -> Stay | None:
        return next((stay for stay in self.stays if on in stay.days), None)

    def _claims(self, line: Line) -> bool:
        if self.stay_on(line.on) is None:
            return False
        row = self.rules_on(line.on).payable(line.code)
        return row.paid and (row.proof is None or line.proved or line.code == "P")


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthUse:
    """How far a child's month is used, at all its providers together, where a cap limits it.

    visited: lessons or days so far that are paid once confirmed; confirmed: those that are already.
    What two providers claim is in neither. paid_max: how many a whole month pays at the present
    group's rate; cap_tiyn: the month's cap. used_before_tiyn: what a platform that closed has paid
    of the month. left_lessons, left_tiyn: what the month can still pay, in full lessons at the
    present rate and in tiyn, when all that was visited is confirmed.
    """

    visited: int
    confirmed: int
    paid_max: int
    cap_tiyn: int
    used_before_tiyn: int
    left_lessons: int
    left_tiyn: int


def doubled_lines(here: Place, others: Iterable[Place]) -> frozenset[str]:
    """Return the names of the lines whose day or hour another provider claims too."""
    taken = {hour for other in others for line in other.claimed for hour in _hours(line)}
    if not taken:
        return frozenset()
    return frozenset(line.key for line in here.claimed if not taken.isdisjoint(_hours(line)))


def month_use(places: Sequence[Place], month: Month, *, now_at: Stay | None) -> MonthUse | None:
    """Return how far a child's month is used; None where no cap over units limits it.

    now_at: the stay whose rate says what is left. The cap is counted as the bill counts it: the
    greatest one met so far, in order of time, and what it has cut is gone.
    """
    listed = next((place for place in places if now_at in place.stays), None)
    if now_at is None or listed is None:
        return None
    present = _rate(now_at, listed.rules_on(month.last))
    if present is None:
        return None
    doubled = [
        doubled_lines(place, [other for other in places if other is not place]) for place in places
    ]
    earning = sorted(
        (
            (line, place)
            for place, twice in zip(places, doubled, strict=True)
            for line in place.claimed
            if line.key not in twice
        ),
        key=lambda one: (one[0].on, one[0].starts or 0),
    )
    used = max(
        (s.used_tiyn for p in places for s in p.stays if s.used_month == str(month)), default=0
    )
    running, highest = Fraction(0), 0
    for line, place in earning:
        stay = place.stay_on(line.on)
        rate = None if stay is None else _rate(stay, place.rules_on(line.on))
        if rate is None:
            return None
        highest = max(highest, rate.month_max_tiyn or 0)
        running += min(_share(rate), max(_whole(highest - used) - running, Fraction(0)))
    highest = max(highest, present.month_max_tiyn or 0)
    left = max(_whole(highest - used) - running, Fraction(0))
    share = _share(present)
    return MonthUse(
        visited=len(earning),
        confirmed=sum(line.confirmed for line, _ in earning),
        paid_max=int(highest / share),
        cap_tiyn=highest,
        used_before_tiyn=used,
        left_lessons=int(left / share),
        left_tiyn=_whole(int(left)),
    )


def _rate(stay: Stay, rules: Rules) -> Rate | None:
    """Return the rate of one unit of a stay; None for a monthly one, an uncapped or unknown one."""
    if stay.sort is None:
        return None
    kind, hours, locality = stay.sort.split("/")
    try:
        rate = rules.rate_for(kind, hours, locality, stay.sen)
    except NoRate:
        return None
    capped = rate.per == "unit" and rate.cap_tiyn is not None and rate.rate_tiyn > 0
    return rate if capped else None


def _share(rate: Rate) -> Fraction:
    return daily_share(rate.rate_tiyn, of=1, coefficients=rate.coefficients)


def _whole(tiyn: int) -> int:
    """Return whole tenge, rounded down, never below none."""
    return max(0, tiyn) // TIYN_IN_TENGE * TIYN_IN_TENGE


def _hours(line: Line) -> range:
    """Return what one provider alone may claim: the hours of the lesson, or the day."""
    midnight = line.on.toordinal() * _HOURS
    if line.starts is None:
        return range(midnight, midnight + 1)
    hour = line.starts // _HOUR
    touched = max(1, -(-(line.starts % _HOUR + line.minutes) // _HOUR))
    return range(midnight + hour, midnight + hour + touched)
