"""What a CMS message says: one signer, over which bytes, with which key; nothing trusted yet.

RFC 5652. The signed attributes are required, because without them a signature over one thing can
be shown as a signature over another. The bytes that were signed are those of the message, so they
must be the one DER spelling; the rest may be BER, which signing tools of the field write.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from chalicelib.adapters.signatures.verdicts import Wrong

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

CERTIFICATES_MAX = 6
RSA_BITS_MIN = 2048
_VERSIONS = ("v1", "v3", "v4", "v5")
_DIGESTS = ("sha256", "sha384", "sha512")
_CURVES = frozenset({"secp256r1", "secp384r1", "secp521r1"})
# Kazakhstan's own: GOST 34.310-2004 and -2015, digests GOST 34.311 and 34.11.
_GOST = "1.2.398.3.10.1."
# What a parser of hostile bytes may stumble over; all of it means the same.
_UNREADABLE = (
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    OverflowError,
    RecursionError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """What a message says of its one signer.

    attributes: the bytes that were signed. message_digest: what they say of the text. content:
    the text inside the message, None where it is detached. certificate: the signer's, others:
    the rest, all DER. subject_number: the serialNumber of its subject, "" without one.
    elsewhere: the algorithm is GOST.
    """

    digest: str
    algorithm: str
    attributes: bytes
    message_digest: bytes
    signed_at: datetime | None
    signature: bytes
    content: bytes | None
    certificate: bytes
    others: tuple[bytes, ...]
    subject_number: str
    elsewhere: bool


def read(cms: bytes) -> Signed:
    """Return what a message says. Raises Wrong."""
    from asn1crypto import cms as asn1

    try:
        info = asn1.ContentInfo.load(cms, strict=True)
        if info["content_type"].native != "signed_data":
            raise Wrong("not-cms")
        return _signed(info["content"])
    except _UNREADABLE as error:
        raise Wrong("not-cms") from error


def load(der: bytes) -> Certificate:
    """Return a certificate. Raises Wrong, also where its signature has bits to be left out."""
    from asn1crypto import x509 as asn1
    from cryptography import x509

    try:
        if asn1.Certificate.load(der, strict=True)["signature_value"].contents[:1] != b"\0":
            raise Wrong("not-cms")
        return x509.load_der_x509_certificate(der)
    except (*_UNREADABLE, x509.InvalidVersion) as error:
        raise Wrong("not-cms") from error


def check_content(signed: Signed, text: bytes) -> None:
    """Raise Wrong when the message brings another text than the one given out."""
    if signed.content is not None and signed.content != text:
        raise Wrong("another-text", digest=hashlib.sha256(signed.content).hexdigest())


def check_text(signed: Signed, text: bytes) -> None:
    """Raise Wrong unless exactly this text was signed."""
    check_content(signed, text)
    if signed.message_digest != hashlib.new(signed.digest, text).digest():
        known = signed.message_digest.hex() if signed.digest == "sha256" else None
        raise Wrong("another-text", digest=known)


def check_signature(signed: Signed) -> Certificate:
    """Return the certificate whose key made the signature. Raises Wrong."""
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

    named = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}
    digest = named[signed.digest]
    certificate = load(signed.certificate)
    try:
        key = certificate.public_key()
    except UnsupportedAlgorithm as error:
        raise Wrong("weak-algorithm") from error
    except ValueError as error:
        raise Wrong("not-cms") from error
    try:
        if isinstance(key, rsa.RSAPublicKey) and signed.algorithm == "rsa":
            if key.key_size < RSA_BITS_MIN:
                raise Wrong("weak-algorithm")
            key.verify(signed.signature, signed.attributes, padding.PKCS1v15(), digest)
        elif isinstance(key, ec.EllipticCurvePublicKey) and signed.algorithm == "ecdsa":
            if key.curve.name not in _CURVES:
                raise Wrong("weak-algorithm")
            key.verify(signed.signature, signed.attributes, ec.ECDSA(digest))
        else:
            raise Wrong("weak-algorithm")
    except InvalidSignature as error:
        raise Wrong("signature-wrong") from error
    return certificate


def _signed(data: Any) -> Signed:
    if len(data["signer_infos"]) != 1:
        raise Wrong("not-one-signer")
    (signer,) = data["signer_infos"]
    if data["version"].native not in _VERSIONS or signer["version"].native not in _VERSIONS:
        raise Wrong("not-cms")
    if signer["digest_algorithm"]["algorithm"].dotted not in {
        named["algorithm"].dotted for named in data["digest_algorithms"]
    }:
        raise Wrong("not-cms")
    # Read to their end: the parser looks into parts only when it is asked to.
    for part in (data["digest_algorithms"], signer["digest_algorithm"]):
        _ = part.native
    _ = signer["signature_algorithm"].native
    digest, algorithm, elsewhere = _algorithms(signer)
    encapsulated = data["encap_content_info"]
    if encapsulated["content_type"].native != "data":
        raise Wrong("attributes-wrong")
    attributes, message_digest, signed_at = _attributes(signer)
    certificate, others = _certificates(data["certificates"], signer["sid"])
    content = encapsulated["content"].native
    return Signed(
        digest=digest,
        algorithm=algorithm,
        attributes=attributes,
        message_digest=message_digest,
        signed_at=signed_at,
        signature=signer["signature"].native,
        content=content if content is None else bytes(content),
        certificate=certificate.dump(),
        others=tuple(other.dump() for other in others),
        subject_number=_subject_number(certificate),
        elsewhere=elsewhere,
    )


def _subject_number(certificate: Any) -> str:
    found = certificate.subject.native.get("serial_number", "")
    return found if isinstance(found, str) else ""


def _algorithms(signer: Any) -> tuple[str, str, bool]:
    """Return the digest, the sort of key, and whether both are known elsewhere only."""
    digest_oid = signer["digest_algorithm"]["algorithm"].dotted
    signing_oid = signer["signature_algorithm"]["algorithm"].dotted
    if digest_oid.startswith(_GOST) or signing_oid.startswith(_GOST):
        return "gost", "gost", True
    digest = signer["digest_algorithm"]["algorithm"].native
    named = signer["signature_algorithm"]["algorithm"].native
    if digest not in _DIGESTS:
        raise Wrong("weak-algorithm")
    if named in ("rsassa_pkcs1v15", f"{digest}_rsa"):
        return digest, "rsa", False
    if named == f"{digest}_ecdsa":
        return digest, "ecdsa", False
    raise Wrong("weak-algorithm")


def _attributes(signer: Any) -> tuple[bytes, bytes, datetime | None]:
    """Return the bytes that were signed, the digest they give, and when it was, as they say."""
    attributes = signer["signed_attrs"]
    if not attributes:
        raise Wrong("attributes-wrong")
    found: dict[str, Any] = {}
    for attribute in attributes:
        name = attribute["type"].native
        if name in found or len(attribute["values"]) != 1:
            raise Wrong("attributes-wrong")
        found[name] = attribute["values"][0].native
    if found.get("content_type") != "data" or not isinstance(found.get("message_digest"), bytes):
        raise Wrong("attributes-wrong")
    signed_at = found.get("signing_time")
    if signed_at is not None and (not isinstance(signed_at, datetime) or not signed_at.tzinfo):
        raise Wrong("attributes-wrong")
    raw = attributes.dump()
    # In the message they bear the tag [0]; what is signed is the plain SET.
    plain = b"\x31" + raw[1:]
    if raw[:1] != b"\xa0" or attributes.untag().dump(force=True) != plain:
        raise Wrong("attributes-wrong")
    return plain, found["message_digest"], signed_at


def _certificates(choices: Any, sid: Any) -> tuple[Any, list[Any]]:
    """Return the certificate that the signer is named by, and the others."""
    if not choices:
        raise Wrong("certificate-missing")
    if len(choices) > CERTIFICATES_MAX or any(c.name != "certificate" for c in choices):
        raise Wrong("extra-certificates")
    certificates = [choice.chosen for choice in choices]
    if sid.name == "issuer_and_serial_number":
        issuer, serial = sid.chosen["issuer"].dump(), sid.chosen["serial_number"].native
        own = [c for c in certificates if c.issuer.dump() == issuer and c.serial_number == serial]
    else:
        own = [c for c in certificates if c.key_identifier == sid.chosen.native]
    if not own:
        raise Wrong("certificate-missing")
    if len(own) > 1:
        raise Wrong("extra-certificates")
    return own[0], [c for c in certificates if c is not own[0]]
