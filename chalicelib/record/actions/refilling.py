"""The log's rows once more, where they were lost: of the journal, in the published order.

The journal has what each leaf is made of, the published tiles have the order. So what comes back is
the same log to the byte, under the same checkpoints, or nothing: everything is compared before
anything is written. Entries that were never published follow in the order of their instants.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence

from chalicelib.journal.rules import shown
from chalicelib.kernel import merkle
from chalicelib.kernel.merkle import TILE_WIDTH, Head
from chalicelib.kernel.notes import signed_note
from chalicelib.kernel.refusals import OutOfTurn, Unavailable
from chalicelib.record import store
from chalicelib.record.actions.sequencing import IN_A_COMMIT, sequence
from chalicelib.record.rules import notes
from chalicelib.record.rules.leaves import Leaf
from chalicelib.record.rules.notes import Tile
from chalicelib.record.store import Name, NotReadable, Published
from chalicelib.storage import signing
from chalicelib.storage.commit import Raced, commit

_LEAF = 32


class Differs(OutOfTurn):
    """What is stored is not what was published; `number` is the first entry that differs."""

    code = "record/differs"


class NotOurs(OutOfTurn):
    """The newest checkpoint is not signed by a key of this log's ring."""

    code = "record/not-ours"


class FileLost(Unavailable):
    """A file of the record is not there, or is not what its name says."""

    code = "record/file-lost"


class SomebodyAppends(OutOfTurn):
    """Somebody else appends to the log: the function that sequences has to stand still."""

    code = "record/somebody-appends"


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """Where in the journal a leaf's digest is made. name: None where nothing makes it.

    follower: the entry of the same stream that names the digest as the one before it.
    """

    name: Name | None
    follower: Name | None = None


Find = Callable[[Sequence[bytes]], Mapping[bytes, Found]]
Read = Callable[[str], bytes | None]


def journal_rows() -> Iterator[tuple[Name, bytes, str, bytes | None]]:
    """Yield (name, digest, instant, digest of the entry before) of every row; reads all of it.

    A row that cannot be read as an entry is left out: nothing published is made of it.
    """
    for row in store.AnyRow.scan(consistent_read=True):
        try:
            opening = store.opening_of(row)
            leaf = store.leaf_of(opening)
        except NotReadable:
            continue
        yield opening.name, opening.digest, leaf.at, store.before_of(opening)


def compare(read: Read, sizes: Sequence[int], find: Find) -> tuple[int, int]:
    """Return how long the published log is and how much of it is stored; changes nothing.

    sizes: of all checkpoints published. Differs says with `number` the first entry that differs;
    where a checkpoint's root does, the first after the last checkpoint that fits. Raises FileLost,
    NotOurs, Differs.
    """
    note = _file(read, "checkpoint")
    size, root = _said(note)
    if not _ours(note.decode()):
        raise NotOurs()
    _, stored = store.find_head()
    known = {size: root}
    for one in sizes:
        if one <= size:
            said, its_root = _said(_file(read, f"checkpoints/{one}"))
            if said != one or known.setdefault(one, its_root) != its_root:
                raise FileLost(file=f"checkpoints/{one}")
    head, good = Head(), 0
    for tile, digests in _tiles(read, size):
        first = tile * TILE_WIDTH
        _check_made(first, digests, find)
        if first < stored.size:
            _check_stored(first, digests, stored.size)
        for digest in digests:
            head = merkle.grow(head, [digest]).head
            if known.get(head.size, head.root) != head.root:
                raise Differs(number=good, checkpoint=head.size)
            good = head.size if head.size in known else good
    return size, stored.size


def refill(
    read: Read,
    sizes: Sequence[int],
    find: Find,
    rest: Callable[[], Iterator[Name]],
    *,
    told: Callable[[int, int], None] = lambda _, __: None,
) -> dict[str, int]:
    """Make the log's rows what was published of them, then append what was not; return counts.

    rest: the names of all journal rows, in order of their instants. Goes on where it was
    interrupted; made again it changes nothing. Raises what `compare` does, and SomebodyAppends.
    """
    size, stored = compare(read, sizes, find)
    refilled = 0
    for tile, digests in _tiles(read, size, begin=stored // TILE_WIDTH):
        first = tile * TILE_WIDTH
        for start in range(0, len(digests), IN_A_COMMIT):
            part = digests[start : start + IN_A_COMMIT]
            at = first + start
            part = part[max(0, stored - at) :]
            if part:
                refilled += _append(first + start + max(0, stored - at), part, find)
            told(min(size, first + start + IN_A_COMMIT), size)
    _publish_again(read, sizes, size)
    return {"published": size, "refilled": refilled, "appended": _append_rest(rest)}


def _append(number: int, digests: Sequence[bytes], find: Find) -> int:
    """Append leaves whose digests were found; they are what stands at `number` and on."""
    found = find(digests)
    names = [found[digest].name for digest in digests]
    openings = store.openings([name for name in names if name is not None])
    leaves: list[Leaf] = []
    for place, (digest, name) in enumerate(zip(digests, names, strict=True), number):
        opening = openings.get(name) if name is not None else None
        if opening is None or opening.digest != digest:
            raise Differs(number=place, digest=shown(digest))
        leaves.append(store.leaf_of(opening))
    kept, head = store.find_head()
    if head.size != number:
        raise SomebodyAppends(size=head.size)
    try:
        commit(store.append(kept, merkle.grow(head, digests), leaves))
    except (store.HeadMoved, store.InTheLog) as refusal:
        raise SomebodyAppends(size=head.size) from refusal
    return len(leaves)


def _append_rest(rest: Callable[[], Iterator[Name]]) -> int:
    appended = 0
    waiting: list[Name] = []
    for name in rest():
        waiting.append(name)
        if len(waiting) == 1000:
            appended += _sequenced(waiting)
            waiting = []
    return appended + _sequenced(waiting)


def _sequenced(names: Sequence[Name]) -> int:
    placed = store.find_places(names)
    missing = [name for name in names if name not in placed]
    openings = store.openings(missing)
    return sequence([store.leaf_of(openings[name]) for name in missing if name in openings])


def _publish_again(read: Read, sizes: Sequence[int], size: int) -> None:
    """Write the rows of checkpoints; each says the instant of its last entry."""
    there = dict(store.each_checkpoint())
    keys = _file(read, "keys").decode()
    for one in sorted({*sizes, size}):
        if one > size or (one in there and one != size):
            continue
        note = _file(read, "checkpoint" if one == size else f"checkpoints/{one}").decode()
        last = store.tile_leaves((one - 1) // TILE_WIDTH)[(one - 1) % TILE_WIDTH]
        published = Published(one, note, keys, last.at, one)
        try:
            if one not in there:
                commit([store.keep_checkpoint(published)])
            kept = store.find_published()
            if one == size and (kept is None or kept.value.size < size):
                commit([store.keep_published(kept, published)])
        except Raced as refusal:
            raise SomebodyAppends(size=one) from refusal


def _check_made(first: int, digests: Sequence[bytes], find: Find) -> None:
    """Raise Differs for the first digest that no row of the journal makes."""
    found = find(digests)
    for number, digest in enumerate(digests, first):
        made = found.get(digest, Found(None))
        if made.name is None:
            facts = {"before": "/".join(made.follower)} if made.follower else {}
            raise Differs(number=number, digest=shown(digest), **facts)


def _check_stored(first: int, digests: Sequence[bytes], size: int) -> None:
    """Raise Differs for the first stored leaf that is not what was published there."""
    stored = store.tile_leaves(first // TILE_WIDTH)
    for offset, digest in enumerate(digests[: size - first]):
        if offset >= len(stored) or stored[offset].digest != digest:
            name = "/".join(stored[offset].name) if offset < len(stored) else "-"
            raise Differs(number=first + offset, digest=shown(digest), stored=name)


def _tiles(read: Read, size: int, *, begin: int = 0) -> Iterator[tuple[int, list[bytes]]]:
    """Yield (number, digests) of the lowest published tiles."""
    for number in range(begin, (size + TILE_WIDTH - 1) // TILE_WIDTH):
        width = min(TILE_WIDTH, size - number * TILE_WIDTH)
        name = Tile(-1, number, width).name
        yield number, _unbundled(name, _file(read, name), width)


def _unbundled(name: str, content: bytes, width: int) -> list[bytes]:
    step = 2 + _LEAF
    parts = [content[at : at + step] for at in range(0, len(content), step)]
    if len(parts) != width or any(
        part[:2] != _LEAF.to_bytes(2, "big") or len(part) != step for part in parts
    ):
        raise FileLost(file=name)
    return [part[2:] for part in parts]


def _ours(note: str) -> bool:
    """Tell whether a key of the ring signed a note; Ed25519 signs alike each time."""
    text = note.partition("\n\n")[0] + "\n"
    lines = signed_note(text, signing.signed(text.encode())).split("\n")
    signatures = {line for line in lines if line.startswith("\u2014 ")}
    return any(line in signatures for line in note.split("\n"))


def _said(note: bytes) -> tuple[int, bytes]:
    try:
        return notes.read_checkpoint(note)
    except (ValueError, IndexError) as error:
        raise FileLost(file="checkpoint") from error


def _file(read: Read, name: str) -> bytes:
    content = read(name)
    if content is None:
        raise FileLost(file=name)
    return content
