"""The law of the queue, as pure functions.

    order     who stands before whom: cohorts, tiers, one to three, batches
    engine    plan_iteration: who gets which place, and why, for everybody who waits
    runs      a run's states, who may release it, what it counted
    ranks     what a checkpoint publishes: places for families, cells for everybody

Callers import from here.
"""

from __future__ import annotations

from chalicelib.queue.rules.engine import (
    BATCH_MOST,
    Outcome,
    Passed,
    Place,
    Plan,
    Seats,
    plan_iteration,
)
from chalicelib.queue.rules.order import (
    Line,
    Order,
    OutOfAgeReason,
    Seeker,
    merge,
    next_turns,
    order_of,
    seeker_of,
)
from chalicelib.queue.rules.ranks import (
    CELL_LEAST,
    CHECKPOINT_HOUR,
    Ahead,
    Cell,
    Checkpoint,
    Head,
    Listed,
    Rank,
    cells_of,
    listed,
    near,
    next_checkpoint,
    rank,
    waiting_by_category,
)
from chalicelib.queue.rules.runs import (
    ENGINE,
    NeedsAnother,
    Open,
    Run,
    RunCommitted,
    RunLine,
    RunStopped,
    RunUnderWay,
    Settled,
    StopReason,
    advance,
    decide_release,
    decide_stop,
    finish,
    run_id_for,
    shown_counts,
    voucher_id_for,
    voucher_order,
)

__all__ = [
    "BATCH_MOST",
    "CELL_LEAST",
    "CHECKPOINT_HOUR",
    "ENGINE",
    "Ahead",
    "Cell",
    "Checkpoint",
    "Head",
    "Line",
    "Listed",
    "NeedsAnother",
    "Open",
    "Order",
    "OutOfAgeReason",
    "Outcome",
    "Passed",
    "Place",
    "Plan",
    "Rank",
    "Run",
    "RunCommitted",
    "RunLine",
    "RunStopped",
    "RunUnderWay",
    "Seats",
    "Seeker",
    "Settled",
    "StopReason",
    "advance",
    "cells_of",
    "decide_release",
    "decide_stop",
    "finish",
    "listed",
    "merge",
    "near",
    "next_checkpoint",
    "next_turns",
    "order_of",
    "plan_iteration",
    "rank",
    "run_id_for",
    "seeker_of",
    "shown_counts",
    "voucher_id_for",
    "voucher_order",
    "waiting_by_category",
]
