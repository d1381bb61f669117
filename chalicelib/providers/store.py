"""Rows of organisations, sites and groups.

A site's row lies twice: under its own key and in its area's listing, always written together, so
that a whole area is read in four queries. A group's row lies in its area's shard; a pointer finds
it by its id alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from chalicelib.kernel.refusals import Refusal
from chalicelib.providers.rules import Group, Organisation, Site
from chalicelib.storage import keys
from chalicelib.storage.commit import Put
from chalicelib.storage.numbers import Numbers
from chalicelib.storage.rows import FactsRow
from chalicelib.storage.secrets import Digests
from chalicelib.storage.shelf import Kept, Shelf


@dataclass(frozen=True, slots=True)
class Place:
    """Where a group's or a site's row lies."""

    programme: str
    area: str
    id: str


@dataclass(frozen=True, slots=True)
class BinHolder:
    """Which organisation registered a BIN."""

    organisation_id: str


ORGANISATIONS: Shelf[Organisation] = Shelf(FactsRow, Organisation)
SITES: Shelf[Site] = Shelf(FactsRow, Site)
GROUPS: Shelf[Group] = Shelf(FactsRow, Group)
PLACES: Shelf[Place] = Shelf(FactsRow, Place)
BINS: Numbers[BinHolder] = Numbers(BinHolder, nobody=BinHolder(""))


# --- organisations ------------------------------------------------------------------------------


def find_organisation(organisation_id: str) -> Kept[Organisation] | None:
    """Return an organisation, or None. One read."""
    return ORGANISATIONS.find(keys.organisation(organisation_id))


def load_organisation(organisation_id: str) -> Kept[Organisation]:
    """Return an organisation. Raises Unknown. One read."""
    return ORGANISATIONS.load(keys.organisation(organisation_id))


def create_organisation(
    organisation: Organisation, bin_digests: Digests, *, otherwise: Refusal
) -> list[Put]:
    """Describe a new organisation and its claim on its BIN; `otherwise` when the BIN is taken."""
    return [
        ORGANISATIONS.create(keys.organisation(organisation.organisation_id), organisation),
        *BINS.claim(
            bin_digests, None, BinHolder(organisation.organisation_id), otherwise=otherwise
        ),
    ]


def keep_organisation(kept: Kept[Organisation], organisation: Organisation) -> Put:
    """Describe an organisation's next version."""
    return ORGANISATIONS.replace(kept, organisation)


def find_bin_holder(bin_digests: Digests) -> str | None:
    """Return the organisation that registered a BIN, or None. One read."""
    held = BINS.find(bin_digests)
    return (held.value.organisation_id or None) if held else None


# --- sites --------------------------------------------------------------------------------------


def find_site(site_id: str) -> Kept[Site] | None:
    """Return a site, or None. One read."""
    return SITES.find(keys.site(site_id))


def load_site(site_id: str) -> Kept[Site]:
    """Return a site. Raises Unknown. One read."""
    return SITES.load(keys.site(site_id))


def list_sites(programme: str, area: str, *, consistent: bool = True) -> list[Kept[Site]]:
    """Return all sites of an area, whatever their state, by id. A query per shard.

    consistent: False costs half and may be a moment old, which is enough for the public.
    """
    shards = keys.site_shards(programme, area)
    kept = [k for pk in shards for k in SITES.each(pk, consistent=consistent)]
    return sorted(kept, key=lambda k: k.value.site_id)


def list_organisation_sites(organisation_id: str) -> list[Kept[Site]]:
    """Return an organisation's sites by id. One query and a call per hundred."""
    pk, begins = keys.organisation_site(organisation_id, "")
    ids = [kept.value.id for kept in PLACES.each(pk, begins=begins)]
    found = SITES.find_many([keys.site(site_id) for site_id in ids])
    return sorted(found.values(), key=lambda k: k.value.site_id)


def create_site(site: Site) -> list[Put]:
    """Describe a new site in its three rows; the first is the aggregate's."""
    place = Place(site.programme, site.area, site.site_id)
    return [
        SITES.create(keys.site(site.site_id), site),
        SITES.create(keys.area_sites(site.programme, site.area, site.site_id), site),
        PLACES.create(keys.organisation_site(site.organisation_id, site.site_id), place),
    ]


def keep_site(kept: Kept[Site], site: Site) -> list[Put]:
    """Describe a site's next version, in both its rows; the first is the aggregate's."""
    pk, sk = keys.area_sites(site.programme, site.area, site.site_id)
    listing = replace(kept, pk=pk, sk=sk)  # both rows are always written together
    return [SITES.replace(kept, site), SITES.replace(listing, site)]


# --- groups -------------------------------------------------------------------------------------


def find_group(group_id: str) -> Kept[Group] | None:
    """Return a group, or None. Two reads."""
    pointer = PLACES.find(keys.group_pointer(group_id))
    if pointer is None:
        return None
    return GROUPS.find(_group_key(pointer.value))


def load_group(group_id: str) -> Kept[Group]:
    """Return a group with its seats. Raises Unknown. Two reads."""
    pointer = PLACES.load(keys.group_pointer(group_id))
    return GROUPS.load(_group_key(pointer.value))


def find_groups(group_ids: Sequence[str]) -> dict[str, Kept[Group]]:
    """Return those groups that exist, by id. Two calls per hundred."""
    pointers = PLACES.find_many([keys.group_pointer(group_id) for group_id in group_ids])
    found = GROUPS.find_many([_group_key(kept.value) for kept in pointers.values()])
    return {kept.value.group_id: kept for kept in found.values()}


def group_at(programme: str, area: str, group_id: str) -> tuple[Shelf[Group], tuple[str, str]]:
    """Return where a group's row lies, for a reading of several rows in one call."""
    return GROUPS, keys.group(programme, area, group_id)


def site_at(site_id: str) -> tuple[Shelf[Site], tuple[str, str]]:
    """Return where a site's row lies, for a reading of several rows in one call."""
    return SITES, keys.site(site_id)


def list_groups(programme: str, area: str, *, consistent: bool = True) -> list[Kept[Group]]:
    """Return all groups of an area, closed ones too, by id. A query per shard.

    consistent: False costs half and may be a moment old, which is enough for the public.
    """
    shards = keys.group_shards(programme, area)
    kept = [k for pk in shards for k in GROUPS.each(pk, consistent=consistent)]
    return sorted(kept, key=lambda k: k.value.group_id)


def list_site_groups(site_id: str) -> list[Kept[Group]]:
    """Return a site's groups by id. One query and one call."""
    pk, begins = keys.site_group(site_id, "")
    places = [kept.value for kept in PLACES.each(pk, begins=begins)]
    found = GROUPS.find_many([_group_key(place) for place in places])
    return sorted(found.values(), key=lambda kept: kept.value.group_id)


def create_group(group: Group) -> list[Put]:
    """Describe a new group in its three rows; the first is the aggregate's."""
    place = Place(group.programme, group.area, group.group_id)
    return [
        GROUPS.create(_group_key(place), group),
        PLACES.create(keys.group_pointer(group.group_id), place),
        PLACES.create(keys.site_group(group.site_id, group.group_id), place),
    ]


def keep_group(kept: Kept[Group], group: Group) -> Put:
    """Describe a group's next version; refused if a seat was taken meanwhile."""
    return GROUPS.replace(kept, group)


def _group_key(place: Place) -> tuple[str, str]:
    return keys.group(place.programme, place.area, place.id)
