"""HTTP of applications."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from chalicelib.adapters import registry
from chalicelib.applications import actions, rules
from chalicelib.applications.actions import Seen
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
from chalicelib.edge import pages
from chalicelib.edge.routes import Call, Routes
from chalicelib.edge.texts import text
from chalicelib.kernel.iin import BadIin
from chalicelib.kernel.refusals import AnotherContent, Unknown
from chalicelib.policy.actions import NoPack
from chalicelib.policy.rules import NoRuleInForce, UnknownKind, UnknownStatus

routes = Routes(__name__, "applications")

Id = Annotated[str, Meta(min_length=8, max_length=64)]
Code = Annotated[str, Meta(min_length=1, max_length=64, pattern="^[a-z0-9-]+$")]
_LIST = "/v1/applications"


class BatchAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Twins or triplets who are placed together: a name for the batch, and how many they are."""

    id: Id
    size: Annotated[int, Meta(ge=2, le=4)]


class ApplicationAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """What is applied for. Either `child_id` (known before) or `child` is given.

    `kind`: the kind of group; of clubs the direction wished for. Where vouchers come by budget,
    `language` and `kind` may be "any": the holder chooses a club later. Without `kind` it is any
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


class StatusAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """What an officer found: a refusal has a reason; paper_on is the date on the paper."""

    result: Literal["proved", "refused"]
    reason: rules.RefusalReason | None = None
    paper_on: date | None = None


class ListAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """A page of a list."""

    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    cursor: Annotated[str, Meta(max_length=512)] | None = None


class ToVerifyAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """A page of what waits for an officer of an area."""

    area: Code
    programme: Code = "preschool"
    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    cursor: Annotated[str, Meta(max_length=512)] | None = None


class IntakeAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """A window of intake: it opens, it closes, and later the beacon speaks at a named moment."""

    programme: Code
    area: Code
    opens_at: Annotated[datetime, Meta(tz=True)]
    closes_at: Annotated[datetime, Meta(tz=True)]
    beacon_at: Annotated[datetime, Meta(tz=True)]


class BeaconAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """What the beacon said: the announced round, its value and signature, in hex."""

    round: Annotated[int, Meta(ge=1)]
    randomness: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    signature: Annotated[str, Meta(pattern="^([0-9a-f]{2}){32,512}$")]


class IntakesAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """A page of an area's windows of intake."""

    programme: Code
    area: Code
    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    cursor: Annotated[str, Meta(max_length=512)] | None = None


class BeaconShown(Struct, frozen=True):
    """Where the seed comes from: anybody can compare it with what stands at `value_at`.

    `round` is the one that is new at `moment`; it comes out at `round_at`, after the window has
    closed.
    """

    name: str
    url: str
    moment: str
    round: int
    round_at: str
    value_at: str


class IntakeShown(Struct, frozen=True):
    """A window of intake: within it no hour is better than another.

    `seed` is the beacon's value, null before the draw. A ticket's number is the SHA-256 of
    "kezek-draw-v1", the seed and the ticket, each on a line of its own; the smallest goes first
    inside a category.
    """

    intake_id: str
    programme: str
    area: str
    state: rules.IntakeState
    announced_at: str
    opens_at: str
    closes_at: str
    beacon: BeaconShown
    seed: str | None
    signature: str | None
    drawn_at: str | None
    cancelled_at: str | None
    rules: str


class IntakesPage(Struct, frozen=True):
    """Windows of intake, the newest first; `next_cursor` is null on the last page."""

    items: list[IntakeShown]
    next_cursor: str | None


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


class CategoryShown(Struct, frozen=True):
    """The category a child queues in, by what is proved."""

    number: int
    tier: str
    text: str


class StatusShown(Struct, frozen=True):
    """A claimed status and how it stands; `text` says what it means for the category."""

    status: str
    state: rules.StatusState
    proof: rules.Proof
    prove_by: str | None
    not_available_since: str | None
    reason: str | None
    reason_text: str | None
    text: str


class DrawShown(Struct, frozen=True):
    """The window an application was made in, and the number it drew; null before the draw."""

    intake_id: str
    state: rules.IntakeState
    opens_at: str
    closes_at: str
    beacon_at: str
    number: str | None
    seed: str | None
    link: str


class NextShown(Struct, frozen=True):
    """What to do next, and until when; null where no term runs."""

    step: str
    text: str
    until: str | None


class MovedShown(Struct, frozen=True):
    """Where an application stood on the platform it was brought over from.

    `ordered_at` is kept. Why the place is another here stands at `place`, as of each checkpoint.
    """

    platform: str
    number: str
    file: str
    row: int
    old_place: int | None
    place: str


class Links(Struct, frozen=True):
    """Where to go on from here."""

    place: str
    voucher: str | None


class ApplicationShown(Struct, frozen=True):
    """An application as a representative of its child sees it."""

    application_id: str
    ticket: str
    state: rules.State
    programme: str
    area: str
    child_id: str
    language: str
    kind: str
    received_at: str
    ordered_at: str
    category: CategoryShown
    statuses: list[StatusShown]
    preferences: tuple[str, ...]
    batch: str | None
    voucher_id: str | None
    confirm_by: str | None
    restore_until: str | None
    restores: int
    returns: int
    returns_left: int
    sen: bool
    intake: DrawShown | None
    next: NextShown
    moved: MovedShown | None
    rules: str
    links: Links


class ApplicationsPage(Struct, frozen=True):
    """Applications of the caller's children; `next_cursor` is null on the last page."""

    items: list[ApplicationShown]
    next_cursor: str | None


class ToVerify(Struct, frozen=True):
    """An application as an officer who checks papers sees it."""

    application_id: str
    ticket: str
    state: rules.State
    programme: str
    area: str
    child_id: str
    received_at: str
    category: CategoryShown
    statuses: list[StatusShown]


class ToVerifyPage(Struct, frozen=True):
    """Applications whose papers are to be looked at, the most urgent first."""

    items: list[ToVerify]
    next_cursor: str | None


@routes.put(
    "/{application_id}",
    action="applications/apply",
    asks=ApplicationAsked,
    answers=ApplicationShown,
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
def apply(call: Call[ApplicationAsked], application_id: str) -> ApplicationShown:
    """Apply for a child's voucher; the same application again gets the same answer."""
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
        ask_registry=_ask_registry,
    )
    return _shown(actions.seen(application, now=call.now), call.language)


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
    of = f"{_LIST}#{call.actor.subject}"
    after = pages.position(query.cursor, of=of) if query.cursor else None
    items, last = actions.applications_page(
        by=call.actor, now=call.now, after=after, limit=query.limit
    )
    shown = [_shown(item, call.language) for item in items]
    return ApplicationsPage(shown, pages.cursor(last, of=of) if last else None)


@routes.get(
    "/to-verify",
    action="applications/list-to-verify",
    query=ToVerifyAsked,
    answers=ToVerifyPage,
    refuses=(Unknown, NoPack, pages.BadCursor),
)
def list_to_verify(call: Call[None]) -> ToVerifyPage:
    """List the applications of an area whose papers an officer is to look at."""
    query: ToVerifyAsked = call.query
    of = f"{_LIST}/to-verify#{query.programme}#{query.area}"
    after = pages.position(query.cursor, of=of) if query.cursor else None
    items, last = actions.to_verify_page(
        query.programme,
        query.area,
        by=call.actor,
        now=call.now,
        after=after,
        limit=query.limit,
    )
    shown = [_to_verify(item, call.language) for item in items]
    return ToVerifyPage(shown, pages.cursor(last, of=of) if last else None)


@routes.put(
    "/intakes/{intake_id}",
    action="applications/announce-intake",
    asks=IntakeAsked,
    answers=IntakeShown,
    refuses=(
        Unknown,
        AnotherContent,
        NoPack,
        NoRuleInForce,
        rules.NoDrawHere,
        rules.BadWindow,
        rules.WindowTooShort,
        rules.AnnouncedTooLate,
        rules.WindowsOverlap,
    ),
)
def announce_intake(call: Call[IntakeAsked], intake_id: str) -> IntakeShown:
    """Announce a window of intake and the beacon's future round that will draw its order."""
    asked = call.asked
    intake = actions.announce(
        intake_id,
        rules.IntakeAsked(
            programme=asked.programme,
            area=asked.area,
            opens_at=asked.opens_at,
            closes_at=asked.closes_at,
            beacon_at=asked.beacon_at,
        ),
        by=call.actor,
        now=call.now,
    )
    return _intake(intake, call.now)


@routes.put(
    "/intakes/{intake_id}/beacon",
    action="applications/draw-intake",
    asks=BeaconAsked,
    answers=IntakeShown,
    refuses=(
        Unknown,
        rules.IntakeCancelled,
        rules.BeaconNotYet,
        rules.OtherRound,
        rules.BadBeacon,
        rules.AlreadyDrawn,
    ),
)
def draw_intake(call: Call[BeaconAsked], intake_id: str) -> IntakeShown:
    """Enter what the beacon said: the order of the window is drawn by it, once."""
    intake = actions.draw(
        intake_id,
        round_=call.asked.round,
        randomness=call.asked.randomness,
        signature=call.asked.signature,
        by=call.actor,
        now=call.now,
    )
    return _intake(intake, call.now)


@routes.put(
    "/intakes/{intake_id}/cancellation",
    action="applications/cancel-intake",
    answers=IntakeShown,
    refuses=(Unknown, rules.IntakeOpened),
)
def cancel_intake(call: Call[None], intake_id: str) -> IntakeShown:
    """Cancel a window that was announced by mistake, before it opens."""
    return _intake(actions.cancel(intake_id, by=call.actor, now=call.now), call.now)


@routes.get(
    "/intakes",
    action="applications/list-intakes",
    query=IntakesAsked,
    answers=IntakesPage,
    refuses=(NoPack, pages.BadCursor),
)
def list_intakes(call: Call[None]) -> IntakesPage:
    """List an area's windows of intake, the newest first, with the source of each seed."""
    query: IntakesAsked = call.query
    of = f"{_LIST}/intakes#{query.programme}#{query.area}"
    after = pages.position(query.cursor, of=of) if query.cursor else None
    items, last = actions.intakes_page(query.programme, query.area, after=after, limit=query.limit)
    shown = [_intake(item, call.now) for item in items]
    return IntakesPage(shown, pages.cursor(last, of=of) if last else None)


@routes.get(
    "/intakes/{intake_id}",
    action="applications/see-intake",
    answers=IntakeShown,
    refuses=(Unknown,),
)
def see_intake(call: Call[None], intake_id: str) -> IntakeShown:
    """See a window of intake: when, by which beacon, and the seed once it is drawn."""
    return _intake(actions.intake(intake_id), call.now)


@routes.get(
    "/{application_id}",
    action="applications/see",
    answers=ApplicationShown,
    refuses=(Unknown,),
)
def see(call: Call[None], application_id: str) -> ApplicationShown:
    """See an application of a child whom the caller represents."""
    return _shown(actions.see(application_id, by=call.actor, now=call.now), call.language)


@routes.put(
    "/{application_id}/statuses/{status}",
    action="applications/verify-status",
    asks=StatusAsked,
    answers=ToVerify,
    refuses=(
        Unknown,
        rules.ReasonNeeded,
        rules.DecidedByOwnData,
        rules.PaperOutdated,
        rules.NotLive,
    ),
)
def verify_status(call: Call[StatusAsked], application_id: str, status: str) -> ToVerify:
    """Record whether a claimed status was proved; category and place follow; officers only."""
    application = actions.verify_status(
        application_id,
        status,
        result=call.asked.result,
        reason=call.asked.reason,
        paper_on=call.asked.paper_on,
        by=call.actor,
        now=call.now,
    )
    return _to_verify(actions.seen(application, now=call.now), call.language)


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
    return _shown(actions.seen(application, now=call.now), call.language)


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
    return _shown(actions.seen(application, now=call.now), call.language)


@routes.put(
    "/{application_id}/confirmation",
    action="applications/confirm",
    answers=ApplicationShown,
    refuses=(Unknown, children.PowerMissing, rules.NotOffered, rules.ConfirmTooLate),
)
def confirm(call: Call[None], application_id: str) -> ApplicationShown:
    """Confirm the offered voucher; the term to choose and sign begins."""
    application = actions.confirm(application_id, by=call.actor, now=call.now)
    return _shown(actions.seen(application, now=call.now), call.language)


@routes.put(
    "/{application_id}/refusal",
    action="applications/refuse",
    answers=ApplicationShown,
    refuses=(Unknown, children.PowerMissing, rules.NotOffered, rules.ConfirmTooLate),
)
def refuse(call: Call[None], application_id: str) -> ApplicationShown:
    """Refuse the offered voucher; the application is annulled with it."""
    application = actions.refuse(application_id, by=call.actor, now=call.now)
    return _shown(actions.seen(application, now=call.now), call.language)


@routes.put(
    "/{application_id}/withdrawal",
    action="applications/withdraw",
    answers=ApplicationShown,
    refuses=(Unknown, children.PowerMissing, rules.RefuseInstead, rules.NotLive),
)
def withdraw(call: Call[None], application_id: str) -> ApplicationShown:
    """Withdraw an application; a new one is possible at once, at the end of the queue."""
    application = actions.withdraw(application_id, by=call.actor, now=call.now)
    return _shown(actions.seen(application, now=call.now), call.language)


@routes.put(
    "/{application_id}/restoration",
    action="applications/restore",
    answers=ApplicationShown,
    refuses=(
        Unknown,
        children.PowerMissing,
        rules.NotInactive,
        rules.RestoreClosed,
        rules.TooYoung,
        rules.TooOld,
        rules.AlreadyApplied,
        children.HeldElsewhere,
    ),
)
def restore(call: Call[None], application_id: str) -> ApplicationShown:
    """Put an inactive application back into the queue, once, in its old order."""
    application = actions.restore(application_id, by=call.actor, now=call.now)
    return _shown(actions.seen(application, now=call.now), call.language)


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
        application_id, row, by=call.actor, now=call.now, ask_registry=_ask_registry
    )
    return ImportedShown(
        a.application_id, a.ticket, a.state, a.category, a.ordered_at, a.received_at
    )


def _ask_registry(digests: Sequence[str], status: str, now: datetime) -> rules.Checked:
    answer = registry.check(digests, status, now=now)
    return rules.Checked(answer.result, answer.since)


def _category(seen: Seen, language: str) -> CategoryShown:
    named = {"kk": seen.category.kk, "ru": seen.category.ru, "en": seen.category.en}[language]
    return CategoryShown(seen.application.category, seen.application.tier, named)


def _draw(drawn: actions.Drawn) -> DrawShown:
    intake = drawn.intake
    return DrawShown(
        intake_id=intake.intake_id,
        state=drawn.state,
        opens_at=intake.opens_at,
        closes_at=intake.closes_at,
        beacon_at=intake.beacon_at,
        number=drawn.number,
        seed=intake.randomness,
        link=f"{_LIST}/intakes/{intake.intake_id}",
    )


def _moved(application: rules.Application) -> MovedShown | None:
    source = application.source
    if source is None:
        return None
    return MovedShown(
        platform=source.platform,
        number=source.number,
        file=source.file,
        row=source.row,
        old_place=source.place,
        place=f"/v1/queue/places/{application.application_id}",
    )


def _intake(intake: rules.Intake, now: datetime) -> IntakeShown:
    return IntakeShown(
        intake_id=intake.intake_id,
        programme=intake.programme,
        area=intake.area,
        state=intake.state(now),
        announced_at=intake.announced_at,
        opens_at=intake.opens_at,
        closes_at=intake.closes_at,
        beacon=BeaconShown(
            name=intake.beacon,
            url=intake.beacon_url,
            moment=intake.beacon_at,
            round=intake.round,
            round_at=intake.round_at,
            value_at=intake.value_at,
        ),
        seed=intake.randomness,
        signature=intake.signature,
        drawn_at=intake.drawn_at,
        cancelled_at=intake.cancelled_at,
        rules=intake.pack,
    )


def _statuses(
    seen: Seen, language: str, *, hidden: frozenset[str] = frozenset()
) -> list[StatusShown]:
    return [
        StatusShown(
            s.status,
            s.state,
            s.proof,
            s.prove_by,
            s.registry_silent_since,
            s.reason,
            text(f"applications/reason/{s.reason}", language) if s.reason else None,
            text(f"applications/status/{s.state}", language),
        )
        for s in seen.application.statuses
        if s.status not in hidden
    ]


def _shown(seen: Seen, language: str) -> ApplicationShown:
    a = seen.application
    return ApplicationShown(
        application_id=a.application_id,
        ticket=a.ticket,
        state=a.state,
        programme=a.programme,
        area=a.area,
        child_id=a.child_id,
        language=a.language,
        kind=a.kind,
        received_at=a.received_at,
        ordered_at=a.ordered_at,
        category=_category(seen, language),
        statuses=_statuses(seen, language, hidden=seen.protected),
        preferences=a.preferences,
        batch=a.batch_name,
        voucher_id=a.voucher_id,
        confirm_by=a.confirm_by,
        restore_until=a.restore_until,
        restores=a.restores,
        returns=a.returns,
        returns_left=seen.returns_left,
        sen=a.sen,
        intake=_draw(seen.drawn) if seen.drawn is not None else None,
        next=NextShown(
            seen.next.step,
            text(f"applications/next/{seen.next.step}", language),
            seen.next.until,
        ),
        moved=_moved(a),
        rules=a.pack,
        links=Links(
            place=f"/v1/queue/places/{a.application_id}",
            voucher=f"/v1/vouchers/{a.voucher_id}" if a.voucher_id else None,
        ),
    )


def _to_verify(seen: Seen, language: str) -> ToVerify:
    a = seen.application
    return ToVerify(
        application_id=a.application_id,
        ticket=a.ticket,
        state=a.state,
        programme=a.programme,
        area=a.area,
        child_id=a.child_id,
        received_at=a.received_at,
        category=_category(seen, language),
        statuses=_statuses(seen, language),
    )
