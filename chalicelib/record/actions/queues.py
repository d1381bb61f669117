"""The published orders of queues, in the log: the entry of each beside its files.

So whoever has a queue's files and the log's checkpoint sees that the log fixes the order's root,
without an account and without asking.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import msgspec

from chalicelib.journal.rules import shown
from chalicelib.queue import actions as queue
from chalicelib.queue import rules
from chalicelib.record import store
from chalicelib.record.actions.opening import Opened, Proof, opened
from chalicelib.storage import keys
from chalicelib.storage.commit import commit

_MOST = 100  # in one pass; the rest in the next


def entries_due(programme: str, area: str) -> Iterator[tuple[int, str, bytes]]:
    """Yield (number, name of a file, content) of a queue's checkpoints that the log has by now.

    In order; one that is not in a published checkpoint of the log yet ends it. Two reads when
    nothing is due.
    """
    kept = store.find_entered(programme, area)
    done = kept.value.number if kept else 0
    for link in queue.links_after(programme, area, done):
        found = opened(keys.entry(f"checkpoint/{link.checkpoint_id}", 1))
        if found is None or link.number > done + _MOST:
            return
        yield (
            link.number,
            f"{rules.folder_of(programme, area, link.number)}/entry",
            msgspec.json.encode(said(found), order="sorted"),
        )


def entered(programme: str, area: str, number: int) -> None:
    """Note that the entries of a queue's checkpoints lie among its files up to a number."""
    kept = store.find_entered(programme, area)
    if kept is None or kept.value.number < number:
        commit([store.keep_entered(kept, programme, area, number)])


def said(found: Opened) -> dict[str, Any]:
    """Return an opened entry as `kezek_verify.py entry` reads it."""
    made = found.opening
    return {
        "number": found.proof.number,
        "name": list(made.name),
        "salt": shown(made.salt),
        "body": made.body,
        "attached_digest": shown(made.attached_digest),
        "digest": shown(made.digest),
        "size": found.size,
        "proof": _proof(found.proof),
        "previous": _proof(found.previous) if found.previous else None,
        "checkpoint": found.note,
        "fields": {},
    }


def _proof(proof: Proof) -> dict[str, Any]:
    path = [base64.b64encode(one).decode() for one in proof.path]
    return {"number": proof.number, "digest": shown(proof.digest), "path": path}
