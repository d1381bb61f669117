"""Signing an application with an EDS: the text, then the signature."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from chalicelib.adapters import signatures
from chalicelib.applications import actions, rules
from chalicelib.applications.routes.shapes import routes
from chalicelib.children import rules as children
from chalicelib.edge.routes import Call
from chalicelib.edge.texts import LANGUAGES, text
from chalicelib.kernel.refusals import AnotherContent, Unknown

# 64 KB of CMS, as base64 with line breaks.
_CMS_SIGNS_MAX = 90_000


class SignatureAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """The signature: CMS SignedData in base64, detached or with the text inside."""

    cms: Annotated[str, Meta(min_length=1, max_length=_CMS_SIGNS_MAX)]


class SigningShown(Struct, frozen=True):
    """A text to sign: exactly the UTF-8 bytes of `text`.

    `state` is "open" until `expires_at`, then "expired": ask for another text. When it is signed,
    `certificate` is a digest that names the certificate without telling whose it is.
    """

    signing_id: str
    application_id: str
    state: rules.SigningState
    text: str
    expires_at: str
    signed_at: str | None
    certificate: str | None


class SignedShown(Struct, frozen=True):
    """The signature was accepted and is kept sealed."""

    signing_id: str
    application_id: str
    signed_at: str
    certificate: str


@routes.put(
    "/{application_id}/signings/{signing_id}",
    action="applications/ask-to-sign",
    answers=SigningShown,
    refuses=(
        Unknown,
        children.PowerMissing,
        rules.NotTheApplicant,
        rules.AlreadySigned,
        rules.NotLive,
        rules.TooManySignings,
    ),
)
def ask_to_sign(call: Call[None], application_id: str, signing_id: str) -> SigningShown:
    """Get the exact text of an application to sign with an EDS; good for 15 minutes.

    The same id again gets the same text. Only the applicant signs.
    """
    given = actions.ask_to_sign(application_id, signing_id, say=_words, by=call.actor, now=call.now)
    signing = given.signing
    return SigningShown(
        signing_id=signing.signing_id,
        application_id=signing.application_id,
        state=signing.state(call.now),
        text=given.text,
        expires_at=signing.expires_at,
        signed_at=signing.signed_at,
        certificate=signing.certificate,
    )


@routes.put(
    "/{application_id}/signings/{signing_id}/signature",
    action="applications/sign",
    asks=SignatureAsked,
    answers=SignedShown,
    refuses=(
        Unknown,
        children.PowerMissing,
        rules.NotTheApplicant,
        AnotherContent,
        rules.AlreadySigned,
        rules.NotLive,
        rules.BadSignature,
        signatures.VerifierSilent,
    ),
    most_bytes=_CMS_SIGNS_MAX + 100,
)
def sign(call: Call[SignatureAsked], application_id: str, signing_id: str) -> SignedShown:
    """Hand in the signature of the text; it is checked here, to the root, and the nonce is spent.

    What fails is named in `problem`. The same signature again gets the same answer.
    """
    try:
        signing = actions.sign(
            application_id,
            signing_id,
            cms=_decoded(call.asked.cms),
            verify=_verify,
            by=call.actor,
            now=call.now,
        )
    except rules.BadSignature as refusal:
        raise _in_words(refusal) from refusal
    return SignedShown(
        signing_id=signing.signing_id,
        application_id=signing.application_id,
        signed_at=signing.signed_at or "",
        certificate=signing.certificate or "",
    )


def _verify(cms: bytes, signed: bytes, asked_at: datetime, now: datetime) -> rules.Judged:
    verdict = signatures.verify(cms, signed, asked_at=asked_at, now=now)
    if verdict.signer is None:
        return rules.Judged(problem=verdict.problem, digest=verdict.digest)
    signer = verdict.signer
    return rules.Judged(
        problem=None,
        iin=signer.iin,
        certificate=signer.certificate,
        algorithm=signer.algorithm,
        via=signer.via,
    )


def _words(facts: Mapping[str, object]) -> dict[str, str]:
    return {said: text("applications/to-sign", said, facts) for said in ("kk", "ru")}


def _in_words(refusal: rules.BadSignature) -> rules.BadSignature:
    key = f"applications/bad-signature/{refusal.facts['problem']}"
    return rules.BadSignature(**refusal.facts, said={each: text(key, each) for each in LANGUAGES})


def _decoded(cms: str) -> bytes:
    """Return the bytes of base64 text; signing tools break it into lines, or write it as PEM."""
    lines = [line.strip() for line in cms.strip().splitlines()]
    body = "".join(line for line in lines if not line.startswith("-----"))
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError) as error:
        raise rules.BadSignature(problem="not-cms") from error
