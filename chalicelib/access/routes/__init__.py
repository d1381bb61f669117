"""HTTP of access, by what people do.

proposing   what needs two persons
breaking    one more area in reach for a while
consenting  a clerk in a representative's name
figures     what everybody may count of it
revoking    sign-ins that no longer count; an issuer's logout
signals     patterns of queue-grabbing, for the department to judge
shapes      what they share
"""

from __future__ import annotations

from chalicelib.access.routes import (
    breaking,
    consenting,
    figures,
    proposing,
    revoking,
    signals,
)
from chalicelib.access.routes.shapes import routes

__all__ = ["breaking", "consenting", "figures", "proposing", "revoking", "routes", "signals"]
