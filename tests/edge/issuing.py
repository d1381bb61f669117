"""Issuers for tests: small ones on loopback, whose keys, health and manners a test can change."""

from __future__ import annotations

import base64
import json
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chalicelib.edge import auth, issuers
from chalicelib.kernel.actors import Actor

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
PORTAL, STAFF, SERVICE = "https://portal.test", "https://staff.test", "https://service.test"
STRONG = "urn:test:eds"


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def number(value: int) -> str:
    return b64(value.to_bytes((value.bit_length() + 7) // 8))


def okp(key: Ed25519PrivateKey, kid: str, **over: Any) -> dict[str, Any]:
    x = b64(key.public_key().public_bytes_raw())
    return {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid, "alg": "EdDSA", **over}


def ecc(key: ec.EllipticCurvePrivateKey, kid: str, **over: Any) -> dict[str, Any]:
    at, size = key.public_key().public_numbers(), (key.curve.key_size + 7) // 8
    return {
        "kty": "EC",
        "crv": {"secp256r1": "P-256", "secp384r1": "P-384"}[key.curve.name],
        "x": b64(at.x.to_bytes(size)),
        "y": b64(at.y.to_bytes(size)),
        "kid": kid,
        **over,
    }


def rsa_(key: rsa.RSAPrivateKey, kid: str, **over: Any) -> dict[str, Any]:
    at = key.public_key().public_numbers()
    return {"kty": "RSA", "n": number(at.n), "e": number(at.e), "kid": kid, **over}


@dataclass
class Issuer:
    """One issuer: what it publishes at its address, and how it behaves there."""

    iss: str
    kid: str
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    more: list[dict[str, Any]] = field(default_factory=list)
    status: int = 200
    raw: bytes | None = None
    location: str | None = None
    asked: int = 0
    hold: threading.Event | None = None

    def __post_init__(self) -> None:
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked += 1
                if issuer.hold is not None:
                    issuer.hold.wait(5)
                self.send_response(issuer.status)
                if issuer.location is not None:
                    self.send_header("Location", issuer.location)
                self.end_headers()
                self.wfile.write(issuer.published())

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/keys"

    def published(self) -> bytes:
        if self.raw is not None:
            return self.raw
        return json.dumps({"keys": [okp(self.key, self.kid), *self.more]}).encode()

    def entry(self, *roles: str, **more: Any) -> dict[str, Any]:
        """Return its entry of KEZEK_ISSUERS."""
        return {
            "iss": self.iss,
            "jwks_uri": self.address,
            "aud": "kezek",
            "algs": ["EdDSA"],
            "roles": list(roles),
            "strong": [STRONG],
            **more,
        }

    def claims(self, **over: Any) -> dict[str, Any]:
        """Return claims of a good token; None takes one away."""
        usual: dict[str, Any] = {
            "iss": self.iss,
            "aud": "kezek",
            "sub": "person-1",
            "iat": NOW.timestamp(),
            "exp": (NOW + timedelta(minutes=5)).timestamp(),
            "roles": ["representative"],
            **over,
        }
        return {name: value for name, value in usual.items() if value is not None}

    def token(self, *, header: dict[str, Any] | None = None, **over: Any) -> str:
        headers = {"kid": self.kid, **(header or {})}
        headers = {name: value for name, value in headers.items() if value is not None}
        return jwt.encode(self.claims(**over), self.key, algorithm="EdDSA", headers=headers)

    def signs(self, header: Any, payload: Any) -> str:
        """Sign what a careful library would not."""
        parts = (p if isinstance(p, bytes) else json.dumps(p).encode() for p in (header, payload))
        signing = ".".join(b64(part) for part in parts)
        return f"{signing}.{b64(self.key.sign(signing.encode()))}"

    def close(self) -> None:
        if self.hold is not None:
            self.hold.set()
        self.server.shutdown()
        self.server.server_close()


def configure(monkeypatch: pytest.MonkeyPatch, *entries: dict[str, Any]) -> None:
    monkeypatch.setenv("KEZEK_ISSUERS", json.dumps(entries))
    auth.forget_keys()


def caller(token: str, now: datetime = NOW) -> Actor:
    return auth.caller(f"Bearer {token}", now=now)


class Clock:
    """The clock by which keys grow old."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at = 1_000.0
        monkeypatch.setattr(issuers, "_monotonic", lambda: self.at)

    def pass_(self, seconds: float) -> None:
        self.at += seconds


def device_token(key: Ed25519PrivateKey, *, alter: Any = None, **over: Any) -> str:
    """Return a token a tablet signs itself."""
    raw = key.public_key().public_bytes_raw()
    header: dict[str, Any] = {
        "typ": "kezek-device+jwt",
        "jwk": {"kty": "OKP", "crv": "Ed25519", "x": b64(raw)},
    }
    if alter:
        alter(header)
    payload = {
        "iss": "device",
        "aud": "kezek",
        "sub": auth.device_id(raw),
        "iat": NOW.timestamp(),
        "exp": NOW.timestamp() + 300,
        **over,
    }
    return jwt.encode(payload, key, algorithm="EdDSA", headers=header)
