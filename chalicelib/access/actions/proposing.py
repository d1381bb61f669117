"""Two persons for what one alone may not do.

A row with `second` is carried out by the second of two persons who ask exactly the same within so
many minutes. How a request of such a row is judged, each time anew:

1. It is rehearsed as the caller: everything is read and decided as ever, and the first write is
   stopped. A refusal is answered as it is, so nobody learns by proposing what they may not see.
   An action that would write nothing, because it was done, gives its own answer.
2. No open proposal of another person for the same content: it becomes the caller's proposal.
3. An open one of another person: it is rehearsed as that first person, by what their token said of
   them. Whose sign-in was revoked, or who reaches the object no longer, is no first person: it
   becomes the caller's proposal.
4. It is carried out as the caller. The proposal is closed in the same commit, on the version that
   was read, so one proposal is carried out once, and never after it was withdrawn.

Neither person can do it alone under another sign-in: who stands behind each is compared.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Generic, Literal, TypeVar

from chalicelib.access.actions import revoking
from chalicelib.access.actions.counting import counting
from chalicelib.access.actions.doing import concerning, demand, finding
from chalicelib.access.actions.looking import looked
from chalicelib.access.actions.table import check, row, table
from chalicelib.access.rules import Row, Whose
from chalicelib.access.rules import proposing as rules
from chalicelib.access.rules.proposing import Proposal, ProposalMoved, ProposalOver, ProposalState
from chalicelib.access.store import persons
from chalicelib.access.store import proposing as store
from chalicelib.access.store.naming import Named
from chalicelib.journal import store as journal
from chalicelib.journal.rules import Entry
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import from_stamp, stamp
from chalicelib.kernel.refusals import Refusal, Unavailable
from chalicelib.storage import agenda
from chalicelib.storage.commit import (
    Rehearsed,
    Write,
    rehearsing,
    settles,
    with_change,
)
from chalicelib.storage.secrets import fingerprint
from chalicelib.storage.shelf import Kept

TOPIC = "access/proposal"
_TRIES = 4
_LOOKS_MAX = 50

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
        # Read before the rehearsal: whoever carries it out between the two is seen by one of them,
        # and what was just done is answered, not proposed anew.
        pointer = store.find_pointer(digest)
        kept = store.find_proposal(pointer.value.id) if pointer else None
        answer, whose, children = _rehearsed(run, by)
        if answer is not None:
            return answer.value
        if kept is not None and kept.value.is_open(now):
            if same_person(kept.value.by.subject, by.subject):
                return shown(kept.value, by=by)
            still = _still_reaches(kept.value, run, now=now)
            if not still and _is_moved(kept):
                continue  # done between the two rehearsals: the first person's no is about that
        else:
            kept, still = None, False
        try:
            if kept is None or not still:
                return _propose(digest, needed, ids, whose, children, pointer, by=by, now=now)
            with with_change(_carried_out(kept, by=by, now=now)):
                return run(by)
        except ProposalMoved:
            continue  # somebody was quicker, or withdrew one: judged anew
    raise ProposalMoved()


@settles
def withdraw(proposal_id: str, *, by: Actor, now: datetime) -> Proposed:
    """Withdraw one's own proposal; the same again changes nothing. Raises ProposalOver."""
    kept = store.load_proposal(proposal_id)
    proposal = kept.value
    demand(by, own=same_person(proposal.by.subject, by.subject))
    looked(proposal.children, ("proposal",))
    if proposal.state == "withdrawn":
        return shown(proposal, by=by)
    if not proposal.is_open(now):
        raise ProposalOver(state="expired" if proposal.state == "open" else proposal.state)
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
    """Return open proposals that the caller made or may second, and the id to go on from.

    Whose things they are about is noted as seen.
    """
    found: list[Proposed] = []
    looked((), ())
    for n, ids in enumerate(_in_tens(store.each_open_proposal(after=after)), start=1):
        for proposal in store.find_proposals(ids):
            one = shown(proposal, by=by)
            if proposal.is_open(now) and (one.may_second or one.asked_by == "you"):
                if len(found) == limit:
                    return found, found[-1].proposal_id
                looked(proposal.children, ("proposal",))
                found.append(one)
        if n == _LOOKS_MAX:
            return found, ids[-1]
    return found, None


def shown(proposal: Proposal, *, by: Actor) -> Proposed:
    """Return a proposal as a caller sees it."""
    own = same_person(proposal.by.subject, by.subject)
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
class _Answered(Generic[T]):
    """What an action answered that wrote nothing."""

    value: T


def _rehearsed(
    run: Callable[[Actor], T], by: Actor
) -> tuple[_Answered[T] | None, tuple[Whose, ...], set[str]]:
    """Return the answer of an action that changes nothing, else None; whose its objects are; and
    which children's.
    """
    with finding() as whose, concerning() as children, rehearsing():
        try:
            return _Answered(run(by)), (), set()
        except Rehearsed:
            owners = tuple(dict.fromkeys(rules.of_others(one) for one in whose))
            return None, owners, children


def _still_reaches(proposal: Proposal, run: Callable[[Actor], object], *, now: datetime) -> bool:
    """Return whether the first person may still do what they asked for, judged as of now."""
    first = rules.first_person(proposal, now=now)
    try:
        revoking.check(first, now=now)
        check(proposal.action, first)
        _rehearsed(run, first)
    except Unavailable:
        raise
    except Refusal:
        return False
    return True


def _is_moved(kept: Kept[Proposal]) -> bool:
    """Return whether a proposal was carried out, withdrawn or left to lapse since it was read."""
    found = store.find_proposal(kept.value.proposal_id)
    return found is None or found.value != kept.value


@settles
def _propose(
    digest: str,
    needed: Row,
    ids: Mapping[str, str],
    whose: tuple[Whose, ...],
    children: set[str],
    pointer: Kept[Named] | None,
    *,
    by: Actor,
    now: datetime,
) -> Proposed:
    """Return the caller's new proposal; raise ProposalMoved where another one took its place.

    pointer: to the newest proposal of the same, as it was read before the rehearsal.
    """
    proposal = rules.propose(
        proposal_id=_named(digest, by, now),
        digest=digest,
        action=needed.action,
        ids=ids,
        by=by,
        whose=whose,
        children=children,
        minutes=needed.second or 0,
        now=now,
    )
    first, *others = (
        replace(write, otherwise=ProposalMoved())
        for write in store.create_proposal(proposal, pointer)
    )
    journal.commit(
        _entry("proposed", proposal, by=by, now=now),
        first,
        *others,
        counting(proposal.area, proposal.asked_at, f"proposed {proposal.action}", of="proposals"),
        agenda.due(from_stamp(proposal.expires_at), TOPIC, proposal.proposal_id),
    )
    return shown(proposal, by=by)


def _carried_out(kept: Kept[Proposal], *, by: Actor, now: datetime) -> list[Write]:
    """Describe a proposal as carried out, for the commit of the action itself."""
    done = rules.close_proposal(kept.value, "done", now=now, second=by.subject)
    return [
        # Whatever fails of these means that the proposal is to be looked at again.
        replace(write, otherwise=ProposalMoved())
        for write in journal.described(
            _entry("seconded", done, by=by, now=now, first=done.by.subject),
            store.keep_proposal(kept, done),
            *_closing(done),
        )
    ]


def _close(kept: Kept[Proposal], closed: Proposal, *, by: Actor, now: datetime) -> None:
    journal.commit(
        _entry(closed.state, closed, by=by, now=now),
        store.keep_proposal(kept, closed),
        *_closing(closed),
    )


def _closing(closed: Proposal) -> list[Write]:
    return [
        store.leave_open_list(closed.proposal_id),
        counting(closed.area, closed.asked_at, f"{closed.state} {closed.action}", of="proposals"),
    ]


def _entry(what: str, proposal: Proposal, *, by: Actor, now: datetime, **facts: str) -> Entry:
    return journal.entry(
        f"access/{what}",
        f"proposal/{proposal.proposal_id}",
        by=by,
        now=now,
        action=proposal.action,
        ids=proposal.ids,
        expires_at=proposal.expires_at,
        **facts,
    )


def _named(digest: str, by: Actor, now: datetime) -> str:
    """Return a proposal's id; ids sort by time."""
    return f"{now:%Y%m%d%H%M%S}-{fingerprint([digest, by.subject, stamp(now)])[:20]}"


def same_person(one: str, other: str) -> bool:
    """Return whether two sign-ins are one person's: the same, or linked to one registration."""
    if one == other:
        return True
    behind = persons.find_person_behind(one)
    return behind is not None and behind == persons.find_person_behind(other)


def known_among(subject: str, others: Collection[str]) -> str:
    """Return under which of other sign-ins somebody is there already, or else their own.

    One read, and a call per hundred others only for who is registered as a person.
    """
    if subject in others or not others:
        return subject
    behind = persons.find_person_behind(subject)
    if behind is None:
        return subject
    found = persons.find_persons_behind(sorted(others))
    return next((other for other in sorted(found) if found[other] == behind), subject)


def _in_tens(ids: Iterator[str]) -> Iterator[list[str]]:
    while part := list(itertools.islice(ids, 10)):
        yield part
