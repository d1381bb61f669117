"""What the routes of attendance share."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from chalicelib.attendance import rules
from chalicelib.edge.routes import Routes
from chalicelib.kernel.periods import BadMonth
from chalicelib.kernel.refusals import AnotherContent, Unknown
from chalicelib.kernel.workdays import CalendarMissing
from chalicelib.policy.rules import NoRuleInForce

routes = Routes("chalicelib.attendance.routes", "attendance")

Id = Annotated[str, Meta(min_length=8, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$(?!\n)")]
Label = Annotated[str, Meta(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f<>]*$(?!\n)")]
Programme = Annotated[str, Meta(min_length=1, max_length=32, pattern=r"^[a-z-]+$(?!\n)")]
# A number in a folder; a paper's text or a name has no place here.
Reference = Annotated[
    str, Meta(min_length=2, max_length=40, pattern=r"^[\w№/. -]*[0-9][\w№/. -]*$(?!\n)")
]
SHEET = (Unknown, BadMonth, NoRuleInForce, CalendarMissing)
LINE = (*SHEET, rules.BadDay, AnotherContent)
