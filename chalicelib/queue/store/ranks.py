"""Published ranks: the newest checkpoint, each by its name, their pages, how fast a queue went."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from chalicelib.queue.rules import (
    Checkpoint,
    Head,
    History,
    Link,
    Listed,
    Rank,
    Stand,
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

IN_A_PAGE = 200  # a family reads one page to learn its place
HEADS: Shelf[Head] = Shelf(QueueRow, Head)
CHECKPOINTS: Shelf[Checkpoint] = Shelf(QueueRow, Checkpoint)
# How a line of few went forward tells of them.
HISTORIES: Shelf[History] = Shelf(QueueRow, History, veiled=("paces", "scores"))
_RANKS = msgspec.json.Decoder(list[Rank])
_STANDS = msgspec.json.Decoder(list[Stand])
_LISTED = msgspec.json.Decoder(list[Listed])


def find_head(programme: str, area: str) -> Kept[Head] | None:
    """Return the newest checkpoint of a queue, None before the first. One read."""
    return HEADS.find(keys.ranks(programme, area))


def keep_head(kept: Kept[Head] | None, head: Head) -> Put:
    if kept is None:
        return HEADS.create(keys.ranks(head.programme, head.area), head)
    return HEADS.replace(kept, head)


def find_checkpoint(checkpoint_id: str) -> Kept[Checkpoint] | None:
    return CHECKPOINTS.find(keys.checkpoint(checkpoint_id))


def create_checkpoint(checkpoint: Checkpoint) -> Put:
    return CHECKPOINTS.create(keys.checkpoint(checkpoint.checkpoint_id), checkpoint)


def pages_of(ranks: Sequence[Rank]) -> list[list[Rank]]:
    """Return ranks by page: which one holds an application follows from its id alone."""
    count = max(1, -(-len(ranks) // IN_A_PAGE))
    pages: list[list[Rank]] = [[] for _ in range(count)]
    for one in ranks:
        pages[keys.shard(one.application_id, shards=count)].append(one)
    return pages


def rank_pages(
    programme: str, area: str, series: str, pages: Sequence[Sequence[Rank]]
) -> list[Put]:
    """Describe the pages by application; series: which checkpoint they belong to."""
    return [
        put_part(keys.ranks_page(programme, area, series, n), page) for n, page in enumerate(pages)
    ]


def list_pages(programme: str, area: str, series: str, lines: Sequence[Listed]) -> list[Put]:
    """Describe the public order, page by page."""
    return [
        put_part(keys.ranks_list(programme, area, series, n), page)
        for n, page in enumerate(parts_of(lines, IN_A_PAGE))
    ]


def find_rank(head: Head, application_id: str) -> Rank | None:
    """Return an application's published rank. One read."""
    number = keys.shard(application_id, shards=head.pages)
    page = PARTS.load(keys.ranks_page(head.programme, head.area, head.series, number))
    ranks = _RANKS.decode(opened(page))
    return next((one for one in ranks if one.application_id == application_id), None)


def listed_from(head: Head, start: int, limit: int) -> list[Listed]:
    """Return lines of the public order from a number on. One or two reads."""
    lines: list[Listed] = []
    for number in range(start // IN_A_PAGE, head.lists):
        kept = PARTS.load(keys.ranks_list(head.programme, head.area, head.series, number))
        page = _LISTED.decode(opened(kept))
        lines += page[start % IN_A_PAGE if number == start // IN_A_PAGE else 0 :]
        if len(lines) >= limit:
            break
    return lines[:limit]


def find_ranks(head: Head) -> list[Rank]:
    """Return everybody's rank of a checkpoint. One query."""
    pk, _ = keys.ranks_page(head.programme, head.area, head.series, 0)
    return [one for kept in PARTS.each(pk, begins="PAGE#") for one in _RANKS.decode(opened(kept))]


def each_stand(head: Head) -> Iterator[Stand]:
    """Yield where everybody stands at a checkpoint, in no order. One query."""
    pk, _ = keys.ranks_page(head.programme, head.area, head.series, 0)
    for kept in PARTS.each(pk, begins="PAGE#"):
        yield from _STANDS.decode(opened(kept))


def ranks_on(head: Head, page: int) -> list[Rank]:
    """Return the ranks of one page. One read."""
    key = keys.ranks_page(head.programme, head.area, head.series, page)
    return _RANKS.decode(opened(PARTS.load(key)))


def ranks_at(
    programme: str, area: str, links: Sequence[Link], application_id: str
) -> dict[int, Rank]:
    """Return an application's rank by the number of the checkpoint. A call per hundred."""
    at = {
        keys.ranks_page(
            programme, area, link.series, keys.shard(application_id, shards=link.pages)
        ): link.number
        for link in links
        if link.pages
    }
    return {
        at[key]: one
        for key, kept in PARTS.find_many(list(at)).items()
        for one in _RANKS.decode(opened(kept))
        if one.application_id == application_id
    }


def find_history(programme: str, area: str) -> Kept[History]:
    """Return how fast a queue went forward; nothing known, at version 0, at first. One read."""
    pk, sk = keys.queue_history(programme, area)
    return HISTORIES.find((pk, sk)) or Kept(History(), pk, sk, 0, "{}")


def keep_history(kept: Kept[History], history: History) -> Put:
    if kept.version == 0:
        return HISTORIES.create((kept.pk, kept.sk), history)
    return HISTORIES.replace(kept, history)
