"""A city to act in, for each programme."""

from __future__ import annotations

import pytest

from app import app
from infra.local.testing import TestCloud
from tests.promises.script import City
from tests.promises.script_clubs import ClubsCity

# Slices are imported when they are first asked for; tests that go through all operations are
# collected before anybody asks.
assert len(app.routes) > 50

CITIES = {"preschool": City, "clubs": ClubsCity}


@pytest.fixture(params=CITIES)
def city(request: pytest.FixtureRequest, cloud: TestCloud) -> City:
    return CITIES[request.param](cloud)
