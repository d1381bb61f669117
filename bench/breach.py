"""The breach drill on a million look entries: `python -m bench breach`, some minutes.

Two cases: one caller of a thousand (the usual inquiry), and one caller who made a quarter of a
million looks in a month (an account that scraped all it could). The promise is an hour (B14).
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from bench import tables
from bench.gates import Gate

ENTRIES = 1_000_000
LIMIT_S = 3600


def run() -> list[Gate]:
    """Write the entries, ask twice; return a gate per case."""
    since = datetime(2026, 2, 1, tzinfo=UTC)
    until = since + timedelta(days=28)
    with tables.fresh():
        from chalicelib.rights.actions import breaching
        from tests.promises.looks import Crowd, entries, write

        crowd = Crowd(subjects=1000, children=50_000, since=since, days=28)
        began = time.perf_counter()
        write(entries(crowd, ENTRIES, thief="thief-000001", share=4))
        written = time.perf_counter() - began
        gates = []
        for name, subject in (("one of a thousand", "subject-000007"), ("scraper", "thief-000001")):
            began = time.perf_counter()
            found = breaching.exposed(subject=subject, since=since, until=until, now=until)
            took = time.perf_counter() - began
            gates.append(
                Gate(
                    f"breach drill, {name}",
                    f"{took:.1f} s: {found.looks} looks, {len(found.children)} children "
                    f"of {ENTRIES} entries (written in {written:.0f} s)",
                    f"{LIMIT_S} s",
                    took < LIMIT_S,
                )
            )
    return gates
