"""Rows of consents, and of the desk a clerk sits at."""

from __future__ import annotations

from collections.abc import Iterator

from chalicelib.access.rules.consenting import Consent
from chalicelib.access.store.naming import NAMED, Named
from chalicelib.storage import keys
from chalicelib.storage.commit import Put
from chalicelib.storage.rows import FactsRow
from chalicelib.storage.shelf import Kept, Shelf

CONSENTS: Shelf[Consent] = Shelf(FactsRow, Consent)


def find_consent(consent_id: str) -> Kept[Consent] | None:
    """Return a consent; asked with every request under one. One read."""
    return CONSENTS.find(keys.consent(consent_id))


def each_consent_of(subject: str, *, before: str | None = None) -> Iterator[tuple[str, str]]:
    """Yield the place in the list and the id of somebody's consents, newest first."""
    pk = keys.consent_of(subject, "", "")[0]
    for kept in NAMED.each(pk, upto=before, newest_first=True):
        if kept.sk != before:
            yield kept.sk, kept.value.id


def find_consents(consent_ids: list[str]) -> list[Consent]:
    found = CONSENTS.find_many([keys.consent(one) for one in consent_ids])
    by_id = {kept.value.consent_id: kept.value for kept in found.values()}
    return [by_id[one] for one in consent_ids if one in by_id]


def create_consent(consent: Consent) -> list[Put]:
    """Describe a new consent, its own row first, and where its giver and its clerk find it."""
    named = Named(consent.consent_id)
    at, consent_id = consent.asked_at, consent.consent_id
    return [
        CONSENTS.create(keys.consent(consent_id), consent),
        NAMED.create(keys.consent_of(consent.subject, at, consent_id), named),
        NAMED.create(keys.consent_of(consent.clerk, at, consent_id), named),
    ]


def keep_consent(kept: Kept[Consent], consent: Consent) -> Put:
    return CONSENTS.replace(kept, consent)


def find_desk(clerk: str) -> Kept[Named] | None:
    """Return which consent a clerk acted under last."""
    return NAMED.find(keys.desk(clerk))


def sit_down(desk: Kept[Named] | None, consent: Consent) -> Put:
    """Describe that a clerk serves the giver of a consent; a race is decided again."""
    named = Named(consent.consent_id)
    if desk is None:
        return NAMED.create(keys.desk(consent.clerk), named)
    return NAMED.replace(desk, named)
