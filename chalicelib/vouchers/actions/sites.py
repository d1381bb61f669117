"""A provider is suspended or removed: its children are told, and none is left without a way.

Reserved seats are given back to choose anew with a whole term; offers wait again; who is enrolled
stays until the transition ends and may transfer at any time. After a removal whose transition is
over the enrolments end, and the vouchers choose again.
"""

from __future__ import annotations

from datetime import date, datetime

from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import end_of, local_day, shown_day
from chalicelib.providers import store as providers
from chalicelib.providers.rules import Site, SiteState
from chalicelib.storage import agenda, outbox
from chalicelib.storage.commit import Put, commit, settles
from chalicelib.vouchers import rules, store
from chalicelib.vouchers.actions import change
from chalicelib.vouchers.actions.enrolling import lose_place
from chalicelib.vouchers.rules import Voucher

SITE_TOPIC = "vouchers/site-closed"
SITE_ENDS_TOPIC = "vouchers/site-ends"
AT_ONCE = 25


def site_closed(site_id: str, *, by: Actor, now: datetime, after: str = "") -> int:
    """Take care of up to 25 vouchers of a site that takes no new children; return how many.

    The rest follow in another message (topic "vouchers/site-closed", {site_id, after}). A site
    that is listed again meanwhile is left alone. Doing it twice changes nothing more.
    """
    kept = providers.find_site(site_id)
    if kept is None or kept.value.state not in (SiteState.SUSPENDED, SiteState.REMOVED):
        return 0
    site = kept.value
    mark = f"{site_id}#{len(site.measures)}"
    groups = frozenset(k.value.group_id for k in providers.list_site_groups(site_id))
    concerned = sorted(v for v in _concerned(groups) if v > after)
    for voucher_id in concerned[:AT_ONCE]:
        _care(voucher_id, site, groups, mark=mark, by=by, now=now)
    if len(concerned) > AT_ONCE:
        last = concerned[AT_ONCE - 1]
        key = f"vouchers-site-closed#{mark}#{local_day(now)}#{last}"
        outbox.write_each([outbox.work(key, SITE_TOPIC, now=now, site_id=site_id, after=last)])
    elif site.state is SiteState.REMOVED and _in_transition(site, local_day(now)):
        until = site.transition_until or local_day(now)
        commit([agenda.due(end_of(until), SITE_ENDS_TOPIC, site_id)])
    return len(concerned[:AT_ONCE])


def site_ends(site_id: str, *, by: Actor, now: datetime) -> bool:
    """Begin anew with a removed site whose transition is over; True when it had vouchers."""
    return site_closed(site_id, by=by, now=now) > 0


def _concerned(groups: frozenset[str]) -> set[str]:
    """Return the vouchers that hold a seat in the groups or wait for one."""
    found: set[str] = set()
    for kept in providers.find_groups(sorted(groups)).values():
        found |= kept.value.holders.keys()
        found |= {k.value.voucher_id for k in store.each_waiter(kept.value.group_id)}
    return found


def _care(
    voucher_id: str,
    site: Site,
    groups: frozenset[str],
    *,
    mark: str,
    by: Actor,
    now: datetime,
) -> None:
    removed = site.state is SiteState.REMOVED
    _step_back(voucher_id, site, groups, mark=mark, by=by, now=now)
    kept = store.find_voucher(voucher_id)
    if kept is None or (kept.value.state, kept.value.site_id) != ("used", site.site_id):
        return
    if removed and not _in_transition(site, local_day(now)):
        last_day = site.transition_until or local_day(now)
        lose_place(voucher_id, site.site_id, last_day, by=by, now=now)
        return
    until = site.transition_until
    told = change.tell(
        kept.value,
        "site-removed" if removed else "site-suspended",
        mark,
        now=now,
        site=site.name,
        until=shown_day(until) if until else "",
    )
    outbox.write_each(told)


@settles
def _step_back(
    voucher_id: str,
    site: Site,
    groups: frozenset[str],
    *,
    mark: str,
    by: Actor,
    now: datetime,
) -> None:
    """Give back a reserved seat and offers at the site; off its lists when it is removed."""
    kept = store.find_voucher(voucher_id)
    if kept is None:
        return
    before = kept.value
    pack = change.pack_of(before)
    terms = pack.at(local_day(now)).terms

    after = before
    if before.group_id in groups and before.seat == "reserved":
        after = rules.unseat(after, now=now, terms=terms, calendar=pack.calendar)
    for entry in before.waiting:
        if entry.group_id in groups and site.state is SiteState.REMOVED:
            after = rules.leave(after, entry.group_id)
        elif entry.group_id in groups and entry.state == "offered":
            after = rules.take_back(after, entry.group_id)

    if after == before:
        return
    own, rest = change.puts(change.writes(kept, after, now=now))
    journal.commit(
        journal.entry(
            "vouchers/seat-withdrawn",
            f"voucher/{voucher_id}",
            by=by,
            now=now,
            pack=pack.version,
            site_id=site.site_id,
            group_id=before.group_id,
        ),
        own,
        *rest,
        *_told(before, after, site, mark, now=now),
    )


def _told(before: Voucher, after: Voucher, site: Site, mark: str, *, now: datetime) -> list[Put]:
    if after.group_id == before.group_id:
        return change.tell(after, "list-closed", mark, now=now, site=site.name)
    term = change.shown_at(after.contract_by or after.confirm_by)
    return change.tell(after, "choose-again", mark, now=now, site=site.name, contract_by=term)


def _in_transition(site: Site, today: date) -> bool:
    return site.transition_until is not None and today <= site.transition_until
