"""The chain of checkpoints for everybody; a family's proof of its own place in one."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from chalicelib.edge import pages
from chalicelib.edge.routes import Call
from chalicelib.kernel.refusals import Unknown
from chalicelib.policy.actions import NoPack
from chalicelib.queue import actions, rules
from chalicelib.queue.routes.shapes import AreaAsked, Code, Cursor, Limit, routes

_CHECKPOINTS = "/v1/queue/checkpoints"
CheckpointId = Annotated[str, Meta(max_length=128, pattern=r"^[A-Za-z0-9_-]+$(?!\n)")]


class CheckpointsAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """A page of a queue's checkpoints."""

    programme: Code
    area: Code
    limit: Limit = 50
    cursor: Cursor | None = None


class CheckpointLine(Struct, frozen=True):
    """A checkpoint by its number in the chain; run_id: the run it came after."""

    number: int
    checkpoint_id: str
    as_of: str
    size: int
    run_id: str | None
    link: str


class CheckpointsAnswered(Struct, frozen=True):
    """Checkpoints of a queue, newest first."""

    items: list[CheckpointLine]
    next_cursor: str | None = None


class CheckpointLinks(Struct, frozen=True):
    """Where to go on: the checkpoint before, the order it signs, the folder of its files."""

    previous: str | None
    order: str
    files: str | None


class CheckpointSeen(Struct, frozen=True):
    """A checkpoint: what was signed, and where the rest lies.

    number, note: None where it stands in no chain: older than the chain, or come late. size: how
    many leaves the tree has; in small queues some are blank. root: base64.
    """

    checkpoint_id: str
    programme: str
    area: str
    as_of: str
    pack: str
    number: int | None
    size: int | None
    root: str | None
    note: str | None
    run_id: str | None
    links: CheckpointLinks


class ProofAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """In which checkpoint; the newest unless one is named."""

    checkpoint: CheckpointId | None = None


class LeafShown(Struct, frozen=True):
    """A leaf: its number from 0, what it says, and the salt that makes its digest, base64."""

    number: int
    text: str
    salt: str


class PlaceProved(Struct, frozen=True):
    """The file that proves a place: `kezek_verify.py place` checks it.

    note: the signed checkpoint; path: hashes from the leaf to its root, base64.
    """

    format: str
    note: str
    leaf: LeafShown
    path: list[str]


@routes.get(
    "/checkpoints",
    action="queue/read-checkpoints",
    query=CheckpointsAsked,
    answers=CheckpointsAnswered,
    refuses=(NoPack, pages.BadCursor),
)
def list_checkpoints(call: Call[None]) -> CheckpointsAnswered:
    """List the published checkpoints of a queue, newest first."""
    asked: CheckpointsAsked = call.query
    of = f"{_CHECKPOINTS}?{asked.programme}&{asked.area}"
    links, last = actions.checkpoints_page(
        asked.programme,
        asked.area,
        position=pages.position(asked.cursor, of=of) if asked.cursor else None,
        limit=asked.limit,
    )
    return CheckpointsAnswered(
        [
            CheckpointLine(
                link.number,
                link.checkpoint_id,
                link.as_of,
                link.size,
                link.run_id,
                f"{_CHECKPOINTS}/{link.checkpoint_id}",
            )
            for link in links
        ],
        pages.cursor(last, of=of) if last else None,
    )


@routes.get(
    "/checkpoint",
    action="queue/read-checkpoints",
    query=AreaAsked,
    answers=CheckpointSeen,
    refuses=(NoPack, rules.NoCheckpoint),
)
def see_newest(call: Call[None]) -> CheckpointSeen:
    """See the newest checkpoint of a queue: its signed note, which anybody can check."""
    asked: AreaAsked = call.query
    return _seen(actions.newest_checkpoint(asked.programme, asked.area))


@routes.get(
    "/checkpoints/{checkpoint_id}",
    action="queue/read-checkpoints",
    answers=CheckpointSeen,
    refuses=(Unknown,),
)
def see_checkpoint(call: Call[None], checkpoint_id: str) -> CheckpointSeen:
    """See a checkpoint: its signed note, which anybody can check, and the one before it."""
    return _seen(actions.checkpoint_of(checkpoint_id))


@routes.get(
    "/places/{application_id}/proof",
    action="queue/prove-place",
    query=ProofAsked,
    answers=PlaceProved,
    refuses=(Unknown, rules.NoCheckpoint, rules.NotInCheckpoint),
)
def prove_place(call: Call[None], application_id: str) -> PlaceProved:
    """Get the proof of an own place: what stands in the signed order, and the path to its root."""
    asked: ProofAsked = call.query
    found = actions.place_proof(application_id, asked.checkpoint, by=call.actor, now=call.now)
    return msgspec.convert(found, PlaceProved)


def _seen(found: actions.CheckpointShown) -> CheckpointSeen:
    head = found.head
    signed = head.number > 0
    return CheckpointSeen(
        checkpoint_id=head.checkpoint_id,
        programme=head.programme,
        area=head.area,
        as_of=head.as_of,
        pack=head.pack,
        number=head.number if signed else None,
        size=head.size if signed else None,
        root=head.root if signed else None,
        note=head.note if signed else None,
        run_id=head.run_id,
        links=CheckpointLinks(
            previous=f"{_CHECKPOINTS}/{found.previous}" if found.previous else None,
            order=f"/v1/queue/order?programme={head.programme}&area={head.area}"
            f"&checkpoint={head.checkpoint_id}",
            files=rules.folder_of(head.programme, head.area, head.number) if signed else None,
        ),
    )
