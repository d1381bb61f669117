"""Fixtures for tests of the local cloud alone: the tiny application in this process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra.local import testing


@pytest.fixture
def tiny_cloud(
    tables: testing.TestTables, services: testing.TestServices
) -> Iterator[testing.TestCloud]:
    from tests.local.tiny import app

    with testing.in_process(app, services, tables) as made:
        yield made
