"""What every story needs: a tablet that signs, and people who act over HTTP."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import jwt
import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chalicelib.policy import actions as policy
from infra.local.testing import Said, TestCloud


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@dataclass
class Tablet:
    """A vendor's tablet, written from docs/check-in-format.md alone."""

    cloud: TestCloud
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    counter: int = 0
    prev: str = "A" * 43

    @property
    def public(self) -> bytes:
        return self.key.public_key().public_bytes_raw()

    @property
    def id(self) -> str:
        return (
            base64.b32encode(hashlib.sha256(self.public).digest()[:16]).decode().rstrip("=").lower()
        )

    def pair(self, code: str) -> Said:
        code = code.replace("-", "").upper()
        proof = self.key.sign(f"kezek-pair-v1|{self.id}|{code}".encode())
        body = {
            "code": code,
            "public_key": b64(self.public),
            "label": "Tablet",
            "proof": b64(proof),
        }
        return self.cloud.put(f"/v1/attendance/devices/{self.id}", body)

    def token(self) -> str:
        now = self.cloud.clock().timestamp()
        jwk = {"kty": "OKP", "crv": "Ed25519", "x": b64(self.public)}
        claims = {"iss": "device", "aud": "kezek", "sub": self.id, "iat": now, "exp": now + 300}
        headers = {"typ": "kezek-device+jwt", "jwk": jwk}
        return jwt.encode(claims, self.key, algorithm="EdDSA", headers=headers)

    def record(self, enrolment: str, kind: str, at: datetime, **more: Any) -> dict[str, Any]:
        self.counter += 1
        unsigned = {
            "v": 1,
            "alg": "Ed25519",
            "kid": self.id,
            "counter": self.counter,
            "prev": self.prev,
            "enrolment": enrolment,
            "kind": kind,
            "at": at.isoformat(),
            "way": "educator",
            **more,
        }
        signed = {**unsigned, "sig": b64(self.key.sign(rfc8785.dumps(unsigned)))}
        self.prev = b64(hashlib.sha256(rfc8785.dumps(signed)).digest())
        return signed

    def upload(self, records: list[dict[str, Any]]) -> Said:
        return self.cloud.post("/v1/attendance/records", {"records": records}, token=self.token())


@dataclass
class Person:
    """Somebody with a role: every request carries a fresh token of theirs."""

    cloud: TestCloud
    role: str
    subject: str
    claims: dict[str, Any] = field(default_factory=dict)

    def token(self) -> str:
        return self.cloud.token(self.role, self.subject, **self.claims)

    def get(self, path: str, **more: Any) -> Any:
        return self._done(self.cloud.get(path, token=self.token(), **more))

    def put(self, path: str, body: object = None) -> Any:
        return self._done(self.cloud.put(path, body, token=self.token()))

    def refused(self, method: str, path: str, body: object = None) -> str | None:
        """Return the code of the refusal that the request must get."""
        said = self.cloud.request(method, path, body, token=self.token())
        assert said.status >= 400, said.text
        return said.code

    def _done(self, said: Said) -> Any:
        assert said.status < 300, f"{said.status} {said.text}"
        return said.json


@pytest.fixture
def person(cloud: TestCloud) -> Callable[..., Person]:
    def make(role: str, subject: str, **claims: Any) -> Person:
        return Person(cloud, role, subject, claims)

    return make


@pytest.fixture
def tablet(cloud: TestCloud) -> Callable[[], Tablet]:
    return lambda: Tablet(cloud)


@pytest.fixture
def days() -> Callable[[datetime, int], datetime]:
    return lambda at, n: at + timedelta(days=n)


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Karaganda's clubs be the only programme: no other area's nights are played."""
    monkeypatch.setattr(policy, "_files", lambda _folder: ("clubs-karaganda.toml",))
