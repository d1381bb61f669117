"""Routes under test, offered here until the switchboard offers them."""

from __future__ import annotations

import pytest

from chalicelib.attendance.routes import routes as attendance


@pytest.fixture(autouse=True)
def _offered() -> None:
    from app import app

    if not any(path.startswith(attendance.prefix) for path in app.routes):
        app.mount(attendance)
