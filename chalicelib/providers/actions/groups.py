"""Groups of a site: what its head says of them."""

from __future__ import annotations

from datetime import date, datetime

from chalicelib.access import actions as access
from chalicelib.journal import store as journal
from chalicelib.journal.rules import Entry
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import local_day, start_of
from chalicelib.kernel.refusals import AnotherContent, Unknown
from chalicelib.policy.actions import load_pack
from chalicelib.policy.rules import Pack, Rules
from chalicelib.providers import rules, store
from chalicelib.providers.actions.asking import told_group
from chalicelib.providers.actions.reading import own_site
from chalicelib.providers.rules import ChangedMeanwhile, Group, GroupAsked, Site
from chalicelib.providers.rules import groups as law
from chalicelib.providers.rules import sites as law_of_sites
from chalicelib.storage import agenda, outbox
from chalicelib.storage.commit import Put, settles
from chalicelib.storage.secrets import fingerprint
from chalicelib.storage.shelf import Kept

CAPACITY_TOPIC = "providers/capacity"
OFFER_TOPIC = "vouchers/offer"


@settles
def put_group(
    asked: GroupAsked, *, site_id: str, replaces: int | None, by: Actor, now: datetime
) -> Group:
    """Make a group or change one; it is open for choices while its site is listed.

    replaces: the revision this one is to follow. Checks in order: own site, earlier content,
    revision, the site's state, year, the sort (kind, hours, activity), capacity, ages, seats held.
    More places than before are offered to those who wait, on the day they begin.
    """
    kept_site = own_site(site_id, by)
    site = kept_site.value
    today = local_day(now)
    whole = fingerprint([told_group(asked), site_id, replaces])
    kept = store.find_group(asked.group_id)
    if kept is not None:
        access.demand(by, organisation=kept.value.organisation_id)
        if kept.value.asked == whole:
            return kept.value
        if replaces is None or kept.value.site_id != site_id:
            raise AnotherContent()
        if replaces != kept.value.revision:
            raise ChangedMeanwhile(revision=kept.value.revision)
    elif replaces is not None:
        raise Unknown()  # there is nothing to replace
    law_of_sites.may_edit_groups(site)
    pack = load_pack(site.programme, site.area)
    in_force = pack.at(today)
    if kept is None or kept.value.academic_year != asked.academic_year:
        _check_year(asked.academic_year, in_force, today)
    check_sort(asked, site, in_force)
    if kept is None:
        return _make(asked, whole, kept_site, in_force, pack, by=by, now=now)
    return _change(asked, whole, kept, in_force, pack, by=by, now=now)


@settles
def renew_capacity(group_id: str, *, by: Actor, now: datetime) -> bool:
    """Let new seats count on the capacity of today; whether it changed."""
    kept = store.find_group(group_id)
    if kept is None:
        return False
    group = rules.renew_capacity(kept.value, local_day(now))
    if group is kept.value:
        return False
    entry = journal.entry(
        "providers/capacity-renewed",
        f"group/{group_id}",
        by=by,
        now=now,
        capacity=group.capacity,
    )
    key = f"group-grew#{group_id}#{local_day(now).isoformat()}#{kept.version}"
    journal.commit(entry, store.keep_group(kept, group), *_offers(kept.value, group, key, now=now))
    return True


def check_sort(asked: GroupAsked, site: Site, in_force: Rules) -> None:
    """Raise UnknownKind, UnknownHours, OtherDirection, UnknownActivity, Below- or AboveActivityAge.

    The rules in force say which sorts there are; what a site was admitted for says which are its.
    """
    in_force.check_sort(asked.kind, asked.hours)
    law.check_direction(asked, site.direction)
    law.check_ages_for(asked, in_force.check_activity(asked.activity, asked.kind))


def _make(
    asked: GroupAsked,
    whole: str,
    kept_site: Kept[Site],
    in_force: Rules,
    pack: Pack,
    *,
    by: Actor,
    now: datetime,
) -> Group:
    site = kept_site.value
    group = rules.form_group(
        asked,
        site_id=site.site_id,
        organisation_id=site.organisation_id,
        programme=site.programme,
        area=site.area,
        locality=site.locality,
        listed=site.listed,
        today=local_day(now),
        ages=_ages(in_force),
        fingerprint=whole,
    )
    aggregate, *others = store.create_group(group)
    journal.commit(
        _entry("providers/group-made", group, pack, by=by, now=now),
        aggregate,
        *others,
        # The site counts its groups, so that a listing in the same instant misses none.
        *store.keep_site(kept_site, law_of_sites.with_group(site)),
        *_reminder(group, now=now),
    )
    return group


def _change(
    asked: GroupAsked,
    whole: str,
    kept: Kept[Group],
    in_force: Rules,
    pack: Pack,
    *,
    by: Actor,
    now: datetime,
) -> Group:
    today = local_day(now)
    group = rules.change_group(
        kept.value,
        asked,
        today=today,
        ages=_ages(in_force),
        turnover=in_force.academic_year.in_turnover(today),
        fingerprint=whole,
    )
    key = f"group-grew#{group.group_id}#r{group.revision}"
    journal.commit(
        _entry("providers/group-changed", group, pack, by=by, now=now),
        store.keep_group(kept, group),
        *_offers(kept.value, group, key, now=now),
        *_reminder(group, now=now),
    )
    return group


def _entry(event: str, group: Group, pack: Pack, *, by: Actor, now: datetime) -> Entry:
    return journal.entry(
        event,
        f"group/{group.group_id}",
        by=by,
        now=now,
        pack=pack.version,
        site_id=group.site_id,
        capacity=group.capacity,
        revision=group.revision,
    )


def _reminder(group: Group, *, now: datetime) -> list[Put]:
    """Describe the reminder for a capacity that counts from a later day."""
    last = group.capacities[-1]
    if last.from_on <= local_day(now):
        return []
    return [agenda.due(start_of(last.from_on), CAPACITY_TOPIC, group.group_id)]


def _offers(before: Group, after: Group, key: str, *, now: datetime) -> list[Put]:
    """Describe the work of offering new places, one message a place, to those who wait."""
    if not after.open:
        return []
    more = rules.free_places(after) - rules.free_places(before)
    return [
        outbox.work(f"{key}#{n}", OFFER_TOPIC, now=now, group_id=after.group_id)
        for n in range(max(0, more))
    ]


def _ages(in_force: Rules) -> tuple[int, int]:
    return in_force.cohorts.youngest_age_months // 12, in_force.cohorts.oldest_age


def _check_year(academic_year: int, in_force: Rules, today: date) -> None:
    now_year = in_force.academic_year.year_of(today)
    if not now_year <= academic_year <= now_year + 1:
        raise law.BadYear(first=now_year, last=now_year + 1)
