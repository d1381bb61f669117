"""What Kezek publishes of its runs, held by the verifier that shares no line with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chalicelib.applications import store as applications
from chalicelib.kernel.notes import verifier_key
from chalicelib.queue import actions, jobs
from chalicelib.storage import signing
from chalicelib.storage.commit import commit
from infra.local import faults
from tests.queue import clubs
from tests.queue.city import (
    AREA,
    EVENING,
    JOB,
    LATER,
    OPERATOR,
    PROGRAMME,
    a_group,
    a_small_city,
    an_application,
    finished,
    released,
    settle_in,
)
from tests.queue.test_transferring import a_holder

pytestmark = pytest.mark.usefixtures("tables", "one_salt")
RUN = "run-of-the-day"
VERIFIER = Path(__file__).parents[2] / "verify" / "kezek_verify.py"


@pytest.fixture(autouse=True)
def files_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEZEK_FILES", str(tmp_path / "files"))


def checked(
    tmp_path: Path, run_id: str = RUN, *, programme: str = PROGRAMME, area: str = AREA
) -> dict[str, Any]:
    """Publish a run, open it for an auditor, and let the verifier judge."""
    jobs.prove_run({"run_id": run_id}, LATER)
    folder = Path(os.environ["KEZEK_FILES"]) / "record" / "queue" / programme / area
    openings, keys = tmp_path / "openings.jsonl", tmp_path / "keys"
    lines = (
        json.dumps(line, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        for line in actions.every_opening(run_id)
    )
    openings.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    keys.write_text("".join(f"{verifier_key(*key)}\n" for key in signing.public_keys()), "utf-8")
    said: dict[str, Any] = {}
    for more in ([], ["--openings", str(openings)], ["--queue", str(folder)]):
        asked = [sys.executable, str(VERIFIER), "run", str(folder / "runs" / run_id), *more]
        found = subprocess.run(
            [*asked, "--keys", str(keys), "--json"], capture_output=True, text=True, check=False
        )
        assert found.returncode == 0, (more, found.stdout, found.stderr)
        said = json.loads(found.stdout)
    return said


@pytest.mark.parametrize("seed", range(3))
def test_a_run_by_places_holds(tmp_path: Path, seed: int) -> None:
    a_small_city(50 + 20 * seed, 5, seed=seed)
    actions.publish("before", programme=PROGRAMME, area=AREA, by=JOB, now=EVENING)
    finished(released())

    checked(tmp_path)


def test_a_run_by_budget_holds(tmp_path: Path) -> None:
    clubs.a_small_city_of_clubs(60)
    clubs.finished(clubs.released())

    checked(tmp_path, clubs.RUN, programme=clubs.PROGRAMME, area=clubs.AREA)


def test_a_run_that_moved_holders_holds(tmp_path: Path) -> None:
    settle_in(
        [a_group("a", 1), a_group("b", 1), a_group("c", 1), a_group("d", 1)],
        [an_application(f"{n:04d}", preferences=("group-c",)) for n in range(6)],
    )
    a_holder("9001", "b", "a")
    a_holder("9002", "c", "b")
    finished(released())

    checked(tmp_path)


def test_a_run_over_groups_that_tell_holds(tmp_path: Path) -> None:
    groups = [a_group(f"{n}", 3) for n in range(5)]
    waiting = [an_application(f"{n:04d}") for n in range(20)]
    settle_in(
        [*groups, a_group("c", 2, kind="correctional")],
        [*waiting, an_application("0100", kind="correctional")],
    )
    finished(released())

    checked(tmp_path)


def test_a_run_that_was_stopped_in_the_middle_of_a_part_holds(tmp_path: Path) -> None:
    settle_in([a_group("a", 9)], [an_application(f"{n:04d}") for n in range(8)])
    run_id = released()
    kept = applications.load_application("application-0001")
    commit([applications.keep_application(kept, replace(kept.value, state="withdrawn"))])
    with faults.crash(after=16), pytest.raises(faults.Crash):
        actions.commit_part(run_id, by=JOB, now=LATER, most=50)
    actions.stop(run_id, reason="other", by=OPERATOR, now=LATER)

    checked(tmp_path)


def test_a_draft_that_was_stopped_before_its_release_holds(tmp_path: Path) -> None:
    a_small_city(20, 3)
    actions.propose(RUN, programme=PROGRAMME, area=AREA, by=JOB, now=EVENING)
    actions.stop(RUN, reason="wrong-rules", by=OPERATOR, now=LATER)

    checked(tmp_path)
