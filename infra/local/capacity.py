"""Capacity units that the application used, counted where its calls come back from the engine.

Each process keeps its own sums in a file of the data folder; `total` adds them up. A process that
is killed loses what it counted in its last half second.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

FOLDER = "capacity"
_READS = frozenset({"GetItem", "BatchGetItem", "Query", "Scan", "TransactGetItems"})
_EVERY_S = 0.5


class Counted:
    """The sums of one process: calls, read units and write units by logical table."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / FOLDER / f"{os.getpid()}-{time.time_ns()}.json"
        self._sums: dict[str, Counter[str]] = {}
        self._lock = threading.Lock()
        self._written = 0.0

    def watch(self, client: Any) -> None:
        """Ask each call of a DynamoDB client for its units, and add them up."""
        client.meta.events.register("before-parameter-build.dynamodb.*", _ask)
        client.meta.events.register("after-call.dynamodb.*", self._add)

    def _add(self, parsed: dict[str, Any], event_name: str = "", **_: Any) -> None:
        used = parsed.get("ConsumedCapacity")
        if not used:
            return
        kind = "read units" if event_name.rsplit(".", 1)[-1] in _READS else "write units"
        with self._lock:
            for entry in used if isinstance(used, list) else [used]:
                table = str(entry.get("TableName", "")).rsplit("-", 1)[-1]
                sums = self._sums.setdefault(table, Counter())
                sums[kind] += entry.get("CapacityUnits", 0)
            if time.monotonic() - self._written > _EVERY_S:
                self._write()

    def _write(self) -> None:
        self._written = time.monotonic()
        self._file.parent.mkdir(parents=True, exist_ok=True)
        half = self._file.with_suffix(".half")
        half.write_text(json.dumps(self._sums))
        half.replace(self._file)


def total(folder: Path) -> dict[str, dict[str, float]]:
    """Return read and write units by logical table, of all processes that ever served a folder."""
    sums: dict[str, Counter[str]] = {}
    for file in sorted((folder / FOLDER).glob("*.json")):
        for table, counted in json.loads(file.read_text()).items():
            sums.setdefault(table, Counter()).update(counted)
    return {table: dict(counted) for table, counted in sorted(sums.items())}


def _ask(params: dict[str, Any], **_: Any) -> None:
    params.setdefault("ReturnConsumedCapacity", "TOTAL")
