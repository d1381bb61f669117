"""HTTP of the queue, by what people do.

moves        why an own place moved, how forecasts held
places       where an own application stands, and why
published    the published files, as they lie there
publishing   the public order and its checkpoints
checkpoints  their chain for everybody, the proof of an own place
comparing    the readings of one to three, side by side
figures      what everybody may count
proofs       what proves a run
runs         iterations, step by step
shapes       what they share
"""

from __future__ import annotations

from chalicelib.queue.routes import (
    checkpoints,
    comparing,
    figures,
    moves,
    places,
    proofs,
    published,
    publishing,
    runs,
)
from chalicelib.queue.routes.shapes import routes

__all__ = [
    "checkpoints",
    "comparing",
    "figures",
    "moves",
    "places",
    "proofs",
    "published",
    "publishing",
    "routes",
    "runs",
]
