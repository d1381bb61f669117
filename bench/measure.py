"""Fair figures: interleaved blocks, alternating order, an A/A control, the collector off.

A gate counts only when the control of the same run lies within 0.9 to 1.1; absolute times of a
shared machine move by a third, ratios side by side by a few per cent.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

CONTROL = (0.9, 1.1)


@dataclass(frozen=True, slots=True)
class Compared:
    """CPU seconds per call of ours and of the anchor (medians), their ratio, and the A/A ratio."""

    ours_s: float
    anchor_s: float
    ratio: float
    control: float

    @property
    def counts(self) -> bool:
        """Return whether the control allows the ratio to be quoted."""
        return CONTROL[0] <= self.control <= CONTROL[1]


def compare(
    ours: Callable[[], object],
    anchor: Callable[[], object],
    *,
    calls: int,
    blocks: int = 9,
    clock: Callable[[], float] = time.process_time,
) -> Compared:
    """Return ours against the anchor: `blocks` rounds of `calls` each, anchor timed twice."""
    runs: dict[str, list[float]] = {"ours": [], "anchor": [], "control": []}
    work = {"ours": ours, "anchor": anchor, "control": anchor}
    ours()
    anchor()
    for block in range(blocks):
        order = ["ours", "anchor", "control"]
        for name in order if block % 2 == 0 else reversed(order):
            runs[name].append(quietly(work[name], calls, clock))
    ratios = [o / a for o, a in zip(runs["ours"], runs["anchor"], strict=True)]
    controls = [c / a for c, a in zip(runs["control"], runs["anchor"], strict=True)]
    return Compared(
        statistics.median(runs["ours"]) / calls,
        statistics.median(runs["anchor"]) / calls,
        statistics.median(ratios),
        statistics.median(controls),
    )


def quietly(
    work: Callable[[], object], calls: int, clock: Callable[[], float] = time.process_time
) -> float:
    """Return the seconds of some calls, with the collector off."""
    gc.collect()
    gc.disable()
    try:
        began = clock()
        for _ in range(calls):
            work()
        return clock() - began
    finally:
        gc.enable()
