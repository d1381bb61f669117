"""Two persons for what one alone may not do.

A row with `second` is carried out by the second of two persons who ask exactly the same within so
many minutes. How a request of such a row is judged, each time anew:

1. It is rehearsed as the caller: everything is read and decided as ever, and the first write is
   stopped. A refusal is answered as it is, so nobody learns by proposing what they may not see.
   An action that would write nothing, because it was done, gives its own answer.
2. No open proposal of another person for the same content: it becomes the caller's proposal.
3. An open one of another person: it is rehearsed as that first person, by what their token said of
   them. Whoever reaches the object no longer is no first person: it becomes the caller's proposal.
4. It is carried out as the caller. The proposal is closed in the same commit, on the version that
   was read, so one proposal is carried out once, and never after it was withdrawn.

Neither person can do it alone under another sign-in: who stands behind each is compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeVar

from chalicelib.access.actions.counting import counting
from chalicelib.access.actions.doing import demand, finding
from chalicelib.access.actions.table import check, row, table
from chalicelib.access.rules import NotYourRole, Row, Whose
from chalicelib.access.rules import proposing as rules
from chalicelib.access.rules.proposing import Proposal, ProposalMoved, ProposalOver, ProposalState
from chalicelib.access.store import persons
from chalicelib.access.store import proposing as store
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import from_stamp, stamp
from chalicelib.kernel.refusals import Refusal, Unavailable, Unknown
from chalicelib.storage import agenda
from chalicelib.storage.commit import (
    Put,
    Rehearsed,
    Write,
    rehearsing,
    settles,
    with_first_commit,
)
from chalicelib.storage.secrets import fingerprint
from chalicelib.storage.shelf import Kept

TOPIC = "access/proposal"
_TRIES = 4

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """A proposal that waits for a second person, as the caller sees it.

    ids: of the request's path. may_second: whether the caller could be the second person.
    """

    proposal_id: str
    action: str
    ids: dict[str, str]
    area: str
    asked_at: str
    expires_at: str
    asked_by: Literal["you", "another"]
    may_second: bool
    state: ProposalState


def by_two(
    action: str,
    ids: Mapping[str, str],
    asked: object,
    *,
    by: Actor,
    now: datetime,
    run: Callable[[Actor], T],
) -> T | Proposed:
    """Return what an action answers when a second person asks it, or the proposal of the first.

    asked: the request's content; run: does the action as somebody.
    """
    needed = row(action)
    digest = fingerprint([action, sorted(ids.items()), asked])
    for _ in range(_TRIES):
        answer, whose = _rehearsed(run, by)
        if answer is not None:
            return answer.value
        kept = _current(digest)
        if kept is None or not kept.value.is_open(now):
            return _propose(digest, needed, ids, whose, by=by, now=now)
        if _same_person(kept.value.by.subject, by.subject):
            return shown(kept.value, by=by)
        if not _still_reaches(kept.value, run):
            return _propose(digest, needed, ids, whose, by=by, now=now, instead_of=kept)
        try:
            with with_first_commit(_carried_out(kept, by=by, now=now)):
                return run(by)
        except ProposalMoved:
            continue  # somebody was quicker, or withdrew it: judged anew
    raise ProposalMoved()


@settles
def withdraw(proposal_id: str, *, by: Actor, now: datetime) -> Proposed:
    """Withdraw one's own proposal; the same again changes nothing. Raises ProposalOver."""
    kept = store.load_proposal(proposal_id)
    proposal = kept.value
    demand(by, own=_same_person(proposal.by.subject, by.subject))
    if proposal.state == "withdrawn":
        return shown(proposal, by=by)
    if not proposal.is_open(now):
        raise ProposalOver(state=_state(proposal, now))
    closed = rules.close_proposal(proposal, "withdrawn", now=now)
    _close(kept, closed, by=by, now=now)
    return shown(closed, by=by)


@settles
def expire(proposal_id: str, *, by: Actor, now: datetime) -> bool:
    """Close a proposal that nobody seconded in time; return whether it was so. Topic TOPIC."""
    kept = store.find_proposal(proposal_id)
    if kept is None or kept.value.state != "open" or stamp(now) < kept.value.expires_at:
        return False
    _close(kept, rules.close_proposal(kept.value, "expired", now=now), by=by, now=now)
    return True


def open_proposals(
    *, by: Actor, now: datetime, after: str | None, limit: int
) -> tuple[list[Proposed], str | None]:
    """Return open proposals that the caller made or may second, and the id to go on from."""
    found: list[Proposed] = []
    for ids in _in_tens(store.each_open_proposal(after=after)):
        for proposal in store.find_proposals(ids):
            one = shown(proposal, by=by)
            if proposal.is_open(now) and (one.may_second or one.asked_by == "you"):
                found.append(one)
        if len(found) > limit:
            break
    return found[:limit], found[limit - 1].proposal_id if len(found) > limit else None


def shown(proposal: Proposal, *, by: Actor) -> Proposed:
    """Return a proposal as a caller sees it."""
    own = _same_person(proposal.by.subject, by.subject)
    return Proposed(
        proposal_id=proposal.proposal_id,
        action=proposal.action,
        ids=proposal.ids,
        area=proposal.area,
        asked_at=proposal.asked_at,
        expires_at=proposal.expires_at,
        asked_by="you" if own else "another",
        may_second=not own and rules.may_second(proposal, row(proposal.action), by),
        state=proposal.state,
    )


def needing_second() -> list[str]:
    """Return the actions that need two persons."""
    return sorted(action for action, one in table().rows.items() if one.second is not None)


# --- parts --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Answer:
    """What an action answered that wrote nothing."""

    value: object


def _rehearsed(run: Callable[[Actor], T], by: Actor) -> tuple[_Answered[T] | None, list[Whose]]:
    """Return the answer of an action that changes nothing, else None; and whose its objects are."""
    with finding() as whose, rehearsing():
        try:
            return _Answered(run(by)), whose
        except Rehearsed:
            return None, whose


def _still_reaches(proposal: Proposal, run: Callable[[Actor], object]) -> bool:
    """Return whether the first person may still do what they asked for, judged as of now."""
    first = rules.first_person(proposal)
    try:
        check(proposal.action, first)
        _rehearsed(run, first)
    except Unavailable:
        raise
    except Refusal:
        return False
    return True
