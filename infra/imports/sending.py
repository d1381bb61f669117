"""Send many requests at once, with a limit; those of one lane in the order of the file."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from infra.client import Answer, Api, SystemSilent

MOST_AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class Request:
    """A PUT that stands for one or more lines of a file. column: what a refusal is about."""

    path: str
    body: dict[str, Any]
    lines: tuple[int, ...]
    columns: dict[str, str] = field(default_factory=dict)
    lane: Hashable = None


class Lanes:
    """Which requests must not overtake each other: whatever shares a name, directly or not."""

    def __init__(self) -> None:
        self._head: dict[Hashable, Hashable] = {}

    def join(self, names: Sequence[Hashable]) -> None:
        """Say that these names belong to one lane."""
        first = self._find(names[0])
        for name in names[1:]:
            self._head[self._find(name)] = first

    def of(self, name: Hashable) -> Hashable:
        """Return the lane of a name."""
        return self._find(name)

    def _find(self, name: Hashable) -> Hashable:
        head = self._head.setdefault(name, name)
        while head != self._head[head]:
            self._head[head] = self._head[self._head[head]]
            head = self._head[head]
        self._head[name] = head
        return head


def send(
    api: Api,
    requests: Iterable[Request],
    *,
    at_once: int,
    on_answer: Callable[[Request, Answer], None],
) -> None:
    """Send all requests over at most `at_once` connections; report each answer as it comes.

    Raises SystemSilent when nothing answers any more; what was not sent then stays unsent.
    """
    lanes: dict[Hashable, list[Request]] = {}
    for place, request in enumerate(requests):
        lanes.setdefault(request.lane if request.lane is not None else ("-", place), []).append(
            request
        )
    work: queue.SimpleQueue[list[Request]] = queue.SimpleQueue()
    for lane in lanes.values():
        work.put(lane)
    lock = threading.Lock()
    failed: list[BaseException] = []

    def worker() -> None:
        for request in _taken(work):
            if failed:
                return
            try:
                answer = api.put(request.path, request.body)
                with lock:
                    on_answer(request, answer)
            except BaseException as error:  # handed to the caller below
                failed.append(error)
                return

    count = max(1, min(at_once, MOST_AT_ONCE, len(lanes)))
    threads = [threading.Thread(target=worker, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


def _taken(work: queue.SimpleQueue[list[Request]]) -> Iterator[Request]:
    while True:
        try:
            lane = work.get_nowait()
        except queue.Empty:
            return
        yield from lane


__all__ = ["Lanes", "Request", "SystemSilent", "send"]
