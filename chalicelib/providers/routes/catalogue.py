"""HTTP of the public: who is on the List and where places are free; no sign-in."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Literal

from msgspec import Meta, Struct

from chalicelib.edge import pages
from chalicelib.edge.routes import Answer, Call, File
from chalicelib.edge.tables import CSV_MEDIA_TYPE, csv_file
from chalicelib.kernel.periods import local_day
from chalicelib.kernel.refusals import Malformed
from chalicelib.policy.actions import NoPack
from chalicelib.policy.rules import NoRuleInForce
from chalicelib.providers import actions, rules
from chalicelib.providers.routes.shapes import (
    Age,
    Code,
    GroupSeen,
    Language,
    Limit,
    LocationSeen,
    group_seen,
    languages_of,
    location_seen,
    ratings_of,
    routes,
)
from chalicelib.providers.rules import Location, showing
from chalicelib.providers.rules.showing import DirectionTotal, Figure, Offer, Total, Wanted

_CATALOGUE = "/v1/providers/catalogue"
# Everybody reads the same, and it is the dearest question here: a cache before us may answer it.
_SHARED = {"Cache-Control": "public, max-age=15"}

# A name takes three bytes a letter in a position, and a third more as text.
Cursor = Annotated[str, Meta(max_length=1024)]
Clock = Annotated[str, Meta(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$(?!\n)")]
Point = Annotated[
    str,
    Meta(
        max_length=40,
        pattern=r"^-?[0-9]{1,3}([.][0-9]{1,9})?,-?[0-9]{1,3}([.][0-9]{1,9})?$(?!\n)",
    ),
]
Metres = Annotated[int, Meta(ge=1, le=500_000)]
Weekday = Annotated[int, Meta(ge=1, le=7)]


class NearNeeded(Malformed):
    """A distance is asked for (`within_m`) without the point it is from (`near`)."""

    code = "providers/near-needed"


class BadWindow(Malformed):
    """The hour a lesson begins at lies before the hour it ends at."""

    code = "providers/bad-window"


class CatalogueQuery(
    Struct, frozen=True, forbid_unknown_fields=True, rename={"from_hour": "from", "to_hour": "to"}
):
    """What a family looks for; age: completed years on 1 September; free: only free places.

    near: "lat,lon" in degrees; the nearest come first, and within_m leaves out what is farther.
    weekday: 1 is Monday; from, to: a lesson lies between these hours of the day. sen: conditions
    for children with special educational needs. format: csv is the whole list, a row a group.
    """

    area: Code
    programme: Code = "preschool"
    language: Language | None = None
    age: Age | None = None
    kind: Code | None = None
    form: Code | None = None
    free: bool = False
    direction: Code | None = None
    activity: Code | None = None
    near: Point | None = None
    within_m: Metres | None = None
    weekday: Weekday | None = None
    from_hour: Clock | None = None
    to_hour: Clock | None = None
    sen: bool = False
    format: Literal["json", "csv"] = "json"
    limit: Limit = 50
    cursor: Cursor | None = None


class FiguresQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which area, and as what."""

    area: Code
    programme: Code = "preschool"
    format: Literal["json", "csv"] = "json"


class OfferSeen(Struct, frozen=True):
    """A listed site and its groups that fit; ratings: where its families' answers stand.

    distance_m: metres as the crow flies from the point that was asked, null where none was.
    """

    site_id: str
    name: str
    address: str
    locality: str
    form: str
    free: int
    groups: list[GroupSeen]
    ratings: str
    direction: str
    location: LocationSeen | None
    distance_m: int | None
    sen_conditions: bool
    languages: list[str]


class CataloguePage(Struct, frozen=True):
    """Listed sites by name, or by distance from a point; `next_cursor` is null on the last page."""

    items: list[OfferSeen]
    next_cursor: str | None


class FiguresSeen(Struct, frozen=True):
    """Places by site and in all, by academic year, ages, language and kind; and by direction."""

    programme: str
    area: str
    as_of: str
    items: list[Figure]
    totals: list[Total]
    directions: list[DirectionTotal]


@routes.get(
    "/catalogue",
    action="providers/catalogue",
    query=CatalogueQuery,
    answers=CataloguePage,
    refuses=(
        NoPack,
        NoRuleInForce,
        actions.UnknownChoice,
        rules.BadLocation,
        NearNeeded,
        BadWindow,
        pages.BadCursor,
    ),
)
def catalogue(call: Call[None]) -> Answer:
    """List the sites on the List with their groups and free places, by name or by distance."""
    query: CatalogueQuery = call.query
    wanted = _wanted(query)
    of = f"{_CATALOGUE}?{query.programme}&{query.area}&{wanted}"
    after = pages.position(query.cursor, of=of) if query.cursor else ""
    found = actions.catalogue(query.programme, query.area, wanted, today=local_day(call.now))
    if query.format == "csv":
        name = f"catalogue-{query.programme}-{query.area}.csv"
        return Answer(File(_csv(found), CSV_MEDIA_TYPE, name), headers=_SHARED)
    ahead = [offer for offer in found if _place(offer) > after]
    page = ahead[: query.limit]
    more = len(ahead) > len(page)
    seen = CataloguePage(
        [_offer(offer) for offer in page],
        pages.cursor(_place(page[-1]), of=of) if more else None,
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
        seen = FiguresSeen(
            query.programme,
            query.area,
            f"{call.now:%Y-%m-%dT%H:%M:%SZ}",
            rows,
            showing.totals(rows),
            showing.by_direction(rows),
        )
        return Answer(seen, headers=_SHARED)
    headings = list(Figure.__dataclass_fields__)
    content = csv_file(headings, [list(asdict(row).values()) for row in rows])
    file = File(content, CSV_MEDIA_TYPE, f"places-{query.programme}-{query.area}.csv")
    return Answer(file, headers=_SHARED)


def _wanted(query: CatalogueQuery) -> Wanted:
    """Return what is looked for. Raises BadLocation, NearNeeded, BadWindow."""
    near: Location | None = None
    if query.near is not None:
        lat, lon = query.near.split(",")
        near = rules.located(float(lat), float(lon))
    elif query.within_m is not None:
        raise NearNeeded()
    starts = showing.minute_of_day(query.from_hour) if query.from_hour else None
    ends = showing.minute_of_day(query.to_hour) if query.to_hour else None
    if starts is not None and ends is not None and starts >= ends:
        raise BadWindow(starts=query.from_hour, ends=query.to_hour)
    return Wanted(
        language=query.language,
        age=query.age,
        kind=query.kind,
        form=query.form,
        free=query.free,
        direction=query.direction,
        activity=query.activity,
        near=near,
        within_m=query.within_m,
        weekday=query.weekday,
        starts=starts,
        ends=ends,
        sen=query.sen,
    )


def _place(offer: Offer) -> str:
    return "\x00".join(showing.place(offer))


def _offer(offer: Offer) -> OfferSeen:
    site = offer.site
    return OfferSeen(
        site_id=site.site_id,
        name=site.name,
        address=site.address,
        locality=site.locality,
        form=site.form,
        free=sum(rules.free_places(group) for group in offer.groups),
        groups=[group_seen(group) for group in offer.groups],
        ratings=ratings_of(site),
        direction=site.direction,
        location=location_seen(site.location),
        distance_m=offer.distance_m,
        sen_conditions=site.sen_conditions,
        languages=languages_of(offer.groups),
    )


_COLUMNS = (
    "site_id",
    "site",
    "address",
    "form",
    "direction",
    "lat",
    "lon",
    "distance_m",
    "sen_conditions",
    "group_id",
    "group",
    "activity",
    "kind",
    "hours",
    "language",
    "age_from",
    "age_to",
    "sen_group",
    "times",
    "places",
    "free",
)


def _csv(offers: list[Offer]) -> bytes:
    """Return the offers as a table, a row a group; a site without groups has one row of its own."""
    rows: list[list[object]] = []
    for offer in offers:
        site = offer.site
        point = location_seen(site.location)
        of_site: list[object] = [
            site.site_id,
            site.name,
            site.address,
            site.form,
            site.direction,
            f"{point.lat:.6f}" if point else None,
            f"{point.lon:.6f}" if point else None,
            offer.distance_m,
            int(site.sen_conditions),
        ]
        rows += [[*of_site, *_of_group(group)] for group in offer.groups]
        if not offer.groups:
            rows.append([*of_site, *[None] * (len(_COLUMNS) - len(of_site))])
    return csv_file(list(_COLUMNS), rows)


def _of_group(group: rules.Group) -> list[object]:
    return [
        group.group_id,
        group.name,
        group.activity,
        group.kind,
        group.hours,
        group.language,
        group.age_from,
        group.age_to,
        int(group.sen),
        " ".join(f"{time.weekday}/{time.starts}/{time.minutes}" for time in group.times),
        group.capacity,
        rules.free_places(group),
    ]
