"""Fixtures of the whole suite: an engine per worker, fresh tables and a cloud per test."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from chalicelib.storage.vault.postgres import Postgres

# `app` and `infra` are found from the repository's root, wherever pytest was started.
_ROOT = str(Path(__file__).resolve().parents[1])
if _ROOT not in sys.path:
    sys.path.insert(0, _ROOT)

from infra.local import testing  # noqa: E402

testing.prepare_process()

from tests import canaries, postgres  # noqa: E402

# Examples are not timed: the machine may be busy. CI draws the same ones each time, so that a
# commit is judged by what it changes; a developer's run draws new ones.
settings.register_profile("kezek", deadline=None)
settings.register_profile("kezek-ci", deadline=None, derandomize=True)
settings.load_profile("kezek-ci" if os.environ.get("CI") else "kezek")


def pytest_configure(config: pytest.Config) -> None:
    """Let every test be searched for personal data that it says aloud (B8)."""
    config.pluginmanager.register(canaries, "canaries")


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[testing.TestEngine]:
    """A data engine for this worker."""
    with testing.running_engine(tmp_path_factory.mktemp("engine")) as running:
        yield running


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[testing.TestServices]:
    """Queue, issuer, keyring and files of this worker."""
    made = testing.TestServices(tmp_path_factory.mktemp("services"))
    yield made
    made.close()


@pytest.fixture(scope="session")
def cluster() -> Iterator[postgres.Cluster]:
    """A PostgreSQL of this worker's own, with the vault's table."""
    from chalicelib.storage.vault.postgres import Postgres

    with postgres.running() as made:
        owner = Postgres(made.url())
        owner.migrate()
        owner.close()
        yield made


@pytest.fixture
def outside(
    cluster: postgres.Cluster, tables: testing.TestTables, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Postgres]:
    """The vault in an empty PostgreSQL."""
    from chalicelib.storage.vault import places
    from chalicelib.storage.vault.postgres import Postgres

    monkeypatch.setenv("KEZEK_VAULT", cluster.url())
    places.forget_outside()
    blobs = places.outside()
    assert isinstance(blobs, Postgres)
    blobs._ask("truncate kezek_sealed")
    yield blobs
    blobs.close()
    places.forget_outside()


@pytest.fixture(scope="session")
def _tables(engine: testing.TestEngine) -> testing.TestTables:
    return testing.TestTables(engine)


@pytest.fixture
def tables(_tables: testing.TestTables, services: testing.TestServices) -> testing.TestTables:
    """Empty tables, and no chain of a queue that was published of others."""
    _tables.wipe()
    shutil.rmtree(services.folder / "files" / "queue", ignore_errors=True)
    return _tables


@pytest.fixture
def cloud(
    tables: testing.TestTables, services: testing.TestServices
) -> Iterator[testing.TestCloud]:
    """The application in this process, over empty tables, at testing.MORNING."""
    from app import app

    with testing.in_process(app, services, tables) as made:
        yield made


@pytest.fixture
def one_salt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all that enters the journal have one salt, so that two runs compare to the byte."""
    from chalicelib.attendance.store import evidence
    from chalicelib.children import store as children
    from chalicelib.journal import store
    from chalicelib.payouts.actions import paying
    from chalicelib.providers.actions import imports, organisations, teachers

    for module in (store, evidence, children, organisations, imports, teachers, paying):
        monkeypatch.setattr(module, "new_salt", lambda: bytes(16))
