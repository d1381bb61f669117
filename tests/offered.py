"""Every operation there is. Slices are mounted when asked for, so a test asks for them all here."""

from __future__ import annotations

import app  # noqa: F401 — the switchboard says which slices there are
from chalicelib.edge import routes

OPERATIONS = routes.operations()
