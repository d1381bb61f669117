"""What falls due in access: proposals nobody seconded, openings nobody reviewed."""

from __future__ import annotations

from datetime import datetime

from chalicelib.access import actions
from chalicelib.edge import log
from chalicelib.kernel.actors import Actor


def unreviewed(opening_id: str, /, *, by: Actor, now: datetime) -> bool:
    """Say aloud that an opening was not reviewed in its time; return whether it was so."""
    late = actions.note_overdue(opening_id, by=by, now=now)
    if late:
        log.loud("break-glass-unreviewed", metric="BreakGlassUnreviewed", opening_id=opening_id)
    return late


DEADLINES = {"access/proposal": actions.expire, "access/review": unreviewed}
