"""Statuses: proved, refused, or not proved in time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime
from typing import Literal

from chalicelib.applications.rules.refusals import (
    DecidedByOwnData,
    NotLive,
    PaperOutdated,
    ReasonNeeded,
)
from chalicelib.applications.rules.values import LIVE, Application, ClaimedStatus, RefusalReason
from chalicelib.kernel.periods import local_day, stamp
from chalicelib.policy.rules import Rules


def decide_status(
    application: Application,
    code: str,
    *,
    result: Literal["proved", "refused"],
    reason: RefusalReason | None,
    paper_on: date | None,
    rules: Rules,
    now: datetime,
) -> Application:
    """Return an application whose status an officer proved or refused; the tier comes after.

    The same result again changes nothing. Raises ReasonNeeded, DecidedByOwnData, PaperOutdated,
    NotLive, in this order. A lapsed status may be proved late: it counts from then on.
    """
    if (result == "refused") == (reason is None):
        raise ReasonNeeded()
    earlier = next(s for s in application.statuses if s.status == code)
    if earlier.proof == "own":
        raise DecidedByOwnData()
    valid_days = rules.statuses[code].proof_valid_days if code in rules.statuses else None
    if result == "proved" and paper_on is not None:
        age = (local_day(now) - paper_on).days
        if age < 0 or (valid_days is not None and age > valid_days):
            raise PaperOutdated(valid_days=valid_days)
    if (earlier.state, earlier.reason) == (result, reason):
        return application
    if application.state not in LIVE and application.state != "inactive":
        raise NotLive(state=application.state)
    decided = replace(earlier, state=result, reason=reason, prove_by=None, decided_at=stamp(now))
    statuses = tuple(decided if s.status == code else s for s in application.statuses)
    return replace(application, statuses=statuses)


def decide_lapsed_proofs(application: Application, *, now: datetime) -> Application:
    """Return an application whose unproved statuses lapsed where their time is over."""
    return replace(
        application,
        statuses=tuple(
            replace(s, state="lapsed", prove_by=None, decided_at=stamp(now))
            if s.state == "claimed" and s.prove_by is not None and s.prove_by <= stamp(now)
            else s
            for s in application.statuses
        ),
    )


def prove_by(application: Application) -> str | None:
    """Return the earliest instant by which something is to be proved, None when nothing is."""
    if application.state not in LIVE and application.state != "inactive":
        return None
    return min(
        (s.prove_by for s in application.statuses if s.state == "claimed" and s.prove_by),
        default=None,
    )


def gain(application: Application, found: Iterable[ClaimedStatus]) -> Application:
    """Return an application with statuses that our own data prove by now; none is taken away."""
    new = {s.status: s for s in found if s.proof == "own" and s.state == "proved"}
    had = {s.status for s in application.statuses if s.state == "proved"}
    gained = {code: status for code, status in new.items() if code not in had}
    if not gained:
        return application
    kept = tuple(s for s in application.statuses if s.status not in gained)
    return replace(application, statuses=(*kept, *gained.values()))
