"""What anybody gets of the chain of checkpoints, and a family of its own place in one.

Files are made from rows whenever they are asked for, the same to the byte: what a killed pass left
out, the next one saves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from chalicelib.access import actions as access
from chalicelib.applications import store as applications
from chalicelib.children.actions import acting_for
from chalicelib.kernel import merkle
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import local_day
from chalicelib.kernel.refusals import Unknown
from chalicelib.policy.actions import load_pack
from chalicelib.queue import rules, store
from chalicelib.queue.actions.proving import list_proved
from chalicelib.queue.rules import Head, Link, chain
from chalicelib.storage import secrets


class DifferentOrder(RuntimeError):
    """A checkpoint's rows make another order than the one that was signed: a person has to look."""


@dataclass(frozen=True, slots=True)
class CheckpointShown:
    """A checkpoint of a queue; previous: the one before it in the chain, None for the first."""

    head: Head
    previous: str | None


# --- files --------------------------------------------------------------------------------------


def index_of(programme: str, area: str) -> bytes:
    """Return the index of a queue's files. Two queries."""
    links = store.each_link(programme, area)
    return chain.index_file(programme, area, links, list_proved(programme, area))


def links_after(programme: str, area: str, number: int) -> Iterator[Link]:
    """Yield the checkpoints of a queue after a number, in order."""
    return store.each_link(programme, area, after=number)


def checkpoint_files(checkpoint_id: str) -> Iterator[tuple[str, bytes]]:
    """Yield a checkpoint's files by their names, the note last: where it lies, the others do.

    A read per page of 512 tickets and per page of the order. Raises DifferentOrder.
    """
    head = _head(checkpoint_id)
    folder = chain.folder_of(head.programme, head.area, head.number)
    yield f"{folder}/leaves", chain.leaves_file(_leaves(head))
    lines = store.listed_from(head, 0, head.waiting)
    order = chain.order_file(head.number, head.as_of, head.cells, lines)
    if chain.digest_of(order) != chain.said_in(head.note, "order"):
        raise DifferentOrder(checkpoint_id)
    yield f"{folder}/order.json", order
    yield f"{folder}/note", head.note.encode()


def _leaves(head: Head) -> Iterator[bytes]:
    for page in range(_pages(head)):
        yield from store.leaf_page(head, page)


def _pages(head: Head) -> int:
    return -(-head.size // rules.LEAVES_IN_A_PAGE)


# --- what anybody reads -------------------------------------------------------------------------


def checkpoint_of(checkpoint_id: str) -> CheckpointShown:
    """Return a checkpoint of any queue. Raises Unknown."""
    return _shown(_head(checkpoint_id))


def newest_checkpoint(programme: str, area: str) -> CheckpointShown:
    """Return the newest signed checkpoint of a queue. Raises NoPack, NoCheckpoint."""
    load_pack(programme, area)
    kept = store.find_head(programme, area)
    if kept is None or not kept.value.number:
        raise rules.NoCheckpoint()
    return _shown(kept.value)


def checkpoints_page(
    programme: str, area: str, *, position: str | None, limit: int
) -> tuple[list[Link], str | None]:
    """Return a queue's checkpoints, newest first, and the position to go on from. Raises NoPack."""
    load_pack(programme, area)
    before = int(position) if position else None
    links: list[Link] = []
    for link in store.each_link(programme, area, before=before, newest=True):
        if len(links) == limit:
            return links, str(links[-1].number)
        links.append(link)
    return links, None


def _head(checkpoint_id: str) -> Head:
    kept = store.find_checkpoint(checkpoint_id)
    if kept is None:
        raise Unknown()
    return kept.value.head


def _shown(head: Head) -> CheckpointShown:
    previous = None
    if head.number > 1:
        before = head.number - 1
        links = store.each_link(head.programme, head.area, after=before - 1, before=head.number)
        previous = next((link.checkpoint_id for link in links), None)
    return CheckpointShown(head, previous)


# --- a family's proof ---------------------------------------------------------------------------


def place_proof(
    application_id: str, checkpoint_id: str | None, *, by: Actor, now: datetime
) -> dict[str, object]:
    """Return the file that shows where an application stood in a checkpoint, the newest unless
    one is named. Raises Unknown, NoCheckpoint, NotInCheckpoint, in this order.

    For the family; for officers of the area and auditors, whose look at the child is recorded.
    Nine reads at most, however long the queue.
    """
    kept = applications.find_application(application_id)
    if kept is None:
        raise Unknown()
    application = kept.value
    if not access.may(by, area=application.area):
        acting_for(application.child_id, by, None, local_day(now))
    access.looked([application.child_id], ("application",))
    head = _head_for(application.programme, application.area, checkpoint_id)
    rank = store.find_rank(head, application_id)
    if rank is None:
        raise rules.NotInCheckpoint(as_of=head.as_of)
    return chain.place_proof(
        head.note,
        number=rank.leaf,
        text=chain.leaf_text(rank, head.number),
        salt=secrets.ticket_salt(application_id),
        path=merkle.inclusion(rank.leaf, head.size, _fetching(head)),
    )


def _head_for(programme: str, area: str, checkpoint_id: str | None) -> Head:
    if checkpoint_id is None:
        newest = store.find_head(programme, area)
        head = newest.value if newest else None
    else:
        head = _head(checkpoint_id)
        if (head.programme, head.area) != (programme, area):
            raise Unknown()
    if head is None or not head.number:
        raise rules.NoCheckpoint()
    return head


def _fetching(head: Head) -> merkle.Fetch:
    """Return how a proof gets at the tree's nodes: a read per page it touches, three at most."""
    pages: dict[int, list[list[bytes]]] = {}

    def levels_of(page: int) -> list[list[bytes]]:
        if page not in pages:
            found = store.leaf_page(head, page)
            pages[page] = merkle.above(found) if page == _pages(head) else merkle.whole(found)
        return pages[page]

    def fetch(level: int, number: int) -> bytes:
        if level >= chain.PAGE_HEIGHT:
            return levels_of(_pages(head))[level - chain.PAGE_HEIGHT][number]
        page = (number << level) // rules.LEAVES_IN_A_PAGE
        return levels_of(page)[level][number - ((page * rules.LEAVES_IN_A_PAGE) >> level)]

    return fetch
