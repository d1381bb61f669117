"""What was published of a run, and its tree of leaves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from chalicelib.queue.rules import (
    Proof,
    Proved,
)
from chalicelib.queue.store.packing import (
    PARTS,
    opened,
    parts_of,
    put_part,
)
from chalicelib.storage import keys
from chalicelib.storage.commit import Put
from chalicelib.storage.rows import QueueRow
from chalicelib.storage.shelf import Kept, Shelf

LEAVES_LEVEL = 10  # a part of leaves is a whole subtree of a run's tree
IN_A_LEAVES_PART = 1 << LEAVES_LEVEL


@dataclass(frozen=True, slots=True)
class LeafAt:
    """An input leaf of a run: whose ticket, which of what the run read, its digest in base64."""

    ticket: str
    read: int
    digest: str


PROOFS: Shelf[Proof] = Shelf(QueueRow, Proof)
PROVED: Shelf[Proved] = Shelf(QueueRow, Proved)
_LEAVES = msgspec.json.Decoder(list[LeafAt])


def find_proof(run_id: str) -> Kept[Proof] | None:
    """Return what was published of a run, None before it was. One read."""
    return PROOFS.find(keys.run_proof(run_id))


def load_proof(run_id: str) -> Kept[Proof]:
    """Return what was published of a run. Raises Unknown."""
    return PROOFS.load(keys.run_proof(run_id))


def keep_proof(kept: Kept[Proof], proof: Proof) -> Put:
    return PROOFS.replace(kept, proof)


def create_proof(proof: Proof) -> Put:
    return PROOFS.create(keys.run_proof(proof.run_id), proof)


def create_proved(proof: Proof) -> Put:
    """Describe a run's line among those of its queue whose bundles lie in public."""
    where = keys.proved(proof.programme, proof.area, proof.ended_at, proof.run_id)
    return PROVED.create(where, Proved(proof.run_id, proof.ended_at))


def each_proved(programme: str, area: str) -> Iterator[Proved]:
    """Yield the runs of a queue whose bundles lie in public, by their end. One query."""
    pk, _ = keys.proved(programme, area, "", "")
    return (kept.value for kept in PROVED.each(pk))


def leaves_parts(run_id: str, root: bytes, leaves: Sequence[LeafAt]) -> list[Put]:
    """Describe a run's tree of leaves, whole subtrees to a part."""
    return [
        put_part(keys.run_part(run_id, _leaves_of(root), number), part)
        for number, part in enumerate(parts_of(leaves, IN_A_LEAVES_PART))
    ]


def load_leaves(run_id: str, root: bytes, number: int) -> list[LeafAt]:
    """Return a part of a run's leaves, in the order of tickets. One read."""
    key = keys.run_part(run_id, _leaves_of(root), number)
    return _LEAVES.decode(opened(PARTS.load(key)))


def _leaves_of(root: bytes) -> str:
    return f"LEAVES-{root.hex()[:12]}"
