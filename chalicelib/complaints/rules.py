"""Complaints as values: states, desks and terms, who may answer, and what the public sees.

    received ── assigned ── answered ── closed
        └──────────┴───────────┴─ escalated (the next desk) ── assigned ── answered …

A complaint passes the desks of its topic. A desk that is silent past its term, or whose answer does
not satisfy, loses it to the next. The last level may be an auditor's, who changes nothing here: the
desk below still owes the answer then, and the auditor watches.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal

from chalicelib.kernel.actors import Role
from chalicelib.kernel.periods import DateRange, Month, from_stamp, local_day, stamp
from chalicelib.kernel.refusals import Malformed, NotAllowed, OutOfTurn, TooMuch
from chalicelib.kernel.workdays import Calendar
from chalicelib.policy.rules import NoRuleInForce

State = Literal["received", "assigned", "answered", "escalated", "closed"]
Kind = Literal["system", "site", "application", "queue-place", "voucher", "child-month", "claim"]
OPEN: frozenset[State] = frozenset({"received", "assigned", "escalated"})

# How many complaints one person, one contact, and all visitors of an area may send in a day.
MOST_A_DAY = 10
MOST_A_DAY_OF_A_CONTACT = 3
MOST_A_DAY_OF_VISITORS = 300

FEWEST_SHOWN = 5
SEVERAL = "several"

# Who acts on objects for the authority; nobody answers a complaint about their own act.
STAFF = frozenset({Role.COMMISSION, Role.DEPARTMENT, Role.OPERATOR, Role.FINANCE})


class UnknownTopic(Malformed):
    """There is no such topic; `topics` lists those there are."""

    code = "complaints/unknown-topic"


class WhatAbout(Malformed):
    """What the complaint is about is named badly; `field` is missing or not wanted."""

    code = "complaints/what-about"


class TooMany(TooMuch):
    """So many complaints were sent today already."""

    code = "complaints/too-many"


class OwnAct(NotAllowed):
    """Nobody answers a complaint about their own act, or their own complaint."""

    code = "complaints/own-act"


class Taken(OutOfTurn):
    """A colleague has taken this complaint; take it over first."""

    code = "complaints/taken"


class NotOpen(OutOfTurn):
    """The complaint was answered or closed."""

    code = "complaints/not-open"


class AlreadyClosed(OutOfTurn):
    """The complaint was closed."""

    code = "complaints/closed"


class NotYet(OutOfTurn):
    """The term to answer is still running, until `answer_by`."""

    code = "complaints/not-yet"


class NoHigherDesk(OutOfTurn):
    """The complaint lies at the highest desk already."""

    code = "complaints/no-higher-desk"


class WrongDesk(Malformed):
    """That desk does not answer complaints; `desks` lists those that do."""

    code = "complaints/wrong-desk"


@dataclass(frozen=True, slots=True)
class Text:
    """One text in the three languages."""

    kk: str
    ru: str
    en: str

    def in_(self, language: str) -> str:
        return {"kk": self.kk, "en": self.en}.get(language, self.ru)


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """What a complaint may be about, and the desks it passes."""

    code: str
    levels: tuple[Role, ...]
    during: DateRange
    source: str
    text: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """How many working days a desk has to answer, and the complainant to say what of it."""

    answer_working_days: int
    reply_working_days: int
    during: DateRange
    source: str
    text: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """Topics, terms and the names of desks, as `desks.toml` has them."""

    topics: tuple[Topic, ...]
    terms: tuple[Term, ...]
    desks: Mapping[Role, Text]

    def topics_on(self, on: date) -> tuple[Topic, ...]:
        return tuple(topic for topic in self.topics if on in topic.during)

    def topic(self, code: str, on: date) -> Topic:
        """Return a topic in force on a day. Raises UnknownTopic."""
        for topic in self.topics_on(on):
            if topic.code == code:
                return topic
        raise UnknownTopic(topics=[topic.code for topic in self.topics_on(on)])

    def term(self, on: date) -> Term:
        """Return the term in force on a day. Raises NoRuleInForce."""
        for term in self.terms:
            if on in term.during:
                return term
        raise NoRuleInForce(on=on.isoformat())


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a complaint is about. month, site_id: of a child-month, when and where it was."""

    kind: Kind
    id: str | None = None
    month: str | None = None
    site_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Where the thing complained about belongs.

    acted: the officer of its last act, if known. child_id: whose data it is, if a child's.
    """

    programme: str
    area: str
    direction: str = ""
    child_id: str | None = None
    acted: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that happened. by: role and pseudonymous subject, "" for what happened by itself.

    desk: who has it from now on.
    """

    at: str
    what: State
    by: str = ""
    desk: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """One complaint; what was written in it lies sealed in the vault.

    by: the complainant's pseudonymous subject, "" for a visitor; role: as whom. person_id: the
    registered representative, if it is one. acted: officers who may not answer it. level: which of
    the desks `levels` has it; desk: where an officer handed it on to, "" for that of the level.
    answer_by: until when, None where no term runs. answers: how many were given; the texts lie in
    the vault by number. replied, why: digests of the answer and of why it was taken further, to
    tell repetitions. forgotten_at: when its words were destroyed, their term over. outcome: how
    the first desk kept its term, for the figures.
    """

    complaint_id: str
    ticket: str
    by: str
    role: str
    person_id: str | None
    about: About
    programme: str
    area: str
    direction: str
    child_id: str | None
    topic: str
    levels: tuple[str, ...]
    received_at: str
    answer_by: str | None
    asked: str
    pack: str
    acted: tuple[str, ...] = ()
    state: State = "received"
    level: int = 0
    desk: str = ""
    officer: str | None = None
    answers: int = 0
    answered_at: str | None = None
    reply_by: str | None = None
    replied: str | None = None
    why: str | None = None
    satisfied: bool | None = None
    closed_at: str | None = None
    forgotten_at: str | None = None
    outcome: Literal["in-time", "late", "withdrawn"] | None = None
    escalations: int = 0
    steps: tuple[Step, ...] = ()

    @property
    def month(self) -> Month:
        return Month.containing(from_stamp(self.received_at))

    @property
    def answers_now(self) -> Role:
        """The desk that owes the answer: an auditor's level leaves it with the one below."""
        if self.desk:
            return Role(self.desk)
        owing = [role for role in self.levels[: self.level + 1] if role != Role.AUDITOR]
        return Role(owing[-1])

    @property
    def lies_with(self) -> Role:
        """The desk of the level, an auditor's included."""
        return Role(self.desk) if self.desk else Role(self.levels[self.level])


@dataclass(frozen=True, slots=True)
class Waiting:
    """A complaint that waits for an answer, as the inbox of its area lists it.

    child_id: whose data it is about, for who looks.
    """

    complaint_id: str
    ticket: str
    topic: str
    direction: str
    desk: str
    level: int
    state: State
    received_at: str
    answer_by: str | None
    officer: str | None
    child_id: str | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """How many complaints somebody sent on a day."""

    count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Complaints of one month, area and topic. Each is counted by the first desk's outcome."""

    topic: str
    received: int = 0
    in_time: int = 0
    late: int = 0
    withdrawn: int = 0
    escalated: int = 0

    @property
    def decided(self) -> int:
        return self.in_time + self.late + self.withdrawn


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What is shown of a topic: None where fewer than five stand behind a number or beside it."""

    topic: str
    received: int
    in_time: int | None
    late: int | None
    withdrawn: int | None
    escalated: int | None


# --- receiving


def check_about(about: About) -> None:
    """Raise WhatAbout where something is missing, or named that does not belong."""
    of_child = about.kind == "child-month"
    wanted = {"id": about.kind != "system", "month": of_child, "site_id": of_child}
    for field, needed in wanted.items():
        if (getattr(about, field) is not None) != needed:
            raise WhatAbout(field=field)


def count_one_more(sent: Sent, *, most: int) -> Sent:
    """Return the day's count with one more. Raises TooMany."""
    if sent.count >= most:
        raise TooMany(most=most)
    return Sent(sent.count + 1)


def receive(
    *,
    complaint_id: str,
    ticket: str,
    by: str,
    role: Role,
    person_id: str | None,
    about: About,
    subject: Subject,
    topic: Topic,
    term: Term,
    calendar: Calendar,
    pack: str,
    asked: str,
    now: datetime,
) -> Complaint:
    """Return a new complaint, at the first desk of its topic."""
    answer_by = calendar.deadline(now, working_days=term.answer_working_days)
    first = topic.levels[0]
    return Complaint(
        complaint_id=complaint_id,
        ticket=ticket,
        by=by,
        role=role.value,
        person_id=person_id,
        about=about,
        programme=subject.programme,
        area=subject.area,
        direction=subject.direction,
        child_id=subject.child_id,
        topic=topic.code,
        levels=tuple(level.value for level in topic.levels),
        received_at=stamp(now),
        answer_by=stamp(answer_by),
        asked=asked,
        pack=pack,
        acted=tuple(one for one in (subject.acted,) if one),
        steps=(Step(at=stamp(now), what="received", by=role.value, desk=first.value),),
    )


# --- answering


def check_officer(complaint: Complaint, officer: str) -> None:
    """Raise OwnAct for the complainant, and for whoever acted on the thing or answered before."""
    if officer == complaint.by or officer in complaint.acted:
        raise OwnAct()


def decide_assignment(
    complaint: Complaint, *, officer: str, role: Role, desk: Role | None, book: Book, now: datetime
) -> Complaint:
    """Return the complaint taken by an officer, or handed on to another desk; its term runs on."""
    if complaint.state not in OPEN:
        raise NotOpen()
    if desk is None:
        check_officer(complaint, officer)
        if complaint.officer == officer and complaint.state == "assigned":
            return complaint
        taken = replace(complaint, state="assigned", officer=officer)
    else:
        desks = [one for one in book.desks if one != Role.AUDITOR]
        if desk not in desks:
            raise WrongDesk(desks=[one.value for one in desks])
        if complaint.answers_now == desk:
            return complaint
        taken = replace(complaint, state="received", officer=None, desk=desk.value)
    return _noted(taken, "assigned", by=_who(role, officer), now=now)


def decide_answer(
    complaint: Complaint,
    *,
    officer: str,
    role: Role,
    digest: str,
    term: Term,
    calendar: Calendar,
    now: datetime,
) -> Complaint:
    """Return the complaint answered; the officer who answered does not answer it again higher up.

    The same answer again is the same. Raises NotOpen, OwnAct, Taken.
    """
    if complaint.state == "answered" and complaint.replied == digest:
        return complaint
    if complaint.state not in OPEN:
        raise NotOpen()
    check_officer(complaint, officer)
    if complaint.officer not in (None, officer):
        raise Taken()
    reply_by = calendar.deadline(now, working_days=term.reply_working_days)
    in_time = complaint.answer_by is not None and now < from_stamp(complaint.answer_by)
    answered = replace(
        complaint,
        state="answered",
        officer=officer,
        acted=(*complaint.acted, officer),
        answers=complaint.answers + 1,
        answered_at=stamp(now),
        answer_by=None,
        reply_by=stamp(reply_by),
        replied=digest,
        outcome=complaint.outcome or ("in-time" if in_time else "late"),
    )
    return _noted(answered, "answered", by=_who(role, officer), now=now)


# --- what the complainant does, and what the clock does


def decide_closing(complaint: Complaint, *, satisfied: bool | None, now: datetime) -> Complaint:
    """Return the complaint closed; satisfied None: by itself, nobody said anything in time.

    Raises AlreadyClosed where it was closed otherwise.
    """
    if complaint.state == "closed":
        if complaint.satisfied == satisfied:
            return complaint
        raise AlreadyClosed()
    late = complaint.answer_by is not None and now >= from_stamp(complaint.answer_by)
    closed = replace(
        complaint,
        state="closed",
        satisfied=satisfied,
        closed_at=stamp(now),
        answer_by=None,
        reply_by=None,
        outcome=complaint.outcome or ("late" if late else "withdrawn"),
    )
    return _noted(closed, "closed", by="" if satisfied is None else complaint.role, now=now)


def decide_escalation(
    complaint: Complaint, *, why: str | None, term: Term, calendar: Calendar, now: datetime
) -> Complaint:
    """Return the complaint at the next desk, with a new term; at an auditor's without one.

    why: a digest of the complainant's reason, None where the clock does it. An answer must have
    been given, or the term be over.
    Raises AlreadyClosed, NotYet, NoHigherDesk.
    """
    if complaint.state == "closed":
        raise AlreadyClosed()
    if complaint.level + 1 >= len(complaint.levels):
        raise NoHigherDesk()
    over = complaint.answer_by is not None and now >= from_stamp(complaint.answer_by)
    if complaint.state in OPEN and not over:
        raise NotYet(answer_by=complaint.answer_by)
    level = complaint.level + 1
    watched = complaint.levels[level] == Role.AUDITOR
    higher = replace(
        complaint,
        state="escalated",
        level=level,
        desk="",
        officer=None,
        answer_by=(
            None
            if watched
            else stamp(calendar.deadline(now, working_days=term.answer_working_days))
        ),
        answered_at=None,
        reply_by=None,
        replied=None,
        why=why,
        outcome=complaint.outcome or "late",
        escalations=complaint.escalations + 1,
    )
    return _noted(higher, "escalated", by=complaint.role if why else "", now=now)


def is_overdue(complaint: Complaint, now: datetime) -> bool:
    """Return whether the desk's term is over without an answer."""
    return (
        complaint.state in OPEN
        and complaint.answer_by is not None
        and now >= from_stamp(complaint.answer_by)
    )


def is_silent(complaint: Complaint, now: datetime) -> bool:
    """Return whether the complainant said nothing of an answer within the term."""
    return (
        complaint.state == "answered"
        and complaint.reply_by is not None
        and now >= from_stamp(complaint.reply_by)
    )


def waiting(complaint: Complaint) -> Waiting | None:
    """Return the complaint as an inbox lists it, None when nobody owes an answer."""
    if complaint.state not in OPEN:
        return None
    return Waiting(
        complaint.complaint_id,
        complaint.ticket,
        complaint.topic,
        complaint.direction,
        complaint.answers_now.value,
        complaint.level,
        complaint.state,
        complaint.received_at,
        complaint.answer_by,
        complaint.officer,
        complaint.child_id,
    )


def _noted(complaint: Complaint, what: State, *, by: str, now: datetime) -> Complaint:
    step = Step(at=stamp(now), what=what, by=by, desk=complaint.lies_with.value)
    return replace(complaint, steps=(*complaint.steps, step))


def _who(role: Role, subject: str) -> str:
    return f"{role.value}:{subject}"


# --- what the public sees


def counted(
    counts: Counts, before: Complaint | None, after: Complaint, *, published_on: date, now: datetime
) -> Counts:
    """Return a month's counts with what has just happened to one complaint of it.

    An escalation counts until the day the month is published: a published month never changes.
    """
    if before is None:
        counts = replace(counts, received=counts.received + 1)
    if (before is None or before.outcome is None) and after.outcome is not None:
        match after.outcome:
            case "in-time":
                counts = replace(counts, in_time=counts.in_time + 1)
            case "late":
                counts = replace(counts, late=counts.late + 1)
            case "withdrawn":
                counts = replace(counts, withdrawn=counts.withdrawn + 1)
    first = after.escalations == 1 and (before is None or before.escalations == 0)
    if first and local_day(now) < published_on:
        counts = replace(counts, escalated=counts.escalated + 1)
    return counts


def published_on(month: Month, *, term: Term, calendar: Calendar) -> date:
    """Return the day from which a month is shown: every first term has ended, whatever came in.

    A day later than the last term, so that those who look at deadlines had a day to do it.
    """
    last_end = calendar.add_working_days(month.last, term.answer_working_days)
    return calendar.add_working_days(last_end, 2)


def public(counts: Iterable[Counts]) -> tuple[Figure, ...]:
    """Return what may be shown of a month: nobody can read a group of fewer than five from it.

    Topics with fewer than five complaints stand together, with the next smallest until they are
    five and have more than one reading; else they are not shown. Of a row, the three outcomes are
    shown all or none: they add up to `received`, so that one left out alone would be known.
    """
    rows = sorted((c for c in counts if c.received), key=lambda c: (c.received, c.topic))
    small = [c for c in rows if c.received < FEWEST_SHOWN]
    large = [c for c in rows if c.received >= FEWEST_SHOWN]
    if _is_plain(small):
        while large and (_is_plain(small) or small[-1].received == large[0].received):
            small.append(large.pop(0))
    shown = sorted(large, key=lambda c: c.topic)
    if small and not _is_plain(small):
        shown.append(_together(small))
    return tuple(_figure(c) for c in shown)


def _is_plain(small: Sequence[Counts]) -> bool:
    """Return whether topics shown together say how many one of them has: few, or four in each."""
    whole = sum(one.received for one in small)
    return bool(small) and (whole < FEWEST_SHOWN or whole == (FEWEST_SHOWN - 1) * len(small))


def _together(counts: Sequence[Counts]) -> Counts:
    return Counts(
        topic=SEVERAL,
        received=sum(c.received for c in counts),
        in_time=sum(c.in_time for c in counts),
        late=sum(c.late for c in counts),
        withdrawn=sum(c.withdrawn for c in counts),
        escalated=sum(c.escalated for c in counts),
    )


def _figure(counts: Counts) -> Figure:
    parts = (counts.in_time, counts.late, counts.withdrawn)
    whole = not any(_few(part) for part in parts)
    moved = not (_few(counts.escalated) or _few(counts.received - counts.escalated))
    return Figure(
        topic=counts.topic,
        received=counts.received,
        in_time=counts.in_time if whole else None,
        late=counts.late if whole else None,
        withdrawn=counts.withdrawn if whole else None,
        escalated=counts.escalated if moved else None,
    )


def _few(count: int) -> bool:
    """Nobody is no group; one to four are too few to show."""
    return 0 < count < FEWEST_SHOWN
