"""HTTP of complaints: a ticket for everybody, the desk's inbox, and what the public may know."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from msgspec import Meta, Struct

from chalicelib.complaints import actions, rules
from chalicelib.complaints.rules import About, Complaint
from chalicelib.edge import pages, tables
from chalicelib.edge.routes import Call, File, Routes
from chalicelib.kernel.actors import Role
from chalicelib.kernel.periods import BadMonth, Month, local_day
from chalicelib.kernel.refusals import AnotherContent, Unknown
from chalicelib.kernel.workdays import CalendarMissing
from chalicelib.policy.actions import NoPack
from chalicelib.policy.rules import NoRuleInForce

routes = Routes(__name__, "complaints")

Named = Annotated[str, Meta(min_length=2, max_length=40, pattern=r"^[a-z][a-z0-9-]*$(?!\n)")]
Id = Annotated[
    str, Meta(min_length=8, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{7,63}$(?!\n)")
]
MonthText = Annotated[
    str, Meta(min_length=7, max_length=7, pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$(?!\n)")
]
Words = Annotated[
    str, Meta(min_length=2, max_length=4000, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f<>]+$(?!\n)")
]
Reach = Annotated[
    str,
    Meta(
        min_length=5,
        max_length=120,
        pattern=r"^(\+[0-9]{10,15}|[^@\s<>]{1,64}@[^@\s<>]+[.][^@\s.<>]{2,20})$(?!\n)",
    ),
]
Language = Literal["kk", "ru", "en"]
Desk = Literal["department", "finance", "commission", "operator"]

_RECEIVES = (
    AnotherContent,
    Unknown,
    rules.WhatAbout,
    BadMonth,
    NoPack,
    rules.UnknownTopic,
    NoRuleInForce,
    CalendarMissing,
    rules.TooMany,
)


class AboutAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """What it is about. `id` unless it is the system; of a child-month: the child's, with the month
    and the site."""

    kind: rules.Kind
    id: Id | None = None
    month: MonthText | None = None
    site_id: Id | None = None


class ComplaintAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """A complaint. programme, area: only of one about the system. contact: to be told by; whoever
    registered as a representative is told anyway."""

    about: AboutAsked
    topic: Named
    text: Words
    programme: Named | None = None
    area: Named | None = None
    contact: Reach | None = None
    language: Language = "kk"


class VisitorAboutAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """A listed site by its id, or the system."""

    kind: Literal["system", "site"]
    id: Id | None = None


class VisitorAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """A complaint without a sign-in; the contact is where the answer is announced."""

    about: VisitorAboutAsked
    topic: Named
    text: Words
    contact: Reach
    programme: Named | None = None
    area: Named | None = None
    language: Language = "kk"


class AssignmentAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing: the caller takes it. desk: it is handed on to that desk."""

    desk: Desk | None = None


class AnswerAsked(Struct, frozen=True, forbid_unknown_fields=True):
    text: Words


class ClosingAsked(Struct, frozen=True, forbid_unknown_fields=True):
    satisfied: bool


class EscalationAsked(Struct, frozen=True, forbid_unknown_fields=True):
    why: Words


class OwnPage(Struct, frozen=True, forbid_unknown_fields=True):
    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    cursor: str | None = None


class InboxPage(Struct, frozen=True, forbid_unknown_fields=True):
    programme: Named
    area: Named
    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    cursor: str | None = None


class FiguresAsked(Struct, frozen=True, forbid_unknown_fields=True):
    programme: Named
    area: Named
    month: MonthText
    format: Literal["json", "csv"] = "json"


class AboutSeen(Struct, frozen=True):
    kind: str
    id: str | None
    month: str | None
    site_id: str | None


class StepSeen(Struct, frozen=True):
    """What happened, and which desk had it from then on."""

    at: str
    what: str
    desk: str


class AnswerSeen(Struct, frozen=True):
    number: int
    text: str


class Standing(Struct, frozen=True):
    """How a complaint stands. answer_by: until when the desk is to answer; reply_by: until when the
    complainant may close it or take it further, after which it closes."""

    ticket: str
    topic: str
    state: rules.State
    desk: str
    received_at: str
    answer_by: str | None
    answered_at: str | None
    reply_by: str | None
    closed_at: str | None


class ComplaintSeen(Struct, frozen=True):
    """A complaint whole. child_id: whose thing it is about, if a child's. contact: not shown to
    auditors. reasons: why it was taken further."""

    complaint_id: str
    child_id: str | None
    about: AboutSeen
    programme: str
    area: str
    standing: Standing
    satisfied: bool | None
    said: str
    contact: str | None
    answers: list[AnswerSeen]
    reasons: list[str]
    steps: list[StepSeen]


class OwnSeen(Struct, frozen=True):
    complaint_id: str
    about: AboutSeen
    standing: Standing


class OwnList(Struct, frozen=True):
    """A page of one's complaints, newest first; no cursor means the last."""

    complaints: list[OwnSeen]
    cursor: str | None


class WaitingSeen(Struct, frozen=True):
    """A complaint in the inbox. yours: a desk of the caller owes the answer."""

    complaint_id: str
    ticket: str
    topic: str
    direction: str
    state: str
    desk: str
    level: int
    received_at: str
    answer_by: str | None
    taken: bool
    yours: bool


class Inbox(Struct, frozen=True):
    """A page of what waits, oldest first; no cursor means the last."""

    complaints: list[WaitingSeen]
    cursor: str | None


class TopicSeen(Struct, frozen=True):
    """A topic in the caller's language, and the desks it passes."""

    code: str
    name: str
    desks: list[str]


class TopicsSeen(Struct, frozen=True):
    """What one may complain about. answer_working_days: what each desk has to answer in."""

    topics: list[TopicSeen]
    answer_working_days: int
    reply_working_days: int
    source: str


class FigureSeen(Struct, frozen=True):
    """A topic's complaints; "several" are small topics together. Null: fewer than five."""

    topic: str
    received: int
    answered_in_time: int | None
    late: int | None
    withdrawn: int | None
    escalated: int | None


class FiguresSeen(Struct, frozen=True):
    """A month, from the day on which all its first terms are over; it never changes after that."""

    programme: str
    area: str
    month: str
    shown_from: date
    topics: list[FigureSeen]


# --- complaining


@routes.put(
    "/{complaint_id}",
    action="complaints/complain",
    asks=ComplaintAsked,
    answers=ComplaintSeen,
    refuses=_RECEIVES,
)
def complain(call: Call[ComplaintAsked], complaint_id: str) -> ComplaintSeen:
    """Complain about something of one's own, a site or the system; answered within a term."""
    asked = call.asked
    said = actions.Asked(
        about=About(
            kind=asked.about.kind,
            id=asked.about.id,
            month=asked.about.month,
            site_id=asked.about.site_id,
        ),
        topic=asked.topic,
        text=asked.text,
        programme=asked.programme,
        area=asked.area,
        contact=asked.contact,
        language=asked.language,
    )
    complaint = actions.complain(complaint_id, said, by=call.actor, now=call.now)
    return _seen(actions.of(complaint), contact=True)


@routes.put(
    "/visitors/{complaint_id}",
    action="complaints/complain-unsigned",
    asks=VisitorAsked,
    answers=ComplaintSeen,
    refuses=_RECEIVES,
)
def complain_unsigned(call: Call[VisitorAsked], complaint_id: str) -> ComplaintSeen:
    """Complain without a sign-in; sending the same again shows how it stands, answers included."""
    asked = call.asked
    said = actions.Asked(
        about=About(kind=asked.about.kind, id=asked.about.id),
        topic=asked.topic,
        text=asked.text,
        programme=asked.programme,
        area=asked.area,
        contact=asked.contact,
        language=asked.language,
    )
    complaint = actions.complain_unsigned(complaint_id, said, by=call.actor, now=call.now)
    return _seen(actions.of(complaint), contact=True)


@routes.put(
    "/{complaint_id}/closing",
    action="complaints/close",
    asks=ClosingAsked,
    answers=ComplaintSeen,
    refuses=(Unknown, rules.AlreadyClosed, CalendarMissing, NoRuleInForce),
)
def put_closing(call: Call[ClosingAsked], complaint_id: str) -> ComplaintSeen:
    """Close one's own complaint, satisfied or not."""
    satisfied = call.asked.satisfied
    complaint = actions.close(complaint_id, satisfied=satisfied, by=call.actor, now=call.now)
    return _seen(actions.of(complaint), contact=True)


@routes.put(
    "/{complaint_id}/escalation",
    action="complaints/escalate",
    asks=EscalationAsked,
    answers=ComplaintSeen,
    refuses=(
        Unknown,
        rules.AlreadyClosed,
        rules.NoHigherDesk,
        rules.NotYet,
        CalendarMissing,
        NoRuleInForce,
    ),
)
def put_escalation(call: Call[EscalationAsked], complaint_id: str) -> ComplaintSeen:
    """Take one's own complaint to the next desk: dissatisfied, or after its term."""
    complaint = actions.escalate(complaint_id, call.asked.why, by=call.actor, now=call.now)
    return _seen(actions.of(complaint), contact=True)


# --- the desk


@routes.get(
    "/inbox",
    action="complaints/inbox",
    query=InboxPage,
    answers=Inbox,
    refuses=(Unknown, pages.BadCursor),
)
def get_inbox(call: Call[None]) -> Inbox:
    """List what waits for the caller's desks in an area; an auditor sees all that waits."""
    asked: InboxPage = call.query
    whose = f"complaints#{asked.programme}#{asked.area}#{call.actor.subject}"
    after = pages.position(asked.cursor, of=whose) if asked.cursor else None
    found, more = actions.inbox(
        asked.programme, asked.area, by=call.actor, after=after, limit=asked.limit
    )
    return Inbox(
        [
            WaitingSeen(
                one.complaint_id,
                one.ticket,
                one.topic,
                one.direction,
                one.state,
                one.desk,
                one.level,
                one.received_at,
                one.answer_by,
                one.officer is not None,
                yours,
            )
            for one, yours in found
        ],
        pages.cursor(more, of=whose) if more else None,
    )


@routes.put(
    "/{complaint_id}/assignment",
    action="complaints/assign",
    asks=AssignmentAsked,
    answers=ComplaintSeen,
    refuses=(Unknown, rules.NotOpen, rules.OwnAct, rules.WrongDesk, CalendarMissing, NoRuleInForce),
)
def put_assignment(call: Call[AssignmentAsked], complaint_id: str) -> ComplaintSeen:
    """Take a complaint of one's desk, or hand it on to another desk; its term runs on."""
    desk = Role(call.asked.desk) if call.asked.desk else None
    complaint = actions.assign(complaint_id, desk=desk, by=call.actor, now=call.now)
    return _seen(actions.of(complaint), contact=True)


@routes.put(
    "/{complaint_id}/answer",
    action="complaints/answer",
    asks=AnswerAsked,
    answers=ComplaintSeen,
    refuses=(Unknown, rules.NotOpen, rules.OwnAct, rules.Taken, CalendarMissing, NoRuleInForce),
)
def put_answer(call: Call[AnswerAsked], complaint_id: str) -> ComplaintSeen:
    """Answer a complaint of one's desk; never about one's own act, never twice as it goes up."""
    complaint = actions.answer(complaint_id, call.asked.text, by=call.actor, now=call.now)
    return _seen(actions.of(complaint), contact=True)


# --- what is shown


@routes.get(
    "",
    action="complaints/list",
    query=OwnPage,
    answers=OwnList,
    refuses=(pages.BadCursor,),
)
def list_own(call: Call[None]) -> OwnList:
    """List one's own complaints, newest first."""
    whose = f"complaints-of#{call.actor.subject}"
    before = pages.position(call.query.cursor, of=whose) if call.query.cursor else None
    found, more = actions.own_page(by=call.actor, before=before, limit=call.query.limit)
    return OwnList(
        [OwnSeen(one.complaint_id, _about(one), _standing(one)) for one in found],
        pages.cursor(more, of=whose) if more else None,
    )


@routes.get("/topics", action="complaints/topics", answers=TopicsSeen, refuses=(NoRuleInForce,))
def get_topics(call: Call[None]) -> TopicsSeen:
    """Say what one may complain about, who answers, and how soon."""
    topics, term = actions.topics(local_day(call.now))
    return TopicsSeen(
        [
            TopicSeen(
                topic.code, topic.text.in_(call.language), [level.value for level in topic.levels]
            )
            for topic in topics
        ],
        term.answer_working_days,
        term.reply_working_days,
        term.source,
    )


@routes.get(
    "/figures",
    action="complaints/figures",
    query=FiguresAsked,
    answers=FiguresSeen,
    refuses=(NoPack, CalendarMissing, NoRuleInForce, BadMonth),
)
def get_figures(call: Call[None]) -> FiguresSeen | File:
    """Count a month's complaints by topic: received, answered in time, late, taken further."""
    asked: FiguresAsked = call.query
    month = Month.parse(asked.month)
    shown_from, found = actions.figures(asked.programme, asked.area, month, now=call.now)
    if asked.format == "csv":
        headings = ["topic", "received", "answered_in_time", "late", "withdrawn", "escalated"]
        content = tables.csv_file(
            headings,
            [[f.topic, f.received, f.in_time, f.late, f.withdrawn, f.escalated] for f in found],
        )
        name = f"complaints-{asked.programme}-{asked.area}-{asked.month}.csv"
        return File(content, tables.CSV_MEDIA_TYPE, name)
    return FiguresSeen(
        asked.programme,
        asked.area,
        str(month),
        shown_from,
        [
            FigureSeen(f.topic, f.received, f.in_time, f.late, f.withdrawn, f.escalated)
            for f in found
        ],
    )


@routes.get(
    "/tickets/{ticket}", action="complaints/see-ticket", answers=Standing, refuses=(Unknown,)
)
def get_ticket(call: Call[None], ticket: str) -> Standing:
    """Say how the complaint of a ticket stands; never what it says or about what."""
    return _standing(actions.of_ticket(ticket))


@routes.get("/{complaint_id}", action="complaints/see", answers=ComplaintSeen, refuses=(Unknown,))
def get_complaint(call: Call[None], complaint_id: str) -> ComplaintSeen:
    """Show a complaint to who sent it, to its desks, and to auditors."""
    seen = actions.see(complaint_id, by=call.actor)
    own = seen.complaint.by == call.actor.subject
    return _seen(seen, contact=own or not call.actor.has(Role.AUDITOR))


def _seen(seen: actions.Seen, *, contact: bool) -> ComplaintSeen:
    complaint, fields = seen.complaint, seen.fields
    return ComplaintSeen(
        complaint_id=complaint.complaint_id,
        child_id=complaint.child_id,
        about=_about(complaint),
        programme=complaint.programme,
        area=complaint.area,
        standing=_standing(complaint),
        satisfied=complaint.satisfied,
        said=fields.get("text", ""),
        contact=(fields.get("contact") or None) if contact else None,
        answers=[
            AnswerSeen(number, fields[f"answer_{number}"])
            for number in range(1, complaint.answers + 1)
            if f"answer_{number}" in fields
        ],
        reasons=[
            fields[f"why_{number}"]
            for number in range(1, complaint.escalations + 1)
            if f"why_{number}" in fields
        ],
        steps=[StepSeen(step.at, step.what, step.desk) for step in complaint.steps],
    )


def _about(complaint: Complaint) -> AboutSeen:
    about = complaint.about
    return AboutSeen(about.kind, about.id, about.month, about.site_id)


def _standing(complaint: Complaint) -> Standing:
    return Standing(
        complaint.ticket,
        complaint.topic,
        complaint.state,
        complaint.lies_with.value,
        complaint.received_at,
        complaint.answer_by,
        complaint.answered_at,
        complaint.reply_by,
        complaint.closed_at,
    )
