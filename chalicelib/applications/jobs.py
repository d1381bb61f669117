"""Work handed on by others: an application to be judged anew."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chalicelib.applications import actions
from chalicelib.kernel.actors import system


def refresh(facts: Mapping[str, Any], now: datetime) -> None:
    """Handle "applications/refresh" {application_id}: the child's data or age changed."""
    actions.refresh(facts["application_id"], by=system("applications/refresh"), now=now)
