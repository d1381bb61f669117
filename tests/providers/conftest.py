"""A cloud with the providers' routes, and the people around a kindergarten."""

from __future__ import annotations

import pytest

from infra.local import testing
from tests.providers.town import Town


@pytest.fixture
def town(cloud: testing.TestCloud) -> Town:
    """Return a town without organisations, with a token for each role."""
    return Town(cloud)
