"""Who signed a text: an honest yes in each form, and each no by its own name."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import cms as asn1
from cryptography.hazmat.primitives import hashes
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.adapters import signatures
from chalicelib.adapters.signatures import PROBLEMS, Verdict, VerifierSilent, trust
from tests.adapters.pki import (
    DAY,
    NOW,
    ORGANISATION,
    PERSON,
    Authority,
    Person,
    a_key,
    message,
)

TEXT = '{"nonce":"n-1","words":{"kk":"Өтініш","ru":"Заявление"}}'.encode()
OTHER = b'{"nonce":"n-0"}'
IIN = "061211600012"


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority("NUC")


@pytest.fixture(scope="module")
def genuine(authority: Authority) -> bytes:
    return message(authority.person(), TEXT, attached=True)


@pytest.fixture(autouse=True)
def configured(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """Roots in the environment, fresh lists in a folder, no verifier service."""
    lists = tmp_path / "lists"
    lists.mkdir()
    (lists / "issuing.crl").write_bytes(authority.revocation_list())
    (lists / "root.crl").write_bytes(authority.revocation_list(by_root=True))
    monkeypatch.setenv("KEZEK_EDS_ROOTS", authority.pem)
    monkeypatch.setenv("KEZEK_EDS_CRLS", str(lists))
    monkeypatch.delenv("KEZEK_EDS_VERIFIER_URL", raising=False)
    trust.forget()
    yield lists
    trust.forget()


def check(cms: bytes, text: bytes = TEXT, **more: Any) -> Verdict:
    return signatures.verify(cms, text, **{"asked_at": NOW, "now": NOW, **more})


# --- yes


@pytest.mark.parametrize("attached", [False, True])
@pytest.mark.parametrize("kind", ["ec", "rsa"])
def test_a_person_signed_the_text(authority: Authority, kind: str, attached: bool) -> None:
    person = authority.person(IIN, key=a_key(f"holder-{kind}", kind=kind))

    verdict = check(person.sign(TEXT, attached=attached))

    assert verdict.problem is None and verdict.signer is not None
    assert verdict.signer.iin == IIN
    fingerprint = person.certificate.fingerprint(hashes.SHA256()).hex()
    assert (verdict.signer.certificate, verdict.signer.via) == (fingerprint, "here")


@pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512"])
@pytest.mark.parametrize("sid", ["issuer", "key"])
def test_other_honest_forms(authority: Authority, digest: str, sid: str) -> None:
    person = authority.person()

    assert check(message(person, TEXT, digest=digest, sid=sid)).problem is None


def test_authorities_may_come_with_the_message(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = authority.person()
    root_alone = authority.pem.split("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----\n"
    monkeypatch.setenv("KEZEK_EDS_ROOTS", root_alone)

    alone = check(message(person, TEXT))
    brought = check(message(person, TEXT, certificates=[person.certificate, authority.issuing]))

    assert (alone.problem, brought.problem) == ("unknown-root", None)


def test_an_rsa_authority(monkeypatch: pytest.MonkeyPatch, configured: Path) -> None:
    authority = Authority("NUC RSA", kind="rsa")
    monkeypatch.setenv("KEZEK_EDS_ROOTS", authority.pem)
    (configured / "rsa.crl").write_bytes(authority.revocation_list())
    (configured / "rsa-root.crl").write_bytes(authority.revocation_list(by_root=True))

    person = authority.person(key=a_key("holder-rsa", kind="rsa"))

    assert check(person.sign(TEXT)).problem is None


# --- no: the message


def _hostile(authority: Authority) -> dict[str, tuple[bytes, str]]:
    person, other = authority.person(), authority.person(key=a_key("other"))
    short = authority.person(key=a_key("short", kind="rsa", bits=1024))

    def without(name: str) -> Any:
        return lambda attributes: [a for a in attributes if a["type"].native != name]

    def doubled(attributes: list[Any]) -> list[Any]:
        extra = asn1.CMSAttribute(
            {"type": "message_digest", "values": [hashlib.sha256(OTHER).digest()]}
        )
        return [*attributes, extra]

    def two_values(attributes: list[Any]) -> list[Any]:
        both = [hashlib.sha256(t).digest() for t in (TEXT, OTHER)]
        rest = without("message_digest")(attributes)
        return [*rest, asn1.CMSAttribute({"type": "message_digest", "values": both})]

    def of_type(attributes: list[Any]) -> list[Any]:
        rest = without("content_type")(attributes)
        return [*rest, asn1.CMSAttribute({"type": "content_type", "values": ["signed_data"]})]

    swapped = asn1.ContentInfo.load(message(person, TEXT))
    swapped["content"]["signer_infos"][0]["signature"] = b"\x30\x06\x02\x01\x01\x02\x01\x01"
    signed = message(person, TEXT)
    return {
        "nothing": (b"", "not-cms"),
        "junk": (b"\x30\x82\xff\xff" + b"junk" * 9, "not-cms"),
        "json": (TEXT, "not-cms"),
        "too much": (b"\x30" * 70_000, "not-cms"),
        "followed by more": (signed + b"\x00", "not-cms"),
        "cut": (signed[:-9], "not-cms"),
        "plain data": (
            asn1.ContentInfo({"content_type": "data", "content": b"x"}).dump(),
            "not-cms",
        ),
        "nobody": (message(person, TEXT, signers=0), "not-one-signer"),
        "two signers": (message(person, TEXT, signers=2), "not-one-signer"),
        "sha-1": (message(person, TEXT, digest="sha1"), "weak-algorithm"),
        "a short key": (message(short, TEXT), "weak-algorithm"),
        "digests differ": (message(person, TEXT, named_digest="sha512"), "weak-algorithm"),
        "named another sort of key": (
            message(person, TEXT, algorithm="sha256_rsa"),
            "weak-algorithm",
        ),
        "no attributes": (message(person, TEXT, attributes=lambda _: None), "attributes-wrong"),
        "no digest": (
            message(person, TEXT, attributes=without("message_digest")),
            "attributes-wrong",
        ),
        "no type": (message(person, TEXT, attributes=without("content_type")), "attributes-wrong"),
        "digest twice": (message(person, TEXT, attributes=doubled), "attributes-wrong"),
        "digest of two": (message(person, TEXT, attributes=two_values), "attributes-wrong"),
        "another type": (message(person, TEXT, attributes=of_type), "attributes-wrong"),
        "attributes changed after": (
            message(person, TEXT, attributes=without("signing_time"), resign=False),
            "signature-wrong",
        ),
        "another text": (message(person, OTHER), "another-text"),
        "another text inside": (message(person, OTHER, attached=True), "another-text"),
        "no certificate": (message(person, TEXT, certificates=[]), "certificate-missing"),
        "another's certificate": (
            message(person, TEXT, certificates=[other.certificate]),
            "certificate-missing",
        ),
        "somebody beside": (
            message(person, TEXT, certificates=[person.certificate, other.certificate]),
            "extra-certificates",
        ),
        "the same twice": (
            message(person, TEXT, certificates=[person.certificate] * 2),
            "extra-certificates",
        ),
        "many": (
            message(person, TEXT, certificates=[person.certificate, *[authority.root] * 7]),
            "extra-certificates",
        ),
        "signature of nothing": (swapped.dump(), "signature-wrong"),
        "another's key": (
            message(Person(a_key("other"), person.certificate), TEXT),
            "signature-wrong",
        ),
    }


HOSTILE = sorted(_hostile(Authority("NAMES")))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_message_is_refused_by_name(authority: Authority, name: str) -> None:
    cms, problem = _hostile(authority)[name]

    verdict = check(cms)

    assert (verdict.problem, verdict.signer) == (problem, None)


def test_of_another_text_the_digest_is_told(authority: Authority) -> None:
    person, digest = authority.person(), hashlib.sha256(OTHER).hexdigest()

    for attached in (False, True):
        assert check(message(person, OTHER, attached=attached)).digest == digest


def test_no_flipped_byte_passes(authority: Authority) -> None:
    """Whatever is changed in the message: a no by name, never a yes, never a crash."""
    genuine = message(authority.person(), TEXT, attached=True)
    harmless = []
    for place in range(len(genuine)):
        flipped = bytearray(genuine)
        flipped[place] ^= 0x01
        verdict = check(bytes(flipped))
        if verdict.problem is None:
            assert verdict.signer is not None and verdict.signer.iin == IIN
            harmless.append(genuine[place : place + 2].hex())
    # Only the tags of empty parameters of digests, which say nothing.
    assert set(harmless) <= {"0500"}, harmless


# --- no: the certificate


@pytest.mark.parametrize(
    ("how", "problem"),
    [
        ({"sign": False}, "wrong-certificate-use"),
        ({"sign": False, "agree": True}, "wrong-certificate-use"),
        ({"ca": True}, "wrong-certificate-use"),
        ({"usages": ()}, "not-a-person"),
        ({"usages": (ORGANISATION,)}, "not-a-person"),
        ({"usages": (PERSON, f"{ORGANISATION}.1")}, "not-a-person"),
        ({"unit": "BIN123456789021"}, "not-a-person"),
        ({"policies": ("1.2.398.3.3.2.1",)}, "not-a-person"),
        ({"number": ""}, "no-iin"),
        ({"number": IIN}, "no-iin"),
        ({"number": f"IIN{IIN}0"}, "no-iin"),
        ({"number": "IIN٠٦١٢١١٦٠٠٠١٢"}, "no-iin"),
        ({"until": NOW - DAY}, "certificate-expired"),
        ({"since": NOW + DAY}, "certificate-expired"),
    ],
)
def test_a_certificate_that_does_not_fit(
    authority: Authority, how: dict[str, Any], problem: str
) -> None:
    assert check(authority.person(**how).sign(TEXT)).problem == problem


def test_a_certificate_is_judged_when_asked_when_signed_and_now(authority: Authority) -> None:
    person = authority.person(until=NOW + DAY)
    signed = message(person, TEXT)

    early = message(person, TEXT, signed_at=NOW - 200 * DAY)

    assert check(signed).problem is None
    assert check(signed, now=NOW + 2 * DAY).problem == "certificate-expired"
    assert check(signed, asked_at=NOW - 101 * DAY).problem == "certificate-expired"
    assert check(early).problem == "certificate-expired"


def test_a_forged_chain_with_the_same_names_is_refused(authority: Authority) -> None:
    forger = Authority("NUC", key_name="forger")
    person = forger.person(IIN)
    brought = [person.certificate, forger.issuing, forger.root]

    assert check(message(person, TEXT)).problem == "unknown-root"
    assert check(message(person, TEXT, certificates=brought)).problem == "unknown-root"
    assert check(message(person, TEXT, certificates=brought[:2])).problem == "unknown-root"


def test_a_person_cannot_issue_certificates(authority: Authority) -> None:
    """A genuine holder signs a certificate of another's IIN with the own key."""
    holder = authority.person("991231500006")
    forger = Authority("NUC")
    forger.key, forger.issuing = holder.key, holder.certificate
    victim = forger.person(IIN, key=a_key("forged"))

    signed = message(victim, TEXT, certificates=[victim.certificate, holder.certificate])

    assert check(signed).problem == "unknown-root"


def test_a_self_signed_person_is_refused() -> None:
    lone = Authority("LONE")
    lone.key, lone.issuing = lone.root_key, lone.root

    assert check(lone.person().sign(TEXT)).problem == "unknown-root"


def test_an_expired_authority_vouches_for_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    old = Authority("OLD", until=NOW - DAY)
    monkeypatch.setenv("KEZEK_EDS_ROOTS", old.pem)

    assert check(old.person().sign(TEXT)).problem == "unknown-root"


# --- revocation


def test_a_revoked_person_is_refused(authority: Authority, configured: Path) -> None:
    person, other = authority.person(), authority.person(key=a_key("other"))
    assert check(person.sign(TEXT)).problem is None

    (configured / "newer.crl").write_bytes(authority.revocation_list(person.certificate, at=NOW))

    assert check(person.sign(TEXT)).problem == "revoked"
    assert check(other.sign(TEXT)).problem is None


def test_a_revoked_authority_is_refused(authority: Authority, configured: Path) -> None:
    (configured / "root.crl").write_bytes(
        authority.revocation_list(authority.issuing, by_root=True, at=NOW - DAY / 4)
    )
    trust.forget()

    assert check(authority.person().sign(TEXT)).problem == "revoked"


@pytest.mark.parametrize(
    "how",
    [
        {"until": NOW - DAY / 8},
        {"until": NOW},
        {"at": NOW + DAY},
        {"key": a_key("forger-of-lists")},
        {"partial": True},
    ],
)
def test_without_a_list_in_force_nobody_says_yes(
    authority: Authority, configured: Path, how: dict[str, Any]
) -> None:
    (configured / "issuing.crl").write_bytes(authority.revocation_list(**how))
    trust.forget()

    with pytest.raises(VerifierSilent):
        check(authority.person().sign(TEXT))


@pytest.mark.parametrize("setting", ["KEZEK_EDS_CRLS", "KEZEK_EDS_ROOTS"])
@pytest.mark.parametrize("value", ["", "/nowhere/at/all"])
def test_without_settings_nobody_says_yes(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, setting: str, value: str
) -> None:
    monkeypatch.setenv(setting, value)

    with pytest.raises(VerifierSilent):
        check(authority.person().sign(TEXT))


def test_junk_for_a_list_is_silence(authority: Authority, configured: Path) -> None:
    (configured / "junk.crl").write_bytes(b"junk")

    with pytest.raises(VerifierSilent):
        check(authority.person().sign(TEXT))


def test_roots_lie_in_a_folder_too(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "roots"
    folder.mkdir()
    (folder / "nuc.pem").write_text(authority.pem)
    monkeypatch.setenv("KEZEK_EDS_ROOTS", str(folder))

    assert check(authority.person().sign(TEXT)).problem is None


def test_every_problem_has_a_text() -> None:
    from chalicelib.edge.texts import catalogue

    for problem in PROBLEMS:
        assert set(catalogue()[f"applications/bad-signature/{problem}"]) == {"kk", "ru", "en"}


def test_lengths_may_be_left_open_as_signing_tools_do(authority: Authority) -> None:
    """BER with lengths left open around the message; what is signed stays DER."""
    signed = asn1.ContentInfo.load(message(authority.person(), TEXT))
    inner = signed["content"].contents
    named = signed["content_type"].dump()
    opened = b"\x30\x80" + named + b"\xa0\x80" + b"\x30\x80" + inner + b"\x00\x00" * 3

    assert check(opened).problem is None


@given(st.binary(max_size=300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_bytes_at_all_break_the_reader(raw: bytes) -> None:
    assert check(raw).problem == "not-cms"


@given(st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_stretch_exchanged_passes(genuine: bytes, data: st.DataObject) -> None:
    """Cut, doubled, overwritten: a no by name or the same signer, never a crash."""
    first = data.draw(st.integers(0, len(genuine) - 1))
    last = data.draw(st.integers(first, min(len(genuine), first + 40)))
    changed = genuine[:first] + data.draw(st.binary(max_size=40)) + genuine[last:]

    verdict = check(changed)

    assert verdict.problem in PROBLEMS or (verdict.signer is not None and verdict.signer.iin == IIN)
