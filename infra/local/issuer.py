"""The development issuer: a key of its own, its public set, and tokens by the simulated clock.

It stands where an OIDC provider stands in AWS; the application knows it only by KEZEK_ISSUERS.
"""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from infra.local.places import read_json, write_whole

# Actors are known by issuer and subject, so the name stays the same whatever the port.
NAME = "https://issuer.kezek.test"
AUDIENCE = "kezek"
JWKS_PATH = "/.well-known/jwks.json"
# How its people sign in unless a token says otherwise: strongly, and just now.
STRONG = "urn:kezek:strong"
LONGEST_S = 86_400


@dataclass(frozen=True, slots=True)
class Issuer:
    """An Ed25519 key and its id; makes tokens that the application accepts."""

    key: Ed25519PrivateKey
    kid: str
    clock: Callable[[], datetime]

    def token(
        self,
        role: str | Iterable[str],
        subject: str,
        claims: Mapping[str, Any] | None = None,
        ttl: timedelta = timedelta(hours=12),
    ) -> str:
        """Return a signed token for a subject in one role or several.

        claims: more claims, such as areas, organisations (lists of names) or name; acr and
        auth_time stand for a strong sign-in of this moment unless they are given, None for none.
        """
        import jwt

        now = int(self.clock().timestamp())
        roles = [role] if isinstance(role, str) else list(role)
        said = {"acr": STRONG, "auth_time": now, **(claims or {})}
        content = {
            **{name: value for name, value in said.items() if value is not None},
            "iss": NAME,
            "aud": AUDIENCE,
            "sub": subject,
            "iat": now,
            "exp": now + int(ttl.total_seconds()),
            "jti": uuid.uuid4().hex,
            "roles": roles,
        }
        return jwt.encode(content, self.key, algorithm="EdDSA", headers={"kid": self.kid})

    def jwks(self) -> dict[str, Any]:
        """Return the public key set."""
        raw = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return {
            "keys": [
                {
                    "kty": "OKP",
                    "crv": "Ed25519",
                    "alg": "EdDSA",
                    "use": "sig",
                    "kid": self.kid,
                    "x": _text(raw),
                }
            ]
        }


def configured(base: str) -> list[dict[str, Any]]:
    """Return the value of KEZEK_ISSUERS for an issuer served at a base address."""
    from chalicelib.kernel.actors import Role

    return [
        {
            "iss": NAME,
            "jwks_uri": f"{base}{JWKS_PATH}",
            "aud": AUDIENCE,
            "algs": ["EdDSA"],
            "roles": [role.value for role in Role],
            "strong": [STRONG],
            "longest_s": LONGEST_S,
        }
    ]


def load(path: Path, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Issuer:
    """Return the issuer whose key lies in a file; makes the key, for its owner's eyes only."""
    kept = read_json(path)
    if "d" not in kept:
        key = Ed25519PrivateKey.generate()
        kept = {"kid": f"local-{uuid.uuid4().hex[:8]}", "d": _text(key.private_bytes_raw())}
        write_whole(path, json.dumps(kept).encode(), mode=0o600)
    raw = base64.urlsafe_b64decode(kept["d"] + "=" * (-len(kept["d"]) % 4))
    return Issuer(Ed25519PrivateKey.from_private_bytes(raw), str(kept["kid"]), clock)


def fresh(clock: Callable[[], datetime]) -> Issuer:
    """Return an issuer whose key is never written down; for tests."""
    return Issuer(Ed25519PrivateKey.generate(), "test", clock)


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
