"""A town of two kindergartens on the test's tables."""

from __future__ import annotations

import pytest

from infra.local import testing
from tests.vouchers.builders import Town


@pytest.fixture
def town(tables: testing.TestTables) -> Town:
    return Town()
