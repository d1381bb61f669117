"""A city to act in, for each programme."""

from __future__ import annotations

import pytest

from infra.local.testing import TestCloud
from tests.promises.script import City
from tests.promises.script_clubs import ClubsCity

CITIES = {"preschool": City, "clubs": ClubsCity}


@pytest.fixture(params=CITIES)
def city(request: pytest.FixtureRequest, cloud: TestCloud) -> City:
    return CITIES[request.param](cloud)
