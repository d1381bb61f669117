"""What needs two persons: the open proposals, one's own withdrawn."""

from __future__ import annotations

from msgspec import Struct

from chalicelib.access import actions
from chalicelib.access.actions import Proposed
from chalicelib.access.routes.shapes import ListAsked, routes
from chalicelib.access.rules.proposing import ProposalOver
from chalicelib.edge import pages
from chalicelib.edge.routes import Call
from chalicelib.kernel.refusals import Unknown


class ProposalsPage(Struct, frozen=True):
    """Open proposals; `next_cursor` is null on the last page."""

    items: list[Proposed]
    next_cursor: str | None


@routes.get(
    "/proposals",
    action="access/list-proposals",
    query=ListAsked,
    answers=ProposalsPage,
    refuses=(pages.BadCursor,),
)
def list_proposals(call: Call[None]) -> ProposalsPage:
    """List open proposals: one's own, and those of others that one may second.

    To second one, send the very request again; what it was is told by action and ids.
    """
    query: ListAsked = call.query
    of = f"/v1/access/proposals#{call.actor.subject}"
    after = pages.position(query.cursor, of=of) if query.cursor else None
    items, last = actions.open_proposals(
        by=call.actor, now=call.now, after=after, limit=query.limit
    )
    return ProposalsPage(items, pages.cursor(last, of=of) if last else None)


@routes.put(
    "/proposals/{proposal_id}/withdrawal",
    action="access/withdraw-proposal",
    answers=Proposed,
    refuses=(Unknown, ProposalOver),
)
def withdraw_proposal(call: Call[None], proposal_id: str) -> Proposed:
    """Withdraw one's own proposal before anybody seconds it."""
    return actions.withdraw(proposal_id, by=call.actor, now=call.now)
