"""A city to act in."""

from __future__ import annotations

import pytest

from infra.local.testing import TestCloud
from tests.promises.script import City


@pytest.fixture
def city(cloud: TestCloud) -> City:
    return City(cloud)
