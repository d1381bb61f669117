"""Rows of the log: its head, tiles in parts as they were appended, and where each entry stands.

One transaction appends a batch: a row per entry that claims its place once, the batch's part of
the lowest tile, nodes of upper tiles that became whole, and the head, conditional on its version.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Any

import msgspec
from pynamodb.attributes import BinaryAttribute

from chalicelib.journal.rules import digest_of, read_shown, shown
from chalicelib.kernel.merkle import TILE_WIDTH, Growth, Head
from chalicelib.kernel.refusals import Unavailable
from chalicelib.record.rules.leaves import UPLOADS, Leaf, number_before
from chalicelib.storage import keys
from chalicelib.storage.commit import Put, Raced, Write
from chalicelib.storage.rows import JournalRow, RecordRow
from chalicelib.storage.shelf import Kept, Shelf

Name = tuple[str, str]
_Packed = tuple[str, str, str, str, str, str, str | None]


class HeadMoved(Raced):
    """Somebody else appended to the log meanwhile."""

    code = "record/head-moved"


class InTheLog(Raced):
    """One of these entries stands in the log already."""

    code = "record/in-the-log"


class NotReadable(Unavailable):
    """A row of the journal cannot be read as an entry."""

    code = "record/not-readable"


@dataclass(frozen=True, slots=True)
class StoredHead:
    """The head as it is stored: hashes as text."""

    size: int
    frontier: tuple[str, ...]
    root: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the log an entry stands."""

    number: int


@dataclass(frozen=True, slots=True)
class NodeHash:
    """The hash of a whole tile, as a node of the tile above."""

    hash: str


@dataclass(frozen=True, slots=True)
class Published:
    """The newest checkpoint. saved: the size of the newest one that surely lies as a file.

    keys: the public keys that signed it, one a line.
    """

    size: int = 0
    note: str = ""
    keys: str = ""
    at: str = ""
    saved: int = 0


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint that was published."""

    note: str
    at: str


@dataclass(frozen=True, slots=True)
class Search:
    """Where the search for lost entries goes on: segment, and the last key looked at.

    on, ended: how many segments ended on which day. begun_at: when this round began; found: how
    many entries without a place it found so far. round_at, round_found: the same of the last one.
    """

    segment: int = 0
    after: tuple[str, str] | None = None
    on: date | None = None
    ended: int = 0
    begun_at: str = ""
    found: int = 0
    round_at: str = ""
    round_found: int = 0


@dataclass(frozen=True, slots=True)
class Entered:
    """Up to which checkpoint of a queue its entries in the log lie among the queue's files."""

    number: int


class PartRow(RecordRow):
    """Leaves that were appended together, within one tile."""

    leaves = BinaryAttribute(legacy_encoding=False)


class AnyRow(JournalRow):
    """A journal row of either kind: an entry with images, or an upload with records."""

    images = BinaryAttribute(legacy_encoding=False, null=True)
    records = BinaryAttribute(legacy_encoding=False, null=True)
    # SHA-256 of what was attached, where it was removed when its time was over.
    attached = BinaryAttribute(legacy_encoding=False, null=True)


@dataclass(frozen=True, slots=True)
class Opening:
    """What a leaf was made of. attached: images or records as text; None where they are gone."""

    name: Name
    salt: bytes
    body: str
    attached: bytes | None
    attached_digest: bytes
    digest: bytes


HEADS: Shelf[StoredHead] = Shelf(RecordRow, StoredHead)
PLACES: Shelf[Place] = Shelf(RecordRow, Place)
NODES: Shelf[NodeHash] = Shelf(RecordRow, NodeHash)
PUBLISHED: Shelf[Published] = Shelf(RecordRow, Published)
CHECKPOINTS: Shelf[Checkpoint] = Shelf(RecordRow, Checkpoint)
ENTERED: Shelf[Entered] = Shelf(RecordRow, Entered)
SEARCHES: Shelf[Search] = Shelf(RecordRow, Search)

# --- the head and appending ---------------------------------------------------------------------


def find_head() -> tuple[Kept[StoredHead] | None, Head]:
    """Return the log's end; an empty log before the first entry. One read."""
    kept = HEADS.find(keys.log_head())
    if kept is None:
        return None, Head()
    stored = kept.value
    frontier = tuple(read_shown(text) for text in stored.frontier)
    return kept, Head(stored.size, frontier, read_shown(stored.root))


def append(kept: Kept[StoredHead] | None, growth: Growth, leaves: Sequence[Leaf]) -> list[Write]:
    """Describe the appending of leaves: 1 write each and a handful for the batch.

    Refused with InTheLog when one of them has its place, with HeadMoved when the log grew.
    """
    head, first = growth.head, growth.head.size - len(leaves)
    stored = StoredHead(head.size, tuple(map(shown, head.frontier)), shown(head.root))
    writes: list[Write] = [
        PLACES.create(keys.log_place(*leaf.name), Place(number), otherwise=InTheLog())
        for number, leaf in enumerate(leaves, first)
    ]
    start = 0
    while start < len(leaves):
        tile, offset = divmod(first + start, TILE_WIDTH)
        part = leaves[start : start + TILE_WIDTH - offset]
        writes.append(_part(keys.log_tile(0, tile, offset), part))
        start += len(part)
    for (level, number), found in growth.uppers.items():
        tile, offset = divmod(number, TILE_WIDTH)
        key = keys.log_tile(level, tile, offset)
        writes.append(NODES.create(key, NodeHash(shown(found)), otherwise=HeadMoved()))
    if kept is None:
        writes.append(HEADS.create(keys.log_head(), stored, otherwise=HeadMoved()))
    else:
        writes.append(HEADS.replace(kept, stored, otherwise=HeadMoved()))
    return writes


def _part(key: tuple[str, str], leaves: Sequence[Leaf]) -> Put:
    packed: list[_Packed] = [
        (
            *leaf.name,
            shown(leaf.digest),
            leaf.event,
            "" if leaf.stream == leaf.name[0] else leaf.stream,
            leaf.at,
            leaf.area,
        )
        for leaf in leaves
    ]
    row = PartRow(*key, version=1, leaves=zlib.compress(msgspec.json.encode(packed), 6))
    return Put(row, only_if=PartRow.pk.does_not_exist(), otherwise=HeadMoved())


# --- what stands where --------------------------------------------------------------------------


def find_places(names: Sequence[Name]) -> dict[Name, int]:
    """Return where those entries stand that are in the log; a call per hundred."""
    by_key = {keys.log_place(*name): name for name in names}
    found = PLACES.find_many(list(by_key))
    return {by_key[key]: kept.value.number for key, kept in found.items()}


def list_places(stream: str, *, after: str | None, limit: int) -> list[tuple[str, int]]:
    """Return (sort key, number in the log) of a stream's entries, in order. One query."""
    pk = keys.log_place(stream, "")[0]
    rows = islice(PLACES.each(pk, after=after, limit=limit), limit)
    return [(kept.sk, kept.value.number) for kept in rows]


def tile_leaves(number: int) -> list[Leaf]:
    """Return the leaves of a lowest tile, in order. One query."""
    leaves: list[Leaf] = []
    for row in PartRow.query(keys.log_tile(0, number)[0], consistent_read=True):
        packed = msgspec.json.decode(zlib.decompress(row.leaves), type=list[_Packed])
        for pk, sk, digest, event, stream, at, area in packed:
            leaves.append(
                Leaf(
                    name=(pk, sk),
                    digest=read_shown(digest),
                    event=event,
                    stream=stream or pk,
                    at=at,
                    area=area,
                )
            )
    return leaves


def tile_nodes(level: int, number: int) -> list[bytes]:
    """Return the hashes of an upper tile, in order. One query."""
    return [read_shown(kept.value.hash) for kept in NODES.each(keys.log_tile(level, number)[0])]


# --- journal rows -------------------------------------------------------------------------------


def openings(names: Sequence[Name]) -> dict[Name, Opening]:
    """Return what those leaves were made of, as the journal holds it; a call per hundred."""
    found: dict[Name, Opening] = {}
    for start in range(0, len(names), 100):
        part = list(dict.fromkeys(names[start : start + 100]))
        for row in AnyRow.batch_get(part, consistent_read=True):
            opening = opening_of(row)
            found[opening.name] = opening
    return found


def opening_of(row: Any) -> Opening:
    """Return a journal row as what its leaf is made of.

    Entries older than the log have no salt; theirs is empty. Raises NotReadable.
    """
    name, body = (row.pk, row.sk), row.body or ""
    packed: bytes | None = row.images if row.images is not None else row.records
    salt: bytes = row.salt or b""
    try:
        attached = None if packed is None else zlib.decompress(packed)
    except zlib.error as error:
        raise NotReadable() from error
    gone: bytes = (row.attached or b"") if attached is None else b""
    digest = digest_of(name, salt=salt, body=body.encode(), attached=attached, digest=gone)
    return Opening(name, salt, body, attached, gone or digest_of_attached(attached), digest)


def digest_of_attached(attached: bytes | None) -> bytes:
    """Return the SHA-256 of what was stored with an entry."""
    import hashlib

    return hashlib.sha256(attached or b"").digest()


def leaf_of(opening: Opening) -> Leaf:
    """Return the leaf of a journal row. Raises NotReadable."""
    pk = opening.name[0]
    try:
        told: Mapping[str, Any] = msgspec.json.decode(opening.body)
        if pk.startswith(UPLOADS):
            return Leaf(
                name=opening.name,
                digest=opening.digest,
                event="attendance/uploaded",
                stream=f"device/{told['device_id']}",
                at=told["received_at"],
            )
        area = told["facts"].get("area")
        return Leaf(
            name=opening.name,
            digest=opening.digest,
            event=told["event"],
            stream=told["stream"],
            at=told["at"],
            area=area if isinstance(area, str) else None,
            before=number_before(told.get("before", "unchained")),
        )
    except (msgspec.DecodeError, KeyError, TypeError, ValueError) as error:
        raise NotReadable() from error


def before_of(opening: Opening) -> bytes | None:
    """Return the digest of the entry that an opening names as the one before it, if it does."""
    said = msgspec.json.decode(opening.body).get("before", "")
    return read_shown(said.partition(":")[2]) if ":" in said else None


def leaf_of_image(image: Mapping[str, Any]) -> Leaf:
    """Return the leaf of a journal row as a stream shows it. Raises NotReadable."""
    try:
        row = AnyRow()
        row.deserialize(_plain(image))
    except (KeyError, TypeError, ValueError) as error:
        raise NotReadable() from error
    return leaf_of(opening_of(row))


def _plain(image: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return a stream's image as a read would: Lambda carries bytes as base64."""
    import base64

    return {
        name: {
            kind: base64.b64decode(value) if kind == "B" and isinstance(value, str) else value
            for kind, value in attribute.items()
        }
        for name, attribute in image.items()
    }


def scan(
    segment: int, segments: int, *, after: Name | None, limit: int
) -> tuple[list[Name], Name | None]:
    """Return some names of journal rows and where to go on; None at the segment's end. One call."""
    table: Any = AnyRow._get_connection()
    more: dict[str, Any] = {}
    if after is not None:
        more["exclusive_start_key"] = {"pk": {"S": after[0]}, "sk": {"S": after[1]}}
    answer = table.scan(
        attributes_to_get=["pk", "sk"],
        segment=segment,
        total_segments=segments,
        limit=limit,
        consistent_read=True,
        **more,
    )
    names = [(item["pk"]["S"], item["sk"]["S"]) for item in answer.get("Items", ())]
    last = answer.get("LastEvaluatedKey")
    return names, None if not last else (last["pk"]["S"], last["sk"]["S"])


# --- checkpoints --------------------------------------------------------------------------------


def find_published() -> Kept[Published] | None:
    """Return the newest checkpoint, None before the first. One read."""
    return PUBLISHED.find(keys.log_published())


def keep_published(kept: Kept[Published] | None, published: Published) -> Put:
    """Describe the newest checkpoint; raced when somebody else published meanwhile."""
    if kept is None:
        return PUBLISHED.create(keys.log_published(), published)
    return PUBLISHED.replace(kept, published)


def keep_checkpoint(published: Published) -> Put:
    """Describe a checkpoint for the collection; it is the same for the same size."""
    key = keys.log_checkpoint(published.size)
    return CHECKPOINTS.create(key, Checkpoint(published.note, published.at))


def each_checkpoint(*, after: int | None = None) -> Iterator[tuple[int, Checkpoint]]:
    """Yield (size, checkpoint) of all that were published, in order."""
    pk, low = keys.log_checkpoint(after or 0)
    for kept in CHECKPOINTS.each(pk, after=low if after is not None else None):
        yield int(kept.sk), kept.value


def find_search() -> Kept[Search] | None:
    """Return how far the search for lost entries got. One read."""
    return SEARCHES.find(keys.log_search())


def keep_search(kept: Kept[Search] | None, search: Search) -> Put:
    """Describe how far the search got."""
    if kept is None:
        return SEARCHES.create(keys.log_search(), search)
    return SEARCHES.replace(kept, search)


# --- queues' checkpoints ------------------------------------------------------------------------


def find_entered(programme: str, area: str) -> Kept[Entered] | None:
    """Return up to which checkpoint a queue's entries are saved. One read."""
    return ENTERED.find(keys.log_entered(programme, area))


def keep_entered(kept: Kept[Entered] | None, programme: str, area: str, number: int) -> Put:
    """Describe up to which checkpoint they are; raced when another pass said more."""
    if kept is None:
        return ENTERED.create(keys.log_entered(programme, area), Entered(number))
    return ENTERED.replace(kept, Entered(number))
