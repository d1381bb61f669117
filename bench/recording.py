"""A pytest plugin that notes what every route and every job asks of AWS while tests run.

Each answered call of an operation, schedule, work topic or stream batch becomes a line: its test,
round trips by service, read and write units as the engine reports them. `bench.costs` runs the
suite with it and makes the table.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from infra.local import faults, testing

FOLDER = "KEZEK_BENCH_RECORDS"
JOBS = (
    "applications",
    "attendance",
    "billing",
    "budgets",
    "children",
    "complaints",
    "notices",
    "payouts",
    "queue",
    "record",
    "rights",
    "rotation",
    "signals",
    "vouchers",
)
_test = "-"


def pytest_sessionstart(session: Any) -> None:
    del session
    testing.prepare_process()
    from chalicelib.edge.application import Kezek

    for name in JOBS:
        module = importlib.import_module(f"chalicelib.{name}.jobs")
        for function_name, function in list(vars(module).items()):
            ours = inspect.isfunction(function) and function.__module__ == module.__name__
            if ours and not function_name.startswith("_"):
                key = f"{name}.{function_name}"
                setattr(module, function_name, _noted("function", key, function))
    _spread()
    asked = Kezek.__call__

    def answer(self: Any, event: dict[str, Any], context: Any) -> Any:
        about = event.get("requestContext", {})
        key = f"{about.get('httpMethod')} {about.get('resourcePath')}"
        with _note("route", key) as kept:
            said = asked(self, event, context)
            kept["answered"] = said.get("statusCode", 500) < 300
        return said

    Kezek.__call__ = answer  # type: ignore[method-assign]
    import app

    for topic, handler in list(app.work().items()):
        app.work()[topic] = _noted("topic", topic, handler)


def pytest_runtest_setup(item: Any) -> None:
    global _test
    _test = item.nodeid


def _spread() -> None:
    """Put what was wrapped in the tables that name it, too."""
    from chalicelib.vouchers import jobs

    jobs.WORK = {
        topic: getattr(jobs, handler.__name__, handler) for topic, handler in jobs.WORK.items()
    }


def _noted(kind: str, key: str, function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*given: Any, **named: Any) -> Any:
        with _note(kind, key) as kept:
            if given and isinstance(given[0], dict) and "Records" in given[0]:
                kept["records"] = len(given[0]["Records"])
            return function(*given, **named)

    return call


@contextmanager
def _note(kind: str, key: str) -> Iterator[dict[str, Any]]:
    """Note what happens inside, unless it raises or says afterwards that it was not answered."""
    kept: dict[str, Any] = {"kind": kind, "key": key, "test": _test, "answered": True}
    with faults.watch() as seen:
        yield kept
    services = Counter(call.service for call in seen.calls)
    read, written = seen.units
    kept |= {"dynamodb": services.pop("dynamodb", 0), "other": services.total()}
    kept |= {"read": read, "written": written}
    if kept.pop("answered"):
        file = Path(os.environ[FOLDER]) / f"{os.getpid()}.jsonl"
        with file.open("a", encoding="utf-8") as out:
            out.write(json.dumps(kept) + "\n")
