"""A clerk of a service centre acts for a representative, with recorded consent, for minutes.

    by code    the representative says the one-time code that their own contact received
    by paper   they sign one; a second clerk of the same area has seen it too

While the consent is in force the clerk sends the representative's requests with the header
`Kezek-Consent`: everything is done in the representative's name and says "via" whom. What is for
the representative alone (lessons, timesheets, ratings, their notices) is not in the table's
[consent]. One client at a time; the giver sees every consent and ends it.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any, Literal

from chalicelib.access.actions import watching
from chalicelib.access.actions.counting import counting
from chalicelib.access.actions.doing import demand
from chalicelib.access.actions.table import table
from chalicelib.access.rules import consenting as rules
from chalicelib.access.rules.consenting import (
    BadConsentCode,
    Consent,
    ConsentBasis,
    ConsentEnd,
    ConsentEnded,
    ConsentPower,
    NotRegistered,
    NotUnderConsent,
    OneClient,
    OtherBasis,
    TooManyConsents,
    WhoseConsent,
)
from chalicelib.access.store import consenting as store
from chalicelib.access.store import persons
from chalicelib.access.store.persons import Registered
from chalicelib.journal import store as journal
from chalicelib.journal.rules import Entry
from chalicelib.kernel import onetime
from chalicelib.kernel.actors import Actor, Role
from chalicelib.kernel.iin import checked_iin
from chalicelib.kernel.periods import local, local_day, stamp
from chalicelib.kernel.refusals import AnotherContent, Unknown
from chalicelib.storage import outbox
from chalicelib.storage.commit import Write, settles
from chalicelib.storage.secrets import fingerprint, purpose_key
from chalicelib.storage.shelf import Kept

# A representative is asked so often in a day, whoever asks: their telephone is not to be flooded.
ASKED_A_DAY = 10
CODE_NOTICE = "notice:access/consent-code"
OPENED_NOTICE = "notice:access/consent-opened"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentSeen:
    """A consent as its clerk and its giver see it; nothing in it says who the giver is."""

    consent_id: str
    basis: ConsentBasis
    powers: tuple[ConsentPower, ...]
    state: Literal["asked", "open", "ended"]
    area: str
    asked_at: str
    opened_at: str | None
    until: str | None
    ended_at: str | None
    ended_by: ConsentEnd | None
    registered: bool


@settles
def ask_consent(
    consent_id: str,
    *,
    iin: str | None,
    ticket: str | None,
    basis: ConsentBasis,
    powers: Sequence[ConsentPower],
    minutes: int,
    by: Actor,
    now: datetime,
) -> ConsentSeen:
    """Ask a representative for their consent: a code goes to their contact, or a paper is signed.

    Somebody who is not registered can give it on paper only, and is registered under it. The same
    again sends no second code. Raises PaperNeeded, BadIin, WhoseConsent, AnotherContent,
    NotRegistered, TooManyConsents.
    """
    asked = fingerprint([iin, ticket, basis, sorted(powers), minutes])
    kept = store.find_consent(consent_id)
    if kept is not None:
        demand(by, own=kept.value.clerk == by.subject)
        if kept.value.asked != asked:
            raise AnotherContent(consent_id=consent_id)
        return _seen(kept.value, now)
    demand(by, own=True)
    rules.check_basis(basis, powers)
    giver = _giver(iin, ticket)
    if giver is None and (iin is None or "register" not in powers):
        raise NotRegistered()
    subject = giver.subject if giver else persons.sign_in_for(iin or "", clerk=by.subject)
    _check_not_flooded(subject, now)
    areas = sorted(by.areas)
    consent = Consent(
        consent_id=consent_id,
        clerk=by.subject,
        subject=subject,
        person_id=giver.person_id if giver else None,
        basis=basis,
        powers=tuple(sorted(powers)),
        minutes=min(minutes, rules.CONSENT_MINUTES_MAX),
        area=areas[0] if areas else "-",
        asked=asked,
        asked_at=stamp(now),
        code_until=stamp(now + timedelta(minutes=rules.CODE_MINUTES if basis == "code" else 60)),
    )
    told: list[Write] = []
    if basis == "code" and giver is not None:
        code = onetime.code_of(_digest("consent-made", consent_id, consent.subject), length=8)
        consent = rules.with_code(consent, _digest("consent-code", consent_id, code).hex())
        told = [_notice(consent, CODE_NOTICE, now=now, code=onetime.in_groups(code))]
    first, *others = store.create_consent(consent)
    journal.commit(
        _entry("consent-asked", consent, by=by, now=now, powers=list(consent.powers)),
        first,
        *others,
        *told,
    )
    return _seen(consent, now)


def open_by_code(consent_id: str, code: str, *, by: Actor, now: datetime) -> ConsentSeen:
    """Open a consent with the code its giver was sent; the same again while it is in force: as is.

    Each wrong one is counted, the fifth ends the consent. Raises Unknown, OtherBasis,
    BadConsentCode, ConsentEnded, OneClient.
    """
    opened = _try_code(consent_id, code, by=by, now=now)
    if isinstance(opened, int):
        raise BadConsentCode(left=opened)
    return opened


@settles
def open_on_paper(
    consent_id: str, *, number: str, signed_on: date, by: Actor, now: datetime
) -> ConsentSeen:
    """Open a consent on a signed paper that two clerks of the area have seen.

    The same again while it is in force: as it is. Raises Unknown, OtherBasis, PaperTooOld,
    AnotherContent, ConsentEnded, OneClient.
    """
    kept = _load(consent_id)
    consent = kept.value
    demand(by, area=consent.area, own=consent.clerk == by.subject)
    if consent.basis != "paper":
        raise OtherBasis(basis=consent.basis)
    rules.check_paper(signed_on, today=local_day(now))
    if consent.in_force(now):
        if (consent.paper, consent.paper_on) != (number, signed_on):
            raise AnotherContent(consent_id=consent_id)
        return _seen(consent, now)
    opened = rules.open_consent(consent, now=now, paper=number, paper_on=signed_on)
    _open(kept, opened, by=by, now=now)
    return _seen(opened, now)


@settles
def end_consent(consent_id: str, *, by: Actor, now: datetime) -> ConsentSeen:
    """End a consent, by the clerk or by who gave it; one that ended stays as it is."""
    kept = _load(consent_id)
    consent = kept.value
    clerk = consent.clerk == by.subject
    demand(by, own=clerk or same_giver(consent, by))
    ended = rules.end_consent(consent, "clerk" if clerk else "representative", now=now)
    if ended != consent:
        journal.commit(
            _entry("consent-ended", ended, by=by, now=now), store.keep_consent(kept, ended)
        )
    return _seen(ended, now)


def see_consent(consent_id: str, *, by: Actor, now: datetime) -> ConsentSeen:
    """Return a consent to its clerk or its giver."""
    consent = _load(consent_id).value
    demand(by, own=consent.clerk == by.subject or same_giver(consent, by))
    return _seen(consent, now)


def consents(
    *, by: Actor, now: datetime, before: str | None, limit: int
) -> tuple[list[ConsentSeen], str | None]:
    """Return the consents a representative gave, or a clerk asked for, newest first."""
    subject = by.subject
    if by.has(Role.REPRESENTATIVE):
        person_id = persons.find_person_behind(by.subject)
        registered = persons.find_registered(person_id) if person_id else None
        subject = registered.subject if registered else by.subject
    named = list(islice(store.each_consent_of(subject, before=before), limit + 1))
    found = store.find_consents([consent_id for _, consent_id in named[:limit]])
    following = named[limit - 1][0] if len(named) > limit else None
    return [_seen(one, now) for one in found], following


def under_consent(consent_id: str, action: str, by: Actor, *, now: datetime) -> Actor:
    """Return the representative in whose name a clerk does an action.

    Raises ConsentOver where no consent of this clerk is in force; NotUnderConsent for what is the
    representative's alone, or not among the powers they gave.
    """
    kept = store.find_consent(consent_id)
    consent = kept.value if kept else None
    actor = rules.under_consent(by, consent, now=now)
    given = table().consent
    powers = ("see", *(consent.powers if consent else ()))
    if not any(action in given.get(power, ()) for power in powers):
        raise NotUnderConsent()
    return actor


def check_registering(iin: str, *, by: Actor) -> None:
    """Raise NotUnderConsent where a clerk registers somebody else than who gave the consent."""
    if by.via is not None and by.subject != persons.sign_in_for(iin, clerk=by.via):
        raise NotUnderConsent()


# --- parts --------------------------------------------------------------------------------------


def same_giver(consent: Consent, by: Actor) -> bool:
    """Return whether the caller gave a consent: by its sign-in, or another one of the person's."""
    if not by.has(Role.REPRESENTATIVE):
        return False
    if consent.subject == by.subject:
        return True
    behind = persons.find_person_behind(by.subject)
    return behind is not None and behind == (
        consent.person_id or persons.find_person_behind(consent.subject)
    )


@settles
def _try_code(consent_id: str, code: str, *, by: Actor, now: datetime) -> ConsentSeen | int:
    """Return the consent opened, or how many tries are left after a wrong code."""
    kept = _load(consent_id)
    consent = kept.value
    demand(by, own=consent.clerk == by.subject)
    if consent.basis != "code":
        raise OtherBasis(basis=consent.basis)
    given = _digest("consent-code", consent_id, onetime.typed(code)).hex()
    right = consent.code is not None and hmac.compare_digest(consent.code, given)
    if right and consent.in_force(now):
        return _seen(consent, now)
    if consent.state != "asked" or consent.shown_state(now) == "ended":
        raise ConsentEnded()
    if right:
        opened = rules.open_consent(consent, now=now)
        _open(kept, opened, by=by, now=now)
        return _seen(opened, now)
    counted = rules.wrong_code(consent, now=now)
    journal.commit(
        _entry("consent-code-wrong", counted, by=by, now=now, wrong=counted.wrong),
        store.keep_consent(kept, counted),
    )
    return rules.CODE_TRIES - counted.wrong


def _open(kept: Kept[Consent], opened: Consent, *, by: Actor, now: datetime) -> None:
    """Commit a consent in force, the clerk's desk with it. Raises OneClient."""
    desk = store.find_desk(opened.clerk)
    last = store.find_consent(desk.value.id) if desk else None
    if last is not None and last.value.in_force(now) and last.pk != kept.pk:
        raise OneClient(consent_id=last.value.consent_id)
    told = [_notice(opened, OPENED_NOTICE, now=now)] if opened.person_id else []
    journal.commit(
        _entry("consent-given", opened, by=by, now=now, basis=opened.basis),
        store.keep_consent(kept, opened),
        store.sit_down(desk, opened),
        counting(opened.area, now, "consent", of="consents"),
        *watching.served(opened.clerk, opened.subject, area=opened.area, now=now),
        *told,
    )


def _giver(iin: str | None, ticket: str | None) -> Registered | None:
    if (iin is None) == (ticket is None):
        raise WhoseConsent()
    if iin is not None:
        return persons.find_by_iin(checked_iin(iin))
    return persons.find_by_ticket(ticket or "")


def _check_not_flooded(subject: str, now: datetime) -> None:
    since = stamp(now - timedelta(days=1))
    recent = [at for at, _ in islice(store.each_consent_of(subject), ASKED_A_DAY) if at > since]
    if len(recent) >= ASKED_A_DAY:
        raise TooManyConsents(retry_after_s=3600)


def _load(consent_id: str) -> Kept[Consent]:
    kept = store.find_consent(consent_id)
    if kept is None:
        raise Unknown()
    return kept


def _digest(purpose: str, *named: str) -> bytes:
    return hmac.new(purpose_key(purpose), "|".join(named).encode(), hashlib.sha256).digest()


def _notice(consent: Consent, template: str, *, now: datetime, **facts: object) -> Write:
    return outbox.notice(
        f"{template.rpartition('/')[2]}#{consent.consent_id}",
        to=f"person:{consent.person_id}",
        template=template,
        now=now,
        consent_id=consent.consent_id,
        minutes=consent.minutes,
        at=f"{local(now):%d.%m.%Y %H:%M}",
        **facts,
    )


def _seen(consent: Consent, now: datetime) -> ConsentSeen:
    state = consent.shown_state(now)
    return ConsentSeen(
        consent_id=consent.consent_id,
        basis=consent.basis,
        powers=consent.powers,
        state=state,
        area=consent.area,
        asked_at=consent.asked_at,
        opened_at=consent.opened_at,
        until=consent.until,
        ended_at=consent.ended_at,
        ended_by=consent.ended_by,
        registered=consent.person_id is not None,
    )


def _entry(what: str, consent: Consent, *, by: Actor, now: datetime, **facts: Any) -> Entry:
    return journal.entry(
        f"access/{what}",
        f"consent/{consent.consent_id}",
        by=by,
        now=now,
        giver=consent.subject,
        clerk=consent.clerk,
        **facts,
    )
