"""HTTP of the queue, by what people do.

places       where an own application stands, and why
publishing   the public order and its checkpoints
figures      what everybody may count
runs         iterations, step by step
shapes       what they share
"""

from __future__ import annotations

from chalicelib.queue.routes import figures, places, publishing, runs
from chalicelib.queue.routes.shapes import routes

__all__ = ["figures", "places", "publishing", "routes", "runs"]
