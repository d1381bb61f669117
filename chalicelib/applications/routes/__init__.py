"""HTTP of applications, by what people do.

applying    a new application, its groups and wishes
proving     claimed statuses
answering   a voucher confirmed or refused; withdrawing, restoring
intakes     windows of intake and their draw
importing   what another system queued
signing     a text to sign with an EDS, and the signature
shapes      what they share
"""

from __future__ import annotations

from chalicelib.applications.routes import (
    answering,
    applying,
    importing,
    intakes,
    proving,
    signing,
)
from chalicelib.applications.routes.importing import ImportAsked
from chalicelib.applications.routes.shapes import routes

__all__ = [
    "ImportAsked",
    "answering",
    "applying",
    "importing",
    "intakes",
    "proving",
    "routes",
    "signing",
]
