"""The vault's jobs: a rotation that goes on by itself, orphans that are collected."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from chalicelib.rotation import jobs
from chalicelib.storage import secrets, vault
from chalicelib.storage.commit import commit
from chalicelib.storage.vault import ring, rotation
from chalicelib.storage.vault.postgres import Postgres
from infra.local.testing import MORNING, TestCloud

AT_ONCE = timedelta(0)


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A ring of this test's own, which it may rotate."""
    made = tmp_path / "keys.json"
    secrets.new_keyring_file(made)
    monkeypatch.setenv("KEZEK_KEYS_FILE", str(made))
    yield made
    secrets.forget_keyring()


def begin(file: Path) -> None:
    """Announce new keys and let the new root seal, an hour ago."""
    at = MORNING - timedelta(hours=1)
    announced = ring.announce(secrets.keyring(), now=at)
    secrets.write_keyring(file, ring.seal(announced, now=at, settle=AT_ONCE))


def seal(many: int) -> None:
    for n in range(many):
        commit(vault.seal(f"CHILD#{n}", {"iin": f"{n:012d}"}))


def test_without_a_rotation_nothing_is_asked(cloud: TestCloud) -> None:
    seal(1)

    cloud.fire("run_vault")

    assert rotation.progress() == []


def test_an_open_rotation_goes_over_all_subjects_by_itself(cloud: TestCloud, file: Path) -> None:
    seal(12)
    begin(file)

    cloud.fire("run_vault")
    cloud.drain()

    assert rotation.turned()
    assert rotation.wrapped_by() == {"2": 12}
    assert jobs.start() == 0, "what is over is not asked again"


def test_it_waits_while_functions_with_the_old_ring_may_run(cloud: TestCloud, file: Path) -> None:
    seal(1)
    begin(file)
    now = secrets.keyring()
    late = ring.lead(now, now=MORNING - timedelta(minutes=5), settle=AT_ONCE)
    secrets.write_keyring(file, late)

    cloud.fire("run_vault")

    assert rotation.progress() == []


def test_what_a_minute_does_not_hold_is_another_messages(
    cloud: TestCloud, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seal(12)
    begin(file)
    monkeypatch.setattr(jobs, "LONGEST_S", 0.0)
    monkeypatch.setattr(rotation, "PAGE", 1)

    cloud.fire("run_vault")
    cloud.drain()

    assert rotation.turned()
    assert rotation.wrapped_by() == {"2": 12}


def test_a_message_that_comes_after_the_rotation_does_nothing(cloud: TestCloud) -> None:
    seal(1)

    jobs.turn({"part": 0}, MORNING)

    assert rotation.progress() == []


def test_orphans_in_postgresql_are_looked_for_each_night(
    outside: Postgres, cloud: TestCloud
) -> None:
    seal(1)
    vault.seal("CHILD#none", {"iin": "000000000009"})
    outside._ask("alter table kezek_sealed disable trigger kezek_sealed_stays")
    outside._ask("update kezek_sealed set made_at = made_at - interval '2 days'")

    cloud.fire("run_vault")

    marked = outside._ask("select subject from kezek_sealed where orphan_since is not null")[0]
    assert marked == [["CHILD#none"]]
    outside._ask("update kezek_sealed set orphan_since = orphan_since - interval '2 days'")
    cloud.fire("run_vault")
    assert outside._ask("select subject from kezek_sealed")[0] == [["CHILD#0"]]
    outside._ask("alter table kezek_sealed enable trigger kezek_sealed_stays")
