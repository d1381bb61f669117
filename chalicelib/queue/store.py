"""Rows of the queue: runs with what they read and decided, published ranks, the deadlines' mark.

What is long is packed: parts of a fixed number of items, compressed JSON. A part's key carries the
digest of the whole it belongs to, so a repeated attempt writes the same rows, and one that read
something else writes others.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeVar

import msgspec

from chalicelib.kernel.refusals import OutOfTurn, Unavailable
from chalicelib.queue.rules import (
    LEAVES_IN_A_PAGE,
    Checkpoint,
    Head,
    History,
    Link,
    Listed,
    Money,
    NotThere,
    Open,
    Outcome,
    Place,
    Proof,
    Proved,
    Rank,
    Run,
    RunLine,
    RunStopped,
    Seeker,
    Settled,
    tops_of,
)
from chalicelib.storage import keys, veil
from chalicelib.storage.commit import Check, Delete, Put
from chalicelib.storage.rows import QueueRow
from chalicelib.storage.shelf import Kept, Shelf

T = TypeVar("T")
IN_A_PART = 500  # a part stays far below the 400 KB of a row
IN_A_PAGE = 200  # a family reads one page to learn its place
LEAVES_LEVEL = 10  # a part of leaves is a whole subtree of a run's tree
IN_A_LEAVES_PART = 1 << LEAVES_LEVEL


class RunMoved(Unavailable):
    """Another runner told how far the run is, or somebody stopped it: look again."""


class WrittenAlready(OutOfTurn):
    """This part lies there already, the same to the byte."""

    code = "queue/written-already"


@dataclass(frozen=True, slots=True)
class Packed:
    """A part: compressed JSON, veiled, for it says who of which category stands where.

    packed: the same in base64 alone, as parts were written before.
    """

    veiled: str = ""
    packed: str = ""


@dataclass(frozen=True, slots=True)
class Digests:
    """SHA-256 digests one behind the other, in base64."""

    digests: str


@dataclass(frozen=True, slots=True)
class Gate:
    """A released run may issue while this row stands."""

    run_id: str


@dataclass(frozen=True, slots=True)
class Mark:
    """Reminders of days before `from_day` were all looked at; `swept_on`: the last long look."""

    from_day: date
    swept_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """What a run read besides the queue and the places, for whoever checks it.

    money: of a run by budget; seeds: of the intakes that were drawn; pack_sha256: of the rules to
    the byte, "" of runs before it was written.
    """

    programme: str
    area: str
    academic_year: int
    pack: str
    engine: str
    carry: Mapping[int, int]
    money: Money | None = None
    seeds: Mapping[str, str] = field(default_factory=dict)
    pack_sha256: str = ""


@dataclass(frozen=True, slots=True)
class InputPart:
    """A part of what a run read: the queue first, then the places."""

    seekers: tuple[Seeker, ...] = ()
    places: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class LeafAt:
    """An input leaf of a run: whose ticket, which of what the run read, its digest in base64."""

    ticket: str
    read: int
    digest: str


RUNS: Shelf[Run] = Shelf(QueueRow, Run)
LINES: Shelf[RunLine] = Shelf(QueueRow, RunLine)
OPENS: Shelf[Open] = Shelf(QueueRow, Open)
GATES: Shelf[Gate] = Shelf(QueueRow, Gate)
PARTS: Shelf[Packed] = Shelf(QueueRow, Packed)
HEADS: Shelf[Head] = Shelf(QueueRow, Head)
CHECKPOINTS: Shelf[Checkpoint] = Shelf(QueueRow, Checkpoint)
# How a line of few went forward tells of them.
HISTORIES: Shelf[History] = Shelf(QueueRow, History, veiled=("paces", "scores"))
LINKS: Shelf[Link] = Shelf(QueueRow, Link)
DIGESTS: Shelf[Digests] = Shelf(QueueRow, Digests)
MARKS: Shelf[Mark] = Shelf(QueueRow, Mark)
PROOFS: Shelf[Proof] = Shelf(QueueRow, Proof)
PROVED: Shelf[Proved] = Shelf(QueueRow, Proved)

_OUTCOMES = msgspec.json.Decoder(list[Outcome])
_SETTLED = msgspec.json.Decoder(list[Settled])
_RANKS = msgspec.json.Decoder(list[Rank])
_TOLD = msgspec.json.Decoder(dict[str, tuple[NotThere, ...]])
_LISTED = msgspec.json.Decoder(list[Listed])
_INPUT = msgspec.json.Decoder(InputPart)
_HEAD = msgspec.json.Decoder(Input)
_LEAVES = msgspec.json.Decoder(list[LeafAt])


# --- packing ------------------------------------------------------------------------------------


def digest(value: object) -> str:
    """Return the SHA-256 of a value's canonical JSON."""
    found = hashlib.sha256()
    for piece in _pieces(value):
        found.update(piece)
    return found.hexdigest()


def _pieces(value: object) -> Iterator[bytes]:
    """Yield canonical JSON piece by piece: of a whole city at once it would fill the memory."""
    if isinstance(value, list | tuple) and not (value and isinstance(value[0], str)):
        yield b"["
        for number, one in enumerate(value):
            if number:
                yield b","
            yield from _pieces(one)
        yield b"]"
    else:
        yield msgspec.json.encode(_plain(value), order="deterministic")


# Fields that came later, with what they are where nothing is said. They are left out then, so
# that what was read and decided before keeps its digest and can be checked with this code.
_LATER: Mapping[str, object] = {
    "awaited": 0,
    "direction": None,
    "drawn": True,
    "entered": 0,
    "first_forecast": None,
    "forecast": None,
    "from_group": None,
    "intake": None,
    "leaf": 0,
    "missing_tiyn": None,
    "money": None,
    "moved": None,
    "ordered_at": "",
    "other_ages": 0,
    "own": None,
    "pack_sha256": "",
    "preferred": (),
    "reserved_tiyn": 0,
    "ring": None,
    "seeds": {},
    "sen": False,
    "siblings": (),
    "since": "",
    "step": None,
    "sums": (),
    "together": None,
    "voucher_id": None,
}


def _plain(value: object) -> Any:
    return _as_said(msgspec.to_builtins(value, str_keys=True))


def _as_said(plain: Any) -> Any:
    if isinstance(plain, list | tuple):
        if plain and isinstance(plain[0], str):
            return plain
        return [_as_said(one) for one in plain]
    if isinstance(plain, dict):
        for name in _LATER.keys() & plain.keys():
            if plain[name] == _LATER[name]:
                del plain[name]
        for name, inner in plain.items():
            if isinstance(inner, list | tuple | dict):
                plain[name] = _as_said(inner)
    return plain


def parts_of(items: Sequence[T], size: int) -> list[Sequence[T]]:
    """Return items cut into parts; one empty part for none, so that there is always a first."""
    return [items[start : start + size] for start in range(0, len(items), size)] or [[]]


def _packed(key: tuple[str, str], value: object) -> Packed:
    content = zlib.compress(msgspec.json.encode(_plain(value)), 6)
    return Packed(veil.cover(_place(key), content))


def _opened(kept: Kept[Packed]) -> bytes:
    if kept.value.packed:
        return zlib.decompress(base64.b64decode(kept.value.packed))
    place = _place((kept.pk, kept.sk))
    return zlib.decompress(veil.uncover(place, kept.value.veiled))


def _place(key: tuple[str, str]) -> str:
    return "\x00".join(("part", *key))


def _part(key: tuple[str, str], value: object) -> Put:
    return PARTS.create(key, _packed(key, value), otherwise=WrittenAlready())


# --- runs ---------------------------------------------------------------------------------------


def find_run(run_id: str) -> Kept[Run] | None:
    return RUNS.find(keys.run(run_id))


def load_run(run_id: str) -> Kept[Run]:
    """Return a run. Raises Unknown."""
    return RUNS.load(keys.run(run_id))


def create_run(run: Run) -> Put:
    return RUNS.create(keys.run(run.run_id), run)


def keep_run(kept: Kept[Run], run: Run) -> Put:
    return RUNS.replace(kept, run)


def find_open(programme: str, area: str) -> Kept[Open]:
    """Return an area's gate; nothing under way and nothing carried, at version 0, at first."""
    pk, sk = keys.run_open(programme, area)
    return OPENS.find((pk, sk)) or Kept(Open(), pk, sk, 0, "{}")


def keep_open(kept: Kept[Open], now_open: Open) -> Put:
    if kept.version == 0:
        return OPENS.create((kept.pk, kept.sk), now_open)
    return OPENS.replace(kept, now_open)


def create_line(run: Run, line: RunLine) -> Put:
    return LINES.create(_line_key(run), line)


def load_line(run: Run) -> Kept[RunLine]:
    return LINES.load(_line_key(run))


def keep_line(kept: Kept[RunLine], line: RunLine) -> Put:
    return LINES.replace(kept, line)


def each_line(
    programme: str, area: str, *, before: str | None = None
) -> Iterator[tuple[str, RunLine]]:
    """Yield an area's runs with their positions, newest first, from before a position on."""
    pk = keys.runs(programme, area, "", "")[0]
    # Instants begin with a digit; the area's gate lies behind them in the same partition.
    for kept in LINES.each(pk, upto=before or "9~", newest_first=True):
        if kept.sk != before:
            yield kept.sk, kept.value


def open_gate(run_id: str) -> Put:
    return GATES.create(keys.run_gate(run_id), Gate(run_id))


def shut_gate(run_id: str) -> Delete:
    """Describe the end of issuing; refused if the gate is shut already."""
    row = QueueRow(*keys.run_gate(run_id), version=2)
    return Delete(row, only_if=QueueRow.pk.exists())


def while_open(run_id: str) -> Check:
    """Demand that the run may still issue; RunStopped if not."""
    row = QueueRow(*keys.run_gate(run_id))
    return Check(row, only_if=QueueRow.pk.exists(), otherwise=RunStopped(run_id=run_id))


def while_at(kept: Kept[Run]) -> Check:
    """Demand that the run stands as it was read; RunMoved if not.

    So a runner that fell behind issues nothing another one has passed over.
    """
    row = QueueRow(kept.pk, kept.sk)
    return Check(row, only_if=QueueRow.version == kept.version, otherwise=RunMoved())


def input_parts(
    run_id: str, inputs: str, head: Input, seekers: Sequence[Seeker], places: Sequence[Place]
) -> list[Put]:
    """Describe what a run read: its head, then the queue, then the places."""
    contents: list[object] = [head]
    contents += [InputPart(seekers=tuple(part)) for part in parts_of(seekers, IN_A_PART)]
    contents += [InputPart(places=tuple(part)) for part in parts_of(places, IN_A_PART)]
    named = f"INPUT-{inputs[:12]}"
    return [_part(keys.run_part(run_id, named, n), what) for n, what in enumerate(contents)]


def outcome_parts(run_id: str, inputs: str, outcomes: Sequence[Outcome]) -> list[Put]:
    """Describe what a run decided, in the order of serving."""
    named = f"OUTCOME-{inputs[:12]}"
    return [
        _part(keys.run_part(run_id, named, n), part)
        for n, part in enumerate(parts_of(outcomes, IN_A_PART))
    ]


def result_part(run: Run, settled: Sequence[Settled]) -> Put:
    """Describe what became of a slice of the planned vouchers; its number is where it began."""
    key = keys.run_part(run.run_id, "RESULT", run.done)
    return PARTS.create(key, _packed(key, settled))


def each_outcome(run: Run, *, start: int = 0) -> Iterator[Outcome]:
    """Yield what a run decided in the order of serving, from a number on. A read per part."""
    named = f"OUTCOME-{run.inputs[:12]}"
    for number in range(start // IN_A_PART, run.outcome_parts):
        outcomes = _OUTCOMES.decode(_opened(PARTS.load(keys.run_part(run.run_id, named, number))))
        yield from outcomes[start % IN_A_PART if number == start // IN_A_PART else 0 :]


def each_input(run: Run) -> Iterator[InputPart]:
    """Yield what a run read: the queue, then the places. One query."""
    pk, sk = keys.run_part(run.run_id, _input_of(run), 0)
    for kept in PARTS.each(pk, after=sk, upto=f"{_input_of(run)}#~"):
        yield _INPUT.decode(_opened(kept))


def load_input(run: Run) -> Input:
    """Return what a run read besides the queue and the places. One read."""
    return _HEAD.decode(_opened(PARTS.load(keys.run_part(run.run_id, _input_of(run), 0))))


def told_parts(run: Run, told: Mapping[str, Sequence[NotThere]]) -> list[Put]:
    """Describe why not there, of those who wait no more; told: by application, none without any."""
    pages: dict[int, dict[str, Sequence[NotThere]]] = {}
    for application_id, reasons in told.items():
        pages.setdefault(_told_page(run, application_id), {})[application_id] = reasons
    return [
        _part(keys.run_part(run.run_id, _told_of(run), number), page)
        for number, page in sorted(pages.items())
    ]


def find_told(run: Run, application_id: str) -> tuple[NotThere, ...] | None:
    """Return why not there, of one who waits no more; None where nothing was told. One read."""
    number = _told_page(run, application_id)
    kept = PARTS.find(keys.run_part(run.run_id, _told_of(run), number))
    return _TOLD.decode(_opened(kept)).get(application_id) if kept is not None else None


def _told_of(run: Run) -> str:
    return f"WHY-{run.inputs[:12]}"


def _told_page(run: Run, application_id: str) -> int:
    return keys.shard(application_id, shards=max(1, -(-run.planned // IN_A_PAGE)))


def each_settled(run: Run) -> Iterator[Settled]:
    """Yield what became of the planned vouchers so far. One query."""
    pk, _ = keys.run_part(run.run_id, "RESULT", 0)
    for kept in PARTS.each(pk, begins="RESULT#"):
        yield from _SETTLED.decode(_opened(kept))


# --- what was published of a run ----------------------------------------------------------------


def find_proof(run_id: str) -> Kept[Proof] | None:
    """Return what was published of a run, None before it was. One read."""
    return PROOFS.find(keys.run_proof(run_id))


def load_proof(run_id: str) -> Kept[Proof]:
    """Return what was published of a run. Raises Unknown."""
    return PROOFS.load(keys.run_proof(run_id))


def keep_proof(kept: Kept[Proof], proof: Proof) -> Put:
    return PROOFS.replace(kept, proof)


def create_proof(proof: Proof) -> Put:
    return PROOFS.create(keys.run_proof(proof.run_id), proof)


def create_proved(proof: Proof) -> Put:
    """Describe a run's line among those of its queue whose bundles lie in public."""
    where = keys.proved(proof.programme, proof.area, proof.ended_at, proof.run_id)
    return PROVED.create(where, Proved(proof.run_id, proof.ended_at))


def each_proved(programme: str, area: str) -> Iterator[Proved]:
    """Yield the runs of a queue whose bundles lie in public, by their end. One query."""
    pk, _ = keys.proved(programme, area, "", "")
    return (kept.value for kept in PROVED.each(pk))


def leaves_parts(run_id: str, root: bytes, leaves: Sequence[LeafAt]) -> list[Put]:
    """Describe a run's tree of leaves, whole subtrees to a part."""
    return [
        _part(keys.run_part(run_id, _leaves_of(root), number), part)
        for number, part in enumerate(parts_of(leaves, IN_A_LEAVES_PART))
    ]


def load_leaves(run_id: str, root: bytes, number: int) -> list[LeafAt]:
    """Return a part of a run's leaves, in the order of tickets. One read."""
    key = keys.run_part(run_id, _leaves_of(root), number)
    return _LEAVES.decode(_opened(PARTS.load(key)))


def load_seeker(run: Run, number: int) -> Seeker:
    """Return one of those a run read, by its number. One read."""
    key = keys.run_part(run.run_id, _input_of(run), 1 + number // IN_A_PART)
    return _INPUT.decode(_opened(PARTS.load(key))).seekers[number % IN_A_PART]


def _leaves_of(root: bytes) -> str:
    return f"LEAVES-{root.hex()[:12]}"


def _input_of(run: Run) -> str:
    return f"INPUT-{run.inputs[:12]}"


def _line_key(run: Run) -> tuple[str, str]:
    return keys.runs(run.programme, run.area, run.proposed_at, run.run_id)


# --- published ranks ----------------------------------------------------------------------------


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
        _part(keys.ranks_page(programme, area, series, n), page) for n, page in enumerate(pages)
    ]


def list_pages(programme: str, area: str, series: str, lines: Sequence[Listed]) -> list[Put]:
    """Describe the public order, page by page."""
    return [
        _part(keys.ranks_list(programme, area, series, n), page)
        for n, page in enumerate(parts_of(lines, IN_A_PAGE))
    ]


def find_rank(head: Head, application_id: str) -> Rank | None:
    """Return an application's published rank. One read."""
    number = keys.shard(application_id, shards=head.pages)
    page = PARTS.load(keys.ranks_page(head.programme, head.area, head.series, number))
    ranks = _RANKS.decode(_opened(page))
    return next((one for one in ranks if one.application_id == application_id), None)


def listed_from(head: Head, start: int, limit: int) -> list[Listed]:
    """Return lines of the public order from a number on. One or two reads."""
    lines: list[Listed] = []
    for number in range(start // IN_A_PAGE, head.lists):
        kept = PARTS.load(keys.ranks_list(head.programme, head.area, head.series, number))
        page = _LISTED.decode(_opened(kept))
        lines += page[start % IN_A_PAGE if number == start // IN_A_PAGE else 0 :]
        if len(lines) >= limit:
            break
    return lines[:limit]


def find_ranks(head: Head) -> list[Rank]:
    """Return everybody's rank of a checkpoint. One query."""
    pk, _ = keys.ranks_page(head.programme, head.area, head.series, 0)
    return [one for kept in PARTS.each(pk, begins="PAGE#") for one in _RANKS.decode(_opened(kept))]


def ranks_on(head: Head, page: int) -> list[Rank]:
    """Return the ranks of one page. One read."""
    key = keys.ranks_page(head.programme, head.area, head.series, page)
    return _RANKS.decode(_opened(PARTS.load(key)))


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
        for one in _RANKS.decode(_opened(kept))
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


# --- the chain of checkpoints -------------------------------------------------------------------


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


# --- deadlines ----------------------------------------------------------------------------------


def find_mark() -> Kept[Mark] | None:
    return MARKS.find(keys.due_mark())


def keep_mark(mark: Mark) -> Put:
    """Describe the mark; whichever pass ends last says it, and a lost one costs a longer look."""
    row: Any = MARKS.create(keys.due_mark(), mark).row
    return Put(row)
