"""What proves a run: its bundle for everybody, its own leaf for a family, all for auditors."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from chalicelib.adapters import files
from chalicelib.edge import pages
from chalicelib.edge.routes import Answer, Call
from chalicelib.kernel.refusals import Unknown
from chalicelib.kernel.workdays import CalendarMissing
from chalicelib.queue import actions
from chalicelib.queue.routes.shapes import Cursor, Limit, routes
from chalicelib.queue.rules.bundles import base64_of

_RUNS = "/v1/queue/runs"
# As text within JSON it grows; an answer holds six megabytes.
MOST_BYTES = 4_000_000


class BundleAnswered(Struct, frozen=True):
    """A run's public bundle and the note that signs it.

    file: its name among the published files; bytes, sha256: of the bundle. bundle: its very text,
    None where it is too long for an answer: then read the file.
    """

    run_id: str
    file: str
    bytes: int
    sha256: str
    note: str
    bundle: str | None


class LeafAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Whose leaf: an own application."""

    application_id: Annotated[
        str, Meta(min_length=8, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$(?!\n)")
    ]


class LeafAnswered(Struct, frozen=True):
    """What a run read of a ticket: its number in the tree, the text, the salt in base64."""

    number: int
    text: str
    salt: str


class InputAnswered(Struct, frozen=True):
    """A file for the family: what the run read of its application, and that it did.

    leaf and path lead to the root that the note signs. note: None where the run was over fewer
    than five and nothing of it is public.
    """

    format: str
    note: str | None
    leaf: LeafAnswered
    path: list[str]


class OpeningsAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """A page of a run's openings."""

    limit: Limit = 50
    cursor: Cursor | None = None


class HeadAnswered(Struct, frozen=True):
    """The first line of the openings. whole: the text of the whole bundle, None where too long."""

    format: str
    run_id: str
    whole: str | None


class DecidedAnswered(Struct, frozen=True, rename={"from_group": "from"}):
    """What was decided for a ticket, why, and what became of it.

    passed: groups wished for and not given: group, why, category and ticket of the last who got in.
    """

    category: int
    direction: str | None
    from_group: str | None
    group_id: str | None
    missing_tiyn: int | None
    passed: list[tuple[str, str, int | None, str | None]]
    position: int
    preference: int | None
    reason: str
    ring: int | None
    settled: str
    skipped: str | None
    to: str | None
    turn: int | None
    waiting: list[str]


class OpeningAnswered(Struct, frozen=True):
    """A leaf opened: what the run read of a ticket, and what it decided."""

    outcome: DecidedAnswered
    salt: str
    text: str
    ticket: str


class OpeningsAnswered(Struct, frozen=True):
    """A page of openings in the order of serving; the first page has the head."""

    head: HeadAnswered | None
    openings: list[OpeningAnswered]
    cursor: str | None = None


@routes.get(
    "/runs/{run_id}/bundle",
    action="queue/read-bundle",
    answers=BundleAnswered,
    refuses=(Unknown, actions.NotProved),
)
def read_bundle(call: Call[None], run_id: str) -> Answer:
    """Read what a run proves to everybody: what it read as digests, the places, who got what."""
    proof = actions.proof_of(run_id)
    assert proof.bundle is not None and proof.note is not None
    name = f"{proof.folder}/bundle.json"
    text: str | None = None
    if proof.length <= MOST_BYTES:
        content = files.published(name)
        if content is None:
            raise actions.NotProved(run_id=run_id)
        text = content.decode()
    answer = BundleAnswered(run_id, name, proof.length, proof.bundle, proof.note, text)
    # Once published it never changes.
    return Answer(answer, headers={"Cache-Control": "public, max-age=31536000, immutable"})


@routes.get(
    "/runs/{run_id}/leaf",
    action="queue/open-leaf",
    query=LeafAsked,
    answers=InputAnswered,
    refuses=(Unknown, CalendarMissing, actions.NotProved),
)
def open_leaf(call: Call[None], run_id: str) -> InputAnswered:
    """Get what a run read of an own application, with the proof that the run read just this."""
    asked: LeafAsked = call.query
    found = actions.leaf_of(run_id, asked.application_id, by=call.actor, now=call.now)
    leaf = LeafAnswered(found.leaf.number, found.leaf.text, base64_of(found.leaf.salt))
    return InputAnswered("kezek/input/1", found.note, leaf, [base64_of(h) for h in found.path])


@routes.get(
    "/runs/{run_id}/openings",
    action="queue/open-run",
    query=OpeningsAsked,
    answers=OpeningsAnswered,
    refuses=(Unknown, pages.BadCursor, actions.NotProved),
)
def open_run(call: Call[None], run_id: str) -> OpeningsAnswered:
    """Open all that a run read and decided, ticket by ticket; each child looked at is recorded."""
    asked: OpeningsAsked = call.query
    of = f"{_RUNS}/{run_id}/openings"
    lines, position = actions.openings(
        run_id,
        by=call.actor,
        position=pages.position(asked.cursor, of=of) if asked.cursor else None,
        limit=asked.limit,
    )
    head: HeadAnswered | None = None
    if lines and "whole" in lines[0]:
        head = _head(lines.pop(0))
    return OpeningsAnswered(
        head=head,
        openings=msgspec.convert(lines, list[OpeningAnswered]),
        cursor=pages.cursor(position, of=of) if position else None,
    )


def _head(line: dict[str, Any]) -> HeadAnswered:
    whole: str = line["whole"]
    short = len(whole.encode()) <= MOST_BYTES
    return HeadAnswered(line["format"], line["run_id"], whole if short else None)
