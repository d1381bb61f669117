"""The trigger process: serves the queue and delivers messages, stream records and schedules.

    python -m infra.local.runner --data .local --port N --app app:app

One thread per queue and stream and one for the schedules, so that a long job holds up no other.
Everything acknowledged is on disk before it is answered: after kill -9 it goes on where it was.
"""

from __future__ import annotations

import argparse
import contextlib
import hmac
import os
import signal
import sqlite3
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from infra.local import backup, capacity, engine, sqs, tables
from infra.local.clock import FileClock
from infra.local.cloud import BadAdvance, Cloud, NotQuiet
from infra.local.dispatch import Fired, QueueDelivery, StreamDelivery
from infra.local.httpd import SECRET_HEADER, Ask, Httpd, Reply, said
from infra.local.messages import Messages
from infra.local.places import Places
from infra.local.sources import UnknownSource
from infra.local.web import count_units, load_app

_IDLE_S = 0.2
_UPKEEP_S, _SWEEP_S = 30.0, 600.0


class Runner:
    """The threads around a Cloud, and the HTTP side of it."""

    def __init__(
        self,
        places: Places,
        app: Any,
        *,
        port: int,
        secret: str,
        stage: str,
        clock_file: Path | None,
    ) -> None:
        from chalicelib.edge import clock
        from chalicelib.storage.tables import definitions, ttl_attributes

        self.places = places
        self.secret = secret
        # Without a file of its own the clock is the system's, and cannot be moved.
        self.clock = FileClock(clock_file or places.data / "no-clock.json")
        self.movable = clock_file is not None
        if self.clock.frozen:
            # A run that was killed halfway left the clock standing.
            self.clock.run_from(self.clock())
        clock.use(self.clock)
        endpoint = os.environ["AWS_ENDPOINT_URL_DYNAMODB"]
        self.database = places.database if os.environ.get("KEZEK_LOCAL_DATABASE") else None
        self.client = engine.client("dynamodb", endpoint)
        names = [table["TableName"] for table in definitions(stage)]
        self.ttl = {n: a for n in names if (a := ttl_attributes().get(n.rsplit("-", 1)[-1]))}
        self.messages = Messages(places.queues)
        self.messages.release_leases()
        self.cloud = Cloud(
            app,
            stage=stage,
            messages=self.messages,
            clock=self.clock,
            streams_client=engine.client("dynamodbstreams", endpoint),
            streams=tables.streams(self.client, names),
        )
        self.stopping = threading.Event()
        self.httpd = Httpd(self.answer, port)
        self._threads = [
            *[self._thread(self._queue, d) for d in self.cloud.queues],
            *[self._thread(self._stream, d) for d in self.cloud.streams],
            self._thread(self._schedules),
            self._thread(self._upkeep),
        ]

    def stop(self) -> None:
        """Let running handlers end, at most a few seconds, and close."""
        self.stopping.set()
        self.cloud.pacer.stop()
        self.httpd.close()
        end = time.monotonic() + 8
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        self.messages.close()

    # --- the threads

    def _thread(self, work: Callable[..., None], *args: Any) -> threading.Thread:
        def guarded() -> None:
            try:
                work(*args)
            except BaseException:
                # A silent dead thread would stop deliveries; a dead process is restarted.
                traceback.print_exc()
                os._exit(70)

        thread = threading.Thread(target=guarded, daemon=True, name=work.__name__)
        thread.start()
        return thread

    def _queue(self, delivery: QueueDelivery) -> None:
        queue = delivery.source.queue
        while not self.stopping.is_set():
            if not delivery.step():
                self.messages.wait(
                    _IDLE_S * 5,
                    lambda: self.stopping.is_set() or bool(self.messages.depth(queue)["visible"]),
                )

    def _stream(self, delivery: StreamDelivery) -> None:
        while not self.stopping.is_set():
            try:
                handled = delivery.step()
            except (BotoCoreError, ClientError):
                # The engine is being restarted; the checkpoint stands.
                delivery.feed.forget()
                handled = 0
            if not handled:
                self.stopping.wait(_IDLE_S)

    def _schedules(self) -> None:
        while not self.stopping.is_set():
            self.cloud.catch_up(_report)
            self.stopping.wait(0.5)

    def _upkeep(self) -> None:
        swept = time.monotonic()
        while not self.stopping.wait(_UPKEEP_S):
            if self.database is None:
                return
            # Upkeep that meets a busy or restarting engine simply comes round again.
            with contextlib.suppress(sqlite3.OperationalError, BotoCoreError, ClientError):
                self.cloud.trim(self.database)
                if time.monotonic() - swept > _SWEEP_S:
                    swept = time.monotonic()
                    tables.sweep_expired(self.database, self.client, self.ttl, now=self.clock())

    # --- HTTP

    def answer(self, ask: Ask) -> Reply:
        """Answer the queue's clients and, with the secret, the control client."""
        target = ask.headers.get("x-amz-target", "")
        if target.startswith("AmazonSQS."):
            status, headers, body = sqs.handle(self.messages, target, ask.body, self.httpd.base)
            return Reply(status, body, headers, sqs.CONTENT_TYPE)
        if not hmac.compare_digest(ask.headers.get(SECRET_HEADER.lower(), ""), self.secret):
            return said({"error": "not allowed"}, 403)
        operation = self._operations().get(ask.path)
        if operation is None:
            return said({"error": "unknown"}, 404)
        try:
            return operation(ask.json())
        except (UnknownSource, ValueError, KeyError) as error:
            return said({"error": str(error)}, 400)
        except NotQuiet as error:
            return said({"error": str(error)}, 504)
        except backup.CannotBackUp as error:
            return said({"error": str(error)}, 409)
        except (BotoCoreError, ClientError) as error:
            return said({"error": f"the data engine does not answer: {type(error).__name__}"}, 503)

    def _operations(self) -> dict[str, Callable[[dict[str, Any]], Reply]]:
        return {
            "/status": self._status,
            "/drain": self._drain,
            "/fire": self._fire,
            "/advance": self._advance,
            "/dead-letters": lambda _: said(self.cloud.dead_letters()),
            "/redrive": self._redrive,
            "/backup": self._backup,
        }

    def _status(self, _: dict[str, Any]) -> Reply:
        return said(
            {
                "now": self.clock().isoformat(),
                "queues": self.cloud.depths(),
                "streams": self.cloud.lags(self.database),
                "schedules": {s.name: s.expression for s in self.cloud.sources.schedules},
                "last_runs": self.cloud.last_runs(),
                "counters": self.cloud.counters(),
                "capacity": capacity.total(self.places.data),
            }
        )

    def _drain(self, asked: dict[str, Any]) -> Reply:
        return said({"delivered": self.cloud.drain(within_s=float(asked.get("within_s", 300)))})

    def _fire(self, asked: dict[str, Any]) -> Reply:
        at = datetime.fromisoformat(asked["time"]) if asked.get("time") else None
        fired = self.cloud.fire(asked["name"], at)
        _report(fired)
        return said(shown(fired))

    def _redrive(self, asked: dict[str, Any]) -> Reply:
        return said({"moved": self.messages.redrive(asked["from"], asked["to"])})

    def _backup(self, asked: dict[str, Any]) -> Reply:
        return said(backup.make(self.places, self.database, self.messages, Path(asked["target"])))

    def _advance(self, asked: dict[str, Any]) -> Reply:
        if not self.movable:
            raise BadAdvance("the clock is the system's: serve without --clock real")
        firings = self.cloud.advance(
            datetime.fromisoformat(asked["to"]),
            run_schedules=bool(asked.get("run_schedules", True)),
            only=asked.get("only"),
        )
        return Reply(media="application/x-ndjson", lines=_lines(firings))


def shown(fired: Fired) -> dict[str, Any]:
    """Return a firing as JSON."""
    return {
        "name": fired.name,
        "at": fired.at.isoformat(),
        "tries": fired.tries,
        "ms": round(fired.ms, 2),
        "reason": fired.reason,
    }


def _lines(firings: Iterator[Fired]) -> Iterator[dict[str, Any]]:
    try:
        for fired in firings:
            _report(fired)
            yield shown(fired)
    except (BadAdvance, UnknownSource, NotQuiet) as error:
        yield {"error": str(error)}
        return
    except (BotoCoreError, ClientError) as error:
        yield {"error": f"the data engine does not answer: {type(error).__name__}"}
        return
    yield {"end": True}


def _report(fired: Fired) -> None:
    if fired.error is not None:
        # Where it broke, without its message: the message may hold data.
        where = traceback.extract_tb(fired.error.__traceback__)[-1]
        os.write(2, f"{fired.name}: {fired.reason} at {where.filename}:{where.lineno}\n".encode())


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="infra.local.runner")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--app", default="app:app")
    parser.add_argument("--clock", type=Path)
    asked = parser.parse_args()
    stop = threading.Event()

    def told(_: int, __: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, told)
    signal.signal(signal.SIGINT, told)
    count_units()
    runner = Runner(
        Places(asked.data),
        load_app(asked.app),
        port=asked.port,
        secret=os.environ.pop("KEZEK_CONTROL_SECRET"),
        stage=os.environ["KEZEK_STAGE"],
        clock_file=asked.clock,
    )
    while not stop.wait(1.0):
        pass
    runner.stop()


if __name__ == "__main__":
    main()
