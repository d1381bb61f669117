"""Invented months, as short as the sentence that needs them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from chalicelib.billing.rules.judging import ChildMonth, Day, ProviderMonth, Standing, Stay
from chalicelib.kernel.periods import Month
from chalicelib.kernel.refusals import AnotherContent
from chalicelib.policy.actions import load_pack
from chalicelib.providers import store as providers
from chalicelib.providers.rules import Organisation, Site, SiteState
from chalicelib.storage import vault
from chalicelib.storage.commit import commit
from chalicelib.storage.secrets import number_digests

# A month of 21 working days in the pack's calendar.
OCTOBER = Month(2026, 10)
TALDYKORGAN = ("preschool", "taldykorgan")


def pack():
    return load_pack(*TALDYKORGAN)


def working(month: Month = OCTOBER) -> tuple[date, ...]:
    return pack().calendar.working_days_in(month)


def a_stay(**other: object) -> Stay:
    usual = Stay(first=date(2025, 9, 1), last=None, kind="general", hours="10.5", locality="urban")
    return replace(usual, **other)


def days_coded(
    codes: str,
    *,
    month: Month = OCTOBER,
    start: int = 0,
    proved: bool = True,
    standing: Standing = "confirmed",
    standings: Mapping[int, Standing] | None = None,
) -> tuple[Day, ...]:
    """Return a day per letter, on the month's working days from number `start` on."""
    return tuple(
        Day(on, code, proved, (standings or {}).get(n, standing))
        for n, (on, code) in enumerate(
            zip(working(month)[start:], codes, strict=False), start=start
        )
    )


def a_child(child_id: str = "child-aaaa", codes: str = "P" * 31, **other: object) -> ChildMonth:
    stays = other.pop("stays", (a_stay(),))
    return ChildMonth(child_id=child_id, days=days_coded(codes, **other), stays=stays)


def a_month(
    *children: ChildMonth, site_id: str = "site-aaaa", month: Month = OCTOBER
) -> ProviderMonth:
    return ProviderMonth(
        site_id=site_id,
        organisation_id=f"org-{site_id}",
        programme=TALDYKORGAN[0],
        area=TALDYKORGAN[1],
        month=month,
        children=children,
    )


def a_site_on_the_list(site_id: str = "site-aaaa", **other: object) -> Site:
    """Store a site, without the way that leads onto the List."""
    usual = Site(
        site_id=site_id,
        organisation_id=f"org-{site_id}",
        programme=TALDYKORGAN[0],
        area=TALDYKORGAN[1],
        name="Ақбота",
        address="-",
        locality="urban",
        form="private",
        state=SiteState.LISTED,
    )
    site = replace(usual, **other)
    commit(providers.create_site(site))
    return site


def an_organisation(organisation_id: str = "org-site-aaaa", **other: object) -> Organisation:
    """Store an organisation with a confirmed account."""
    usual = Organisation(
        organisation_id=organisation_id,
        name="Ақбота",
        form="private",
        account="confirmed",
        created_at="2025-01-01T00:00:00.000000Z",
    )
    organisation = replace(usual, **other)
    taken = AnotherContent()
    identity = {
        "payee": 'ТОО "Ақбота"',
        "bin": "010140000012",
        "account": "KZ3807010KSN01010001",
        "bank": "KKMFKZ2A",
        "contact": "+77010000000",
    }
    commit(
        [
            *providers.create_organisation(
                organisation, number_digests("bin", identity["bin"]), otherwise=taken
            ),
            *vault.seal(f"ORG#{organisation_id}", identity),
        ]
    )
    return organisation
