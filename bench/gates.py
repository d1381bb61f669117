"""What a bench reports: a gate, what was measured, and whether it holds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Gate:
    """One line of the table. control: the A/A ratio of the run, None where nothing was timed."""

    name: str
    measured: str
    limit: str
    holds: bool
    control: float | None = None
