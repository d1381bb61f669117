"""What is shown of complaints: all to the complainant and the desk, numbers to everybody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from chalicelib.access import actions as access
from chalicelib.complaints import rules, store
from chalicelib.complaints.rules import Complaint, Figure, Topic
from chalicelib.kernel.actors import Actor, Role
from chalicelib.kernel.periods import Month, local_day
from chalicelib.kernel.refusals import Unknown
from chalicelib.policy.actions import load_pack


@dataclass(frozen=True, slots=True)
class Seen:
    """A complaint with what was written in it; the contact is for the desk's eyes and one's own.

    fields: text, contact, answer_1 …, why_1 …; empty after an erasure.
    """

    complaint: Complaint
    fields: dict[str, str]


def see(complaint_id: str, *, by: Actor) -> Seen:
    """Return a complaint to the complainant, to its desks, to auditors. Raises Unknown."""
    complaint = store.load_complaint(complaint_id).value
    own = complaint.by == by.subject
    reaching = access.reaching(by, own=own, area=complaint.area, direction=complaint.direction)
    desks = {Role(level) for level in complaint.levels} | {complaint.answers_now, Role.AUDITOR}
    if not own and not reaching & desks:
        raise Unknown()
    if not reaching:
        raise Unknown()
    return Seen(complaint, store.open_fields(complaint_id))


def of(complaint: Complaint) -> Seen:
    """Return a complaint somebody has just acted on, with its texts."""
    return Seen(complaint, store.open_fields(complaint.complaint_id))


def own_page(*, by: Actor, before: str | None, limit: int) -> tuple[list[Complaint], str | None]:
    """Return the caller's complaints, newest first, and the position to go on from."""
    found = store.each_own(by.subject, before=before, limit=limit + 1)
    complaints = store.find_complaints([complaint_id for _, complaint_id in found[:limit]])
    more = found[limit - 1][0] if len(found) > limit else None
    return [complaints[one] for _, one in found[:limit] if one in complaints], more


def of_ticket(ticket: str) -> Complaint:
    """Return the complaint a ticket stands for; to show how it stands. Raises Unknown."""
    complaint_id = store.find_ticket(ticket)
    if complaint_id is None:
        raise Unknown()
    return store.load_complaint(complaint_id).value


def texts_about(child_id: str) -> list[Seen]:
    """Return all complaints about a child's things with their texts: for the child's own copy."""
    ids = list(store.each_about(child_id))
    found = store.find_complaints(ids)
    return [Seen(found[one], store.open_fields(one)) for one in ids if one in found]


def topics(on: date) -> tuple[tuple[Topic, ...], rules.Term]:
    """Return what one may complain about, and the term in force."""
    book = store.book()
    return book.topics_on(on), book.term(on)


def figures(
    programme: str, area: str, month: Month, *, now: datetime
) -> tuple[date, tuple[Figure, ...]]:
    """Return from which day a month is shown, and what may be shown of it; nothing before.

    A month is shown once all its first terms are over, and does not change after: two days'
    figures of one month never differ by one complaint. Raises NoPack.
    """
    pack = load_pack(programme, area)
    shown_from = rules.published_on(
        month, term=store.book().term(month.last), calendar=pack.calendar
    )
    if local_day(now) < shown_from:
        return shown_from, ()
    counts = store.list_counts(programme, area, month)
    if any(one.decided != one.received for one in counts):
        return shown_from, ()  # a deadline was not looked at yet; half a month is not shown
    return shown_from, rules.public(counts)
