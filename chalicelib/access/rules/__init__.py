"""The access table as values: an action's row, and what each role may reach with it.

    [usual]           role → whose objects it reaches, where a row says nothing else
    [<slice>]         action = ["role", …] or {by = ["role", …], of = {role = "own area"}, …}
    [jobs] [commands] what runs by itself, or from the command line
    [consent]         power → what a clerk may do in a representative's name

Objects: "open" (nobody's), "own" (of the caller alone, found by who they are), "own child",
"own provider", "own area", "own direction" (of an area), "own device", "all". A role may reach in
several ways: ["own", "own area"].
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Literal

from chalicelib.kernel.actors import Actor, Role
from chalicelib.kernel.refusals import Malformed, NotAllowed


class NotYourRole(NotAllowed):
    """None of the caller's roles may do this; `needs` lists those that may."""

    code = "kezek/not-your-role"


class IncompatibleRoles(NotAllowed):
    """No one person holds these roles together; `roles` lists them."""

    code = "kezek/incompatible-roles"


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
    child's data, so each time is recorded for the representative. says_why: who looks must name a
    purpose.
    """

    action: str
    reach: Mapping[Role, tuple[Reach, ...]]
    step_up: bool = False
    second: int | None = None
    looks: bool = False
    says_why: bool = False

    @property
    def roles(self) -> frozenset[Role]:
        return frozenset(self.reach)


@dataclass(frozen=True, slots=True)
class Table:
    """The whole table, as `table.toml` has it."""

    rows: Mapping[str, Row]
    usual: Mapping[Role, tuple[Reach, ...]]
    jobs: Mapping[str, Reach] = field(default_factory=dict)
    commands: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    consent: Mapping[str, frozenset[str]] = field(default_factory=dict)
    apart: Mapping[str, Apart] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """Two hands that no one person has: those who do `one`, and those who do `other`.

    roles: pairs of roles that no token carries together. says: the code by which who did one to an
    object is refused the other; None where no object knows both.
    """

    one: tuple[str, ...]
    other: tuple[str, ...]
    roles: frozenset[frozenset[Role]] = frozenset()
    says: str | None = None


def apart(
    one: Collection[Row], other: Collection[Row], *, says: str | None, together: bool
) -> Apart:
    """Return two hands with the roles that follow: a pair for each of one with each of the other.

    Where a role has both hands, the rule is about persons and objects, and no pair follows.
    """
    mine = {role for row in one for role in row.roles}
    theirs = {role for row in other for role in row.roles}
    pairs = (
        frozenset()
        if together or mine & theirs
        else frozenset(frozenset({a, b}) for a in mine for b in theirs)
    )
    return Apart(
        one=tuple(row.action for row in one),
        other=tuple(row.action for row in other),
        roles=pairs,
        says=says,
    )


@dataclass(frozen=True, slots=True)
class Whose:
    """To whom an object belongs; what does not apply is None."""

    organisation: str | None = None
    area: str | None = None
    direction: str | None = None
    own: bool = False
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
            return whose.own


def works_for(actor: Actor, organisation: str) -> bool:
    """Return whether the caller works for an organisation, whatever the roles they come with."""
    return organisation in actor.organisations


# --- who looked -----------------------------------------------------------------------------------


class SayWhy(NotAllowed):
    """This opens protected data: say why in the header Kezek-Purpose, with one of `purposes`."""

    code = "access/say-why"


class UnknownPurpose(Malformed):
    """The header Kezek-Purpose names no purpose there is; `purposes` lists them."""

    code = "access/unknown-purpose"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one caller saw of one child's data, in one minute.

    subject: pseudonymous; organisations, areas: those the caller came for. purpose: a code of
    looks.toml; fields: what was seen, in its words. via: the clerk through whom a representative
    looked. opened_by: the break-glass under which the caller reached further. child_id: None where
    the row stands by caller and names many in `children`.
    """

    at: str
    roles: tuple[str, ...]
    subject: str
    action: str
    purpose: str
    fields: tuple[str, ...]
    organisations: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()
    session: str = ""
    via: str | None = None
    opened_by: str | None = None
    child_id: str | None = None
    children: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeing:
    """The words of looks.toml.

    purposes: those a caller may name; usual: the purpose of an action where none is named.
    kinds: which word an answer's field stands for, "" for what says nothing of a child.
    """

    purposes: tuple[str, ...]
    usual: Mapping[str, str]
    kinds: Mapping[str, str]


def check_purpose(seeing: Seeing, said: str) -> None:
    """Raise UnknownPurpose for a code that names no purpose there is."""
    if said not in seeing.purposes:
        raise UnknownPurpose(purposes=list(seeing.purposes))


def decide_purpose(row: Row, seeing: Seeing, said: str | None) -> str:
    """Return why somebody looks. Raises UnknownPurpose, SayWhy."""
    if said is not None:
        check_purpose(seeing, said)
    if said is None and row.says_why:
        raise SayWhy(purposes=list(seeing.purposes))
    return said or seeing.usual.get(row.action, "daily-work")


# --- how long what is kept ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """One class of retention.toml. years, days: the term, both 0 for none; since: what begins it.

    ends: who ends it; then: what stands instead; rows: templates of keys; fields: sealed ones.
    """

    text: str
    years: int
    days: int
    since: str
    ends: Literal["expires", "job", "work", "erasure", "never"]
    then: str
    source: str
    rows: tuple[str, ...]
    fields: tuple[str, ...]

    def until(self, since: date) -> date:
        """Return the last day on which something is kept whose term begins on a day.

        A term that would end on 29 February of a year without one ends on the 28th.
        """
        if not (self.years or self.days):
            return date.max
        year = since.year + self.years
        day = 28 if (since.month, since.day) == (2, 29) and not _leap(year) else since.day
        return date(year, since.month, day) + timedelta(days=self.days)


def _leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
