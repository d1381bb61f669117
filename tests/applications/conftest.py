"""Routes under test, offered here until the switchboard offers them."""

from __future__ import annotations

import pytest

from chalicelib.applications.routes import routes as applications
from chalicelib.children.routes import routes as children


@pytest.fixture(autouse=True)
def _offered() -> None:
    from app import app

    for routes in (children, applications):
        if not any(path.startswith(routes.prefix) for path in app.routes):
            app.mount(routes)
