"""The control client: how a command, a demo or a test talks to the running local cloud.

with Control.of(Path(".local")) as cloud: cloud.advance(...)
"""

from __future__ import annotations

import http.client
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from infra.local import issuer
from infra.local.clock import FileClock
from infra.local.httpd import SECRET_HEADER
from infra.local.places import Places, read_json

_LONG_S = 3600.0

Json = dict[str, Any]


class NotServing(RuntimeError):
    """No local cloud serves this data folder."""


class ControlError(RuntimeError):
    """The local cloud refused or could not; the message says why, in one line."""


@dataclass(frozen=True, slots=True)
class Control:
    """A running cloud. Addresses change with each start: make one anew after a restart."""

    data: Path
    api: str
    control: str
    runner: str
    secret: str
    clock: Path

    @classmethod
    def of(cls, data: Path = Path(".local"), *, wait_s: float = 0.0) -> Control:
        """Return the cloud that serves a data folder, waiting if asked. Raises NotServing."""
        end = time.monotonic() + wait_s
        while True:
            found = read_json(Places(data).run)
            if found and _runs(found["pid"]):
                made = cls(
                    data,
                    found["api"],
                    found["control"],
                    found["runner"],
                    found["secret"],
                    Path(found["clock"]),
                )
                if not wait_s or made.is_ready():
                    return made
            if time.monotonic() >= end:
                raise NotServing(f"no Kezek serves {data}: start it with `make serve`")
            time.sleep(0.05)

    def is_ready(self) -> bool:
        """Tell whether all parts are up."""
        try:
            return bool(self._ask(self.control, "/status", {}, 5.0)["ready"])
        except (OSError, ControlError):
            return False

    def status(self) -> Json:
        """Return ready, engine, parts, now, queues, streams, schedules, last_runs, counters.

        What the trigger process knows is missing while it is being restarted.
        """
        found = self._ask(self.control, "/status", {}, 10.0)
        try:
            return {**found, **self._ask(self.runner, "/status", {}, 10.0)}
        except (OSError, ControlError):
            return found

    def now(self) -> datetime:
        """Return the simulated instant."""
        return FileClock(self.clock)()

    def drain(self, within_s: float = 1_800.0) -> int:
        """Wait until queues and streams are empty; return how many items were delivered."""
        asked = {"within_s": within_s}
        return int(self._ask(self.runner, "/drain", asked, within_s + 30)["delivered"])

    def fire(self, name: str, at: datetime | None = None) -> Json:
        """Run one schedule once → name, at, tries, ms, reason (None: it succeeded)."""
        asked = {"name": name, "time": at.isoformat() if at else None}
        return self._ask(self.runner, "/fire", asked, _LONG_S)

    def advance(
        self,
        to: datetime,
        *,
        run_schedules: bool = True,
        only: Iterable[str] | None = None,
        on_fired: Callable[[Json], None] | None = None,
    ) -> list[Json]:
        """Move the clock forward, firing what falls due; return the firings as `fire` shows them.

        on_fired is told each one as it ends. Raises ControlError.
        """
        asked = {
            "to": to.isoformat(),
            "run_schedules": run_schedules,
            "only": list(only) if only is not None else None,
        }
        fired: list[Json] = []
        ended = False
        with self._open(self.runner, "/advance", asked, _LONG_S) as answer:
            for line in answer:
                said = json.loads(line)
                if "error" in said:
                    raise ControlError(said["error"])
                if "end" in said:
                    ended = True
                    break
                fired.append(said)
                if on_fired is not None:
                    on_fired(said)
        if not ended:
            raise ControlError("the trigger process ended before the clock had arrived")
        return fired

    def dead_letters(self) -> list[Json]:
        """Return the dead letters: queue, id, body, reason, sent_ms."""
        found: Any = self._ask(self.runner, "/dead-letters", {}, 30.0)
        return list(found)

    def redrive(self, dead_queue: str, queue: str) -> int:
        """Send dead letters back to a queue; return how many."""
        asked = {"from": dead_queue, "to": queue}
        return int(self._ask(self.runner, "/redrive", asked, 30.0)["moved"])

    def backup(self, target: Path) -> Json:
        """Write a backup into a new folder; return its manifest. Raises ControlError."""
        asked = {"target": str(target.resolve())}
        return self._ask(self.runner, "/backup", asked, _LONG_S)

    def restore(self, source: Path) -> Json:
        """Put a backup in the data's place → restored (manifest), replaced (folder kept).

        The parts restart meanwhile. Raises ControlError; a damaged backup changes nothing.
        """
        return self._ask(self.control, "/restore", {"source": str(source.resolve())}, _LONG_S)

    def issuer(self) -> issuer.Issuer:
        """Return the development issuer, whose tokens follow the simulated clock."""
        return issuer.load(Places(self.data).issuer, FileClock(self.clock))

    def _ask(self, base: str, path: str, asked: Json, timeout_s: float) -> Json:
        with self._open(base, path, asked, timeout_s) as answer:
            found: Json = json.loads(answer.read())
            return found

    def _open(
        self, base: str, path: str, asked: Json, timeout_s: float
    ) -> http.client.HTTPResponse:
        request = urllib.request.Request(
            base + path, json.dumps(asked).encode(), {SECRET_HEADER: self.secret}
        )
        try:
            answer: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=timeout_s)  # nosec B310
        except urllib.error.HTTPError as refused:
            with refused:
                said = json.loads(refused.read() or b"{}")
            raise ControlError(str(said.get("error", refused.reason))) from None
        return answer


def backup(target: Path, data: Path = Path(".local")) -> Json:
    """Back up the running system; return the manifest. Raises NotServing, ControlError."""
    return Control.of(data).backup(target)


def restore(source: Path, data: Path = Path(".local")) -> Json:
    """Restore the running system from a backup. Raises NotServing, ControlError."""
    return Control.of(data).restore(source)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
