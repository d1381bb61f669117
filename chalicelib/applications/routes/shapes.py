"""What the routes of applications share: an application as its family sees it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from chalicelib.adapters import registry
from chalicelib.applications import actions, rules
from chalicelib.applications.actions import Seen
from chalicelib.edge.routes import Routes
from chalicelib.edge.texts import text

routes = Routes("chalicelib.applications.routes", "applications")

Id = Annotated[str, Meta(min_length=8, max_length=64)]
Code = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[a-z0-9-]+$(?!\n)")]
LIST = "/v1/applications"
# What stands in lists where a status, or a tier that would tell it, is protected.
PROTECTED = "protected"


class ListAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """A page of a list."""

    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    cursor: Annotated[str, Meta(max_length=512)] | None = None


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


class SignatureShown(Struct, frozen=True):
    """The applicant's EDS. `needed`: a voucher is confirmed only for a signed application."""

    needed: bool
    signed_at: str | None
    certificate: str | None


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
    receipt: str


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
    signature: SignatureShown
    intake: DrawShown | None
    next: NextShown
    moved: MovedShown | None
    rules: str
    links: Links


class ApplicationTaken(ApplicationShown, frozen=True):
    """An application as it was taken in, with its receipt.

    receipt: a signed text (C2SP signed note) to keep; None while it cannot be signed, and then
    `links` says where it can be had later. receipt_text: what it is for.
    """

    receipt: str | None
    receipt_text: str


class ReceiptShown(Struct, frozen=True):
    """The receipt of an application: what it was when it was taken in.

    receipt: a signed text (C2SP signed note); category: at applying, whatever it is now.
    """

    application_id: str
    ticket: str
    received_at: str
    category: int
    receipt: str
    text: str


class ApplicationsPage(Struct, frozen=True):
    """Applications of the caller's children; `next_cursor` is null on the last page."""

    items: list[ApplicationShown]
    next_cursor: str | None


class BatchAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Twins or triplets who are placed together: a name for the batch, and how many they are."""

    id: Id
    size: Annotated[int, Meta(ge=2, le=4)]


def shown(seen: Seen, language: str) -> ApplicationShown:
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
        category=category(seen, language),
        statuses=statuses(seen, language),
        preferences=a.preferences,
        batch=a.batch_name,
        voucher_id=a.voucher_id,
        confirm_by=a.confirm_by,
        restore_until=a.restore_until,
        restores=a.restores,
        returns=a.returns,
        returns_left=seen.returns_left,
        sen=a.sen,
        signature=SignatureShown(seen.needs_signature, a.signed_at, a.certificate),
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
            receipt=f"{LIST}/{a.application_id}/receipt",
        ),
    )


def taken(seen: Seen, language: str) -> ApplicationTaken:
    """Return an application that was just taken in, with its receipt."""
    receipt = actions.find_receipt(seen.application)
    said = "applications/receipt" if receipt else "applications/receipt-later"
    return ApplicationTaken(
        **msgspec.structs.asdict(shown(seen, language)),
        receipt=receipt.note if receipt else None,
        receipt_text=text(said, language),
    )


def category(seen: Seen, language: str, *, hide: bool = False) -> CategoryShown:
    """Return a category; hide: by its number alone where its name would tell a protected status."""
    number = seen.application.category
    if hide and seen.telling:
        said = text("applications/category-number", language, {"number": number})
        return CategoryShown(number, PROTECTED, said)
    return CategoryShown(number, seen.application.tier, seen.category.in_(language))


def statuses(seen: Seen, language: str, *, hide: bool = False) -> list[StatusShown]:
    """Return claimed statuses; hide: a protected one says neither what it is nor how proved."""
    return [
        StatusShown(
            PROTECTED if hide and s.status in seen.protected else s.status,
            s.state,
            "paper" if hide and s.status in seen.protected else s.proof,
            s.prove_by,
            None if hide and s.status in seen.protected else s.registry_silent_since,
            s.reason,
            text(f"applications/reason/{s.reason}", language) if s.reason else None,
            text(f"applications/status/{s.state}", language),
        )
        for s in seen.application.statuses
    ]


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
        link=f"{LIST}/intakes/{intake.intake_id}",
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


def ask_registry(digests: Sequence[str], status: str, now: datetime) -> rules.Checked:
    answer = registry.check(digests, status, now=now)
    return rules.Checked(answer.result, answer.since)
