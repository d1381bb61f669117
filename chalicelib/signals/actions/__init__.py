"""What may be done with signals: raise them from uploads and months, look, decide, hold."""

from __future__ import annotations

from chalicelib.signals.actions.arriving import (
    ARRIVED,
    judge_uploads,
    odd_uploads,
    read_upload,
)
from chalicelib.signals.actions.deciding import HOLD, decide, hold
from chalicelib.signals.actions.months import MONTH, judge_month, list_sites, months_to_look_at
from chalicelib.signals.actions.showing import Package, list_signals, package, see

__all__ = [
    "ARRIVED",
    "HOLD",
    "MONTH",
    "Package",
    "decide",
    "hold",
    "judge_month",
    "judge_uploads",
    "list_signals",
    "list_sites",
    "months_to_look_at",
    "odd_uploads",
    "package",
    "read_upload",
    "see",
]
