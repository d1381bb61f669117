"""Faults at botocore's own hooks, for tests: every AWS call of this process passes here.

    with faults.crash(before=3): …          a BaseException instead of the 3rd call
    with faults.crash(after=3): …           the 3rd call takes effect, then the process "dies"
    with faults.lost_answer(3): …           it takes effect, the answer never arrives
    with faults.throttle(3, times=2): …     refused for load
    with faults.conflict(3): …              refused as TransactionConflict
    with faults.empty_page(2): …            the 2nd page of a query is empty and not the last
    with faults.stale_reads(): …            reads not asked to be consistent see the past
    with faults.watch() as seen: …          seen.calls, seen.read_units, seen.write_units

Each fault counts calls from 1, from where it begins, as they are sent, retries included.
`install` once, before any client is made; the local cloud's own clients are left alone.
"""

# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import contextlib
import io
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

from infra.local.engine import OWN_MARK

_SERVICES = frozenset({"dynamodb", "sqs", "kms", "s3", "scheduler"})
_WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "BatchWriteItem"})
_READS = frozenset({"GetItem", "Query", "Scan", "BatchGetItem", "TransactGetItems"})
_THROTTLED = "ProvisionedThroughputExceededException"


class Crash(BaseException):
    """The process dies here, as far as the code under test can tell."""


@dataclass(frozen=True)
class Call:
    """One request on its way: number from 1, service, operation, and what it asks."""

    number: int
    service: str
    operation: str
    body: bytes = field(repr=False)

    @cached_property
    def asked(self) -> dict[str, Any]:
        """The parameters as sent; {} where they are not JSON."""
        try:
            found = json.loads(self.body or b"{}")
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def writes(self) -> bool:
        """Whether the call may change a table or a queue."""
        return self.operation in _WRITES or self.operation.startswith(("Send", "Delete"))

    @property
    def keys(self) -> list[tuple[str, str]]:
        """(table, partition key) of each item written; for counting heat per key."""
        asked = self.asked
        if self.operation == "TransactWriteItems":
            actions = [next(iter(action.values())) for action in asked.get("TransactItems", [])]
        elif self.operation == "BatchWriteItem":
            actions = [
                {"TableName": table, **next(iter(request.values()))}
                for table, requests in asked.get("RequestItems", {}).items()
                for request in requests
            ]
        else:
            actions = [asked] if self.operation in _WRITES else []
        return [
            (a["TableName"], str((a.get("Item") or a.get("Key") or {}).get("pk", {}).get("S")))
            for a in actions
        ]


@dataclass(slots=True)
class Seen:
    """What passed while watching; units by (operation, table) as the engine reported them."""

    calls: list[Call] = field(default_factory=list)
    read_units: dict[tuple[str, str], float] = field(default_factory=dict)
    write_units: dict[tuple[str, str], float] = field(default_factory=dict)

    @property
    def operations(self) -> Counter[str]:
        """How many calls of each operation were sent."""
        return Counter(call.operation for call in self.calls)

    @property
    def units(self) -> tuple[float, float]:
        """All read units, all write units."""
        return sum(self.read_units.values()), sum(self.write_units.values())


# A plan looks at a call before it is sent. It may raise, or return an answer in the engine's
# place; `send` lets the call through and returns what came back.
Send = Callable[[], Any]
Plan = Callable[[Call, Send], Any]

_plans: list[Plan] = []
_watchers: list[Seen] = []
_lock = threading.Lock()
_installed = False


def install() -> None:
    """Hook every botocore client that is made from now on; once is enough."""
    global _installed
    if _installed:
        return
    _installed = True
    from botocore.session import Session

    make = Session.create_client

    def create_client(session: Any, service_name: str, *args: Any, **kwargs: Any) -> Any:
        client = make(session, service_name, *args, **kwargs)
        mark = client.meta.config.user_agent_extra or ""
        if service_name in _SERVICES and OWN_MARK not in mark:
            events = client.meta.events
            events.register_last("before-send.*.*", partial(_before_send, client))
            events.register("after-call.*.*", _after_call)
            events.register("before-parameter-build.dynamodb.*", _ask_for_units)
        return client

    Session.create_client = create_client  # type: ignore[method-assign]


# --- the faults


@contextlib.contextmanager
def crash(
    *, before: int | None = None, after: int | None = None, after_write: int | None = None
) -> Iterator[Struck]:
    """Die instead of call number `before`, or right after call number `after` took effect.

    after_write: counts writes alone, whatever is read between them.
    """
    writes = 0

    def plan(call: Call, send: Send) -> Any:
        nonlocal writes
        writes += call.writes
        if call.number == before:
            raise Crash(f"before {call.operation}")
        if call.number == after or (call.writes and writes == after_write):
            send()
            raise Crash(f"after {call.operation}")
        return None

    with _planned(plan, before or after or after_write or 0) as struck:
        yield struck


@contextlib.contextmanager
def lost_answer(number: int, *, times: int = 1) -> Iterator[Struck]:
    """Let call `number` (and the next `times` - 1) take effect, but lose the answer."""

    def plan(call: Call, send: Send) -> Any:
        if number <= call.number < number + times:
            from botocore.exceptions import ReadTimeoutError

            send()
            raise ReadTimeoutError(endpoint_url="the answer was lost")
        return None

    with _planned(plan, number) as struck:
        yield struck


@contextlib.contextmanager
def throttle(number: int, *, times: int = 1) -> Iterator[Struck]:
    """Refuse call `number` (and the next `times` - 1) for load."""

    def plan(call: Call, send: Send) -> Any:
        if number <= call.number < number + times:
            return refusal(_THROTTLED, "The level of configured throughput was exceeded.")
        return None

    with _planned(plan, number) as struck:
        yield struck


@contextlib.contextmanager
def conflict(number: int, *, times: int = 1) -> Iterator[Struck]:
    """Refuse call `number` (and the next `times` - 1) because another transaction is at work.

    Reads other than transactions never conflict and pass.
    """

    def plan(call: Call, send: Send) -> Any:
        if not number <= call.number < number + times:
            return None
        if call.operation.startswith("Transact"):
            many = len(call.asked.get("TransactItems", [1]))
            reasons = [{"Code": "TransactionConflict", "Message": "Transaction is ongoing"}]
            reasons += [{"Code": "None"}] * (many - 1)
            codes = ", ".join(reason["Code"] for reason in reasons)
            message = (
                "Transaction cancelled, please refer cancellation reasons for specific reasons"
                f" [{codes}]"
            )
            return refusal("TransactionCanceledException", message, CancellationReasons=reasons)
        if call.operation in _WRITES:
            return refusal("TransactionConflictException", "Transaction is ongoing for the item")
        return None

    with _planned(plan, number) as struck:
        yield struck


@contextlib.contextmanager
def empty_page(number: int) -> Iterator[Struck]:
    """Put an empty page that is not the last before the answer of the `number`-th query or scan."""
    queries = 0
    kept: Any = None
    marker: dict[str, Any] = {"pk": {"S": "empty"}, "sk": {"S": "page"}}

    def plan(call: Call, send: Send) -> Any:
        nonlocal queries, kept
        if call.operation not in ("Query", "Scan"):
            return None
        if kept is not None and call.asked.get("ExclusiveStartKey") == marker:
            return answer(200, kept)
        queries += 1
        if queries != number:
            return None
        kept = json.loads(send().content)
        empty = {"Items": [], "Count": 0, "ScannedCount": 0, "LastEvaluatedKey": marker}
        return answer(200, empty)

    with _planned(plan, 0) as struck:
        yield struck


@contextlib.contextmanager
def stale_reads() -> Iterator[Struck]:
    """Answer reads that were not asked to be consistent as they were answered the first time."""
    past: dict[tuple[str, bytes], Any] = {}

    def plan(call: Call, send: Send) -> Any:
        asked = call.asked
        if call.operation not in _READS or asked.get("ConsistentRead"):
            return None
        if call.operation.startswith(("Transact", "Batch")):
            return None
        key = (call.operation, call.body)
        if key not in past:
            past[key] = json.loads(send().content)
        return answer(200, past[key])

    with _planned(plan, 0) as struck:
        yield struck


@contextlib.contextmanager
def watch() -> Iterator[Seen]:
    """Record calls and consumed capacity, by operation and table."""
    seen = Seen()
    _watchers.append(seen)
    try:
        yield seen
    finally:
        _watchers.remove(seen)


@contextlib.contextmanager
def planned(plan: Plan) -> Iterator[Struck]:
    """Put a plan of one's own on the wire."""
    with _planned(plan, 0) as struck:
        yield struck


# --- what plans are made of


@dataclass(slots=True)
class Struck:
    """Whether the fault's call was reached, and how many calls there were."""

    calls: int = 0
    number: int = 0

    def __bool__(self) -> bool:
        return self.calls >= self.number > 0


def refusal(code: str, message: str, **more: Any) -> Any:
    """Return DynamoDB's answer of an error."""
    kind = f"com.amazonaws.dynamodb.v20120810#{code}"
    return answer(400, {"__type": kind, "message": message, **more})


def answer(status: int, content: object) -> Any:
    """Return an answer as if it had come over the wire."""
    from botocore.awsrequest import AWSResponse

    body = json.dumps(content).encode()
    headers = {"content-type": "application/x-amz-json-1.0", "content-length": str(len(body))}
    return AWSResponse("http://127.0.0.1/", status, headers, _Raw(body))


class _Raw(io.BytesIO):
    def stream(self, amt: int = 65_536, decode_content: bool = False) -> Iterator[bytes]:
        yield self.read()


@contextlib.contextmanager
def _planned(plan: Plan, number: int) -> Iterator[Struck]:
    struck = Struck(number=number)

    def counting(call: Call, send: Send) -> Any:
        with _lock:
            struck.calls += 1
            own = replace(call, number=struck.calls)
        return plan(own, send)

    _plans.append(counting)
    try:
        yield struck
    finally:
        _plans.remove(counting)


def _before_send(client: Any, request: Any, event_name: str = "", **_: Any) -> Any:
    if not _plans and not _watchers:
        return None
    service, operation = event_name.split(".", 2)[1:]
    body = request.body or b""
    raw = body if isinstance(body, bytes) else str(body).encode()
    call = Call(0, service, operation, raw)
    with _lock:
        for seen in _watchers:
            seen.calls.append(replace(call, number=len(seen.calls) + 1))
    for plan in list(_plans):
        given = plan(call, lambda: client._endpoint.http_session.send(request))
        if given is not None:
            return given
    return None


def _ask_for_units(params: dict[str, Any], event_name: str = "", **_: Any) -> None:
    operation = event_name.rsplit(".", 1)[-1]
    if _watchers and operation in _WRITES | _READS:
        params.setdefault("ReturnConsumedCapacity", "TOTAL")


def _after_call(parsed: dict[str, Any], event_name: str = "", **_: Any) -> None:
    used = parsed.get("ConsumedCapacity")
    if not _watchers or not used:
        return
    operation = event_name.rsplit(".", 1)[-1]
    for entry in used if isinstance(used, list) else [used]:
        units = float(entry.get("CapacityUnits", 0))
        for seen in _watchers:
            total = seen.read_units if operation in _READS else seen.write_units
            where = (operation, entry.get("TableName", ""))
            total[where] = total.get(where, 0.0) + units
