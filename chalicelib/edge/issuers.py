"""Who may vouch for people: the configured issuers and the keys they publish.

`KEZEK_ISSUERS` is a JSON list with an entry for each issuer, for example the citizens' portal, the
staff's directory and a service of a portal:

    iss        its name, exactly as its tokens carry it
    jwks_uri   where it publishes its keys: https, or plain http on this machine alone
    roles      the roles it may vouch for; any other a token names is as if it were not there
    aud        the audience its tokens must name ("kezek")
    algs       its algorithms, among EdDSA, ES256, RS256 (the first two)
    strong     values of `acr` that stand for a strong sign-in (none: nobody signs in strongly)
    longest_s  the longest life of a token it may give, in seconds (an hour; at most a day)
    clients    audiences of its logout tokens (the same as `aud`)

None configured: nobody can sign in. No issuer is known to the code itself.

Keys are kept for ten minutes. An unknown key id, or keys older than that, ask the issuer again, at
most once a minute for each issuer and process, whatever callers send. While an issuer is silent,
what it published last goes on serving for a day; so a key that an issuer withdraws while nobody can
reach it is trusted for up to a day, unless it is revoked here (within a minute).
"""

from __future__ import annotations

import functools
import json
import os
import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from chalicelib.kernel.actors import Role
from chalicelib.kernel.refusals import NotKnown, Unavailable

ALGORITHMS = frozenset({"EdDSA", "ES256", "RS256"})
LONGEST_TOKEN_S, LONGEST_ALLOWED_S = 3_600, 86_400
FRESH_S, KEPT_S, REFETCH_S = 600.0, 86_400.0, 60.0
FETCH_TIMEOUT_S, FETCH_WHOLE_S, MOST_KEY_BYTES, MOST_KEYS = 2.0, 3.0, 131_072, 32
LEAST_RSA_BITS, MOST_RSA_BITS = 2048, 8192
_NEVER_VOUCHED = frozenset({Role.SYSTEM, Role.DEVICE, Role.PUBLIC})
_KNOWN = frozenset(
    {"iss", "jwks_uri", "aud", "algs", "roles", "strong", "longest_s", "clients", "name"}
)
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_KID = re.compile(r"[\x21-\x7e]{1,128}\Z")
# An algorithm takes one kind of key, and a key serves one algorithm.
_ALG_OF = {("OKP", "Ed25519"): "EdDSA", ("EC", "P-256"): "ES256", ("RSA", None): "RS256"}

_monotonic = time.monotonic


class BadToken(NotKnown):
    """The token is not one we accept; `problem` names the check it failed."""

    code = "kezek/bad-token"


class IssuerSilent(Unavailable):
    """The issuer's keys cannot be fetched and none are kept."""

    code = "kezek/issuer-silent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """An OIDC issuer we trust, and for what."""

    iss: str
    jwks_uri: str
    roles: frozenset[Role]
    aud: str = "kezek"
    algs: tuple[str, ...] = ("EdDSA", "ES256")
    strong: tuple[str, ...] = ()
    longest_s: int = LONGEST_TOKEN_S
    clients: tuple[str, ...] = ()


class Misconfigured(ValueError):
    """KEZEK_ISSUERS cannot be used as it stands; the message says why, not what it holds."""


@dataclass(slots=True)
class _Keys:
    """What an issuer published last, by key id and algorithm."""

    found: Mapping[tuple[str, str], Any] = field(default_factory=dict)
    fetched: float = float("-inf")
    asked: float = float("-inf")
    lock: threading.Lock = field(default_factory=threading.Lock)


_keys: dict[str, _Keys] = {}


@functools.lru_cache(maxsize=1)
def issuers() -> dict[str, Issuer]:
    """Return the configured issuers by name. Raises Misconfigured."""
    try:
        entries = json.loads(os.environ.get("KEZEK_ISSUERS") or "[]")
    except ValueError:
        raise Misconfigured("KEZEK_ISSUERS is not JSON") from None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise Misconfigured("KEZEK_ISSUERS is a list of objects")
    configured: dict[str, Issuer] = {}
    for entry in entries:
        issuer = _issuer(entry)
        if issuer.iss in configured:
            raise Misconfigured("KEZEK_ISSUERS names an issuer twice")
        configured[issuer.iss] = issuer
    return configured


def forget_issuers() -> None:
    """Drop cached issuers and keys; for tests."""
    _keys.clear()
    issuers.cache_clear()


def key_of(issuer: Issuer, kid: object, alg: str) -> Any:
    """Return the key an issuer published under an id for an algorithm.

    Raises BadToken where it published none, IssuerSilent where nothing is known of its keys.
    """
    if not isinstance(kid, str) or not _KID.match(kid):
        raise BadToken(problem="key")
    kept = _keys.setdefault(issuer.iss, _Keys())
    # A key that is known and fresh waits for nobody, even while another thread asks the issuer.
    if _monotonic() - kept.fetched <= FRESH_S and (kid, alg) in kept.found:
        return kept.found[kid, alg]
    with kept.lock:
        at = _monotonic()
        stale = at - kept.fetched > FRESH_S or (kid, alg) not in kept.found
        if stale and at - kept.asked >= REFETCH_S:
            kept.asked = at
            found = _fetch(issuer)
            if found is not None:
                kept.found, kept.fetched = found, at
        if at - kept.fetched > KEPT_S:
            wait = max(1, round(REFETCH_S - (at - kept.asked)))
            raise IssuerSilent(retry_after_s=wait)
        if (kid, alg) not in kept.found:
            raise BadToken(problem="key")
        return kept.found[kid, alg]


def _issuer(entry: dict[str, Any]) -> Issuer:
    unknown = set(entry) - _KNOWN
    if unknown:
        raise Misconfigured(f"KEZEK_ISSUERS: unknown {sorted(unknown)}")
    missing = {"iss", "jwks_uri", "roles"} - set(entry)
    if missing:
        raise Misconfigured(f"KEZEK_ISSUERS: missing {sorted(missing)}")
    iss, aud = str(entry["iss"]), str(entry.get("aud", "kezek"))
    algs = tuple(entry.get("algs", ("EdDSA", "ES256")))
    if iss in ("", "device") or not aud:
        raise Misconfigured("KEZEK_ISSUERS: an issuer and its audience need names")
    if not algs or not set(algs) <= ALGORITHMS:
        raise Misconfigured(f"KEZEK_ISSUERS: algorithms must be among {sorted(ALGORITHMS)}")
    if not set(entry["roles"]) <= {role.value for role in Role}:
        raise Misconfigured("KEZEK_ISSUERS: unknown role")
    longest_s = int(entry.get("longest_s", LONGEST_TOKEN_S))
    if not 60 <= longest_s <= LONGEST_ALLOWED_S:
        raise Misconfigured(f"KEZEK_ISSUERS: longest_s is 60 to {LONGEST_ALLOWED_S}")
    _check_address(str(entry["jwks_uri"]))
    return Issuer(
        iss=iss,
        jwks_uri=str(entry["jwks_uri"]),
        roles=frozenset(Role(role) for role in entry["roles"]) - _NEVER_VOUCHED,
        aud=aud,
        algs=algs,
        strong=tuple(str(acr) for acr in entry.get("strong", ())),
        longest_s=longest_s,
        clients=tuple(str(client) for client in entry.get("clients", (aud,))),
    )


def _check_address(uri: str) -> None:
    """Raise Misconfigured unless keys come by https, or from this very machine outside Lambda."""
    parts = urlsplit(uri)
    if parts.username or parts.password or parts.fragment or not parts.hostname:
        raise Misconfigured("KEZEK_ISSUERS: jwks_uri is not a plain address")
    if parts.scheme == "https":
        return
    here = parts.hostname in _LOOPBACK and "AWS_LAMBDA_FUNCTION_NAME" not in os.environ
    if parts.scheme != "http" or not here:
        raise Misconfigured("KEZEK_ISSUERS: jwks_uri must be https")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Where keys lie is configured; nobody who answers there may say otherwise."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _fetch(issuer: Issuer) -> dict[tuple[str, str], Any] | None:
    """Return what an issuer publishes now; None in an outage, or where it is not a key set."""
    opener = urllib.request.build_opener(_NoRedirect)
    request = urllib.request.Request(issuer.jwks_uri, headers={"Accept": "application/json"})  # noqa: S310
    until = _monotonic() + FETCH_WHOLE_S
    try:
        with opener.open(request, timeout=FETCH_TIMEOUT_S) as answer:
            if answer.status != 200:
                return None
            raw = b""
            # Piece by piece: one that drips would otherwise hold a request for ever.
            while piece := answer.read1(16_384):
                raw += piece
                if len(raw) > MOST_KEY_BYTES or _monotonic() > until:
                    return None
        published = json.loads(raw)["keys"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    if not isinstance(published, list):
        return None
    found: dict[tuple[str, str], Any] = {}
    for one in published[:MOST_KEYS]:
        usable = _usable(one, issuer) if isinstance(one, dict) else None
        if usable is not None:
            found.setdefault((one["kid"], usable[0]), usable[1])
    return found


def _usable(one: dict[str, Any], issuer: Issuer) -> tuple[str, Any] | None:
    """Return a published key's algorithm and the key; None where we would not verify with it."""
    from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
    from jwt.exceptions import InvalidKeyError

    kid, kty, crv = one.get("kid"), one.get("kty"), one.get("crv")
    alg = _ALG_OF.get((str(kty), str(crv) if crv is not None else None))
    operations = one.get("key_ops", ["verify"])
    if (
        not isinstance(kid, str)
        or not _KID.match(kid)
        or alg is None
        or alg not in issuer.algs
        or one.get("alg", alg) != alg
        or one.get("use", "sig") != "sig"
        or not isinstance(operations, list)
        or "verify" not in operations
        # A private key that was published is everybody's key.
        or not set(one).isdisjoint({"d", "p", "q", "k"})
    ):
        return None
    readers: dict[str, Any] = {"EdDSA": OKPAlgorithm, "ES256": ECAlgorithm, "RS256": RSAAlgorithm}
    try:
        key: Any = readers[alg].from_jwk(one)
    except (InvalidKeyError, ValueError, TypeError, KeyError):
        return None
    if alg == "RS256":
        numbers = key.public_numbers()
        if not LEAST_RSA_BITS <= numbers.n.bit_length() <= MOST_RSA_BITS or numbers.e < 65_537:
            return None
    return alg, key
