"""Who is asking: bearer tokens, verified here and everywhere the same.

People's tokens come from configured issuers (see issuers.py): fixed algorithms, keys only from the
issuer's own set, and iss, aud, sub, iat and exp required. What a token says of where its key lies
(jwk, jku, x5u, x5c) is never looked at. A tablet signs its own short token with the key it was
paired with; its id is the digest of that key, so nothing need be read to verify it, and the store
decides whether such a tablet is paired and not revoked.

A token is checked in a fixed order, so the same forgery always fails the same check: form, typ,
issuer, algorithm, key, signature and required claims, times, life, subject, roles.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import math
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.edge import body
from chalicelib.edge.issuers import (
    BadToken,
    Issuer,
    IssuerSilent,
    forget_issuers,
    issuers,
    key_of,
)
from chalicelib.kernel.actors import PUBLIC, Actor, Role
from chalicelib.kernel.ids import DeviceId
from chalicelib.kernel.refusals import Malformed, NotKnown
from chalicelib.storage.secrets import alias_digest

__all__ = [
    "BadLogout",
    "BadToken",
    "Issuer",
    "IssuerSilent",
    "Logout",
    "SignIn",
    "StepUp",
    "caller",
    "demand_strong",
    "device_id",
    "forget_keys",
    "issuers",
    "key_name",
    "logout",
    "session_name",
    "subject_name",
]

LEEWAY_S = 30
LONGEST_DEVICE_TOKEN_S = 600
LOGOUT_FRESH_S = 600
MOST_TOKEN = 8_192
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
_STEP_UP_MINUTES = 15
_SEGMENT = re.compile(r"[A-Za-z0-9_-]*\Z")
_TYPES = frozenset({"jwt", "at+jwt", "application/at+jwt"})
_LOGOUT_TYPES = frozenset({"jwt", "logout+jwt", "application/logout+jwt"})
_DEVICE_TYPE = "kezek-device+jwt"
_TEXT = re.compile(r"[^\x00-\x1f\x7f]{1,255}\Z")


class SignIn(NotKnown):
    """The operation needs a token and none was sent."""

    code = "kezek/sign-in"


class StepUp(NotKnown):
    """The operation needs a strong sign-in of the last `max_age` seconds (RFC 9470)."""

    code = "kezek/step-up"


class BadLogout(Malformed):
    """The logout token is not one we accept; `problem` names the check it failed."""

    code = "kezek/bad-logout"


@dataclass(frozen=True, slots=True)
class Logout:
    """A verified logout: whose sign-ins end, and from when on they may begin anew.

    logout_id: the same for the same token; subject, session: digests as an Actor has them.
    """

    logout_id: str
    issuer: str
    subject: str | None
    session: str | None
    at: datetime
    until: datetime


def caller(authorization: str | None, *, now: datetime) -> Actor:
    """Return who sent an Authorization header; the public without one. Raises BadToken."""
    if authorization is None:
        return PUBLIC
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise BadToken(problem="form")
    header, claims = _opened(token)
    if header.get("typ") == _DEVICE_TYPE:
        return _device(token, header, now=now)
    return _person(token, header, claims, now=now)


def device_id(public_key: bytes) -> DeviceId:
    """Return the id of the tablet that holds a key: 26 characters of the key's SHA-256."""
    digest = hashlib.sha256(public_key).digest()[:16]
    return DeviceId(base64.b32encode(digest).decode().rstrip("=").lower())


def subject_name(iss: str, sub: str) -> str:
    """Return the pseudonym under which an issuer's subject is known; 32 hex digits."""
    return alias_digest("sign-in", f"{iss}\x00{sub}")[:32]


def session_name(iss: str, session: str) -> str:
    """Return the pseudonym of a sign-in, from its sid or, without one, its token's jti."""
    return alias_digest("session", f"{iss}\x00{session}")[:32]


def key_name(iss: str, kid: str) -> str:
    """Return the name under which an issuer's key is revoked; 32 hex digits."""
    return hashlib.sha256(f"{iss}\x00{kid}".encode()).hexdigest()[:32]


def forget_keys() -> None:
    """Drop cached issuers and keys; for tests."""
    forget_issuers()


def step_up_s() -> int:
    """Return for how long a strong sign-in opens what needs one; KEZEK_STEP_UP_MINUTES, 15."""
    return 60 * int(os.environ.get("KEZEK_STEP_UP_MINUTES") or _STEP_UP_MINUTES)


def demand_strong(actor: Actor, *, now: datetime) -> None:
    """Raise StepUp unless the caller signed in strongly, and not long ago."""
    longest = timedelta(seconds=step_up_s())
    if actor.strong_at is not None and now - actor.strong_at <= longest:
        return
    issuer = issuers().get(actor.issuer)
    raise StepUp(
        acr_values=" ".join(issuer.strong) if issuer else "", max_age=int(longest.total_seconds())
    )


def logout(token: str, *, now: datetime) -> Logout:
    """Return what a back-channel logout token of an issuer ends. Raises BadLogout, IssuerSilent.

    OIDC Back-Channel Logout 1.0 §2.6: signed like any token, for one of our clients, just now, with
    its event, a jti, sub or sid or both, and no nonce.
    """
    try:
        header, claims = _opened(token)
        if str(header.get("typ", "JWT")).lower() not in _LOGOUT_TYPES:
            raise BadToken(problem="typ")
        issuer, key = _issuer_and_key(header, claims)
        claims = _verified(
            token, key, header["alg"], list(issuer.clients), issuer.iss, need=("iat", "jti")
        )
        _check_times(claims, now=now)
    except BadToken as refused:
        raise BadLogout(problem=refused.facts["problem"]) from refused
    at = datetime.fromtimestamp(claims["iat"], UTC)
    if now - at > timedelta(seconds=LOGOUT_FRESH_S + LEEWAY_S):
        raise BadLogout(problem="expired")
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(LOGOUT_EVENT), dict):
        raise BadLogout(problem="events")
    if "nonce" in claims:
        raise BadLogout(problem="nonce")
    jti, sub, sid = (_text_of(claims, name) for name in ("jti", "sub", "sid"))
    if jti is None or (sub is None and sid is None):
        raise BadLogout(problem="subject")
    return Logout(
        alias_digest("logout", f"{issuer.iss}\x00{jti}")[:32],
        issuer.iss,
        subject_name(issuer.iss, sub) if sub is not None else None,
        session_name(issuer.iss, sid) if sid is not None else None,
        at,
        # No token of the sign-in that ended lives longer.
        at + timedelta(seconds=issuer.longest_s + 2 * LEEWAY_S),
    )


def _person(token: str, header: dict[str, Any], claims: dict[str, Any], *, now: datetime) -> Actor:
    if str(header.get("typ", "JWT")).lower() not in _TYPES:
        raise BadToken(problem="typ")
    issuer, key = _issuer_and_key(header, claims)
    claims = _verified(token, key, header["alg"], [issuer.aud], issuer.iss)
    _check_times(claims, now=now)
    if claims["exp"] - claims["iat"] > issuer.longest_s:
        raise BadToken(problem="life")
    sub = _text_of(claims, "sub")
    # A logout token is signed by the same key; it signs nobody in.
    if sub is None or "events" in claims:
        raise BadToken(problem="subject")
    roles = claims.get("roles", [])
    if not isinstance(roles, list) or not all(isinstance(r, str) for r in roles):
        raise BadToken(problem="roles")
    known = frozenset(Role(r) for r in roles if r in Role._value2member_map_)
    signed_in_at, proved = _signed_in(claims, now=now)
    session = _text_of(claims, "sid") or _text_of(claims, "jti")
    return Actor(
        subject_name(issuer.iss, sub),
        known & issuer.roles,
        areas=_names(claims.get("areas")),
        organisations=_names(claims.get("organisations")),
        directions=_names(claims.get("directions")),
        issuer=issuer.iss,
        session=session_name(issuer.iss, session) if session else "",
        signed_by=key_name(issuer.iss, header["kid"]),
        signed_in_at=signed_in_at,
        strong_at=signed_in_at if proved and claims.get("acr") in issuer.strong else None,
    )


def _signed_in(claims: dict[str, Any], *, now: datetime) -> tuple[datetime, bool]:
    """Return when somebody signed in, and whether the issuer says so itself (auth_time)."""
    said = claims.get("auth_time")
    if said is None:
        return datetime.fromtimestamp(claims["iat"], UTC), False
    if not _is_time(said) or said > now.timestamp() + LEEWAY_S:
        raise BadToken(problem="times")
    return datetime.fromtimestamp(said, UTC), True


def _device(token: str, header: dict[str, Any], *, now: datetime) -> Actor:
    """A token the tablet signed itself: {iss: "device", sub: its id, aud: "kezek", iat, exp}."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    jwk = header.get("jwk")
    if header.get("alg") != "EdDSA" or not isinstance(jwk, dict):
        raise BadToken(problem="algorithm")
    if jwk.get("kty") != "OKP" or jwk.get("crv") != "Ed25519" or "d" in jwk:
        raise BadToken(problem="key")
    try:
        raw = _decoded(jwk.get("x"))
        key = Ed25519PublicKey.from_public_bytes(raw)
    except ValueError as error:
        raise BadToken(problem="key") from error
    claims = _verified(token, key, "EdDSA", ["kezek"], "device")
    _check_times(claims, now=now)
    if claims["exp"] - claims["iat"] > LONGEST_DEVICE_TOKEN_S:
        raise BadToken(problem="life")
    if claims["sub"] != device_id(raw):
        raise BadToken(problem="subject")
    return Actor(claims["sub"], frozenset({Role.DEVICE}), key=raw)


def _opened(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and claims as they are written, unverified; BadToken where they are not JWT."""
    parts = token.split(".") if len(token) <= MOST_TOKEN else []
    if len(parts) != 3:
        raise BadToken(problem="form")
    try:
        header, claims = (body.parsed(_decoded(part)) for part in parts[:2])
        _decoded(parts[2])
    except (ValueError, body.NotJson) as error:
        raise BadToken(problem="form") from error
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise BadToken(problem="form")
    # What must be understood, and is not, and what would have us verify other bytes.
    if not {"crit", "b64", "zip", "enc"}.isdisjoint(header):
        raise BadToken(problem="header")
    return header, claims


def _decoded(text: object) -> bytes:
    """Return base64url as bytes; ValueError unless it is written in the one way there is."""
    if not isinstance(text, str) or not _SEGMENT.match(text) or len(text) % 4 == 1:
        raise ValueError("not base64url")
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        raise ValueError("not base64url") from error
    if base64.urlsafe_b64encode(raw).decode().rstrip("=") != text:
        raise ValueError("not base64url")
    return raw


def _issuer_and_key(header: dict[str, Any], claims: dict[str, Any]) -> tuple[Issuer, Any]:
    named = claims.get("iss")
    issuer = issuers().get(named) if isinstance(named, str) else None
    if issuer is None:
        raise BadToken(problem="issuer")
    alg = header.get("alg")
    if not isinstance(alg, str) or alg not in issuer.algs:
        raise BadToken(problem="algorithm")
    return issuer, key_of(issuer, header.get("kid"), alg)


def _verified(
    token: str,
    key: Any,
    alg: str,
    audiences: list[str],
    iss: str,
    *,
    need: tuple[str, ...] = ("sub", "iat", "exp"),
) -> dict[str, Any]:
    """Return the claims of a token whose signature, issuer and audience hold."""
    import jwt

    try:
        # Times are checked against our clock; PyJWT would read the machine's.
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[alg],
            audience=audiences,
            issuer=iss,
            options={
                "require": ["iss", "aud", *need],
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
                "verify_sub": False,
                "verify_jti": False,
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
    return claims


def _check_times(claims: dict[str, Any], *, now: datetime) -> None:
    iat = claims["iat"]
    exp, nbf = claims.get("exp"), claims.get("nbf", iat)
    if not all(_is_time(t) for t in (iat, nbf, iat if exp is None else exp)):
        raise BadToken(problem="times")
    at = now.timestamp()
    if exp is not None and exp <= at - LEEWAY_S:
        raise BadToken(problem="expired")
    if max(iat, nbf) > at + LEEWAY_S:
        raise BadToken(problem="not-yet")


def _is_time(value: object) -> bool:
    """Whether a claim is a NumericDate that a calendar has: years 1970 to 2999."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) and 0 <= value < 32_503_680_000


def _text_of(claims: dict[str, Any], name: str) -> str | None:
    """Return a text claim; None where it is missing, empty, endless or no text."""
    found = claims.get(name)
    return found if isinstance(found, str) and _TEXT.match(found) else None


def _names(claim: object) -> frozenset[str]:
    if isinstance(claim, str):
        return frozenset({claim})
    if isinstance(claim, list):
        return frozenset(name for name in claim if isinstance(name, str))
    return frozenset()
