"""What an application listens to, read from the Chalice object itself."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chalice.app import (
    Chalice,
    DynamoDBEventConfig,
    ScheduledEventConfig,
    SQSEventConfig,
)
from chalice.local import LambdaContext

from infra.local import cron
from infra.local.events import Event
from infra.local.places import work_queue

Handler = Callable[[Event, Any], Any]
_MEMORY_MB, _LONGEST_MS = 512, 900_000


class UnknownSource(LookupError):
    """The application listens to something the local cloud has not, or nothing bears the name."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A handler and when it is to run."""

    name: str
    handler: Handler
    expression: str
    rule: cron.Rule


@dataclass(frozen=True, slots=True)
class Queue:
    """A handler and the queue it takes batches from."""

    name: str
    handler: Handler
    queue: str
    batch_size: int


@dataclass(frozen=True, slots=True)
class Stream:
    """A handler and the table whose changes it gets."""

    name: str
    handler: Handler
    table: str
    batch_size: int


@dataclass(frozen=True, slots=True)
class Sources:
    """All ways into an application but HTTP."""

    schedules: tuple[Schedule, ...]
    queues: tuple[Queue, ...]
    streams: tuple[Stream, ...]

    def schedule(self, name: str) -> Schedule:
        """Return a schedule by the name of its handler. Raises UnknownSource."""
        for found in self.schedules:
            if found.name == name:
                return found
        raise UnknownSource(f"no schedule {name!r}; there are: {[s.name for s in self.schedules]}")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an invocation came to: its value, or why it failed; ms it took."""

    value: Any
    reason: str | None
    error: BaseException | None
    ms: float


def read(app: Chalice, stage: str, streamed: dict[str, str]) -> Sources:
    """Return the sources of an application, with queue and table names of this stage.

    streamed: physical table name by logical name, of the tables that have a stream. The
    application may have been imported under another stage; only the logical name counts.
    Raises UnknownSource.
    """
    schedules, queues, streams = [], [], []
    for config in app.event_sources:
        handler = app.handler_map[config.name]
        if isinstance(config, ScheduledEventConfig):
            expression = config.schedule_expression
            text = expression if isinstance(expression, str) else expression.to_string()
            schedules.append(Schedule(config.name, handler, text, cron.parse(text)))
        elif isinstance(config, SQSEventConfig):
            queue = _queue(str(config.queue or config.queue_arn), stage)
            queues.append(Queue(config.name, handler, queue, config.batch_size))
        elif isinstance(config, DynamoDBEventConfig):
            table = _table(config, streamed)
            streams.append(Stream(config.name, handler, table, config.batch_size))
        else:
            raise UnknownSource(f"{config.name}: {type(config).__name__} is not served locally")
    return Sources(tuple(schedules), tuple(queues), tuple(streams))


def invoke(name: str, handler: Handler, event: Event) -> Outcome:
    """Run a handler as Lambda would: context, and an answer that must be JSON."""
    context = LambdaContext(name, _MEMORY_MB, _LONGEST_MS)
    context.invoked_function_arn = f"arn:aws:lambda:eu-central-1:000000000000:function:{name}"
    begun = time.perf_counter()
    value: Any = None
    failed: BaseException | None = None
    try:
        value = handler(event, context)
        json.dumps(value)
    except (Exception, SystemExit) as error:
        failed = error
    ms = (time.perf_counter() - begun) * 1000
    return Outcome(value, reason_of(failed) if failed else None, failed, ms)


def reason_of(error: BaseException) -> str:
    """Return why a handler failed: the error's kind and code. Its message may hold data."""
    code = getattr(error, "code", None)
    return f"{type(error).__name__} {code}" if isinstance(code, str) else type(error).__name__


def _queue(named: str, stage: str) -> str:
    name = named.rsplit(":", 1)[-1]
    if name.startswith(f"kezek-{stage}-"):
        return name
    return work_queue(stage) if re.search(r"(\A|-)work\Z", name) else name


def _table(config: DynamoDBEventConfig, streamed: dict[str, str]) -> str:
    arn: str = config.stream_arn
    match = re.search(r"table/([^/]+)", arn)
    logical = match[1].rsplit("-", 1)[-1] if match else ""
    if logical not in streamed:
        # A placeholder that the deployment fills in names its table somewhere, or the handler does.
        text = f"{arn} {config.name}".lower()
        named = [name for name in streamed if name in text]
        logical = named[0] if len(named) == 1 else ""
    if logical not in streamed:
        raise UnknownSource(f"{config.name}: no table with a stream in {arn!r}")
    return streamed[logical]
