"""What a checkpoint publishes so that nobody has to believe it: leaves, files, the signed note.

    leaf    one ticket with its place; a digest in public, opened by the ticket's salt
    order   the public lines, as one file
    note    the tree's size and root, the order's digest, and the note before: a chain

A leaf says the checkpoint's number, so that no digest is ever the same twice: a digest that stays
while its neighbours change would tell which tickets share a category that is not shown apart.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from chalicelib.kernel import merkle
from chalicelib.kernel.notes import signed_text
from chalicelib.kernel.refusals import OutOfTurn, Unavailable
from chalicelib.queue.rules.cells import CELL_LEAST, Cell
from chalicelib.queue.rules.ranks import Head, Listed, Rank

LEAVES_LEAST = CELL_LEAST  # fewer are filled up with blank ones
PAGE_HEIGHT = 9
LEAVES_IN_A_PAGE = 1 << PAGE_HEIGHT
PLACE = "kezek/place/1"
_LEAF = b"kezek/queue/1\n"


class NoCheckpoint(OutOfTurn):
    """Nothing of this queue is published yet; this evening it will be."""

    code = "queue/no-checkpoint"


class NotInCheckpoint(OutOfTurn):
    """The application did not wait in the queue as it was published then."""

    code = "queue/not-in-checkpoint"


class BehindPublished(Unavailable):
    """The tables know less than what is published: a person has to look before it goes on."""

    code = "queue/behind-published"


@dataclass(frozen=True, slots=True)
class Link:
    """A checkpoint of a queue's chain, by its number; series, pages: where its ranks lie."""

    number: int
    checkpoint_id: str
    as_of: str
    size: int
    run_id: str | None = None
    series: str = ""
    pages: int = 0


def canonical(value: object) -> bytes:
    """Return a value as canonical JSON: sorted keys, no spaces, UTF-8."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def shown(content: bytes) -> str:
    """Return bytes as they stand in notes and files: base64 with padding."""
    return base64.b64encode(content).decode()


# --- leaves -------------------------------------------------------------------------------------


def leaf_text(rank: Rank, number: int) -> bytes:
    """Return what a ticket's leaf says in the checkpoint of a number; place 0 before the draw."""
    return canonical(
        {
            "category": rank.category,
            "intake": rank.intake,
            "number": number,
            "ordered_at": rank.ordered_at,
            "place": rank.place if rank.drawn else 0,
            "ticket": rank.ticket,
        }
    )


def leaf_digest(text: bytes, salt: bytes) -> bytes:
    """Return the digest that stands for a leaf in public."""
    return hashlib.sha256(_LEAF + salt + text).digest()


def blank_digest(salt: bytes) -> bytes:
    """Return a digest that stands for no ticket and looks like one."""
    return hashlib.sha256(_LEAF + salt).digest()


def blanks_for(leaves: int) -> int:
    """Return how many blank leaves hide how few wait."""
    return max(0, LEAVES_LEAST - leaves)


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Return the root of the tree over leaves."""
    return merkle.root_of(len(leaves), merkle.fetching(merkle.whole(leaves)))


def tops_of(pages: Iterable[Sequence[bytes]]) -> list[bytes]:
    """Return the roots of the whole pages, from which all above them is made."""
    return [merkle.whole(page)[PAGE_HEIGHT][0] for page in pages if len(page) == LEAVES_IN_A_PAGE]


# --- files --------------------------------------------------------------------------------------


def order_file(number: int, as_of: str, cells: Sequence[Cell], lines: Iterable[Listed]) -> bytes:
    """Return the public order as a file; line i belongs to leaf i."""
    return canonical(
        {
            "as_of": as_of,
            "cells": [{"categories": list(c.categories), "waiting": c.waiting} for c in cells],
            "lines": [
                {
                    "cell": line.cell,
                    "intake": line.intake,
                    "place": line.place or None,
                    "ticket": line.ticket,
                }
                for line in lines
            ],
            "number": number,
        }
    )


def leaves_file(leaves: Iterable[bytes]) -> bytes:
    """Return the leaves as a file: one digest a line."""
    return "".join(f"{shown(leaf)}\n" for leaf in leaves).encode()


def index_file(
    programme: str, area: str, links: Iterable[Link], runs: Iterable[tuple[str, str]]
) -> bytes:
    """Return what there is of a queue: its checkpoints in order, its runs by their end."""
    return canonical(
        {
            "area": area,
            "checkpoints": [
                {"as_of": link.as_of, "number": link.number, "run": link.run_id, "size": link.size}
                for link in links
            ],
            "programme": programme,
            "runs": [{"ended_at": ended_at, "run_id": run_id} for run_id, ended_at in runs],
        }
    )


def last_in(index: bytes | None) -> int:
    """Return the number of the last checkpoint that an index names; 0 for none or no index."""
    if index is None:
        return 0
    try:
        named = json.loads(index)["checkpoints"]
        return int(named[-1]["number"]) if named else 0
    except (ValueError, KeyError, TypeError, IndexError):
        return 0


def last_published(programme: str, area: str, read: Callable[[str], bytes | None]) -> int:
    """Return the number of the last checkpoint that lies in public; 0 for none.

    read: a public file as it lies there, None where there is none. The index comes last and may
    lack a number whose note lies there already.
    """
    last = last_in(read(f"{folder_of(programme, area)}/index.json"))
    while read(f"{folder_of(programme, area, last + 1)}/note") is not None:
        last += 1
    return last


def folder_of(programme: str, area: str, number: int | None = None) -> str:
    """Return where the files of a queue lie, or those of one of its checkpoints."""
    folder = f"queue/{programme}/{area}"
    return folder if number is None else f"{folder}/{number}"


# --- the note -----------------------------------------------------------------------------------


def note_text(head: Head, *, title: str, order: bytes, previous: str | None) -> str:
    """Return what is signed of a checkpoint.

    title: the first line, unlike that of any other kind of note; order: the file of the public
    order; previous: the signed note of the checkpoint before.
    """
    lines = (
        title,
        str(head.size),
        head.root,
        f"number {head.number}",
        f"as-of {head.as_of}",
        f"order {digest_of(order)}",
        f"pack {head.pack}",
        f"run {head.run_id or '-'}",
        f"previous {note_digest(previous) if previous else '-'}",
    )
    return "".join(f"{line}\n" for line in lines)


def digest_of(content: bytes) -> str:
    """Return the SHA-256 of a file, in base64."""
    return shown(hashlib.sha256(content).digest())


def note_digest(note: str) -> str:
    """Return the SHA-256 of what a note's signatures stand for, in base64."""
    return digest_of(signed_text(note).encode())


def said_in(note: str, word: str) -> str | None:
    """Return what a note's text says behind a word; None for "-" or where the word is missing."""
    for line in signed_text(note).split("\n")[3:]:
        name, _, value = line.partition(" ")
        if name == word:
            return None if value == "-" else value
    return None


# --- a family's proof ---------------------------------------------------------------------------


def place_proof(
    note: str, *, number: int, text: bytes, salt: bytes, path: Iterable[bytes]
) -> dict[str, object]:
    """Return the file with which a family shows its place; number: of the leaf, from 0."""
    return {
        "format": PLACE,
        "leaf": {"number": number, "salt": shown(salt), "text": text.decode()},
        "note": note,
        "path": [shown(one) for one in path],
    }
