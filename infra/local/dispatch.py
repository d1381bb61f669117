"""One delivery at a time: a queue batch, a stream batch, a schedule; retried, parked, counted.

The served cloud runs these from threads, the test cloud by hand: the same code and events. A
handler fails by raising, by an answer that is not JSON, or by naming failed items in
`batchItemFailures`; items it does not name are done.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from infra.local import events
from infra.local.feed import Feed
from infra.local.messages import Messages, Stored
from infra.local.places import dead_letters_of
from infra.local.sources import Outcome, Queue, Schedule, Stream, invoke

_STREAM_TRIES = 5
_SCHEDULE_TRIES = 3
_REPORTED = "reported by the handler"


@dataclass(frozen=True, slots=True)
class Pauses:
    """Seconds before the next try, by number of failed tries; the last one repeats."""

    queue: tuple[float, ...] = (1.0, 5.0, 15.0, 30.0)
    stream: tuple[float, ...] = (0.5, 2.0, 5.0, 10.0)
    schedule: tuple[float, ...] = (2.0, 10.0)


NO_PAUSES = Pauses((0.0,), (0.0,), (0.0,))


@dataclass(slots=True)
class Count:
    """What happened at one source since the process started."""

    invocations: int = 0
    done: int = 0
    retried: int = 0
    dead: int = 0
    ms: float = 0.0
    last_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Fired:
    """One schedule occurrence that ran: reason is None when it succeeded."""

    name: str
    at: datetime
    tries: int
    ms: float
    reason: str | None
    error: BaseException | None = field(default=None, compare=False)


class Pacer:
    """Waits between tries; `hurry` cuts every wait short, `stop` ends it for good."""

    def __init__(self, pauses: Pauses) -> None:
        self.pauses = pauses
        self.stopping = threading.Event()
        self._hurry = 0
        self._changed = threading.Condition()

    @property
    def hurrying(self) -> bool:
        """Tell whether somebody waits for everything to be done."""
        return self._hurry > 0

    def hurry(self, more: int) -> None:
        """Begin (+1) or end (-1) a hurry."""
        with self._changed:
            self._hurry += more
            self._changed.notify_all()

    def stop(self) -> None:
        """End all waiting."""
        self.stopping.set()
        with self._changed:
            self._changed.notify_all()

    def wait(self, seconds: float) -> None:
        """Sleep, unless in a hurry or stopping; a hurry still leaves a failing thing 10 ms."""
        if seconds <= 0:
            return
        with self._changed:
            self._changed.wait_for(lambda: self.hurrying or self.stopping.is_set(), seconds)
        if self.hurrying:
            self.stopping.wait(0.01)


class QueueDelivery:
    """Batches of one queue to one handler."""

    def __init__(self, source: Queue, messages: Messages, pacer: Pacer) -> None:
        self.source = source
        self.messages = messages
        self.pacer = pacer
        self.count = Count()
        self.errors: list[BaseException] = []
        self._lock = threading.Lock()

    def step(self) -> int:
        """Deliver one batch if there is one; return how many messages were in it."""
        with self._lock:
            batch = self.messages.receive(
                self.source.queue, self.source.batch_size, early=self.pacer.hurrying
            )
            if not batch:
                return 0
            outcome = invoke(self.source.name, self.source.handler, events.queue(batch))
            failed = _failed([message.id for message in batch], outcome)
            self._settle(batch, failed, outcome)
            return len(batch)

    def _settle(self, batch: list[Stored], failed: dict[str, str], outcome: Outcome) -> None:
        _counted(self.count, outcome, done=len(batch) - len(failed))
        if outcome.error is not None:
            self.errors.append(outcome.error)
            del self.errors[:-20]
        self.messages.delete(m.receipt for m in batch if m.id not in failed)
        for message in batch:
            if message.id not in failed:
                continue
            reason = failed[message.id]
            self.count.last_reason = reason
            pause = _nth(self.pacer.pauses.queue, message.received)
            dead = self.messages.give_back(
                message,
                after_s=pause,
                dead_queue=dead_letters_of(self.source.queue),
                reason=reason,
            )
            self.count.dead += dead
            self.count.retried += not dead


class StreamDelivery:
    """A stream's records to one handler, in order; halves a failing batch to find the culprit."""

    def __init__(
        self, source: Stream, feed: Feed, messages: Messages, pacer: Pacer, dead_queue: str
    ) -> None:
        self.source = source
        self.feed = feed
        self.messages = messages
        self.pacer = pacer
        self.dead_queue = dead_queue
        self.count = Count()
        self.errors: list[BaseException] = []
        self._lock = threading.Lock()

    def step(self) -> int:
        """Deliver the next records of one shard; return how many were dealt with."""
        with self._lock:
            found = self.feed.next()
            if found is None:
                return 0
            shard, records = found
            waiting = [(records, 1)]
            while waiting and not self.pacer.stopping.is_set():
                waiting += self._deliver(shard, *waiting.pop())
            return len(records)

    def _deliver(
        self, shard: str, records: list[Mapping[str, Any]], tries: int
    ) -> list[tuple[list[Mapping[str, Any]], int]]:
        """Deliver records; return what remains to be delivered, the first part last."""
        event = events.stream(records, self.feed.arn)
        outcome = invoke(self.source.name, self.source.handler, event)
        names = [_sequence(record) for record in records]
        failed = _failed(names, outcome)
        # As in AWS, everything from the first failure on comes again.
        good = next((n for n, name in enumerate(names) if name in failed), len(names))
        _counted(self.count, outcome, done=good)
        if outcome.error is not None:
            self.errors.append(outcome.error)
            del self.errors[:-20]
        if good:
            self.feed.passed(shard, names[good - 1])
        rest = records[good:]
        if not rest:
            return []
        self.count.last_reason = failed[names[good]]
        if len(rest) > 1:
            self.count.retried += 1
            half = len(rest) // 2
            return [(rest[half:], 1), (rest[:half], 1)]
        if tries < _STREAM_TRIES:
            self.count.retried += 1
            self.pacer.wait(_nth(self.pacer.pauses.stream, tries))
            return [(rest, tries + 1)]
        self._park(shard, rest, tries, failed[names[good]])
        return []

    def _park(self, shard: str, rest: list[Mapping[str, Any]], tries: int, reason: str) -> None:
        letter = events.stream_failure(
            rest, arn=self.feed.arn, shard=shard, function=self.source.name, tries=tries
        )
        self.messages.send(self.dead_queue, [(json.dumps(letter), {})], reason=reason)
        self.feed.passed(shard, _sequence(rest[-1]))
        self.count.dead += 1


class ScheduleDelivery:
    """Occurrences of schedules to their handlers: three tries each, then a dead letter."""

    def __init__(self, messages: Messages, pacer: Pacer, dead_queue: str) -> None:
        self.messages = messages
        self.pacer = pacer
        self.dead_queue = dead_queue
        self.counts: dict[str, Count] = {}

    def fire(self, source: Schedule, at: datetime) -> Fired:
        """Run one occurrence; the same event again after a failure, as Lambda does."""
        count = self.counts.setdefault(source.name, Count())
        event = events.schedule(source.name, at)
        total = 0.0
        for tries in range(1, _SCHEDULE_TRIES + 1):
            outcome = invoke(source.name, source.handler, event)
            total += outcome.ms
            _counted(count, outcome, done=outcome.error is None)
            if outcome.error is None or self.pacer.stopping.is_set():
                break
            count.last_reason = outcome.reason
            if tries < _SCHEDULE_TRIES:
                count.retried += 1
                self.pacer.wait(_nth(self.pacer.pauses.schedule, tries))
        if outcome.error is not None and not self.pacer.stopping.is_set():
            count.dead += 1
            letter = events.schedule_failure(
                event, function=source.name, tries=tries, reason=str(outcome.reason)
            )
            self.messages.send(
                self.dead_queue, [(json.dumps(letter), {})], reason=str(outcome.reason)
            )
        return Fired(source.name, at, tries, total, outcome.reason, outcome.error)


def shown(count: Count) -> dict[str, Any]:
    """Return a count as JSON."""
    return {**asdict(count), "ms": round(count.ms, 1)}


def _failed(names: list[str], outcome: Outcome) -> dict[str, str]:
    """Return the reason of each item that failed, by name.

    An answer that names an item which was not sent, or none, fails the whole batch, as in AWS.
    """
    if outcome.error is not None:
        return dict.fromkeys(names, str(outcome.reason))
    answer = outcome.value
    if not isinstance(answer, dict) or not answer.get("batchItemFailures"):
        return {}
    failed = {}
    for item in answer["batchItemFailures"]:
        name = item.get("itemIdentifier") if isinstance(item, dict) else None
        if name not in names:
            return dict.fromkeys(names, "the answer names an item that was not sent")
        failed[str(name)] = str(item.get("reason", _REPORTED))
    return failed


def _counted(count: Count, outcome: Outcome, *, done: int) -> None:
    count.invocations += 1
    count.done += done
    count.ms += outcome.ms


def _sequence(record: Mapping[str, Any]) -> str:
    return str(record["dynamodb"]["SequenceNumber"])


def _nth(pauses: tuple[float, ...], tries: int) -> float:
    return pauses[min(tries, len(pauses)) - 1]
