"""What is done to a queue.

    running      an iteration proposed, released, stopped
    planning     what a run or a checkpoint reads, and what it decides from it
    issuing      a released run's vouchers, a part at a time, resumable anywhere
    transferring its moves: holders who asked for it, before any voucher is issued
    funding      the same where vouchers come by budget: some to a commit, with their money
    desk         what both need of the next vouchers
    proving      the bundle of a run that ended, its leaves and openings
    moving       why places moved since the checkpoint before
    reasons      why not there, by the last run
    forecasting  when a voucher may be expected, and how past forecasts held
    publishing   checkpoints: ranks for families, the order for everybody
    checkpoints  the files of their chain, and a family's proof of its place
    comparing    who is served under each reading of one to three
    showing      what is answered from them
    reminders    what has fallen due, looked at once

Callers import from here.
"""

from __future__ import annotations

from chalicelib.queue.actions.checkpoints import (
    CheckpointShown,
    checkpoint_files,
    checkpoint_of,
    checkpoints_page,
    index_of,
    links_after,
    newest_checkpoint,
    place_proof,
)
from chalicelib.queue.actions.comparing import ComparisonShown, compare
from chalicelib.queue.actions.forecasting import Record, record
from chalicelib.queue.actions.issuing import commit_part, list_to_offer
from chalicelib.queue.actions.moving import (
    UNEXPLAINED,
    UNEXPLAINED_METRIC,
    MoveShown,
    WholeShown,
    moves_page,
    moves_since,
    tell_page,
)
from chalicelib.queue.actions.planning import decide_again
from chalicelib.queue.actions.proving import (
    OPENED,
    Again,
    Found,
    NotProved,
    again,
    check_proved,
    children_of_run,
    every_opening,
    files_of,
    hand_openings,
    leaf_of,
    list_proved,
    openings,
    proof_of,
    prove,
    saved,
)
from chalicelib.queue.actions.publishing import publish
from chalicelib.queue.actions.reminders import list_reminders, looked_at, passed
from chalicelib.queue.actions.running import (
    is_run_day,
    propose,
    release,
    release_due,
    stop,
)
from chalicelib.queue.actions.showing import (
    CellShown,
    ExactShown,
    ListedShown,
    OrderShown,
    OutcomeShown,
    PlaceShown,
    RunShown,
    ShortageShown,
    exact_page,
    figures,
    order_page,
    place_of,
    run_of,
    run_outcomes,
    runs_page,
)

__all__ = [
    "MoveShown",
    "UNEXPLAINED",
    "UNEXPLAINED_METRIC",
    "Record",
    "WholeShown",
    "moves_page",
    "moves_since",
    "record",
    "tell_page",
    "CheckpointShown",
    "checkpoint_files",
    "checkpoint_of",
    "checkpoints_page",
    "index_of",
    "links_after",
    "newest_checkpoint",
    "place_proof",
    "OPENED",
    "Again",
    "Found",
    "NotProved",
    "again",
    "check_proved",
    "children_of_run",
    "every_opening",
    "files_of",
    "hand_openings",
    "leaf_of",
    "list_proved",
    "openings",
    "proof_of",
    "prove",
    "saved",
    "CellShown",
    "ComparisonShown",
    "ExactShown",
    "ListedShown",
    "OrderShown",
    "OutcomeShown",
    "PlaceShown",
    "RunShown",
    "ShortageShown",
    "decide_again",
    "commit_part",
    "compare",
    "exact_page",
    "figures",
    "is_run_day",
    "list_reminders",
    "list_to_offer",
    "looked_at",
    "order_page",
    "passed",
    "place_of",
    "propose",
    "publish",
    "release",
    "release_due",
    "run_of",
    "run_outcomes",
    "runs_page",
    "stop",
]
