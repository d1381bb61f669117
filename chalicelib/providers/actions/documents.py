"""Papers of the checklist on the List: renewed by the head, watched by the clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import local_day, stamp
from chalicelib.kernel.refusals import AnotherContent
from chalicelib.policy.actions import load_pack
from chalicelib.policy.rules import Admission
from chalicelib.providers import store
from chalicelib.providers.actions.listing import (
    paper_name,
    paper_told,
    suspend_by_rule,
    watch_papers,
)
from chalicelib.providers.actions.reading import own_site
from chalicelib.providers.rules import ChangedMeanwhile, Reason, Shown, Site, SiteFixed, SiteState
from chalicelib.providers.rules import documents as law
from chalicelib.providers.rules.sites import SHOWN, Step, remembered
from chalicelib.storage import outbox
from chalicelib.storage.commit import Put, settles


@settles
def renew_document(
    site_id: str, shown: Shown, *, replaces: int | None, by: Actor, now: datetime
) -> Site:
    """Replace one paper of a site on the List, or suspended; its new end is watched.

    replaces: the revision that was read. Checks in order: own site, earlier content, revision, the
    site's state, the checklist in force.
    """
    kept = own_site(site_id, by)
    site = kept.value
    earlier = next((one for one in site.checklist if one.item == shown.item), None)
    if earlier is not None and replace(earlier, renewed_at=None) == shown:
        return site
    if earlier is not None and replaces is None:
        raise AnotherContent()
    if replaces is not None and replaces != site.revision:
        raise ChangedMeanwhile(revision=site.revision)
    if site.state not in SHOWN:
        raise SiteFixed(state=site.state.value)
    today = local_day(now)
    pack = load_pack(site.programme, site.area)
    admission = pack.at(today).admission
    law.check_one(shown, earlier, admission=admission, today=today, direction=site.direction)

    renewed = replace(
        site,
        checklist=law.renewed(site.checklist, replace(shown, renewed_at=stamp(now))),
        revision=site.revision + 1,
    )

    aggregate, listing = store.keep_site(kept, renewed)
    journal.commit(
        journal.entry(
            "providers/document-renewed",
            f"site/{site_id}",
            by=by,
            now=now,
            pack=pack.version,
            state=renewed.state.value,
            item=shown.item,
            valid_to=shown.valid_to,
        ),
        aggregate,
        listing,
        *watch_papers(renewed, admission, now=now),
    )
    return renewed


@settles
def watch_documents(site_id: str, *, by: Actor, now: datetime) -> bool:
    """Warn a listed site of papers that end soon; suspend one whose paper is over.

    Returns whether anything was done. Each end is told once; the next look is put on the agenda
    with every change, so a paper that was renewed costs one read.
    """
    kept = store.find_site(site_id)
    if kept is None or kept.value.state is not SiteState.LISTED:
        return False
    site, today = kept.value, local_day(now)
    pack = load_pack(site.programme, site.area)
    admission = pack.at(today).admission
    over = law.expired(site.checklist, admission=admission, today=today, direction=site.direction)
    if over:
        reasons = [Reason(one.item, f"valid to {one.valid_to:%d.%m.%Y}") for one in over]
        ended = max(one.valid_to for one in over if one.valid_to is not None)
        act = f"document-{ended.isoformat()}-{len(site.measures)}"
        suspend_by_rule(kept, reasons, act=act, by=by, now=now, pack=pack)
        return True
    soon = [
        one
        for one in law.ending_soon(
            site.checklist, admission=admission, today=today, direction=site.direction
        )
        if not paper_told(site, one)
    ]
    if not soon:
        return False
    for one in soon:
        site = remembered(site, Step.WARN, paper_name(one), "told")
    aggregate, listing = store.keep_site(kept, site)
    journal.commit(
        journal.entry(
            "providers/documents-warned",
            f"site/{site_id}",
            by=by,
            now=now,
            pack=pack.version,
            items=[one.item for one in soon],
        ),
        aggregate,
        listing,
        *watch_papers(site, admission, now=now),
        *[_notice(site, one, admission, now=now) for one in soon],
    )
    return True


def _notice(site: Site, shown: Shown, admission: Admission, *, now: datetime) -> Put:
    # A paper has a name in each language; the reader's is taken.
    called = next(item.text for item in admission.items if item.code == shown.item)
    return outbox.notice(
        f"document-ends#{site.site_id}#{shown.item}#{shown.valid_to}",
        to=f"organisation:{site.organisation_id}",
        template="notice:providers/document-ends",
        now=now,
        site_id=site.site_id,
        site=site.name,
        item={"kk": called.kk, "ru": called.ru, "en": called.en},
        valid_to=f"{shown.valid_to:%d.%m.%Y}",
    )
