"""The Digital Family Card: which social statuses does a person have, without papers?

Locally a JSON file (`KEZEK_REGISTRY`) of {keyed digest of an IIN: [status codes]}. Where nothing is
configured, or the file cannot be read, the answer is "not available since …": the claim then
stays, and papers may be shown. Only digests leave Kezek's door, never a name.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from chalicelib.kernel.periods import stamp


@dataclass(frozen=True, slots=True)
class Answer:
    """result: whether the status is on the card; since: silent from that instant on."""

    result: Literal["proved", "not-found", "unavailable"]
    since: str | None = None


_silent_since: str | None = None


def check(digests: Sequence[str], status: str, *, now: datetime) -> Answer:
    """Return whether any of these people has a status by the card."""
    global _silent_since
    try:
        statuses = _cards()
    except (OSError, ValueError, TypeError, AttributeError):
        statuses = None
    if statuses is None:
        _silent_since = _silent_since or stamp(now)
        return Answer("unavailable", _silent_since)
    _silent_since = None
    found = any(status in statuses.get(digest, ()) for digest in digests)
    return Answer("proved" if found else "not-found")


def forget() -> None:
    """Forget since when the register is silent; for tests."""
    global _silent_since
    _silent_since = None


def _cards() -> dict[str, list[str]] | None:
    named = os.environ.get("KEZEK_REGISTRY")
    if not named:
        return None
    cards = json.loads(Path(named).read_text("utf-8"))
    return {str(digest): [str(s) for s in statuses] for digest, statuses in cards.items()}
