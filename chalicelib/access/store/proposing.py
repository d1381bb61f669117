"""Rows of proposals."""

from __future__ import annotations

from collections.abc import Iterator

from chalicelib.access.rules.proposing import Proposal
from chalicelib.access.store.naming import NAMED, Named
from chalicelib.storage import keys
from chalicelib.storage.commit import Delete, Put
from chalicelib.storage.rows import FactsRow
from chalicelib.storage.shelf import Kept, Shelf

PROPOSALS: Shelf[Proposal] = Shelf(FactsRow, Proposal)


def find_proposal(proposal_id: str) -> Kept[Proposal] | None:
    return PROPOSALS.find(keys.proposal(proposal_id))


def load_proposal(proposal_id: str) -> Kept[Proposal]:
    return PROPOSALS.load(keys.proposal(proposal_id))


def find_pointer(digest: str) -> Kept[Named] | None:
    """Return the newest proposal of exactly this request."""
    return NAMED.find(keys.proposed(digest))


def each_open_proposal(*, after: str | None = None) -> Iterator[str]:
    """Yield the ids of proposals that wait for a second person, oldest month first."""
    for kept in NAMED.each(keys.open_proposal("")[0], after=after):
        yield kept.value.id


def find_proposals(proposal_ids: list[str]) -> list[Proposal]:
    found = PROPOSALS.find_many([keys.proposal(one) for one in proposal_ids])
    by_id = {kept.value.proposal_id: kept.value for kept in found.values()}
    return [by_id[one] for one in proposal_ids if one in by_id]


def create_proposal(proposal: Proposal, pointer: Kept[Named] | None) -> list[Put]:
    """Describe a new proposal, its own row first; a race is decided again."""
    named = Named(proposal.proposal_id)
    return [
        PROPOSALS.create(keys.proposal(proposal.proposal_id), proposal),
        NAMED.create(keys.proposed(proposal.digest), named)
        if pointer is None
        else NAMED.replace(pointer, named),
        NAMED.create(keys.open_proposal(proposal.proposal_id), named),
    ]


def keep_proposal(kept: Kept[Proposal], proposal: Proposal) -> Put:
    return PROPOSALS.replace(kept, proposal)


def leave_open_list(proposal_id: str) -> Delete:
    """Describe that a proposal waits no more; its row is written once and removed once."""
    return Delete(FactsRow(*keys.open_proposal(proposal_id), version=2))
