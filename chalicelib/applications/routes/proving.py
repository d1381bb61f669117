"""What officers see of claimed statuses, and what they find."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from msgspec import Meta, Struct

from chalicelib.applications import actions, rules
from chalicelib.applications.actions import Seen
from chalicelib.applications.routes.shapes import (
    LIST,
    CategoryShown,
    Code,
    StatusShown,
    category,
    routes,
    statuses,
)
from chalicelib.edge import pages
from chalicelib.edge.routes import Call
from chalicelib.kernel.refusals import Unknown
from chalicelib.policy.actions import NoPack


class StatusAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """What an officer found: a refusal has a reason; paper_on is the date on the paper."""

    result: Literal["proved", "refused"]
    reason: rules.RefusalReason | None = None
    paper_on: date | None = None


class ToVerifyAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """A page of what waits for an officer of an area."""

    area: Code
    programme: Code = "preschool"
    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    cursor: Annotated[str, Meta(max_length=512)] | None = None


class ToVerify(Struct, frozen=True):
    """An application as an officer who checks papers sees it.

    A protected status stands as "protected"; `/{application_id}/protected` opens it for a purpose.
    """

    application_id: str
    ticket: str
    state: rules.State
    programme: str
    area: str
    child_id: str
    received_at: str
    category: CategoryShown
    statuses: list[StatusShown]


class ToVerifyPage(Struct, frozen=True):
    """Applications whose papers are to be looked at, the most urgent first."""

    items: list[ToVerify]
    next_cursor: str | None


class ProtectedShown(Struct, frozen=True):
    """The protected statuses of one application, and the category in words."""

    application_id: str
    child_id: str
    category: CategoryShown
    protected: list[StatusShown]


@routes.get(
    "/to-verify",
    action="applications/list-to-verify",
    query=ToVerifyAsked,
    answers=ToVerifyPage,
    refuses=(Unknown, NoPack, pages.BadCursor),
)
def list_to_verify(call: Call[None]) -> ToVerifyPage:
    """List the applications of an area whose papers an officer is to look at."""
    query: ToVerifyAsked = call.query
    of = f"{LIST}/to-verify#{query.programme}#{query.area}"
    after = pages.position(query.cursor, of=of) if query.cursor else None
    items, last = actions.to_verify_page(
        query.programme,
        query.area,
        by=call.actor,
        now=call.now,
        after=after,
        limit=query.limit,
    )
    shown = [_to_verify(item, call.language) for item in items]
    return ToVerifyPage(shown, pages.cursor(last, of=of) if last else None)


@routes.put(
    "/{application_id}/statuses/{status}",
    action="applications/verify-status",
    asks=StatusAsked,
    answers=ToVerify,
    refuses=(
        Unknown,
        rules.ReasonNeeded,
        rules.DecidedByOwnData,
        rules.PaperOutdated,
        rules.NotLive,
    ),
)
def verify_status(call: Call[StatusAsked], application_id: str, status: str) -> ToVerify:
    """Record whether a claimed status was proved; category and place follow; officers only."""
    application = actions.verify_status(
        application_id,
        status,
        result=call.asked.result,
        reason=call.asked.reason,
        paper_on=call.asked.paper_on,
        by=call.actor,
        now=call.now,
    )
    return _to_verify(actions.seen(application, now=call.now), call.language)


@routes.get(
    "/{application_id}/protected",
    action="applications/see-protected",
    answers=ProtectedShown,
    refuses=(Unknown,),
)
def see_protected(call: Call[None], application_id: str) -> ProtectedShown:
    """Open one application's protected statuses, for a purpose that its family will see."""
    seen = actions.see_protected(application_id, by=call.actor, now=call.now)
    a = seen.application
    return ProtectedShown(
        application_id=a.application_id,
        child_id=a.child_id,
        category=category(seen, call.language),
        protected=[s for s in statuses(seen, call.language) if s.status in seen.protected],
    )


def _to_verify(seen: Seen, language: str) -> ToVerify:
    a = seen.application
    return ToVerify(
        application_id=a.application_id,
        ticket=a.ticket,
        state=a.state,
        programme=a.programme,
        area=a.area,
        child_id=a.child_id,
        received_at=a.received_at,
        category=category(seen, language, hide=True),
        statuses=statuses(seen, language, hide=True),
    )
