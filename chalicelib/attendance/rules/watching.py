"""What absence means: lessons missed in a row, a child who no longer comes.

Unexplained is a line in question without a visit and without a reason (code N). A reason ends a row
of misses, whatever it is: somebody knows where the child is. Lessons that were not given are not
in question. Source: domain sheet §6, 10; the numbers are the pack's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from chalicelib.attendance.rules.lines import Line
from chalicelib.policy.rules import ExclusionRule

MISSED = "N"


@dataclass(frozen=True, slots=True)
class Silence:
    """A child whom nobody has heard of. since: the last day of a visit or reason, or the start.

    warn_on: the day its family is warned; release_on: the voucher may be released from that day
    on, when the warning was given `release_after_warning_days` before.
    """

    since: date
    warn_on: date
    release_on: date


def rows_of_misses(lines: Iterable[Line], rule: ExclusionRule) -> tuple[Line, ...]:
    """Return the lines that completed a row of unexplained misses: every n-th of a row.

    lines: in the order of time; n is `missed_in_a_row`, none for 0.
    """
    found: list[Line] = []
    missed = 0
    for line in lines:
        if not line.counted:
            continue
        missed = missed + 1 if line.code == MISSED else 0
        if missed and rule.missed_in_a_row and missed % rule.missed_in_a_row == 0:
            found.append(line)
    return tuple(found)


def silence(lines: Iterable[Line], *, starts_on: date, rule: ExclusionRule) -> Silence | None:
    """Return since when a child is silent at a place; None where it never missed a line since.

    starts_on: the first day of its enrolment. A club that gave no lessons makes nobody silent.
    """
    if not rule.without_visit_days:
        return None
    since, missed = starts_on, False
    for line in lines:
        if line.on < starts_on or not line.counted:
            continue
        if line.code == MISSED:
            missed = True
        else:
            since, missed = max(since, line.on), False
    if not missed:
        return None
    warn_on = since + timedelta(days=rule.without_visit_days)
    return Silence(since, warn_on, warn_on + timedelta(days=rule.release_after_warning_days))


def due(
    found: Silence | None, *, warned_on: date | None, today: date, rule: ExclusionRule
) -> Literal["warn", "release"] | None:
    """Return what a day asks for: nobody is released without a warning and its term.

    warned_on: the day this silence was warned of, None when it was not.
    """
    if found is None or today < found.warn_on:
        return None
    if warned_on is None:
        return "warn"
    if rule.release_after_warning_days < 1:
        return None
    told = warned_on + timedelta(days=rule.release_after_warning_days)
    return "release" if today >= told else None


def to_remind(
    lines: Iterable[Line], *, today: date, after_days: int, every_days: int
) -> tuple[Line, ...]:
    """Return the visits that wait for the family's confirmation, if today is a day to remind.

    The oldest visit that waits sets the days: after_days after it, then each every_days; all that
    wait are named each time, so that a family is not written to about every lesson apart. 0
    sends none.
    """
    waiting = tuple(
        line for line in lines if line.code == "P" and line.standing == "open" and line.on < today
    )
    if not (after_days and waiting):
        return ()
    late = (today - waiting[0].on).days - after_days
    if late == 0 or (late > 0 and every_days and late % every_days == 0):
        return waiting
    return ()
