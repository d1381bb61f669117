"""The journal: every change, once, in the transaction that made it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Entry:
    """What happened to one aggregate.

    event: "vouchers/confirmed"; stream: the aggregate, "voucher/<id>"; by: role and pseudonymous
    subject; at: RFC 3339 UTC; pack: the rule version that judged; facts: pseudonymous.
    """

    event: str
    stream: str
    by: str
    at: str
    pack: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    sequence: int = 0
