"""C1 with many cases: what `make fuzz` runs, over as many runs as it takes. No part of `make test`.

Rounds of `_ROUND` cases, each with dice of its own, counted in a folder (`KEZEK_FUZZ_KEEP`, see
fuzzbook.py); `KEZEK_FUZZ=5000` says how many an operation gets, `KEZEK_FUZZ_MINUTES` ends a run.
Over half of a case's time is schemathesis making it, a third the operation with its tables.
"""

from __future__ import annotations

import gc
import os
import time
from pathlib import Path

import pytest
from schemathesis import GenerationMode

from tests.promises.fuzzbook import MODES, Book
from tests.promises.rewind import Kept
from tests.promises.trials import (
    CASES,
    Known,
    Trial,
    all_checks,
    known_city,  # noqa: F401 — a fixture
    operations,
)

KEEP = os.environ.get("KEZEK_FUZZ_KEEP", ".local/fuzz")
MINUTES = float(os.environ.get("KEZEK_FUZZ_MINUTES", "0"))
_ROUND = 100


def test_c1_many_cases_over_several_runs(known: Known, request: pytest.FixtureRequest) -> None:
    programme = request.node.callspec.params["known"]
    book, kept = Book(Path(KEEP)), Kept(known.city.cloud.tables)
    checks = all_checks()
    until = time.monotonic() + MINUTES * 60 if MINUTES else float("inf")
    offered = {f"{o.method.upper()} {o.path}": o for o in operations()}
    pages = {name: book.page(programme, name) for name in offered}
    # What the city's year left is no rubbish: not to be looked through each time.
    gc.collect()
    gc.freeze()
    try:
        while time.monotonic() < until:
            waiting = [page for page in pages.values() if not page.done(CASES)]
            if not waiting:
                break
            page = min(waiting, key=lambda page: page.total)
            for mode in MODES:
                if not page.wants(mode, CASES):
                    continue
                number = page.rounds[mode]
                trial = Trial(known, offered[page.operation], checks, str(number))
                said = trial.round(
                    GenerationMode(mode), _ROUND, f"{page.operation} {mode} {number}"
                )
                page.cases[mode] += trial.tried
                page.rounds[mode] += 1
                if trial.tried < _ROUND // 2:
                    page.over.append(mode)
                if said is not None:
                    page.failures.append(said)
                    page.over = list(MODES)
            book.keep(page)
            kept.put_back()
    finally:
        gc.unfreeze()
    failed = [failure for page in pages.values() for failure in page.failures]
    assert not failed, "\n".join(failed)
