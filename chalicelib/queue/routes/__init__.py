"""HTTP of the queue, by what people do.

places       where an own application stands, and why
publishing   the public order and its checkpoints
figures      what everybody may count
proofs       what proves a run
runs         iterations, step by step
shapes       what they share
"""

from __future__ import annotations

from chalicelib.queue.routes import figures, places, proofs, publishing, runs
from chalicelib.queue.routes.shapes import routes

__all__ = ["figures", "places", "proofs", "publishing", "routes", "runs"]
