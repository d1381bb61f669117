"""Who is asking: bearer tokens, verified here and everywhere the same.

People's tokens come from configured issuers (`KEZEK_ISSUERS`, a JSON list of {"iss", "jwks_uri",
"aud", "algs", "roles"}): fixed algorithms, keys only from the issuer's own set, and iss, aud, sub,
iat and exp required. A tablet signs its own short token with the key it was paired with; its id is
the digest of that key, so nothing need be read to verify it, and the store decides whether such a
tablet is paired and not revoked.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import os
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from chalicelib.kernel.actors import PUBLIC, Actor, Role
from chalicelib.kernel.ids import DeviceId
from chalicelib.kernel.refusals import NotKnown, Unavailable
from chalicelib.storage.secrets import alias_digest

LEEWAY_S = 30
LONGEST_DEVICE_TOKEN_S = 600
_ALGORITHMS = frozenset({"EdDSA", "ES256", "RS256"})
_KEYS_FRESH_S, _KEYS_KEPT_S, _REFETCH_S = 600.0, 86_400.0, 60.0
_FETCH_TIMEOUT_S = 2.0


class SignIn(NotKnown):
    """The operation needs a token and none was sent."""

    code = "kezek/sign-in"


class BadToken(NotKnown):
    """The token is not one we accept; `problem` names the check it failed."""

    code = "kezek/bad-token"


class IssuerSilent(Unavailable):
    """The issuer's keys cannot be fetched and none are kept."""

    code = "kezek/issuer-silent"


@dataclass(frozen=True, slots=True)
class Issuer:
    """An OIDC issuer we trust, and the roles its tokens may carry."""

    iss: str
    jwks_uri: str
    aud: str
    algs: tuple[str, ...]
    roles: frozenset[Role]


@dataclass(slots=True)
class _Keys:
    by_kid: dict[str, Any] = field(default_factory=dict)
    fetched: float = float("-inf")
    asked: float = float("-inf")
    lock: threading.Lock = field(default_factory=threading.Lock)


_keys: dict[str, _Keys] = {}


def caller(authorization: str | None, *, now: datetime) -> Actor:
    """Return who sent an Authorization header; the public without one. Raises BadToken."""
    if authorization is None:
        return PUBLIC
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token or len(token) > 8192:
        raise BadToken(problem="form")
    import jwt

    try:
        header = jwt.get_unverified_header(token)
    except jwt.PyJWTError as error:
        raise BadToken(problem="form") from error
    if header.get("typ") == "kezek-device+jwt":
        return _device(token, header, now=now)
    return _person(token, header, now=now)


def device_id(public_key: bytes) -> DeviceId:
    """Return the id of the tablet that holds a key: 26 characters of the key's SHA-256."""
    digest = hashlib.sha256(public_key).digest()[:16]
    return DeviceId(base64.b32encode(digest).decode().rstrip("=").lower())


def forget_keys() -> None:
    """Drop cached issuers and keys; for tests."""
    _keys.clear()
    issuers.cache_clear()


@functools.lru_cache(maxsize=1)
def issuers() -> dict[str, Issuer]:
    """Return the configured issuers by name. None configured: nobody can sign in."""
    configured: dict[str, Issuer] = {}
    for entry in json.loads(os.environ.get("KEZEK_ISSUERS", "[]")):
        algs = tuple(entry.get("algs", ("EdDSA", "ES256")))
        if not set(algs) <= _ALGORITHMS:
            raise ValueError(f"KEZEK_ISSUERS: algorithms must be among {sorted(_ALGORITHMS)}")
        roles = frozenset(Role(role) for role in entry.get("roles", [r.value for r in Role]))
        roles -= {Role.SYSTEM, Role.DEVICE, Role.PUBLIC}
        issuer = Issuer(entry["iss"], entry["jwks_uri"], entry.get("aud", "kezek"), algs, roles)
        configured[issuer.iss] = issuer
    return configured


def _person(token: str, header: dict[str, Any], *, now: datetime) -> Actor:
    import jwt

    try:
        named = jwt.decode(token, options={"verify_signature": False}).get("iss")
    except jwt.PyJWTError as error:
        raise BadToken(problem="form") from error
    issuer = issuers().get(named) if isinstance(named, str) else None
    if issuer is None:
        raise BadToken(problem="issuer")
    if header.get("alg") not in issuer.algs:
        raise BadToken(problem="algorithm")
    key = _key(issuer, header.get("kid"))
    claims = _verified(token, key, list(issuer.algs), issuer.aud, issuer.iss, now=now)
    roles = claims.get("roles", [])
    if not isinstance(roles, list) or not all(isinstance(r, str) for r in roles):
        raise BadToken(problem="roles")
    known = frozenset(Role(r) for r in roles if r in Role._value2member_map_)
    return Actor(
        alias_digest("sign-in", f"{issuer.iss}\x00{claims['sub']}")[:32],
        known & issuer.roles,
        areas=_names(claims.get("areas")),
        organisations=_names(claims.get("organisations")),
        directions=_names(claims.get("directions")),
    )


def _device(token: str, header: dict[str, Any], *, now: datetime) -> Actor:
    """A token the tablet signed itself: {iss: "device", sub: its id, aud: "kezek", iat, exp}."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    jwk = header.get("jwk")
    if header.get("alg") != "EdDSA" or not isinstance(jwk, dict):
        raise BadToken(problem="algorithm")
    if jwk.get("kty") != "OKP" or jwk.get("crv") != "Ed25519" or "d" in jwk:
        raise BadToken(problem="key")
    try:
        raw = base64.urlsafe_b64decode(str(jwk.get("x", "")) + "=")
        key = Ed25519PublicKey.from_public_bytes(raw)
    except ValueError as error:
        raise BadToken(problem="key") from error
    claims = _verified(token, key, ["EdDSA"], "kezek", "device", now=now)
    if claims["sub"] != device_id(raw) or claims["exp"] - claims["iat"] > LONGEST_DEVICE_TOKEN_S:
        raise BadToken(problem="subject")
    return Actor(claims["sub"], frozenset({Role.DEVICE}), key=raw)


def _verified(
    token: str, key: Any, algs: list[str], aud: str, iss: str, *, now: datetime
) -> dict[str, Any]:
    """Return the claims of a token whose signature, issuer, audience and times hold at `now`."""
    import jwt

    try:
        # Times are checked below against our clock; PyJWT would read the machine's.
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=algs,
            audience=aud,
            issuer=iss,
            options={
                "require": ["iss", "aud", "sub", "iat", "exp"],
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
    except jwt.MissingRequiredClaimError as error:
        raise BadToken(problem=f"missing-{error.claim}") from error
    except jwt.InvalidAudienceError as error:
        raise BadToken(problem="audience") from error
    except jwt.InvalidIssuerError as error:
        raise BadToken(problem="issuer") from error
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise BadToken(problem="signature") from error
    times = [claims["iat"], claims["exp"], claims.get("nbf", claims["iat"])]
    if not all(isinstance(t, int | float) and not isinstance(t, bool) for t in times):
        raise BadToken(problem="times")
    at = now.timestamp()
    if claims["exp"] <= at - LEEWAY_S:
        raise BadToken(problem="expired")
    if max(times[0], times[2]) > at + LEEWAY_S:
        raise BadToken(problem="not-yet")
    if not isinstance(claims["sub"], str) or not claims["sub"]:
        raise BadToken(problem="subject")
    return claims


def _names(claim: object) -> frozenset[str]:
    if isinstance(claim, str):
        return frozenset({claim})
    if isinstance(claim, list):
        return frozenset(name for name in claim if isinstance(name, str))
    return frozenset()


def _key(issuer: Issuer, kid: object) -> Any:
    """Return an issuer's key; an unknown kid asks the issuer at most once a minute."""
    if not isinstance(kid, str):
        raise BadToken(problem="key")
    kept = _keys.setdefault(issuer.iss, _Keys())
    at = time.monotonic()
    with kept.lock:
        stale = at - kept.fetched > _KEYS_FRESH_S or kid not in kept.by_kid
        if stale and at - kept.asked > _REFETCH_S:
            kept.asked = at
            _fetch(issuer, kept, at)
        if not kept.by_kid or at - kept.fetched > _KEYS_KEPT_S:
            raise IssuerSilent()
        if kid not in kept.by_kid:
            raise BadToken(problem="key")
        return kept.by_kid[kid]


def _fetch(issuer: Issuer, kept: _Keys, at: float) -> None:
    import jwt

    try:
        with urllib.request.urlopen(issuer.jwks_uri, timeout=_FETCH_TIMEOUT_S) as answer:  # noqa: S310
            found = jwt.PyJWKSet.from_dict(json.loads(answer.read(262_144)))
    except (OSError, ValueError, jwt.PyJWTError):
        return  # an outage: keys kept so far go on serving for a day
    kept.by_kid = {
        key.key_id: key.key
        for key in found.keys
        if key.key_id and key.algorithm_name in issuer.algs
    }
    kept.fetched = at
