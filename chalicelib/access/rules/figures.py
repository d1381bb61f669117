"""What the public sees of what officers did: counts by area and month."""

from __future__ import annotations

from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What was counted in an area in a month: by kind, "done children/merge" for one."""

    month: str
    area: str
    counts: dict[str, int] = field(default_factory=dict)


def counted(figures: Figures, kind: str) -> Figures:
    """Return the figures with one more of a kind."""
    counts = {**figures.counts, kind: figures.counts.get(kind, 0) + 1}
    return replace(figures, counts=dict(sorted(counts.items())))
