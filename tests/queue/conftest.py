"""The cloud at the hour of the iteration."""

from __future__ import annotations

import pytest

from infra.local.testing import TestCloud
from tests.queue.city import EVENING


@pytest.fixture
def evening(cloud: TestCloud) -> TestCloud:
    """Return the cloud at the hour of the iteration."""
    cloud.set_clock(EVENING)
    return cloud
