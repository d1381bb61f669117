"""A tablet, as any vendor could write it from docs/check-in-format.md: keys, chain, uploads.

Shares no code with the server on purpose: what the demo and the importer send is made by the
published format alone.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from infra.client import Answer, Api

FIRST_PREV = "A" * 43
MOST_RECORDS = 500
_TOKEN_S = 500

Record = dict[str, Any]


@dataclass(slots=True)
class Tablet:
    """A key and the end of the chain it signed."""

    key: Ed25519PrivateKey
    counter: int = 0
    prev: str = FIRST_PREV
    _token: tuple[int, str] | None = None

    @classmethod
    def new(cls) -> Tablet:
        """Return a tablet with a key of its own."""
        return cls(Ed25519PrivateKey.generate())

    def copied(self) -> Tablet:
        """Return what somebody has who copied the key and the chain's end to another machine."""
        return Tablet(self.key, self.counter, self.prev)

    @property
    def public_key(self) -> bytes:
        return self.key.public_key().public_bytes_raw()

    @property
    def device_id(self) -> str:
        """Return the first 16 bytes of the key's SHA-256 in base32, small letters."""
        digest = hashlib.sha256(self.public_key).digest()[:16]
        return base64.b32encode(digest).decode().rstrip("=").lower()

    def pair(self, api: Api, code: str, label: str) -> Answer:
        """Register the public half with a head's one-time code."""
        typed = code.replace("-", "").replace(" ", "").upper()
        proof = self.key.sign(f"kezek-pair-v1|{self.device_id}|{typed}".encode())
        body = {
            "code": code,
            "public_key": _text(self.public_key),
            "label": label,
            "proof": _text(proof),
        }
        return api.as_(None).put(f"/v1/attendance/devices/{self.device_id}", body)

    def sign(
        self,
        enrolment: str,
        kind: str,
        at: datetime,
        *,
        way: str = "educator",
        reason: str | None = None,
    ) -> Record:
        """Return the next record of the chain. kind: in, out, absence (with a reason)."""
        self.counter += 1
        record: Record = {
            "v": 1,
            "alg": "Ed25519",
            "kid": self.device_id,
            "counter": self.counter,
            "prev": self.prev,
            "enrolment": enrolment,
            "kind": kind,
            "at": at.isoformat(timespec="seconds"),
            "way": way,
        }
        if reason is not None:
            record["reason"] = reason
        record["sig"] = _text(self.key.sign(_canonical(record)))
        self.prev = digest(record)
        return record

    def upload(self, api: Api, records: list[Record], now: datetime) -> Answer:
        """Hand records in, at most 500."""
        return api.as_(self.token(now)).post("/v1/attendance/records", {"records": records})

    def token(self, now: datetime) -> str:
        """Return a short token signed with the tablet's own key."""
        at = int(now.timestamp())
        if self._token is None or not self._token[0] <= at < self._token[0] + _TOKEN_S - 60:
            self._token = (at, self._fresh(at))
        return self._token[1]

    def kept(self) -> dict[str, Any]:
        """Return what a tablet keeps in its storage."""
        seed = _text(self.key.private_bytes_raw())
        return {"key": seed, "counter": self.counter, "prev": self.prev}

    @classmethod
    def of(cls, kept: dict[str, Any]) -> Tablet:
        """Return the tablet that kept this."""
        raw = base64.urlsafe_b64decode(kept["key"] + "==")
        return cls(Ed25519PrivateKey.from_private_bytes(raw), kept["counter"], kept["prev"])

    def _fresh(self, at: int) -> str:
        head = {
            "alg": "EdDSA",
            "typ": "kezek-device+jwt",
            "jwk": {"kty": "OKP", "crv": "Ed25519", "x": _text(self.public_key)},
        }
        claims = {
            "iss": "device",
            "sub": self.device_id,
            "aud": "kezek",
            "iat": at,
            "exp": at + _TOKEN_S,
        }
        signed = f"{_text(_canonical(head))}.{_text(_canonical(claims))}"
        return f"{signed}.{_text(self.key.sign(signed.encode()))}"


def digest(record: Record) -> str:
    """Return the hash of a signed record, which the next one of its chain names."""
    return _text(hashlib.sha256(_canonical(record)).digest())


def _canonical(value: object) -> bytes:
    """Return RFC 8785 text; our keys are ASCII and our numbers whole, so sorting is enough."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
