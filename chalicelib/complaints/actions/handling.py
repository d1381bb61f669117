"""What the desk does: see what waits, take it or hand it on, answer."""

from __future__ import annotations

from datetime import datetime

from chalicelib.access import actions as access
from chalicelib.complaints import rules, store
from chalicelib.complaints.actions import common
from chalicelib.complaints.rules import Complaint, Waiting
from chalicelib.kernel.actors import Actor, Role
from chalicelib.kernel.periods import local_day
from chalicelib.kernel.refusals import Unknown
from chalicelib.storage.commit import settles
from chalicelib.storage.secrets import fingerprint
from chalicelib.storage.shelf import Kept


def inbox(
    programme: str, area: str, *, by: Actor, after: str | None, limit: int
) -> tuple[list[tuple[Waiting, bool]], str | None]:
    """Return what waits for the caller's desks in an area, oldest first, and where to go on.

    Beside each: whether the caller owes the answer; an auditor sees all and owes none. Whose
    children they are about is noted as seen. Raises Unknown for an area that is not the caller's.
    """
    access.demand(by, area=area)
    access.looked((), ())
    found: list[tuple[Waiting, bool]] = []
    position: str | None = None
    for kept in store.each_waiting(programme, area, after=after):
        waiting = kept.value
        reaching = access.reaching(by, area=area, direction=waiting.direction)
        mine = Role(waiting.desk) in reaching
        if not mine and Role.AUDITOR not in reaching:
            continue
        if len(found) == limit:
            return found, position
        if waiting.child_id is not None:
            access.looked([waiting.child_id], ("complaint",))
        found.append((waiting, mine))
        position = kept.sk
    return found, None


@settles
def assign(complaint_id: str, *, desk: Role | None, by: Actor, now: datetime) -> Complaint:
    """Take a complaint, or hand it on to another desk of the area; its term runs on.

    Raises Unknown where it does not lie at a desk of the caller.
    """
    kept, role = _at_own_desk(complaint_id, by)
    assigned = rules.decide_assignment(
        kept.value, officer=by.subject, role=role, desk=desk, book=store.book(), now=now
    )
    if assigned is not kept.value:
        common.keep("complaints/assigned", kept, assigned, by=by, now=now)
    return assigned


@settles
def answer(complaint_id: str, text: str, *, by: Actor, now: datetime) -> Complaint:
    """Answer a complaint; the same answer again is the same.

    Raises Unknown where it does not lie at a desk of the caller, OwnAct, Taken, NotOpen.
    """
    kept, role = _at_own_desk(complaint_id, by)
    calendar, _ = common.calendar_and_term(kept.value, now)
    answered = rules.decide_answer(
        kept.value,
        officer=by.subject,
        role=role,
        digest=fingerprint([by.subject, text]),
        term=store.book().term(local_day(now)),
        calendar=calendar,
        now=now,
    )
    if answered is not kept.value:
        said = store.add_fields(complaint_id, {f"answer_{answered.answers}": text})
        common.keep("complaints/answered", kept, answered, said, by=by, now=now)
    return answered


def _at_own_desk(complaint_id: str, by: Actor) -> tuple[Kept[Complaint], Role]:
    kept = store.load_complaint(complaint_id)
    complaint = kept.value
    reaching = access.reaching(by, area=complaint.area, direction=complaint.direction)
    if complaint.answers_now not in reaching:
        raise Unknown()
    return kept, complaint.answers_now
