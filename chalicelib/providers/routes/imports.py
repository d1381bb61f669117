"""HTTP of what an earlier act listed."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from msgspec import Meta, Struct

from chalicelib.edge.body import TEXT
from chalicelib.edge.routes import Call
from chalicelib.kernel.ids import BadId, SiteId, checked_id
from chalicelib.kernel.iin import BadBin
from chalicelib.kernel.refusals import AnotherContent, Unknown
from chalicelib.policy.actions import NoPack
from chalicelib.policy.rules import (
    NoRuleInForce,
    UnknownActivity,
    UnknownForm,
    UnknownHours,
    UnknownKind,
)
from chalicelib.providers import actions, rules
from chalicelib.providers.actions import OrganisationAsked, SiteAsked
from chalicelib.providers.routes.shapes import (
    Act,
    Activity,
    Address,
    Age,
    Code,
    Hours,
    Id,
    Language,
    Locality,
    LocationBody,
    Name,
    SiteSeen,
    Year,
    location_of,
    routes,
    site_seen,
)
from chalicelib.providers.rules import GroupAsked


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
    kind: Code
    hours: Hours
    capacity: Annotated[int, Meta(ge=1, le=1000)]
    from_on: date
    activity: Activity = ""
    sen: bool = False


class SourceBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the row stood: the system, the file's SHA-256, the line of its first row."""

    system: Annotated[str, Meta(min_length=2, max_length=60, pattern=TEXT)]
    file: Annotated[str, Meta(max_length=64, pattern=r"^[0-9a-f]{64}$(?!\n)")]
    line: Annotated[int, Meta(ge=1)]


class ImportBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A kindergarten or club that an act listed before Kezek, with its payee and groups."""

    organisation: PayeeBody
    programme: Code
    area: Code
    name: Name
    address: Address
    locality: Locality
    form: Code
    groups: Annotated[tuple[ImportedGroup, ...], Meta(min_length=1, max_length=20)]
    act: Act
    listed_on: date
    source: SourceBody
    direction: Activity = ""
    location: LocationBody | None = None
    sen_conditions: bool = False


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
        rules.BadLocation,
        rules.DirectionNeeded,
        rules.NoDirections,
        rules.OtherDirection,
        rules.BelowActivityAge,
        rules.AboveActivityAge,
        UnknownForm,
        UnknownKind,
        UnknownHours,
        UnknownActivity,
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
            direction=body.direction,
            location=location_of(body.location),
            sen_conditions=body.sen_conditions,
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
                activity=group.activity,
                sen=group.sen,
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
    return site_seen(site, whole=True, groups=groups)
