"""A whole night of a city on the local engine: `python -m bench city`, smaller with CITY=10000.

A hundred thousand who wait, places for a quarter of them: the run is drafted (read, decided,
written), released, and its vouchers are issued one commit each. Seconds, processor time, round
trips and capacity units of each phase; nothing is held to a limit. It takes an hour and more on two
cores, most of it the engine's own writing.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from bench import cities
from bench.gates import Gate
from infra.local import faults, testing

T = TypeVar("T")
CHILDREN = int(os.environ.get("CITY", "100000"))
VOUCHERS_IN_A_PART = 50
RUN = "run-of-the-city"


@dataclass(slots=True)
class Spent:
    """What a phase took."""

    seconds: float = 0.0
    cpu_s: float = 0.0
    calls: int = 0
    read: float = 0.0
    written: float = 0.0

    def of(self, work: Callable[[], T]) -> T:
        """Do some work of this phase."""
        began, cpu = time.perf_counter(), time.process_time()
        with faults.watch() as seen:
            done = work()
        self.seconds += time.perf_counter() - began
        self.cpu_s += time.process_time() - cpu
        self.calls += len(seen.calls)
        read, written = seen.units
        self.read += read
        self.written += written
        return done


def run() -> list[Gate]:
    """Print a line for each phase."""
    with tempfile.TemporaryDirectory(prefix="kezek-bench-") as name:
        folder = Path(name)
        cities.prepare(folder)
        with testing.running_engine(folder) as engine:
            testing.TestTables(engine)
            rows = cities.settle(engine, CHILDREN, places=CHILDREN // 4)
            _say(f"{CHILDREN:,} who wait, {CHILDREN // 4:,} places, {rows:,} rows")
            return _night()


def _night() -> list[Gate]:
    from chalicelib.queue import actions
    from chalicelib.queue.actions import planning
    from tests.queue.city import AREA, EVENING, JOB, LATER, PROGRAMME

    load, solve, draft, release, issue = (Spent() for _ in range(5))

    def loaded() -> tuple[Any, Any, Any]:
        reading = planning.read(PROGRAMME, AREA, now=EVENING)
        return reading, *planning.supply(reading, PROGRAMME, AREA, now=EVENING)

    def thrown_away() -> None:
        reading, seekers, places = load.of(loaded)
        solve.of(lambda: planning.decide(seekers, places, None, reading.order, {}))

    thrown_away()
    made = draft.of(
        lambda: actions.propose(RUN, programme=PROGRAMME, area=AREA, by=JOB, now=EVENING)
    )
    release.of(lambda: actions.release_due(RUN, by=JOB, now=LATER))
    vouchers, told = made.vouchers, time.perf_counter()
    while issue.of(lambda: actions.commit_part(RUN, by=JOB, now=LATER, most=VOUCHERS_IN_A_PART)):
        if time.perf_counter() - told > 60:
            told = time.perf_counter()
            _say(f"  {issue.seconds:.0f} s: {issue.written:.0f} write units so far")
    _say("| phase | s | CPU s | calls | read units | write units |")
    _say("|---|--:|--:|--:|--:|--:|")
    phases = {
        "load: queue, places, waiting lists": load,
        "solve: order, places, reasons": solve,
        "draft: both again, and what was read and decided written": draft,
        "release": release,
        f"commit of {vouchers:,} vouchers": issue,
    }
    for name, spent in phases.items():
        _say(
            f"| {name} | {spent.seconds:.1f} | {spent.cpu_s:.1f} | {spent.calls:,} | "
            f"{spent.read:,.0f} | {spent.written:,.0f} |"
        )
    _say(
        f"a voucher: {issue.calls / vouchers:.2f} calls, {issue.read / vouchers:.1f} read and "
        f"{issue.written / vouchers:.1f} write units"
    )
    return []


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
