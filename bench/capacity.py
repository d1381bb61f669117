"""What things take, counted and written down: `python -m bench capacity` refreshes bench/measured.

A month of kindergartens of several sizes is played in full (bench/played.py), single check-ins
beside uploads of a group, two evenings of two queues, and schedules over few and many providers.
Calls and units are counts: they come out the same on a busy machine. Processor seconds are of this
machine; what they were measured beside stands in the file. `make cost` and `bench country` reckon
with nothing else, and refuse where a file is missing.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.gates import Gate

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "bench" / "measured"
SIZES = (10, 25, 50, 100, 200, 400)
# Between the measured ones: what interpolation says of it is held against what it takes.
HELD_OUT = 70
MOST_OFF = 0.03
QUEUES = (200, 800)
# Each tablet is told of the whole kindergarten, so this grows with children times groups.
ROSTERS = (10, 25, 50, 75, 100, 150, 200, 300, 400)
SITES = (1, 50, 200)
# Providers of middling size, looked at when nothing happens.
LOOKED_AT, OF = (1, 5), 140


def run() -> list[Gate]:
    """Measure all, write the files, return how well a size that was left out is foretold."""
    from bench import cost

    months = [month_of(size) for size in sizes()]
    save("months", {"sizes": months})
    save("rosters", {"sizes": [rosters(size) for size in ROSTERS]})
    save("single", single())
    save("queues", {"queues": [evenings(waiting) for waiting in QUEUES]})
    save("schedules", {"areas": [schedules(sites) for sites in SITES]})
    save("checks", {"areas": [checks(sites) for sites in LOOKED_AT]})
    left_out = month_of(HELD_OUT)
    inputs = cost.load(FOLDER)
    off = {
        name: cost.total(cost.month_at(inputs, HELD_OUT), name)
        / cost.total(left_out["steps"], name)
        - 1
        for name in ("calls", "read", "written")
    }
    worst = max(abs(one) for one in off.values())
    shown = ", ".join(f"{name} {one * 100:+.1f} %" for name, one in off.items())
    return [
        Gate(
            f"a month of {HELD_OUT} children, foretold / counted",
            shown,
            f"{MOST_OFF * 100:.0f} %",
            worst <= MOST_OFF,
        )
    ]


def sizes() -> tuple[int, ...]:
    """Return which sizes to play; fewer where SIZES says so."""
    named = os.environ.get("SIZES")
    return tuple(int(one) for one in named.split(",")) if named else SIZES


def save(name: str, found: dict[str, Any]) -> None:
    """Write what was measured, with when, on what, and of which code."""
    FOLDER.mkdir(exist_ok=True)
    told = {"about": about(), **found}
    text = json.dumps(told, indent=1, sort_keys=True)
    (FOLDER / f"{name}.json").write_text(text + "\n", "utf-8")


def about() -> dict[str, Any]:
    """Return when and on what this was measured."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short=12", "HEAD"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return {
        "measured_on": datetime.now(UTC).date().isoformat(),
        "commit": commit.stdout.strip(),
        "code": code_digest(),
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, {os.cpu_count()} processors",
        # Above the number of processors: seconds are those of a busy machine.
        "load": round(os.getloadavg()[0], 1),
    }


def code_digest() -> str:
    """Return a digest of what ships, to see whether the code has changed since."""
    digest = hashlib.sha256()
    for path in sorted((ROOT / "chalicelib").rglob("*")):
        if path.suffix in (".py", ".toml"):
            digest.update(str(path.relative_to(ROOT)).encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def month_of(children: int) -> dict[str, Any]:
    """Play a month of one kindergarten and return what each function took in each step."""
    from bench import played

    began = time.monotonic()
    with played.a_cloud() as cloud:
        month = played.Played(cloud, [children])
        before = stored(cloud)
        month.play()
        after = stored(cloud)
        _say(f"  {children} children: {time.monotonic() - began:.0f} s")
        return {
            "children": children,
            "groups": len(month.providers[0].groups),
            "working_days": len(month.days),
            "paid_tiyn": month.paid_tiyn,
            "steps": played.by_step(month.meter),
            "stored_bytes": {name: after[name] - before.get(name, 0) for name in after},
        }


def rosters(children: int) -> dict[str, Any]:
    """Return what it takes that each tablet of a kindergarten asks once who is enrolled."""
    from bench import played

    with played.a_cloud() as cloud:
        month = played.Played(cloud, [children])
        month.days = month.days[:1]
        month.play(["rosters"])
        _say(f"  rosters of {children}")
        return {"children": children, "working_days": 1, "steps": played.by_step(month.meter)}


def single() -> dict[str, Any]:
    """Return what a day of one group takes with each record in an upload of its own."""
    from bench import played

    with played.a_cloud() as cloud:
        month = played.Played(cloud, [played.GROUP])
        month.play(["single uploads"])
        return {
            "children": played.GROUP,
            "records": 2 * played.GROUP,
            "steps": played.by_step(month.meter),
        }


def evenings(waiting: int) -> dict[str, Any]:
    """Return what an evening takes on which a quarter is placed, and the one after it."""
    from bench import cities, played
    from tests.queue import city

    with played.a_cloud() as cloud:
        cities.settle(cloud.tables.engine, waiting, places=waiting // 4)
        _families(cloud, waiting)
        meter = played.Meter()
        # The first evening only publishes the order: iterations begin on the next.
        cloud.set_clock(city.EVENING + timedelta(minutes=30))
        cloud.advance(city.EVENING + timedelta(minutes=70), only=["run_checkpoint"])
        vouchers = []
        with meter.on():
            for evening in (1, 2):
                at = city.EVENING + timedelta(days=evening)
                cloud.set_clock(at - timedelta(minutes=1))
                before = _vouchers(cloud)
                meter.step = f"iteration {evening}"
                cloud.advance(at + timedelta(minutes=2), only=["run_iteration"])
                meter.step = f"commit {evening}"
                cloud.advance(at + timedelta(minutes=55), only=["run_deadlines"])
                meter.step = f"checkpoint {evening}"
                cloud.advance(at + timedelta(minutes=65), only=["run_checkpoint"])
                vouchers.append(_vouchers(cloud) - before)
        _say(f"  queue of {waiting}: {vouchers} vouchers")
        if not vouchers[0] or vouchers[1]:
            raise RuntimeError(f"evenings of {waiting}: {vouchers} vouchers were issued")
        return {
            "waiting": waiting,
            "vouchers": vouchers[0],
            "steps": played.by_step(meter),
        }


def schedules(sites: int) -> dict[str, Any]:
    """Return what the daily schedules take where an area has so many providers."""
    from bench import cost, played

    with played.a_cloud() as cloud:
        played.settle(cloud, played.providers_of([1] * sites), families=False)
        meter = played.Meter()
        at = datetime(2026, 4, 13, 1, 0, tzinfo=UTC)
        cloud.set_clock(at)
        with meter.on():
            for name in cost.LISTING:
                meter.step = name
                cloud.triggers.fire(name, at)
        return {"sites": sites, "steps": played.by_step(meter)}


def checks(sites: int) -> dict[str, Any]:
    """Return what a day of looking at everything takes in an area of so many providers."""
    from bench import played, providers

    with played.a_cloud() as cloud:
        providers.city_of(cloud, [OF] * sites)
        cloud.advance(providers.CHECK_DAY, only=["run_billing", "run_claims"])
        meter = played.Meter()
        played.checks(cloud, meter, providers.CHECK_DAY.date().replace(day=22))
        _say(f"  checks of {sites} providers")
        return {"sites": sites, "children": OF, "steps": played.by_step(meter)}


def stored(cloud: Any) -> dict[str, int]:
    """Return the bytes of items by logical table, as the engine reckons them."""
    database = cloud.tables.engine.engine.database
    found: dict[str, int] = {}
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
        for name in cloud.tables.names:
            # The names are of our own definitions.
            row = db.execute(f'SELECT coalesce(sum(item_size), 0) FROM "{name}"').fetchone()
            found[name.rsplit("-", 1)[-1]] = int(row[0])
    return found


def _vouchers(cloud: Any) -> int:
    database = cloud.tables.engine.engine.database
    facts = next(name for name in cloud.tables.names if name.endswith("-facts"))
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
        row = db.execute(f"SELECT count(*) FROM \"{facts}\" WHERE pk LIKE 'S:VOUCHER#%'").fetchone()
        return int(row[0])


def _families(cloud: Any, waiting: int) -> None:
    """Put those who wait for a notice into the tables: one person for each application."""
    from bench import cities
    from chalicelib.children import store as children
    from chalicelib.children.rules import Person
    from chalicelib.storage import keys

    def rows() -> Any:
        for n in range(waiting):
            person_id = f"person-{n:06d}"
            yield children.PERSONS.create(
                keys.person(person_id),
                Person(
                    person_id=person_id,
                    subject=f"subject-of-{person_id}",
                    language="kk",
                    created_at="2025-01-01T00:00:00.000000Z",
                    asked="",
                    identity="",
                ),
            )
            contact = {"surname": "Серікова", "contact_1": "phone:+77010000000"}
            yield from children.seal_person(person_id, contact)

    database = cloud.tables.engine.engine.database
    cities._put(database, rows())


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
