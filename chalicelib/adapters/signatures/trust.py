"""Whose certificate it is: a way to a configured root, the right to sign papers, not revoked.

Of the National Certification Authority of Kazakhstan: a person's certificate bears the usage
1.2.398.3.3.4.1.1, an organisation's 1.2.398.3.3.4.1.2 and those below it; two policies are for
organisations only; a key for signing papers has the usage "content commitment", which one for
sign-in has not. The IIN stands in the subject's serialNumber as "IIN" and twelve digits, a BIN
in the organisational unit.
"""

from __future__ import annotations

import functools
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from chalicelib.adapters.patience import read_whole
from chalicelib.adapters.signatures.verdicts import Signer, VerifierSilent, Wrong

if TYPE_CHECKING:
    from cryptography.x509 import Certificate, CertificateRevocationList, ExtensionType
    from cryptography.x509.verification import ExtensionPolicy

E = TypeVar("E", bound="ExtensionType")
PERSON = "1.2.398.3.3.4.1.1"
ORGANISATION = "1.2.398.3.3.4.1.2"
POLICIES_OF_ORGANISATIONS = frozenset({"1.2.398.3.3.2.1", "1.2.398.3.3.2.2"})
LONGEST_WAY = 3
_IIN = re.compile(r"IIN([0-9]{12})\Z")
# Of one step, and of all lists of one signature together.
_FETCH_TIMEOUT_S, _FETCH_WHOLE_S = 4.0, 8.0
_LIST_BYTES_MAX = 48 * 1024 * 1024
_LIST_KEPT = timedelta(hours=1)
_ASKED_AGAIN = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Anchors:
    """Roots, and certificates between them and people that messages need not bring."""

    roots: tuple[Certificate, ...]
    between: tuple[Certificate, ...]


def judge(
    certificate: Certificate,
    others: Sequence[Certificate],
    *,
    asked_at: datetime,
    signed_at: datetime | None,
    now: datetime,
) -> Signer:
    """Return the person a certificate was given to. Raises Wrong, VerifierSilent.

    others: what the message brought besides; each must lie on the way to the root.
    """
    from cryptography.hazmat.primitives import hashes

    anchors = _anchors()
    # A claimed instant of signing proves nothing, but it must not contradict the certificate.
    for at in (asked_at, now, *([signed_at] if signed_at is not None else [])):
        if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
            raise Wrong("certificate-expired")
    way = _way(certificate, others, anchors, now=now)
    if any(other not in way for other in others):
        raise Wrong("extra-certificates")
    _check_use(certificate)
    _check_person(certificate)
    iin = _iin_of(certificate)
    _check_revocation(way, now=now)
    return Signer(
        iin=iin,
        certificate=certificate.fingerprint(hashes.SHA256()).hex(),
        algorithm=certificate.signature_algorithm_oid._name,
    )


def forget() -> None:
    """Drop what was read of roots and lists; for tests."""
    _read_anchors.cache_clear()
    _lists.clear()


# --- the way to a root ----------------------------------------------------------------------------


def _way(
    certificate: Certificate, others: Sequence[Certificate], anchors: Anchors, *, now: datetime
) -> list[Certificate]:
    """Return the certificates from the signer's to a root, both included."""
    from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

    authorities, signers = _policies()
    policy = (
        PolicyBuilder()
        .store(Store(list(anchors.roots)))
        .time(now)
        .max_chain_depth(LONGEST_WAY)
        .extension_policies(ca_policy=authorities, ee_policy=signers)
    )
    between = [c for c in (*others, *anchors.between) if c not in anchors.roots]
    try:
        found = policy.build_client_verifier().verify(certificate, between)
    except VerificationError as error:
        raise Wrong("unknown-root") from error
    return list(found.chain)


@functools.lru_cache(maxsize=1)
def _policies() -> tuple[ExtensionPolicy, ExtensionPolicy]:
    """Return what is asked of authorities, and of signers: there `judge` looks itself."""
    from cryptography import x509
    from cryptography.x509.verification import Criticality, ExtensionPolicy, Policy

    def may_sign_certificates(_: Policy, __: Certificate, usage: x509.KeyUsage | None) -> None:
        if usage is None or not usage.key_cert_sign:
            raise ValueError("an authority that may not sign certificates")

    def is_authority(_: Policy, __: Certificate, basic: x509.BasicConstraints) -> None:
        if not basic.ca:
            raise ValueError("a person's certificate signs another")

    authorities = (
        ExtensionPolicy.permit_all()
        .require_present(x509.BasicConstraints, Criticality.AGNOSTIC, is_authority)
        .require_present(x509.KeyUsage, Criticality.AGNOSTIC, may_sign_certificates)
    )
    return authorities, ExtensionPolicy.permit_all()


def _check_use(certificate: Certificate) -> None:
    """Raise Wrong unless the key may sign papers."""
    from cryptography import x509

    usage = _extension(certificate, x509.KeyUsage)
    if usage is None or not (usage.digital_signature and usage.content_commitment):
        raise Wrong("wrong-certificate-use")
    basic = _extension(certificate, x509.BasicConstraints)
    if usage.key_cert_sign or (basic is not None and basic.ca):
        raise Wrong("wrong-certificate-use")


def _check_person(certificate: Certificate) -> None:
    """Raise Wrong for a certificate that speaks for an organisation, or for nobody known."""
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    usages = _extension(certificate, x509.ExtendedKeyUsage)
    named = [oid.dotted_string for oid in usages] if usages is not None else []
    if PERSON not in named or any(
        oid == ORGANISATION or oid.startswith(f"{ORGANISATION}.") for oid in named
    ):
        raise Wrong("not-a-person")
    policies = _extension(certificate, x509.CertificatePolicies)
    under = {p.policy_identifier.dotted_string for p in policies} if policies is not None else set()
    if under & POLICIES_OF_ORGANISATIONS:
        raise Wrong("not-a-person")
    units = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
    if any(str(unit.value).startswith("BIN") for unit in units):
        raise Wrong("not-a-person")


def _iin_of(certificate: Certificate) -> str:
    from cryptography.x509.oid import NameOID

    numbers = certificate.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)
    found = _IIN.match(str(numbers[0].value)) if len(numbers) == 1 else None
    if found is None:
        raise Wrong("no-iin")
    return found[1]


def _extension(certificate: Certificate, kind: type[E]) -> E | None:
    from cryptography import x509

    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
    except (ValueError, x509.DuplicateExtension) as error:
        raise Wrong("not-cms") from error


# --- what is configured ---------------------------------------------------------------------------


def _anchors() -> Anchors:
    """Return the configured roots. Raises VerifierSilent without any."""
    named = os.environ.get("KEZEK_EDS_ROOTS", "")
    anchors = _read_anchors(named, _marks(named))
    if not anchors.roots:
        raise VerifierSilent(missing="roots")
    return anchors


@functools.lru_cache(maxsize=4)
def _read_anchors(named: str, _: tuple[tuple[str, int], ...]) -> Anchors:
    from cryptography import x509

    roots: list[Certificate] = []
    between: list[Certificate] = []
    for content in _contents(named):
        try:
            if b"-----BEGIN" in content:
                read = x509.load_pem_x509_certificates(content)
            else:
                read = [x509.load_der_x509_certificate(content)]
        except (ValueError, x509.InvalidVersion) as error:
            raise VerifierSilent(missing="roots") from error
        for certificate in read:
            own = certificate.issuer == certificate.subject
            (roots if own else between).append(certificate)
    return Anchors(tuple(roots), tuple(between))


def _contents(named: str) -> list[bytes]:
    """Return the PEM text of a setting, or what lies in the folder or file that it names."""
    if named.lstrip().startswith("-----BEGIN"):
        return [named.encode()]
    return [Path(path).read_bytes() for path, _ in _marks(named)]


def _marks(named: str) -> tuple[tuple[str, int], ...]:
    """Return files with the times they were changed, so that a new one is read without restart."""
    if not named or named.lstrip().startswith("-----BEGIN"):
        return ()
    place = Path(named)
    try:
        files = sorted(place.iterdir()) if place.is_dir() else [place]
        return tuple((str(f), f.stat().st_mtime_ns) for f in files if f.is_file())
    except OSError as error:
        raise VerifierSilent(missing="settings") from error


# --- revocation -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _List:
    """A revocation list with the mark of its file, or the instant it was fetched."""

    mark: str
    value: CertificateRevocationList


_lists: dict[str, _List] = {}


def _check_revocation(way: Sequence[Certificate], *, now: datetime) -> None:
    """Raise Wrong when a certificate on the way was revoked, VerifierSilent when nobody knows."""
    lists = list(_revocation_lists(now))
    for certificate, issuer in pairwise(way):
        newest = _newest(lists, issuer, now=now)
        if newest.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None:
            raise Wrong("revoked")


def _newest(
    lists: Iterable[CertificateRevocationList], issuer: Certificate, *, now: datetime
) -> CertificateRevocationList:
    """Return the newest list that an authority signed and that is in force. Raises VerifierSilent.

    A list that covers a part only, or changes since another, has a critical extension that says so;
    it would pass over what it does not cover.
    """
    from cryptography import x509

    usage = _extension(issuer, x509.KeyUsage)
    own = [
        each
        for each in lists
        if each.issuer == issuer.subject
        and (usage is None or usage.crl_sign)
        and each.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]
        and not any(extension.critical for extension in each.extensions)
    ]
    if not own:
        raise VerifierSilent(missing="revocation-list")
    newest = max(own, key=lambda each: each.last_update_utc)
    until = newest.next_update_utc
    if newest.last_update_utc > now or until is None or until <= now:
        raise VerifierSilent(missing="fresh-revocation-list")
    return newest


def _revocation_lists(now: datetime) -> Iterable[CertificateRevocationList]:
    named = os.environ.get("KEZEK_EDS_CRLS", "")
    if named.startswith(("http://", "https://")):
        until = time.monotonic() + _FETCH_WHOLE_S
        for address in named.split():
            yield _fetched(address, now=now, within_s=until - time.monotonic())
        return
    for path, changed in _marks(named):
        kept = _lists.get(path)
        if kept is None or kept.mark != str(changed):
            kept = _lists[path] = _List(str(changed), _read_list(Path(path).read_bytes()))
        yield kept.value


def _fetched(address: str, *, now: datetime, within_s: float) -> CertificateRevocationList:
    """Return a list from its address, kept for an hour; it is signed, so any way there will do."""
    kept = _lists.get(address)
    if kept is not None and now - datetime.fromisoformat(kept.mark) < _LIST_KEPT:
        return kept.value
    step_s = min(_FETCH_TIMEOUT_S, within_s)
    try:
        if step_s <= 0:
            raise TimeoutError("others took the time")
        with urllib.request.urlopen(address, timeout=step_s) as answer:  # noqa: S310  # nosec B310
            content = read_whole(answer, most=_LIST_BYTES_MAX, within_s=within_s)
    except (urllib.error.URLError, OSError) as error:
        if kept is not None:  # its own dates say whether it still counts; ask again in a minute
            again = now.astimezone(UTC) - _LIST_KEPT + _ASKED_AGAIN
            _lists[address] = _List(again.isoformat(), kept.value)
            return kept.value
        raise VerifierSilent(missing="revocation-list") from error
    _lists[address] = _List(now.astimezone(UTC).isoformat(), _read_list(content))
    return _lists[address].value


def _read_list(content: bytes) -> CertificateRevocationList:
    from cryptography import x509

    try:
        if content.lstrip().startswith(b"-----BEGIN"):
            return x509.load_pem_x509_crl(content)
        return x509.load_der_x509_crl(content)
    except (ValueError, x509.InvalidVersion) as error:
        raise VerifierSilent(missing="revocation-list") from error
