"""The object rule, judged at one place: is what an action touches within the caller's reach?

The edge says which action is being done; actions say whose object they hold, and the table
judges. An action whose row has an object rule and that never asked is a bug, not a yes: the edge
answers 500 instead of what was found.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from chalicelib.access.actions.table import row, table
from chalicelib.access.rules import Reach, Row, Whose, reaches
from chalicelib.kernel.actors import Actor, Role
from chalicelib.kernel.refusals import Unknown

_NEEDS_NO_OBJECT = frozenset({Reach.OPEN, Reach.OWN, Reach.ALL})


class NeverAsked(RuntimeError):
    """An action ended well without having asked whose object it touched."""


@dataclass(slots=True)
class Doing:
    """The action under way, and whether its object rule was asked."""

    row: Row
    asked: bool = False


_doing: ContextVar[Doing | None] = ContextVar("kezek_doing", default=None)


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


def may(
    by: Actor,
    *,
    organisation: str | None = None,
    area: str | None = None,
    direction: str | None = None,
    child: bool = False,
    device: bool = False,
) -> bool:
    """Return whether one of the caller's roles reaches an object of these owners.

    child, device: the caller was found to act for the child, or to be the device. Jobs reach all.
    Outside a request each role reaches what is usual for it.
    """
    if by.has(Role.SYSTEM):
        return True
    whose = Whose(organisation, area, direction, child, device)
    under_way = _doing.get()
    if under_way is None:
        reach = {role: table().usual[role] for role in by.roles if role in table().usual}
    else:
        under_way.asked = True
        reach = {role: found for role, found in under_way.row.reach.items() if role in by.roles}
    return any(reaches(found, by, whose) for found in reach.values())


def demand(
    by: Actor,
    *,
    organisation: str | None = None,
    area: str | None = None,
    direction: str | None = None,
    child: bool = False,
    device: bool = False,
) -> None:
    """Raise Unknown unless the caller reaches an object of these owners; see `may`."""
    if not may(
        by,
        organisation=organisation,
        area=area,
        direction=direction,
        child=child,
        device=device,
    ):
        raise Unknown()


def _needs_none(asked: Row, by: Actor) -> bool:
    reach = {found for role, found in asked.reach.items() if role in by.roles}
    return not reach or bool(reach & _NEEDS_NO_OBJECT) or Role.PUBLIC in asked.reach
