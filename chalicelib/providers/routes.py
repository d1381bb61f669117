"""HTTP of organisations, sites and groups; the catalogue and the figures need no sign-in."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Annotated, Literal

from msgspec import Meta, Struct, convert

from chalicelib.edge import pages
from chalicelib.edge.routes import Answer, Call, File, Routes
from chalicelib.edge.tables import CSV_MEDIA_TYPE, csv_file
from chalicelib.kernel.ids import BadId, GroupId, OrganisationId, SiteId, checked_id
from chalicelib.kernel.iin import BadBin
from chalicelib.kernel.refusals import AnotherContent, Unknown
from chalicelib.kernel.workdays import CalendarMissing
from chalicelib.policy.actions import NoPack
from chalicelib.policy.rules import NoRuleInForce
from chalicelib.providers import actions, rules
from chalicelib.providers.actions import OrganisationAsked, OrganisationSeen, SiteAsked
from chalicelib.providers.rules import GroupAsked, Reason, Shown, Site, SiteState, showing
from chalicelib.providers.rules.showing import Figure, Total, Wanted

routes = Routes(__name__, "providers")

_TEXT = r"^[^\x00-\x1f\x7f<>]*[^\x00-\x20\x7f<>][^\x00-\x1f\x7f<>]*$(?!\n)"
Name = Annotated[str, Meta(min_length=2, max_length=160, pattern=_TEXT)]
Address = Annotated[str, Meta(min_length=5, max_length=240, pattern=_TEXT)]
Id = Annotated[str, Meta(min_length=8, max_length=64)]
Code = Annotated[str, Meta(min_length=1, max_length=40, pattern=r"^[a-z0-9-]+$(?!\n)")]
Act = Annotated[str, Meta(min_length=1, max_length=60, pattern=_TEXT)]
Attempt = Annotated[int, Meta(ge=1, le=1000)]
Revision = Annotated[int, Meta(ge=1)]
Year = Annotated[int, Meta(ge=2024, le=2100)]
Age = Annotated[int, Meta(ge=0, le=18)]
Locality = Literal["urban", "rural"]
SiteForm = Literal["public", "private", "mini-centre"]
Language = Literal["kk", "ru"]
Kind = Literal["general", "correctional", "sanatorium"]
Hours = Literal["9", "10.5", "24"]
Cursor = Annotated[str, Meta(max_length=512)]
Limit = Annotated[int, Meta(ge=1, le=100)]

_CATALOGUE = "/v1/providers/catalogue"
_SITES = "/v1/providers/sites"
# Everybody reads the same, and it is the dearest question here: a cache before us may answer it.
_SHARED = {"Cache-Control": "public, max-age=15"}
_OF_STEPS = (
    Unknown,
    AnotherContent,
    rules.WrongState,
    NoRuleInForce,
)


# --- what is asked ------------------------------------------------------------------------------


class OrganisationBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Who is paid. payee: the name on the account; name: the public one, never a person's.

    replaces: the revision that was read, when an earlier description is to be changed.
    """

    bin: Annotated[str, Meta(min_length=12, max_length=12)]
    name: Name
    form: Literal["public", "private", "sole-trader"]
    account: Annotated[str, Meta(min_length=20, max_length=30)]
    bank: Annotated[str, Meta(min_length=8, max_length=11)]
    contact: Annotated[str, Meta(min_length=5, max_length=120)]
    payee: Name | None = None
    replaces: Revision | None = None


class ConfirmationBody(Struct, frozen=True, forbid_unknown_fields=True):
    """The revision whose account the officer compared with the bank's letter."""

    revision: Revision


class SiteBody(Struct, frozen=True, forbid_unknown_fields=True):
    """One kindergarten at one address; replaces: the revision that was read, for a change."""

    organisation_id: Id
    programme: Code
    area: Code
    name: Name
    address: Address
    locality: Locality
    form: SiteForm
    replaces: Revision | None = None


class ShownBody(Struct, frozen=True, forbid_unknown_fields=True):
    """One item of the checklist; digest: SHA-256 of the paper's file, in hex."""

    item: Code
    state: Literal["ready", "in-progress"]
    document: Annotated[str, Meta(min_length=1, max_length=60, pattern=_TEXT)] | None = None
    digest: Annotated[str, Meta(max_length=64, pattern="^[0-9a-f]{64}$")] | None = None
    valid_to: date | None = None


class SubmissionBody(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole checklist; attempt: 1 at first, one more after a correction or a refusal."""

    checklist: Annotated[tuple[ShownBody, ...], Meta(max_length=40)]
    attempt: Attempt = 1


class ReasonBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A rule that is cited (an item of the checklist, a paragraph) and what shows it."""

    rule: Annotated[str, Meta(min_length=1, max_length=120)]
    evidence: Annotated[str, Meta(min_length=1, max_length=500)]


Reasons = Annotated[tuple[ReasonBody, ...], Meta(max_length=20)]


class CheckBody(Struct, frozen=True, forbid_unknown_fields=True):
    """The formal check of an attempt; a correction cites the items to be corrected."""

    result: Literal["complete", "correction"]
    reasons: Reasons = ()
    attempt: Attempt = 1


class DecisionBody(Struct, frozen=True, forbid_unknown_fields=True):
    """The commission's decision on an attempt; a refusal cites each rule with its evidence."""

    result: Literal["admit", "refuse"]
    reasons: Reasons = ()
    attempt: Attempt = 1


class ListingBody(Struct, frozen=True, forbid_unknown_fields=True):
    """The number of the act by which the site is listed."""

    act: Act


class MeasureBody(Struct, frozen=True, forbid_unknown_fields=True):
    """The number of an act, and its reasons."""

    act: Act
    reasons: Reasons = ()


class RemovalBody(Struct, frozen=True, forbid_unknown_fields=True):
    """The number of an act, its reasons, and whether children's transfers are already planned."""

    act: Act
    reasons: Reasons = ()
    planned_transfer: bool = False


class GroupBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A group: ages in completed years on 1 September, both included.

    capacity counts from `from_on` (today); replaces: the revision that was read, for a change.
    """

    site_id: Id
    name: Name
    academic_year: Year
    age_from: Age
    age_to: Age
    language: Language
    kind: Kind
    hours: Hours
    capacity: int
    from_on: date | None = None
    replaces: Revision | None = None


class SitesQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which sites; an officer's own areas where none is named."""

    programme: Code = "preschool"
    area: Code | None = None
    state: SiteState | None = None
    limit: Limit = 50
    cursor: Cursor | None = None


class CatalogueQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """What a family looks for; age: completed years on 1 September; free: only free places."""

    area: Code
    programme: Code = "preschool"
    language: Language | None = None
    age: Age | None = None
    kind: Kind | None = None
    form: SiteForm | None = None
    free: bool = False
    limit: Limit = 50
    cursor: Cursor | None = None


class FiguresQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which area, and as what."""

    area: Code
    programme: Code = "preschool"
    format: Literal["json", "csv"] = "json"


# --- what is answered ---------------------------------------------------------------------------


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


class ReasonSeen(Struct, frozen=True):
    """A cited rule and its evidence."""

    rule: str
    evidence: str


class ShownSeen(Struct, frozen=True):
    """An item of the checklist as it was shown."""

    item: str
    state: str
    document: str | None
    digest: str | None
    valid_to: date | None


class MeasureSeen(Struct, frozen=True):
    """What was done to a listed site, by which act, why, and with what effect."""

    step: str
    act: str
    reasons: list[ReasonSeen]
    effect: str
    at: str


class Proceedings(Struct, frozen=True):
    """How the admission stands; only the site's head and its officers see it."""

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


class SiteSeen(Struct, frozen=True):
    """A site; `groups` where one site is shown, `proceedings` for its head and its officers."""

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


class SitesPage(Struct, frozen=True):
    """Sites by id; `next_cursor` is null on the last page."""

    items: list[SiteSeen]
    next_cursor: str | None


class OfferSeen(Struct, frozen=True):
    """A listed site and its groups that fit; ratings: where its families' answers stand."""

    site_id: str
    name: str
    address: str
    locality: str
    form: str
    free: int
    groups: list[GroupSeen]
    ratings: str


class CataloguePage(Struct, frozen=True):
    """Listed sites in order of name; `next_cursor` is null on the last page."""

    items: list[OfferSeen]
    next_cursor: str | None


class FiguresSeen(Struct, frozen=True):
    """Places by site and in all, by academic year, ages, language and kind."""

    programme: str
    area: str
    as_of: str
    items: list[Figure]
    totals: list[Total]


# --- organisations ------------------------------------------------------------------------------


@routes.put(
    "/organisations/{organisation_id}",
    action="providers/register-organisation",
    asks=OrganisationBody,
    answers=OrganisationSeen,
    refuses=(
        Unknown,
        BadBin,
        rules.BadAccount,
        rules.BadBank,
        rules.BinTaken,
        AnotherContent,
        rules.ChangedMeanwhile,
    ),
)
def register_organisation(
    call: Call[OrganisationBody], organisation_id: OrganisationId
) -> OrganisationSeen:
    """Register who is paid, or change it; a changed account waits for an officer."""
    asked = OrganisationAsked(
        organisation_id=organisation_id,
        bin=call.asked.bin,
        name=call.asked.name,
        form=call.asked.form,
        payee=call.asked.payee or call.asked.name,
        account=call.asked.account,
        bank=call.asked.bank,
        contact=call.asked.contact,
        replaces=call.asked.replaces,
    )
    return actions.register_organisation(asked, by=call.actor, now=call.now)


@routes.get(
    "/organisations/{organisation_id}",
    action="providers/see-organisation",
    answers=OrganisationSeen,
    refuses=(Unknown,),
)
def see_organisation(call: Call[None], organisation_id: OrganisationId) -> OrganisationSeen:
    """Show an organisation; its number and accounts only to its head and its officers."""
    return actions.see_organisation(organisation_id, by=call.actor)


@routes.put(
    "/organisations/{organisation_id}/account-confirmation",
    action="providers/confirm-account",
    asks=ConfirmationBody,
    answers=OrganisationSeen,
    refuses=(Unknown, rules.ChangedMeanwhile, rules.NothingToConfirm),
)
def confirm_account(
    call: Call[ConfirmationBody], organisation_id: OrganisationId
) -> OrganisationSeen:
    """Let money follow a changed account, exactly as it stands in a revision."""
    return actions.confirm_account(
        organisation_id, revision=call.asked.revision, by=call.actor, now=call.now
    )


# --- sites --------------------------------------------------------------------------------------


@routes.put(
    "/sites/{site_id}",
    action="providers/describe-site",
    asks=SiteBody,
    answers=SiteSeen,
    refuses=(Unknown, NoPack, AnotherContent, rules.ChangedMeanwhile, rules.SiteFixed),
)
def put_site(call: Call[SiteBody], site_id: SiteId) -> SiteSeen:
    """Describe a site of one's organisation, or change it before it is handed in."""
    asked = convert({**_fields(call.asked), "site_id": site_id}, SiteAsked)
    return _site(actions.put_site(asked, by=call.actor, now=call.now), whole=True)


@routes.get(
    "/sites",
    action="providers/list-sites",
    query=SitesQuery,
    answers=SitesPage,
    refuses=(Unknown, actions.AreaNeeded, pages.BadCursor),
)
def list_sites(call: Call[None]) -> SitesPage:
    """List sites: a head's own, an officer's by area and state."""
    query: SitesQuery = call.query
    sites = actions.list_sites(
        programme=query.programme, area=query.area, state=query.state, by=call.actor
    )
    of = f"{_SITES}?{query.programme}&{query.area}&{query.state}&{call.actor.subject}"
    after = pages.position(query.cursor, of=of) if query.cursor else ""
    ahead = [site for site in sites if site.site_id > after]
    page = ahead[: query.limit]
    more = len(ahead) > len(page)
    return SitesPage(
        [_site(site, whole=True) for site in page],
        pages.cursor(page[-1].site_id, of=of) if more else None,
    )


@routes.get("/sites/{site_id}", action="providers/see-site", answers=SiteSeen, refuses=(Unknown,))
def see_site(call: Call[None], site_id: SiteId) -> SiteSeen:
    """Show a site with its groups; how its admission went only to its head and its officers."""
    seen = actions.see_site(site_id, by=call.actor)
    return _site(seen.site, whole=seen.whole, groups=seen.groups)


@routes.put(
    "/sites/{site_id}/submission",
    action="providers/submit-site",
    asks=SubmissionBody,
    answers=SiteSeen,
    refuses=(
        *_OF_STEPS,
        rules.CorrectionLate,
        rules.UnknownItem,
        rules.ChecklistUnmet,
        CalendarMissing,
    ),
)
def submit_site(call: Call[SubmissionBody], site_id: SiteId) -> SiteSeen:
    """Apply for the List with the checklist; once more after a correction or a refusal."""
    shown = [convert(_fields(item), Shown) for item in call.asked.checklist]
    site = actions.submit_site(
        site_id, shown, attempt=call.asked.attempt, by=call.actor, now=call.now
    )
    return _site(site, whole=True)


@routes.put(
    "/sites/{site_id}/check",
    action="providers/check-site",
    asks=CheckBody,
    answers=SiteSeen,
    refuses=(
        *_OF_STEPS,
        rules.CorrectionUsed,
        rules.ReasonNeeded,
        rules.UnknownItem,
        CalendarMissing,
    ),
)
def check_site(call: Call[CheckBody], site_id: SiteId) -> SiteSeen:
    """Find an application complete, or send it back for its one correction with cited items."""
    site = actions.check_site(
        site_id,
        call.asked.result,
        _reasons(call.asked.reasons),
        attempt=call.asked.attempt,
        by=call.actor,
        now=call.now,
    )
    return _site(site, whole=True)


@routes.put(
    "/sites/{site_id}/decision",
    action="providers/decide-site",
    asks=DecisionBody,
    answers=SiteSeen,
    refuses=(Unknown, AnotherContent, rules.WrongState, rules.ReasonNeeded),
)
def decide_site(call: Call[DecisionBody], site_id: SiteId) -> SiteSeen:
    """Enter the commission's decision; a refusal cites each rule with its evidence."""
    site = actions.decide_site(
        site_id,
        call.asked.result,
        _reasons(call.asked.reasons),
        attempt=call.asked.attempt,
        by=call.actor,
        now=call.now,
    )
    return _site(site, whole=True)


@routes.put(
    "/sites/{site_id}/listing",
    action="providers/list-site",
    asks=ListingBody,
    answers=SiteSeen,
    refuses=(*_OF_STEPS, rules.NotDecided, rules.SecondPerson, rules.TooEarly),
)
def list_site(call: Call[ListingBody], site_id: SiteId) -> SiteSeen:
    """Put an admitted site on the List for a year and open its groups; a second person does it."""
    site = actions.list_site(site_id, act=call.asked.act, by=call.actor, now=call.now)
    return _site(site, whole=True)


@routes.put(
    "/sites/{site_id}/suspension",
    action="providers/suspend-site",
    asks=MeasureBody,
    answers=SiteSeen,
    refuses=(*_OF_STEPS, rules.ReasonNeeded),
)
def suspend_site(call: Call[MeasureBody], site_id: SiteId) -> SiteSeen:
    """Close a site for new choices; its children stay and may transfer at once."""
    site = actions.suspend_site(
        site_id, _reasons(call.asked.reasons), act=call.asked.act, by=call.actor, now=call.now
    )
    return _site(site, whole=True)


@routes.put(
    "/sites/{site_id}/reinstatement",
    action="providers/reinstate-site",
    asks=MeasureBody,
    answers=SiteSeen,
    refuses=_OF_STEPS,
)
def reinstate_site(call: Call[MeasureBody], site_id: SiteId) -> SiteSeen:
    """Open a suspended site again."""
    site = actions.reinstate_site(
        site_id, _reasons(call.asked.reasons), act=call.asked.act, by=call.actor, now=call.now
    )
    return _site(site, whole=True)


@routes.put(
    "/sites/{site_id}/removal",
    action="providers/remove-site",
    asks=RemovalBody,
    answers=SiteSeen,
    refuses=(*_OF_STEPS, rules.ReasonNeeded, rules.TransitionRunning),
)
def remove_site(call: Call[RemovalBody], site_id: SiteId) -> SiteSeen:
    """Take a site off the List, after its transition or with transfers planned."""
    site = actions.remove_site(
        site_id,
        _reasons(call.asked.reasons),
        act=call.asked.act,
        planned_transfer=call.asked.planned_transfer,
        by=call.actor,
        now=call.now,
    )
    return _site(site, whole=True)


# --- groups -------------------------------------------------------------------------------------


@routes.put(
    "/groups/{group_id}",
    action="providers/describe-group",
    asks=GroupBody,
    answers=GroupSeen,
    refuses=(
        BadId,
        Unknown,
        AnotherContent,
        rules.ChangedMeanwhile,
        rules.SiteFixed,
        rules.BadYear,
        rules.BadCapacity,
        rules.BadAges,
        rules.GroupFixed,
        rules.BelowHeld,
        rules.TooManyGroups,
        NoRuleInForce,
    ),
)
def put_group(call: Call[GroupBody], group_id: GroupId) -> GroupSeen:
    """Make a group of a site or change one; with children in it, only its name and capacity."""
    body = call.asked
    asked = GroupAsked(
        group_id=group_id,
        name=body.name,
        academic_year=body.academic_year,
        age_from=body.age_from,
        age_to=body.age_to,
        language=body.language,
        kind=body.kind,
        hours=body.hours,
        capacity=body.capacity,
        from_on=body.from_on,
    )
    site_id = checked_id(body.site_id, field="site_id")
    group = actions.put_group(
        asked, site_id=site_id, replaces=body.replaces, by=call.actor, now=call.now
    )
    return _group(group)


# --- imports ------------------------------------------------------------------------------------


class PayeeBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Who is paid, as the act's file names it."""

    organisation_id: Id
    bin: Annotated[str, Meta(min_length=12, max_length=12)]
    name: Name
    form: Literal["public", "private", "sole-trader"]
    account: Annotated[str, Meta(min_length=20, max_length=30)]
    bank: Annotated[str, Meta(min_length=8, max_length=11)]
    contact: Annotated[str, Meta(min_length=5, max_length=120)]


class ImportedGroup(Struct, frozen=True, forbid_unknown_fields=True):
    """A group of the imported site; its places count from the day of the import."""

    group_id: Id
    name: Name
    academic_year: Year
    age_from: Age
    age_to: Age
    language: Language
    kind: Kind
    hours: Hours
    capacity: Annotated[int, Meta(ge=1, le=1000)]
    from_on: date


class SourceBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the row stood: the system, the file's SHA-256, the line of its first row."""

    system: Annotated[str, Meta(min_length=2, max_length=60, pattern=_TEXT)]
    file: Annotated[str, Meta(max_length=64, pattern="^[0-9a-f]{64}$")]
    line: Annotated[int, Meta(ge=1)]


class ImportBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A kindergarten that an act listed before Kezek, with its payee and groups."""

    organisation: PayeeBody
    programme: Code
    area: Code
    name: Name
    address: Address
    locality: Locality
    form: SiteForm
    groups: Annotated[tuple[ImportedGroup, ...], Meta(min_length=1, max_length=20)]
    act: Act
    listed_on: date
    source: SourceBody


@routes.put(
    "/imports/{site_id}",
    action="providers/import-site",
    asks=ImportBody,
    answers=SiteSeen,
    refuses=(
        Unknown,
        AnotherContent,
        BadBin,
        BadId,
        NoPack,
        NoRuleInForce,
        actions.ListingOver,
        rules.BadAccount,
        rules.BadBank,
        rules.BinTaken,
        rules.BadCapacity,
        rules.BadAges,
        rules.TooManyGroups,
    ),
)
def import_site(call: Call[ImportBody], site_id: SiteId) -> SiteSeen:
    """Take over a site that an act listed, with its groups; the same again changes nothing."""
    body = call.asked
    payee = body.organisation
    organisation_id = checked_id(payee.organisation_id, field="organisation_id")
    asked = actions.SiteImported(
        organisation=OrganisationAsked(
            organisation_id=organisation_id,
            bin=payee.bin,
            name=payee.name,
            form=payee.form,
            payee=payee.name,
            account=payee.account,
            bank=payee.bank,
            contact=payee.contact,
        ),
        site=SiteAsked(
            site_id=site_id,
            organisation_id=organisation_id,
            programme=body.programme,
            area=body.area,
            name=body.name,
            address=body.address,
            locality=body.locality,
            form=body.form,
        ),
        groups=tuple(
            GroupAsked(
                group_id=checked_id(group.group_id, field="group_id"),
                name=group.name,
                academic_year=group.academic_year,
                age_from=group.age_from,
                age_to=group.age_to,
                language=group.language,
                kind=group.kind,
                hours=group.hours,
                capacity=group.capacity,
                from_on=group.from_on,
            )
            for group in body.groups
        ),
        act=body.act,
        listed_on=body.listed_on,
        source=actions.Source(
            system=body.source.system, file=body.source.file, line=body.source.line
        ),
    )
    site, groups = actions.import_site(asked, by=call.actor, now=call.now)
    return _site(site, whole=True, groups=groups)


# --- the public ---------------------------------------------------------------------------------


@routes.get(
    "/catalogue",
    action="providers/catalogue",
    query=CatalogueQuery,
    answers=CataloguePage,
    refuses=(NoPack, pages.BadCursor),
)
def catalogue(call: Call[None]) -> Answer:
    """List the sites on the List with their groups and free places, in order of name."""
    query: CatalogueQuery = call.query
    wanted = Wanted(
        language=query.language,
        age=query.age,
        kind=query.kind,
        form=query.form,
        free=query.free,
    )
    of = f"{_CATALOGUE}?{query.programme}&{query.area}&{wanted}"
    after = pages.position(query.cursor, of=of) if query.cursor else ""
    found = actions.catalogue(query.programme, query.area, wanted)
    ahead = [(site, groups) for site, groups in found if _place(site) > after]
    page = ahead[: query.limit]
    more = len(ahead) > len(page)
    seen = CataloguePage(
        [
            OfferSeen(
                site_id=site.site_id,
                name=site.name,
                address=site.address,
                locality=site.locality,
                form=site.form,
                free=sum(rules.free_places(group) for group in groups),
                groups=[_group(group) for group in groups],
                ratings=_ratings(site),
            )
            for site, groups in page
        ],
        pages.cursor(_place(page[-1][0]), of=of) if more else None,
    )
    return Answer(seen, headers=_SHARED)


@routes.get(
    "/figures",
    action="providers/figures",
    query=FiguresQuery,
    answers=FiguresSeen,
    refuses=(NoPack,),
)
def figures(call: Call[None]) -> Answer:
    """Show places and free places by site, age, language and kind; as JSON or CSV."""
    query: FiguresQuery = call.query
    rows = actions.figures(query.programme, query.area)
    if query.format == "json":
        as_of = f"{call.now:%Y-%m-%dT%H:%M:%SZ}"
        seen = FiguresSeen(query.programme, query.area, as_of, rows, showing.totals(rows))
        return Answer(seen, headers=_SHARED)
    headings = list(Figure.__dataclass_fields__)
    content = csv_file(headings, [list(asdict(row).values()) for row in rows])
    file = File(content, CSV_MEDIA_TYPE, f"places-{query.programme}-{query.area}.csv")
    return Answer(file, headers=_SHARED)


def _place(site: Site) -> str:
    return "\x00".join(showing.position(site))


def _ratings(site: Site) -> str:
    return f"/v1/ratings/sites/{site.site_id}"


def _fields(body: Struct) -> dict[str, object]:
    return {name: getattr(body, name) for name in body.__struct_fields__}


def _reasons(reasons: tuple[ReasonBody, ...]) -> list[Reason]:
    return [Reason(reason.rule, reason.evidence) for reason in reasons]


def _reasons_seen(reasons: tuple[Reason, ...]) -> list[ReasonSeen]:
    return [ReasonSeen(reason.rule, reason.evidence) for reason in reasons]


def _group(group: rules.Group) -> GroupSeen:
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
    )


def _site(site: Site, *, whole: bool, groups: list[rules.Group] | None = None) -> SiteSeen:
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
        ratings=_ratings(site),
        groups=[_group(group) for group in groups or []],
        proceedings=_proceedings(site) if whole else None,
    )


def _proceedings(site: Site) -> Proceedings:
    return Proceedings(
        attempt=site.attempt,
        corrections=site.corrections,
        due_at=site.due_at,
        checklist=[
            ShownSeen(item.item, item.state, item.document, item.digest, item.valid_to)
            for item in site.checklist
        ],
        to_correct=_reasons_seen(site.correction.reasons) if site.correction else [],
        decided=site.decision.result if site.decision else None,
        decided_at=site.decision.at if site.decision else None,
        reasons=_reasons_seen(site.decision.reasons) if site.decision else [],
        measures=[
            MeasureSeen(m.step, m.act, _reasons_seen(m.reasons), m.effect, m.at)
            for m in site.measures
        ],
        revision=site.revision,
    )
