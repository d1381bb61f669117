"""The access table as values: an action's row, and what each role may reach with it.

    [usual]           role → whose objects it reaches, where a row says nothing else
    [<slice>]         action = ["role", …] or {by = ["role", …], of = {role = "own area"}, …}
    [jobs] [commands] what runs by itself, or from the command line

Objects: "open" (nobody's), "own" (of the caller alone, found by who they are), "own child",
"own provider", "own area", "own direction" (of an area), "own device", "all".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from chalicelib.kernel.actors import Actor, Role
from chalicelib.kernel.refusals import NotAllowed


class NotYourRole(NotAllowed):
    """None of the caller's roles may do this; `needs` lists those that may."""

    code = "kezek/not-your-role"


class Reach(StrEnum):
    """Whose objects a role reaches with an action."""

    OPEN = "open"
    OWN = "own"
    CHILD = "own child"
    PROVIDER = "own provider"
    AREA = "own area"
    DIRECTION = "own direction"
    DEVICE = "own device"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Row:
    """One action: who may do it, and how far each role reaches.

    step_up: the sign-in must be strong and fresh. second: minutes in which a second person of
    one of these roles must ask the same, None where one person is enough. looks: it shows staff a
    child's data, so each time is recorded for the representative.
    """

    action: str
    reach: Mapping[Role, Reach]
    step_up: bool = False
    second: int | None = None
    looks: bool = False

    @property
    def roles(self) -> frozenset[Role]:
        return frozenset(self.reach)


@dataclass(frozen=True, slots=True)
class Table:
    """The whole table, as `table.toml` has it."""

    rows: Mapping[str, Row]
    usual: Mapping[Role, Reach]
    jobs: Mapping[str, Reach] = field(default_factory=dict)
    commands: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Whose:
    """To whom an object belongs; what does not apply is None."""

    organisation: str | None = None
    area: str | None = None
    direction: str | None = None
    child: bool = False
    device: bool = False


def reaches(reach: Reach, actor: Actor, whose: Whose) -> bool:
    """Return whether one role's reach covers an object."""
    match reach:
        case Reach.ALL | Reach.OPEN:
            return True
        case Reach.PROVIDER:
            return whose.organisation is not None and whose.organisation in actor.organisations
        case Reach.AREA:
            return whose.area is not None and actor.serves(whose.area)
        case Reach.DIRECTION:
            return whose.area is not None and actor.serves(whose.area, whose.direction or None)
        case Reach.CHILD:
            return whose.child
        case Reach.DEVICE:
            return whose.device
        case Reach.OWN:
            return False
