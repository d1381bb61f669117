"""Groups and sites that default what a test does not talk about."""

from __future__ import annotations

from datetime import date
from typing import Any

from chalicelib.policy.actions import load_pack
from chalicelib.providers.rules import DatedCapacity, Group, GroupAsked, Location, Shown, Site
from chalicelib.providers.rules.sites import SiteState

TODAY = date(2026, 3, 2)
ADMISSION = load_pack("preschool", "taldykorgan").at(TODAY).admission


def a_group(**said: Any) -> Group:
    """Return an open group of four places for ages 3 to 4, in Kazakh."""
    capacity = said.pop("capacity", 4)
    group: dict[str, Any] = {
        "group_id": "group-0001",
        "site_id": "site-0001",
        "organisation_id": "org-00001",
        "programme": "preschool",
        "area": "taldykorgan",
        "name": "Балапан",
        "academic_year": 2025,
        "age_from": 3,
        "age_to": 4,
        "language": "kk",
        "kind": "general",
        "hours": "10.5",
        "locality": "urban",
        "capacity": capacity,
        "capacities": (DatedCapacity(date(2025, 9, 1), capacity),),
        "open": True,
    }
    return Group(**{**group, **said})


def asked_of(group: Group, **said: Any) -> GroupAsked:
    """Return what a head would say to describe this very group."""
    fields = GroupAsked.__dataclass_fields__.keys() - {"from_on"}
    return GroupAsked(**{**{name: getattr(group, name) for name in fields}, **said})


def a_site(**said: Any) -> Site:
    """Return a site that was described and nothing more."""
    site: dict[str, Any] = {
        "site_id": "site-0001",
        "organisation_id": "org-00001",
        "programme": "preschool",
        "area": "taldykorgan",
        "name": "Балапан",
        "address": "Талдықорған, Абай көшесі, 1",
        "locality": "urban",
        "form": "private",
        "state": SiteState.DRAFT,
        "location": Location(45_015_600, 78_373_900),
    }
    return Site(**{**site, **said})


def a_checklist(**said: Any) -> list[Shown]:
    """Return the whole checklist in order; `said` replaces an item's fields, None leaves it out."""
    shown = []
    for item in ADMISSION.items:
        fields: dict[str, Any] = {"state": "ready", "document": "12-345"}
        if item.validity_days is not None:
            fields["valid_to"] = date(2027, 1, 31)
        change = said.get(item.code.replace("-", "_"), {})
        if change is not None:
            shown.append(Shown(item.code, **{**fields, **change}))
    return shown
