"""HTTP of vouchers, by what people do.

seeing      one's own vouchers
choosing    a group chosen; waiting lists and their offers
enrolling   contract, transfer, closure
targeting   a free place where no queue is needed
cancelling  ended for fraud
raising     raised financing for special needs
importing   what a platform that closes had issued
sites       a site's lists, and the papers it judges
shapes      what they share
"""

from __future__ import annotations

from chalicelib.vouchers.routes import (
    cancelling,
    choosing,
    enrolling,
    importing,
    raising,
    seeing,
    sites,
    targeting,
)
from chalicelib.vouchers.routes.shapes import routes

__all__ = [
    "cancelling",
    "choosing",
    "enrolling",
    "importing",
    "raising",
    "routes",
    "seeing",
    "sites",
    "targeting",
]
