"""A clerk acts for a representative: with consent, for a while, in named matters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal

from chalicelib.kernel.actors import Actor, Role
from chalicelib.kernel.periods import stamp
from chalicelib.kernel.refusals import Malformed, NotAllowed, NotKnown, OutOfTurn, TooMuch

CONSENT_MINUTES_MAX = 30
CODE_MINUTES = 10
CODE_TRIES = 5
CODE_LENGTH = 8
PAPER_DAYS = 30
ConsentBasis = Literal["code", "paper"]
ConsentPower = Literal["register", "apply", "choose", "withdraw"]
ConsentState = Literal["asked", "open", "ended"]
ConsentEnd = Literal["clerk", "representative", "wrong-codes", "replaced"]


class ConsentOver(NotKnown):
    """No consent of the caller's is in force under this id: none, over, ended, all alike."""

    code = "access/consent-over"


class NotUnderConsent(NotAllowed):
    """This is for the representative alone, or not among the powers that were given."""

    code = "access/not-under-consent"


class NotRegistered(OutOfTurn):
    """Nobody is registered under this number yet; they can be, on a signed paper."""

    code = "access/not-registered"


class WhoseConsent(Malformed):
    """A consent names its giver by IIN or by ticket, one of the two."""

    code = "access/whose-consent"


class PaperNeeded(Malformed):
    """Registering, or changing contacts, is consented to on paper.

    By code alone a clerk could put in another telephone and answer for the representative ever
    after.
    """

    code = "access/paper-needed"


class BadConsentCode(NotAllowed):
    """The code is wrong, spent or too old; `left` tries remain."""

    code = "access/bad-consent-code"


class OtherBasis(OutOfTurn):
    """The consent was asked for on another basis."""

    code = "access/other-basis"


class PaperTooOld(OutOfTurn):
    """The paper was signed too long ago, or not yet."""

    code = "access/paper-too-old"


class ConsentEnded(OutOfTurn):
    """The consent is over; the next visit needs a new one."""

    code = "access/consent-ended"


class OneClient(OutOfTurn):
    """The clerk serves somebody at this moment; that consent is to be ended first."""

    code = "access/one-client"


class TooManyConsents(TooMuch):
    """One representative is asked for consents too often."""

    code = "access/too-many-consents"


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """For whom a clerk may act, and until when.

    subject: the representative's sign-in, in whose name things are done. person_id: None where they
    are still to be registered. code: a keyed digest of the one-time code. area: the clerk's.
    """

    consent_id: str
    clerk: str
    subject: str
    person_id: str | None
    basis: ConsentBasis
    powers: tuple[ConsentPower, ...]
    minutes: int
    area: str
    asked: str
    asked_at: str
    state: ConsentState = "asked"
    code: str | None = None
    code_until: str | None = None
    wrong: int = 0
    paper: str | None = None
    paper_on: date | None = None
    opened_at: str | None = None
    until: str | None = None
    ended_at: str | None = None
    ended_by: ConsentEnd | None = None

    def in_force(self, now: datetime) -> bool:
        return self.state == "open" and self.until is not None and stamp(now) < self.until

    def shown_state(self, now: datetime) -> Literal["asked", "open", "ended"]:
        """Return the state as people see it: what its time has ended is ended."""
        if self.state == "open" and not self.in_force(now):
            return "ended"
        if self.state == "asked" and self.code_until is not None and stamp(now) >= self.code_until:
            return "ended"
        return self.state


def open_consent(
    consent: Consent, *, now: datetime, paper: str | None = None, paper_on: date | None = None
) -> Consent:
    """Return a consent in force from now for its minutes. Raises ConsentEnded."""
    if consent.shown_state(now) == "ended":
        raise ConsentEnded()
    return replace(
        consent,
        state="open",
        paper=paper,
        paper_on=paper_on,
        opened_at=stamp(now),
        until=stamp(now + timedelta(minutes=consent.minutes)),
    )


def check_basis(basis: ConsentBasis, powers: Sequence[ConsentPower]) -> None:
    """Raise PaperNeeded for a power that a code is not enough for."""
    if basis == "code" and "register" in powers:
        raise PaperNeeded()


def with_code(consent: Consent, digest: str) -> Consent:
    """Return a consent that waits for a code, kept as a keyed digest."""
    return replace(consent, code=digest)


def check_paper(signed_on: date, *, today: date) -> None:
    """Raise PaperTooOld for a paper of another time than this visit's."""
    if not today - timedelta(days=PAPER_DAYS) <= signed_on <= today:
        raise PaperTooOld(days=PAPER_DAYS)


def wrong_code(consent: Consent, *, now: datetime) -> Consent:
    """Return a consent for which a wrong code was typed; with the last try it is over."""
    wrong = consent.wrong + 1
    counted = replace(consent, wrong=wrong)
    return end_consent(counted, "wrong-codes", now=now) if wrong >= CODE_TRIES else counted


def end_consent(consent: Consent, by: ConsentEnd, *, now: datetime) -> Consent:
    """Return a consent that is over; one that ended stays as it is."""
    if consent.state == "ended":
        return consent
    return replace(consent, state="ended", code=None, ended_at=stamp(now), ended_by=by)


def under_consent(by: Actor, consent: Consent | None, *, now: datetime) -> Actor:
    """Return the representative for whom a clerk acts. Raises ConsentOver."""
    if (
        consent is None
        or not by.has(Role.CLERK)
        or consent.clerk != by.subject
        or not consent.in_force(now)
    ):
        raise ConsentOver()
    return Actor(
        consent.subject,
        frozenset({Role.REPRESENTATIVE}),
        issuer=by.issuer,
        session=by.session,
        signed_in_at=by.signed_in_at,
        strong_at=by.strong_at,
        via=by.subject,
    )
