"""What each role sees of providers; nothing here writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.kernel.actors import Actor, Role
from chalicelib.kernel.refusals import Malformed, Unknown
from chalicelib.policy.actions import load_pack
from chalicelib.providers import store
from chalicelib.providers.rules import Group, Site, showing
from chalicelib.providers.rules.showing import Figure, Wanted
from chalicelib.providers.rules.sites import SHOWN, SiteState
from chalicelib.storage.shelf import Kept


class AreaNeeded(Malformed):
    """Whoever serves every area says which one they ask about."""

    code = "providers/area-needed"


@dataclass(frozen=True, slots=True)
class SiteSeen:
    """A site with its groups; `whole` when the caller may see what the public may not."""

    site: Site
    groups: list[Group]
    whole: bool


def own_site(site_id: str, actor: Actor) -> Kept[Site]:
    """Return a site of an organisation the caller works for. Raises Unknown. One read."""
    kept = store.load_site(site_id)
    if kept.value.organisation_id not in actor.organisations:
        raise Unknown()
    return kept


def served_site(site_id: str, actor: Actor) -> Kept[Site]:
    """Return a site in an area the officer serves. Raises Unknown. One read."""
    kept = store.load_site(site_id)
    if not actor.serves(kept.value.area):
        raise Unknown()
    return kept


def group_of(group_id: str) -> Group:
    """Return a group. Raises Unknown. Two reads."""
    return store.load_group(group_id).value


def groups_of_site(site_id: str) -> list[Group]:
    """Return a site's groups by id."""
    return [kept.value for kept in store.list_site_groups(site_id)]


def see_site(site_id: str, *, by: Actor) -> SiteSeen:
    """Return a site: whole to its head and its officers, else only when it is on the List."""
    site = store.load_site(site_id).value
    whole = sees_whole(site, by)
    if not whole and site.state not in SHOWN:
        raise Unknown()
    groups = showing.by_site(groups_of_site(site_id)).get(site_id, [])
    return SiteSeen(site, groups, whole)


def sees_whole(site: Site, actor: Actor) -> bool:
    """Return whether the caller may see what the public may not."""
    if actor.has(Role.HEAD) and site.organisation_id in actor.organisations:
        return True
    if actor.has(Role.DEPARTMENT, Role.COMMISSION) and actor.serves(site.area):
        return True
    return actor.has(Role.AUDITOR)


def list_sites(
    *, programme: str, area: str | None, state: SiteState | None, by: Actor
) -> list[Site]:
    """Return the sites the caller may see, by id: a head's own, an officer's areas.

    Raises AreaNeeded where no area follows from the caller; Unknown for an area not served.
    """
    if by.has(Role.DEPARTMENT, Role.COMMISSION, Role.AUDITOR):
        found = _sites_of_areas(programme, _areas(area, by))
    else:
        own = [store.list_organisation_sites(o) for o in sorted(by.organisations)]
        found = [
            kept.value
            for sites in own
            for kept in sites
            if kept.value.programme == programme and area in (None, kept.value.area)
        ]
    found = [site for site in found if state in (None, site.state)]
    return sorted(found, key=lambda site: site.site_id)


def catalogue(programme: str, area: str, wanted: Wanted) -> list[tuple[Site, list[Group]]]:
    """Return the listed sites of an area that have what is wanted. Raises NoPack."""
    sites, groups = _area(programme, area)
    return showing.catalogue(sites, groups, wanted)


def figures(programme: str, area: str) -> list[Figure]:
    """Return the places of an area, by site and sort. Raises NoPack."""
    return showing.figures(*_area(programme, area))


def _area(programme: str, area: str) -> tuple[list[Site], dict[str, list[Group]]]:
    load_pack(programme, area)  # an area without rules has no List
    sites = [kept.value for kept in store.list_sites(programme, area)]
    groups = [kept.value for kept in store.list_groups(programme, area)]
    return sites, showing.by_site(groups)


def _areas(area: str | None, by: Actor) -> Sequence[str]:
    if area is not None:
        if not (by.serves(area) or by.has(Role.AUDITOR)):
            raise Unknown()
        return [area]
    named = sorted(by.areas - {"*"})
    if not named:
        raise AreaNeeded()
    return named


def _sites_of_areas(programme: str, areas: Sequence[str]) -> list[Site]:
    return [kept.value for area in areas for kept in store.list_sites(programme, area)]
