"""What the public sees of the List: who is on it, and where places are free. Never a holder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from chalicelib.providers.rules.groups import Group, WeeklyLesson, free_places, held_seats
from chalicelib.providers.rules.places import Location, distance_m
from chalicelib.providers.rules.sites import SHOWN, Site, SiteState

# The order of the Kazakh alphabet, in which Russian letters keep their places.
_LETTERS = "аәбвгғдеёжзийкқлмнңоөпрстуұүфхһцчшщъыіьэюя"
_PLACE = {letter: chr(0xE000 + place) for place, letter in enumerate(_LETTERS)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a family looks for; None asks nothing. age: completed years on 1 September.

    near, within_m: a point on the map, and how far from it at most. weekday (1 is Monday), starts,
    ends: when in the week; minutes of the day between which a lesson lies. sen: conditions for
    children with special educational needs.
    """

    language: str | None = None
    age: int | None = None
    kind: str | None = None
    form: str | None = None
    free: bool = False
    direction: str | None = None
    activity: str | None = None
    near: Location | None = None
    within_m: int | None = None
    weekday: int | None = None
    starts: int | None = None
    ends: int | None = None
    sen: bool = False

    @property
    def any_group(self) -> bool:
        """Whether a site without groups answers too: nothing is asked of them."""
        asked = (self.language, self.age, self.kind, self.activity)
        return asked == (None,) * 4 and not self.free and not self.any_hour

    @property
    def any_hour(self) -> bool:
        """Whether an hour of the week is asked for."""
        return (self.weekday, self.starts, self.ends) != (None, None, None)


@dataclass(frozen=True, slots=True)
class Offer:
    """A listed site with its groups that are wanted; how far it is, when that was asked."""

    site: Site
    groups: list[Group]
    distance_m: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """Places of one sort at one site. Empty places that are closed say why in `reason`."""

    site_id: str
    site: str
    address: str
    form: str
    locality: str
    academic_year: int
    age_from: int
    age_to: int
    language: str
    kind: str
    groups: int
    places: int
    held: int
    free: int
    closed: int
    reason: str | None
    direction: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """Places of one sort in the whole area."""

    academic_year: int
    age_from: int
    age_to: int
    language: str
    kind: str
    sites: int
    places: int
    held: int
    free: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectionTotal:
    """Places of one direction in the whole area; the direction is empty where there are none."""

    direction: str
    sites: int
    groups: int
    places: int
    held: int
    free: int


def reading_order(name: str) -> str:
    """Return a text that sorts as a Kazakh reader expects: ә after а, қ after к."""
    return "".join(_PLACE.get(letter, letter) for letter in name.casefold())


def by_site(groups: Iterable[Group]) -> dict[str, list[Group]]:
    """Return groups by their site, each in order of age, language, name."""
    found: dict[str, list[Group]] = {}
    for group in sorted(groups, key=_group_order):
        found.setdefault(group.site_id, []).append(group)
    return found


def wanted_groups(groups: Sequence[Group], wanted: Wanted) -> list[Group]:
    """Return the groups a family could want."""
    return [
        group
        for group in groups
        if (wanted.age is None or group.age_from <= wanted.age <= group.age_to)
        and wanted.language in (None, group.language)
        and wanted.kind in (None, group.kind)
        and wanted.activity in (None, group.activity)
        and (not wanted.any_hour or any(_at_hour(time, wanted) for time in group.times))
        and (not wanted.free or free_places(group) > 0)
    ]


def catalogue(
    sites: Iterable[Site], groups: Mapping[str, Sequence[Group]], wanted: Wanted
) -> list[Offer]:
    """Return the listed sites that have what is wanted, with those groups, in their order.

    By name; by distance where a point is asked for, and then without sites that are on no map.
    """
    found = []
    for site in sites:
        if not site.listed or not _wanted_site(site, wanted):
            continue
        distance = None
        if wanted.near is not None:
            if site.location is None:
                continue
            distance = distance_m(wanted.near, site.location)
            if wanted.within_m is not None and distance > wanted.within_m:
                continue
        of_site = groups.get(site.site_id, ())
        fitting = wanted_groups(of_site, wanted)
        if wanted.sen and not site.sen_conditions:
            fitting = [group for group in fitting if group.sen]
        if fitting or (wanted.any_group and not (wanted.sen and not site.sen_conditions)):
            found.append(Offer(site, fitting, distance))
    return sorted(found, key=place)


def position(site: Site) -> tuple[str, str]:
    """Return a site's place in order of name; no two share one."""
    return reading_order(site.name), site.site_id


def place(offer: Offer) -> tuple[str, ...]:
    """Return an offer's place in the catalogue; no two share one, and new sites move none."""
    if offer.distance_m is None:
        return position(offer.site)
    return (f"{offer.distance_m:09d}", *position(offer.site))


def minute_of_day(clock: str) -> int:
    """Return the minutes since midnight of "HH:MM"."""
    return int(clock[:2]) * 60 + int(clock[3:5])


def figures(sites: Iterable[Site], groups: Mapping[str, Sequence[Group]]) -> list[Figure]:
    """Return the places of each site by year, age, language and kind, in order of name."""
    rows: list[Figure] = []
    for site in sorted(sites, key=position):
        if site.state not in SHOWN:
            continue
        sorts: dict[tuple[int, int, int, str, str], list[Group]] = {}
        for group in groups.get(site.site_id, ()):
            sorts.setdefault(_sort_of(group), []).append(group)
        for (year, age_from, age_to, language, kind), alike in sorted(sorts.items()):
            closed = sum(max(0, g.capacity - held_seats(g)) for g in alike if not g.open)
            rows.append(
                Figure(
                    site_id=site.site_id,
                    site=site.name,
                    address=site.address,
                    form=site.form,
                    locality=site.locality,
                    academic_year=year,
                    age_from=age_from,
                    age_to=age_to,
                    language=language,
                    kind=kind,
                    groups=len(alike),
                    places=sum(g.capacity for g in alike),
                    held=sum(held_seats(g) for g in alike),
                    free=sum(free_places(g) for g in alike),
                    closed=closed,
                    reason=_reason(site) if closed else None,
                    direction=site.direction,
                )
            )
    return rows


def totals(rows: Iterable[Figure]) -> list[Total]:
    """Return the figures of an area by year, age, language and kind."""
    sorts: dict[tuple[int, int, int, str, str], list[Figure]] = {}
    for row in rows:
        key = (row.academic_year, row.age_from, row.age_to, row.language, row.kind)
        sorts.setdefault(key, []).append(row)
    return [
        Total(
            academic_year=year,
            age_from=age_from,
            age_to=age_to,
            language=language,
            kind=kind,
            sites=len({row.site_id for row in alike}),
            places=sum(row.places for row in alike),
            held=sum(row.held for row in alike),
            free=sum(row.free for row in alike),
        )
        for (year, age_from, age_to, language, kind), alike in sorted(sorts.items())
    ]


def by_direction(rows: Iterable[Figure]) -> list[DirectionTotal]:
    """Return the figures of an area by direction."""
    directions: dict[str, list[Figure]] = {}
    for row in rows:
        directions.setdefault(row.direction, []).append(row)
    return [
        DirectionTotal(
            direction=direction,
            sites=len({row.site_id for row in alike}),
            groups=sum(row.groups for row in alike),
            places=sum(row.places for row in alike),
            held=sum(row.held for row in alike),
            free=sum(row.free for row in alike),
        )
        for direction, alike in sorted(directions.items())
    ]


def _wanted_site(site: Site, wanted: Wanted) -> bool:
    return wanted.form in (None, site.form) and wanted.direction in (None, site.direction)


def _at_hour(time: WeeklyLesson, wanted: Wanted) -> bool:
    starts = minute_of_day(time.starts)
    return (
        wanted.weekday in (None, time.weekday)
        and (wanted.starts is None or starts >= wanted.starts)
        and (wanted.ends is None or starts + time.minutes <= wanted.ends)
    )


def _reason(site: Site) -> str:
    return "suspended" if site.state is SiteState.SUSPENDED else "closed"


def _sort_of(group: Group) -> tuple[int, int, int, str, str]:
    return group.academic_year, group.age_from, group.age_to, group.language, group.kind


def _group_order(group: Group) -> tuple[int, int, int, str, str, str, str]:
    return (*_sort_of(group), reading_order(group.name), group.group_id)
