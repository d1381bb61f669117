"""Complain: with a sign-in about what one may see, without one about what everybody sees."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chalicelib.access import actions as access
from chalicelib.applications import store as applications
from chalicelib.children import actions as children
from chalicelib.children.rules import RegisterFirst
from chalicelib.complaints import rules, store
from chalicelib.complaints.actions import common
from chalicelib.complaints.rules import About, Complaint, Subject
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor, Role
from chalicelib.kernel.ids import new_ticket
from chalicelib.kernel.periods import Month, local_day
from chalicelib.kernel.refusals import AnotherContent, Unknown
from chalicelib.payouts import store as payouts
from chalicelib.policy.actions import load_pack
from chalicelib.providers import store as providers
from chalicelib.providers.rules import Site
from chalicelib.storage.commit import Write, settles
from chalicelib.storage.secrets import alias_digest, fingerprint
from chalicelib.vouchers import store as vouchers

_ACTS_READ = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A complaint as it was sent. programme, area: of one about the system itself.

    contact: a phone number or an address to be told by; language: to be told in.
    """

    about: About
    topic: str
    text: str
    programme: str | None = None
    area: str | None = None
    contact: str | None = None
    language: str = "kk"


@settles
def complain(complaint_id: str, asked: Asked, *, by: Actor, now: datetime) -> Complaint:
    """Receive a complaint; the same again is the same complaint as it stands now.

    Checks in order: whose id it is, what it is about and whether the caller may see that, the
    topic, the day's number.
    """
    whole = fingerprint(asked)
    kept = store.find_complaint(complaint_id)
    if kept is not None:
        own = kept.value.by == by.subject
        access.demand(by, own=own)
        if not own:  # an auditor reaches all; what others wrote is read elsewhere
            raise Unknown()
        return _same(kept.value, whole)
    rules.check_about(asked.about)
    subject = _subject(asked, by, now)
    role = min(by.roles)
    return _receive(complaint_id, asked, subject, by=by, role=role, whole=whole, now=now)


@settles
def complain_unsigned(complaint_id: str, asked: Asked, *, by: Actor, now: datetime) -> Complaint:
    """Receive a visitor's complaint about a listed site or the system; a contact is needed.

    The same again, contact and all, is how a visitor reads what became of it: only they know it.
    """
    whole = fingerprint(asked)
    kept = store.find_complaint(complaint_id)
    if kept is not None:
        if kept.value.by:
            raise Unknown()
        return _same(kept.value, whole)
    rules.check_about(asked.about)
    if asked.about.kind not in ("system", "site"):
        raise rules.WhatAbout(field="kind")
    subject = _subject(asked, by, now)
    return _receive(complaint_id, asked, subject, by=by, role=Role.PUBLIC, whole=whole, now=now)


def _same(complaint: Complaint, whole: str) -> Complaint:
    if complaint.asked != whole:
        raise AnotherContent()
    return complaint


def _receive(
    complaint_id: str,
    asked: Asked,
    subject: Subject,
    *,
    by: Actor,
    role: Role,
    whole: str,
    now: datetime,
) -> Complaint:
    today = local_day(now)
    book = store.book()
    topic = book.topic(asked.topic, today)
    pack = load_pack(subject.programme, subject.area)
    visitor = role == Role.PUBLIC
    complaint = rules.receive(
        complaint_id=complaint_id,
        ticket=new_ticket(),
        by="" if visitor else by.subject,
        role=role,
        person_id=_person(by) if role == Role.REPRESENTATIVE else None,
        about=asked.about,
        subject=subject,
        topic=topic,
        term=book.term(today),
        calendar=pack.calendar,
        pack=pack.version,
        asked=whole,
        now=now,
    )
    fields = {"text": asked.text, "contact": asked.contact or "", "language": asked.language}
    journal.commit(
        common.entry("complaints/received", complaint, by=by, now=now),
        store.create_complaint(complaint),
        *store.shown_in(complaint),
        *store.seal(complaint_id, fields),
        *_one_more(complaint, asked.contact if visitor else None, now),
        *common.counts(None, complaint, now=now),
        *common.reminders(complaint),
        *common.notices(complaint, now=now),
    )
    return complaint


def _one_more(complaint: Complaint, contact: str | None, now: datetime) -> list[Write]:
    """Describe the day's counts that bound how much one person, or all visitors, may send."""
    bounds = [(complaint.by, rules.MOST_A_DAY)]
    if contact is not None:
        bounds = [
            (alias_digest("contact", contact.strip().lower())[:32], rules.MOST_A_DAY_OF_A_CONTACT),
            (f"visitors#{complaint.programme}#{complaint.area}", rules.MOST_A_DAY_OF_VISITORS),
        ]
    writes: list[Write] = []
    for who, most in bounds:
        kept = store.find_sent(who, local_day(now))
        writes.append(store.keep_sent(kept, rules.count_one_more(kept.value, most=most)))
    return writes


def _person(by: Actor) -> str | None:
    """Return the caller's registration; somebody who cannot register may complain of just that."""
    try:
        return children.person_of(by).person_id
    except RegisterFirst:
        return None


# --- what it is about


def _subject(asked: Asked, by: Actor, now: datetime) -> Subject:
    """Return where the thing belongs; Unknown unless the caller may see it."""
    about = asked.about
    named = asked.programme is not None, asked.area is not None
    if about.kind == "system":
        access.may(by)  # nobody's object: the question is what was asked
        if not all(named):
            raise rules.WhatAbout(field="programme" if asked.programme is None else "area")
        pack = load_pack(asked.programme or "", asked.area or "")
        return Subject(programme=pack.programme, area=pack.area)
    if any(named):
        raise rules.WhatAbout(field="programme" if named[0] else "area")
    found_id = about.id or ""
    match about.kind:
        case "site":
            return _site(found_id, by)
        case "application" | "queue-place":
            application = applications.load_application(found_id).value
            return _childs(
                application.child_id,
                Subject(
                    programme=application.programme,
                    area=application.area,
                    child_id=application.child_id,
                    acted=_last_officer(f"application/{found_id}"),
                ),
                by,
                now,
            )
        case "voucher":
            voucher = vouchers.load_voucher(found_id).value
            return _childs(
                voucher.child_id,
                Subject(
                    programme=voucher.programme,
                    area=voucher.area,
                    direction=voucher.direction,
                    child_id=voucher.child_id,
                    acted=_last_officer(f"voucher/{found_id}"),
                ),
                by,
                now,
                organisation=voucher.organisation_id,
            )
        case "child-month":
            return _child_month(about, by, now)
        case _:
            claim = payouts.load_claim(found_id).value
            access.demand(
                by, organisation=claim.organisation_id, area=claim.area, direction=claim.direction
            )
            return Subject(
                programme=claim.programme,
                area=claim.area,
                direction=claim.direction,
                acted=_last_officer(f"claim/{found_id}"),
            )


def _site(site_id: str, by: Actor) -> Subject:
    site = providers.load_site(site_id).value
    known = not by.has(Role.PUBLIC) and access.may(
        by, organisation=site.organisation_id, area=site.area, direction=site.direction
    )
    if site.listed_from is None and not known:
        raise Unknown()
    return _of_site(site, _last_officer(f"site/{site_id}"))


def _of_site(site: Site, acted: str | None, *, child_id: str | None = None) -> Subject:
    return Subject(
        programme=site.programme,
        area=site.area,
        direction=site.direction,
        child_id=child_id,
        acted=acted,
    )


def _child_month(about: About, by: Actor, now: datetime) -> Subject:
    child_id, month = about.id or "", Month.parse(about.month or "")
    site = providers.load_site(about.site_id or "").value
    stays = vouchers.find_stays(child_id, site.programme).value.stays
    if all(stay.site_id != site.site_id for stay in stays):
        raise Unknown()
    acted = _last_officer(f"sheet/{site.site_id}/{month}/{child_id}")
    return _childs(
        child_id,
        _of_site(site, acted, child_id=child_id),
        by,
        now,
        organisation=site.organisation_id,
    )


def _childs(
    child_id: str, subject: Subject, by: Actor, now: datetime, *, organisation: str | None = None
) -> Subject:
    """Return the subject to those who reach it: the child's representatives, its provider, staff.

    Raises Unknown for all others.
    """
    acting = by.has(Role.REPRESENTATIVE) and child_id in _children(by, now)
    access.demand(
        by,
        child=acting,
        organisation=organisation,
        area=subject.area,
        direction=subject.direction,
    )
    return subject


def _children(by: Actor, now: datetime) -> tuple[str, ...]:
    person_id = _person(by)
    return children.children_of(person_id, local_day(now)) if person_id else ()


def _last_officer(stream: str) -> str | None:
    """Return the officer of the last act on a thing, None where none is known."""
    for entry in journal.newest(stream, limit=_ACTS_READ):
        role, _, subject = entry.by.partition(":")
        if role in {one.value for one in rules.STAFF}:
            return subject
    return None
