"""Sign-ins that no longer count: revoked by an operator, or ended at their issuer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from urllib.parse import parse_qsl

from msgspec import Meta, Struct

from chalicelib.access.actions import revoking as actions
from chalicelib.access.routes.shapes import ListAsked, routes
from chalicelib.access.rules import revoking as rules
from chalicelib.access.rules.revoking import Kind, Revocation
from chalicelib.edge import auth, pages
from chalicelib.edge.routes import Call
from chalicelib.kernel.refusals import AnotherContent, Unknown

MOST_LOGOUT_BYTES = 16_384
_FORM = "application/x-www-form-urlencoded"
Pseudonym = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}$(?!\n)")]
Reason = Literal[
    "key-compromised", "left-office", "lost-device", "misuse", "on-request", "stolen-sign-in"
]


class RevokeAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """What no longer counts: exactly one of subject, session, or issuer with key_id.

    subject, session: pseudonyms, as journal and record name them. until: when it ends by itself.
    """

    reason_code: Reason
    subject: Pseudonym | None = None
    session: Pseudonym | None = None
    issuer: Annotated[str, Meta(min_length=1, max_length=255)] | None = None
    key_id: Annotated[str, Meta(min_length=1, max_length=128)] | None = None
    until: Annotated[datetime, Meta(tz=True)] | None = None


class RevocationShown(Struct, frozen=True):
    """A revocation; every process obeys it within a minute."""

    revocation_id: str
    kind: str
    name: str
    reason_code: str
    revoked_at: str
    until: str | None
    lifted_at: str | None


class RevocationsPage(Struct, frozen=True):
    """Revocations that count, by id; `next_cursor` is null on the last page."""

    items: list[RevocationShown]
    next_cursor: str | None


@routes.put(
    "/revocations/{revocation_id}",
    action="access/revoke",
    asks=RevokeAsked,
    answers=RevocationShown,
    refuses=(rules.RevokeWhat, AnotherContent),
)
def revoke(call: Call[RevokeAsked], revocation_id: str) -> RevocationShown:
    """Revoke a subject, a session or an issuer's key; the same again gets the same answer."""
    kind, name = _named(call.asked)
    revocation = actions.revoke(
        revocation_id,
        kind=kind,
        name=name,
        reason_code=call.asked.reason_code,
        until=call.asked.until,
        by=call.actor,
        now=call.now,
    )
    return _shown(revocation)


@routes.get(
    "/revocations",
    action="access/list-revocations",
    query=ListAsked,
    answers=RevocationsPage,
    refuses=(pages.BadCursor,),
)
def list_revocations(call: Call[None]) -> RevocationsPage:
    """List what is revoked and still counts; who merely signed out is not among it."""
    query: ListAsked = call.query
    of = "/v1/access/revocations"
    after = pages.position(query.cursor, of=of) if query.cursor else None
    items, last = actions.standing(now=call.now, after=after, limit=query.limit)
    return RevocationsPage(
        [_shown(one) for one in items], pages.cursor(last, of=of) if last else None
    )


@routes.put(
    "/revocations/{revocation_id}/lifting",
    action="access/lift-revocation",
    answers=RevocationShown,
    refuses=(Unknown, rules.AlreadyLifted),
)
def lift(call: Call[None], revocation_id: str) -> RevocationShown:
    """Let sign-ins count again that were revoked by mistake; two officers, and one may revoke."""
    return _shown(actions.lift(revocation_id, by=call.actor, now=call.now))


@routes.post(
    "/logout",
    action="access/log-out",
    asks=bytes,
    body_media=f"{_FORM}, application/logout+jwt",
    most_bytes=MOST_LOGOUT_BYTES,
    refuses=(auth.BadLogout, auth.IssuerSilent, AnotherContent),
)
def log_out(call: Call[bytes]) -> None:
    """Take an issuer's word that somebody signed out (OIDC Back-Channel Logout 1.0).

    The body is a form with `logout_token`, or the token itself.
    """
    ended = auth.logout(_token(call.asked), now=call.now)
    actions.end_sign_in(
        ended.logout_id,
        issuer=ended.issuer,
        subject=ended.subject,
        session=ended.session,
        at=ended.at,
        until=ended.until,
        now=call.now,
    )


def _named(asked: RevokeAsked) -> tuple[Kind, str]:
    targets: list[tuple[Kind, str]] = []
    if asked.subject is not None:
        targets.append((Kind.SUBJECT, asked.subject))
    if asked.session is not None:
        targets.append((Kind.SESSION, asked.session))
    if asked.issuer is not None and asked.key_id is not None:
        targets.append((Kind.KEY, auth.key_name(asked.issuer, asked.key_id)))
    if len(targets) != 1 or (asked.issuer is None) != (asked.key_id is None):
        raise rules.RevokeWhat()
    return targets[0]


def _token(raw: bytes) -> str:
    """Return the logout token from a form, or from a body that is nothing else."""
    try:
        text = raw.decode("ascii")
    except UnicodeDecodeError as error:
        raise auth.BadLogout(problem="form") from error
    if "=" not in text:
        return text.strip()
    try:
        fields = parse_qsl(text, strict_parsing=True, max_num_fields=8)
    except ValueError as error:
        raise auth.BadLogout(problem="form") from error
    tokens = [value for name, value in fields if name == "logout_token"]
    if len(tokens) != 1:
        raise auth.BadLogout(problem="form")
    return tokens[0]


def _shown(revocation: Revocation) -> RevocationShown:
    return RevocationShown(
        revocation.revocation_id,
        revocation.kind.value,
        revocation.name,
        revocation.reason_code,
        revocation.at,
        revocation.until,
        revocation.lifted_at,
    )
