"""HTTP of providers, by what people do.

organisations   who is paid
sites           what a site is, who teaches there, its papers
admission       onto the List, on it and off it; votes and objections
groups          the groups of a site
imports         what an earlier act listed
catalogue       what everybody reads: the catalogue and the figures
shapes          what they share
"""

from __future__ import annotations

from chalicelib.providers.routes import (
    admission,
    catalogue,
    groups,
    imports,
    organisations,
    sites,
)
from chalicelib.providers.routes.shapes import routes

__all__ = ["admission", "catalogue", "groups", "imports", "organisations", "routes", "sites"]
