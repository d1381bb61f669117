"""On the List and off it: list, suspend, reinstate, remove, and the end of a year or a paper.

A site and all its groups open or close in one commit: nobody takes a seat in between. Suspension
closes new choices only; children stay enrolled until the transition ends, and the work put into
the outbox tells their representatives and frees their transfers.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import end_of, local_day, stamp, start_of
from chalicelib.policy.actions import load_pack
from chalicelib.policy.rules import Admission, Pack
from chalicelib.providers import rules, store
from chalicelib.providers.actions.reading import served_site
from chalicelib.providers.rules import Reason, Shown, Site
from chalicelib.providers.rules import documents as papers
from chalicelib.providers.rules import organisations as law_of_accounts
from chalicelib.providers.rules import sites as law
from chalicelib.providers.rules.sites import Measure, Step
from chalicelib.storage import agenda, outbox
from chalicelib.storage.commit import Put, settles
from chalicelib.storage.secrets import fingerprint
from chalicelib.storage.shelf import Kept

EXPIRY_TOPIC = "providers/expiry"
DOCUMENTS_TOPIC = "providers/documents"
SUSPENDED_TOPIC = "vouchers/suspended"
REMOVED_TOPIC = "vouchers/removed"
OFFER_TOPIC = "vouchers/offer"
EXPIRED = Reason("validity", "the year on the List ended")


@settles
def list_site(site_id: str, *, act: str, by: Actor, now: datetime) -> Site:
    """Put an admitted site on the List for a year and open its groups, by an act.

    Its organisation's first account counts as confirmed with this. A listed site gets another
    year after its re-check. Whoever decided on admission does not list.
    """
    kept = served_site(site_id, by)
    whole = fingerprint(["listing", act])
    if law.was_done(kept.value, Step.LIST, act, whole):
        return kept.value
    today = local_day(now)
    pack, admission = _pack(kept.value, today)

    site = law.enlist(kept.value, by=by.subject, today=today, admission=pack.at(today).admission)

    site = law.remembered(site, Step.LIST, act, whole)
    effects = [*watch(site, admission, now=now), _notice(site, "site-listed", act, now=now)]
    organisation = store.load_organisation(site.organisation_id)
    confirmed = law_of_accounts.confirm_first(organisation.value, by=by.subject, at=stamp(now))
    if confirmed is not organisation.value:
        effects.append(store.keep_organisation(organisation, confirmed))
    _commit("providers/site-listed", kept, site, *effects, by=by, now=now, pack=pack, act=act)
    return site


@settles
def suspend_site(
    site_id: str, reasons: Sequence[Reason], *, act: str, by: Actor, now: datetime
) -> Site:
    """Close a listed site for new choices, by an act with reasons; its children stay safe."""
    kept = served_site(site_id, by)
    whole = fingerprint(["suspension", act, reasons])
    if law.was_done(kept.value, Step.SUSPEND, act, whole):
        return kept.value
    pack, _ = _pack(kept.value, local_day(now))

    site = _suspended(kept.value, reasons, act=act, whole=whole, by=by, now=now, pack=pack)

    _commit_suspension(kept, site, act=act, by=by, now=now, pack=pack)
    return site


@settles
def reinstate_site(
    site_id: str, reasons: Sequence[Reason], *, act: str, by: Actor, now: datetime
) -> Site:
    """Open a suspended site again, by an act."""
    kept = served_site(site_id, by)
    whole = fingerprint(["reinstatement", act, reasons])
    if law.was_done(kept.value, Step.REINSTATE, act, whole):
        return kept.value
    today = local_day(now)
    pack, admission = _pack(kept.value, today)
    measure = _measure(Step.REINSTATE, act, reasons, "open", by=by, now=now)

    site = law.reinstate(kept.value, measure, today=today, admission=admission)

    site = law.remembered(site, Step.REINSTATE, act, whole)
    effects = [*watch(site, admission, now=now), _notice(site, "site-reinstated", act, now=now)]
    # Who waited through the suspension is offered what became free in it.
    effects += [
        outbox.work(
            f"site-reinstated#{group.value.group_id}#{group.version}",
            OFFER_TOPIC,
            now=now,
            group_id=group.value.group_id,
        )
        for group in store.list_site_groups(site_id)
    ]
    _commit("providers/site-reinstated", kept, site, *effects, by=by, now=now, pack=pack, act=act)
    return site


@settles
def remove_site(
    site_id: str,
    reasons: Sequence[Reason],
    *,
    act: str,
    planned_transfer: bool,
    by: Actor,
    now: datetime,
) -> Site:
    """Take a site off the List: after its transition, or at once where transfers are planned."""
    kept = served_site(site_id, by)
    whole = fingerprint(["removal", act, reasons, planned_transfer])
    if law.was_done(kept.value, Step.REMOVE, act, whole):
        return kept.value
    today = local_day(now)
    pack, _ = _pack(kept.value, today)
    measure = _measure(Step.REMOVE, act, reasons, "off-the-list", by=by, now=now)

    site = law.remove(kept.value, measure, today=today, planned_transfer=planned_transfer)

    site = law.remembered(site, Step.REMOVE, act, whole)
    _commit(
        "providers/site-removed",
        kept,
        site,
        _notice(site, "site-removed", act, now=now),
        outbox.work(
            f"site-removed#{site_id}#{len(site.measures)}", REMOVED_TOPIC, now=now, site_id=site_id
        ),
        by=by,
        now=now,
        pack=pack,
        act=act,
        rules=[reason.rule for reason in reasons],
    )
    return site


@settles
def expire(site_id: str, *, by: Actor, now: datetime) -> bool:
    """Warn a site whose year ends soon; suspend one whose year has ended.

    Returns whether anything was done; each warning is given once per year on the List.
    """
    kept = store.find_site(site_id)
    if kept is None or not kept.value.listed or kept.value.valid_to is None:
        return False
    today, valid_to = local_day(now), kept.value.valid_to
    pack, admission = _pack(kept.value, today)
    if today > valid_to:
        act = f"expiry-{valid_to.isoformat()}"
        suspend_by_rule(kept, [EXPIRED], act=act, by=by, now=now, pack=pack)
        return True
    if today < valid_to - timedelta(days=admission.recheck_notice_days):
        return False
    warned = f"warned-{valid_to.isoformat()}"
    if law.was_done(kept.value, Step.WARN, warned, "told"):
        return False
    site = law.remembered(kept.value, Step.WARN, warned, "told")
    notice = outbox.notice(
        f"site-expiry#{site_id}#{valid_to.isoformat()}",
        to=f"organisation:{site.organisation_id}",
        template="notice:providers/site-expiry",
        now=now,
        site_id=site_id,
        site=site.name,
        valid_to=f"{valid_to:%d.%m.%Y}",
    )
    _commit("providers/expiry-warned", kept, site, notice, by=by, now=now, pack=pack)
    return True


def suspend_by_rule(
    kept: Kept[Site],
    reasons: Sequence[Reason],
    *,
    act: str,
    by: Actor,
    now: datetime,
    pack: Pack,
) -> None:
    """Suspend a site whose year or paper ended; `act` names the rule's own act."""
    whole = fingerprint(["suspension", act])
    site = _suspended(kept.value, reasons, act=act, whole=whole, by=by, now=now, pack=pack)
    _commit_suspension(kept, site, act=act, by=by, now=now, pack=pack)


def _suspended(
    site: Site,
    reasons: Sequence[Reason],
    *,
    act: str,
    whole: str,
    by: Actor,
    now: datetime,
    pack: Pack,
) -> Site:
    today = local_day(now)
    measure = _measure(Step.SUSPEND, act, reasons, "no-new-choices", by=by, now=now)
    suspended = law.suspend(site, measure, today=today, admission=pack.at(today).admission)
    return law.remembered(suspended, Step.SUSPEND, act, whole)


def _commit_suspension(
    kept: Kept[Site], site: Site, *, act: str, by: Actor, now: datetime, pack: Pack
) -> None:
    until = site.transition_until
    _commit(
        "providers/site-suspended",
        kept,
        site,
        _notice(site, "site-suspended", act, now=now, until=f"{until:%d.%m.%Y}" if until else ""),
        outbox.work(
            f"site-suspended#{site.site_id}#{len(site.measures)}",
            SUSPENDED_TOPIC,
            now=now,
            site_id=site.site_id,
        ),
        by=by,
        now=now,
        pack=pack,
        act=act,
        rules=[reason.rule for reason in site.measures[-1].reasons],
    )


def _commit(
    event: str,
    kept: Kept[Site],
    site: Site,
    *others: Put,
    by: Actor,
    now: datetime,
    pack: Pack,
    **facts: object,
) -> None:
    """Commit a site with all its groups open or closed as the site now is."""
    groups = [
        store.keep_group(group, rules.set_open(group.value, to=site.listed))
        for group in store.list_site_groups(site.site_id)
        if group.value.open is not site.listed
    ]
    entry = journal.entry(
        event,
        f"site/{site.site_id}",
        by=by,
        now=now,
        pack=pack.version,
        state=site.state.value,
        groups=len(groups),
        **facts,
    )
    aggregate, listing = store.keep_site(kept, site)
    journal.commit(entry, aggregate, listing, *groups, *others)


def watch(site: Site, admission: Admission, *, now: datetime) -> list[Put]:
    """Describe the reminders of a year on the List: before its end, after its last day, papers."""
    if site.valid_to is None:
        return []
    warn_on = site.valid_to - timedelta(days=admission.recheck_notice_days)
    return [
        agenda.due(start_of(warn_on), EXPIRY_TOPIC, site.site_id),
        agenda.due(end_of(site.valid_to), EXPIRY_TOPIC, site.site_id),
        *watch_papers(site, admission, now=now),
    ]


def watch_papers(site: Site, admission: Admission, *, now: datetime) -> list[Put]:
    """Describe the next look at a site's papers, at once when an end was to be told already.

    One row, not one a paper: each look puts the next one on the agenda.
    """
    today = local_day(now)
    direction = site.direction
    soon = papers.ending_soon(site.checklist, admission=admission, today=today, direction=direction)
    if any(not paper_told(site, one) for one in soon):
        return [agenda.due(now, DOCUMENTS_TOPIC, site.site_id)]
    look_on = papers.next_look(
        site.checklist, admission=admission, today=today, direction=direction
    )
    return [agenda.due(start_of(look_on), DOCUMENTS_TOPIC, site.site_id)] if look_on else []


def paper_told(site: Site, shown: Shown) -> bool:
    """Return whether the organisation was told of this end of this paper."""
    return law.was_done(site, Step.WARN, paper_name(shown), "told")


def paper_name(shown: Shown) -> str:
    """Return the name of the warning of a paper's end."""
    return f"paper-{shown.item}-{shown.valid_to}"


def _measure(
    step: Step, act: str, reasons: Sequence[Reason], effect: str, *, by: Actor, now: datetime
) -> Measure:
    return Measure(step.value, act, tuple(reasons), effect, stamp(now), by.subject)


def _notice(site: Site, name: str, act: str, *, now: datetime, **facts: object) -> Put:
    return outbox.notice(
        f"{name}#{site.site_id}#{len(site.done)}",
        to=f"organisation:{site.organisation_id}",
        template=f"notice:providers/{name}",
        now=now,
        site_id=site.site_id,
        site=site.name,
        act=act,
        **facts,
    )


def _pack(site: Site, today: date) -> tuple[Pack, Admission]:
    pack = load_pack(site.programme, site.area)
    return pack, pack.at(today).admission
