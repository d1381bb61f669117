"""P13, C9: importing the API function against importing what the customer fixed.

Anchor: chalice + pynamodb + Powertools' Logger and Metrics, in a fresh interpreter each; the
whole process is timed, bytecode is warm.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from bench.gates import Gate

ROOT = Path(__file__).resolve().parent.parent
LIMIT = 1.25
ANCHOR = (
    "import chalice, pynamodb.models, pynamodb.transactions, aws_lambda_powertools.logging, "
    "aws_lambda_powertools.metrics"
)
OURS = "import app"
ROUNDS = 15


def run() -> list[Gate]:
    """Return the gates of cold start and package size."""
    times: dict[str, list[float]] = {OURS: [], ANCHOR: [], "control": []}
    for code in (OURS, ANCHOR):
        _process(code)
    for round_ in range(ROUNDS):
        order = [OURS, ANCHOR, "control"]
        for name in order if round_ % 2 == 0 else reversed(order):
            times[name].append(_process(ANCHOR if name == "control" else name))
    ours, anchor, control = (statistics.median(times[n]) for n in (OURS, ANCHOR, "control"))
    ratio = ours / anchor
    gates = [
        Gate(
            "P13 import of the API function",
            f"{ratio:.2f} x the anchor ({ours * 1000:.0f} ms against {anchor * 1000:.0f} ms)",
            f"{LIMIT} x",
            ratio <= LIMIT,
            control / anchor,
        )
    ]
    zipped = ROOT / "build" / "deployment.zip"
    if zipped.exists():
        size = zipped.stat().st_size / 1024 / 1024
        gates.append(Gate("P13 deployment.zip", f"{size:.1f} MB", "12 MB", size <= 12))
    else:
        gates.append(Gate("P13 deployment.zip", "run `make package` first", "12 MB", False))
    return gates


def _process(code: str) -> float:
    environment = {**os.environ, "AWS_DEFAULT_REGION": "eu-central-1"}
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True)
    return time.perf_counter() - began
