"""Runs, their lines in the list of an area, and the area's gate."""

from __future__ import annotations

from collections.abc import Iterator

from chalicelib.kernel.refusals import Unavailable
from chalicelib.queue.rules import Open, Run, RunLine
from chalicelib.storage import keys
from chalicelib.storage.commit import Check, Put
from chalicelib.storage.rows import QueueRow
from chalicelib.storage.shelf import Kept, Shelf


class RunMoved(Unavailable):
    """Another runner told how far the run is, or somebody stopped it: look again."""


RUNS: Shelf[Run] = Shelf(QueueRow, Run)
LINES: Shelf[RunLine] = Shelf(QueueRow, RunLine)
OPENS: Shelf[Open] = Shelf(QueueRow, Open)


def find_run(run_id: str) -> Kept[Run] | None:
    return RUNS.find(keys.run(run_id))


def load_run(run_id: str) -> Kept[Run]:
    """Return a run. Raises Unknown."""
    return RUNS.load(keys.run(run_id))


def create_run(run: Run) -> Put:
    return RUNS.create(keys.run(run.run_id), run)


def keep_run(kept: Kept[Run], run: Run) -> Put:
    return RUNS.replace(kept, run)


def find_open(programme: str, area: str) -> Kept[Open]:
    """Return an area's gate; nothing under way and nothing carried, at version 0, at first."""
    pk, sk = keys.run_open(programme, area)
    return OPENS.find((pk, sk)) or Kept(Open(), pk, sk, 0, "{}")


def keep_open(kept: Kept[Open], now_open: Open) -> Put:
    if kept.version == 0:
        return OPENS.create((kept.pk, kept.sk), now_open)
    return OPENS.replace(kept, now_open)


def create_line(run: Run, line: RunLine) -> Put:
    return LINES.create(_line_key(run), line)


def load_line(run: Run) -> Kept[RunLine]:
    return LINES.load(_line_key(run))


def keep_line(kept: Kept[RunLine], line: RunLine) -> Put:
    return LINES.replace(kept, line)


def each_line(
    programme: str, area: str, *, before: str | None = None
) -> Iterator[tuple[str, RunLine]]:
    """Yield an area's runs with their positions, newest first, from before a position on."""
    pk = keys.runs(programme, area, "", "")[0]
    # Instants begin with a digit; the area's gate lies behind them in the same partition.
    for kept in LINES.each(pk, upto=before or "9~", newest_first=True):
        if kept.sk != before:
            yield kept.sk, kept.value


def while_at(kept: Kept[Run]) -> Check:
    """Demand that the run stands as it was read; RunMoved if not.

    So a runner that fell behind issues nothing another one has passed over, and a stop is exact.
    """
    row = QueueRow(kept.pk, kept.sk)
    return Check(row, only_if=QueueRow.version == kept.version, otherwise=RunMoved())


def _line_key(run: Run) -> tuple[str, str]:
    return keys.runs(run.programme, run.area, run.proposed_at, run.run_id)
