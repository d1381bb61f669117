"""The switchboard: every way into Kezek, on one screen."""

from __future__ import annotations

from chalicelib.edge import about
from chalicelib.edge.application import Kezek
from chalicelib.policy.routes import routes as policy

app = Kezek("kezek")

for slice_routes in (about.routes, policy):
    app.mount(slice_routes)
