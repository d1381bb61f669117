"""An application taken over from another system."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from chalicelib.applications import actions, rules
from chalicelib.applications.routes.shapes import (
    BatchAsked,
    Code,
    Id,
    ask_registry,
    routes,
)
from chalicelib.children import rules as children
from chalicelib.children.routes import (
    AccountAsked,
    ChildAsked,
    RegistrationAsked,
    RowAsked,
    account_of,
    details_of,
    registration_of,
)
from chalicelib.edge.routes import Call
from chalicelib.kernel.iin import BadIin
from chalicelib.kernel.refusals import AnotherContent, Unknown
from chalicelib.policy.actions import NoPack
from chalicelib.policy.rules import NoRuleInForce, UnknownKind, UnknownStatus


class SourceAsked(RowAsked, frozen=True, forbid_unknown_fields=True):
    """Where the row stood: system, its number there, the file's SHA-256 and the line.

    `place`: in that system's own list, 1 first, where its export says. The family is told why its
    place is another here.
    """

    place: Annotated[int, Meta(ge=1)] | None = None


class ImportAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """One row of another system's queue; applied_at is the instant that counts for order."""

    representative: RegistrationAsked
    child: ChildAsked
    programme: Code
    area: Code
    language: rules.GroupLanguage
    applied_at: Annotated[datetime, Meta(tz=True)]
    source: SourceAsked
    kind: Code | None = None
    statuses: Annotated[tuple[Code, ...], Meta(max_length=12)] = ()
    preferences: Annotated[tuple[Id, ...], Meta(max_length=20)] = ()
    batch: BatchAsked | None = None
    sign_in: AccountAsked | None = None


class ImportedShown(Struct, frozen=True):
    """An imported application, without whom it is about."""

    application_id: str
    ticket: str
    state: rules.State
    category: int
    ordered_at: str
    received_at: str


@routes.put(
    "/imports/{application_id}",
    action="applications/import",
    asks=ImportAsked,
    answers=ImportedShown,
    refuses=(
        Unknown,
        AnotherContent,
        actions.AppliedLater,
        NoPack,
        NoRuleInForce,
        rules.KindNeeded,
        UnknownKind,
        rules.LanguageNeeded,
        UnknownStatus,
        rules.TooManyPreferences,
        rules.DoubledPreference,
        rules.BatchNotHere,
        rules.PreferenceNotHere,
        BadIin,
        children.BadContact,
        children.IinOrReason,
        children.BadDates,
        rules.TooYoung,
        rules.TooOld,
        children.SignInTaken,
        children.RepresentedByAnother,
        children.OtherData,
        children.PowerMissing,
        rules.AlreadyApplied,
        children.HeldElsewhere,
        rules.BatchDiffers,
        rules.BatchFull,
    ),
)
def import_application(call: Call[ImportAsked], application_id: str) -> ImportedShown:
    """Take over an application from another system's queue, in that queue's order."""
    asked = call.asked
    row = actions.Imported(
        representative=registration_of(asked.representative),
        sign_in=account_of(asked.sign_in),
        asked=rules.Asked(
            programme=asked.programme,
            area=asked.area,
            language=asked.language,
            kind=asked.kind or "",
            child_id=None,
            child=details_of(asked.child),
            statuses=asked.statuses,
            preferences=asked.preferences,
            batch=rules.BatchAsked(id=asked.batch.id, size=asked.batch.size)
            if asked.batch
            else None,
        ),
        applied_at=asked.applied_at,
        source=actions.Source(
            system=asked.source.system,
            number=asked.source.number,
            file=asked.source.file,
            line=asked.source.line,
            place=asked.source.place,
        ),
    )
    a = actions.import_application(
        application_id, row, by=call.actor, now=call.now, ask_registry=ask_registry
    )
    return ImportedShown(
        a.application_id, a.ticket, a.state, a.category, a.ordered_at, a.received_at
    )
