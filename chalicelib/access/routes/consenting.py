"""A clerk in a representative's name: asked, given by code or on paper, ended."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from msgspec import Meta, Struct

from chalicelib.access import actions
from chalicelib.access.actions import ConsentSeen
from chalicelib.access.routes.shapes import ListAsked, routes
from chalicelib.access.rules import consenting
from chalicelib.access.rules.consenting import ConsentBasis, ConsentPower
from chalicelib.edge import pages
from chalicelib.edge.routes import Answer, Call
from chalicelib.kernel.iin import BadIin
from chalicelib.kernel.refusals import AnotherContent, Unknown

# No name fits in: digits and signs, a few letters beside them.
PaperNumber = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=40,
        pattern=r"^(№|No\.?)? ?[0-9][0-9A-Za-zА-Яа-яЁё/.-]{0,20}$(?!\n)",
    ),
]
_NOTHING_STAYS = {"Clear-Site-Data": '"cache", "cookies", "storage"'}
Iin = Annotated[str, Meta(min_length=12, max_length=12, pattern=r"^[0-9]{12}$(?!\n)")]
Ticket = Annotated[str, Meta(min_length=14, max_length=14, pattern=r"^[a-z0-9-]+$(?!\n)")]


class ConsentAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Who stands at the counter, by IIN or by the ticket of an application, and for what."""

    basis: ConsentBasis
    powers: Annotated[tuple[ConsentPower, ...], Meta(min_length=1, max_length=4)]
    minutes: Annotated[int, Meta(ge=1, le=consenting.CONSENT_MINUTES_MAX)]
    iin: Iin | None = None
    ticket: Ticket | None = None


class CodeAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """The one-time code that the representative received."""

    code: Annotated[str, Meta(min_length=1, max_length=40)]


class PaperAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """The signed paper by its number and day."""

    number: PaperNumber
    signed_on: date


class ConsentsPage(Struct, frozen=True):
    """Consents, newest first; `next_cursor` is null on the last page."""

    items: list[ConsentSeen]
    next_cursor: str | None


@routes.put(
    "/consents/{consent_id}",
    action="access/ask-consent",
    asks=ConsentAsked,
    answers=ConsentSeen,
    refuses=(
        Unknown,
        BadIin,
        AnotherContent,
        consenting.PaperNeeded,
        consenting.WhoseConsent,
        consenting.NotRegistered,
        consenting.TooManyConsents,
    ),
)
def ask_consent(call: Call[ConsentAsked], consent_id: str) -> ConsentSeen:
    """Ask a representative at the counter for their consent.

    By code: it goes to their own contact. On paper: a second clerk sees it too. Somebody who is not
    registered yet gives it on paper, with the power to register.
    """
    asked = call.asked
    return actions.ask_consent(
        consent_id,
        iin=asked.iin,
        ticket=asked.ticket,
        basis=asked.basis,
        powers=asked.powers,
        minutes=asked.minutes,
        by=call.actor,
        now=call.now,
    )


@routes.put(
    "/consents/{consent_id}/code",
    action="access/open-by-code",
    asks=CodeAsked,
    answers=ConsentSeen,
    refuses=(
        Unknown,
        consenting.BadConsentCode,
        consenting.OtherBasis,
        consenting.ConsentEnded,
        consenting.OneClient,
    ),
)
def open_by_code(call: Call[CodeAsked], consent_id: str) -> ConsentSeen:
    """Type the code the representative received; five wrong ones end the consent.

    Requests with the header `Kezek-Consent: <consent_id>` are then made in their name.
    """
    return actions.open_by_code(consent_id, call.asked.code, by=call.actor, now=call.now)


@routes.put(
    "/consents/{consent_id}/paper",
    action="access/open-on-paper",
    asks=PaperAsked,
    answers=ConsentSeen,
    refuses=(
        Unknown,
        AnotherContent,
        consenting.PaperTooOld,
        consenting.OtherBasis,
        consenting.ConsentEnded,
        consenting.OneClient,
    ),
)
def open_on_paper(call: Call[PaperAsked], consent_id: str) -> ConsentSeen:
    """Say the signed paper's number and day; a second clerk who has seen it says the same."""
    return actions.open_on_paper(
        consent_id,
        number=call.asked.number,
        signed_on=call.asked.signed_on,
        by=call.actor,
        now=call.now,
    )


@routes.put(
    "/consents/{consent_id}/end",
    action="access/end-consent",
    answers=ConsentSeen,
    refuses=(Unknown,),
)
def end_consent(call: Call[None], consent_id: str) -> Answer:
    """End a consent, as its clerk or as who gave it; the browser forgets all of this visit."""
    ended = actions.end_consent(consent_id, by=call.actor, now=call.now)
    return Answer(ended, headers=_NOTHING_STAYS)


@routes.get(
    "/consents/{consent_id}",
    action="access/see-consent",
    answers=ConsentSeen,
    refuses=(Unknown,),
)
def see_consent(call: Call[None], consent_id: str) -> ConsentSeen:
    """See how a consent stands, as its clerk or as who gave it."""
    return actions.see_consent(consent_id, by=call.actor, now=call.now)


@routes.get(
    "/consents",
    action="access/list-consents",
    query=ListAsked,
    answers=ConsentsPage,
    refuses=(pages.BadCursor,),
)
def list_consents(call: Call[None]) -> ConsentsPage:
    """List the consents one gave, or asked for as a clerk, newest first."""
    query: ListAsked = call.query
    of = f"/v1/access/consents#{call.actor.subject}"
    before = pages.position(query.cursor, of=of) if query.cursor else None
    items, last = actions.consents(by=call.actor, now=call.now, before=before, limit=query.limit)
    return ConsentsPage(items, pages.cursor(last, of=of) if last else None)
