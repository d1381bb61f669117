"""Who teaches at a site, as its provider publishes it; the names lie in the vault."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from chalicelib.access import actions as access
from chalicelib.journal import store as journal
from chalicelib.journal.rules import commitments, salted
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.ids import new_salt
from chalicelib.kernel.refusals import AnotherContent
from chalicelib.providers import store
from chalicelib.providers.rules import ChangedMeanwhile, Site, SiteFixed, SiteState
from chalicelib.storage import vault
from chalicelib.storage.commit import settles
from chalicelib.storage.secrets import fingerprint

MOST_TEACHERS = 60
_FIELD = "teachers"
_FIXED = frozenset({SiteState.SUBMITTED, SiteState.IN_CHECK, SiteState.REMOVED})


@dataclass(frozen=True, slots=True)
class Teacher:
    """One who teaches: name, education in words, years of experience."""

    name: str
    education: str
    experience_years: int


@settles
def put_teachers(
    site_id: str, teachers: Sequence[Teacher], *, replaces: int | None, by: Actor, now: datetime
) -> tuple[Site, list[Teacher]]:
    """Publish who teaches at a site; the whole list each time.

    replaces: the revision of the list this one is to follow, None for the first. Checks in order:
    own site, earlier content, revision, the site's state.
    """
    kept = store.load_site(site_id)
    access.demand(by, organisation=kept.value.organisation_id)
    revision = kept.value.teachers_revision
    whole = fingerprint(["teachers", teachers])
    if revision and kept.value.teachers_asked == whole:
        return kept.value, list_teachers(kept.value)
    if replaces is None and revision:
        raise AnotherContent()
    if replaces is not None and replaces != revision:
        raise ChangedMeanwhile(revision=revision)
    if kept.value.state in _FIXED:
        raise SiteFixed(state=kept.value.state.value)
    site = replace(
        kept.value,
        teachers=len(teachers),
        teachers_revision=revision + 1,
        teachers_asked=whole,
    )

    aggregate, listing = store.keep_site(kept, site)
    fields = salted({_FIELD: msgspec.json.encode(list(teachers)).decode()}, new_salt())
    sealed = (
        [vault.reseal(_subject(site), fields)] if revision else vault.seal(_subject(site), fields)
    )
    journal.commit(
        journal.entry(
            "providers/teachers-published",
            f"site/{site_id}",
            by=by,
            now=now,
            teachers=site.teachers,
            revision=site.teachers_revision,
            commitments=commitments(fields),
        ),
        aggregate,
        listing,
        *sealed,
    )
    return site, list(teachers)


def list_teachers(site: Site) -> list[Teacher]:
    """Return who teaches at a site; nobody once the names were erased. Two reads, none if none."""
    if not site.teachers:
        return []
    held = vault.open_fields(_subject(site)).get(_FIELD)
    return msgspec.json.decode(held, type=list[Teacher]) if held else []


def _subject(site: Site) -> str:
    return f"SITE#{site.site_id}"
