"""HTTP of attendance.

tablets    invited, paired, revoked, cleared; what they may mark, their uploads
sites      a site's month: its close, timesheets, papers, answers, decisions
families   a child's month: read, approved, disputed, confirmed
shapes     what they share
"""

from __future__ import annotations

from chalicelib.attendance.routes import families, sites, tablets
from chalicelib.attendance.routes.shapes import routes

__all__ = ["families", "routes", "sites", "tablets"]
