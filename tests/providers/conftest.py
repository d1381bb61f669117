"""A cloud with the providers' routes, and the people around a kindergarten."""

from __future__ import annotations

import pytest

from infra.local import testing
from tests.providers.clubs import ClubTown
from tests.providers.town import Town


@pytest.fixture
def town(cloud: testing.TestCloud) -> Town:
    """Return a town without organisations, with a token for each role."""
    return Town(cloud)


@pytest.fixture
def city(cloud: testing.TestCloud) -> ClubTown:
    """Return a city without clubs, with a token for each role and direction."""
    return ClubTown(cloud)
