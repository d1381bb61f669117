"""P13, C9: importing the API function against importing what the customer fixed.

Anchor: chalice + pynamodb + Powertools' Logger and Metrics, in a fresh interpreter each; the
whole process is timed (CPU), bytecode is warm. What answers a request, and a slice's modules, are
imported with the first one; that time is shown beside.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.gates import Gate
from infra import package

ROOT = Path(__file__).resolve().parent.parent
LIMIT = 1.25
MOST_MB = 12
ANCHOR = (
    "import chalice, pynamodb.models, pynamodb.transactions, aws_lambda_powertools.logging, "
    "aws_lambda_powertools.metrics"
)
OURS = "import app"
# What a first request to a slice adds: the judge, the store and that slice; for information.
SLICE = "import app; import chalicelib.edge.answering; app.app.routes['/v1/vouchers']"
ROUNDS = 15


def run() -> list[Gate]:
    """Return the gates of cold start and package size."""
    names = [OURS, ANCHOR, "control", SLICE]
    times: dict[str, list[float]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory(prefix="kezek-bytecode-") as bytecode:
        for code in (OURS, ANCHOR, SLICE):
            _process(code, bytecode)
        for round_ in range(ROUNDS):
            for name in names if round_ % 2 == 0 else reversed(names):
                times[name].append(_process(ANCHOR if name == "control" else name, bytecode))
    ours, anchor, control, one = (statistics.median(times[n]) for n in names)
    ratio = statistics.median(o / a for o, a in zip(times[OURS], times[ANCHOR], strict=True))
    gates = [
        Gate(
            "P13 import of the API function",
            f"{ratio:.2f} x the anchor ({ours * 1000:.0f} of {anchor * 1000:.0f} ms CPU; "
            f"vouchers too: {one * 1000:.0f})",
            f"{LIMIT} x",
            ratio <= LIMIT,
            control / anchor,
        )
    ]
    gates.append(_zip())
    return gates


def _zip() -> Gate:
    """Build the package as it ships, and weigh it."""
    with tempfile.TemporaryDirectory(prefix="kezek-package-") as folder:
        size = package.build("prod", Path(folder) / "build").stat().st_size / 1024 / 1024
    return Gate("P13 deployment.zip", f"{size:.1f} MB", f"{MOST_MB} MB", size <= MOST_MB)


def _process(code: str, bytecode: str) -> float:
    """Return the CPU seconds of an interpreter that runs the code; bytecode lies in a folder."""
    environment = {**os.environ, "AWS_DEFAULT_REGION": "eu-central-1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment["PYTHONPYCACHEPREFIX"] = bytecode
    began = _children_s()
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True)
    return _children_s() - began


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
