"""The processes a supervisor keeps alive: started, watched, restarted, ended."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from infra.local.engine import tethered

_LOG_BYTES = 5_000_000
_FIRST_PAUSE_S, _LONGEST_PAUSE_S, _STEADY_S = 0.05, 5.0, 10.0


@dataclass(slots=True)
class Child:
    """One process: how to start it, and how it has fared. Spawned from the main thread only."""

    name: str
    command: list[str]
    environment: dict[str, str]
    log: Path
    folder: Path
    ready: Callable[[subprocess.Popen[bytes]], None]
    parent_signal: str = "KILL"
    process: subprocess.Popen[bytes] | None = field(default=None)
    restarts: int = 0
    _pause_s: float = _FIRST_PAUSE_S
    _started: float = 0.0
    _again_at: float | None = None

    def start(self) -> None:
        """Start the process; does not wait until it is ready."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > _LOG_BYTES:
            self.log.replace(self.log.with_name(f"{self.log.name}.1"))
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                tethered(self.command, self.parent_signal),
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # Ctrl-C reaches the supervisor alone, which stops the parts in their order.
                start_new_session=True,
            )
        self._started = time.monotonic()
        self._again_at = None

    def wait_until_ready(self) -> None:
        """Return once the process answers. Raises what `ready` raises."""
        if self.process is not None:
            self.ready(self.process)

    def watch(self) -> bool:
        """Restart the process if it ended, at once first, then ever slower; tell if so."""
        if self.process is None or self.process.poll() is None:
            return False
        now = time.monotonic()
        if self._again_at is None:
            # What is left of its group (gunicorn's worker) must not hold the port.
            self._signal(signal.SIGKILL)
            if now - self._started > _STEADY_S:
                self._pause_s = _FIRST_PAUSE_S
            self._again_at = now + self._pause_s
            self._pause_s = min(self._pause_s * 2, _LONGEST_PAUSE_S)
        if now < self._again_at:
            return False
        self.restarts += 1
        self.start()
        return True

    def stop(self, within_s: float = 10.0) -> None:
        """End the process and its group; by force after `within_s`."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self._signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(within_s)
        self._signal(signal.SIGKILL)
        self.process.wait()
        self.process = None

    def _signal(self, number: signal.Signals) -> None:
        if self.process is None:
            return
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            return
