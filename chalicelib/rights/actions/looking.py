"""Who looked at a child's data, as its family is told: roles and organisations, no officers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from chalicelib.access import actions as access
from chalicelib.access.rules import Look
from chalicelib.access.store import looking as looks
from chalicelib.children import actions as children
from chalicelib.children import store as people
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import from_stamp, local_day
from chalicelib.providers import store as providers


@dataclass(frozen=True, slots=True)
class Looked:
    """One look, and the names of the organisations the caller came for, by id."""

    look: Look
    organisations: Mapping[str, str]


def looks_page(
    child_id: str, *, by: Actor, now: datetime, after: str | None, limit: int
) -> tuple[list[Looked], str | None]:
    """Return who looked at a child, newest first, and the position to go on from.

    Raises Unknown. One query, and a read per organisation that is named.
    """
    children.acting_for(child_id, by, None, local_day(now))
    found: list[tuple[str, Look]] = []
    today = local_day(now)
    known_since = people.load_child(child_id).value.created_at
    for kept in looks.each_shown(child_id, known_since=known_since, after=after):
        if access.kept_until("looks", local_day(from_stamp(kept.value.at))) < today:
            break  # all that follow are older; the store has not removed them yet
        found.append((kept.sk, kept.value))
        if len(found) > limit:
            break
    shown = found[:limit]
    names = _names({one for _, look in shown for one in look.organisations})
    return [Looked(look, names) for _, look in shown], shown[-1][0] if len(found) > limit else None


def _names(organisation_ids: set[str]) -> dict[str, str]:
    names: dict[str, str] = {}
    for organisation_id in sorted(organisation_ids):
        kept = providers.find_organisation(organisation_id)
        if kept is not None:
            names[organisation_id] = kept.value.name
    return names
