"""Twins and triplets: applications that are placed together or not at all."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.applications.rules.refusals import BatchDiffers, BatchFull
from chalicelib.applications.rules.values import Batch


def join_batch(batch: Batch | None, new: Batch, *, application_id: str) -> Batch:
    """Return a batch with one more member. Raises BatchDiffers, BatchFull.

    new: the batch as the joining application describes it, without members.
    """
    if batch is None:
        return replace(new, members=(application_id,))
    for field in ("born", "programme", "area", "language", "kind", "size"):
        if getattr(batch, field) != getattr(new, field):
            raise BatchDiffers(field="birth_date" if field == "born" else field)
    if len(batch.members) >= batch.size:
        raise BatchFull(size=batch.size)
    return replace(batch, members=(*batch.members, application_id))


def leave_batch(batch: Batch, *, application_id: str) -> Batch:
    """Return a batch without a member: the others no longer wait for it."""
    left = tuple(m for m in batch.members if m != application_id)
    if left == batch.members:
        return batch
    return replace(batch, members=left, size=batch.size - 1)
