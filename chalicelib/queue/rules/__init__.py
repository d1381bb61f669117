"""The law of the queue, as pure functions.

    order     who stands before whom: cohorts, tiers, one to three, batches
    issuing   what is still true when a planned voucher is to be issued
    groups    the open groups of an area, and whom each takes
    matching  who gets which place when wishes meet rights, over flat rows
    trading   holders whose seats block each other trade them
    transfers in what order moves can be made
    engine    plan_iteration: who gets which place, and why, for everybody who waits
    comparing one queue under each reading of one to three
    funding   plan_by_budget: who gets a voucher while the money lasts, and what is missing
    bundles   what is published of a run, and what only auditors are given
    runs      a run's states, who may release it, what it counted
    chain     what a checkpoint publishes so that anybody can check it
    ranks     what a checkpoint publishes: places for families, cells for everybody
    cells     which categories the public sees apart
    moves     why a place moved since an earlier checkpoint, cause by cause
    whynot    why a preferred group was not given, and who was the last to get in
    forecast  when a voucher may be expected, from the queue's own past

Callers import from here.
"""

from __future__ import annotations

from chalicelib.queue.rules.bundles import Proof, Proved
from chalicelib.queue.rules.cells import CELL_LEAST, Cell, Together, cells_of, kept_together
from chalicelib.queue.rules.chain import (
    LEAVES_IN_A_PAGE,
    BehindPublished,
    Link,
    NoCheckpoint,
    NotInCheckpoint,
    folder_of,
    last_in,
    last_published,
    tops_of,
)
from chalicelib.queue.rules.comparing import (
    A_QUARTER,
    READINGS,
    Compared,
    Comparison,
    NotByPlace,
    Total,
    compare,
)
from chalicelib.queue.rules.engine import (
    BATCH_MOST,
    Outcome,
    Passed,
    Plan,
    plan_iteration,
)
from chalicelib.queue.rules.forecast import FirstForecast, Forecast, History, Outlook, Scores
from chalicelib.queue.rules.funding import (
    ANY,
    WHOLE,
    Money,
    Pot,
    Shortage,
    money_of,
    months_between,
    plan_by_budget,
    shortages,
)
from chalicelib.queue.rules.groups import Place, fitting
from chalicelib.queue.rules.issuing import (
    APPLICATION_CHANGED,
    PLACE_TAKEN,
    RING_TOO_LONG,
    TOGETHER_MOST,
    VOUCHER_CHANGED,
    Granted,
    as_planned,
    next_units,
    otherwise,
    places_of,
    starts,
    still_waits,
)
from chalicelib.queue.rules.moves import Cause, Causes, Moves, Stood
from chalicelib.queue.rules.order import (
    Lane,
    Line,
    Order,
    OutOfAgeReason,
    Seeker,
    merge,
    next_turns,
    order_of,
    seeker_of,
    undrawn,
)
from chalicelib.queue.rules.ranks import (
    CHECKPOINT_HOUR,
    Ahead,
    Checkpoint,
    Head,
    Listed,
    Rank,
    explained,
    in_public_order,
    listed,
    near,
    next_checkpoint,
    public_shortages,
    rank,
    telling_categories,
    waiting_by_category,
)
from chalicelib.queue.rules.runs import (
    ENGINES,
    MONEY_GONE,
    IntakeOpen,
    NeedsAnother,
    Open,
    OtherEngine,
    Run,
    RunCommitted,
    RunLine,
    RunOutdated,
    RunStopped,
    RunUnderWay,
    Settled,
    StopReason,
    advance,
    decide_release,
    decide_stop,
    falls_due,
    finish,
    line_of,
    run_id_for,
    shown_counts,
    voucher_id_for,
    voucher_order,
)
from chalicelib.queue.rules.whynot import NotThere, Threshold

__all__ = [
    "folder_of",
    "last_in",
    "last_published",
    "LEAVES_IN_A_PAGE",
    "BehindPublished",
    "Link",
    "NoCheckpoint",
    "NotInCheckpoint",
    "tops_of",
    "in_public_order",
    "Cause",
    "Causes",
    "FirstForecast",
    "Forecast",
    "History",
    "Moves",
    "NotThere",
    "Outlook",
    "Scores",
    "Stood",
    "Threshold",
    "APPLICATION_CHANGED",
    "BATCH_MOST",
    "CELL_LEAST",
    "CHECKPOINT_HOUR",
    "ANY",
    "ENGINES",
    "IntakeOpen",
    "Lane",
    "MONEY_GONE",
    "Money",
    "Pot",
    "Shortage",
    "WHOLE",
    "money_of",
    "months_between",
    "plan_by_budget",
    "public_shortages",
    "shortages",
    "undrawn",
    "Ahead",
    "Cell",
    "Checkpoint",
    "Head",
    "Line",
    "Listed",
    "NeedsAnother",
    "Open",
    "Order",
    "OtherEngine",
    "Granted",
    "OutOfAgeReason",
    "Outcome",
    "PLACE_TAKEN",
    "RING_TOO_LONG",
    "TOGETHER_MOST",
    "VOUCHER_CHANGED",
    "Passed",
    "Place",
    "Plan",
    "Proof",
    "Proved",
    "Rank",
    "Run",
    "RunCommitted",
    "RunLine",
    "RunOutdated",
    "RunStopped",
    "RunUnderWay",
    "Seeker",
    "Settled",
    "StopReason",
    "advance",
    "as_planned",
    "cells_of",
    "Together",
    "kept_together",
    "decide_release",
    "decide_stop",
    "explained",
    "falls_due",
    "finish",
    "fitting",
    "A_QUARTER",
    "READINGS",
    "Compared",
    "Comparison",
    "NotByPlace",
    "Total",
    "compare",
    "line_of",
    "listed",
    "merge",
    "near",
    "next_checkpoint",
    "next_turns",
    "next_units",
    "order_of",
    "otherwise",
    "places_of",
    "plan_iteration",
    "rank",
    "run_id_for",
    "seeker_of",
    "shown_counts",
    "starts",
    "still_waits",
    "voucher_id_for",
    "voucher_order",
    "telling_categories",
    "waiting_by_category",
]
