"""Everything that triggers, in one object: what the runner serves and what tests drive by hand."""

from __future__ import annotations

import heapq
import json
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import repeat
from pathlib import Path
from typing import Any, Protocol

from chalice.app import Chalice

from infra.local import sources, tables
from infra.local.dispatch import (
    Fired,
    Pacer,
    Pauses,
    QueueDelivery,
    ScheduleDelivery,
    StreamDelivery,
    shown,
)
from infra.local.feed import Feed
from infra.local.messages import Messages
from infra.local.places import dead_letters_of, schedules_dead, streams_dead, work_queue
from infra.local.sources import Schedule

_KIND = "schedule"
_LATE = timedelta(hours=24)
_MOST_LATE = 24


class Clock(Protocol):
    """A clock that can be set; calling it tells the time."""

    def __call__(self) -> datetime: ...
    def freeze(self, at: datetime) -> None: ...
    def run_from(self, at: datetime) -> None: ...


class NotQuiet(TimeoutError):
    """Queues or streams did not run dry in time."""


class BadAdvance(ValueError):
    """The clock only goes forward."""


class Cloud:
    """The triggers of one application over one engine.

    streams: the stream's ARN by physical table name.
    """

    def __init__(
        self,
        app: Chalice,
        *,
        stage: str,
        messages: Messages,
        clock: Clock,
        streams_client: Any,
        streams: dict[str, str],
        pauses: Pauses | None = None,
    ) -> None:
        self.stage = stage
        self.messages = messages
        self.clock = clock
        self.pacer = Pacer(pauses or Pauses())
        streamed = {name.rsplit("-", 1)[-1]: name for name in streams}
        self.sources = sources.read(app, stage, streamed)
        self.queues = [QueueDelivery(s, messages, self.pacer) for s in self.sources.queues]
        self.streams = [
            StreamDelivery(
                source,
                Feed(
                    streams_client, streams[source.table], source.name, messages, source.batch_size
                ),
                messages,
                self.pacer,
                streams_dead(stage),
            )
            for source in self.sources.streams
        ]
        self.deliveries: list[QueueDelivery | StreamDelivery] = [*self.queues, *self.streams]
        self.schedules = ScheduleDelivery(messages, self.pacer, schedules_dead(stage))
        self._firing = threading.RLock()
        self._start_marks()

    # --- queues and streams

    def drain(self, *, within_s: float = 300.0) -> int:
        """Deliver until queues and streams are empty, without pauses; return how many items.

        Raises NotQuiet.
        """
        end = time.monotonic() + within_s
        total = 0
        self.pacer.hurry(+1)
        try:
            while True:
                before = self._delivered()
                handled = sum(delivery.step() for delivery in self.deliveries)
                total += handled
                # Others may have delivered, and so made work, between two of our looks.
                if not handled and self._delivered() == before:
                    return total
                if time.monotonic() > end:
                    raise NotQuiet(f"still {self.depths()} after {within_s:.0f} s")
        finally:
            self.pacer.hurry(-1)

    def depths(self) -> dict[str, dict[str, int]]:
        """Return the depth of each queue, dead letters included."""
        names = [source.queue for source in self.sources.queues] or [work_queue(self.stage)]
        names += [dead_letters_of(name) for name in names]
        names += [streams_dead(self.stage), schedules_dead(self.stage)]
        return {name: self.messages.depth(name) for name in names}

    def dead_letters(self) -> list[dict[str, Any]]:
        """Return the dead letters of all kinds, each with its reason and the queue it lies in."""
        return [
            {"queue": name, **letter, "reason": letter["reason"] or _code(letter["body"])}
            for name in self.depths()
            if name.endswith("-dead")
            for letter in self.messages.letters(name)
        ]

    # --- schedules

    def fire(self, name: str, at: datetime | None = None) -> Fired:
        """Run one schedule once, with `at` (now) as the event's time. Raises UnknownSource."""
        with self._firing:
            moment = at or self.clock().replace(second=0, microsecond=0)
            return self.schedules.fire(self.sources.schedule(name), moment)

    def advance(
        self,
        to: datetime,
        *,
        run_schedules: bool = True,
        only: Collection[str] | None = None,
        apart: timedelta = timedelta(0),
        drain_within_s: float = 1_800.0,
    ) -> Iterator[Fired]:
        """Move the clock forward, firing what falls due on the way; yield each firing.

        The clock stands at the occurrence while it runs and while what it caused is drained.
        only: names of the schedules to fire; the others are skipped. apart: a schedule that falls
        due more often is fired only this often, and the last time it falls due. Raises BadAdvance.
        """
        with self._firing:
            target = to.astimezone(UTC)
            if target < self.clock():
                raise BadAdvance(f"it is {self.clock().isoformat()} already")
            wanted = [
                s
                for s in self.sources.schedules
                if run_schedules and (only is None or s.name in only)
            ]
            for name in only or ():
                self.sources.schedule(name)
            self.drain(within_s=drain_within_s)
            try:
                for at, source in self._due(wanted, target, apart):
                    self.clock.freeze(max(at, self.clock()))
                    fired = self.schedules.fire(source, at)
                    self.messages.remember(_KIND, {source.name: at.isoformat()})
                    self.drain(within_s=drain_within_s)
                    yield fired
            except BaseException:
                self.clock.run_from(self.clock())
                raise
            self.clock.run_from(target)
            every = {s.name: target.isoformat() for s in self.sources.schedules}
            if every:
                self.messages.remember(_KIND, every)
            self.drain(within_s=drain_within_s)

    def skip_to(self, at: datetime) -> None:
        """Count every schedule as fired up to an instant; later marks stay."""
        marks = self._marks()
        passed = {
            s.name: at.isoformat()
            for s in self.sources.schedules
            if marks.get(s.name) is None or marks[s.name] < at
        }
        if passed:
            self.messages.remember(_KIND, passed)

    def catch_up(self, report: Callable[[Fired], None]) -> None:
        """Fire what has fallen due by now: of each schedule at most the last 24 of 24 hours.

        What is older is left out, save the latest occurrence, so that a monthly run that fell
        into a week's silence still runs, late.
        """
        with self._firing:
            now = self.clock()
            marks = self._marks()
            late = []
            for order, source in enumerate(self.sources.schedules):
                since = marks.get(source.name, now)
                recent = deque(source.rule.between(max(since, now - _LATE), now), _MOST_LATE)
                if not recent and since < now - _LATE:
                    recent = deque(source.rule.between(since, now), 1)
                late += [(at, order, source) for at in recent]
            for at, _, source in sorted(late, key=lambda entry: entry[:2]):
                if self.pacer.stopping.is_set():
                    return
                fired = self.schedules.fire(source, at)
                if self.pacer.stopping.is_set() and fired.reason is not None:
                    return
                self.messages.remember(_KIND, {source.name: at.isoformat()})
                report(fired)

    def last_runs(self) -> dict[str, str]:
        """Return when each schedule last ran (or was skipped over), RFC 3339, by name."""
        return {name: at.isoformat() for name, at in self._marks().items()}

    def counters(self) -> dict[str, dict[str, Any]]:
        """Return what happened at each source since the process started."""
        counts = {d.source.name: shown(d.count) for d in self.deliveries}
        return counts | {name: shown(count) for name, count in self.schedules.counts.items()}

    def forget(self) -> None:
        """Start over after the tables were emptied: no messages, no checkpoints, no marks."""
        self.messages.purge()
        for delivery in self.streams:
            delivery.feed.forget()
            delivery.errors.clear()
        for queue in self.queues:
            queue.errors.clear()
        self._start_marks()

    def trim(self, database: Path) -> int:
        """Drop stream records that every consumer has passed; return how many."""
        passed: dict[str, list[int]] = {}
        for delivery in self.streams:
            found = delivery.feed.checkpoints().values()
            passed.setdefault(delivery.source.table, []).append(max(map(int, found), default=0))
        return sum(
            tables.trim_stream(database, table, min(values))
            for table, values in passed.items()
            if min(values) > 0
        )

    def lags(self, database: Path | None) -> dict[str, dict[str, Any]]:
        """Return how far each stream handler has come; `behind` only where the file tells."""
        found = {}
        for delivery in self.streams:
            passed = delivery.feed.checkpoints()
            newest = tables.newest_record(database, delivery.source.table) if database else None
            at = max(map(int, passed.values()), default=0) if database else 0
            behind = None if newest is None else max(0, newest - at)
            found[delivery.source.name] = {
                "table": delivery.source.table,
                "passed": passed,
                "behind": behind,
            }
        return found

    def _delivered(self) -> int:
        return sum(d.count.invocations for d in self.deliveries)

    def _due(
        self, wanted: list[Schedule], target: datetime, apart: timedelta
    ) -> Iterator[tuple[datetime, Schedule]]:
        marks = self._marks()
        now = self.clock()
        runs = [
            zip(
                _thinned(source.rule.between(marks.get(source.name, now), target), apart),
                repeat(order),
            )
            for order, source in enumerate(wanted)
        ]
        for at, order in heapq.merge(*runs):
            yield at, wanted[order]

    def _marks(self) -> dict[str, datetime]:
        recalled = self.messages.recall(_KIND)
        return {name: datetime.fromisoformat(at) for name, at in recalled.items()}

    def _start_marks(self) -> None:
        """A schedule seen for the first time starts now; a mark in the future comes back to now."""
        now = self.clock()
        marks = self._marks()
        fresh = {
            source.name: now.isoformat()
            for source in self.sources.schedules
            if marks.get(source.name) is None or marks[source.name] > now
        }
        if fresh:
            self.messages.remember(_KIND, fresh)


def _thinned(due: Iterable[datetime], apart: timedelta) -> Iterator[datetime]:
    """Yield instants that lie at least so far apart, and the last one."""
    fired: datetime | None = None
    waiting: datetime | None = None
    for at in due:
        if fired is None or at - fired >= apart:
            fired, waiting = at, None
            yield at
        else:
            waiting = at
    if waiting is not None:
        yield waiting


def _code(body: str) -> str | None:
    """Return the code that a message carries which the application itself parked."""
    try:
        content = json.loads(body)
    except ValueError:
        return None
    code = content.get("code") if isinstance(content, dict) else None
    return str(code) if code else None
