"""A city to act in, for each programme."""

from __future__ import annotations

from pathlib import Path

import pytest

from app import app
from infra.local.testing import TestCloud
from tests.promises import eds
from tests.promises.script import City
from tests.promises.script_clubs import ClubsCity
from tests.rights.conftest import family  # noqa: F401 — a fixture

# Slices are imported when they are first asked for; tests that go through all operations are
# collected before anybody asks.
assert len(app.routes) > 50

CITIES = {"preschool": City, "clubs": ClubsCity}


@pytest.fixture(params=CITIES)
def city(
    request: pytest.FixtureRequest,
    cloud: TestCloud,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> City:
    eds.configure(monkeypatch, tmp_path / "lists")
    return CITIES[request.param](cloud)
