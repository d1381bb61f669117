"""B3: only tokens we can verify in full open anything; each forgery fails by name.

Fixed algorithms, pinned issuer, audience, expiry; keys only from the configured set; unknown key
ids cannot flood the issuer. The development issuer is nobody unless it is configured.
"""

from __future__ import annotations

import base64
import hmac
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chalicelib.edge import auth, issuers
from chalicelib.kernel.actors import Role
from chalicelib.storage import secrets
from infra import template
from infra.local import issuer as development
from infra.local.testing import MORNING, TestCloud
from tests.edge.issuing import (
    NOW,
    PORTAL,
    SERVICE,
    STAFF,
    STRONG,
    Clock,
    Issuer,
    b64,
    caller,
    configure,
    device_token,
    ecc,
    okp,
    rsa_,
)

ROOT = Path(__file__).resolve().parents[2]


class Three:
    """The portal, the staff's directory and a service, each with the roles it vouches for."""

    def __init__(self) -> None:
        self.portal, self.staff = Issuer(PORTAL, "p1"), Issuer(STAFF, "s1")
        self.service = Issuer(SERVICE, "v1")
        self.rsa = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
        self.ec = ec.generate_private_key(ec.SECP256R1())
        self.staff.more = [rsa_(self.rsa, "s-rsa"), ecc(self.ec, "s-ec")]

    def entries(self) -> list[dict[str, Any]]:
        every = ["EdDSA", "ES256", "RS256"]
        return [
            self.portal.entry("representative"),
            self.staff.entry("department", "finance", "operator", algs=every, aud="kezek-staff"),
            self.service.entry("portal", longest_s=600),
        ]


@pytest.fixture
def three(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Three]:
    secrets.new_keyring_file(tmp_path / "keys.json")
    monkeypatch.setenv("KEZEK_KEYS_FILE", str(tmp_path / "keys.json"))
    secrets.forget_keyring()
    made = Three()
    configure(monkeypatch, *made.entries())
    yield made
    for one in (made.portal, made.staff, made.service):
        one.close()
    auth.forget_keys()
    secrets.forget_keyring()


def staff(three: Three, **over: Any) -> str:
    return three.staff.token(aud="kezek-staff", **{"roles": ["finance"], **over})


# --- who is let in


def test_each_issuer_vouches_for_its_own_roles(three: Three) -> None:
    every = [role.value for role in Role]

    assert caller(three.portal.token(roles=every)).roles == {Role.REPRESENTATIVE}
    assert caller(staff(three, roles=every)).roles == {
        Role.DEPARTMENT,
        Role.FINANCE,
        Role.OPERATOR,
    }
    assert caller(three.service.token(roles=every)).roles == {Role.PORTAL}


def test_the_same_subject_at_two_issuers_is_two_people(three: Three) -> None:
    one, other = caller(three.portal.token()), caller(three.service.token(roles=["portal"]))

    assert one.subject != other.subject
    assert "person-1" not in one.subject


def test_what_the_token_says_of_its_sign_in_is_known(three: Three) -> None:
    signed_in = NOW - timedelta(minutes=3)
    claims = {"auth_time": signed_in.timestamp(), "acr": STRONG}

    actor = caller(three.portal.token(sid="session-1", jti="token-1", **claims))
    again = caller(three.portal.token(sid="session-1", jti="token-2"))
    without = caller(three.portal.token(jti="token-1", **claims))

    assert (actor.issuer, actor.signed_in_at, actor.strong_at) == (PORTAL, signed_in, signed_in)
    assert actor.session == again.session != without.session
    assert "session-1" not in actor.session
    assert (again.signed_in_at, again.strong_at) == (NOW, None)


@pytest.mark.parametrize(
    "claims",
    [
        {"acr": STRONG},
        {"acr": "password", "auth_time": NOW.timestamp()},
        {"acr": [STRONG], "auth_time": NOW.timestamp()},
        {"auth_time": NOW.timestamp()},
    ],
)
def test_a_sign_in_is_strong_only_if_its_issuer_says_how_and_when(
    three: Three, claims: dict[str, Any]
) -> None:
    assert caller(three.portal.token(**claims)).strong_at is None


def test_every_algorithm_that_is_configured_verifies(three: Three) -> None:
    claims = three.staff.claims(aud="kezek-staff", roles=["finance"])

    for key, alg, kid in ((three.rsa, "RS256", "s-rsa"), (three.ec, "ES256", "s-ec")):
        token = jwt.encode(claims, key, algorithm=alg, headers={"kid": kid})
        assert caller(token).roles == {Role.FINANCE}


# --- who is not


def none(three: Three) -> str:
    head = b64(json.dumps({"alg": "none", "kid": "p1"}).encode())
    return f"{head}.{b64(json.dumps(three.portal.claims()).encode())}."


def hmac_with_the_public_key(three: Three) -> str:
    pem = three.portal.key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    head = b64(json.dumps({"alg": "HS256", "typ": "JWT", "kid": "p1"}).encode())
    signing = f"{head}.{b64(json.dumps(three.portal.claims()).encode())}"
    return f"{signing}.{b64(hmac.new(pem, signing.encode(), sha256).digest())}"


def altered(three: Three) -> str:
    head, _, signature = three.portal.token().split(".")
    claims = three.portal.claims(sub="somebody-else")
    return f"{head}.{b64(json.dumps(claims).encode())}.{signature}"


def own_key(three: Three, **header: Any) -> str:
    mine = Ed25519PrivateKey.generate()
    headers = {"kid": "p1", "jwk": okp(mine, "p1"), **header}
    return jwt.encode(three.portal.claims(), mine, algorithm="EdDSA", headers=headers)


def swapped_curve(three: Three) -> str:
    """An ES384 signature where the key is on another curve, under the name of ES256."""
    other = ec.generate_private_key(ec.SECP384R1())
    token = jwt.encode(
        three.staff.claims(aud="kezek-staff"), other, algorithm="ES384", headers={"kid": "s-ec"}
    )
    _, payload, signature = token.split(".")
    return f"{b64(json.dumps({'alg': 'ES256', 'kid': 's-ec'}).encode())}.{payload}.{signature}"


def small_rsa(three: Three) -> str:
    """An RSA key of 1024 bits, published by its own issuer."""
    small = rsa.generate_private_key(public_exponent=65_537, key_size=1024)
    three.staff.more.append(rsa_(small, "s-small"))
    claims = three.staff.claims(aud="kezek-staff")
    n = small.private_numbers()
    assert n.public_numbers.n.bit_length() == 1024
    head = b64(json.dumps({"alg": "RS256", "kid": "s-small"}).encode())
    signing = f"{head}.{b64(json.dumps(claims).encode())}"
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    signature = small.sign(signing.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{signing}.{b64(signature)}"


def published(three: Three, alg: str, key: dict[str, Any], signer: Any) -> str:
    three.staff.more.append(key)
    claims = three.staff.claims(aud="kezek-staff")
    return jwt.encode(claims, signer, algorithm=alg, headers={"kid": key["kid"]})


def cut(token: str, by: int) -> str:
    return token[:-by]


def not_canonical(token: str) -> str:
    """The same signature written with other spare bits."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = alphabet[alphabet.index(token[-1]) ^ 1]
    padded = base64.urlsafe_b64decode(token.split(".")[2][:-1] + last + "==")
    assert padded == base64.urlsafe_b64decode(token.split(".")[2] + "==")
    return token[:-1] + last


def doubled_claim(three: Three) -> str:
    text = json.dumps(three.portal.claims(sub="a"))
    doubled = text[:-1] + ', "sub": "b"}'
    return three.portal.signs({"alg": "EdDSA", "kid": "p1"}, doubled.encode())


SECONDS = timedelta(seconds=1)
FORGERIES: list[tuple[str, Any, str]] = [
    # algorithms
    ("alg none", none, "algorithm"),
    ("alg none in other letters", lambda t: none(t).replace(
        b64(b'{"alg": "none"')[:10], b64(b'{"alg": "nOnE"')[:10]), "algorithm"),
    ("HMAC keyed with the public key", hmac_with_the_public_key, "algorithm"),
    ("RS256 where EdDSA is fixed", lambda t: jwt.encode(
        t.portal.claims(), t.rsa, algorithm="RS256", headers={"kid": "p1"}), "algorithm"),
    ("PS256, which nobody may use", lambda t: jwt.encode(
        t.staff.claims(aud="kezek-staff"), t.rsa, algorithm="PS256",
        headers={"kid": "s-rsa"}), "algorithm"),
    ("an RSA key under EdDSA's kid", lambda t: jwt.encode(
        t.staff.claims(aud="kezek-staff"), t.rsa, algorithm="RS256",
        headers={"kid": "s1"}), "key"),
    ("a curve that is not the key's", swapped_curve, "signature"),
    ("an algorithm that is a list", lambda t: t.portal.signs(
        {"alg": ["EdDSA"], "kid": "p1"}, t.portal.claims()), "algorithm"),
    ("no algorithm", lambda t: t.portal.signs({"kid": "p1"}, t.portal.claims()), "algorithm"),
    # keys
    ("another key under our kid", lambda t: jwt.encode(
        t.portal.claims(), Ed25519PrivateKey.generate(), algorithm="EdDSA",
        headers={"kid": "p1"}), "signature"),
    ("unknown kid", lambda t: t.portal.token(header={"kid": "k9"}), "key"),
    ("no kid", lambda t: t.portal.token(header={"kid": None}), "key"),
    ("a kid that is a number", lambda t: t.portal.signs(
        {"alg": "EdDSA", "kid": 1}, t.portal.claims()), "key"),
    ("a kid with a path in it", lambda t: t.portal.token(
        header={"kid": "../../dev/null\n"}), "key"),
    ("kid of another issuer", lambda t: t.portal.token(header={"kid": "s1"}), "key"),
    ("signed by another issuer in this one's name", lambda t: t.staff.token(
        iss=PORTAL, header={"kid": "p1"}), "signature"),
    ("a key of its own in the header", own_key, "signature"),
    ("a key of its own at jku", lambda t: own_key(
        t, jku="https://evil.test/keys", jwk=None), "signature"),
    ("a certificate of its own at x5u", lambda t: own_key(
        t, x5u="https://evil.test/cert", x5c=["MIIB"]), "signature"),
    ("an RSA key of 1024 bits", small_rsa, "key"),
    ("a key on a curve nobody may use", lambda t: published(
        t, "ES384", ecc(k := ec.generate_private_key(ec.SECP384R1()), "s-384"), k), "algorithm"),
    ("a published secret", lambda t: published(
        t, "HS256", {"kty": "oct", "k": b64(b"s" * 32), "kid": "s-oct"}, "s" * 32), "algorithm"),
    ("a key for encryption", lambda t: published(
        t, "EdDSA", okp(k := Ed25519PrivateKey.generate(), "s-enc", use="enc"), k), "key"),
    ("a key that may not verify", lambda t: published(
        t, "EdDSA", okp(k := Ed25519PrivateKey.generate(), "s-ops", key_ops=["sign"]), k), "key"),
    ("a private key that was published", lambda t: published(
        t, "EdDSA",
        okp(k := Ed25519PrivateKey.generate(), "s-d", d=b64(k.private_bytes_raw())), k), "key"),
    ("a key whose type is not its algorithm's", lambda t: published(
        t, "EdDSA", okp(k := Ed25519PrivateKey.generate(), "s-alg", alg="RS256"), k), "key"),
    # headers
    ("crit", lambda t: t.portal.token(header={"crit": ["exp"]}), "header"),
    ("an unencoded payload", lambda t: t.portal.signs(
        {"alg": "EdDSA", "kid": "p1", "b64": False}, t.portal.claims()), "header"),
    ("a compressed payload", lambda t: t.portal.token(header={"zip": "DEF"}), "header"),
    ("another type of token", lambda t: t.portal.token(header={"typ": "secevent+jwt"}), "typ"),
    ("a logout token", lambda t: t.portal.token(header={"typ": "logout+jwt"}), "typ"),
    ("a logout token under a plain type", lambda t: t.portal.token(
        events={auth.LOGOUT_EVENT: {}}), "subject"),
    ("a person's token in a tablet's clothes", lambda t: t.portal.token(
        header={"typ": "kezek-device+jwt"}), "algorithm"),
    # issuer, audience, subject
    ("unknown issuer", lambda t: t.portal.token(iss="https://evil.test"), "issuer"),
    ("an issuer with a slash more", lambda t: t.portal.token(iss=PORTAL + "/"), "issuer"),
    ("no issuer", lambda t: t.portal.token(iss=None), "issuer"),
    ("issuer is a list", lambda t: t.portal.signs(
        {"alg": "EdDSA", "kid": "p1"}, t.portal.claims(iss=[PORTAL])), "issuer"),
    ("another audience", lambda t: t.portal.token(aud="bank"), "audience"),
    ("another issuer's audience", lambda t: t.portal.token(aud="kezek-staff"), "audience"),
    ("an audience that begins alike", lambda t: t.portal.token(aud="kezek2"), "audience"),
    ("no audience", lambda t: t.portal.token(aud=None), "missing-aud"),
    ("no subject", lambda t: t.portal.token(sub=None), "missing-sub"),
    ("empty subject", lambda t: t.portal.token(sub=""), "subject"),
    ("a subject that is a number", lambda t: t.portal.signs(
        {"alg": "EdDSA", "kid": "p1"}, t.portal.claims(sub=7)), "subject"),
    ("a subject with a zero byte", lambda t: t.portal.token(sub="a\x00b"), "subject"),
    # times
    ("no iat", lambda t: t.portal.token(iat=None), "missing-iat"),
    ("no exp", lambda t: t.portal.token(exp=None), "missing-exp"),
    ("expired", lambda t: t.portal.token(exp=(NOW - 31 * SECONDS).timestamp()), "expired"),
    ("issued in the future", lambda t: t.portal.token(iat=NOW.timestamp() + 31), "not-yet"),
    ("not before a later time", lambda t: t.portal.token(nbf=NOW.timestamp() + 31), "not-yet"),
    ("signed in in the future", lambda t: t.portal.token(auth_time=NOW.timestamp() + 31), "times"),
    ("exp is a text", lambda t: t.portal.token(exp="2099"), "times"),
    ("exp is true", lambda t: t.portal.token(exp=True), "times"),
    ("exp is endless", lambda t: t.portal.signs(
        {"alg": "EdDSA", "kid": "p1"},
        json.dumps(t.portal.claims()).replace(str(NOW.timestamp() + 300), "1e999").encode(),
    ), "form"),
    ("a life of two hours", lambda t: t.portal.token(exp=NOW.timestamp() + 7200), "life"),
    ("a service's token for an hour", lambda t: t.service.token(
        exp=NOW.timestamp() + 3600), "life"),
    # form
    ("claims altered after signing", altered, "signature"),
    ("a claim said twice", doubled_claim, "form"),
    ("truncated", lambda t: cut(t.portal.token(), 22), "signature"),
    ("without its signature", lambda t: t.portal.token().rpartition(".")[0] + ".", "signature"),
    ("with its last part cut off", lambda t: t.portal.token().rpartition(".")[0], "form"),
    ("trailing garbage", lambda t: t.portal.token() + "AAAA", "signature"),
    ("a trailing line break", lambda t: t.portal.token() + "\n", "form"),
    ("two dots more", lambda t: t.portal.token() + "..", "form"),
    ("a signature written in another way", lambda t: not_canonical(t.portal.token()), "form"),
    ("padded", lambda t: t.portal.token() + "==", "form"),
    ("claims are a list", lambda t: t.portal.signs({"alg": "EdDSA", "kid": "p1"}, [1]), "form"),
    ("the header is a text", lambda t: t.portal.signs("EdDSA", t.portal.claims()), "form"),
    ("not UTF-8", lambda t: t.portal.signs({"alg": "EdDSA", "kid": "p1"}, b'{"a":"\xff"}'), "form"),
    ("as deep as a well", lambda t: t.portal.signs(
        {"alg": "EdDSA", "kid": "p1"}, b"[" * 2000 + b"]" * 2000), "form"),
    ("not a token", lambda t: "abc", "form"),
    ("an empty token", lambda t: "", "form"),
    ("an enormous token", lambda t: t.portal.token(name="a" * 9000), "form"),
    # roles
    ("roles is a text", lambda t: t.portal.token(roles="representative"), "roles"),
    ("roles are numbers", lambda t: t.portal.token(roles=[1]), "roles"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "forge", "problem"), FORGERIES, ids=[f[0] for f in FORGERIES])
def test_b3_a_forged_token_is_refused_by_name(
    three: Three, name: str, forge: Any, problem: str
) -> None:
    token = forge(three)

    with pytest.raises(auth.BadToken) as refused:
        caller(token)

    assert refused.value.facts == {"problem": problem}


def test_b3_the_table_of_forgeries_is_as_long_as_promised() -> None:
    assert len({name for name, _, _ in FORGERIES}) == len(FORGERIES) >= 25


@pytest.mark.parametrize("scheme", ["Basic", "bearer", "Bearer", "BEARER", "DPoP", ""])
def test_only_bearers_are_heard(three: Three, scheme: str) -> None:
    header = f"{scheme} {three.portal.token()}"
    if scheme.lower() == "bearer":
        assert auth.caller(header, now=NOW).roles
        return
    with pytest.raises(auth.BadToken):
        auth.caller(header, now=NOW)


# --- tablets and people


@pytest.mark.parametrize(
    ("over", "alter", "problem"),
    [
        ({"sub": "somebody-else"}, None, "subject"),
        ({"exp": NOW.timestamp() + 3600}, None, "life"),
        ({"aud": "bank"}, None, "audience"),
        ({"iss": PORTAL}, None, "issuer"),
        ({"exp": NOW.timestamp() - 60, "iat": NOW.timestamp() - 300}, None, "expired"),
        ({}, lambda h: h["jwk"].update(crv="X25519"), "key"),
        ({}, lambda h: h["jwk"].update(kty="EC"), "key"),
        ({}, lambda h: h["jwk"].update(d="secret"), "key"),
        ({}, lambda h: h.pop("jwk"), "algorithm"),
        ({}, lambda h: h["jwk"].update(x="AAAA"), "key"),
        ({}, lambda h: h["jwk"].update(x=["AAAA"]), "key"),
        ({}, lambda h: h["jwk"].update(x=b64(bytes(32))), "signature"),
        ({}, lambda h: h.update(crit=["exp"]), "header"),
    ],
)
def test_b3_a_forged_tablet_token_is_refused(
    three: Three, over: dict[str, Any], alter: Any, problem: str
) -> None:
    with pytest.raises(auth.BadToken) as refused:
        caller(device_token(Ed25519PrivateKey.generate(), alter=alter, **over))

    assert refused.value.facts == {"problem": problem}


def test_b3_a_tablet_is_no_person_and_a_person_no_tablet(cloud: TestCloud) -> None:
    at = MORNING.timestamp()
    tablet = device_token(Ed25519PrivateKey.generate(), iat=at, exp=at + 300)

    assert cloud.get("/v1/notices", token=tablet).code == "kezek/not-your-role"
    assert cloud.get("/v1/applications", token=tablet).code == "kezek/not-your-role"
    roster = cloud.get("/v1/attendance/roster", token=cloud.token("device", "tablet-1"))
    assert roster.code == "kezek/not-your-role"
    assert cloud.get("/v1/attendance/roster", token=tablet).code == "attendance/not-paired"


# --- where keys come from


def test_b3_unknown_key_ids_cannot_flood_an_issuer(three: Three) -> None:
    tokens = [three.portal.token(header={"kid": f"unknown-{n}"}) for n in range(40)]
    tokens += [three.staff.token(header={"kid": f"unknown-{n}"}) for n in range(40)]
    barrier = threading.Barrier(8)

    def flood(part: int) -> None:
        barrier.wait()
        for token in tokens[part::8]:
            with pytest.raises(auth.BadToken):
                caller(token)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(flood, range(8)))

    assert (three.portal.asked, three.staff.asked, three.service.asked) == (1, 1, 0)
    assert caller(three.portal.token()).roles, "an honest token waits for nobody"
    assert three.portal.asked == 1


def test_b3_an_issuer_is_asked_once_a_minute_at_most(
    three: Three, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    for _ in range(300):
        with pytest.raises(auth.BadToken):
            caller(three.portal.token(header={"kid": "unknown"}))
        clock.pass_(1)

    assert three.portal.asked == 5


def test_a_key_that_an_issuer_adds_is_found_within_a_minute(
    three: Three, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    old = three.portal.token()
    caller(old)
    three.portal.key, three.portal.kid = Ed25519PrivateKey.generate(), "p2"

    clock.pass_(60)
    assert caller(three.portal.token()).roles
    with pytest.raises(auth.BadToken):
        caller(old)


def test_a_key_that_an_issuer_withdraws_is_dropped_within_ten_minutes(
    three: Three, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    token = three.portal.token()
    caller(token)
    three.portal.raw = b'{"keys": []}'

    clock.pass_(599)
    assert caller(token).roles
    clock.pass_(2)
    with pytest.raises(auth.BadToken):
        caller(token)


def test_keys_serve_for_a_day_while_their_issuer_is_silent(
    three: Three, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    caller(three.portal.token())
    three.portal.status = 503

    clock.pass_(86_000)
    assert caller(three.portal.token()).roles
    clock.pass_(500)
    with pytest.raises(auth.IssuerSilent):
        caller(three.portal.token())
    assert caller(three.service.token(roles=["portal"])).roles, "others do not notice"


ANSWERS: list[tuple[str, dict[str, Any]]] = [
    ("an outage", {"status": 503}),
    ("a redirect", {"status": 302, "location": "http://127.0.0.1:9/keys", "raw": b""}),
    ("another status", {"status": 204, "raw": b""}),
    ("no JSON", {"raw": b"<html>"}),
    ("no key set", {"raw": b"[]"}),
    ("a key set that is none", {"raw": b'{"keys": {"kid": "p1"}}'}),
    ("too much", {"raw": b'{"keys": []}' + b" " * issuers.MOST_KEY_BYTES}),
    ("as deep as a well", {"raw": b"[" * 100_000}),
]


@pytest.mark.parametrize(("name", "answer"), ANSWERS, ids=[a[0] for a in ANSWERS])
def test_an_issuer_that_answers_badly_is_silent_and_nothing_else(
    three: Three, name: str, answer: dict[str, Any]
) -> None:
    for what, value in answer.items():
        setattr(three.portal, what, value)

    with pytest.raises(auth.IssuerSilent) as refused:
        caller(three.portal.token())

    assert 1 <= int(str(refused.value.facts["retry_after_s"])) <= 60
    assert three.portal.asked == 1


def test_a_redirect_is_not_followed(three: Three) -> None:
    three.portal.status, three.portal.raw = 302, b""
    three.portal.location = three.service.address

    with pytest.raises(auth.IssuerSilent):
        caller(three.portal.token())

    assert three.service.asked == 0


def test_one_bad_key_spoils_no_other(three: Three) -> None:
    bad: list[Any] = [1, None, {}, {"kid": "x"}, okp(three.portal.key, "y", x="!"), {"kty": "RSA"}]
    keys = [*bad, okp(three.portal.key, "p1")]
    three.portal.raw = json.dumps({"keys": keys}).encode()

    assert caller(three.portal.token()).roles


# --- settings


GOOD = {"iss": "https://a.test", "jwks_uri": "https://a.test/keys", "roles": ["representative"]}


@pytest.mark.parametrize(
    "configured",
    [
        "not json",
        "{}",
        "[1]",
        json.dumps([{**GOOD, "jwks_uri": "http://a.test/keys"}]),
        json.dumps([{**GOOD, "jwks_uri": "file:///etc/passwd"}]),
        json.dumps([{**GOOD, "jwks_uri": "https://user:word@a.test/keys"}]),
        json.dumps([{**GOOD, "jwks_uri": "http://127.0.0.1.evil.test/keys"}]),
        json.dumps([{**GOOD, "algs": ["HS256"]}]),
        json.dumps([{**GOOD, "algs": ["none"]}]),
        json.dumps([{**GOOD, "algs": []}]),
        json.dumps([{**GOOD, "roles": ["root"]}]),
        json.dumps([{**GOOD, "longest_s": 1_000_000}]),
        json.dumps([{**GOOD, "iss": "device"}]),
        json.dumps([{**GOOD, "audience": "kezek"}]),
        json.dumps([{name: GOOD[name] for name in ("iss", "jwks_uri")}]),
        json.dumps([GOOD, GOOD]),
    ],
)
def test_settings_that_would_open_a_door_are_refused(
    monkeypatch: pytest.MonkeyPatch, configured: str
) -> None:
    monkeypatch.setenv("KEZEK_ISSUERS", configured)
    issuers.forget_issuers()

    with pytest.raises(issuers.Misconfigured):
        issuers.issuers()
    issuers.forget_issuers()


def test_in_lambda_even_this_machine_must_speak_https(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = json.dumps([{**GOOD, "jwks_uri": "http://127.0.0.1:8000/keys"}])
    monkeypatch.setenv("KEZEK_ISSUERS", entry)
    issuers.forget_issuers()
    assert issuers.issuers()

    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "kezek")
    issuers.forget_issuers()
    with pytest.raises(issuers.Misconfigured):
        issuers.issuers()
    issuers.forget_issuers()


def test_no_issuer_vouches_for_jobs_tablets_or_the_public() -> None:
    every = issuers._issuer({**GOOD, "roles": [role.value for role in Role]})

    assert every.roles.isdisjoint({Role.SYSTEM, Role.DEVICE, Role.PUBLIC})


# --- the development issuer


def test_b3_with_default_settings_the_development_issuer_is_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = development.fresh(lambda: NOW)
    monkeypatch.delenv("KEZEK_ISSUERS", raising=False)
    auth.forget_keys()

    for role in Role:
        with pytest.raises(auth.BadToken) as refused:
            caller(made.token(role.value, "somebody"))
        assert refused.value.facts == {"problem": "issuer"}
    auth.forget_keys()


def test_b3_what_ships_has_no_trace_of_the_development_issuer() -> None:
    shipped = [ROOT / "app.py", *(ROOT / "chalicelib").rglob("*")]
    traces = (development.NAME, "kezek.test", "infra.local", development.STRONG)
    found = [
        (path.name, trace)
        for path in shipped
        if path.is_file() and path.suffix in (".py", ".toml", ".html", ".sql")
        for trace in traces
        if trace in path.read_text("utf-8")
    ]

    assert found == []
    merged = template.merge_template("prod")
    assert not any(trace in json.dumps(merged) for trace in traces)
    assert merged["Parameters"]["Issuers"]["Default"] == "[]"


def test_b3_a_process_with_nothing_set_signs_nobody_in(tmp_path: Path) -> None:
    secrets.new_keyring_file(tmp_path / "keys.json")
    token = development.fresh(lambda: NOW).token("finance", "somebody")
    code = (
        "import sys; from datetime import datetime, UTC; from chalicelib.edge import auth\n"
        "try:\n    auth.caller(sys.argv[1], now=datetime.now(UTC))\n"
        "except auth.BadToken as refused:\n    print(refused.facts)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, f"Bearer {token}"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "KEZEK_KEYS_FILE": str(tmp_path / "keys.json")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.stdout.strip() == "{'problem': 'issuer'}", done.stderr
