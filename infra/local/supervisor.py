"""`make serve`: starts every part, keeps it alive, and ends all of them and nothing else.

    engine  ←  tables made  ←  runner (queue, streams, schedules)  ←  web (HTTP)

The supervisor holds the control server, which says how all is and puts backups back, and the
issuer's public keys.
"""

from __future__ import annotations

import fcntl
import functools
import hmac
import json
import os
import queue
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO, Any

from infra.local import backup, engine, issuer, keyring, tables
from infra.local.children import Child
from infra.local.clock import FileClock
from infra.local.engine import Engine, Say
from infra.local.httpd import SECRET_HEADER, Ask, Httpd, Reply, said
from infra.local.places import (
    LOOPBACK,
    STAGE,
    Places,
    environment,
    free_port,
    project_root,
    read_json,
    write_whole,
)

_LOOK_S = 0.1
_RESTORE_S = 120.0


class CannotServe(RuntimeError):
    """The local cloud cannot start; the message says why, in one line."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What `make serve` was asked.

    clock: "real", the file of a simulated clock, or None for the data folder's own.
    """

    port: int = 8000
    data: Path = Path(".local")
    engine: str | None = None
    clock: str | None = None
    app: str = "app:app"


class Supervisor:
    """The parts of one running cloud."""

    def __init__(self, wish: Wish, say: Say) -> None:
        self.wish = wish
        self.say = say
        self.places = Places(wish.data.resolve())
        self.stopping = threading.Event()
        self.ready = False
        self._work: queue.Queue[Callable[[], None]] = queue.Queue()
        self._lock: IO[str] | None = None
        self._secret = secrets.token_hex(16)
        self._children: list[Child] = []
        self._clock = self.places.clock if wish.clock is None else Path(wish.clock).resolve()
        if wish.clock == "real":
            # Never written, so that it reads as the system's clock.
            self._clock = self.places.data / "no-clock.json"
        self._engine: Engine | None = None
        self._left_over = False
        self._httpd: Httpd | None = None

    def run(self) -> None:
        """Serve until told to stop. Raises CannotServe, EngineMissing, EngineTampered."""
        try:
            self._start()
            while not self.stopping.is_set():
                self._look_after()
        finally:
            self._stop()

    def stop(self, _: int = 0, __: FrameType | None = None) -> None:
        """Begin to stop; for signal handlers."""
        self.stopping.set()

    # --- starting

    def _start(self) -> None:
        self._take_folder()
        try:
            keyring.check(self.places.keys)
        except keyring.OtherKeys as error:
            raise CannotServe(str(error)) from None
        if not _becomes_free(self.wish.port, within_s=3.0 if self._left_over else 0.0):
            raise CannotServe(f"port {self.wish.port} is taken: choose another with --port")
        self._httpd = Httpd(self._answer)
        self._engine = engine.choose(
            port=free_port(),
            database=self.places.database,
            state=self.places.data / "ministack",
            wish=self.wish.engine,
            say=self.say,
        )
        self._make_files()
        runner_port = free_port()
        self._children = self._parts(self._engine, runner_port, self._httpd.base)
        self._write_run(runner_port)
        first, *rest = self._children
        if first.name == "engine":
            first.start()
            first.wait_until_ready()
        else:
            engine.wait_until_ready(self._engine.endpoint, None)
            rest = self._children
        if self.stopping.is_set():
            return
        self._make_tables()
        for child in rest:
            child.start()
        for child in rest:
            child.wait_until_ready()
        if self.stopping.is_set():
            return
        self._write_run(runner_port)
        self.ready = True
        durable = "" if self._engine.durable else ", which loses data on kill -9"
        self.say(
            f"Kezek is ready on http://{LOOPBACK}:{self.wish.port} "
            f"(engine {self._engine.name}{durable}; data in {self.wish.data}; Ctrl-C stops it)"
        )

    def _take_folder(self) -> None:
        self.places.data.mkdir(parents=True, exist_ok=True)
        self._lock = self.places.lock.open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotServe(f"another Kezek already serves {self.wish.data}") from None
        self._end_left_over()

    def _end_left_over(self) -> None:
        """End parts that a killed supervisor left behind, where the kernel did not do it."""
        self._left_over = self.places.run.exists()
        for pid in read_json(self.places.run).get("pids", {}).values():
            shown = subprocess.run(
                ["ps", "-p", str(int(pid)), "-o", "command="], capture_output=True, check=False
            ).stdout.decode(errors="replace")
            # A process id may long belong to somebody else; ours name our folder or our modules.
            if str(self.places.data) in shown:
                os.killpg(int(pid), signal.SIGKILL)

    def _make_files(self) -> None:
        from chalicelib.storage.secrets import new_keyring_file
        from chalicelib.storage.signing import new_keys_file

        self.places.files.mkdir(parents=True, exist_ok=True)
        new_keyring_file(self.places.keys)
        new_keys_file(self.places.record_keys)
        issuer.load(self.places.issuer)

    def _parts(self, chosen: Engine, runner_port: int, control: str) -> list[Child]:
        told = {
            name: value
            for name, value in os.environ.items()
            # A developer's own AWS session must not leak into the local cloud.
            if name not in ("AWS_PROFILE", "AWS_SESSION_TOKEN")
        }
        told |= environment(
            self.places,
            endpoint=chosen.endpoint,
            sqs=f"http://{LOOPBACK}:{runner_port}",
            issuers=issuer.configured(control),
        )
        clock = [] if self.wish.clock == "real" else ["--clock", str(self._clock)]
        python = [sys.executable, "-m"]
        own = {"KEZEK_CONTROL_SECRET": self._secret}
        if chosen.database is not None:
            own["KEZEK_LOCAL_DATABASE"] = str(chosen.database)
        runner = [*python, "infra.local.runner", "--data", str(self.places.data)]
        runner += ["--port", str(runner_port), "--app", self.wish.app, *clock]
        web = [*python, "infra.local.web", "--port", str(self.wish.port), "--app", self.wish.app]
        parts = [
            self._child("runner", runner, told | own, f"http://{LOOPBACK}:{runner_port}/"),
            self._child("web", web + clock, told, f"http://{LOOPBACK}:{self.wish.port}/"),
        ]
        if chosen.command is not None:
            settings = {**os.environ, **chosen.environment}
            first = self._child("engine", chosen.command, settings, chosen.endpoint)
            parts.insert(0, first)
        for part in parts:
            # Parts that keep their data in a log of writes may go at any moment, and one that
            # lingered would deliver beside its successor. Gunicorn takes its worker along.
            part.parent_signal = "TERM" if part.name == "web" else "KILL"
        return parts

    def _child(self, name: str, command: list[str], told: dict[str, str], address: str) -> Child:
        log = self.places.logs / f"{name}.log"

        def ready(process: subprocess.Popen[bytes]) -> None:
            try:
                engine.wait_until_ready(address, process, within_s=60.0, stop=self.stopping)
            except engine.EngineMissing as error:
                raise CannotServe(f"the {name} does not start ({error}): see {log}") from None

        return Child(name, command, told, log, project_root(), ready)

    def _make_tables(self) -> None:
        if self._engine is None:
            return
        from chalicelib.storage.tables import definitions, ttl_attributes

        client = engine.client("dynamodb", self._engine.endpoint)
        tables.create(client, definitions(STAGE), ttl_attributes())
        client.close()
        if self._engine.database is not None:
            tables.prepare_database(self._engine.database)

    def _write_run(self, runner_port: int) -> None:
        if self._engine is None or self._httpd is None:
            return
        content = {
            "pid": os.getpid(),
            "pids": {c.name: c.process.pid for c in self._children if c.process is not None},
            "api": f"http://{LOOPBACK}:{self.wish.port}",
            "control": self._httpd.base,
            "runner": f"http://{LOOPBACK}:{runner_port}",
            "secret": self._secret,
            "clock": str(self._clock),
            "stage": STAGE,
            "engine": {
                "name": self._engine.name,
                "endpoint": self._engine.endpoint,
                "durable": self._engine.durable,
            },
        }
        write_whole(self.places.run, json.dumps(content).encode(), mode=0o600)

    # --- running

    def _look_after(self) -> None:
        restarted = [child.name for child in self._children if child.watch()]
        if restarted:
            content = read_json(self.places.run)
            content["pids"] = {c.name: c.process.pid for c in self._children if c.process}
            write_whole(self.places.run, json.dumps(content).encode(), mode=0o600)
        try:
            work = self._work.get(timeout=_LOOK_S)
        except queue.Empty:
            return
        work()

    def _stop(self) -> None:
        for child in reversed(self._children):
            child.stop()
        if self._httpd is not None:
            self._httpd.close()
        self.places.run.unlink(missing_ok=True)
        if self._lock is not None:
            self._lock.close()

    # --- control

    def _answer(self, ask: Ask) -> Reply:
        if ask.path == issuer.JWKS_PATH:
            return said(issuer.load(self.places.issuer).jwks())
        if not hmac.compare_digest(ask.headers.get(SECRET_HEADER.lower(), ""), self._secret):
            return said({"error": "not allowed"}, 403)
        if ask.path == "/status":
            return said(self._status())
        if ask.path == "/restore":
            return self._restore(Path(ask.json()["source"]))
        return said({"error": "unknown"}, 404)

    def _status(self) -> dict[str, Any]:
        chosen = self._engine
        return {
            "ready": self.ready and all(_alive(child) for child in self._children),
            "engine": chosen.name if chosen else None,
            "durable": bool(chosen and chosen.durable),
            "now": FileClock(self._clock)().isoformat(),
            "parts": {
                child.name: {
                    "pid": child.process.pid if child.process else None,
                    "alive": _alive(child),
                    "restarts": child.restarts,
                }
                for child in self._children
            },
        }

    def _restore(self, source: Path) -> Reply:
        if self._engine is None or self._engine.database is None:
            return said(
                {"error": "only the dynoxide engine on disk can be restored; this one cannot"}, 409
            )
        try:
            manifest = backup.check(source)
        except backup.BadBackup as error:
            return said({"error": str(error)}, 400)
        answers: queue.Queue[Reply] = queue.Queue()
        # Processes are started by the main thread alone: they are tied to it.
        self._work.put(functools.partial(self._swap, source, manifest, answers))
        try:
            return answers.get(timeout=_RESTORE_S)
        except queue.Empty:
            return said({"error": "the restored system did not come up in time"}, 504)

    def _swap(self, source: Path, manifest: dict[str, Any], answers: queue.Queue[Reply]) -> None:
        self.ready = False
        for child in reversed(self._children):
            child.stop()
        try:
            kept = backup.put_in_place(self.places, source)
        except OSError as error:
            answers.put(said({"error": f"restoring failed: {error}"}, 500))
            self.stopping.set()
            return
        first, *rest = self._children
        first.start()
        first.wait_until_ready()
        self._make_tables()
        for child in rest:
            child.start()
        for child in rest:
            child.wait_until_ready()
        content = read_json(self.places.run)
        content["pids"] = {c.name: c.process.pid for c in self._children if c.process}
        write_whole(self.places.run, json.dumps(content).encode(), mode=0o600)
        self.ready = True
        answers.put(said({"restored": manifest, "replaced": str(kept)}))


def _alive(child: Child) -> bool:
    return child.process is not None and child.process.poll() is None


def _becomes_free(port: int, *, within_s: float) -> bool:
    end = time.monotonic() + within_s
    while True:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                if time.monotonic() >= end:
                    return False
                time.sleep(0.1)
            else:
                return True
