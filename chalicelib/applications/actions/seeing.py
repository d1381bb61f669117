"""What representatives and officers are shown of applications."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chalicelib.applications import rules, store
from chalicelib.applications.actions.common import own
from chalicelib.applications.rules import Application
from chalicelib.children import actions as children
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import from_stamp, local_day
from chalicelib.kernel.refusals import Unknown
from chalicelib.policy.actions import load_pack
from chalicelib.policy.rules import Text


@dataclass(frozen=True, slots=True)
class Seen:
    """An application with the name of its category in three languages."""

    application: Application
    category: Text


def seen(application: Application) -> Seen:
    """Return an application with the category's name by the rules of the day it was received."""
    pack = load_pack(application.programme, application.area)
    in_force = pack.at(local_day(from_stamp(application.received_at)))
    return Seen(application, rules.category_text(application, in_force))


def see(application_id: str, *, by: Actor, now: datetime) -> Seen:
    """Return an application to a representative of its child. Raises Unknown."""
    return seen(own(application_id, power=None, by=by, now=now).value)


def applications_page(
    *, by: Actor, now: datetime, after: str | None, limit: int
) -> tuple[list[Seen], str | None]:
    """Return applications of the caller's children after a position, and where to go on from."""
    person = children.person_of(by)
    child_after, _, application_after = (after or "").partition("/")
    found: list[tuple[str, str]] = []
    for child_id in sorted(children.children_of(person.person_id, local_day(now))):
        if child_id < child_after:
            continue
        behind = application_after if child_id == child_after else None
        for application_id in store.each_application_of(child_id, after=behind):
            found.append((child_id, application_id))
            if len(found) > limit:
                break
        if len(found) > limit:
            break
    shown = found[:limit]
    kept = store.find_applications([application_id for _, application_id in shown])
    items = [seen(kept[a].value) for _, a in shown if a in kept]
    return items, "/".join(shown[-1]) if len(found) > limit else None


def to_verify_page(
    programme: str, area: str, *, by: Actor, after: str | None, limit: int
) -> tuple[list[Seen], str | None]:
    """Return applications whose papers an officer is to look at, the most urgent first.

    Raises Unknown for an area the officer does not serve.
    """
    if not by.serves(area):
        raise Unknown()
    found: list[tuple[str, str]] = []
    for waiting in store.each_to_verify(programme, area, after=after):
        found.append(waiting)
        if len(found) > limit:
            break
    shown = found[:limit]
    kept = store.find_applications([application_id for _, application_id in shown])
    items = [seen(kept[a].value) for _, a in shown if a in kept]
    return items, shown[-1][0] if len(found) > limit else None
