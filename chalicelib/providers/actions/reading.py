"""What each role sees of providers; nothing here writes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date

from chalicelib.access import actions as access
from chalicelib.kernel.actors import Actor, Role
from chalicelib.kernel.refusals import Malformed, Unknown
from chalicelib.policy.actions import list_packs, load_pack
from chalicelib.policy.rules import Rules
from chalicelib.providers import store
from chalicelib.providers.actions.teachers import Teacher, list_teachers
from chalicelib.providers.rules import Group, Site, showing
from chalicelib.providers.rules.showing import Figure, Offer, Wanted
from chalicelib.providers.rules.sites import SHOWN, SiteState
from chalicelib.storage.shelf import Kept


class AreaNeeded(Malformed):
    """Whoever serves every area says which one they ask about."""

    code = "providers/area-needed"


class UnknownChoice(Malformed):
    """What is looked for under `field` does not exist here; `known` is what does."""

    code = "providers/unknown-choice"


@dataclass(frozen=True, slots=True)
class SiteSeen:
    """A site with its groups; `whole` when the caller may see what the public may not.

    teachers: as the provider publishes them, in its order.
    """

    site: Site
    groups: list[Group]
    whole: bool
    teachers: list[Teacher] = field(default_factory=list)


def own_site(site_id: str, actor: Actor) -> Kept[Site]:
    """Return a site of an organisation the caller works for. Raises Unknown. One read."""
    kept = store.load_site(site_id)
    access.demand(actor, organisation=kept.value.organisation_id)
    return kept


def served_site(site_id: str, actor: Actor) -> Kept[Site]:
    """Return a site in an area and direction the officer serves. Raises Unknown. One read."""
    kept = store.load_site(site_id)
    if not serves(kept.value, actor):
        raise Unknown()
    return kept


def serves(site: Site, actor: Actor) -> bool:
    """Return whether an officer serves a site: its area, and its direction where it has one."""
    return access.may(actor, area=site.area, direction=site.direction)


def admitted_by(site_id: str) -> frozenset[str]:
    """Return who voted for a site's admission or put it on the List. One read."""
    kept = store.find_site(site_id)
    if kept is None:
        return frozenset()
    return kept.value.voters | ({kept.value.listed_by} if kept.value.listed_by else set())


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
    return SiteSeen(site, groups, whole, list_teachers(site))


def sees_whole(site: Site, actor: Actor) -> bool:
    """Return whether the caller may see what the public may not."""
    reaching = access.reaching(
        actor, organisation=site.organisation_id, area=site.area, direction=site.direction
    )
    return bool(reaching - {Role.PUBLIC})


def list_sites(
    *,
    programme: str | None,
    area: str | None,
    state: SiteState | None,
    direction: str | None = None,
    by: Actor,
) -> list[Site]:
    """Return the sites the caller may see, by id: a head's own, an officer's areas and directions.

    Of every programme where none is named. Raises AreaNeeded where no area follows from the
    caller; Unknown for an area not served.
    """
    if by.has(Role.DEPARTMENT, Role.COMMISSION, Role.AUDITOR):
        found = [s for s in _sites_of_areas(programme, _areas(area, by)) if serves(s, by)]
    else:
        own = [store.list_organisation_sites(o) for o in access.organisations_of(by)]
        found = [
            kept.value
            for sites in own
            for kept in sites
            if programme in (None, kept.value.programme) and area in (None, kept.value.area)
        ]
    found = [
        site
        for site in found
        if state in (None, site.state) and direction in (None, site.direction)
    ]
    return sorted(found, key=lambda site: site.site_id)


def catalogue(programme: str, area: str, wanted: Wanted, *, today: date) -> list[Offer]:
    """Return the listed sites of an area that have what is wanted, in their order.

    Raises NoPack; UnknownChoice for a kind, direction, form or activity the rules do not know.
    """
    in_force = load_pack(programme, area).at(today)
    check_wanted(wanted, in_force)
    sites, groups = _area(programme, area)
    return showing.catalogue(sites, groups, wanted)


def check_wanted(wanted: Wanted, in_force: Rules) -> None:
    """Raise UnknownChoice for what the rules in force do not know, with what they do."""
    directions = in_force.kinds if in_force.programme.by_direction else ()
    forms = {form for kind in in_force.voucher_kinds.values() for form in kind.forms}
    activities = [
        code
        for code, activity in in_force.activities.items()
        if wanted.direction in (None, activity.kind)
    ]
    choices: list[tuple[str, str | None, Collection[str]]] = [
        ("direction", wanted.direction, directions),
        ("kind", wanted.kind, in_force.kinds),
        ("form", wanted.form, forms),
        ("activity", wanted.activity, activities),
    ]
    for name, choice, known in choices:
        if choice is not None and choice not in known:
            raise UnknownChoice(field=name, known=sorted(known))


def figures(programme: str, area: str) -> list[Figure]:
    """Return the places of an area, by site and sort. Raises NoPack."""
    return showing.figures(*_area(programme, area))


def _area(programme: str, area: str) -> tuple[list[Site], dict[str, list[Group]]]:
    load_pack(programme, area)  # an area without rules has no List
    # Everybody may ask, and nothing is decided here: what is a moment old costs half.
    sites = [kept.value for kept in store.list_sites(programme, area, consistent=False)]
    groups = [kept.value for kept in store.list_groups(programme, area, consistent=False)]
    return sites, showing.by_site(groups)


def _areas(area: str | None, by: Actor) -> Sequence[str]:
    if area is not None:
        access.demand(by, area=area)
        return [area]
    named = access.areas_of(by)
    if not named:
        raise AreaNeeded()
    return named


def _sites_of_areas(programme: str | None, areas: Sequence[str]) -> list[Site]:
    if programme is None:
        places = [(pack.programme, pack.area) for pack in list_packs() if pack.area in areas]
    else:
        places = [(programme, area) for area in areas]
    return [kept.value for of, area in places for kept in store.list_sites(of, area)]
