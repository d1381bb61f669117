"""The way onto the List: describe a site, hand it in, check it formally, vote, object.

Checks in every step, in this order: the site is the caller's, this very step was taken before
(same answer), the state, then the step's own. A member's vote is a step of that member alone, so
two who vote at once are both counted, and the decision falls once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

import msgspec

from chalicelib.access import actions as access
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import from_stamp, local_day, shown_last_day, stamp
from chalicelib.kernel.refusals import AnotherContent, Unknown
from chalicelib.policy.actions import load_pack
from chalicelib.policy.rules import Pack, Rules
from chalicelib.providers import store
from chalicelib.providers.actions.asking import told
from chalicelib.providers.actions.reading import own_site, served_site
from chalicelib.providers.rules import (
    ChangedMeanwhile,
    Location,
    Reason,
    Shown,
    Site,
    SiteFixed,
    Vote,
)
from chalicelib.providers.rules import admission as steps
from chalicelib.providers.rules import sites as law
from chalicelib.providers.rules.sites import Step
from chalicelib.storage import agenda, outbox
from chalicelib.storage.commit import Put, settles
from chalicelib.storage.secrets import fingerprint
from chalicelib.storage.shelf import Kept

CORRECTION_TOPIC = "providers/correction"
# What the journal calls a vote: of which round, and whether it completed the decision.
_VOTED = {
    (Step.DECIDE, False): "providers/site-voted",
    (Step.DECIDE, True): "providers/site-decided",
    (Step.ANSWER, False): "providers/objection-voted",
    (Step.ANSWER, True): "providers/objection-answered",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteAsked:
    """What a head says of a site; replaces: the revision this one is to follow."""

    site_id: str
    organisation_id: str
    programme: str
    area: str
    name: str
    address: str
    locality: Literal["urban", "rural"]
    form: str
    replaces: int | None = None
    direction: str = ""
    location: Location | None = None
    sen_conditions: bool = False


def told_site(asked: SiteAsked) -> msgspec.Raw:
    """Return what was asked of a site."""
    return told(asked, "direction", "location", "sen_conditions")


@settles
def put_site(asked: SiteAsked, *, by: Actor, now: datetime) -> Site:
    """Describe a site, or change it while it is not being judged and not on the List.

    Whoever changes a refused site applies again instead of objecting. Checks in order: own
    organisation, it exists, the area has rules, earlier content, revision, state, direction and
    form.
    """
    access.demand(by, organisation=asked.organisation_id)
    store.load_organisation(asked.organisation_id)
    pack = load_pack(asked.programme, asked.area)
    whole = fingerprint(told_site(asked))
    kept = store.find_site(asked.site_id)
    if kept is None:
        check_described(asked, pack.at(local_day(now)))
        return _create_site(asked, whole, pack, by=by, now=now)
    access.demand(by, organisation=kept.value.organisation_id)
    if kept.value.asked == whole:
        return kept.value

    fixed = (asked.organisation_id, asked.programme, asked.area, asked.direction)
    earlier = (
        kept.value.organisation_id,
        kept.value.programme,
        kept.value.area,
        kept.value.direction,
    )
    if asked.replaces is None or fixed != earlier:
        raise AnotherContent()
    if asked.replaces != kept.value.revision:
        raise ChangedMeanwhile(revision=kept.value.revision)
    if kept.value.state not in law.EDITABLE:
        raise SiteFixed(state=kept.value.state.value)
    check_described(asked, pack.at(local_day(now)))
    site = replace(
        steps.edited(kept.value),
        name=asked.name,
        address=asked.address,
        locality=asked.locality,
        form=asked.form,
        location=asked.location,
        sen_conditions=asked.sen_conditions,
        revision=kept.value.revision + 1,
        asked=whole,
    )
    # Groups carry the site's locality, which decides their rate.
    groups = [
        store.keep_group(group, replace(group.value, locality=asked.locality))
        for group in store.list_site_groups(asked.site_id)
        if group.value.locality != asked.locality
    ]
    _commit("providers/site-changed", kept, site, *groups, by=by, now=now, pack=pack)
    return site


@settles
def submit_site(
    site_id: str, shown: Sequence[Shown], *, attempt: int, by: Actor, now: datetime
) -> Site:
    """Hand a site in for the List with its checklist; the formal check has its term."""
    kept = own_site(site_id, by)
    whole = fingerprint([attempt, shown])
    if law.was_done(kept.value, Step.SUBMIT, str(attempt), whole):
        return kept.value
    today = local_day(now)
    pack = load_pack(kept.value.programme, kept.value.area)
    admission = pack.at(today).admission
    due = pack.calendar.deadline(now, working_days=admission.formal_check_working_days)

    site = steps.submit(
        kept.value,
        shown,
        attempt=attempt,
        admission=admission,
        today=today,
        now=stamp(now),
        due_at=stamp(due),
    )

    site = law.remembered(site, Step.SUBMIT, str(attempt), whole)
    _commit("providers/site-submitted", kept, site, by=by, now=now, pack=pack, attempt=attempt)
    return site


@settles
def check_site(
    site_id: str,
    result: Literal["complete", "correction"],
    reasons: Sequence[Reason],
    *,
    attempt: int,
    by: Actor,
    now: datetime,
) -> Site:
    """Pass a site on to the commission, or back for its one correction, with cited items."""
    kept = served_site(site_id, by)
    whole = fingerprint([attempt, result, reasons])
    if law.was_done(kept.value, Step.CHECK, str(attempt), whole):
        return kept.value
    _same_attempt(kept.value, attempt, Step.CHECK)
    pack = load_pack(kept.value.programme, kept.value.area)
    admission = pack.at(local_day(now)).admission
    days = (
        admission.decision_working_days
        if result == "complete"
        else admission.correction_working_days
    )
    due = pack.calendar.deadline(now, working_days=days)

    site = steps.check(kept.value, result, reasons, admission=admission, due_at=stamp(due))

    site = law.remembered(site, Step.CHECK, str(attempt), whole)
    effects: list[Put] = []
    if site.correction is not None:
        effects = [
            agenda.due(due, CORRECTION_TOPIC, site_id),
            _notice(
                site,
                "site-correction",
                now=now,
                due_at=shown_last_day(stamp(due)),
                rules=_rules_of(reasons),
            ),
        ]
    _commit(
        "providers/site-checked",
        kept,
        site,
        *effects,
        by=by,
        now=now,
        pack=pack,
        attempt=attempt,
        result=result,
        rules=_rules_of(reasons),
    )
    return site


@settles
def decide_site(
    site_id: str,
    result: Literal["admit", "refuse"],
    reasons: Sequence[Reason],
    *,
    attempt: int,
    by: Actor,
    now: datetime,
) -> Site:
    """Give one member's vote, with the rules and evidence that it cites.

    The commission has decided once enough members voted; see `rules.votes`.
    """
    return _vote(Step.DECIDE, site_id, result, reasons, attempt=attempt, by=by, now=now)


@settles
def object_to_refusal(
    site_id: str, reasons: Sequence[Reason], *, attempt: int, by: Actor, now: datetime
) -> Site:
    """Bring a refused site before the commission once more, within the pack's term."""
    kept = own_site(site_id, by)
    whole = fingerprint([attempt, reasons])
    if law.was_done(kept.value, Step.OBJECT, str(attempt), whole):
        return kept.value
    _same_attempt(kept.value, attempt, Step.OBJECT)
    pack = load_pack(kept.value.programme, kept.value.area)
    days = pack.at(local_day(now)).admission.answer_working_days
    due = pack.calendar.deadline(now, working_days=days)

    site = steps.objected(kept.value, reasons, at=stamp(now), due_at=stamp(due))

    site = law.remembered(site, Step.OBJECT, str(attempt), whole)
    _commit(
        "providers/site-objected",
        kept,
        site,
        by=by,
        now=now,
        pack=pack,
        attempt=attempt,
        rules=_rules_of(reasons),
    )
    return site


@settles
def answer_objection(
    site_id: str,
    result: Literal["admit", "refuse"],
    reasons: Sequence[Reason],
    *,
    attempt: int,
    by: Actor,
    now: datetime,
) -> Site:
    """Give one member's vote on an objection; what the commission decides now is its last word."""
    return _vote(Step.ANSWER, site_id, result, reasons, attempt=attempt, by=by, now=now)


@settles
def lapse_correction(site_id: str, *, by: Actor, now: datetime) -> bool:
    """Refuse a site whose correction was not handed in in time; whether anything was done."""
    kept = store.find_site(site_id)
    correction = kept.value.correction if kept else None
    if kept is None or correction is None or now < from_stamp(correction.due_at):
        return False
    pack = load_pack(kept.value.programme, kept.value.area)
    site = steps.miss_correction(kept.value, at=stamp(now), pack=pack.version)
    cited = _rules_of(correction.reasons)
    _commit(
        "providers/correction-missed",
        kept,
        site,
        _notice(site, "site-refused", now=now, rules=cited),
        by=by,
        now=now,
        pack=pack,
        attempt=site.attempt,
        rules=cited,
    )
    return True


def check_described(asked: SiteAsked, in_force: Rules) -> None:
    """Raise DirectionNeeded, NoDirections or UnknownForm."""
    law.check_direction(asked.direction, programme=in_force.programme, known=in_force.kinds)
    in_force.check_form(asked.form)


def _vote(
    step: Step,
    site_id: str,
    result: Literal["admit", "refuse"],
    reasons: Sequence[Reason],
    *,
    attempt: int,
    by: Actor,
    now: datetime,
) -> Site:
    kept = served_site(site_id, by)
    whole = fingerprint([attempt, result, reasons])
    name = f"{attempt}#{by.subject}"
    if law.was_done(kept.value, step, name, whole):
        return kept.value
    _same_attempt(kept.value, attempt, step)
    pack = load_pack(kept.value.programme, kept.value.area)
    admission = pack.at(local_day(now)).admission
    object_by = pack.calendar.deadline(now, working_days=admission.objection_working_days)

    site = steps.vote(
        kept.value,
        step,
        Vote(by.subject, result, tuple(reasons), stamp(now)),
        admission=admission,
        pack=pack.version,
        object_by=stamp(object_by),
    )

    site = law.remembered(site, step, name, whole)
    _commit(
        _VOTED[step, site.decision is not None],
        kept,
        site,
        *_told_of(site, step, now=now),
        by=by,
        now=now,
        pack=pack,
        attempt=attempt,
        result=result,
        rules=_rules_of(reasons),
        votes=len(site.votes),
        **({"decided": site.decision.result} if site.decision else {}),
    )
    return site


def _told_of(site: Site, step: Step, *, now: datetime) -> list[Put]:
    """Describe what the organisation is told once the commission has decided."""
    decision = site.decision
    if decision is None:
        return []
    cited = _rules_of(decision.reasons)
    if step is Step.ANSWER:
        name = "objection-upheld" if decision.result == "admit" else "objection-refused"
        return [_notice(site, name, now=now, rules=cited)]
    if decision.result == "refuse":
        return [_notice(site, "site-refused", now=now, rules=cited)]
    return []


def _create_site(asked: SiteAsked, whole: str, pack: Pack, *, by: Actor, now: datetime) -> Site:
    if asked.replaces is not None:
        raise Unknown()  # there is nothing to replace
    site = Site(
        site_id=asked.site_id,
        organisation_id=asked.organisation_id,
        programme=asked.programme,
        area=asked.area,
        name=asked.name,
        address=asked.address,
        locality=asked.locality,
        form=asked.form,
        direction=asked.direction,
        location=asked.location,
        sen_conditions=asked.sen_conditions,
        created_at=stamp(now),
        asked=whole,
    )
    entry = journal.entry(
        "providers/site-described", f"site/{site.site_id}", by=by, now=now, pack=pack.version
    )
    aggregate, *others = store.create_site(site)
    journal.commit(entry, aggregate, *others)
    return site


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
    entry = journal.entry(
        event,
        f"site/{site.site_id}",
        by=by,
        now=now,
        pack=pack.version,
        state=site.state.value,
        **facts,
    )
    aggregate, listing = store.keep_site(kept, site)
    journal.commit(entry, aggregate, listing, *others)


def _notice(site: Site, name: str, *, now: datetime, **facts: object) -> Put:
    return outbox.notice(
        f"{name}#{site.site_id}#{site.attempt}",
        to=f"organisation:{site.organisation_id}",
        template=f"notice:providers/{name}",
        now=now,
        site_id=site.site_id,
        site=site.name,
        **facts,
    )


def _same_attempt(site: Site, attempt: int, step: Step) -> None:
    if attempt != site.attempt:
        raise law.WrongState(step=step.value, state=site.state.value, attempt=site.attempt)


def _rules_of(reasons: Sequence[Reason]) -> list[str]:
    return [reason.rule for reason in reasons]
