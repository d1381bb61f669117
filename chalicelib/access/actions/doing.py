"""The object rule, judged at one place: is what an action touches within the caller's reach?

The edge says which action is being done; actions say whose object they hold, and the table
judges. An action whose row has an object rule and that never asked is a bug, not a yes: the edge
answers 500 instead of what was found.

    demand(by, area=…, direction=…)     or the object is Unknown
    may(by, organisation=…)             the same as a question, for lists and for what is shown
    reaching(by, organisation=…)        which of the caller's roles reach it
    concerns(child_id)                  whose it is, where two persons are needed
    organisations_of(by), areas_of(by)  what the caller names as their own, to list by
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from chalicelib.access.actions.running import reaches_all
from chalicelib.access.actions.table import row, table
from chalicelib.access.rules import Reach, Row, Whose, reaches
from chalicelib.kernel.actors import Actor, Role
from chalicelib.kernel.refusals import Unknown

_NEEDS_NO_OBJECT = frozenset({Reach.OPEN, Reach.OWN, Reach.ALL})


class NeverAsked(RuntimeError):
    """An action ended well without having asked whose object it touched."""


@dataclass(slots=True)
class Doing:
    """The action under way, and whether its object rule was asked.

    looked: whose data the answer shows, by child, and which; None before anything was said.
    """

    row: Row
    asked: bool = False
    looked: dict[str, frozenset[str]] | None = None


_doing: ContextVar[Doing | None] = ContextVar("kezek_doing", default=None)
_found: ContextVar[list[Whose] | None] = ContextVar("kezek_found", default=None)
_concerned: ContextVar[set[str] | None] = ContextVar("kezek_concerned", default=None)


@contextmanager
def doing(action: str, by: Actor) -> Iterator[Doing]:
    """Judge what happens inside by an action's row. Raises NeverAsked where nothing was asked."""
    under_way = Doing(row(action))
    token = _doing.set(under_way)
    try:
        yield under_way
        if not under_way.asked and not _needs_none(under_way.row, by):
            raise NeverAsked(action)
    finally:
        _doing.reset(token)


@contextmanager
def finding() -> Iterator[list[Whose]]:
    """Note whose the objects are that a caller is found to reach inside."""
    found: list[Whose] = []
    token = _found.set(found)
    try:
        yield found
    finally:
        _found.reset(token)


@contextmanager
def concerning() -> Iterator[set[str]]:
    """Note whose children's things are touched inside, as `concerns` says it."""
    found: set[str] = set()
    token = _concerned.set(found)
    try:
        yield found
    finally:
        _concerned.reset(token)


def concerns(*child_ids: str) -> None:
    """Say whose thing an action of two persons touches: a list of what waits names it."""
    found = _concerned.get()
    if found is not None:
        found.update(child_ids)


def under_way() -> Doing | None:
    """Return the action that is being done; None outside a request."""
    return _doing.get()


def reaching(
    by: Actor,
    *,
    organisation: str | None = None,
    area: str | None = None,
    direction: str | None = None,
    own: bool = False,
    child: bool = False,
    device: bool = False,
) -> frozenset[Role]:
    """Return those of the caller's roles that reach an object of these owners.

    own: the caller made it themself; child, device: the caller was found to act for the child, or
    to be the device. Jobs reach as their row says. Outside a request each role reaches what is
    usual for it.
    """
    if by.has(Role.SYSTEM):
        return frozenset({Role.SYSTEM}) if reaches_all() else frozenset()
    whose = Whose(organisation, area, direction, own, child, device)
    roles = frozenset(
        role for role, ways in _reach_of(by).items() if any(reaches(way, by, whose) for way in ways)
    )
    found = _found.get()
    if roles and found is not None:
        found.append(whose)
    return roles


def may(
    by: Actor,
    *,
    organisation: str | None = None,
    area: str | None = None,
    direction: str | None = None,
    own: bool = False,
    child: bool = False,
    device: bool = False,
) -> bool:
    """Return whether one of the caller's roles reaches an object of these owners; see `reaching`.

    Name every owner an object has: which of them counts for a role is the row's to say.
    """
    return bool(
        reaching(
            by,
            organisation=organisation,
            area=area,
            direction=direction,
            own=own,
            child=child,
            device=device,
        )
    )


def demand(
    by: Actor,
    *,
    organisation: str | None = None,
    area: str | None = None,
    direction: str | None = None,
    own: bool = False,
    child: bool = False,
    device: bool = False,
) -> None:
    """Raise Unknown unless the caller reaches an object of these owners; see `reaching`."""
    if not may(
        by,
        organisation=organisation,
        area=area,
        direction=direction,
        own=own,
        child=child,
        device=device,
    ):
        raise Unknown()


def organisations_of(by: Actor) -> list[str]:
    """Return the organisations the caller works for and reaches with this action, by id."""
    _reach_of(by)  # also where there is none: it was asked
    return [one for one in sorted(by.organisations) if may(by, organisation=one)]


def areas_of(by: Actor) -> list[str]:
    """Return the areas the caller serves by name and reaches with this action, by id."""
    _reach_of(by)
    return [one for one in sorted(by.areas - {"*"}) if may(by, area=one)]


def _reach_of(by: Actor) -> dict[Role, tuple[Reach, ...]]:
    """Return how far each of the caller's roles reaches now; who asks has asked."""
    under_way = _doing.get()
    if under_way is None:
        return {role: table().usual[role] for role in by.roles if role in table().usual}
    under_way.asked = True
    return {role: ways for role, ways in under_way.row.reach.items() if role in by.roles}


def _needs_none(asked: Row, by: Actor) -> bool:
    held = [frozenset(ways) for role, ways in asked.reach.items() if role in by.roles]
    return not held or any(ways <= _NEEDS_NO_OBJECT for ways in held) or Role.PUBLIC in asked.reach
