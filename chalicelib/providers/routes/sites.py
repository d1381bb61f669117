"""HTTP of sites: what they are, who teaches there, which papers they have."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from msgspec import Meta, Struct

from chalicelib.edge import pages
from chalicelib.edge.body import TEXT
from chalicelib.edge.routes import Call
from chalicelib.kernel.ids import SiteId
from chalicelib.kernel.refusals import AnotherContent, Unknown
from chalicelib.policy.actions import NoPack
from chalicelib.policy.rules import NoRuleInForce, UnknownForm
from chalicelib.providers import actions, rules
from chalicelib.providers.actions import SiteAsked, Teacher
from chalicelib.providers.routes.shapes import (
    Activity,
    Address,
    Code,
    Cursor,
    Id,
    Limit,
    Locality,
    LocationBody,
    Name,
    Revision,
    SiteSeen,
    SitesPage,
    location_of,
    routes,
    site_seen,
)
from chalicelib.providers.rules import Shown, SiteState

_SITES = "/v1/providers/sites"


class SiteBody(Struct, frozen=True, forbid_unknown_fields=True):
    """One kindergarten or club at one address; replaces: the revision that was read, for a change.

    direction: what it teaches, in programmes where each direction has its own department.
    sen_conditions: it is ready for children with special educational needs.
    """

    organisation_id: Id
    programme: Code
    area: Code
    name: Name
    address: Address
    locality: Locality
    form: Code
    direction: Activity = ""
    location: LocationBody | None = None
    sen_conditions: bool = False
    replaces: Revision | None = None


class TeacherBody(Struct, frozen=True, forbid_unknown_fields=True):
    """One who teaches, as the provider publishes it; experience in whole years."""

    name: Name
    education: Annotated[str, Meta(min_length=2, max_length=240, pattern=TEXT)]
    experience_years: Annotated[int, Meta(ge=0, le=70)]


class TeachersBody(Struct, frozen=True, forbid_unknown_fields=True):
    """All who teach at a site; replaces: the revision of the list that was read, for a change."""

    teachers: Annotated[tuple[TeacherBody, ...], Meta(max_length=actions.MOST_TEACHERS)]
    replaces: Revision | None = None


class DocumentBody(Struct, frozen=True, forbid_unknown_fields=True):
    """One paper of the checklist anew; replaces: the site's revision that was read."""

    document: Annotated[str, Meta(min_length=1, max_length=60, pattern=TEXT)]
    state: Literal["ready", "in-progress"] = "ready"
    digest: Annotated[str, Meta(max_length=64, pattern=r"^[0-9a-f]{64}$(?!\n)")] | None = None
    valid_to: date | None = None
    replaces: Revision | None = None


class SitesQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which sites, of all programmes where none is named; an officer's own areas likewise."""

    programme: Code | None = None
    area: Code | None = None
    state: SiteState | None = None
    direction: Code | None = None
    limit: Limit = 50
    cursor: Cursor | None = None


@routes.put(
    "/sites/{site_id}",
    action="providers/describe-site",
    asks=SiteBody,
    answers=SiteSeen,
    refuses=(
        Unknown,
        NoPack,
        NoRuleInForce,
        AnotherContent,
        rules.ChangedMeanwhile,
        rules.SiteFixed,
        rules.BadLocation,
        rules.DirectionNeeded,
        rules.NoDirections,
        UnknownForm,
    ),
)
def put_site(call: Call[SiteBody], site_id: SiteId) -> SiteSeen:
    """Describe a site of one's organisation, or change it before it is handed in."""
    body = call.asked
    asked = SiteAsked(
        site_id=site_id,
        organisation_id=body.organisation_id,
        programme=body.programme,
        area=body.area,
        name=body.name,
        address=body.address,
        locality=body.locality,
        form=body.form,
        replaces=body.replaces,
        direction=body.direction,
        location=location_of(body.location),
        sen_conditions=body.sen_conditions,
    )
    return site_seen(actions.put_site(asked, by=call.actor, now=call.now), whole=True)


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
        programme=query.programme,
        area=query.area,
        state=query.state,
        direction=query.direction,
        by=call.actor,
    )
    asked = f"{query.programme}&{query.area}&{query.state}&{query.direction}"
    of = f"{_SITES}?{asked}&{call.actor.subject}"
    after = pages.position(query.cursor, of=of) if query.cursor else ""
    ahead = [site for site in sites if site.site_id > after]
    page = ahead[: query.limit]
    more = len(ahead) > len(page)
    return SitesPage(
        [site_seen(site, whole=True) for site in page],
        pages.cursor(page[-1].site_id, of=of) if more else None,
    )


@routes.get("/sites/{site_id}", action="providers/see-site", answers=SiteSeen, refuses=(Unknown,))
def see_site(call: Call[None], site_id: SiteId) -> SiteSeen:
    """Show a site with its groups; how its admission went only to its head and its officers."""
    seen = actions.see_site(site_id, by=call.actor)
    return site_seen(seen.site, whole=seen.whole, groups=seen.groups, teachers=seen.teachers)


@routes.put(
    "/sites/{site_id}/teachers",
    action="providers/publish-teachers",
    asks=TeachersBody,
    answers=SiteSeen,
    refuses=(Unknown, AnotherContent, rules.ChangedMeanwhile, rules.SiteFixed),
)
def put_teachers(call: Call[TeachersBody], site_id: SiteId) -> SiteSeen:
    """Publish who teaches at a site, as everybody may read it; the whole list each time."""
    site, teachers = actions.put_teachers(
        site_id,
        [Teacher(t.name, t.education, t.experience_years) for t in call.asked.teachers],
        replaces=call.asked.replaces,
        by=call.actor,
        now=call.now,
    )
    return site_seen(site, whole=True, teachers=teachers)


@routes.put(
    "/sites/{site_id}/documents/{item}",
    action="providers/renew-document",
    asks=DocumentBody,
    answers=SiteSeen,
    refuses=(
        Unknown,
        AnotherContent,
        rules.ChangedMeanwhile,
        rules.SiteFixed,
        rules.UnknownItem,
        rules.ChecklistUnmet,
        rules.PaperTooLong,
        NoRuleInForce,
    ),
)
def renew_document(call: Call[DocumentBody], site_id: SiteId, item: str) -> SiteSeen:
    """Renew one paper of the checklist while the site is on the List or suspended."""
    body = call.asked
    shown = Shown(item, body.state, body.document, body.digest, body.valid_to)
    site = actions.renew_document(
        site_id, shown, replaces=body.replaces, by=call.actor, now=call.now
    )
    return site_seen(site, whole=True)
