"""What representatives and officers are shown of applications."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chalicelib.access import actions as access
from chalicelib.applications import rules, store
from chalicelib.applications.actions.common import own
from chalicelib.applications.rules import (
    SENT_BACK,
    Application,
    Intake,
    Intakes,
    IntakeState,
    Next,
)
from chalicelib.children import actions as children
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import from_stamp, local_day
from chalicelib.policy.actions import load_pack
from chalicelib.policy.rules import NoRuleInForce, Pack, Rules, Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """The window an application was made in, how it stands, and the number drawn in it."""

    intake: Intake
    state: IntakeState
    number: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """An application with the name of its category in three languages, and what comes next.

    protected: statuses that move the order and are shown to the family alone; telling: whether the
    category by itself would tell one. needs_signature: the rules of today confirm a voucher only
    for a signed application.
    """

    application: Application
    category: Text
    drawn: Drawn | None
    returns_left: int
    protected: frozenset[str]
    telling: bool
    next: Next
    needs_signature: bool


def seen(application: Application, *, now: datetime) -> Seen:
    """Return an application as it stands now. One read when it was made in a window."""
    return _seen(application, {}, now=now)


def _seen(
    application: Application, windows: dict[tuple[str, str], Intakes], *, now: datetime
) -> Seen:
    """Return an application as it stands now; windows: of areas, as they were read."""
    pack = load_pack(application.programme, application.area)
    # The category's name is that of the rules of the day it was received.
    in_force = pack.at(local_day(from_stamp(application.received_at)))
    drawn = None
    if application.intake is not None:
        area = (application.programme, application.area)
        if area not in windows:
            windows[area] = store.load_intakes(*area).value
        drawn = _drawn(application, windows[area].of(application.intake), now=now)
    today = _today(pack, in_force, now=now)
    terms = today.terms
    left = terms.returns_max - application.returns
    return Seen(
        application=application,
        category=rules.category_text(application, in_force),
        drawn=drawn,
        returns_left=max(left, 0) if terms.contract_missed == SENT_BACK else 0,
        protected=in_force.protected,
        telling=application.tier in in_force.telling_tiers,
        next=rules.next_step(
            application,
            drawn.intake if drawn else None,
            terms=terms,
            now=now,
            needs_signature=today.needs_signature,
        ),
        needs_signature=today.needs_signature,
    )


def _today(pack: Pack, received: Rules, *, now: datetime) -> Rules:
    """Return the rules of today; of the day it was received when the programme is over."""
    try:
        return pack.at(local_day(now))
    except NoRuleInForce:
        return received


def _drawn(application: Application, intake: Intake | None, *, now: datetime) -> Drawn | None:
    if intake is None:
        return None
    number = None
    if intake.randomness is not None:
        number = rules.draw_number(intake.randomness, application.ticket)
    return Drawn(intake=intake, state=intake.state(now), number=number)


def see(application_id: str, *, by: Actor, now: datetime) -> Seen:
    """Return an application to a representative of its child. Raises Unknown."""
    return seen(own(application_id, power=None, by=by, now=now).value, now=now)


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
    windows: dict[tuple[str, str], Intakes] = {}
    items = [_seen(kept[a].value, windows, now=now) for _, a in shown if a in kept]
    return items, "/".join(shown[-1]) if len(found) > limit else None


def to_verify_page(
    programme: str, area: str, *, by: Actor, now: datetime, after: str | None, limit: int
) -> tuple[list[Seen], str | None]:
    """Return applications whose papers an officer is to look at, the most urgent first.

    Raises Unknown for an area the officer does not serve.
    """
    access.demand(by, area=area)
    found: list[tuple[str, str]] = []
    for waiting in store.each_to_verify(programme, area, after=after):
        found.append(waiting)
        if len(found) > limit:
            break
    shown = found[:limit]
    kept = store.find_applications([application_id for _, application_id in shown])
    windows: dict[tuple[str, str], Intakes] = {}
    items = [_seen(kept[a].value, windows, now=now) for _, a in shown if a in kept]
    return items, shown[-1][0] if len(found) > limit else None


def see_protected(application_id: str, *, by: Actor, now: datetime) -> Seen:
    """Return an application with its protected statuses to an officer of its area.

    Raises Unknown.
    """
    application = store.load_application(application_id).value
    access.demand(by, area=application.area)
    return seen(application, now=now)
