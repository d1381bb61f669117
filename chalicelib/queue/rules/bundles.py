"""What is published of a run, so that anybody can check it, and what only auditors are given.

    leaves    what a run read of each ticket: a digest in public, opened by its salt
    rows      what became of each ticket
    bundle    both, with places, rules, seeds and counts, as canonical JSON
    openings  what an auditor gets beside: each leaf's text and salt, and the reasons

There are two bundles of a run. The *whole* one is the auditor's. The public one hides what would
tell a protected status of whoever's ticket one knows:

- the turn carried to the next run, where it shows the tier of a category too small to stand apart;
- groups that only children with a status go to: they are joined with ordinary ones into one pool;
- what a budget had left, because a voucher for special needs takes another sum.

It names the digest of the whole one, which has a salt, so that what is hidden cannot be tried out.
Where fewer than five applied there is no public bundle at all.

Everything here follows from the run alone: made twice, it is the same to the byte.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.applications.rules import Intake
from chalicelib.kernel import merkle
from chalicelib.queue.rules.cells import CELL_LEAST, Cell
from chalicelib.queue.rules.engine import Outcome
from chalicelib.queue.rules.funding import Money
from chalicelib.queue.rules.groups import Place
from chalicelib.queue.rules.order import Order, Seeker
from chalicelib.queue.rules.runs import Run, Settled

POOL = "pool"
FEW = CELL_LEAST  # a run over fewer tickets is not published, and no count of 1 to 4 is
PASSED = "passed-over"  # why is not known: the run was stopped in the same part
COVER = 4  # ordinary tickets in the pool for each that a status brought there
_LEAF = b"kezek/run/1\n"

Salts = Callable[[str], bytes]  # of an application
Row = dict[str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a bundle says that the run's own rows do not: fixed when it is first made.

    pack_sha256: of the rules it went by. checkpoint: number and digest of the queue's newest
    published order when the run was drafted. previous: digest of the bundle before. salt: of the
    whole bundle. hidden: cohorts whose turn was hidden in the bundle before. season: what chooses
    the groups that cover, the same in every run of an academic year; pooled: groups that the public
    saw as one in it before. ordinary: the kind of group that tells nothing, None where no group
    does.
    """

    pack_sha256: str
    salt: bytes
    checkpoint: tuple[int, str] | None = None
    previous: str | None = None
    hidden: frozenset[int] = frozenset()
    season: str = ""
    pooled: frozenset[str] = frozenset()
    ordinary: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What a run read and decided, and what became of it, as it is stored.

    seekers: in the order they are stored; settled: by application; intakes: those with seeds.
    cells: categories as the public sees them.
    """

    run: Run
    order: Order
    carry: Mapping[int, int]
    money: Money | None
    seekers: Sequence[Seeker]
    places: Sequence[Place]
    outcomes: Sequence[Outcome]
    settled: Mapping[str, Settled]
    intakes: Sequence[Intake]
    cells: Sequence[Cell]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What was published of a run, fixed before any file is written.

    root, bundle, whole, previous: digests in base64; bundle is None where the run is the auditor's
    alone, previous that of the queue's last public bundle before. length: of the public one, in
    bytes. note: signed. hidden_before, hidden: cohorts whose turn is not public before and after
    the run. pooled: groups that the public sees as one from then on in the season; pooled_before:
    how many of them, the first ones, it saw so before. tops: hashes of the leaves' whole parts,
    firsts: the first ticket of every part.
    checkpoint: number and digest of the published order that the run came after. saved: whether
    the files surely lie in their place; handed: how often all openings left for an auditor at once.
    """

    run_id: str
    programme: str
    area: str
    ended_at: str
    size: int
    root: str
    bundle: str | None
    length: int
    whole: str
    note: str | None
    previous: str | None
    pack_sha256: str
    checkpoint: tuple[int, str] | None = None
    hidden_before: tuple[int, ...] = ()
    hidden: tuple[int, ...] = ()
    season: str = ""
    pooled: tuple[str, ...] = ()
    pooled_before: int = 0
    tops: tuple[str, ...] = ()
    firsts: tuple[str, ...] = ()
    saved: bool = False
    handed: int = 0

    @property
    def newest(self) -> str | None:
        """Return the digest that the next bundle is chained to."""
        return self.bundle or self.previous

    @property
    def folder(self) -> str:
        """Return where the public files lie."""
        return f"queue/{self.programme}/{self.area}/runs/{self.run_id}"


@dataclass(frozen=True, slots=True)
class Proved:
    """A line of a queue's runs: whose bundle lies in public, and when the run ended."""

    run_id: str
    ended_at: str


@dataclass(frozen=True, slots=True)
class Leaf:
    """What a run read of one ticket; number: among the tree's leaves, in the order of tickets."""

    ticket: str
    number: int
    text: str
    salt: bytes
    digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A run's bundles as bytes; public is None where it is not published.

    leaves: in the order of tickets. hidden: cohorts whose turn the public one does not say. pooled:
    groups that the public sees as one from now on, this academic year.
    """

    public: bytes | None
    whole: bytes
    leaves: tuple[Leaf, ...]
    hidden: frozenset[int]
    pooled: frozenset[str]

    @property
    def root(self) -> bytes:
        return merkle.grow(merkle.Head(), [leaf.digest for leaf in self.leaves]).head.root


def canonical(content: object) -> bytes:
    """Return JSON with sorted keys and nothing between, the same for the same content."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def base64_of(content: bytes) -> str:
    return base64.b64encode(content).decode()


def digest_of(content: bytes) -> str:
    """Return a SHA-256 as bundles write it."""
    return base64_of(hashlib.sha256(content).digest())


# --- leaves -------------------------------------------------------------------------------------


def leaf_text(seeker: Seeker, labels: Mapping[str, str], run_id: str) -> str:
    """Return what a run read of a ticket; labels: of the batches, by their ids.

    The run stands in it, so that no digest tells that two runs read the same.
    """
    return canonical(
        {
            "age": seeker.age,
            "batch": None if seeker.batch_id is None else labels[seeker.batch_id],
            "batch_size": seeker.batch_size,
            "cohort": seeker.cohort,
            "intake": seeker.intake,
            "kind": seeker.kind,
            "language": seeker.language,
            "ordered_at": seeker.ordered_at,
            "out_of_age": seeker.out_of_age,
            "own": seeker.own,
            "preferences": list(seeker.preferences),
            "run": run_id,
            "sen": seeker.sen,
            "siblings": list(seeker.siblings),
            "since": seeker.since,
            "ticket": seeker.ticket,
            "tier": seeker.tier,
        }
    ).decode()


def leaf_digest(salt: bytes, text: str) -> bytes:
    """Return the digest that stands in the tree for an input leaf."""
    return hashlib.sha256(_LEAF + salt + text.encode()).digest()


def path_in_parts(
    number: int,
    size: int,
    *,
    level: int,
    tops: Sequence[bytes],
    load: Callable[[int], Sequence[bytes]],
) -> tuple[bytes, ...]:
    """Return the path from a leaf to the root of a tree whose leaves lie in parts.

    level: of a whole part's top, which covers 2^level leaves; tops: of the whole parts; load: the
    digests of a part, asked for the leaf's own and, where it is another, the last.
    """
    parts: dict[int, list[list[bytes]]] = {}

    def fetch(height: int, at: int) -> bytes:
        if height >= level:
            row = list(tops[at << height - level : (at + 1) << height - level])
            while len(row) > 1:
                row = [merkle.node_hash(row[n], row[n + 1]) for n in range(0, len(row), 2)]
            return row[0]
        part = at >> level - height
        if part not in parts:
            parts[part] = merkle.whole(load(part))
        return parts[part][height][at - (part << level - height)]

    return tuple(merkle.inclusion(number, size, fetch))


def batch_labels(outcomes: Iterable[Outcome]) -> dict[str, str]:
    """Return b1, b2… by batch, in the order of serving: ids that a family chose stay out."""
    ids = dict.fromkeys(o.batch_id for o in outcomes if o.batch_id is not None)
    return {batch_id: f"b{number}" for number, batch_id in enumerate(ids, 1)}


def leaves_of(read: Read, salts: Salts) -> tuple[Leaf, ...]:
    """Return the input leaves in the order of tickets."""
    labels = batch_labels(read.outcomes)
    leaves = []
    for number, seeker in enumerate(sorted(read.seekers, key=lambda one: one.ticket)):
        salt = salts(seeker.application_id)
        text = leaf_text(seeker, labels, read.run.run_id)
        leaves.append(Leaf(seeker.ticket, number, text, salt, leaf_digest(salt, text)))
    return tuple(leaves)


# --- what became of each ticket -----------------------------------------------------------------


def settled_of(outcomes: Sequence[Outcome], told: Iterable[Settled]) -> dict[str, Settled]:
    """Return what became of the planned ones, by application.

    told: as it is stored. A stop counts what was issued and nothing else; but the plan is gone
    through in order, so whoever stands before somebody who got a place had the turn, and was passed
    over.
    """
    found = {one.application_id: one for one in told}
    last = max((n for n, o in enumerate(outcomes) if o.application_id in found), default=0)
    for outcome in outcomes[:last]:
        if outcome.gets or outcome.moves:
            passed = Settled(outcome.application_id, skipped=PASSED)
            found.setdefault(outcome.application_id, passed)
    return found


def row_of(outcome: Outcome, settled: Settled | None) -> Row:
    """Return what became of a ticket.

    group_id: what was planned; from: the seat a holder had; to: the one it has now. A stop voids
    what was not settled by then.
    """
    planned = outcome.gets or outcome.moves
    row: Row = {
        "from": outcome.from_group,
        "group_id": outcome.group_id,
        "settled": "none" if outcome.from_group is None else "stays",
        "ticket": outcome.ticket,
        "to": outcome.from_group,
    }
    if not planned:
        return row
    if settled is None:
        return row | {"settled": "void"}
    if settled.skipped is not None:
        return row | {"settled": "passed"}
    done = outcome.reason if outcome.moves and outcome.reason == "swapped" else "moved"
    return row | {
        "settled": done if outcome.moves else "issued",
        "to": settled.group_id,
    }


def rows_of(read: Read) -> list[Row]:
    """Return what became of each ticket, in the order of tickets."""
    rows = [row_of(o, read.settled.get(o.application_id)) for o in read.outcomes]
    return sorted(rows, key=lambda row: row["ticket"] or "")


# --- bundles ------------------------------------------------------------------------------------


def bundle_of(read: Read, known: Known, salts: Salts) -> Bundle:
    """Return a run's bundles."""
    leaves, rows = leaves_of(read, salts), rows_of(read)
    whole = _whole(read, known, leaves, rows)
    text = canonical(whole)
    hidden_before, hidden_after = _hidden_turns(read, known)
    if len(leaves) < FEW:
        hidden = known.hidden | hidden_after
        return Bundle(public=None, whole=text, leaves=leaves, hidden=hidden, pooled=known.pooled)
    public = {name: value for name, value in whole.items() if name != "salt"}
    public["whole"] = digest_of(text)
    public["carry_before"] = _turns(read.carry, hidden_before)
    public["carry_after"] = _turns(read.run.carry_after, hidden_after)
    if read.money is not None:
        public["money"] = _money(read.money, shown=False)
    pooled = pool_of(
        read.places,
        rows,
        ordinary=known.ordinary,
        pooled=known.pooled,
        season=known.season or read.run.run_id,
    )
    if pooled:
        public["places"] = _pooled_places(read.places, pooled)
        public["outcomes"] = [_pooled_row(row, pooled) for row in rows]
    return Bundle(
        public=canonical(public),
        whole=text,
        leaves=leaves,
        hidden=hidden_after,
        pooled=known.pooled | pooled,
    )


def note_text(bundle: Bundle, run: Run, *, title: str, previous: str | None) -> str:
    """Return what is signed of a run's public bundle.

    title: the first line, unlike that of any other kind of note; previous: digest of the bundle
    before.
    """
    assert bundle.public is not None
    return "".join(
        f"{line}\n"
        for line in (
            title,
            len(bundle.leaves),
            base64_of(bundle.root),
            f"run {run.run_id}",
            f"bundle {digest_of(bundle.public)}",
            f"previous {previous or '-'}",
        )
    )


def _whole(read: Read, known: Known, leaves: Sequence[Leaf], rows: Sequence[Row]) -> dict[str, Any]:
    run, order = read.run, read.order
    return {
        "format": "kezek/run/1",
        "run_id": run.run_id,
        "programme": run.programme,
        "area": run.area,
        "academic_year": run.academic_year,
        "pack": run.pack,
        "pack_sha256": known.pack_sha256,
        "engine": run.engine,
        "state": run.state,
        "mode": run.mode,
        "proposed_at": run.proposed_at,
        "released_at": run.released_at,
        "ended_at": run.ended_at,
        "order": {
            "ages_apart": order.ages_apart,
            "categories": [[*key, number] for key, number in sorted(order.categories.items())],
            "first_count": order.first_count,
            "lanes": [{"cohort": lane.cohort, "tiers": list(lane.tiers)} for lane in order.lanes],
            "movers": order.movers,
            "reading": order.reading,
            "reserve_per_mille": order.reserve_per_mille,
            "siblings_first": order.siblings_first,
            "swaps": order.swaps,
            "then_count": order.then_count,
            "tiers": list(order.tiers),
            "waiting_lists_max": order.waiting_lists_max,
        },
        "seeds": [
            {"intake": intake, "seed": seed, "source": _source(intake, read.intakes)}
            for intake, seed in sorted(order.seeds.items())
        ],
        "carry_before": _turns(read.carry, frozenset()),
        "carry_after": _turns(run.carry_after, frozenset()),
        "money": None if read.money is None else _money(read.money, shown=True),
        "places": [_place(place) for place in sorted(read.places, key=lambda one: one.group_id)],
        "leaves": [base64_of(leaf.digest) for leaf in leaves],
        "outcomes": list(rows),
        "cells": _cells(read),
        "checkpoint": known.checkpoint
        and {"note": known.checkpoint[1], "number": known.checkpoint[0]},
        "previous": known.previous,
        "salt": base64_of(known.salt),
    }


def _source(intake_id: str, intakes: Sequence[Intake]) -> dict[str, Any] | None:
    """Return where a seed came from: what was announced before anybody applied, and what came."""
    intake = next((one for one in intakes if one.intake_id == intake_id), None)
    if intake is None:
        return None
    return {
        "announced_at": intake.announced_at,
        "beacon": intake.beacon,
        "beacon_at": intake.beacon_at,
        "beacon_url": intake.beacon_url,
        "closes_at": intake.closes_at,
        "opens_at": intake.opens_at,
        "round": intake.round,
        "round_at": intake.round_at,
        "signature": intake.signature,
    }


def _money(money: Money, *, shown: bool) -> dict[str, Any]:
    return {
        "first": money.first,
        "last": money.last,
        "month_tiyn": money.month_tiyn,
        "pots": [
            {"direction": pot.direction, "free_tiyn": pot.free_tiyn if shown else None}
            for pot in money.pots
        ],
        "sen_month_tiyn": money.sen_month_tiyn,
    }


def _place(place: Place) -> dict[str, Any]:
    return {
        "age_from": place.age_from,
        "age_to": place.age_to,
        "awaited": place.awaited,
        "free": place.free,
        "group_id": place.group_id,
        "kind": place.kind,
        "language": place.language,
    }


def _cells(read: Read) -> list[dict[str, Any]]:
    """Return how many waited and got a voucher, by cell.

    One number of 1 to 4, given or left over, hides them all: who counts what is left of the sum
    finds no single one.
    """
    given: dict[int, int] = {}
    for outcome in read.outcomes:
        settled = read.settled.get(outcome.application_id)
        if outcome.gets and settled is not None and settled.skipped is None:
            given[outcome.category] = given.get(outcome.category, 0) + 1
    counts = [sum(given.get(number, 0) for number in cell.categories) for cell in read.cells]
    small = any(
        0 < count < FEW or 0 < cell.waiting - count < FEW
        for cell, count in zip(read.cells, counts, strict=True)
    )
    return [
        {
            "categories": list(cell.categories),
            "vouchers": None if small else count,
            "waiting": cell.waiting,
        }
        for cell, count in zip(read.cells, counts, strict=True)
    ]


# --- what is hidden -----------------------------------------------------------------------------


def _turns(carry: Mapping[int, int], hidden: frozenset[int]) -> dict[str, int]:
    return {str(cohort): turn for cohort, turn in carry.items() if cohort not in hidden}


def _hidden_turns(read: Read, known: Known) -> tuple[frozenset[int], frozenset[int]]:
    """Return the cohorts whose turn is not said, before the run and after it.

    A turn tells the tier of the last one admitted. Where both tiers of a line stand apart in
    public, that is told anyway. What was hidden stays so until somebody else was admitted.
    """
    alone = {cell.categories[0] for cell in read.cells if len(cell.categories) == 1}
    merged = {lane.cohort: lane for lane in read.order.lanes if len(lane.tiers) > 1}
    small = {
        cohort
        for cohort, lane in merged.items()
        if any(read.order.categories[tier, cohort] not in alone for tier in lane.tiers)
    }
    admitted = {
        outcome.cohort
        for outcome in read.outcomes
        if outcome.turn is not None
        and outcome.gets
        and (settled := read.settled.get(outcome.application_id)) is not None
        and settled.skipped is None
    }
    before = frozenset(small | known.hidden)
    return before, frozenset(small | (known.hidden - admitted))


def season_of(run: Run) -> str:
    """Return what chooses the groups that cover: the same in every run of an academic year."""
    return f"{run.programme}/{run.area}/{run.academic_year}"


def pool_of(
    places: Sequence[Place],
    rows: Sequence[Row],
    *,
    ordinary: str | None,
    pooled: frozenset[str] = frozenset(),
    season: str,
) -> frozenset[str]:
    """Return the groups that the public sees as one; empty where no group tells anything.

    Those of other kinds than the ordinary one, and as many ordinary ones as it takes that for each
    ticket in a telling group there are several in groups that tell nothing. Which ones, a hash
    says; all of them where they are few. A holder's group that the run did not know may tell, too.

    pooled: what was joined earlier this academic year stays so, first of all that covers: a ticket
    that stands in the pool in every run of the year is then no more likely one of a telling group
    than any other that sits where it did. season: what the hash goes by, one for the year.
    """
    if ordinary is None:
        return frozenset()
    known = {place.group_id for place in places}
    telling = {place.group_id for place in places if place.kind != ordinary}
    telling |= {row["from"] for row in rows if row["from"] is not None} - known
    if not telling and pooled.isdisjoint(known):
        return frozenset()

    def seen(groups: Collection[str]) -> list[int]:
        """Count the tickets that each column shows in some groups."""
        return [sum(row[name] in groups for row in rows) for name in columns]

    columns = ("from", "group_id", "to")
    wanted = [COVER * count for count in seen(telling)]
    others = sorted(
        (place.group_id for place in places if place.kind == ordinary),
        key=lambda group_id: hashlib.sha256(f"{season}\n{group_id}".encode()).digest(),
    )
    cover = {group_id for group_id in others if group_id in pooled}
    covered = seen(cover)
    touching = {group_id: [0, 0, 0] for group_id in others}
    for row in rows:
        for number, name in enumerate(columns):
            if row[name] in touching:
                touching[row[name] or ""][number] += 1
    for group_id in others:
        if all(have >= want for have, want in zip(covered, wanted, strict=True)):
            break
        if group_id not in cover:
            cover.add(group_id)
            covered = [x + y for x, y in zip(covered, touching[group_id], strict=True)]
    return frozenset(telling | cover | pooled)


def _pooled_places(places: Sequence[Place], pooled: frozenset[str]) -> list[dict[str, Any]]:
    inside = [place for place in places if place.group_id in pooled]
    joined = {
        "age_from": min((place.age_from for place in inside), default=0),
        "age_to": max((place.age_to for place in inside), default=0),
        "awaited": sum(place.awaited for place in inside),
        "free": sum(place.free for place in inside),
        "group_id": POOL,
        "kind": "*",
        "language": "*",
    }
    apart = [_place(place) for place in places if place.group_id not in pooled]
    return sorted([*apart, joined], key=lambda one: str(one["group_id"]))


def _pooled_row(row: Row, pooled: frozenset[str]) -> Row:
    return {
        name: POOL if name != "ticket" and value in pooled else value for name, value in row.items()
    }


# --- openings -----------------------------------------------------------------------------------


def openings_head(run_id: str, whole: bytes) -> dict[str, Any]:
    """Return the first line of an auditor's openings: the whole bundle, to the byte."""
    return {"format": "kezek/openings/1", "run_id": run_id, "whole": whole.decode()}


def opening_of(outcome: Outcome, settled: Settled | None, leaf: Leaf) -> dict[str, Any]:
    """Return a ticket's leaf opened, with what was decided for it and why."""
    row = row_of(outcome, settled)
    return {
        "outcome": {
            "category": outcome.category,
            "direction": outcome.direction,
            "from": outcome.from_group,
            "group_id": outcome.group_id,
            "missing_tiyn": outcome.missing_tiyn,
            "passed": [
                [one.group_id, one.why, one.last_category, one.last_ticket]
                for one in outcome.passed
            ],
            "position": outcome.position,
            "preference": outcome.preference,
            "reason": outcome.reason,
            "ring": outcome.ring,
            "settled": row["settled"],
            "skipped": settled.skipped if settled is not None else None,
            "to": row["to"],
            "turn": outcome.turn,
            "waiting": list(outcome.waiting),
        },
        "salt": base64_of(leaf.salt),
        "text": leaf.text,
        "ticket": outcome.ticket,
    }
