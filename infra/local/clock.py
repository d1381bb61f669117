"""The simulated clock: one small file that every local process reads.

{}                                        the system's clock
{"offset_s": 86400.0}                     the system's clock, moved
{"frozen_at": "2026-03-02T13:00:00+00:00"}  standing still, while schedules are caught up
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from infra.local.places import read_json, write_whole


class FileClock:
    """A source for `chalicelib.edge.clock.use`, re-reading its file when that changes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[int, int] | None = None
        self._offset = timedelta(0)
        self._frozen: datetime | None = None

    def __call__(self) -> datetime:
        """Return the current simulated instant, aware, in UTC."""
        try:
            found = self.path.stat()
            seen: tuple[int, int] | None = (found.st_mtime_ns, found.st_ino)
        except OSError:
            seen = None
        if seen != self._seen:
            self._read()
            self._seen = seen
        return self._frozen or datetime.now(UTC) + self._offset

    @property
    def frozen(self) -> bool:
        """Tell whether the clock stands still."""
        self()
        return self._frozen is not None

    def freeze(self, at: datetime) -> None:
        """Let the clock stand at an instant, for every process."""
        self._write({"frozen_at": at.astimezone(UTC).isoformat()})

    def run_from(self, at: datetime) -> None:
        """Let the clock run on from an instant."""
        offset = at.astimezone(UTC) - datetime.now(UTC)
        self._write({"offset_s": offset.total_seconds()})

    def _write(self, content: dict[str, object]) -> None:
        write_whole(self.path, json.dumps(content).encode())
        self._seen = None

    def _read(self) -> None:
        content = read_json(self.path)
        self._offset = timedelta(seconds=float(content.get("offset_s", 0.0)))
        frozen = content.get("frozen_at")
        self._frozen = datetime.fromisoformat(frozen) if frozen else None


class FixedClock:
    """A clock that a test sets; stands still in between."""

    def __init__(self, at: datetime) -> None:
        self.at = at.astimezone(UTC)

    def __call__(self) -> datetime:
        """Return the instant that was set."""
        return self.at

    def freeze(self, at: datetime) -> None:
        """Set the clock."""
        self.at = at.astimezone(UTC)

    def run_from(self, at: datetime) -> None:
        """Set the clock; it does not run by itself."""
        self.freeze(at)
