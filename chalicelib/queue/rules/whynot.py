"""Why a child that waits got no place in a preferred group, with the threshold of the last run.

The threshold is whoever was the last to get in by the order of the queue: the category and the
time of the application, to the minute. A category that is not shown apart in public is told as the
cell it stands in, and without the time: one later than the own would tell of a better right. Where
the queue has no cell, none is told. Who got in by another right than the order (a holder who moved,
a sibling where the pack says so) is no threshold; when only such got in, that is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from chalicelib.queue.rules.engine import Outcome
from chalicelib.queue.rules.issuing import PLACE_TAKEN
from chalicelib.queue.rules.order import Seeker
from chalicelib.queue.rules.runs import Settled

WhyNot = Literal[
    "full",
    "too-few",
    "closed",
    "kind",
    "language",
    "age",
    "batch-incomplete",
    "batch-differs",
    "batch-too-large",
    "taken",  # planned, and gone when it came to issuing
    "no-run",  # no run has decided about this choice yet
]
LastIn = Literal[
    "line",  # by the order of the queue
    "other-right",  # only who moved with a voucher, or a sibling
    "nobody",  # the run gave nobody a place there
]
_BATCH: tuple[WhyNot, ...] = ("batch-incomplete", "batch-differs", "batch-too-large")
_MINUTE = len("2025-09-01T05:00")


@dataclass(frozen=True, slots=True)
class Threshold:
    """Who got in last.

    categories: one, or those of its cell; none where that would tell of a child. applied_at: to
    the minute, in UTC; with one category only.
    """

    last: LastIn
    categories: tuple[int, ...] = ()
    applied_at: str | None = None


@dataclass(frozen=True, slots=True)
class NotThere:
    """Why a preferred group was not given in the last run, and who got in there last."""

    group_id: str
    why: WhyNot
    last: LastIn | None = None
    categories: tuple[int, ...] = ()
    applied_at: str | None = None


def thresholds(
    outcomes: Iterable[Outcome],
    settled: Iterable[Settled],
    seekers: Iterable[Seeker],
    *,
    cells: Mapping[int, tuple[int, ...]],
    siblings_first: bool = False,
) -> dict[str, Threshold]:
    """Return who got in last, by group in which anybody did.

    settled: what became of the plan. cells: the categories that each category is shown with.
    """
    planned = {one.application_id: one for one in outcomes}
    children = {one.application_id: one for one in seekers}
    last: dict[str, tuple[int, Threshold]] = {}
    for result in settled:
        outcome = planned.get(result.application_id)
        if result.skipped is not None or result.group_id is None or outcome is None:
            continue
        child = children.get(result.application_id)
        brothers = child.siblings if child is not None and siblings_first else ()
        if outcome.from_group is not None and not outcome.moves:
            continue  # a holder who stays took nothing
        if outcome.voucher_id is not None or result.group_id in brothers:
            last.setdefault(result.group_id, (0, Threshold("other-right")))
            continue
        if outcome.position <= last.get(result.group_id, (0,))[0]:
            continue
        shown = cells.get(outcome.category, ())
        at = f"{child.ordered_at[:_MINUTE]}Z" if child is not None and len(shown) == 1 else None
        last[result.group_id] = outcome.position, Threshold("line", shown, at)
    return {group_id: threshold for group_id, (_, threshold) in last.items()}


def why_not(
    preferences: Sequence[str],
    outcome: Outcome | None,
    last: Mapping[str, Threshold],
) -> tuple[NotThere, ...]:
    """Return why each preferred group was not given, best first.

    outcome: of the last run, None when it did not know this child.
    """
    passed = {one.group_id: one.why for one in outcome.passed} if outcome is not None else {}

    def of(group_id: str) -> NotThere:
        why: WhyNot = passed.get(group_id, "no-run")
        if outcome is not None and (outcome.gets or outcome.moves) and why == "no-run":
            why = "taken"
        if outcome is not None and why in ("full", "too-few"):
            why = next((code for code in _BATCH if code == outcome.reason), why)
        if why not in ("full", "too-few", "taken"):
            return NotThere(group_id, why)
        threshold = last.get(group_id) or Threshold("nobody")
        return NotThere(group_id, why, threshold.last, threshold.categories, threshold.applied_at)

    return tuple(of(group_id) for group_id in dict.fromkeys(preferences))


def told_to_holders(
    outcomes: Iterable[Outcome],
    settled: Iterable[Settled],
    seekers: Iterable[Seeker],
    last: Mapping[str, Threshold],
) -> dict[str, tuple[NotThere, ...]]:
    """Return why not there, by application, of all who have a place after a run.

    Those who got one or moved, of what they wished for more; holders who stay, of every wish. What
    a stop left undone is not said.
    """
    became = {one.application_id: one for one in settled}
    wished = {one.application_id: one.preferences for one in seekers}
    told: dict[str, tuple[NotThere, ...]] = {}
    for outcome in outcomes:
        result = became.get(outcome.application_id)
        if result is None and (outcome.from_group is None or outcome.moves):
            continue
        if result is not None and result.skipped is not None and outcome.from_group is None:
            continue  # waits on
        skipped = result.skipped if result is not None else None
        has = outcome.from_group if result is None else result.group_id
        if skipped is not None:
            # Of what stood behind the planned one nothing was decided, and why it was not made may
            # be the family's own doing.
            has = outcome.group_id
        wishes = list(wished.get(outcome.application_id, ()))
        better = wishes[: wishes.index(has)] if has in wishes else wishes
        if skipped == PLACE_TAKEN and has is not None:
            better.append(has)
        reasons = why_not(better, outcome, last)
        if reasons:
            told[outcome.application_id] = reasons
    return told


def carried(preferences: Sequence[str], before: Sequence[NotThere]) -> tuple[NotThere, ...]:
    """Return the reasons of a run that were told before, for choices that may be others now."""
    known = {one.group_id: one for one in before}
    return tuple(known.get(g) or NotThere(g, "no-run") for g in dict.fromkeys(preferences))
