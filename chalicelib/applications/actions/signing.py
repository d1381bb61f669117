"""An application signed with its applicant's EDS: the text given out, the signature taken in.

Text and signature hold names and an IIN, so both lie in the vault; what is stored in the open are
keyed digests and instants. Nothing here knows CMS: `verify` is handed in.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from chalicelib.applications import rules, store
from chalicelib.applications.actions.common import entry, own, tell
from chalicelib.applications.rules import Application, Judged, Signing
from chalicelib.children import actions as children
from chalicelib.children import store as children_store
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.ids import new_id
from chalicelib.kernel.periods import from_stamp, local_day
from chalicelib.policy.actions import load_pack
from chalicelib.storage.commit import settles
from chalicelib.storage.secrets import alias_digest, fingerprint

# A CMS message, the text, when it was given out, now → what the check found.
Verify = Callable[[bytes, bytes, datetime, datetime], Judged]
# What is applied for → words by language.
Say = Callable[[Mapping[str, object]], Mapping[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToSign:
    """A text given out, with how it stands."""

    signing: Signing
    text: str


@settles
def ask_to_sign(
    application_id: str, signing_id: str, *, say: Say, by: Actor, now: datetime
) -> ToSign:
    """Return the exact text to sign; the same id again gets the same text.

    Raises Unknown, PowerMissing, NotTheApplicant, AlreadySigned, NotLive, TooManySignings, in this
    order.
    """
    kept = own(application_id, power="apply", by=by, now=now)
    application, person = kept.value, children.person_of(by)
    rules.check_applicant(application, person.person_id)
    earlier = store.find_signing(application_id, signing_id)
    if earlier is not None:
        return ToSign(signing=earlier.value, text=_text_of(earlier.value))
    signing = rules.decide_signing(
        application,
        signing_id=signing_id,
        person_id=person.person_id,
        asked_before=len(store.list_signings(application_id)),
        now=now,
    )
    text = _compose(application, say=say, now=now)
    row, *sealed = store.create_signing(signing, text)
    journal.commit(
        journal.entry(
            "applications/signing-asked",
            f"signing/{signing_id}@{application_id}",
            by=by,
            now=now,
            pack=application.pack,
            application=application_id,
            expires_at=signing.expires_at,
        ),
        row,
        *sealed,
    )
    return ToSign(signing=signing, text=text)


@settles
def sign(
    application_id: str, signing_id: str, *, cms: bytes, verify: Verify, by: Actor, now: datetime
) -> Signing:
    """Take in the applicant's signature; the nonce is spent in the same commit.

    Raises Unknown, PowerMissing, NotTheApplicant, AnotherContent, AlreadySigned, NotLive,
    BadSignature, VerifierSilent, in this order. The same signature again: the same answer.
    """
    kept = own(application_id, power="apply", by=by, now=now)
    application = kept.value
    rules.check_applicant(application, children.person_of(by).person_id)
    asked = store.load_signing(application_id, signing_id)
    content = fingerprint(hashlib.sha256(cms).hexdigest())
    if rules.check_repeated(asked.value, content):
        return asked.value
    rules.check_open(application, asked.value, now=now)
    text = _text_of(asked.value)
    judged = verify(cms, text.encode(), from_stamp(asked.value.asked_at), now)
    applicant = children_store.person_fields(application.person_id).get("iin", "")
    signed, signing = rules.decide_signed(
        application,
        asked.value,
        judged,
        iin_matches=bool(applicant) and hmac.compare_digest(judged.iin, applicant),
        replayed=_was_given_out(application_id, judged.digest),
        cms=content,
        certificate=alias_digest("certificate", judged.certificate),
        now=now,
    )
    journal.commit(
        entry(
            "signed",
            signed,
            by=by,
            now=now,
            signing=signing_id,
            certificate=signing.certificate,
            algorithm=signing.algorithm,
            via=signing.via,
        ),
        store.keep_application(kept, signed),
        *store.sign(asked, signing, cms.hex()),
        *tell(application, "signed", "signed", now=now),
    )
    return signing


def signed_subjects(application_id: str) -> list[str]:
    """Return under which names the vault keeps an application's texts and signatures."""
    return [
        store.signing_subject(application_id, signing.signing_id)
        for signing in store.list_signings(application_id)
    ]


def needs_signature(application: Application, *, now: datetime) -> bool:
    """Return whether the rules of today ask for a signature that is missing still."""
    pack = load_pack(application.programme, application.area)
    return pack.at(local_day(now)).needs_signature and application.signed_at is None


def _compose(application: Application, *, say: Say, now: datetime) -> str:
    pack = load_pack(application.programme, application.area)
    child = children_store.load_child_fields(application.child_id)
    received = pack.at(local_day(from_stamp(application.received_at)))
    until = rules.expires_at(now)
    words = say(
        {
            "programme": {"kk": pack.text.kk, "ru": pack.text.ru, "en": pack.text.en},
            "child": " ".join(filter(None, (child.get("surname"), child.get("given_name")))),
            "birth_date": child.get("birth_date", ""),
            "ticket": application.ticket,
        }
    )
    return rules.text_to_sign(
        application,
        child=child,
        words=words,
        protected=frozenset(code for code, row in received.statuses.items() if row.protected),
        nonce=new_id(),
        expires_at=until,
    )


def _text_of(signing: Signing) -> str:
    return store.signing_fields(signing.application_id, signing.signing_id).get("text", "")


def _was_given_out(application_id: str, digest: str | None) -> bool:
    """Return whether a text with this SHA-256 was given out for the application before."""
    if digest is None:
        return False
    subjects = signed_subjects(application_id)
    texts = (fields.get("text", "") for fields in store.sealed_signings(subjects))
    return any(hashlib.sha256(text.encode()).hexdigest() == digest for text in texts)
