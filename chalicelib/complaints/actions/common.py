"""What every change of a complaint writes: its row, the inbox, the counts, deadlines, notices."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from chalicelib.complaints import rules, store
from chalicelib.complaints.rules import Complaint
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor, Role
from chalicelib.kernel.periods import from_stamp, local_day, shown_last_day
from chalicelib.policy.actions import load_pack
from chalicelib.storage import agenda, outbox
from chalicelib.storage.commit import Write
from chalicelib.storage.shelf import Kept

ANSWER_DUE = "complaints/answer"
REPLY_DUE = "complaints/reply"


def keep(
    event: str, kept: Kept[Complaint], after: Complaint, *others: Write, by: Actor, now: datetime
) -> None:
    """Commit a complaint's next state with all that follows from it."""
    journal.commit(
        entry(event, after, by=by, now=now),
        store.keep_complaint(kept, after),
        *store.in_inbox(after, version=kept.version + 1),
        *counts(kept.value, after, now=now),
        *reminders(after),
        *notices(after, now=now),
        *others,
    )


def entry(event: str, complaint: Complaint, *, by: Actor, now: datetime) -> Any:
    """Return the journal's entry: which complaint, where it lies; never what it says."""
    return journal.entry(
        event,
        f"complaint/{complaint.complaint_id}",
        by=by,
        now=now,
        pack=complaint.pack,
        area=complaint.area,
        topic=complaint.topic,
        state=complaint.state,
        level=complaint.level,
        desk=complaint.lies_with.value,
    )


def counts(before: Complaint | None, after: Complaint, *, now: datetime) -> list[Write]:
    """Describe the month's counts after a change; none where nothing counts differently."""
    kept = store.find_counts(after.programme, after.area, after.month, after.topic)
    shown_from = rules.published_on(
        after.month,
        term=store.book().term(after.month.last),
        calendar=load_pack(after.programme, after.area).calendar,
    )
    counted = rules.counted(kept.value, before, after, published_on=shown_from, now=now)
    return [store.keep_counts(kept, counted)] if counted != kept.value else []


def reminders(complaint: Complaint) -> list[Write]:
    """Describe what falls due: an answer, or what the complainant says of it."""
    if complaint.state in rules.OPEN and complaint.answer_by is not None:
        at, topic = complaint.answer_by, ANSWER_DUE
    elif complaint.state == "answered" and complaint.reply_by is not None:
        at, topic = complaint.reply_by, REPLY_DUE
    else:
        return []
    return [agenda.due(from_stamp(at), topic, complaint.complaint_id)]


def notices(complaint: Complaint, *, now: datetime) -> list[Write]:
    """Describe what the complainant is told: the ticket and what comes next, never the text."""
    name = {"assigned": None, "received": "received"}.get(complaint.state, complaint.state)
    if name is None or (complaint.state == "received" and len(complaint.steps) > 1):
        return []
    facts: dict[str, Any] = {"ticket": complaint.ticket}
    if complaint.answer_by is not None:
        facts["until"] = shown_last_day(complaint.answer_by)
    if complaint.state == "answered" and complaint.reply_by is not None:
        facts["until"] = shown_last_day(complaint.reply_by)
    if complaint.state in ("received", "escalated"):
        facts["desk"] = desk_text(complaint.lies_with)
        if complaint.lies_with == Role.AUDITOR:
            name = "escalated-to-auditor"
            facts["owing"] = desk_text(complaint.answers_now)
    to = (
        f"person:{complaint.person_id}"
        if complaint.person_id
        else f"complaint:{complaint.complaint_id}"
    )
    key = f"complaint-{name}#{complaint.complaint_id}#{len(complaint.steps)}"
    return [outbox.notice(key, to=to, template=f"notice:complaints/{name}", now=now, **facts)]


def desk_text(desk: Role) -> dict[str, str]:
    """Return a desk's name in each language."""
    text = store.book().desks[desk]
    return {"kk": text.kk, "ru": text.ru, "en": text.en}


def calendar_and_term(complaint: Complaint, now: datetime) -> tuple[Any, rules.Term]:
    """Return the working days of the complaint's area, and the term in force today."""
    pack = load_pack(complaint.programme, complaint.area)
    return pack.calendar, store.book().term(local_day(now))
