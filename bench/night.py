"""P4, P5, P6: a night run, from the tables to the decision, and what of it is allocation.

P5's anchor asks the very same pages with boto3's client alone and does nothing with the answers:
what is left is our reading, ordering, placing and reasons. The packed entry is held against one of
fifteen attributes. P6 is the run's whole process in a city of a hundred thousand who wait, from its
start to the proposal that is written: `python -m bench.night ENDPOINT` is that process.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.gates import Gate

if TYPE_CHECKING:
    from infra.local import testing

ROOT = Path(__file__).resolve().parent.parent
CHILDREN, LARGE = 20_000, 100_000
MOST_SHARE = 0.10
MOST_RATIO = 1.6
MOST_PACKED = 0.4
MOST_MB = 256
RUN = "run-of-the-night"


def run() -> list[Gate]:
    """Return the gates of a night run."""
    from bench import cities
    from infra.local import testing

    with tempfile.TemporaryDirectory(prefix="kezek-bench-") as name:
        folder = Path(name)
        cities.prepare(folder)
        with testing.running_engine(folder) as engine:
            testing.TestTables(engine)
            cities.settle(engine, CHILDREN, places=CHILDREN // 4, whole=False)
            gates = [*_night(), _packed(engine)]
    return [*gates, _memory()]


# --- P4, P5 -------------------------------------------------------------------------------------


def _night() -> list[Gate]:
    from bench.measure import compare, quietly
    from chalicelib.queue.rules.matching import match
    from chalicelib.storage import client
    from infra.local import faults

    market: list[Any] = []

    def noted(given: Any) -> Any:
        market[:] = [given]
        return match(given)

    from chalicelib.queue.rules import engine

    with faults.watch() as seen:
        engine.match, before = noted, engine.match
        try:
            plan = _decided()
        finally:
            engine.match = before
    asked = [(call.operation, json.loads(call.body)) for call in seen.calls]
    found = compare(_decided, lambda: _bare(client.client(), asked), calls=1, blocks=9)
    solve = min(quietly(lambda: match(market[0]), 1) for _ in range(5))
    share = solve / found.ours_s
    return [
        Gate(
            f"P4 allocation, of reading and deciding {CHILDREN:,}, CPU",
            f"{share * 100:.1f} %  ({solve * 1e3:.0f} of {found.ours_s * 1e3:.0f} ms)",
            f"{MOST_SHARE * 100:.0f} %",
            share <= MOST_SHARE,
            found.control,
        ),
        Gate(
            f"P5 night run of {CHILDREN:,} / bare query of its pages",
            f"{found.ratio:.2f}  ({found.ours_s * 1e3:.0f} / {found.anchor_s * 1e3:.0f} ms; "
            f"{len(asked)} calls, {plan.vouchers:,} placed)",
            f"{MOST_RATIO}",
            found.ratio <= MOST_RATIO,
            found.control,
        ),
    ]


def _decided() -> Any:
    """Read an area's queue and decide, as a run does before it writes what it decided."""
    from chalicelib.queue.actions import planning
    from tests.queue.city import AREA, EVENING, PROGRAMME

    reading = planning.read(PROGRAMME, AREA, now=EVENING)
    seekers, places = planning.supply(reading, PROGRAMME, AREA, now=EVENING)
    return planning.decide(seekers, places, reading.money, reading.order, {})


def _bare(client: Any, asked: list[tuple[str, dict[str, Any]]]) -> int:
    calls: dict[str, Callable[..., Any]] = {
        "Query": client.query,
        "GetItem": client.get_item,
        "BatchGetItem": client.batch_get_item,
    }
    rows = 0
    for operation, said in asked:
        rows += len(calls[operation](**said).get("Items", ()))
    return rows


def _packed(engine: testing.TestEngine) -> Gate:
    """Return a packed entry against one whose fields are attributes, both read by boto3 alone."""
    from bench import cities
    from bench.measure import compare
    from chalicelib.storage import client
    from chalicelib.storage.rows import table_name

    database = engine.engine.database
    assert database is not None
    fields = {
        **{name: {"S": f"{name}-of-an-entry"} for name in ("a", "b", "c", "d", "e", "f", "g")},
        **{name: {"N": "2026"} for name in ("h", "i", "j")},
        "k": {"L": [{"S": f"group-{n:04d}"} for n in range(3)]},
        "l": {"BOOL": False},
        "m": {"NULL": True},
    }
    packed = json.dumps({name: next(iter(value.values())) for name, value in fields.items()})
    rows = []
    for n in range(5_000):
        key = {"sk": {"S": f"{n:06d}"}}
        rows.append({"pk": {"S": "BENCH-PACKED"}, **key, "v": {"N": "1"}, "body": {"S": packed}})
        rows.append({"pk": {"S": "BENCH-SPREAD"}, **key, **fields})
    cities.put_rows(database, table_name("queue"), rows)
    one = client.client()

    def read(pk: str) -> None:
        asked: dict[str, Any] = {
            "TableName": table_name("queue"),
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": pk}},
            "ConsistentRead": True,
        }
        while True:
            page = one.query(**asked)
            for row in page["Items"]:
                if "body" in row:
                    json.loads(row["body"]["S"])
            if "LastEvaluatedKey" not in page:
                return
            asked["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    found = compare(lambda: read("BENCH-PACKED"), lambda: read("BENCH-SPREAD"), calls=1)
    return Gate(
        "P5 packed entry, unpacked / fifteen attributes",
        f"{found.ratio:.2f}  ({found.ours_s * 1e6 / 5_000:.0f} / "
        f"{found.anchor_s * 1e6 / 5_000:.0f} µs each)",
        f"{MOST_PACKED}",
        found.ratio <= MOST_PACKED,
        found.control,
    )


# --- P6 -----------------------------------------------------------------------------------------


def _memory() -> Gate:
    from bench import cities
    from infra.local import testing

    with tempfile.TemporaryDirectory(prefix="kezek-bench-") as name:
        folder = Path(name)
        cities.prepare(folder)
        with testing.running_engine(folder) as engine:
            testing.TestTables(engine)
            cities.settle(engine, LARGE, places=LARGE // 4, whole=False)
            told = subprocess.run(
                [sys.executable, "-m", "bench.night", engine.endpoint],
                cwd=ROOT,
                env=os.environ,
                capture_output=True,
                text=True,
                check=True,
            )
    said = json.loads(told.stdout.splitlines()[-1])
    return Gate(
        f"P6 whole process of a run over {LARGE:,}",
        f"{said['peak_mb']:.0f} MB ({said['start_mb']:.0f} of it before it reads), "
        f"{said['cpu_s']:.0f} s CPU, {said['vouchers']:,} placed",
        f"{MOST_MB} MB",
        said["peak_mb"] <= MOST_MB,
    )


def _alone(endpoint: str) -> None:
    """Be the process that proposes a run; print what it took."""
    os.environ["AWS_ENDPOINT_URL_DYNAMODB"] = endpoint
    from chalicelib.kernel.actors import system
    from chalicelib.queue import actions

    start = _peak_mb()
    began = time.process_time()
    evening = datetime(2025, 9, 2, 13, 0, tzinfo=UTC)
    made = actions.propose(
        RUN, programme="preschool", area="taldykorgan", by=system("bench"), now=evening
    )
    told = {
        "start_mb": start,
        "peak_mb": _peak_mb(),
        "cpu_s": time.process_time() - began,
        "vouchers": made.vouchers,
    }
    sys.stdout.write(json.dumps(told) + "\n")


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    _alone(sys.argv[1])
