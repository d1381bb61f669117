"""The way onto the List, on it and off it: states, steps, and what each measure does.

    draft → submitted → in-check → listed → suspended → removed
              ↓ correction, once      ↑________| reinstated
            draft        refused → in-check again by an objection, once
                         (with reasons; may apply again)

Each step is named by the caller: by the number of the attempt while a site applies (a member's
vote by the attempt and the member), by the number of the act afterwards. The same step again is
the same answer; `done` remembers what was asked. The steps until the decision are in `admission`.
Source: domain sheet §9; terms and checklist come from the rule pack.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Literal

from chalicelib.kernel.refusals import AnotherContent, Malformed, NotAllowed, OutOfTurn
from chalicelib.policy.rules import Admission, ProgrammeRule
from chalicelib.providers.rules.documents import ChecklistUnmet, Shown, expired
from chalicelib.providers.rules.places import Location
from chalicelib.providers.rules.votes import Decision, Reason, Vote, cited

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
    OBJECT = "objection"
    ANSWER = "objection-answer"
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
    Step.OBJECT: frozenset({SiteState.REFUSED}),
    Step.ANSWER: frozenset({SiteState.IN_CHECK}),
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


class NotDecided(OutOfTurn):
    """The commission has not admitted this site."""

    code = "providers/not-decided"


class SecondPerson(NotAllowed):
    """Whoever voted on admission does not also list."""

    code = "providers/second-person"


class DirectionNeeded(Malformed):
    """A site of this programme belongs to one direction, whose department admits it."""

    code = "providers/direction-needed"


class NoDirections(Malformed):
    """This programme has no directions; a site names none."""

    code = "providers/no-directions"


class TransitionRunning(OutOfTurn):
    """Children still have until `transition_until` to move, and no transfer is planned."""

    code = "providers/transition-running"


class TooEarly(OutOfTurn):
    """The re-check begins `from_on`, not before."""

    code = "providers/too-early"


@dataclass(frozen=True, slots=True)
class Correction:
    """What is to be corrected, and until when (the end not included)."""

    reasons: tuple[Reason, ...]
    due_at: str


@dataclass(frozen=True, slots=True)
class Measure:
    """A suspension, reinstatement or removal, with its act and the reasons; effect is data."""

    step: str
    act: str
    reasons: tuple[Reason, ...]
    effect: str
    at: str
    by: str


@dataclass(frozen=True, slots=True)
class Objection:
    """What an organisation holds against a refusal, and the refusal with its votes.

    result: what the commission answered, None until it did.
    """

    reasons: tuple[Reason, ...]
    at: str
    refusal: Decision
    votes: tuple[Vote, ...] = ()
    result: Literal["admit", "refuse"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One kindergarten or club at one address.

    direction: what it teaches where each direction has its own department, else empty.
    groups: how many were ever made. listed_from, valid_to: the year on the List, both included.
    transition_until: the last day children have to move. attempt: which application this is.
    listed_by: the pseudonymous subject who put it on the List. due_at: until when the next step is
    to be taken. done: step and name → what was asked.
    votes: the commission's, of this round. teachers: how many are named; who they are lies in the
    vault. teachers_revision: counts the head's lists of them.
    """

    site_id: str
    organisation_id: str
    programme: str
    area: str
    name: str
    address: str
    locality: Literal["urban", "rural"]
    form: str
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
    direction: str = ""
    location: Location | None = None
    sen_conditions: bool = False
    votes: tuple[Vote, ...] = ()
    objection: Objection | None = None
    teachers: int = 0
    teachers_revision: int = 0
    teachers_asked: str = ""
    listed_by: str | None = None

    @property
    def listed(self) -> bool:
        return self.state is SiteState.LISTED

    @property
    def voters(self) -> frozenset[str]:
        """Who voted on this application, in either round."""
        votes = [*self.votes, *(self.objection.votes if self.objection else ())]
        decided = {self.decision.by} if self.decision else set()
        return frozenset({vote.by for vote in votes} | decided)


def check_direction(direction: str, *, programme: ProgrammeRule, known: Iterable[str]) -> None:
    """Raise DirectionNeeded or NoDirections. known: the kinds of groups there are."""
    directions = sorted(known)
    if programme.by_direction and direction not in directions:
        raise DirectionNeeded(known=directions)
    if direction and not programme.by_direction:
        raise NoDirections()


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


def enlist(site: Site, *, by: str, today: date, admission: Admission) -> Site:
    """Return the site on the List for a year; a listed one for another year after its re-check.

    No paper that is watched may be over. Raises WrongState, NotDecided, SecondPerson, TooEarly,
    ChecklistUnmet.
    """
    check_turn(site, Step.LIST)
    if site.state is SiteState.LISTED and site.valid_to is not None:
        from_on = site.valid_to - timedelta(days=admission.recheck_notice_days)
        if today < from_on:
            raise TooEarly(from_on=from_on.isoformat())
        _demand_papers(site, today=today, admission=admission)
        return replace(site, valid_to=site.valid_to + timedelta(days=admission.validity_days))
    if site.decision is None or site.decision.result != "admit":
        raise NotDecided()
    if by in site.voters:
        raise SecondPerson()
    _demand_papers(site, today=today, admission=admission)
    return replace(
        site,
        state=SiteState.LISTED,
        listed_from=today,
        listed_by=by,
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
    """Return the site back on the List; a year that ran out begins anew.

    Raises WrongState; ChecklistUnmet while a paper that is watched is over.
    """
    check_turn(site, Step.REINSTATE)
    _demand_papers(site, today=today, admission=admission)
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


def may_edit_groups(site: Site) -> None:
    """Raise SiteFixed unless the head may make or change groups now."""
    if not (site.listed or site.state in EDITABLE):
        raise SiteFixed(state=site.state.value)


def with_group(site: Site) -> Site:
    """Return the site with one more group. Raises TooManyGroups."""
    if site.groups >= MOST_GROUPS:
        raise TooManyGroups(most=MOST_GROUPS)
    return replace(site, groups=site.groups + 1)


def _demand_papers(site: Site, *, today: date, admission: Admission) -> None:
    over = expired(site.checklist, admission=admission, today=today, direction=site.direction)
    if over:
        raise ChecklistUnmet(missing=[], not_ready=[], expired=[one.item for one in over])


def _year_from(today: date, admission: Admission) -> date:
    return today + timedelta(days=admission.validity_days)
