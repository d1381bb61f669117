"""A cloud with the providers' routes, and the people around a kindergarten."""

from __future__ import annotations

from typing import Any

import pytest

from infra.local import testing
from tests.providers.town import Town


@pytest.fixture
def town(cloud: testing.TestCloud) -> Town:
    """Return a town without organisations, with a token for each role."""
    from chalicelib.providers.routes import routes

    offered: Any = cloud.app
    if "/v1/providers/catalogue" not in offered.routes:
        offered.mount(routes)
    return Town(cloud)
