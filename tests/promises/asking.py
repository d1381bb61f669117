"""What each function asks of AWS while tests run: action and resource, as IAM would judge it.

    with noting() as asked: …       function → {(action, resource)}

A request counts for the function whose handler is under way: "app" for HTTP, the trigger's own
name for schedules, queue and streams. Calls are seen at botocore's hooks; the keyring and files,
which lie in folders here, where the code opens or writes them.

As a pytest plugin (`-p tests.promises.asking`, KEZEK_ASKED names a folder) it notes a whole run:
`python -m tests.promises.asking` then tells what infra/policies.toml should say.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from infra.local import faults

Asked = dict[str, set[tuple[str, str]]]
FOLDER = "KEZEK_ASKED"
_TRANSACT = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}
_under_way: list[str] = []


@contextlib.contextmanager
def noting() -> Iterator[Asked]:
    """Note what functions ask for inside."""
    from chalicelib.adapters import files
    from chalicelib.edge.application import Kezek
    from chalicelib.storage import secrets
    from infra.local import dispatch

    asked: Asked = defaultdict(set)

    def note(action: str, resource: str) -> None:
        if _under_way:
            asked[_under_way[-1]].add((action, resource))

    def plan(call: faults.Call, send: faults.Send) -> Any:
        del send
        for action, resource in _wanted(call):
            note(action, resource)

    with contextlib.ExitStack() as stack:
        stack.enter_context(faults.planned(plan))
        put = stack.enter_context
        put(_instead(Kezek, "__call__", lambda real: _entered(real, lambda *_: "app")))
        put(_instead(dispatch, "invoke", lambda real: _entered(real, lambda name, *_: name)))
        put(_instead(files, "save", lambda real: _noted(real, note, "s3", "FilesBucket")))
        put(_instead(files, "publish", lambda real: _noted(real, note, "s3", "RecordBucket")))
        for name in ("keyring", "purpose_key"):
            put(_instead(secrets, name, lambda real: _noted(real, note, "kms", "Keyring")))
        yield asked


def _wanted(call: faults.Call) -> Iterator[tuple[str, str]]:
    """Yield each action IAM would ask for, with the table or queue."""
    asked, operation = call.asked, call.operation
    if call.service == "sqs":
        queue = str(asked.get("QueueUrl") or asked.get("QueueName") or "")
        action = operation.removesuffix("Batch")  # the batch of an action needs the action
        yield f"sqs:{action}", "WorkDeadQueue" if queue.endswith("-dead") else "WorkQueue"
    elif operation == "TransactWriteItems":
        for item in asked.get("TransactItems", []):
            ((kind, said),) = item.items()
            yield f"dynamodb:{_TRANSACT[kind]}", _table(said["TableName"])
    elif operation == "TransactGetItems":
        for item in asked.get("TransactItems", []):
            yield "dynamodb:GetItem", _table(item["Get"]["TableName"])
    elif operation in ("BatchGetItem", "BatchWriteItem"):
        for name in asked.get("RequestItems", {}):
            yield f"dynamodb:{operation}", _table(name)
    elif call.service == "dynamodb":
        yield f"dynamodb:{operation}", _table(str(asked.get("TableName")))
    else:
        yield f"{call.service}:{operation}", "-"


def _table(name: str) -> str:
    return name.rsplit("-", 1)[-1]


def _entered(real: Callable[..., Any], named: Callable[..., str]) -> Callable[..., Any]:
    def call(*given: Any, **more: Any) -> Any:
        _under_way.append(named(*given))
        try:
            return real(*given, **more)
        finally:
            _under_way.pop()

    return call


def _noted(
    real: Callable[..., Any], note: Callable[[str, str], None], service: str, resource: str
) -> Callable[..., Any]:
    action = {"s3": "s3:PutObject", "kms": "kms:Decrypt"}[service]

    def call(*given: Any, **more: Any) -> Any:
        note(action, resource)
        return real(*given, **more)

    for name in ("cache_clear", "cache_info"):
        if hasattr(real, name):
            setattr(call, name, getattr(real, name))
    return call


@contextlib.contextmanager
def _instead(
    place: Any, name: str, wrap: Callable[[Callable[..., Any]], Callable[..., Any]]
) -> Iterator[None]:
    real = getattr(place, name)
    setattr(place, name, wrap(real))
    try:
        yield
    finally:
        setattr(place, name, real)


# --- as a plugin, and what it noted


_session = contextlib.ExitStack()


def pytest_sessionstart(session: Any) -> None:
    from infra.local import testing

    testing.prepare_process()
    session.config.asked = _session.enter_context(noting())


def pytest_sessionfinish(session: Any) -> None:
    _session.close()
    file = Path(os.environ[FOLDER]) / f"{os.getpid()}.json"
    found = {name: sorted(pairs) for name, pairs in session.config.asked.items()}
    file.write_text(json.dumps(found), "utf-8")


def gathered(folder: Path) -> Asked:
    """Return what all processes of a run noted."""
    asked: Asked = defaultdict(set)
    for file in folder.glob("*.json"):
        for name, pairs in json.loads(file.read_text("utf-8")).items():
            asked[name] |= {(action, resource) for action, resource in pairs}
    return asked


def as_toml(asked: Asked) -> str:
    """Return policies as infra/policies.toml has them: function, resource, actions."""
    lines: list[str] = []
    for name in sorted(asked):
        lines.append(f"[{name}]")
        by_resource: dict[str, set[str]] = defaultdict(set)
        for action, resource in asked[name]:
            by_resource[resource].add(action.partition(":")[2])
        for resource in sorted(by_resource):
            said = ", ".join(f'"{action}"' for action in sorted(by_resource[resource]))
            lines.append(f"{resource} = [{said}]")
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    import sys

    sys.stdout.write(as_toml(gathered(Path(os.environ[FOLDER]))))
