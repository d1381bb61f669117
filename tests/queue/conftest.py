"""The queue's routes and topics, offered here until the switchboard offers them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chalicelib.edge import clock
from chalicelib.queue import jobs
from chalicelib.queue.routes import routes as queue
from infra.local.testing import TestCloud
from tests.queue.city import EVENING


@pytest.fixture(autouse=True)
def _offered() -> None:
    from app import WORK, app

    if not any(path.startswith(queue.prefix) for path in app.routes):
        app.mount(queue)
    WORK.setdefault("queue/commit-run", jobs.commit_run)
    WORK.setdefault("queue/checkpoint", jobs.checkpoint)


@pytest.fixture
def evening(cloud: TestCloud) -> Iterator[TestCloud]:
    """Return the cloud at the hour of the iteration."""
    cloud.set_clock(EVENING)
    yield cloud
    clock.use(None)
