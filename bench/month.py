"""A month for a city of 30,000 children, end to end on the local engine: `python -m bench month`.

CHILDREN=3000 plays a smaller one of the same shape. Everything is done (bench/played.py): tablets
sign and send group by group, heads close, families look and approve, schedules remind, bill and
claim, officers agree and release, a run is paid and answered. Wall and processor time of each step,
round trips, units, the peak memory of the process that is tablets, families and Kezek at once, and
of the engine. Nothing is held to a limit but that every child's money arrived.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

from bench import cost, played
from bench.gates import Gate

CHILDREN = int(os.environ.get("CHILDREN", "30000"))
PER_CHILD_TIYN = 65_000_00


def run() -> list[Gate]:
    """Print a line for each step; return that what was paid is what was due."""
    _, assumed = cost.tables()
    city = assumed["city"]
    kindergartens = max(1, round(city["kindergartens"] * CHILDREN / city["children"]))
    sizes = cost.sizes_of(assumed["country"], CHILDREN, kindergartens)
    began = time.perf_counter()
    with played.a_cloud() as cloud:
        month = played.Played(cloud, sizes, say=_say)
        _say(
            f"{CHILDREN:,} children, {len(sizes)} kindergartens,"
            f" {sum(len(p.groups) for p in month.providers):,} tablets;"
            f" put into the tables in {time.perf_counter() - began:.0f} s"
        )
        month.play()
        _say("| step | s | CPU s | CPU s of Kezek | calls | read units | write units |")
        _say("|---|--:|--:|--:|--:|--:|--:|")
        sums = [0.0] * 6
        for step, (seconds, cpu) in month.spent.items():
            use = month.meter.of(step)
            row = [seconds, cpu, use.cpu_s, use.calls, use.read, use.written]
            sums = [a + b for a, b in zip(sums, row, strict=True)]
            _say(_line(step, row))
        _say(_line("all", sums))
        own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        _say(f"peak memory: {own:.0f} MB here, {_engine_mb(cloud)} MB the engine")
        _say(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
        due = len(month.days) and CHILDREN * PER_CHILD_TIYN
        return [
            Gate(
                f"month of {CHILDREN:,} children, paid / due",
                f"{month.paid_tiyn:,} tiyn",
                f"{due:,}",
                month.paid_tiyn == due and not cloud.dead_letters(),
            )
        ]


def _engine_mb(cloud: Any) -> str:
    process = cloud.tables.engine.process
    try:
        status = Path(f"/proc/{process.pid}/status").read_text()
    except (OSError, AttributeError):
        return "?"
    line = next((one for one in status.splitlines() if one.startswith("VmHWM:")), "VmHWM: 0 kB")
    return f"{int(line.split()[1]) / 1024:.0f}"


def _line(step: str, row: list[float]) -> str:
    seconds, cpu, own, calls, read, written = row
    return (
        f"| {step} | {seconds:,.0f} | {cpu:,.1f} | {own:,.1f} | {calls:,.0f} | {read:,.0f} |"
        f" {written:,.0f} |"
    )


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
