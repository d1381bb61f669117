"""What Kezek really publishes holds on the page: queues, runs by places and by budget (L5)."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from chalicelib.kernel.notes import verifier_key
from chalicelib.queue import actions, jobs
from chalicelib.storage import signing
from tests.queue import clubs
from tests.queue.city import (
    AREA,
    EVENING,
    JOB,
    LATER,
    PROGRAMME,
    a_group,
    a_small_city,
    an_application,
    finished,
    released,
    settle_in,
)
from tests.queue.test_transferring import a_holder
from tests.verify.browser import Browser, files_below, given

pytestmark = pytest.mark.usefixtures("tables", "one_salt")
RUN = "run-of-the-day"


@pytest.fixture(autouse=True)
def files_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEZEK_FILES", str(tmp_path / "files"))


def checked(
    tab: Browser, run_id: str = RUN, *, programme: str = PROGRAMME, area: str = AREA
) -> dict[str, Any]:
    """Publish a queue and a run, open it for an auditor, and let the page judge all of it."""
    jobs.prove_run({"run_id": run_id}, LATER)
    jobs.save_files(programme, area)
    files = files_below(Path(os.environ["KEZEK_FILES"]) / "record")
    lines = (
        json.dumps(line, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        for line in actions.every_opening(run_id)
    )
    files["openings.jsonl"] = "".join(f"{line}\n" for line in lines)
    keys = "".join(f"{verifier_key(*key)}\n" for key in signing.public_keys())
    answer: dict[str, Any] = tab.run(
        f"window.kezekVerify({given(files)}, {{keys: {json.dumps(keys)}}})"
    )
    assert (answer["holds"], answer["unknown"]) == (True, []), answer["text"]
    return {one["kind"]: one["facts"] for one in answer["checks"]}


@pytest.mark.parametrize("seed", range(2))
def test_a_queue_and_its_run_by_places_hold(tab: Browser, seed: int) -> None:
    a_small_city(60, 5, seed=seed)
    actions.publish("before", programme=PROGRAMME, area=AREA, by=JOB, now=EVENING)
    finished(released())
    actions.publish("after", programme=PROGRAMME, area=AREA, by=JOB, now=LATER)

    facts = checked(tab)

    assert facts["run"]["full"] is True
    assert facts["queue"]["checkpoints"] == facts["queue"]["lists"] == facts["queue"]["trees"] >= 2


def test_a_run_by_budget_holds(tab: Browser) -> None:
    clubs.a_small_city_of_clubs(60)
    clubs.finished(clubs.released())

    facts = checked(tab, clubs.RUN, programme=clubs.PROGRAMME, area=clubs.AREA)

    assert (facts["run"]["full"], facts["run"]["issued"] > 0) == (True, True)


def test_a_run_that_moved_holders_holds(tab: Browser) -> None:
    settle_in(
        [a_group("a", 1), a_group("b", 1), a_group("c", 1), a_group("d", 1)],
        [an_application(f"{n:04d}", preferences=("group-c",)) for n in range(6)],
    )
    a_holder("9001", "b", "a")
    a_holder("9002", "c", "b")
    finished(released())

    assert checked(tab)["run"]["moved"] == 2
