"""Say no in one shape: RFC 9457 problem+json, in the caller's language, with a stable type."""

from __future__ import annotations

import re
from typing import Any

from chalice.app import Response

from chalicelib.edge.texts import text
from chalicelib.kernel import refusals
from chalicelib.kernel.refusals import Refusal

MEDIA_TYPE = "application/problem+json"

_STATUS: tuple[tuple[type[Refusal], int], ...] = (
    (refusals.NotKnown, 401),
    (refusals.NotAllowed, 403),
    (refusals.Unknown, 404),
    (refusals.OutOfTurn, 409),
    (refusals.UsedUp, 409),
    (refusals.TooMuch, 429),
    (refusals.Unavailable, 503),
    (refusals.Malformed, 400),
)
_SPECIAL = {
    "kezek/wrong-content-type": 415,
    "kezek/content-encoding": 415,
    "kezek/too-large": 413,
}

# What Chalice or the gateway say by themselves, as codes of ours.
OF_STATUS = {
    400: "kezek/malformed",
    401: "kezek/sign-in",
    403: "kezek/not-allowed",
    404: "kezek/unknown",
    405: "kezek/wrong-method",
    413: "kezek/too-large",
    415: "kezek/wrong-content-type",
    429: "kezek/too-much",
    500: "kezek/our-fault",
    503: "kezek/unavailable",
    504: "kezek/unavailable",
}


def status_of(refusal: type[Refusal]) -> int:
    """Return the status a kind of refusal is answered with."""
    if refusal.code in _SPECIAL:
        return _SPECIAL[refusal.code]
    for kind, status in _STATUS:
        if issubclass(refusal, kind):
            return status
    return 400


def answer(refusal: Refusal, language: str) -> Response:
    """Return a refusal as a response; its facts stand beside the standard members."""
    status = status_of(type(refusal))
    headers = {}
    if status in (429, 503):
        headers["Retry-After"] = str(refusal.facts.get("retry_after_s", 1))
    if status == 401:
        headers["WWW-Authenticate"] = challenge(refusal)
    return respond(refusal.code, status, language, refusal.facts, headers)


def challenge(refusal: Refusal) -> str:
    """Return what a caller must do to be let in, as RFC 6750 and RFC 9470 have it."""
    if refusal.code in ("kezek/bad-token", "kezek/revoked"):
        return 'Bearer error="invalid_token"'
    if refusal.code == "kezek/step-up":
        values = re.sub(r"[^\x20\x21\x23-\x5b\x5d-\x7e]", "", str(refusal.facts["acr_values"]))
        needed = f', acr_values="{values}"' if values else ""
        return (
            f'Bearer error="insufficient_user_authentication"{needed}, '
            f'max_age="{refusal.facts["max_age"]}"'
        )
    return "Bearer"


def respond(
    code: str,
    status: int,
    language: str,
    facts: dict[str, object] | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """Return problem+json for a code; the title is the detail's first sentence."""
    import msgspec  # with the first no, not with app.py

    detail = text(code, language, facts)
    problem: dict[str, Any] = {
        **(facts or {}),
        "type": f"/v1/problems/{code}",
        "title": detail.split(". ")[0].rstrip("."),
        "status": status,
        "detail": detail,
        "code": code,
    }
    return Response(
        body=msgspec.json.encode(problem).decode(),
        status_code=status,
        headers={
            "Content-Type": MEDIA_TYPE,
            "Content-Language": language,
            "Cache-Control": "no-store",
            **(headers or {}),
        },
    )
