"""Headers: which requests are read at all, what stands on every answer, and who may read it.

Portals' pages call from origins of their own. Those configured in `KEZEK_PORTALS` (a JSON list of
exact origins, "https://portal.example") may read answers; no other page may, and none ever with
cookies, because Kezek has none: who asks is said by a token the page holds itself.
"""

from __future__ import annotations

import functools
import json
import os
import re
from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any

from chalicelib.edge import log
from chalicelib.kernel.refusals import Malformed

MOST_HEADERS, MOST_HEADER_BYTES, MOST_HEADERS_BYTES = 64, 9_216, 16_384
PREFLIGHT_S = 7_200
# Said twice, these would be read one way here and another way by whatever stands before us.
_ONCE = frozenset(
    {
        "authorization",
        "content-type",
        "content-encoding",
        "content-length",
        "host",
        "kezek-consent",
        "kezek-device",
        "kezek-opening",
    }
)
_ORIGIN = re.compile(
    r"(https://[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|http://(?:localhost|127\.0\.0\.1|\[::1\]))"
    r"(?::[0-9]{1,5})?\Z"
)
_ASKED = (
    "Accept-Language, Authorization, Content-Type, "
    "Kezek-Consent, Kezek-Device, Kezek-Opening, Kezek-Purpose"
)
_SHOWN = "Content-Disposition, Content-Language, Retry-After, WWW-Authenticate"

# On every answer, ours and the gateway's. A page of ours that needs more says so itself.
SECURITY: Mapping[str, str] = {
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
VARY = "Accept-Language, Origin"


class BadHeader(Malformed):
    """A header is said twice, is one we do not heed, or there are more than anybody needs."""

    code = "kezek/bad-header"


class Misconfigured(ValueError):
    """KEZEK_PORTALS cannot be used as it stands."""


@functools.lru_cache(maxsize=1)
def portals() -> frozenset[str]:
    """Return the origins whose pages may read answers; none unless configured."""
    try:
        listed = json.loads(os.environ.get("KEZEK_PORTALS") or "[]")
    except ValueError:
        raise Misconfigured("KEZEK_PORTALS is not JSON") from None
    if not isinstance(listed, list):
        raise Misconfigured("KEZEK_PORTALS is a list")
    for origin in listed:
        if not isinstance(origin, str) or not _ORIGIN.match(origin):
            raise Misconfigured("KEZEK_PORTALS: an origin is https://host, with a port or without")
    return frozenset(listed)


def check(headers: Mapping[str, str], every: Mapping[str, Iterable[str]]) -> None:
    """Raise BadHeader for more headers than anybody needs, or one said twice that must not be.

    every: each header's values, where the gateway hands them on.
    """
    said = {name.lower(): list(values or ()) for name, values in every.items()}
    if "if-match" in headers:
        # Passed over, a condition would be believed; a body's `replaces` is the one we keep.
        raise BadHeader(header="if-match", problem="use-replaces")
    for name, value in headers.items():
        said.setdefault(name.lower(), [str(value)])
    if len(said) > MOST_HEADERS:
        raise BadHeader(header="*", problem="too-many")
    size = 0
    for name, values in said.items():
        longest = max((len(value) for value in values), default=0)
        size += len(name) + sum(len(value) for value in values)
        if name in _ONCE and len(values) > 1:
            raise BadHeader(header=name, problem="doubled")
        if longest > MOST_HEADER_BYTES or size > MOST_HEADERS_BYTES:
            raise BadHeader(header="*", problem="too-long")


def _may_read(origin: str | None) -> bool:
    """Whether a page of this origin may read answers; none may while the list cannot be used."""
    if origin is None:
        return False
    try:
        return origin in portals()
    except Misconfigured as error:
        log.bug("KEZEK_PORTALS", error)
        return False


def finish(headers: MutableMapping[str, Any], origin: str | None) -> None:
    """Put on an answer what stands on every answer, and who may read it."""
    for name, value in SECURITY.items():
        headers.setdefault(name, value)
    headers.setdefault("Vary", VARY)
    if _may_read(origin):
        headers["Access-Control-Allow-Origin"] = str(origin)
        headers["Access-Control-Expose-Headers"] = _SHOWN


def preflight(origin: str | None, methods: Iterable[str]) -> dict[str, str]:
    """Return what a browser is told that asks whether a page may call; nothing for strangers."""
    if not _may_read(origin):
        return {}
    return {
        "Access-Control-Allow-Methods": ", ".join(sorted(methods)),
        "Access-Control-Allow-Headers": _ASKED,
        "Access-Control-Max-Age": str(PREFLIGHT_S),
    }


def forget_portals() -> None:
    """Drop the cached list; for tests."""
    portals.cache_clear()
