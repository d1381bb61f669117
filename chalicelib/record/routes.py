"""The public record: checkpoints, tiles, proofs for everybody; openings for those they concern."""

from __future__ import annotations

import base64
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from chalicelib.edge import pages
from chalicelib.edge.routes import Answer, Call, File, Routes
from chalicelib.journal.rules import shown
from chalicelib.kernel.merkle import NoSuchTree
from chalicelib.kernel.refusals import Unknown
from chalicelib.record.actions import opening, proving, publishing
from chalicelib.record.rules.notes import NoSuchTile, tile_named

routes = Routes(__name__, "record")

Number = Annotated[int, Meta(ge=0, le=2**40)]
_TEXT = "text/plain; charset=utf-8"
_BYTES = "application/octet-stream"


# --- checkpoints and tiles ----------------------------------------------------------------------


@routes.get("/checkpoint", action="record/read", media="text/plain", refuses=(Unknown,))
def checkpoint(call: Call[None]) -> File:
    """See the newest signed checkpoint: the log's name, size and root (C2SP tlog-checkpoint)."""
    return File(publishing.newest().note.encode(), _TEXT, "checkpoint")


@routes.get("/keys", action="record/read", media="text/plain", refuses=(Unknown,))
def keys(call: Call[None]) -> File:
    """See the public keys that sign checkpoints, one a line (C2SP signed-note).

    Whoever checks the record keeps them from an earlier day or another place.
    """
    return File(publishing.newest().keys.encode(), _TEXT, "keys")


_TILE = {"action": "record/read", "media": _BYTES, "refuses": (NoSuchTile,)}


@routes.get("/tile/{level}/{n}", **_TILE)
def tile(call: Call[None], level: str, n: str) -> Answer:
    """Read a tile of the log (C2SP tlog-tiles): tile/0/067, tile/entries/067."""
    return _tile(level, n)


@routes.get("/tile/{level}/{n}/{m}", **_TILE)
def tile_or_part(call: Call[None], level: str, n: str, m: str) -> Answer:
    """Read a tile above a thousand, or the beginning of one: tile/0/x001/067, tile/0/067.p/8."""
    return _tile(level, n, m)


@routes.get("/tile/{level}/{n}/{m}/{o}", **_TILE)
def tile_or_far_part(call: Call[None], level: str, n: str, m: str, o: str) -> Answer:
    """Read a tile above a million, or the beginning of one above a thousand."""
    return _tile(level, n, m, o)


@routes.get("/tile/{level}/{n}/{m}/{o}/{width}", **_TILE)
def far_part(call: Call[None], level: str, n: str, m: str, o: str, width: str) -> Answer:
    """Read the beginning of a tile above a million."""
    return _tile(level, n, m, o, width)


def _tile(level: str, *parts: str) -> Answer:
    found = tile_named(level, *parts)
    file = File(proving.tile_bytes(found), _BYTES, f"tile-{level}-{found.number}")
    # A tile never changes, the beginning of one neither.
    return Answer(file, headers={"Cache-Control": "public, max-age=31536000, immutable"})


# --- proofs -------------------------------------------------------------------------------------


class InclusionAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """A leaf by its number, in the log of a size; without one, of the newest checkpoint."""

    number: Number
    size: Annotated[int, Meta(ge=1, le=2**40)] | None = None


class InclusionAnswered(Struct, frozen=True):
    """That a leaf stands in the log: hashes from the leaf to the root, base64."""

    number: int
    size: int
    leaf_hash: str
    path: list[str]
    root: str


class ConsistencyAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Two sizes of the log."""

    from_size: Annotated[int, Meta(ge=1, le=2**40)] = msgspec.field(name="from")
    to: Annotated[int, Meta(ge=1, le=2**40)]


class ConsistencyAnswered(Struct, frozen=True):
    """That the longer log begins with the shorter: hashes of RFC 6962, base64."""

    from_size: int = msgspec.field(name="from")
    to: int
    from_root: str
    to_root: str
    path: list[str]


@routes.get(
    "/proofs/inclusion",
    action="record/read",
    query=InclusionAsked,
    answers=InclusionAnswered,
    refuses=(NoSuchTree,),
)
def inclusion(call: Call[None]) -> InclusionAnswered:
    """Prove that an entry stands in the log."""
    asked: InclusionAsked = call.query
    size = asked.size if asked.size is not None else publishing.published_size()
    _within(size)
    leaf, path, root = proving.inclusion(asked.number, size)
    return InclusionAnswered(asked.number, size, _b64(leaf), [_b64(h) for h in path], _b64(root))


@routes.get(
    "/proofs/consistency",
    action="record/read",
    query=ConsistencyAsked,
    answers=ConsistencyAnswered,
    refuses=(NoSuchTree,),
)
def consistency(call: Call[None]) -> ConsistencyAnswered:
    """Prove that nothing was changed or taken out between two sizes of the log."""
    asked: ConsistencyAsked = call.query
    _within(asked.to)
    old, path, new = proving.consistency(asked.from_size, asked.to)
    return ConsistencyAnswered(
        asked.from_size, asked.to, _b64(old), _b64(new), [_b64(h) for h in path]
    )


def _within(size: int) -> None:
    known = publishing.published_size()
    if size > known:
        raise NoSuchTree(number=size, size=known)


# --- openings -----------------------------------------------------------------------------------


class EntriesAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """The entries of one aggregate: its kind and id, as in voucher/…"""

    stream: Annotated[str, Meta(max_length=200, pattern=r"^[A-Za-z0-9_#:./-]+$(?!\n)")]
    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    cursor: Annotated[str, Meta(max_length=512)] | None = None


class EntryPlace(Struct, frozen=True):
    """An entry: its number in its stream (an upload: its key), and in the log."""

    key: str
    number: int


class EntriesAnswered(Struct, frozen=True):
    """A page of an aggregate's entries, in order."""

    entries: list[EntryPlace]
    cursor: str | None


class ProofAnswered(Struct, frozen=True):
    """A leaf, by its digest, and the path from it to the root."""

    number: int
    digest: str
    path: list[str]


class FieldAnswered(Struct, frozen=True):
    """A personal field of one's own that an entry committed to, with the key that opens it."""

    value: str
    key: str


class EntryAnswered(Struct, frozen=True):
    """An entry with what proves it; `kezek_verify.py entry` checks this very file.

    attached_digest: of the rows written with it, which are shown to nobody here. previous: the
    entry of the same stream before it. checkpoint: the signed end of the log. fields: one's own,
    where they are as the entry committed to them.
    """

    number: int
    name: list[str]
    salt: str
    body: str
    attached_digest: str
    digest: str
    size: int
    proof: ProofAnswered
    previous: ProofAnswered | None
    checkpoint: str
    fields: dict[str, FieldAnswered]


@routes.get(
    "/entries",
    action="record/open",
    query=EntriesAsked,
    answers=EntriesAnswered,
    refuses=(pages.BadCursor, Unknown),
)
def entries(call: Call[None]) -> EntriesAnswered:
    """List the entries of a child's application or voucher, or of anything for auditors."""
    asked: EntriesAsked = call.query
    of = f"/v1/record/entries?{asked.stream}"
    after = pages.position(asked.cursor, of=of) if asked.cursor else None
    found = opening.entries(
        asked.stream, after=after, limit=asked.limit, by=call.actor, now=call.now
    )
    more = len(found) == asked.limit
    return EntriesAnswered(
        [EntryPlace(key, number) for key, number in found],
        pages.cursor(found[-1][0], of=of) if more else None,
    )


@routes.get(
    "/entries/{number}",
    action="record/open",
    answers=EntryAnswered,
    refuses=(NoSuchTree, NoSuchTile, Unknown, opening.NotPublished),
)
def entry(call: Call[None], number: str) -> EntryAnswered:
    """Open an entry: its text, its salt, and the proof that it stands in the public log."""
    if not (number.isascii() and number.isdigit() and len(number) <= 13):
        raise Unknown()
    found = opening.entry(int(number), by=call.actor, now=call.now)
    made = found.opening
    return EntryAnswered(
        number=found.proof.number,
        name=list(made.name),
        salt=shown(made.salt),
        body=made.body,
        attached_digest=shown(made.attached_digest),
        digest=shown(made.digest),
        size=found.size,
        proof=_proof(found.proof),
        previous=_proof(found.previous) if found.previous else None,
        checkpoint=found.note,
        fields={
            name: FieldAnswered(value, shown(key)) for name, (value, key) in found.fields.items()
        },
    )


def _proof(proof: opening.Proof) -> ProofAnswered:
    return ProofAnswered(proof.number, shown(proof.digest), [_b64(h) for h in proof.path])


def _b64(found: bytes) -> str:
    return base64.b64encode(found).decode()
