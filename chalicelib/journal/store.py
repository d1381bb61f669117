"""Journal entries, and the commit that cannot leave one out.

An entry carries the images of the rows its transaction wrote (sealed fields and the outbox apart):
the tables can therefore be rebuilt from the journal by taking each row's newest version, in any
order of reading. An aggregate's sequence is the version of its own row, so two commits cannot both
be next. The row carries the digest of its newest entry, and the next entry names it: the chain
costs no read and no write of its own. The digest covers the row as it was before the digest was put
on it; `images_of` puts it back.
"""

from __future__ import annotations

import dataclasses
import time
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from pynamodb.attributes import BinaryAttribute
from pynamodb.exceptions import DeleteError, PutError

from chalicelib.journal.rules import FIRST, UNCHAINED, Entry, digest_of, head_of
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.ids import new_salt
from chalicelib.kernel.periods import stamp
from chalicelib.storage import client, keys
from chalicelib.storage.commit import (
    Delete,
    Put,
    Raced,
    StoreSilent,
    Write,
    pause,
    response_code,
)
from chalicelib.storage.commit import commit as _commit
from chalicelib.storage.rows import (
    AttendanceRow,
    FactsRow,
    JournalRow,
    MoneyRow,
    QueueRow,
    Row,
    table_name,
)
from chalicelib.storage.shelf import Shelf

T = TypeVar("T")
_MODELS: dict[str, type[Row]] = {
    model.logical: model for model in (FactsRow, QueueRow, AttendanceRow, MoneyRow)
}
REBUILT = frozenset(_MODELS)
_IN_A_READ, _READ_TRIES = 100, 12


class NotRebuilt(RuntimeError):
    """An aggregate lies in a table that is not rebuilt from the journal."""


class EntryRow(JournalRow):
    """An entry and the compressed images of the rows written with it."""

    images = BinaryAttribute(legacy_encoding=False)


@dataclass(frozen=True, slots=True)
class Image:
    """A row as it was written: its table, keys, version and attributes; None when removed."""

    table: str
    pk: str
    sk: str
    version: int
    attributes: dict[str, Any] | None


ENTRIES: Shelf[Entry] = Shelf(EntryRow, Entry)


def entry(
    event: str,
    stream: str,
    *,
    by: Actor,
    now: datetime,
    pack: str | None = None,
    **facts: Any,
) -> Entry:
    """Return an entry; its sequence is given by the commit."""
    role = min(by.roles).value if by.roles else "public"
    who = f"{role}:{by.subject}"
    if by.via is not None:  # a clerk did it, in the representative's name
        who += f" via clerk:{by.via}"
    return Entry(event, stream, who, stamp(now), pack, facts)


def commit(what: Entry, aggregate: Put | Delete, *others: Write) -> None:
    """Write an aggregate's row, whatever goes with it, and the journal entry: all or none.

    The entry's sequence is the aggregate row's new version. Raises the refusal of the first write
    whose condition failed.
    """
    _commit(described(what, aggregate, *others), journaled=True)


def described(what: Entry, aggregate: Put | Delete, *others: Write) -> list[Write]:
    """Return what `commit` writes, for a commit that carries it along."""
    if aggregate.row.logical not in REBUILT:
        raise NotRebuilt(aggregate.row.logical)
    writes: list[Write] = [aggregate, *others]
    before, aggregate.row.head = aggregate.row.head, None
    # The aggregate's image stands first: its digest is put back from the entry.
    images = [_image(w) for w in writes if isinstance(w, Put | Delete) and _is_imaged(w.row)]
    return [*writes, _entry(what, aggregate, images, before)]


def beside(what: Entry, aggregate: Put | Delete) -> Put:
    """Describe the entry of a further aggregate that a commit changes, in that one's own stream.

    The images of its rows lie with the commit's entry, as those of all that is written with it.
    """
    return _entry(what, aggregate, [], aggregate.row.head)


def _entry(
    what: Entry, aggregate: Put | Delete, images: Sequence[Image], before: str | None
) -> Put:
    """Describe an entry, and put its digest on the aggregate's row."""
    sequence = int(aggregate.row.version or 0)
    numbered = dataclasses.replace(
        what,
        sequence=sequence,
        before=before or (FIRST if _is_new(aggregate) else UNCHAINED),
        ends=isinstance(aggregate, Delete),
    )
    key, salt = keys.entry(numbered.stream, sequence), new_salt()
    body, packed = msgspec.json.encode(numbered), msgspec.json.encode(images)
    digest = digest_of(key, salt=salt, body=body, attached=packed)
    if isinstance(aggregate, Put):
        aggregate.row.head = head_of(sequence, digest)
    row = EntryRow(*key, version=1, body=body.decode(), images=zlib.compress(packed, 6), salt=salt)
    return Put(row, only_if=EntryRow.pk.does_not_exist(), otherwise=Raced())


def _is_new(write: Put | Delete) -> bool:
    operator: str | None = getattr(write.only_if, "operator", None)
    return operator == "attribute_not_exists"


def history(stream: str) -> Iterator[Entry]:
    """Yield an aggregate's entries, oldest first."""
    return (kept.value for kept in ENTRIES.each(stream))


def newest(stream: str, *, limit: int) -> list[Entry]:
    """Return an aggregate's last entries, newest first. One query."""
    found = ENTRIES.each(stream, newest_first=True, limit=limit)
    return [kept.value for kept in found]


def images_in(stream: str, *, most: int | None = None) -> Iterator[Image]:
    """Yield the rows that an aggregate's entries wrote, oldest first; most: of so many entries."""
    for row in EntryRow.query(stream, consistent_read=True, limit=most):
        yield from images_of(row)


def dated_images_in(stream: str) -> Iterator[tuple[str, Image]]:
    """Yield the rows that an aggregate's entries wrote, each with the entry's instant, in order."""
    for row in EntryRow.query(stream, consistent_read=True):
        at = msgspec.json.decode(row.body or "", type=Entry).at
        for image in images_of(row):
            yield at, image


def value_in(image: Image, shelf: Shelf[T]) -> T | None:
    """Return the value of a row as its image says; None for one that was removed."""
    if image.attributes is None:
        return None
    row = shelf.row.from_raw_data(image.attributes)
    return shelf.kept(row).value


def images_of(row: EntryRow) -> list[Image]:
    """Return the rows that an entry's transaction wrote, the aggregate's own first."""
    packed = zlib.decompress(row.images)
    images = msgspec.json.decode(packed, type=list[Image])
    salt: bytes | None = row.salt
    if salt is not None and images and images[0].attributes is not None:
        body = (row.body or "").encode()
        digest = digest_of((row.pk, row.sk), salt=salt, body=body, attached=packed)
        # An aggregate's version is the sequence of its entry.
        images[0].attributes["h"] = {"S": head_of(images[0].version, digest)}
    return images


def _is_imaged(row: Row) -> bool:
    return row.logical in REBUILT and row.imaged


def _image(write: Put | Delete) -> Image:
    row = write.row
    attributes = None if isinstance(write, Delete) else row.serialize()
    return Image(row.logical, row.pk, row.sk, int(row.version or 0), attributes)


def acts_of(subject: str, *, segment: int, segments: int) -> Iterator[Entry]:
    """Yield the entries that name a subject, of one segment of the whole journal, in no order.

    Reads all of the table: for an inquiry, several segments side by side, never for a request.
    """
    mine = EntryRow.images.exists() & EntryRow.body.contains(subject)
    rows = EntryRow.scan(
        mine,
        segment=segment,
        total_segments=segments,
        attributes_to_get=["pk", "sk", "body"],
        consistent_read=True,
    )
    for row in rows:
        yield msgspec.json.decode(row.body or "", type=Entry)


def scan_images() -> Iterator[Image]:
    """Yield every image in the journal; reads the whole table, page after page."""
    # Uploads of attendance lie in this table too: they are their own entries, without images.
    entries = EntryRow.scan(EntryRow.images.exists(), consistent_read=True)
    for row in entries:
        yield from images_of(row)


def stored(images: Iterable[Image]) -> Iterator[tuple[Image, dict[str, Any] | None]]:
    """Yield each image with the row's attributes as stored now, None where there is no row.

    A call per hundred rows of a table.
    """
    by_table: dict[str, list[Image]] = {}
    for image in images:
        by_table.setdefault(image.table, []).append(image)
    for logical, wanted in by_table.items():
        for start in range(0, len(wanted), _IN_A_READ):
            part = wanted[start : start + _IN_A_READ]
            found = _read_rows(table_name(logical), part)
            yield from ((image, found.get((image.pk, image.sk))) for image in part)


def restore(image: Image) -> bool:
    """Put a row as its image says; False when what is stored is newer.

    A removed row is removed again, unless it was written anew since.
    """
    version = JournalRow.version
    older = version.does_not_exist() | (version <= image.version)
    try:
        if image.attributes is None:
            _table(image.table).delete_item(image.pk, image.sk, condition=older)
        else:
            _table(image.table).put_item(
                image.pk, image.sk, attributes=image.attributes, condition=older
            )
    except (PutError, DeleteError) as error:
        if response_code(error) == "ConditionalCheckFailedException":
            return False
        raise
    return True


def _table(logical: str) -> Any:
    # Images hold every attribute of a row; a model would write only those it knows.
    return _MODELS[logical]._get_connection()


def _read_rows(name: str, images: Sequence[Image]) -> dict[tuple[str, str], dict[str, Any]]:
    keys_wanted = [{"pk": {"S": image.pk}, "sk": {"S": image.sk}} for image in images]
    request: dict[str, Any] = {name: {"Keys": keys_wanted, "ConsistentRead": True}}
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for attempt in range(_READ_TRIES):
        answer = client.client().batch_get_item(RequestItems=request)
        for item in answer.get("Responses", {}).get(name, ()):
            found[item["pk"]["S"], item["sk"]["S"]] = item
        request = answer.get("UnprocessedKeys") or {}
        if not request:
            return found
        time.sleep(pause(attempt))
    raise StoreSilent()
