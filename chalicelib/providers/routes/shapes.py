"""What several routes of this slice read and answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Annotated, Literal

from msgspec import Meta, Struct

from chalicelib.edge.body import TEXT
from chalicelib.edge.routes import Routes
from chalicelib.kernel.refusals import AnotherContent, Unknown
from chalicelib.policy.rules import NoRuleInForce
from chalicelib.providers import rules
from chalicelib.providers.actions import Teacher
from chalicelib.providers.rules import Location, Reason, Site, Vote, WeeklyLesson, places
from chalicelib.providers.rules.sites import Objection

routes = Routes("chalicelib.providers.routes", "providers")

Name = Annotated[str, Meta(min_length=2, max_length=160, pattern=TEXT)]
Address = Annotated[str, Meta(min_length=5, max_length=240, pattern=TEXT)]
Id = Annotated[str, Meta(min_length=8, max_length=64)]
Code = Annotated[str, Meta(min_length=1, max_length=40, pattern=r"^[a-z0-9-]+$(?!\n)")]
Activity = Annotated[str, Meta(max_length=40, pattern=r"^[a-z0-9-]*$(?!\n)")]
Hours = Annotated[str, Meta(min_length=1, max_length=8, pattern=r"^[0-9.]+$(?!\n)")]
Act = Annotated[str, Meta(min_length=1, max_length=60, pattern=TEXT)]
Attempt = Annotated[int, Meta(ge=1, le=1000)]
Revision = Annotated[int, Meta(ge=1)]
Year = Annotated[int, Meta(ge=2024, le=2100)]
Age = Annotated[int, Meta(ge=0, le=18)]
Locality = Literal["urban", "rural"]
Language = Literal["kk", "ru"]
Cursor = Annotated[str, Meta(max_length=512)]
Limit = Annotated[int, Meta(ge=1, le=100)]

OF_STEPS = (
    Unknown,
    AnotherContent,
    rules.WrongState,
    NoRuleInForce,
)


# --- what is asked ------------------------------------------------------------------------------


class ReasonBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A rule that is cited (an item of the checklist, a paragraph) and what shows it."""

    rule: Annotated[str, Meta(min_length=1, max_length=120)]
    evidence: Annotated[str, Meta(min_length=1, max_length=500)]


Reasons = Annotated[tuple[ReasonBody, ...], Meta(max_length=20)]


class LocationBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A point on the map, in degrees north and east."""

    lat: float
    lon: float


# --- what is answered ---------------------------------------------------------------------------


class LocationSeen(Struct, frozen=True):
    """A point on the map, in degrees north and east."""

    lat: float
    lon: float


class GroupSeen(Struct, frozen=True):
    """A group as anybody sees it: never who holds its seats."""

    group_id: str
    name: str
    academic_year: int
    age_from: int
    age_to: int
    language: str
    kind: str
    hours: str
    places: int
    free: int
    open: bool
    revision: int
    activity: str
    sen: bool
    times: list[WeeklyLesson]


class ReasonSeen(Struct, frozen=True):
    """A cited rule and its evidence."""

    rule: str
    evidence: str


class ShownSeen(Struct, frozen=True):
    """An item of the checklist as it was shown; renewed_at: replaced since, while on the List."""

    item: str
    state: str
    document: str | None
    digest: str | None
    valid_to: date | None
    renewed_at: str | None


class VoteSeen(Struct, frozen=True):
    """One member's vote, shown once the commission has decided; members are numbered by vote."""

    member: int
    result: str
    reasons: list[ReasonSeen]
    at: str


class ObjectionSeen(Struct, frozen=True):
    """An objection, the refusal it is against, and the answer: null until there is one."""

    reasons: list[ReasonSeen]
    at: str
    refused_at: str
    refused_for: list[ReasonSeen]
    votes: list[VoteSeen]
    result: str | None


class MeasureSeen(Struct, frozen=True):
    """What was done to a listed site, by which act, why, and with what effect."""

    step: str
    act: str
    reasons: list[ReasonSeen]
    effect: str
    at: str


class Proceedings(Struct, frozen=True):
    """How the admission stands; only the site's head and its officers see it.

    voted: how many members voted in this round. object_by: until when a refusal may be objected to.
    """

    attempt: int
    corrections: int
    due_at: str | None
    checklist: list[ShownSeen]
    to_correct: list[ReasonSeen]
    decided: str | None
    decided_at: str | None
    reasons: list[ReasonSeen]
    measures: list[MeasureSeen]
    revision: int
    voted: int
    votes: list[VoteSeen]
    object_by: str | None
    objection: ObjectionSeen | None


class SiteSeen(Struct, frozen=True):
    """A site; `groups` and `teachers` where one site is shown, `proceedings` for its head and its
    officers.

    languages: those its groups are taught in. teachers_revision: of the list of teachers, for a
    change.
    """

    site_id: str
    organisation_id: str
    programme: str
    area: str
    name: str
    address: str
    locality: str
    form: str
    state: str
    listed_from: date | None
    valid_to: date | None
    transition_until: date | None
    ratings: str
    groups: list[GroupSeen]
    proceedings: Proceedings | None
    direction: str
    location: LocationSeen | None
    sen_conditions: bool
    languages: list[str]
    teachers: list[Teacher]
    teachers_revision: int


class SitesPage(Struct, frozen=True):
    """Sites by id; `next_cursor` is null on the last page."""

    items: list[SiteSeen]
    next_cursor: str | None


# --- from one to the other ----------------------------------------------------------------------


def ratings_of(site: Site) -> str:
    return f"/v1/ratings/sites/{site.site_id}"


def fields_of(body: Struct) -> dict[str, object]:
    return {name: getattr(body, name) for name in body.__struct_fields__}


def reasons_of(reasons: tuple[ReasonBody, ...]) -> list[Reason]:
    return [Reason(reason.rule, reason.evidence) for reason in reasons]


def reasons_seen(reasons: tuple[Reason, ...]) -> list[ReasonSeen]:
    return [ReasonSeen(reason.rule, reason.evidence) for reason in reasons]


def group_seen(group: rules.Group) -> GroupSeen:
    return GroupSeen(
        group_id=group.group_id,
        name=group.name,
        academic_year=group.academic_year,
        age_from=group.age_from,
        age_to=group.age_to,
        language=group.language,
        kind=group.kind,
        hours=group.hours,
        places=group.capacity,
        free=rules.free_places(group),
        open=group.open,
        revision=group.revision,
        activity=group.activity,
        sen=group.sen,
        times=list(group.times),
    )


def location_seen(location: Location | None) -> LocationSeen | None:
    if location is None:
        return None
    return LocationSeen(location.lat_e6 / places.MILLION, location.lon_e6 / places.MILLION)


def location_of(body: LocationBody | None) -> Location | None:
    """Return the point that was asked. Raises BadLocation."""
    return None if body is None else rules.located(body.lat, body.lon)


def languages_of(groups: Iterable[rules.Group]) -> list[str]:
    return sorted({group.language for group in groups})


def site_seen(
    site: Site,
    *,
    whole: bool,
    groups: Sequence[rules.Group] = (),
    teachers: Sequence[Teacher] = (),
) -> SiteSeen:
    return SiteSeen(
        site_id=site.site_id,
        organisation_id=site.organisation_id,
        programme=site.programme,
        area=site.area,
        name=site.name,
        address=site.address,
        locality=site.locality,
        form=site.form,
        state=site.state.value,
        listed_from=site.listed_from,
        valid_to=site.valid_to,
        transition_until=site.transition_until,
        ratings=ratings_of(site),
        groups=[group_seen(group) for group in groups],
        proceedings=_proceedings(site) if whole else None,
        direction=site.direction,
        location=location_seen(site.location),
        sen_conditions=site.sen_conditions,
        languages=languages_of(groups),
        teachers=list(teachers),
        teachers_revision=site.teachers_revision,
    )


def _proceedings(site: Site) -> Proceedings:
    return Proceedings(
        attempt=site.attempt,
        corrections=site.corrections,
        due_at=site.due_at,
        checklist=[
            ShownSeen(
                item.item,
                item.state,
                item.document,
                item.digest,
                item.valid_to,
                item.renewed_at,
            )
            for item in site.checklist
        ],
        to_correct=reasons_seen(site.correction.reasons) if site.correction else [],
        decided=site.decision.result if site.decision else None,
        decided_at=site.decision.at if site.decision else None,
        reasons=reasons_seen(site.decision.reasons) if site.decision else [],
        measures=[
            MeasureSeen(m.step, m.act, reasons_seen(m.reasons), m.effect, m.at)
            for m in site.measures
        ],
        revision=site.revision,
        voted=len(site.votes),
        votes=_votes(site.votes) if site.decision else [],
        object_by=site.decision.object_by if site.decision else None,
        objection=_objection(site.objection) if site.objection else None,
    )


def _votes(votes: tuple[Vote, ...]) -> list[VoteSeen]:
    return [
        VoteSeen(number, vote.result, reasons_seen(vote.reasons), vote.at)
        for number, vote in enumerate(votes, start=1)
    ]


def _objection(objection: Objection) -> ObjectionSeen:
    return ObjectionSeen(
        reasons=reasons_seen(objection.reasons),
        at=objection.at,
        refused_at=objection.refusal.at,
        refused_for=reasons_seen(objection.refusal.reasons),
        votes=_votes(objection.votes),
        result=objection.result,
    )
