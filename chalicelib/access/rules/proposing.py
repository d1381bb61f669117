"""The second person: what a first one asked for, and who may ask the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from chalicelib.access.rules import Row, Whose, reaches
from chalicelib.kernel.actors import Actor, Role
from chalicelib.kernel.periods import stamp
from chalicelib.kernel.refusals import OutOfTurn, Unavailable

ProposalState = Literal["open", "done", "withdrawn", "expired"]


class ProposalOver(OutOfTurn):
    """The proposal was carried out, withdrawn, or its time is over."""

    code = "access/proposal-over"


class ProposalMoved(Unavailable):
    """The proposal changed while it was being carried out; asking again decides anew."""

    code = "access/proposal-moved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who asked first, as the token said: enough to judge once more what they reach."""

    subject: str
    roles: tuple[str, ...]
    areas: tuple[str, ...] = ()
    organisations: tuple[str, ...] = ()
    directions: tuple[str, ...] = ()
    issuer: str = ""
    signed_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What a first person asked for: the action and the ids of its path, never the body.

    whose: to whom the objects belong that the asker was found to reach. children: whose things
    they are, for who looks at the list of what waits. digest: of all that was asked. area: where
    it counts in the figures, "-" where the object has none.
    """

    proposal_id: str
    digest: str
    action: str
    ids: dict[str, str]
    by: Asker
    asked_at: str
    expires_at: str
    area: str = "-"
    whose: tuple[Whose, ...] = ()
    children: tuple[str, ...] = ()
    state: ProposalState = "open"
    second: str | None = None
    closed_at: str | None = None

    def is_open(self, now: datetime) -> bool:
        return self.state == "open" and stamp(now) < self.expires_at


def asker(by: Actor) -> Asker:
    """Return a caller as a proposal keeps them."""
    return Asker(
        subject=by.subject,
        roles=tuple(sorted(by.roles)),
        areas=tuple(sorted(by.areas)),
        organisations=tuple(sorted(by.organisations)),
        directions=tuple(sorted(by.directions)),
        issuer=by.issuer,
        signed_by=by.signed_by,
    )


def first_person(proposal: Proposal, *, now: datetime) -> Actor:
    """Return who asked first, to be judged once more.

    As if signed in now: that they signed out since takes nothing back, a revocation does.
    """
    by = proposal.by
    return Actor(
        by.subject,
        frozenset(Role(role) for role in by.roles),
        areas=frozenset(by.areas),
        organisations=frozenset(by.organisations),
        directions=frozenset(by.directions),
        issuer=by.issuer,
        signed_by=by.signed_by,
        signed_in_at=now,
    )


def propose(
    *,
    proposal_id: str,
    digest: str,
    action: str,
    ids: Mapping[str, str],
    by: Actor,
    whose: tuple[Whose, ...],
    children: Iterable[str],
    minutes: int,
    now: datetime,
) -> Proposal:
    """Return the proposal of a first person, open for so many minutes."""
    areas = sorted({one.area for one in whose if one.area})
    return Proposal(
        proposal_id=proposal_id,
        digest=digest,
        action=action,
        ids=dict(ids),
        by=asker(by),
        asked_at=stamp(now),
        expires_at=stamp(now + timedelta(minutes=minutes)),
        area=areas[0] if areas else "-",
        whose=whose,
        children=tuple(sorted(children)),
    )


def of_others(whose: Whose) -> Whose:
    """Return an owner by what another person may reach too, not by who asked."""
    return replace(whose, own=False, child=False, device=False)


def close_proposal(
    proposal: Proposal, state: ProposalState, *, now: datetime, second: str | None = None
) -> Proposal:
    """Return a proposal that is over, and how."""
    return replace(proposal, state=state, second=second, closed_at=stamp(now))


def may_second(proposal: Proposal, row: Row, by: Actor) -> bool:
    """Return whether a caller's roles and reach fit an open proposal; that they are another person
    is judged apart.
    """
    ways = [way for role, found in row.reach.items() if role in by.roles for way in found]
    if not proposal.whose:
        return bool(ways)
    return any(reaches(way, by, whose) for way in ways for whose in proposal.whose)
