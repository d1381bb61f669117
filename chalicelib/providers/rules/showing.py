"""What the public sees of the List: who is on it, and where places are free. Never a holder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from chalicelib.providers.rules.groups import Group, free_places, held_seats
from chalicelib.providers.rules.sites import SHOWN, Site, SiteState

# The order of the Kazakh alphabet, in which Russian letters keep their places.
_LETTERS = "аәбвгғдеёжзийкқлмнңоөпрстуұүфхһцчшщъыіьэюя"
_PLACE = {letter: chr(0xE000 + place) for place, letter in enumerate(_LETTERS)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a family looks for; None asks nothing. age: completed years on 1 September."""

    language: str | None = None
    age: int | None = None
    kind: str | None = None
    form: str | None = None
    free: bool = False


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
        and (not wanted.free or free_places(group) > 0)
    ]


def catalogue(
    sites: Iterable[Site], groups: Mapping[str, Sequence[Group]], wanted: Wanted
) -> list[tuple[Site, list[Group]]]:
    """Return the listed sites that have what is wanted, with those groups, in order of name."""
    any_group = wanted.language is None and wanted.age is None and wanted.kind is None
    found = []
    for site in sites:
        if not site.listed or wanted.form not in (None, site.form):
            continue
        fitting = wanted_groups(groups.get(site.site_id, ()), wanted)
        if fitting or (any_group and not wanted.free):
            found.append((site, fitting))
    return sorted(found, key=lambda pair: position(pair[0]))


def position(site: Site) -> tuple[str, str]:
    """Return a site's place in the catalogue; no two share one."""
    return reading_order(site.name), site.site_id


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


def _reason(site: Site) -> str:
    return "suspended" if site.state is SiteState.SUSPENDED else "closed"


def _sort_of(group: Group) -> tuple[int, int, int, str, str]:
    return group.academic_year, group.age_from, group.age_to, group.language, group.kind


def _group_order(group: Group) -> tuple[int, int, int, str, str, str, str]:
    return (*_sort_of(group), reading_order(group.name), group.group_id)
