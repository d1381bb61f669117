"""What the complainant does with an answer or a silence, and what the clock does for them."""

from __future__ import annotations

from datetime import datetime

from chalicelib.access import actions as access
from chalicelib.complaints import rules, store
from chalicelib.complaints.actions import common
from chalicelib.complaints.rules import Complaint
from chalicelib.kernel.actors import Actor
from chalicelib.storage.commit import settles
from chalicelib.storage.secrets import fingerprint
from chalicelib.storage.shelf import Kept


@settles
def close(complaint_id: str, *, satisfied: bool, by: Actor, now: datetime) -> Complaint:
    """Close one's own complaint, answered or not; the same again is the same."""
    kept = _own(complaint_id, by)
    closed = rules.decide_closing(kept.value, satisfied=satisfied, now=now)
    if closed is not kept.value:
        common.keep("complaints/closed", kept, closed, by=by, now=now)
    return closed


@settles
def escalate(complaint_id: str, why: str, *, by: Actor, now: datetime) -> Complaint:
    """Take one's own complaint to the next desk, because of its answer or of its silence.

    The same again, while it lies there, is the same. Raises NotYet, NoHigherDesk, AlreadyClosed.
    """
    kept = _own(complaint_id, by)
    digest = fingerprint(why)
    if kept.value.state in rules.OPEN and kept.value.why == digest:
        return kept.value
    calendar, term = common.calendar_and_term(kept.value, now)
    higher = rules.decide_escalation(kept.value, why=digest, term=term, calendar=calendar, now=now)
    said = store.add_fields(complaint_id, {f"why_{higher.escalations}": why})
    common.keep("complaints/escalated", kept, higher, said, by=by, now=now)
    return higher


@settles
def escalate_overdue(complaint_id: str, *, by: Actor, now: datetime) -> bool:
    """Take a complaint to the next desk when nobody answered in time. Topic "complaints/answer"."""
    kept = store.find_complaint(complaint_id)
    if kept is None or not rules.is_overdue(kept.value, now):
        return False
    if kept.value.level + 1 >= len(kept.value.levels):
        return False  # nobody above: it stays owed, and late
    calendar, term = common.calendar_and_term(kept.value, now)
    higher = rules.decide_escalation(kept.value, why=None, term=term, calendar=calendar, now=now)
    common.keep("complaints/escalated", kept, higher, by=by, now=now)
    return True


@settles
def close_silent(complaint_id: str, *, by: Actor, now: datetime) -> bool:
    """Close an answered complaint nobody said more of. Topic "complaints/reply"."""
    kept = store.find_complaint(complaint_id)
    if kept is None or not rules.is_silent(kept.value, now):
        return False
    closed = rules.decide_closing(kept.value, satisfied=None, now=now)
    common.keep("complaints/closed", kept, closed, by=by, now=now)
    return True


def _own(complaint_id: str, by: Actor) -> Kept[Complaint]:
    kept = store.load_complaint(complaint_id)
    access.demand(by, own=kept.value.by == by.subject)
    return kept
