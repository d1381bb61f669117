"""B3: only tokens we can verify in full open anything; each forgery fails by name."""

from __future__ import annotations

import base64
import hmac
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chalicelib.edge import auth
from chalicelib.kernel.actors import PUBLIC, Role
from chalicelib.storage import secrets

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
ISS = "https://portal.test"


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


class Issuer:
    """A small issuer on loopback whose key set and health a test can change."""

    def __init__(self) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.rsa = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.ec = ec.generate_private_key(ec.SECP256R1())
        self.asked = 0
        self.up = True
        self.kid = "k1"
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked += 1
                body = json.dumps(issuer.jwks()).encode() if issuer.up else b"down"
                self.send_response(200 if issuer.up else 503)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def jwks(self) -> dict[str, Any]:
        raw = self.key.public_key().public_bytes_raw()
        return {
            "keys": [
                {"kty": "OKP", "crv": "Ed25519", "x": b64(raw), "kid": self.kid, "alg": "EdDSA"}
            ]
        }

    def configure(self, monkeypatch: pytest.MonkeyPatch) -> None:
        where = f"http://127.0.0.1:{self.server.server_port}/"
        entry = {
            "iss": ISS,
            "jwks_uri": where,
            "aud": "kezek",
            "algs": ["EdDSA"],
            "roles": ["representative", "department"],
        }
        monkeypatch.setenv("KEZEK_ISSUERS", json.dumps([entry]))
        auth.forget_keys()


@pytest.fixture
def issuer(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Iterator[Issuer]:
    keys = tmp_path / "keys.json"
    secrets.new_keyring_file(keys)
    monkeypatch.setenv("KEZEK_KEYS_FILE", str(keys))
    secrets.forget_keyring()
    made = Issuer()
    made.configure(monkeypatch)
    yield made
    made.server.shutdown()
    made.server.server_close()
    auth.forget_keys()
    secrets.forget_keyring()


def claims(**over: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "iss": ISS,
        "aud": "kezek",
        "sub": "person-1",
        "iat": NOW.timestamp(),
        "exp": (NOW + timedelta(minutes=5)).timestamp(),
        "roles": ["representative"],
    }
    base.update(over)
    return {k: v for k, v in base.items() if v is not None}


def signed(issuer: Issuer, *, kid: str | None = "k1", **over: Any) -> str:
    headers = {"kid": kid} if kid else {}
    return jwt.encode(claims(**over), issuer.key, algorithm="EdDSA", headers=headers)


def caller(token: str, now: datetime = NOW) -> Any:
    return auth.caller(f"Bearer {token}", now=now)


def test_a_good_token_names_a_pseudonymous_subject_with_its_roles(issuer: Issuer) -> None:
    actor = caller(signed(issuer, areas=["taldykorgan"], organisations="org-1"))

    assert actor.roles == {Role.REPRESENTATIVE}
    assert actor.areas == {"taldykorgan"}
    assert actor.organisations == {"org-1"}
    assert "person-1" not in actor.subject


def test_no_token_is_the_public(issuer: Issuer) -> None:
    assert auth.caller(None, now=NOW) is PUBLIC


def test_a_role_the_issuer_may_not_give_is_dropped(issuer: Issuer) -> None:
    assert caller(signed(issuer, roles=["finance", "system", "device", "department"])).roles == {
        Role.DEPARTMENT
    }


def _none(issuer: Issuer) -> str:
    return jwt.encode(claims(), None, algorithm="none", headers={"kid": "k1"})  # type: ignore[arg-type]


def _hmac_with_the_public_key(issuer: Issuer) -> str:
    pem = issuer.key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    head = b64(json.dumps({"alg": "HS256", "typ": "JWT", "kid": "k1"}).encode())
    signing = f"{head}.{b64(json.dumps(claims()).encode())}"
    return f"{signing}.{b64(hmac.new(pem, signing.encode(), sha256).digest())}"


def _other_key(issuer: Issuer) -> str:
    return jwt.encode(
        claims(), Ed25519PrivateKey.generate(), algorithm="EdDSA", headers={"kid": "k1"}
    )


def _altered(issuer: Issuer) -> str:
    head, _, sig = signed(issuer).split(".")
    return f"{head}.{b64(json.dumps(claims(roles=['department'])).encode())}.{sig}"


def _embedded_key(issuer: Issuer) -> str:
    mine = Ed25519PrivateKey.generate()
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": b64(mine.public_key().public_bytes_raw())}
    return jwt.encode(claims(), mine, algorithm="EdDSA", headers={"jwk": jwk, "kid": "k1"})


def raw_claims(issuer: Issuer, payload: object) -> str:
    """Sign a payload that a careful library would not."""
    head = b64(json.dumps({"alg": "EdDSA", "typ": "JWT", "kid": "k1"}).encode())
    signing = f"{head}.{b64(json.dumps(payload).encode())}"
    return f"{signing}.{b64(issuer.key.sign(signing.encode()))}"


FORGERIES: list[tuple[str, Any, str]] = [
    ("alg none", _none, "algorithm"),
    ("HMAC keyed with the public key", _hmac_with_the_public_key, "algorithm"),
    (
        "RS256 where EdDSA is fixed",
        lambda i: jwt.encode(claims(), i.rsa, algorithm="RS256", headers={"kid": "k1"}),
        "algorithm",
    ),
    (
        "ES256 where EdDSA is fixed",
        lambda i: jwt.encode(claims(), i.ec, algorithm="ES256", headers={"kid": "k1"}),
        "algorithm",
    ),
    ("another key under our kid", _other_key, "signature"),
    ("claims altered after signing", _altered, "signature"),
    ("a key of its own in the header", _embedded_key, "signature"),
    ("unknown kid", lambda i: signed(i, kid="k9"), "key"),
    ("no kid", lambda i: signed(i, kid=None), "key"),
    ("unknown issuer", lambda i: signed(i, iss="https://evil.test"), "issuer"),
    ("no issuer", lambda i: signed(i, iss=None), "issuer"),
    ("issuer is a list", lambda i: raw_claims(i, claims(iss=[ISS])), "issuer"),
    ("another audience", lambda i: signed(i, aud="bank"), "audience"),
    ("no audience", lambda i: signed(i, aud=None), "missing-aud"),
    ("no subject", lambda i: signed(i, sub=None), "missing-sub"),
    ("empty subject", lambda i: signed(i, sub=""), "subject"),
    ("no iat", lambda i: signed(i, iat=None), "missing-iat"),
    ("no exp", lambda i: signed(i, exp=None), "missing-exp"),
    ("expired", lambda i: signed(i, exp=(NOW - timedelta(seconds=31)).timestamp()), "expired"),
    ("issued in the future", lambda i: signed(i, iat=NOW.timestamp() + 31), "not-yet"),
    ("not before a later time", lambda i: signed(i, nbf=NOW.timestamp() + 31), "not-yet"),
    ("exp is a text", lambda i: signed(i, exp="2099"), "times"),
    ("roles is a text", lambda i: signed(i, roles="department"), "roles"),
    ("claims are a list", lambda i: raw_claims(i, [1]), "form"),
    ("not a token", lambda i: "abc", "form"),
    ("an empty token", lambda i: "", "form"),
    ("an enormous token", lambda i: "a" * 9000, "form"),
]


@pytest.mark.parametrize(("name", "forge", "problem"), FORGERIES, ids=[f[0] for f in FORGERIES])
def test_b3_a_forged_token_is_refused_by_name(
    issuer: Issuer, name: str, forge: Any, problem: str
) -> None:
    with pytest.raises(auth.BadToken) as refused:
        caller(forge(issuer))

    assert refused.value.facts == {"problem": problem}


def test_b3_unknown_key_ids_cannot_flood_the_issuer(issuer: Issuer) -> None:
    for n in range(50):
        with pytest.raises(auth.BadToken):
            caller(signed(issuer, kid=f"unknown-{n}"))

    assert issuer.asked == 1


def test_keys_kept_so_far_serve_through_an_outage_of_the_issuer(issuer: Issuer) -> None:
    caller(signed(issuer))
    issuer.up = False

    assert caller(signed(issuer)).roles == {Role.REPRESENTATIVE}


def test_a_silent_issuer_without_kept_keys_is_said_to_be_silent(issuer: Issuer) -> None:
    issuer.up = False

    with pytest.raises(auth.IssuerSilent):
        caller(signed(issuer))


# --- tablets


def device_token(key: Ed25519PrivateKey, *, alter: Any = None, **over: Any) -> str:
    raw = key.public_key().public_bytes_raw()
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": b64(raw)}
    header: dict[str, Any] = {"typ": "kezek-device+jwt", "jwk": jwk}
    if alter:
        alter(header)
    payload = {
        "iss": "device",
        "aud": "kezek",
        "sub": auth.device_id(raw),
        "iat": NOW.timestamp(),
        "exp": NOW.timestamp() + 300,
    }
    payload.update(over)
    return jwt.encode(payload, key, algorithm="EdDSA", headers=header)


def test_a_tablet_signs_its_own_token_and_is_named_by_its_key(issuer: Issuer) -> None:
    key = Ed25519PrivateKey.generate()

    actor = caller(device_token(key))

    assert actor.roles == {Role.DEVICE}
    assert actor.key == key.public_key().public_bytes_raw()
    assert actor.subject == auth.device_id(actor.key)


@pytest.mark.parametrize(
    ("over", "alter", "problem"),
    [
        ({"sub": "somebody-else"}, None, "subject"),
        ({"exp": NOW.timestamp() + 3600}, None, "life"),
        ({"aud": "bank"}, None, "audience"),
        ({"iss": ISS}, None, "issuer"),
        ({"exp": NOW.timestamp() - 60, "iat": NOW.timestamp() - 300}, None, "expired"),
        ({}, lambda h: h["jwk"].update(crv="X25519"), "key"),
        ({}, lambda h: h["jwk"].update(d="secret"), "key"),
        ({}, lambda h: h.pop("jwk"), "algorithm"),
        ({}, lambda h: h["jwk"].update(x="AAAA"), "key"),
        ({}, lambda h: h["jwk"].update(x=b64(bytes(32))), "signature"),
    ],
)
def test_b3_a_forged_tablet_token_is_refused(
    issuer: Issuer, over: dict[str, Any], alter: Any, problem: str
) -> None:
    with pytest.raises(auth.BadToken) as refused:
        caller(device_token(Ed25519PrivateKey.generate(), alter=alter, **over))

    assert refused.value.facts == {"problem": problem}
