"""The local cloud inside a test process: one engine per worker, fresh tables per test.

    engine   session  a dynoxide of its own on a random port (KEZEK_TEST_ENGINE=ministack, or
                      DYNAMODB_ENDPOINT, put another in its place)
    tables   test     empty tables; `dump()` shows all rows
    cloud    test     the application in this process: HTTP by Chalice's gateway; queue, streams
                      and schedules by the very code that `make serve` runs; a clock one sets

`tests/conftest.py` makes fixtures of these. Everything lies in pytest's temporary folder.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from infra.local import engine as engines
from infra.local import faults, issuer, sqs, tables
from infra.local.clock import FixedClock
from infra.local.cloud import Cloud
from infra.local.dispatch import NO_PAUSES, Fired
from infra.local.engine import Engine
from infra.local.gateway import Gateway
from infra.local.httpd import Ask, Httpd, Reply, said
from infra.local.messages import Messages
from infra.local.places import credentials, free_port

# Workers that share a given engine must not share its tables.
_WORKER = os.environ.get("PYTEST_XDIST_WORKER", "") if "DYNAMODB_ENDPOINT" in os.environ else ""
STAGE = f"test{_WORKER}"
# A Monday, 09:00 in Almaty, inside the academic year and the term of most examples.
MORNING = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
GENEROSITY = 1_000
_NOWHERE = "http://127.0.0.1:9"


def prepare_process() -> None:
    """Set what must be set before the application is imported; reaches nothing outside."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "KEZEK_KEYS", "KEZEK_WORK_QUEUE_URL"):
        os.environ.pop(name, None)
    os.environ.update(credentials())
    os.environ.update(
        {
            "KEZEK_STAGE": STAGE,
            # Until the engine runs, a stray call is refused at once instead of reaching AWS.
            "AWS_ENDPOINT_URL": _NOWHERE,
            "AWS_ENDPOINT_URL_DYNAMODB": _NOWHERE,
            "AWS_ENDPOINT_URL_SQS": _NOWHERE,
            "POWERTOOLS_SERVICE_NAME": "kezek",
            "POWERTOOLS_METRICS_NAMESPACE": "Kezek",
            "POWERTOOLS_TRACE_DISABLED": "true",
        }
    )
    faults.install()


@dataclass(frozen=True, slots=True)
class TestEngine:
    """A running engine: how it was started, and its clients."""

    __test__ = False

    engine: Engine
    client: Any
    streams: Any
    process: subprocess.Popen[bytes] | None

    @property
    def endpoint(self) -> str:
        return self.engine.endpoint


@contextmanager
def running_engine(folder: Path) -> Iterator[TestEngine]:
    """Run an engine for a test session and point the process at it."""
    wish = os.environ.get("KEZEK_TEST_ENGINE")
    said_once: list[str] = []
    chosen = engines.choose(
        port=free_port(),
        # A file, not memory: only there can the stream index be made, without which writes to
        # streamed tables slow down, and only there are tables emptied in a millisecond.
        database=folder / "tables.sqlite",
        state=folder / "ministack",
        wish=wish,
        say=said_once.append,
    )
    process = None
    if chosen.command is not None:
        process = engines.spawn(chosen, folder / "engine.log")
    try:
        engines.wait_until_ready(chosen.endpoint, process)
        client = engines.client("dynamodb", chosen.endpoint)
        streams = engines.client("dynamodbstreams", chosen.endpoint)
        os.environ["AWS_ENDPOINT_URL_DYNAMODB"] = chosen.endpoint
        _forget_connections()
        yield TestEngine(chosen, client, streams, process)
        client.close()
        streams.close()
    finally:
        os.environ["AWS_ENDPOINT_URL_DYNAMODB"] = _NOWHERE
        if process is not None:
            process.kill()
            process.wait()


class TestTables:
    """The application's tables on a test engine."""

    __test__ = False

    def __init__(self, engine: TestEngine, stage: str = STAGE) -> None:
        from chalicelib.storage.tables import definitions, ttl_attributes

        self.engine = engine
        self.stage = stage
        self.client = engine.client
        self._definitions = definitions(stage)
        self._ttl = ttl_attributes()
        self.names = [table["TableName"] for table in self._definitions]
        self._create()

    def wipe(self) -> None:
        """Empty all tables and streams, and take away the published queues that told of them."""
        published = os.environ.get("KEZEK_FILES")
        if published:
            shutil.rmtree(Path(published) / "record" / "queue", ignore_errors=True)
        if self.engine.engine.database is not None:
            tables.wipe(self.engine.engine.database, self.names)
            return
        for name in self.names:
            self.client.delete_table(TableName=name)
        self._create()

    def dump(self) -> dict[str, list[dict[str, Any]]]:
        """Return all rows in the engine's own JSON, by table, ordered by key."""
        found = {}
        for name in self.names:
            pages = self.client.get_paginator("scan").paginate(TableName=name, ConsistentRead=True)
            rows = [row for page in pages for row in page["Items"]]
            found[name] = sorted(rows, key=lambda row: (row["pk"]["S"], row["sk"]["S"]))
        return found

    def effects(self) -> dict[str, list[dict[str, Any]]]:
        """Return what `dump` does, less the meters.

        They count requests, and a repetition is one: what is told to have no effect is compared so.
        """
        return {name: rows for name, rows in self.dump().items() if not name.endswith("-meters")}

    def _create(self) -> None:
        tables.create(self.client, self._definitions, self._ttl)
        if self.engine.engine.database is not None:
            tables.prepare_database(self.engine.engine.database)
        self.streams = tables.streams(self.client, self.names)


class TestServices:
    """What a session of tests shares besides the engine: queue, issuer, keyring, files."""

    __test__ = False

    def __init__(self, folder: Path) -> None:
        from chalicelib.edge import auth
        from chalicelib.storage import secrets, signing

        self.folder = folder
        self.messages = Messages(None)
        self.issuer = issuer.fresh(lambda: MORNING)
        self._httpd = Httpd(self._answer)
        secrets.new_keyring_file(folder / "keys.json")
        signing.new_keys_file(folder / "record-keys.json")
        os.environ.update(
            {
                "AWS_ENDPOINT_URL_SQS": self._httpd.base,
                "KEZEK_KEYS_FILE": str(folder / "keys.json"),
                "KEZEK_RECORD_KEYS_FILE": str(folder / "record-keys.json"),
                "KEZEK_FILES": str(folder / "files"),
                "KEZEK_ISSUERS": json.dumps(issuer.configured(self._httpd.base)),
            }
        )
        secrets.forget_keyring()
        auth.forget_keys()
        _forget_queue()

    def close(self) -> None:
        """Stop serving; later calls are refused."""
        os.environ["AWS_ENDPOINT_URL_SQS"] = _NOWHERE
        self._httpd.close()
        self.messages.close()

    def _answer(self, ask: Ask) -> Reply:
        if ask.path == issuer.JWKS_PATH:
            return said(self.issuer.jwks())
        target = ask.headers.get("x-amz-target", "")
        status, headers, body = sqs.handle(self.messages, target, ask.body, self._httpd.base)
        return Reply(status, body, headers, sqs.CONTENT_TYPE)


@dataclass(frozen=True, slots=True)
class Said:
    """An HTTP answer."""

    status: int
    headers: Mapping[str, str]
    content: bytes = field(repr=False)

    @property
    def text(self) -> str:
        return self.content.decode()

    @property
    def json(self) -> Any:
        """The body as JSON; None without a body."""
        return json.loads(self.content) if self.content else None

    @property
    def code(self) -> str | None:
        """The stable code of a problem+json answer; None for any other."""
        if not self.headers.get("content-type", "").startswith("application/problem+json"):
            return None
        return str(self.json.get("code"))


class Undelivered(AssertionError):
    """Messages were given up and became dead letters, which the test did not expect."""


class TestCloud:
    """The whole system in one process and one thread, with a clock that one sets."""

    __test__ = False

    def __init__(
        self, app: Any, services: TestServices, test_tables: TestTables, at: datetime = MORNING
    ) -> None:
        self.app = app
        self.clock = FixedClock(at)
        self.tables = test_tables
        self.messages = services.messages
        self.files = services.folder / "files"
        # An empty log does not continue what another test published.
        shutil.rmtree(self.files / "record", ignore_errors=True)
        self.issuer = issuer.Issuer(services.issuer.key, services.issuer.kid, self.clock)
        self.messages.purge(None)
        self.gateway = Gateway(app)
        self.triggers = Cloud(
            app,
            stage=test_tables.stage,
            messages=self.messages,
            clock=self.clock,
            streams_client=test_tables.engine.streams,
            streams=test_tables.streams,
            pauses=NO_PAUSES,
        )

    # --- HTTP

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Said:
        """Send a request; a body that is not bytes goes out as JSON."""
        sent = {"accept": "*/*", **(headers or {})}
        raw = body if isinstance(body, bytes) else b""
        if body is not None and not isinstance(body, bytes):
            raw = json.dumps(body).encode()
            sent.setdefault("content-type", "application/json")
        if token is not None:
            sent["authorization"] = f"Bearer {token}"
        target = f"{path}?{urlencode(query)}" if query else path
        answer = self.gateway.request(method, target, sent, raw)
        text = answer.get("body") or ""
        content = base64.b64decode(text) if answer["isBase64Encoded"] else text.encode()
        shown = {name.lower(): str(value) for name, value in (answer.get("headers") or {}).items()}
        return Said(answer["statusCode"], shown, content)

    def get(self, path: str, **more: Any) -> Said:
        """Send a GET."""
        return self.request("GET", path, **more)

    def put(self, path: str, body: object = None, **more: Any) -> Said:
        """Send a PUT."""
        return self.request("PUT", path, body, **more)

    def post(self, path: str, body: object = None, **more: Any) -> Said:
        """Send a POST."""
        return self.request("POST", path, body, **more)

    def delete(self, path: str, **more: Any) -> Said:
        """Send a DELETE."""
        return self.request("DELETE", path, **more)

    def token(self, role: str | Collection[str], subject: str = "somebody", **claims: Any) -> str:
        """Return a token of the development issuer, good for twelve hours of the test's clock.

        All tokens of a subject are of one sign-in unless `sid` says otherwise.
        """
        claims = {"sid": f"sign-in-{subject}", **claims}
        return self.issuer.token(role, subject, claims, timedelta(hours=12))

    # --- time and triggers

    def set_clock(self, at: datetime) -> None:
        """Move the clock without firing anything; what fell due on the way is skipped."""
        self.clock.freeze(at)
        self.triggers.skip_to(at)

    def advance(
        self,
        to: datetime,
        *,
        only: Collection[str] | None = None,
        apart: timedelta = timedelta(0),
        strict: bool = True,
    ) -> list[Fired]:
        """Move the clock forward, firing what falls due.

        apart: a schedule that falls due more often is fired only this often, and the last time.
        strict: raise a handler's error, or Undelivered where messages became dead letters.
        """
        before = self._known_letters()
        fired = []
        for one in self.triggers.advance(to, only=only, apart=apart):
            if strict and one.error is not None:
                raise one.error
            fired.append(one)
        if strict:
            self._raise_undelivered(before)
        return fired

    def drain(self, *, strict: bool = True) -> int:
        """Deliver all queue messages and stream records; return how many. strict: as advance."""
        before = self._known_letters()
        delivered = self.triggers.drain(within_s=60.0)
        if strict:
            self._raise_undelivered(before)
        return delivered

    def fire(self, name: str, at: datetime | None = None, *, strict: bool = True) -> Fired:
        """Run one schedule, then drain."""
        fired = self.triggers.fire(name, at)
        if strict and fired.error is not None:
            raise fired.error
        self.drain(strict=strict)
        return fired

    def dead_letters(self) -> list[dict[str, Any]]:
        """Return the dead letters with their reasons."""
        return self.triggers.dead_letters()

    def _raise_undelivered(self, before: set[str]) -> None:
        """Raise what a handler raised, or Undelivered for messages that were given up."""
        for delivery in self.triggers.deliveries:
            if delivery.errors:
                error = delivery.errors[0]
                delivery.errors.clear()
                raise error
        new = [letter for letter in self.dead_letters() if letter["id"] not in before]
        if new:
            shown = [f"{letter['queue']}: {letter['reason']} {letter['body']}" for letter in new]
            raise Undelivered("; ".join(shown))

    def _known_letters(self) -> set[str]:
        return {letter["id"] for letter in self.dead_letters()}


@contextmanager
def in_process(
    app: Any, services: TestServices, test_tables: TestTables, at: datetime = MORNING
) -> Iterator[TestCloud]:
    """Give a test its cloud and set the application's clock to it."""
    from chalicelib.access.actions import limiting, revoking
    from chalicelib.edge import clock

    cloud = TestCloud(app, services, test_tables, at)
    clock.use(cloud.clock)
    # One family of a test stands for thousands, at one instant.
    limiting.use(GENEROSITY)
    revoking.forget()
    try:
        yield cloud
    finally:
        clock.use(None)
        limiting.use(None)
        revoking.forget()


def _forget_connections() -> None:
    from chalicelib.storage.rows import use_stage

    use_stage(STAGE)


def _forget_queue() -> None:
    from chalicelib.adapters import work

    work.forget_client()
