"""Applying, and what is asked of an application afterwards: groups and wishes."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from chalicelib.applications import actions, rules
from chalicelib.applications.routes.shapes import (
    LIST,
    ApplicationShown,
    ApplicationsPage,
    ApplicationTaken,
    BatchAsked,
    Code,
    Id,
    ListAsked,
    ReceiptShown,
    ask_registry,
    routes,
    shown,
    taken,
)
from chalicelib.children import rules as children
from chalicelib.children.routes import (
    ChildAsked,
    details_of,
)
from chalicelib.edge import pages
from chalicelib.edge.routes import Call
from chalicelib.edge.texts import text
from chalicelib.kernel.iin import BadIin
from chalicelib.kernel.refusals import AnotherContent, Unknown
from chalicelib.policy.actions import NoPack
from chalicelib.policy.rules import NoRuleInForce, UnknownKind, UnknownStatus


class ApplicationAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """What is applied for. Either `child_id` (known before) or `child` is given.

    `kind`: the kind of group, or the direction wished for. Where vouchers come by budget,
    `language` and `kind` may be "any": the holder chooses a place later. Without `kind` it is any
    there, and elsewhere the programme's first kind.
    """

    programme: Code
    area: Code
    language: rules.GroupLanguage
    kind: Code | None = None
    child_id: Id | None = None
    child: ChildAsked | None = None
    statuses: Annotated[tuple[Code, ...], Meta(max_length=12)] = ()
    preferences: Annotated[tuple[Id, ...], Meta(max_length=20)] = ()
    batch: BatchAsked | None = None


class PreferencesAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Preferred groups, the dearest first."""

    preferences: Annotated[tuple[Id, ...], Meta(max_length=20)]


class WishAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Another kind of group, or direction of clubs, and language; "any" by budget only."""

    kind: Code
    language: rules.GroupLanguage


@routes.put(
    "/{application_id}",
    action="applications/apply",
    asks=ApplicationAsked,
    answers=ApplicationTaken,
    refuses=(
        Unknown,
        AnotherContent,
        children.RegisterFirst,
        NoPack,
        NoRuleInForce,
        rules.ChildOrId,
        rules.KindNeeded,
        UnknownKind,
        rules.LanguageNeeded,
        UnknownStatus,
        rules.TooManyPreferences,
        rules.DoubledPreference,
        rules.BatchNotHere,
        rules.PreferenceNotHere,
        rules.IntakeNotOpen,
        children.IinOrReason,
        BadIin,
        children.BadDates,
        rules.TooYoung,
        rules.TooOld,
        children.RepresentedByAnother,
        children.OtherData,
        children.PowerMissing,
        rules.AlreadyApplied,
        children.HeldElsewhere,
        rules.BatchDiffers,
        rules.BatchFull,
    ),
)
def apply(call: Call[ApplicationAsked], application_id: str) -> ApplicationTaken:
    """Apply for a child's voucher and get a receipt; the same again gets the same answer."""
    asked = call.asked
    application = actions.apply(
        application_id,
        rules.Asked(
            programme=asked.programme,
            area=asked.area,
            language=asked.language,
            kind=asked.kind or "",
            child_id=asked.child_id,
            child=details_of(asked.child) if asked.child else None,
            statuses=asked.statuses,
            preferences=asked.preferences,
            batch=rules.BatchAsked(id=asked.batch.id, size=asked.batch.size)
            if asked.batch
            else None,
        ),
        by=call.actor,
        now=call.now,
        ask_registry=ask_registry,
    )
    return taken(actions.seen(application, now=call.now), call.language)


@routes.get(
    "",
    action="applications/list",
    query=ListAsked,
    answers=ApplicationsPage,
    refuses=(children.RegisterFirst, pages.BadCursor),
)
def list_applications(call: Call[None]) -> ApplicationsPage:
    """List the applications of the children whom the caller represents today."""
    query: ListAsked = call.query
    of = f"{LIST}#{call.actor.subject}"
    after = pages.position(query.cursor, of=of) if query.cursor else None
    items, last = actions.applications_page(
        by=call.actor, now=call.now, after=after, limit=query.limit
    )
    listed = [shown(item, call.language) for item in items]
    return ApplicationsPage(listed, pages.cursor(last, of=of) if last else None)


@routes.get(
    "/{application_id}",
    action="applications/see",
    answers=ApplicationShown,
    refuses=(Unknown,),
)
def see(call: Call[None], application_id: str) -> ApplicationShown:
    """See an application of a child whom the caller represents."""
    return shown(actions.see(application_id, by=call.actor, now=call.now), call.language)


@routes.get(
    "/{application_id}/receipt",
    action="applications/see-receipt",
    answers=ReceiptShown,
    refuses=(Unknown,),
)
def see_receipt(call: Call[None], application_id: str) -> ReceiptShown:
    """See the receipt of an application: signed, and the same whenever it is asked for."""
    found = actions.receipt_of(application_id, by=call.actor, now=call.now)
    return ReceiptShown(
        application_id=application_id,
        ticket=found.application.ticket,
        received_at=found.application.received_at,
        category=found.application.first_category,
        receipt=found.note,
        text=text("applications/receipt", call.language),
    )


@routes.put(
    "/{application_id}/preferences",
    action="applications/prefer",
    asks=PreferencesAsked,
    answers=ApplicationShown,
    refuses=(
        Unknown,
        children.PowerMissing,
        rules.TooManyPreferences,
        rules.DoubledPreference,
        rules.PreferenceNotHere,
        rules.NotQueued,
    ),
)
def prefer(call: Call[PreferencesAsked], application_id: str) -> ApplicationShown:
    """Change the preferred groups; the place in the queue stays."""
    application = actions.prefer(
        application_id, call.asked.preferences, by=call.actor, now=call.now
    )
    return shown(actions.seen(application, now=call.now), call.language)


@routes.put(
    "/{application_id}/wish",
    action="applications/wish",
    asks=WishAsked,
    answers=ApplicationShown,
    refuses=(
        Unknown,
        children.PowerMissing,
        rules.KindNeeded,
        UnknownKind,
        rules.LanguageNeeded,
        rules.NotQueued,
    ),
)
def wish(call: Call[WishAsked], application_id: str) -> ApplicationShown:
    """Wish for another direction or language; the place in the queue stays."""
    application = actions.wish(
        application_id,
        kind=call.asked.kind,
        language=call.asked.language,
        by=call.actor,
        now=call.now,
    )
    return shown(actions.seen(application, now=call.now), call.language)
