"""P12: a national month, 22 million marks, recomputed from an export in under a minute.

`python -m bench audit` writes an invented national month as an export (minutes), then runs
`kezek audit` over it: equal to the ledger to the tiyn, in at most 60 s on one machine.
EXPORT=FOLDER takes one that is there; CHILDREN=30000 writes a smaller one. DuckDB is no part of
what `make` installs: PYTHON=.venv-audit/bin/python names an interpreter that has it
(`pip install -r infra/audit/requirements.txt` beside requirements.txt).
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.gates import Gate

ROOT = Path(__file__).resolve().parent.parent
MONTH = "2026-09"
CHILDREN = int(os.environ.get("CHILDREN", "788000"))
SITES = max(1, round(CHILDREN * 5_600 / 788_000))
PYTHON = os.environ.get("PYTHON", sys.executable)
MOST_S = 60.0


def run() -> list[Gate]:
    """Return the gates of P12."""
    with tempfile.TemporaryDirectory(prefix="kezek-audit-") as name:
        folder = Path(os.environ.get("EXPORT", name))
        if not any(folder.iterdir()):
            asked = ["--children", str(CHILDREN), "--sites", str(SITES), "--month", MONTH]
            _run(["-m", "infra.audit", str(folder), *asked])
        began = time.perf_counter()
        found = json.loads(
            _run(["-c", _KEZEK, "audit", str(folder), "--month", MONTH, "--json"], codes=(0, 1))
        )
        seconds = time.perf_counter() - began
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return [
        Gate(
            "P12 totals of a month, differing child-months",
            f"{found['differing']} of {found['children']:,}, {found['marks']:,} marks",
            "0",
            found["good"] and _sums(found),
        ),
        Gate(
            "P12 recomputed on one machine, with start",
            f"{seconds:.1f} s, {memory:.0f} MB, {os.cpu_count()} processors",
            f"{MOST_S:.0f} s",
            seconds <= MOST_S,
        ),
    ]


def _sums(found: dict[str, Any]) -> bool:
    """Return whether due, stated and booked are one sum, and one of something."""
    sums = {found["due_tiyn"], found["stated_tiyn"], found["booked_tiyn"]}
    return len(sums) == 1 and 0 not in sums


_KEZEK = "import sys; from infra.command.main import cli; sys.argv[0] = 'kezek'; cli()"


def _run(asked: list[str], *, codes: tuple[int, ...] = (0,)) -> str:
    done = subprocess.run(
        [PYTHON, *asked],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    if done.returncode not in codes:
        raise RuntimeError(f"{' '.join(asked[:3])}: exit {done.returncode}")
    return done.stdout
