"""A tablet as a vendor would write one: it keeps a chain, signs records, and signs in by itself.

Nothing here comes from chalicelib: what a tablet does follows from docs/check-in-format.md alone.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import jwt
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

FIRST_PREV = "A" * 43


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@dataclass
class Tablet:
    """One tablet with its key; `records` is all it ever signed."""

    seed: int = 1
    counter: int = 0
    prev: str = FIRST_PREV
    records: list[dict[str, Any]] = field(default_factory=list)

    @property
    def key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"%d" % self.seed).digest())

    @property
    def public(self) -> bytes:
        return self.key.public_key().public_bytes_raw()

    @property
    def device_id(self) -> str:
        digest = hashlib.sha256(self.public).digest()[:16]
        return base64.b32encode(digest).decode().rstrip("=").lower()

    def sign(self, at: str, kind: str = "in", enrolment: str = "enrolment-01", **more: Any) -> dict:
        """Return the next record of the chain."""
        self.counter += 1
        record = {
            "v": 1,
            "alg": "Ed25519",
            "kid": self.device_id,
            "counter": self.counter,
            "prev": self.prev,
            "enrolment": enrolment,
            "kind": kind,
            "at": at,
            "way": "educator",
            **more,
        }
        signed = self.signed(record)
        self.prev = b64(hashlib.sha256(rfc8785.dumps(signed)).digest())
        self.records.append(signed)
        return signed

    def signed(self, record: dict[str, Any]) -> dict[str, Any]:
        """Return a record with its signature, whatever stands in it."""
        bare = {name: value for name, value in record.items() if name != "sig"}
        return {**bare, "sig": b64(self.key.sign(rfc8785.dumps(bare)))}

    def proof(self, code: str) -> str:
        text = f"kezek-pair-v1|{self.device_id}|{code.replace('-', '').upper()}"
        return b64(self.key.sign(text.encode()))

    def token(self, now: datetime, **changes: Any) -> str:
        """Return the tablet's own short token."""
        at = int(now.timestamp())
        claims = {
            "iss": "device",
            "sub": self.device_id,
            "aud": "kezek",
            "iat": at,
            "exp": at + 300,
        }
        jwk = {"kty": "OKP", "crv": "Ed25519", "x": b64(self.public)}
        return jwt.encode(
            {**claims, **changes},
            self.key,
            algorithm="EdDSA",
            headers={"typ": "kezek-device+jwt", "jwk": jwk},
        )
