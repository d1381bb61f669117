"""Statuses: what an officer finds, what was not proved in time, what changed by itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Literal

from chalicelib.access import actions as access
from chalicelib.applications import rules, store
from chalicelib.applications.actions.claiming import claims_of
from chalicelib.applications.actions.common import entry, follow, leave, release, tell
from chalicelib.applications.rules import Application, Checked, RefusalReason, TooOld, TooYoung
from chalicelib.children import store as children_store
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import local_day
from chalicelib.kernel.refusals import Unknown
from chalicelib.policy.actions import load_pack
from chalicelib.policy.rules import NoRuleInForce, Pack
from chalicelib.storage.commit import settles


@settles
def verify_status(
    application_id: str,
    status: str,
    *,
    result: Literal["proved", "refused"],
    reason: RefusalReason | None,
    paper_on: date | None,
    by: Actor,
    now: datetime,
) -> Application:
    """Record what an officer found of a claimed status; tier and queue entry follow at once.

    Raises Unknown (also for an application of another area or a status that was not claimed),
    ReasonNeeded, DecidedByOwnData, PaperOutdated, NotLive. The same result again changes nothing.
    """
    kept = store.load_application(application_id)
    application = kept.value
    access.demand(by, area=application.area)
    if all(claimed.status != status for claimed in application.statuses):
        raise Unknown()
    pack, today = load_pack(application.programme, application.area), local_day(now)
    decided = rules.decide_status(
        application,
        status,
        result=result,
        reason=reason,
        paper_on=paper_on,
        rules=pack.at(today),
        now=now,
    )
    if decided == application:
        return application
    judged = rules.retier(decided, pack, today)
    journal.commit(
        entry(
            "status-decided",
            judged,
            by=by,
            now=now,
            result=result,
            moved=judged.category != application.category,
        ),
        store.keep_application(kept, judged),
        *follow(judged),
        *store.verification(application, judged),
        *tell(
            judged,
            f"status-{result}",
            f"status-decided#{kept.version + 1}",
            now=now,
            category=judged.category,
        ),
    )
    return judged


@settles
def lapse_proof(application_id: str, *, by: Actor, now: datetime) -> bool:
    """Let statuses lapse that were not proved in time; return whether any did."""
    kept = store.find_application(application_id)
    if kept is None or rules.prove_by(kept.value) is None:
        return False
    lapsed = rules.decide_lapsed_proofs(kept.value, now=now)
    if lapsed == kept.value:
        return False
    journal.commit(
        entry("proof-lapsed", lapsed, by=by, now=now),
        store.keep_application(kept, lapsed),
        *store.verification(kept.value, lapsed),
        *tell(
            lapsed,
            "status-lapsed",
            f"status-lapsed#{kept.version + 1}",
            now=now,
            category=lapsed.category,
        ),
    )
    return True


def list_outdated(programme: str, area: str, *, now: datetime) -> list[str]:
    """Return the queued applications whose ages were taken for another academic year, by id.

    One query per shard of the queue. Empty where no rules are in force today.
    """
    pack, today = load_pack(programme, area), local_day(now)
    try:
        academic_year = pack.at(today).academic_year.year_of(today)
    except NoRuleInForce:
        return []
    queue = (kept.value for kept in store.list_queue(programme, area))
    return sorted(e.application_id for e in queue if e.academic_year != academic_year)


@settles
def refresh(application_id: str, *, by: Actor, now: datetime) -> bool:
    """Judge a queued application anew: the child grew, its data or the rules changed.

    Returns whether anything changed. A child that has grown too old expires; one that a correction
    made too young keeps its place, because it will be old enough.
    """
    kept = store.find_application(application_id)
    if kept is None or kept.value.state != "queued":
        return False
    application = kept.value
    pack, today = load_pack(application.programme, application.area), local_day(now)
    try:
        birth_date = children_store.load_birth_date(application.child_id)
        standing = rules.stand(birth_date, today, pack.at(today))
    except TooOld:
        expired = rules.decide_expire(application, now=now)
        journal.commit(
            entry("expired", expired, by=by, now=now),
            store.keep_application(kept, expired),
            *leave(application),
            release(application),
            *store.verification(application, expired),
            *tell(expired, "expired", "expired", now=now),
        )
        return True
    except TooYoung:
        return False
    judged = rules.judge(_gained(application, pack, now=now), standing, pack, today)
    if judged == application:
        return False
    told = []
    if judged.category != application.category:
        told = tell(
            judged,
            "category-changed",
            f"category-changed#{kept.version + 1}",
            now=now,
            category=judged.category,
            category_was=application.category,
        )
    journal.commit(
        entry(
            "judged-anew",
            judged,
            by=by,
            now=now,
            moved=judged.category != application.category,
        ),
        store.keep_application(kept, judged),
        *follow(judged),
        *told,
    )
    return True


def _gained(application: Application, pack: Pack, *, now: datetime) -> Application:
    """Return an application with what our own data prove by now."""
    found = claims_of(
        (), pack=pack, people=tuple, child_id=application.child_id, now=now, ask=_no_register
    )
    return rules.gain(application, found)


def _no_register(digests: Sequence[str], code: str, now: datetime) -> Checked:
    return Checked("unavailable")
