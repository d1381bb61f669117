"""Work on the tables of a running local Kezek from this process: the journal, the rebuild."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from infra.local.control import Control
from infra.local.places import Places, environment, read_json


def enter(cloud: Control) -> None:
    """Let this process use the tables of a local Kezek, as its own parts do."""
    found = read_json(Places(cloud.data).run)
    told = environment(
        Places(cloud.data.resolve()),
        endpoint=str(found["engine"]["endpoint"]),
        sqs=cloud.runner,
        issuers=[],
        stage=str(found["stage"]),
    )
    os.environ.update(told)


def journal(cloud: Control, stream: str | None) -> Iterator[Any]:
    """Yield the entries of a stream in order, or of all streams in no order."""
    enter(cloud)
    from chalicelib.journal import store

    if stream is not None:
        yield from store.history(stream)
        return
    import msgspec

    from chalicelib.journal.rules import Entry

    for row in store.EntryRow.scan(consistent_read=True):
        # Signed evidence of uploads stands in the same table and is no entry of this kind.
        if row.body and row.images is not None:
            yield msgspec.json.decode(row.body, type=Entry)
