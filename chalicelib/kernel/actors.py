"""Who is asking: a pseudonymous subject with roles and the objects they reach."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    """The roles of the domain sheet §3; a caller may have several.

    auditor: auditors and prosecutors, who change nothing; analyst: figures, no personal data;
    clerk: a service centre's, who acts for a representative with consent; portal: a citizen
    portal's own service, which follows the change feed.
    """

    REPRESENTATIVE = "representative"
    HEAD = "head"
    EDUCATOR = "educator"
    COMMISSION = "commission"
    DEPARTMENT = "department"
    OPERATOR = "operator"
    FINANCE = "finance"
    AUDITOR = "auditor"
    ANALYST = "analyst"
    CLERK = "clerk"
    PORTAL = "portal"
    DEVICE = "device"
    SYSTEM = "system"
    PUBLIC = "public"


@dataclass(frozen=True, slots=True)
class Actor:
    """A caller. `subject` is pseudonymous and safe in journal and log.

    subject: a person id for people, a device id for tablets, a job's name for the system.
    areas: regions an officer serves, empty for none. organisations: those a head or educator
    works for. directions: those a department's officer serves where sites have one, "*" for all.
    key: the 32 bytes of a tablet's public key, None for others. issuer, session: who vouched for
    them, and the sign-in's own id, both digests or names without personal data; signed_in_at: when.
    strong_at: when they last proved themselves by a strong means, None where they did not. via: the
    subject of the clerk who acts for this representative, None otherwise. signed_by: the digest of
    the issuer's key that vouched for them. purpose: why a member of
    staff says they look. opened_by: the break-glass under which they reach further, if any.
    device: the digest of the device they ask from, where it said which one it is.
    """

    subject: str
    roles: frozenset[Role]
    areas: frozenset[str] = frozenset()
    organisations: frozenset[str] = frozenset()
    key: bytes | None = None
    directions: frozenset[str] = frozenset()
    issuer: str = ""
    session: str = ""
    signed_by: str = ""
    signed_in_at: datetime | None = None
    strong_at: datetime | None = None
    via: str | None = None
    purpose: str | None = None
    opened_by: str | None = None
    device: str = ""

    def has(self, *roles: Role) -> bool:
        return not self.roles.isdisjoint(roles)

    def serves(self, area: str, direction: str | None = None) -> bool:
        """Return whether an officer covers an area, and in it a direction where one is given."""
        here = area in self.areas or "*" in self.areas
        return here and (not direction or not self.directions.isdisjoint((direction, "*")))


PUBLIC = Actor("public", frozenset({Role.PUBLIC}))


def system(job: str) -> Actor:
    """Return the actor of an unattended job; `job` names it in the journal."""
    return Actor(job, frozenset({Role.SYSTEM}))
