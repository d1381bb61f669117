"""What happens to children's records by itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chalicelib.children import actions


def looked_at(facts: Mapping[str, Any], now: datetime) -> None:
    """Handle "children/looked-at" {child_id, opening_id}: tell the family."""
    actions.tell_of_look(facts["child_id"], facts["opening_id"], now=now)
