"""The way onto the List, on it and off it.

    draft → submitted → in-check → listed → suspended → removed
              ↓ correction, once      ↑________| reinstated
            draft        refused (with reasons; may apply again)

Each step is named by the caller: by the number of the attempt while a site applies, by the number
of the act afterwards. The same step again is the same answer; `done` remembers what was asked.
Source: domain sheet §9; terms and checklist come from the rule pack.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Literal

from chalicelib.kernel.refusals import AnotherContent, Malformed, NotAllowed, OutOfTurn
from chalicelib.policy.rules import Admission

SiteForm = Literal["public", "private", "mini-centre"]
# Opening or closing a site rewrites all its groups in one transaction of at most 100 rows.
MOST_GROUPS = 40
BY_TIME = "system"


class SiteState(StrEnum):
    """Where a site stands."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    IN_CHECK = "in-check"
    LISTED = "listed"
    SUSPENDED = "suspended"
    REMOVED = "removed"
    REFUSED = "refused"


class Step(StrEnum):
    """What somebody does to a site."""

    SUBMIT = "submission"
    CHECK = "check"
    DECIDE = "decision"
    LIST = "listing"
    SUSPEND = "suspension"
    REINSTATE = "reinstatement"
    REMOVE = "removal"
    WARN = "warning"


# From which states each step may be taken.
MAY: dict[Step, frozenset[SiteState]] = {
    Step.SUBMIT: frozenset({SiteState.DRAFT, SiteState.REFUSED}),
    Step.CHECK: frozenset({SiteState.SUBMITTED}),
    Step.DECIDE: frozenset({SiteState.IN_CHECK}),
    Step.LIST: frozenset({SiteState.IN_CHECK, SiteState.LISTED}),
    Step.SUSPEND: frozenset({SiteState.LISTED}),
    Step.REINSTATE: frozenset({SiteState.SUSPENDED}),
    Step.REMOVE: frozenset({SiteState.LISTED, SiteState.SUSPENDED}),
}
EDITABLE = frozenset({SiteState.DRAFT, SiteState.REFUSED})
SHOWN = frozenset({SiteState.LISTED, SiteState.SUSPENDED})


class WrongState(OutOfTurn):
    """The site is not where this step begins; `state` says where it stands."""

    code = "providers/wrong-state"


class SiteFixed(OutOfTurn):
    """What is being judged or was listed is not edited; `state` says where the site stands."""

    code = "providers/site-fixed"


class TooManyGroups(OutOfTurn):
    """A site has at most 40 groups."""

    code = "providers/too-many-groups"


class UnknownItem(Malformed):
    """The checklist in force has no such item, or the item stands there twice."""

    code = "providers/unknown-item"


class ChecklistUnmet(OutOfTurn):
    """Items of the checklist are missing, expired, or may not be still in progress."""

    code = "providers/checklist-unmet"


class ReasonNeeded(Malformed):
    """A refusal cites at least one rule, each with its evidence."""

    code = "providers/reason-needed"


class CorrectionUsed(OutOfTurn):
    """The one chance to correct was used; the commission decides on what is there."""

    code = "providers/correction-used"


class CorrectionLate(OutOfTurn):
    """The time to correct ended at `due_at`; the site may apply again."""

    code = "providers/correction-late"


class NotDecided(OutOfTurn):
    """The commission has not admitted this site."""

    code = "providers/not-decided"


class SecondPerson(NotAllowed):
    """Whoever decided on admission does not also list."""

    code = "providers/second-person"


class TransitionRunning(OutOfTurn):
    """Children still have until `transition_until` to move, and no transfer is planned."""

    code = "providers/transition-running"


class TooEarly(OutOfTurn):
    """The re-check begins `from_on`, not before."""

    code = "providers/too-early"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why: the rule that is cited, and what shows it."""

    rule: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Shown:
    """One item of the checklist as the head shows it.

    document: the number of the paper. digest: SHA-256 of the file, in hex, when it is attached.
    """

    item: str
    state: Literal["ready", "in-progress"]
    document: str | None = None
    digest: str | None = None
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class Correction:
    """What is to be corrected, and until when (the end not included)."""

    reasons: tuple[Reason, ...]
    due_at: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What the commission decided. by: the pseudonymous subject who entered it."""

    result: Literal["admit", "refuse"]
    reasons: tuple[Reason, ...]
    by: str
    at: str
    pack: str


@dataclass(frozen=True, slots=True)
class Measure:
    """A suspension, reinstatement or removal, with its act and the reasons; effect is data."""

    step: str
    act: str
    reasons: tuple[Reason, ...]
    effect: str
    at: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One kindergarten at one address.

    groups: how many were ever made. listed_from, valid_to: the year on the List, both included.
    transition_until: the last day children have to move. attempt: which application this is.
    due_at: until when the next step is to be taken. done: step and name → what was asked.
    """

    site_id: str
    organisation_id: str
    programme: str
    area: str
    name: str
    address: str
    locality: Literal["urban", "rural"]
    form: SiteForm
    state: SiteState = SiteState.DRAFT
    listed_from: date | None = None
    valid_to: date | None = None
    transition_until: date | None = None
    groups: int = 0
    attempt: int = 0
    corrections: int = 0
    checklist: tuple[Shown, ...] = ()
    correction: Correction | None = None
    decision: Decision | None = None
    measures: tuple[Measure, ...] = ()
    due_at: str | None = None
    created_at: str = ""
    revision: int = 1
    asked: str = ""
    done: dict[str, str] = field(default_factory=dict)

    @property
    def listed(self) -> bool:
        return self.state is SiteState.LISTED


def was_done(site: Site, step: Step, name: str, fingerprint: str) -> bool:
    """Return whether this very step was taken; AnotherContent when it said something else."""
    earlier = site.done.get(f"{step}#{name}")
    if earlier is not None and earlier != fingerprint:
        raise AnotherContent()
    return earlier is not None


def check_turn(site: Site, step: Step) -> None:
    """Raise WrongState unless the step may be taken from where the site stands."""
    if site.state not in MAY[step]:
        raise WrongState(step=step.value, state=site.state.value)


def remembered(site: Site, step: Step, name: str, fingerprint: str) -> Site:
    """Return the site that remembers a step."""
    return replace(site, done={**site.done, f"{step}#{name}": fingerprint})


def submit(
    site: Site,
    shown: Sequence[Shown],
    *,
    attempt: int,
    admission: Admission,
    today: date,
    now: str,
    due_at: str,
) -> Site:
    """Return the site handed in for the formal check.

    Raises WrongState, CorrectionLate, UnknownItem, ChecklistUnmet.
    attempt: one more than the last, so that a late repetition never hands in twice.
    due_at: the end of the formal check.
    """
    check_turn(site, Step.SUBMIT)
    if attempt != site.attempt + 1:
        raise WrongState(step=Step.SUBMIT.value, state=site.state.value, attempt=site.attempt + 1)
    if site.correction is not None and now >= site.correction.due_at:
        raise CorrectionLate(due_at=site.correction.due_at)
    check_list(shown, admission=admission, today=today)
    correcting = site.correction is not None
    return replace(
        site,
        state=SiteState.SUBMITTED,
        attempt=attempt,
        corrections=site.corrections if correcting else 0,
        checklist=tuple(sorted(shown, key=lambda item: item.item)),
        correction=None,
        decision=None,
        due_at=due_at,
    )


def check_list(shown: Iterable[Shown], *, admission: Admission, today: date) -> None:
    """Raise UnknownItem or ChecklistUnmet (with the items) unless all is shown that must be."""
    given: dict[str, Shown] = {}
    known = {item.code: item for item in admission.items}
    for item in shown:
        if item.item not in known or item.item in given:
            raise UnknownItem(item=item.item[:40])
        given[item.item] = item
    missing = sorted(known.keys() - given.keys())
    not_ready = sorted(
        code
        for code, item in given.items()
        if item.state == "in-progress" and not known[code].in_progress_allowed
    )
    expired = sorted(
        code
        for code, item in given.items()
        if item.state == "ready"
        and known[code].validity_days is not None
        and (item.valid_to is None or item.valid_to < today)
    )
    if missing or not_ready or expired:
        raise ChecklistUnmet(missing=missing, not_ready=not_ready, expired=expired)


def check(
    site: Site,
    result: Literal["complete", "correction"],
    reasons: Sequence[Reason],
    *,
    admission: Admission,
    due_at: str,
) -> Site:
    """Return the site after the formal check: with the commission, or back for correction.

    due_at: the end of the commission's term, or of the correction.
    Raises WrongState, CorrectionUsed, ReasonNeeded, UnknownItem.
    """
    check_turn(site, Step.CHECK)
    if result == "complete":
        return replace(site, state=SiteState.IN_CHECK, correction=None, due_at=due_at)
    if site.corrections >= admission.corrections_max:
        raise CorrectionUsed(most=admission.corrections_max)
    cited(reasons)
    known = {item.code for item in admission.items}
    for reason in reasons:
        if reason.rule not in known:
            raise UnknownItem(item=reason.rule[:40])
    return replace(
        site,
        state=SiteState.DRAFT,
        corrections=site.corrections + 1,
        correction=Correction(tuple(reasons), due_at),
        due_at=due_at,
    )


def miss_correction(site: Site, *, at: str, pack: str) -> Site:
    """Return the site refused because the correction was not handed in in time."""
    late = (
        tuple(Reason(r.rule, "not corrected in time") for r in site.correction.reasons)
        if (site.correction)
        else ()
    )
    return replace(
        site,
        state=SiteState.REFUSED,
        correction=None,
        decision=Decision("refuse", late, BY_TIME, at, pack),
        due_at=None,
    )


def decide(site: Site, decision: Decision) -> Site:
    """Return the site with the commission's decision. Raises WrongState, ReasonNeeded.

    Only a refusal needs reasons; each cites a rule and its evidence.
    """
    check_turn(site, Step.DECIDE)
    if site.decision is not None:
        raise WrongState(step=Step.DECIDE.value, state=site.state.value)
    if decision.result == "refuse":
        cited(decision.reasons)
        return replace(site, state=SiteState.REFUSED, decision=decision, due_at=None)
    return replace(site, decision=decision, due_at=None)


def enlist(site: Site, *, by: str, today: date, admission: Admission) -> Site:
    """Return the site on the List for a year; a listed one for another year after its re-check.

    Raises WrongState, NotDecided, SecondPerson, TooEarly.
    """
    check_turn(site, Step.LIST)
    if site.state is SiteState.LISTED and site.valid_to is not None:
        from_on = site.valid_to - timedelta(days=admission.recheck_notice_days)
        if today < from_on:
            raise TooEarly(from_on=from_on.isoformat())
        return replace(site, valid_to=site.valid_to + timedelta(days=admission.validity_days))
    if site.decision is None or site.decision.result != "admit":
        raise NotDecided()
    if site.decision.by == by:
        raise SecondPerson()
    return replace(
        site,
        state=SiteState.LISTED,
        listed_from=today,
        valid_to=_year_from(today, admission),
        transition_until=None,
        due_at=None,
    )


def suspend(site: Site, measure: Measure, *, today: date, admission: Admission) -> Site:
    """Return the site closed for new choices, its children safe until the transition ends.

    Raises WrongState, ReasonNeeded.
    """
    check_turn(site, Step.SUSPEND)
    cited(measure.reasons)
    return replace(
        site,
        state=SiteState.SUSPENDED,
        transition_until=today + timedelta(days=admission.transition_days),
        measures=(*site.measures, measure),
    )


def reinstate(site: Site, measure: Measure, *, today: date, admission: Admission) -> Site:
    """Return the site back on the List; a year that ran out begins anew. Raises WrongState."""
    check_turn(site, Step.REINSTATE)
    valid_to = site.valid_to
    if valid_to is None or valid_to < today:
        valid_to = _year_from(today, admission)
    return replace(
        site,
        state=SiteState.LISTED,
        valid_to=valid_to,
        transition_until=None,
        measures=(*site.measures, measure),
    )


def remove(site: Site, measure: Measure, *, today: date, planned_transfer: bool) -> Site:
    """Return the site off the List: after its transition, or at once with a planned transfer.

    Raises WrongState, ReasonNeeded, TransitionRunning.
    """
    check_turn(site, Step.REMOVE)
    cited(measure.reasons)
    over = site.transition_until is not None and today > site.transition_until
    if not over and not planned_transfer:
        until = site.transition_until
        raise TransitionRunning(transition_until=until.isoformat() if until else None)
    return replace(
        site,
        state=SiteState.REMOVED,
        transition_until=site.transition_until or today,
        measures=(*site.measures, measure),
    )


def cited(reasons: Sequence[Reason]) -> None:
    """Raise ReasonNeeded unless there is a reason and each has a rule and evidence."""
    if not reasons or not all(r.rule.strip() and r.evidence.strip() for r in reasons):
        raise ReasonNeeded()


def may_edit_groups(site: Site) -> None:
    """Raise SiteFixed unless the head may make or change groups now."""
    if not (site.listed or site.state in EDITABLE):
        raise SiteFixed(state=site.state.value)


def with_group(site: Site) -> Site:
    """Return the site with one more group. Raises TooManyGroups."""
    if site.groups >= MOST_GROUPS:
        raise TooManyGroups(most=MOST_GROUPS)
    return replace(site, groups=site.groups + 1)


def _year_from(today: date, admission: Admission) -> date:
    return today + timedelta(days=admission.validity_days)
