"""What every route and every job asks of AWS: `python -m bench costs` refreshes the table.

The stories and the slices' own tests of routes and jobs run on a real engine, every answered call
is noted (bench.recording), and a row shows the median: of the stories' calls where a story makes
the call, else of the slice's tests. Of operations that change things, only calls that did count.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.gates import Gate
from bench.recording import FOLDER

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "performance.md"
# ONLY="tests/billing tests/payouts": only those tests; rows that are there stay, new ones come.
ONLY = os.environ.get("ONLY", "").split()
BEGIN, END = "<!-- costs: begin -->", "<!-- costs: end -->"
TESTS = (
    "tests/stories",
    "tests/imports",
    "tests/edge/test_about.py",
    "tests/access/test_watching.py",
    "tests/billing/test_parents.py",
    "tests/billing/test_replays.py",
    "tests/billing/test_savings.py",
    "tests/billing/test_self_audit.py",
    "tests/budgets/test_checking.py",
    "tests/budgets/test_reading.py",
    "tests/applications/test_signing.py",
    "tests/payouts/test_cases.py",
    "tests/promises/test_b5.py",
    "tests/providers/test_actions.py",
    "tests/queue/test_comparing.py",
    "tests/queue/test_forecasting.py",
    "tests/queue/test_moving.py",
    "tests/rights",
)
SLICES = ("test_*routes.py", "test_jobs.py", "test_clubs.py")

# What a schedule of app.py runs; the rest of its rows carry the schedule's own name.
RUNS = {
    "run_iteration": "queue.run_iteration",
    "run_checkpoint": "queue.run_checkpoint",
    "run_deadlines": "queue.run_deadlines",
    "run_turnover": "applications.run_turnover",
    "run_renewals": "vouchers.run_renewals",
    "run_attendance": "attendance.remind_and_close",
    "run_signals": "signals.run_signals",
    "run_billing": "billing.run_billing",
    "run_claims": "payouts.run_claims",
    "run_self_audit": "billing.run_self_audit",
    "run_ledger": "budgets.run_ledger",
    "run_payday": "payouts.run_payday",
    "run_clock": "payouts.run_clock",
    "run_watch": "payouts.run_watch",
    "run_record": "record.run_record",
    "run_retention": "rights.run_retention",
    "run_vault": "rotation.run_vault",
}
# Topics whose work is also reached directly.
DOES = {
    "applications/refresh": "applications.refresh",
    "attendance/daily": "attendance.daily",
    "attendance/remind": "attendance.remind",
    "billing/audit": "billing.audit",
    "billing/bill": "billing.bill",
    "billing/posted": "payouts.calculate",
    "billing/savings": "billing.save",
    "payouts/calculate": "payouts.calculate",
    "payouts/clock": "payouts.look",
    "queue/checkpoint": "queue.checkpoint",
    "queue/commit-run": "queue.commit_run",
    "queue/deadlines": "queue.deadlines",
    "queue/files": "queue.publish_files",
    "queue/prove-run": "queue.prove_run",
    "queue/tell-moved": "queue.tell_moved",
    "rotation/turn": "rotation.turn",
    "rights/finish-erasure": "rights.finish_erasure",
    "signals/arrived": "signals.arrived",
    "signals/hold": "signals.hold",
    "signals/month": "signals.month",
    "rights/retain": "rights.retain",
    "vouchers/offer": "vouchers.offer",
    "vouchers/removed": "vouchers.site_closed",
    "vouchers/renewals": "vouchers.renewals",
    "vouchers/site-closed": "vouchers.site_closed",
    "vouchers/suspended": "vouchers.site_closed",
}
# One view under several depths of path: a tile so deep stands behind 65,536 entries and more.
_QUEUE_FILE = "GET /v1/queue/files/{programme}/{area}/{of}"
_TILE = "GET /v1/record/tile/{level}/{n}"
AS_ANOTHER = {
    _TILE: f"{_TILE}/{{m}}",
    f"{_QUEUE_FILE}/{{run}}/{{name}}": f"{_QUEUE_FILE}/{{name}}",
    f"{_TILE}/{{m}}/{{o}}": f"{_TILE}/{{m}}",
    f"{_TILE}/{{m}}/{{o}}/{{width}}": f"{_TILE}/{{m}}",
}
STREAMS = {"on_outbox": "notices.carry_out", "on_journal": "record.take_in"}

Note = dict[str, Any]


class NotReached(Exception):
    """An operation or a job that no test reaches; it names them."""


def run() -> list[Gate]:
    """Refresh the table; return a gate that says how many rows it has."""
    old = PAGE.read_text("utf-8")
    head, _, rest = old.partition(BEGIN)
    before, _, tail = rest.partition(END)
    routes, jobs = tables(_recorded(), _known(before) if ONLY else {})
    PAGE.write_text(f"{head}{BEGIN}\n\n{routes}\n\n{jobs}\n\n{END}{tail}", "utf-8")
    rows = routes.count("\n") + jobs.count("\n") - 2
    return [Gate("costs of routes and jobs", f"{rows} rows in {PAGE.name}", "all", True)]


def wanted() -> tuple[list[str], list[str]]:
    """Return the keys of all rows: "METHOD path" of operations, names of triggers."""
    import app
    from chalicelib.edge.routes import operations

    schedules = [s.name for s in app.app.event_sources if s.name.startswith("run_")]
    triggers = [*schedules, *sorted(app.work()), *STREAMS]
    return [f"{o.method} {o.path}" for o in operations()], triggers


def _known(before: str) -> dict[str, str]:
    """Return the rows of a page by what they are of."""
    rows = [line for line in before.splitlines() if line.startswith("| `")]
    return {line.split("`")[1]: line for line in rows}


def tables(notes: list[Note], known: Mapping[str, str] | None = None) -> tuple[str, str]:
    """Return the table of routes and the table of jobs as Markdown. Raises NotReached.

    known: rows that stay as they are.
    """
    known = known or {}
    found: dict[tuple[str, str], list[Note]] = defaultdict(list)
    for note in notes:
        found[note["kind"], note["key"]].append(note)
    for key, other in AS_ANOTHER.items():
        if ("route", key) not in found and ("route", other) in found:
            found["route", key] = found["route", other]
    routes, triggers = wanted()
    missing = [key for key in routes if ("route", key) not in found and key not in known]
    rows = []
    for key in routes:
        if key in known:
            rows.append(known[key])
        elif ("route", key) in found:
            rows.append(f"| `{key}` | {_cells(found['route', key], changes=key[:3] != 'GET')} |")
    jobs = []
    for name in triggers:
        if name in known:
            jobs.append(known[name])
            continue
        notes_of = found.get(("topic", name)) or found.get(("function", _function(name)))
        if notes_of is None:
            missing.append(name)
            continue
        of = _typical(notes_of, changes=True)
        size = round(statistics.median(n["records"] for n in of)) if "records" in of[0] else None
        label = f"`{name}`" + (f" ({size} records)" if size else "")
        jobs.append(f"| {label} | {_cells(notes_of, changes=True)} |")
    if missing and not known:
        raise NotReached(", ".join(missing))
    if missing:
        sys.stderr.write(f"not reached by these tests: {', '.join(missing)}\n")
    columns = "DynamoDB calls | other calls | read units | write units |\n|---|--:|--:|--:|--:|\n"
    return f"| route | {columns}" + "\n".join(rows), f"| job | {columns}" + "\n".join(jobs)


def _function(name: str) -> str:
    return {**RUNS, **DOES, **STREAMS}.get(name, "")


def _typical(notes: list[Note], *, changes: bool) -> list[Note]:
    if changes:
        notes = [n for n in notes if n["written"] or n["other"]] or notes
        notes = [n for n in notes if n["dynamodb"]] or notes
    return [n for n in notes if n["test"].startswith("tests/stories")] or notes


def _cells(notes: list[Note], *, changes: bool) -> str:
    typical = sorted(
        _typical(notes, changes=changes),
        key=lambda n: (n["dynamodb"] + n["other"], n["written"], n["read"]),
    )
    one = typical[len(typical) // 2]
    shown = (one["dynamodb"], one["other"], one["read"], one["written"])
    return " | ".join(f"{number:g}" for number in shown)


def _recorded() -> list[Note]:
    tests = list(ONLY) or [name for name in TESTS if (ROOT / name).exists()]
    for folder in [] if ONLY else sorted((ROOT / "tests").iterdir()):
        for name in SLICES:
            tests += [str(found.relative_to(ROOT)) for found in sorted(folder.glob(name))]
    with tempfile.TemporaryDirectory(prefix="kezek-costs-") as folder:
        environment: Mapping[str, str] = {**os.environ, FOLDER: folder}
        command = [sys.executable, "-m", "pytest", "-p", "bench.recording", "-q"]
        command += ["-n", os.environ.get("TEST_WORKERS", "2")]
        done = subprocess.run(
            [*command, *dict.fromkeys(tests)],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            sys.stderr.write(done.stdout[-4000:] + done.stderr[-2000:])
        return list(_read(Path(folder)))


def _read(folder: Path) -> Iterator[Note]:
    for file in sorted(folder.glob("*.jsonl")):
        for line in file.read_text("utf-8").splitlines():
            yield json.loads(line)
