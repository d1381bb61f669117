"""An application signed by its applicant: the text, its nonce, and what a signature must be.

    asked → signed            the nonce is spent; the application says when it was signed
      └ (its 15 minutes end)  ask for another text

The text names the application as it stands, in words of both languages, and a nonce of ours that
lasts 15 minutes: a signature made for another text, or before, says nothing here. It is canonical
JSON (RFC 8785), so the same bytes come out of every program. Who signs is the applicant in person:
the IIN of the certificate is compared with the one in the vault.
Source: domain sheet §5 (portal with EDS), §6 (annulled if somebody else applied); the minutes are
a policy default.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from chalicelib.applications.rules.refusals import NotLive
from chalicelib.applications.rules.values import LIVE, Application
from chalicelib.kernel.periods import from_stamp, stamp
from chalicelib.kernel.refusals import (
    AnotherContent,
    Malformed,
    NotAllowed,
    OutOfTurn,
    TooMuch,
)

MEANING = "kezek/application-v1"
SIGNING_MINUTES = 15
SIGNINGS_MAX = 30

SigningState = Literal["open", "expired", "signed"]


class BadSignature(Malformed):
    """The signature was checked and does not hold; `problem` names the check, `said` tells it."""

    code = "applications/bad-signature"


class NotTheApplicant(NotAllowed):
    """Only the person who applied may sign the application."""

    code = "applications/not-the-applicant"


class AlreadySigned(OutOfTurn):
    """The application was signed before; one signature is enough."""

    code = "applications/already-signed"


class SignatureNeeded(OutOfTurn):
    """The rules ask for an application signed with an EDS before the voucher is confirmed."""

    code = "applications/signature-needed"


class TooManySignings(TooMuch):
    """Texts to sign were asked for too often for one application."""

    code = "applications/too-many-signings"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """A text that was given out to be signed; the text itself lies in the vault.

    cms: keyed digest of the signature that was accepted. certificate: keyed digest of the
    certificate's fingerprint; via: where it was checked.
    """

    signing_id: str
    application_id: str
    person_id: str
    asked_at: str
    expires_at: str
    signed_at: str | None = None
    cms: str | None = None
    certificate: str | None = None
    algorithm: str | None = None
    via: str | None = None

    def state(self, now: datetime) -> SigningState:
        if self.signed_at is not None:
            return "signed"
        return "expired" if stamp(now) >= self.expires_at else "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a check of a signature found: a problem, or whose IIN signed with which certificate.

    digest: SHA-256 of another text that was signed, where it is known.
    """

    problem: str | None
    iin: str = ""
    certificate: str = ""
    algorithm: str = ""
    via: str = ""
    digest: str | None = None


def canonical(value: object) -> str:
    """Return RFC 8785 text: objects with ASCII names, lists, strings, integers, true, null."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def text_to_sign(
    application: Application,
    *,
    child: Mapping[str, str],
    words: Mapping[str, str],
    protected: frozenset[str],
    nonce: str,
    expires_at: datetime,
) -> str:
    """Return the exact text that the applicant signs.

    child: opened fields; the text names the child, because a family may have several. words: what
    is applied for, by language. protected: statuses that are never displayed.
    """
    return canonical(
        {
            "meaning": MEANING,
            "nonce": nonce,
            "expires_at": stamp(expires_at),
            "words": dict(words),
            "application": {
                "id": application.application_id,
                "ticket": application.ticket,
                "programme": application.programme,
                "area": application.area,
                "language": application.language,
                "kind": application.kind,
                "statuses": [s.status for s in application.statuses if s.status not in protected],
                "preferences": list(application.preferences),
                "batch": application.batch_name,
                "received_at": application.received_at,
                "rules": application.pack,
            },
            "child": {
                "surname": child.get("surname", ""),
                "given_name": child.get("given_name", ""),
                "patronymic": child.get("patronymic", ""),
                "birth_date": child.get("birth_date", ""),
            },
        }
    )


def decide_signing(
    application: Application,
    *,
    signing_id: str,
    person_id: str,
    asked_before: int,
    now: datetime,
) -> Signing:
    """Return a text to sign. Raises NotTheApplicant, AlreadySigned, NotLive, TooManySignings."""
    check_applicant(application, person_id)
    if application.signed_at is not None:
        raise AlreadySigned(signed_at=application.signed_at)
    if application.state not in LIVE:
        raise NotLive(state=application.state)
    if asked_before >= SIGNINGS_MAX:
        raise TooManySignings(most=SIGNINGS_MAX, retry_after_s=86_400)
    return Signing(
        signing_id=signing_id,
        application_id=application.application_id,
        person_id=person_id,
        asked_at=stamp(now),
        expires_at=stamp(expires_at(now)),
    )


def expires_at(now: datetime) -> datetime:
    """Return until when a text given out now may be signed."""
    return now + timedelta(minutes=SIGNING_MINUTES)


def check_applicant(application: Application, person_id: str) -> None:
    """Raise NotTheApplicant unless this person applied."""
    if application.person_id != person_id:
        raise NotTheApplicant()


def check_repeated(signing: Signing, cms: str) -> bool:
    """Return whether this very signature was accepted before. Raises AnotherContent.

    cms: keyed digest of the signature.
    """
    if signing.signed_at is None:
        return False
    if signing.cms != cms:
        raise AnotherContent()
    return True


def check_open(application: Application, signing: Signing, *, now: datetime) -> None:
    """Raise AlreadySigned, NotLive, BadSignature unless a signature may come now."""
    if application.signed_at is not None:
        raise AlreadySigned(signed_at=application.signed_at)
    if application.state not in LIVE:
        raise NotLive(state=application.state)
    if signing.state(now) == "expired":
        raise BadSignature(problem="nonce-expired", expires_at=signing.expires_at)


def decide_signed(
    application: Application,
    signing: Signing,
    judged: Judged,
    *,
    iin_matches: bool,
    replayed: bool,
    cms: str,
    certificate: str,
    now: datetime,
) -> tuple[Application, Signing]:
    """Return application and text as signed. Raises BadSignature.

    iin_matches: the certificate's IIN is the applicant's. replayed: what was signed is another
    text that we gave out for this application. cms, certificate: keyed digests.
    """
    if judged.problem == "another-text" and replayed:
        raise BadSignature(problem="nonce-replayed")
    if judged.problem is not None:
        raise BadSignature(problem=judged.problem)
    if not iin_matches:
        raise BadSignature(problem="another-person")
    at = stamp(now)
    return (
        replace(application, signed_at=at, certificate=certificate, signing_id=signing.signing_id),
        replace(
            signing,
            signed_at=at,
            cms=cms,
            certificate=certificate,
            algorithm=judged.algorithm,
            via=judged.via,
        ),
    )


def check_signature(application: Application, *, needed: bool) -> None:
    """Raise SignatureNeeded where the rules ask for a signature that was not given."""
    if needed and application.signed_at is None:
        raise SignatureNeeded()


def asked_at(signing: Signing) -> datetime:
    """Return when a text was given out."""
    return from_stamp(signing.asked_at)
