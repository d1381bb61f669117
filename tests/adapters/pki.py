"""A certification authority, people with keys, and CMS messages, good and hostile; all made here.

Names and numbers are invented. `message` builds CMS by hand, so that a test may break any part.
"""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from asn1crypto import algos, cms, core
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

NOW = dt.datetime(2026, 3, 2, 4, 0, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
PERSON, ORGANISATION = "1.2.398.3.3.4.1.1", "1.2.398.3.3.4.1.2"
_DIGESTS = {
    "sha1": hashes.SHA1(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


@functools.lru_cache(maxsize=32)
def a_key(name: str, *, kind: str = "ec", bits: int = 2048) -> Key:
    """Return a key, the same for the same name in one run; RSA keys take a while."""
    if kind == "rsa":
        return rsa.generate_private_key(public_exponent=65537, key_size=bits)
    return ec.generate_private_key(ec.SECP256R1())


@dataclass
class Authority:
    """A root with one authority below it, as the National Certification Authority has."""

    name: str = "root"
    kind: str = "ec"
    since: dt.datetime = NOW - 1000 * DAY
    until: dt.datetime = NOW + 6000 * DAY
    key_name: str = ""
    root: x509.Certificate = field(init=False)
    issuing: x509.Certificate = field(init=False)

    def __post_init__(self) -> None:
        self.root_key = a_key(f"{self.key_name or self.name}-root", kind=self.kind)
        self.key = a_key(f"{self.key_name or self.name}-issuing", kind=self.kind)
        self.root = self._authority(f"ROOT {self.name}", self.root_key, None)
        self.issuing = self._authority(f"ISSUING {self.name}", self.key, self.root)

    def _authority(
        self, common_name: str, key: Key, issuer: x509.Certificate | None
    ) -> x509.Certificate:
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.COUNTRY_NAME, "KZ"),
                x509.NameAttribute(NameOID.COMMON_NAME, common_name),
            ]
        )
        signing = self.root_key
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer.subject if issuer else subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.since)
            .not_valid_after(self.until)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()), False
            )
        )
        return builder.sign(signing, hashes.SHA256())

    def person(
        self,
        iin: str = "061211600012",
        *,
        key: Key | None = None,
        number: str | None = None,
        usages: Sequence[str] = (PERSON,),
        sign: bool = True,
        agree: bool = False,
        ca: bool = False,
        policies: Sequence[str] = ("1.2.398.3.3.2.3",),
        unit: str | None = None,
        since: dt.datetime = NOW - 100 * DAY,
        until: dt.datetime = NOW + 3000 * DAY,
        digest: Any = None,
        serial: int | None = None,
    ) -> Person:
        """Return a person with a certificate; the rest says how it differs from an honest one."""
        own = key or a_key("person")
        attributes = [
            x509.NameAttribute(NameOID.COMMON_NAME, "ТЕСТОВ ТЕСТ"),
            x509.NameAttribute(NameOID.SURNAME, "ТЕСТОВ"),
            x509.NameAttribute(NameOID.COUNTRY_NAME, "KZ"),
        ]
        said = f"IIN{iin}" if number is None else number
        if said:
            # As UTF-8, so that digits of other scripts can be tried.
            spelled = x509.name._ASN1Type.UTF8String
            attributes.append(x509.NameAttribute(NameOID.SERIAL_NUMBER, said, spelled))
        if unit:
            attributes.append(x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit))
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name(attributes))
            .issuer_name(self.issuing.subject)
            .public_key(own.public_key())
            .serial_number(serial or x509.random_serial_number())
            .not_valid_before(since)
            .not_valid_after(until)
            .add_extension(
                _usage(
                    digital_signature=True,
                    content_commitment=sign,
                    key_encipherment=agree,
                    key_cert_sign=ca,
                ),
                critical=True,
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), False
            )
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(own.public_key()), False)
        )
        if ca:
            builder = builder.add_extension(x509.BasicConstraints(True, None), critical=True)
        if usages:
            oids = [ExtendedKeyUsageOID.EMAIL_PROTECTION, *map(ObjectIdentifier, usages)]
            builder = builder.add_extension(x509.ExtendedKeyUsage(oids), critical=False)
        if policies:
            builder = builder.add_extension(
                x509.CertificatePolicies(
                    [x509.PolicyInformation(ObjectIdentifier(p), None) for p in policies]
                ),
                critical=False,
            )
        return Person(own, builder.sign(self.key, digest or hashes.SHA256()))

    def revocation_list(
        self,
        *revoked: x509.Certificate,
        at: dt.datetime = NOW - DAY / 2,
        until: dt.datetime = NOW + 30 * DAY,
        by_root: bool = False,
        key: Key | None = None,
        partial: bool = False,
    ) -> bytes:
        """Return a list in DER; of the issuing authority, or of the root."""
        issuer = self.root if by_root else self.issuing
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(issuer.subject)
            .last_update(at)
            .next_update(until)
        )
        for certificate in revoked:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder()
                .serial_number(certificate.serial_number)
                .revocation_date(at)
                .build()
            )
        if partial:
            builder = builder.add_extension(x509.DeltaCRLIndicator(1), critical=True)
        signing = key or (self.root_key if by_root else self.key)
        return builder.sign(signing, hashes.SHA256()).public_bytes(serialization.Encoding.DER)

    @property
    def pem(self) -> str:
        """Return root and issuing authority as the settings take them."""
        return "".join(
            c.public_bytes(serialization.Encoding.PEM).decode() for c in (self.root, self.issuing)
        )


@dataclass(frozen=True)
class Person:
    """A key with its certificate."""

    key: Key
    certificate: x509.Certificate

    def sign(self, text: bytes, *, attached: bool = False, digest: Any = None) -> bytes:
        """Return CMS as a widely used library makes it."""
        options = [pkcs7.PKCS7Options.Binary]
        if not attached:
            options.append(pkcs7.PKCS7Options.DetachedSignature)
        return (
            pkcs7.PKCS7SignatureBuilder()
            .set_data(text)
            .add_signer(self.certificate, self.key, digest or hashes.SHA256())
            .sign(serialization.Encoding.DER, options)
        )


def message(
    person: Person,
    text: bytes,
    *,
    attached: bool = False,
    digest: str = "sha256",
    named_digest: str | None = None,
    algorithm: str | None = None,
    certificates: Sequence[x509.Certificate] | None = None,
    signers: int = 1,
    sid: str = "issuer",
    content_type: str = "data",
    attributes: Callable[[list[cms.CMSAttribute]], list[cms.CMSAttribute] | None] | None = None,
    signed_at: dt.datetime | None = NOW,
    resign: bool = True,
) -> bytes:
    """Return CMS built by hand. attributes: changes the signed ones before they are signed."""
    signed = [
        cms.CMSAttribute({"type": "content_type", "values": [content_type]}),
        cms.CMSAttribute(
            {"type": "message_digest", "values": [hashlib.new(digest, text).digest()]}
        ),
    ]
    if signed_at is not None:
        signed.append(
            cms.CMSAttribute(
                {"type": "signing_time", "values": [cms.Time({"utc_time": signed_at})]}
            )
        )
    before = cms.CMSAttributes(signed).dump()
    chosen: list[cms.CMSAttribute] | None = attributes(signed) if attributes else signed
    attrs = None if chosen is None else cms.CMSAttributes(chosen)
    to_sign = text if attrs is None else (attrs.dump() if resign else before)
    kind = "rsa" if isinstance(person.key, rsa.RSAPrivateKey) else "ecdsa"
    own = asn1_x509.Certificate.load(person.certificate.public_bytes(serialization.Encoding.DER))
    info: dict[str, Any] = {
        "version": "v1" if sid == "issuer" else "v3",
        "sid": cms.SignerIdentifier(
            {
                "issuer_and_serial_number": cms.IssuerAndSerialNumber(
                    {"issuer": own.issuer, "serial_number": own.serial_number}
                )
            }
            if sid == "issuer"
            else {"subject_key_identifier": own.key_identifier}
        ),
        "digest_algorithm": algos.DigestAlgorithm({"algorithm": named_digest or digest}),
        "signature_algorithm": algos.SignedDigestAlgorithm(
            {"algorithm": algorithm or f"{digest}_{kind}"}
        ),
        "signature": raw_signature(person.key, to_sign, digest),
    }
    if attrs is not None:
        info["signed_attrs"] = attrs
    brought = [person.certificate] if certificates is None else certificates
    content: dict[str, Any] = {
        "version": "v1",
        "digest_algorithms": [algos.DigestAlgorithm({"algorithm": named_digest or digest})],
        "encap_content_info": {
            "content_type": content_type,
            **({"content": core.OctetString(text)} if attached else {}),
        },
        "certificates": [
            asn1_x509.Certificate.load(c.public_bytes(serialization.Encoding.DER)) for c in brought
        ],
        "signer_infos": [cms.SignerInfo(info) for _ in range(signers)],
    }
    return cms.ContentInfo(
        {"content_type": "signed_data", "content": cms.SignedData(content)}
    ).dump()


def raw_signature(key: Key, over: bytes, digest: str) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(over, padding.PKCS1v15(), _DIGESTS[digest])
    return key.sign(over, ec.ECDSA(_DIGESTS[digest]))


def _usage(**said: bool) -> x509.KeyUsage:
    names = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(**{name: said.get(name, False) for name in names})
