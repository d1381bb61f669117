"""What a leaf was made of: for auditors, and for representatives of what is their child's."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from chalicelib.access import actions as access
from chalicelib.applications import store as applications
from chalicelib.children import store as children
from chalicelib.children.actions import acting_for, person_of
from chalicelib.children.rules import RegisterFirst
from chalicelib.journal.rules import commitment_of, read_shown
from chalicelib.kernel import merkle
from chalicelib.kernel.actors import Actor, Role
from chalicelib.kernel.merkle import TILE_WIDTH
from chalicelib.kernel.periods import local_day
from chalicelib.kernel.refusals import OutOfTurn, Unknown
from chalicelib.record import store
from chalicelib.record.actions.proving import leaf_at, reader
from chalicelib.record.rules.leaves import Leaf, number_before
from chalicelib.record.store import Opening
from chalicelib.vouchers import store as vouchers

_CHILD_FACTS = ("child", "from_child", "into")


class NotPublished(OutOfTurn):
    """The entry stands in the log, but in no checkpoint yet; that takes a quarter of an hour."""

    code = "record/not-published"


@dataclass(frozen=True, slots=True)
class Proof:
    """That a leaf stands in the log of a size: the path from it to the root."""

    number: int
    digest: bytes
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Opened:
    """An entry with its proofs.

    previous: the proof of its stream's entry before it, None where it is the first. fields: those
    of one's own child or self that the entry committed to: value, and the key that opens it.
    """

    leaf: Leaf
    opening: Opening
    size: int
    proof: Proof
    previous: Proof | None
    note: str
    fields: Mapping[str, tuple[str, bytes]] = field(default_factory=dict)


def entry(number: int, *, by: Actor, now: datetime) -> Opened:
    """Return what a leaf was made of. Raises NoSuchTree, NotPublished, Unknown, RegisterFirst.

    Nobody gets the rows that were written with it, only their digest: other families' are among
    them, and statuses that are displayed to nobody. Whom an auditor sees here is recorded.
    """
    leaf = _leaf(number, by)
    anybodys = _check_theirs(leaf.stream, by=by, now=now)
    published = store.find_published()
    size = published.value.size if published else 0
    if published is None or number >= size:
        raise NotPublished()
    opening = store.openings([leaf.name]).get(leaf.name)
    if opening is None:
        raise Unknown()
    access.looked(_children_in(leaf.stream, opening) if anybodys else (), ("record",))
    return Opened(
        leaf,
        opening,
        size,
        Proof(number, leaf.digest, _path(number, size)),
        _previous(leaf, opening, size),
        published.value.note,
        {} if anybodys else _own_fields(leaf.stream, opening),
    )


def opened(name: store.Name) -> Opened | None:
    """Return an entry that concerns nobody, with its proofs; None while the log has it not.

    The log that is published: what stands behind its newest checkpoint comes with the next.
    """
    number = store.find_places([name]).get(name)
    published = store.find_published()
    if number is None or published is None or number >= published.value.size:
        return None
    size = published.value.size
    leaf, opening = leaf_at(number), store.openings([name]).get(name)
    if opening is None:
        return None
    path = Proof(number, leaf.digest, _path(number, size))
    before = _previous(leaf, opening, size)
    return Opened(leaf, opening, size, path, before, published.value.note)


def entries(
    stream: str, *, after: str | None, limit: int, by: Actor, now: datetime
) -> list[tuple[str, int]]:
    """Return (sort key, number in the log) of a stream's entries in order. Raises Unknown."""
    _check_theirs(stream, by=by, now=now)
    access.looked((), ())  # numbers alone: where in the log something stands
    return store.list_places(stream, after=after, limit=limit)


def every_opening(size: int) -> Iterator[tuple[int, Leaf, Opening | None]]:
    """Yield each leaf of the log's first `size` with what it was made of, None where that is lost.

    A query and three calls per tile.
    """
    for tile in range((size + TILE_WIDTH - 1) // TILE_WIDTH):
        leaves = store.tile_leaves(tile)[: size - tile * TILE_WIDTH]
        found = store.openings([leaf.name for leaf in leaves])
        for offset, leaf in enumerate(leaves):
            yield tile * TILE_WIDTH + offset, leaf, found.get(leaf.name)


def _leaf(number: int, by: Actor) -> Leaf:
    try:
        return leaf_at(number)
    except merkle.NoSuchTree:
        # To those who see only what is theirs, what is not there is as what is another's.
        if not by.has(Role.AUDITOR):
            access.may(by)
            raise Unknown() from None
        raise


def _check_theirs(stream: str, *, by: Actor, now: datetime) -> bool:
    """Return whether the caller may see anybody's streams; Unknown where not even this one.

    A representative: applications, vouchers and children they act for, themselves, and what the
    queue published.
    """
    if access.may(by):
        return True
    kind, _, thing = stream.partition("/")
    if kind in ("person", "checkpoint"):
        # A checkpoint of the queue concerns every family that waits in it.
        try:
            mine = kind == "checkpoint" or person_of(by).person_id == thing
        except RegisterFirst:
            mine = False
        access.demand(by, child=mine)
        return False
    acting_for(_child_of(kind, thing), by, None, local_day(now))
    return False


def _child_of(kind: str, thing: str) -> str:
    if kind == "child":
        return thing
    if kind == "application":
        return applications.load_application(thing).value.child_id
    if kind == "voucher":
        return vouchers.load_voucher(thing).value.child_id
    raise Unknown()


def _children_in(stream: str, opening: Opening) -> set[str]:
    """Return the children whom an entry's text is about."""
    said = msgspec.json.decode(opening.body)
    # A tablet's upload is evidence as it came, without facts of ours.
    facts = said.get("facts", said) if isinstance(said, dict) else {}
    found = {str(facts[name]) for name in _CHILD_FACTS if facts.get(name)}
    kind, _, thing = stream.partition("/")
    if kind in ("child", "sheet"):
        found.add(thing.rpartition("/")[2])
    else:
        # Unknown: about no child, or about one that nothing leads to any more.
        with contextlib.suppress(Unknown):
            found.add(_child_of(kind, thing))
    # Whatever else is named: a child by itself, or by its application or voucher.
    # An entry without a stream of its own stands under its row's key, which names what is due.
    named = _words(facts) | {word for word in re.split("[#/]", stream) if len(word) >= 8}
    names = sorted(named - found)
    applied, held = applications.find_applications(names), vouchers.find_vouchers(names)
    found |= children.find_children(names).keys()
    found |= {kept.value.child_id for kept in applied.values()}
    found |= {kept.value.child_id for kept in held.values()}
    return found


def _words(said: object) -> set[str]:
    """Return every text in an entry's facts that could be an id."""
    if isinstance(said, str):
        return {said} if 8 <= len(said) <= 64 else set()
    if isinstance(said, Mapping):
        said = [one for name, one in said.items() if name != "commitments"]
    return {word for one in said for word in _words(one)} if isinstance(said, list) else set()


def _own_fields(stream: str, opening: Opening) -> dict[str, tuple[str, bytes]]:
    """Return the fields that an entry committed to and that are still so: value and key."""
    kind, _, thing = stream.partition("/")
    if kind not in ("child", "person"):
        return {}
    said = msgspec.json.decode(opening.body)["facts"].get("commitments", {})
    sealed = children.committed(f"{kind.upper()}#{thing}")
    return {
        name: found for name, found in sealed.items() if said.get(name) == commitment_of(*found)
    }


def _previous(leaf: Leaf, opening: Opening, size: int) -> Proof | None:
    before: str = msgspec.json.decode(opening.body).get("before", "")
    number = number_before(before) if ":" in before else None
    if number is None:
        return None
    name = (leaf.name[0], f"{number:012d}")
    place = store.find_places([name]).get(name)
    if place is None or place >= size:
        return None
    return Proof(place, read_shown(before.partition(":")[2]), _path(place, size))


def _path(number: int, size: int) -> tuple[bytes, ...]:
    return tuple(merkle.inclusion(number, size, reader()))
