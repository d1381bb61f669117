"""The chain of checkpoints and the leaves of their trees, which are public."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chalicelib.queue.rules import (
    LEAVES_IN_A_PAGE,
    Head,
    Link,
    tops_of,
)
from chalicelib.queue.store.packing import (
    WrittenAlready,
    parts_of,
)
from chalicelib.storage import keys
from chalicelib.storage.commit import Put
from chalicelib.storage.rows import QueueRow
from chalicelib.storage.shelf import Shelf


@dataclass(frozen=True, slots=True)
class Digests:
    """SHA-256 digests one behind the other, in base64."""

    digests: str


LINKS: Shelf[Link] = Shelf(QueueRow, Link)
DIGESTS: Shelf[Digests] = Shelf(QueueRow, Digests)


def create_link(programme: str, area: str, link: Link) -> Put:
    """Describe a number of the chain being taken; raced when another checkpoint has it."""
    return LINKS.create(keys.chain(programme, area, link.number), link)


def each_link(
    programme: str, area: str, *, after: int = 0, before: int | None = None, newest: bool = False
) -> Iterator[Link]:
    """Yield the checkpoints of a queue's chain in order; newest: the last one first."""
    if before is not None and before <= after + 1:
        return
    pk, low = keys.chain(programme, area, after)
    upto = "~" if before is None else keys.chain(programme, area, before - 1)[1]
    for kept in LINKS.each(pk, after=low, upto=upto, newest_first=newest):
        yield kept.value


def leaf_pages(head: Head, leaves: Sequence[bytes]) -> list[Put]:
    """Describe a tree's leaves, page by page, and behind them the roots of the whole pages.

    They are public, so they are not veiled.
    """
    pages = parts_of(leaves, LEAVES_IN_A_PAGE)
    return [_digests(head, n, page) for n, page in enumerate([*pages, tops_of(pages)])]


def leaf_page(head: Head, page: int) -> list[bytes]:
    """Return the digests of a page of a tree's leaves, or the roots behind the last. One read."""
    content = base64.b64decode(DIGESTS.load(_leaves_key(head, page)).value.digests)
    return [content[at : at + 32] for at in range(0, len(content), 32)]


def _digests(head: Head, page: int, found: Sequence[bytes]) -> Put:
    packed = Digests(base64.b64encode(b"".join(found)).decode())
    return DIGESTS.create(_leaves_key(head, page), packed, otherwise=WrittenAlready())


def _leaves_key(head: Head, page: int) -> tuple[str, str]:
    return keys.ranks_leaves(head.programme, head.area, head.series, head.number, page)
