"""`kezek queue …`: the public files, the auditor's openings, deciding a run again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chalicelib.access.store import looking
from chalicelib.adapters import files
from chalicelib.journal import store as entries
from chalicelib.queue import actions, jobs, store
from chalicelib.storage.commit import commit
from infra.command import inside, main, place
from infra.local.testing import TestCloud
from tests.command.test_command import CloudApi
from tests.queue.city import (
    AREA,
    LATER,
    PROGRAMME,
    a_group,
    a_small_city,
    an_application,
    finished,
    released,
    settle_in,
)

RUN = "run-of-the-day"


class Local:
    """A running local Kezek, as far as a command asks it."""

    def now(self) -> Any:
        return LATER


@pytest.fixture
def served(evening: TestCloud, monkeypatch: pytest.MonkeyPatch) -> TestCloud:
    """Let commands talk to the cloud of this test process."""
    monkeypatch.setattr(place, "public_api", lambda *asked: CloudApi(evening))
    monkeypatch.setattr(place, "control", lambda data: Local())
    monkeypatch.setattr(inside, "enter", lambda cloud: None)
    return evening


@pytest.fixture
def proved(served: TestCloud) -> TestCloud:
    a_small_city(20, 3)
    finished(released())
    jobs.prove_run({"run_id": RUN}, LATER)
    return served


def ended(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main.run(list(arguments))
    return int(end.value.code or 0)


def looks() -> list[Any]:
    return [look.value for n in range(20) for look in looking.each_look(f"child-{n:04d}")]


def test_the_bundle_command_writes_the_published_bytes(
    proved: TestCloud, tmp_path: Path, capsys: Any
) -> None:
    folder = tmp_path / "run"

    assert ended("queue", "bundle", RUN, str(folder), "--json") == 0

    for name in ("bundle.json", "note"):
        published = files.published(f"queue/{PROGRAMME}/{AREA}/runs/{RUN}/{name}")
        assert (folder / name).read_bytes() == published
    assert json.loads(capsys.readouterr().out)["bytes"] == (folder / "bundle.json").stat().st_size
    assert ended("queue", "bundle", RUN, str(folder)) == 2, "the folder is not empty"


def test_a_run_without_a_bundle_is_said_in_one_line(
    served: TestCloud, tmp_path: Path, capsys: Any
) -> None:
    assert ended("queue", "bundle", "run-that-is-not", str(tmp_path / "run")) == 1
    assert "no bundle of run-that-is-not is published" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_the_openings_are_recorded_and_journaled_before_they_are_written(
    proved: TestCloud, tmp_path: Path
) -> None:
    to = tmp_path / "openings.jsonl"

    assert ended("queue", "openings", RUN, str(to), "--why", "curiosity") == 2
    assert not to.exists() and looks() == []
    assert ended("queue", "openings", RUN, str(to), "--why", "court", "--json") == 0

    lines = [json.loads(line) for line in to.read_text("utf-8").splitlines()]
    assert lines == list(actions.every_opening(RUN))
    assert {(one.roles, one.purpose, one.action) for one in looks()} == {
        (("keeper",), "court", "kezek queue openings")
    }
    assert len(looks()) == 20
    assert [e.event for e in entries.history(f"proof/{RUN}")][-1] == "queue/openings-handed"
    assert ended("queue", "openings", RUN, str(to)) == 2, "the file exists"


def test_openings_of_a_run_that_has_not_ended_or_is_none_are_refused(
    served: TestCloud, tmp_path: Path, capsys: Any
) -> None:
    settle_in([a_group("a", 2)], [an_application(f"{n:04d}") for n in range(7)])
    released()

    assert ended("queue", "openings", RUN, str(tmp_path / "file")) == 1
    assert ended("queue", "openings", "run-that-is-not", str(tmp_path / "file")) == 1
    said = capsys.readouterr().err
    assert "queue/not-proved" in said and "kezek/unknown" in said
    assert not (tmp_path / "file").exists() and looks() == []


def test_deciding_a_run_again_says_the_same_or_the_first_ticket_that_differs(
    proved: TestCloud, capsys: Any
) -> None:
    assert ended("queue", "again", RUN) == 0
    assert "the same: 20 outcomes" in capsys.readouterr().out

    kept = store.load_run(RUN)
    commit([store.keep_run(kept, replace(kept.value, outcome="0" * 64))])
    assert ended("queue", "again", RUN, "--json") == 1
    said = capsys.readouterr()
    assert json.loads(said.out)["same"] is False and "another outcome" in said.err
    assert ended("queue", "again", "run-that-is-not") == 1
