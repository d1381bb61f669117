"""Small published worlds, written from the text of the formats and from nothing of Kezek's.

A world is plain data: children, places, rules, what was decided, which orders were published. It
may be changed before it is written (an operator who cheats and signs it) or after (somebody who
edits files). `decide` is the law once more, as slowly and plainly as can be.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KEY_NAME = "kezek/test/record"
SEED = b"seed of the worlds of the tests!"
OTHER_SEED = b"seed that nobody ever published!"


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def sha(raw: bytes) -> bytes:
    return hashlib.sha256(raw).digest()


def canonical(said: object) -> str:
    return json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def salt_of(ticket: str) -> bytes:
    return sha(f"salt of {ticket}".encode())[:16]


# --- notes and trees ----------------------------------------------------------------------------


def public_key(seed: bytes = SEED) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def key_line(seed: bytes = SEED, name: str = KEY_NAME) -> str:
    raw = b"\x01" + public_key(seed)
    number = sha(name.encode() + b"\n" + raw)[:4].hex()
    return f"{name}+{number}+{b64(raw)}\n"


def signed(text: str, seed: bytes = SEED, name: str = KEY_NAME) -> str:
    signature = Ed25519PrivateKey.from_private_bytes(seed).sign(text.encode())
    number = sha(name.encode() + b"\n\x01" + public_key(seed))[:4]
    return f"{text}\n— {name} {b64(number + signature)}\n"


def root_and_paths(leaves: list[bytes]) -> tuple[bytes, list[list[bytes]]]:
    """Return the root of RFC 6962 and each leaf's path, by the definition's recursion."""
    if len(leaves) == 1:
        return sha(b"\x00" + leaves[0]), [[]]
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    left, left_paths = root_and_paths(leaves[:half])
    right, right_paths = root_and_paths(leaves[half:])
    paths = [[*path, right] for path in left_paths] + [[*path, left] for path in right_paths]
    return sha(b"\x01" + left + right), paths


# --- a queue ------------------------------------------------------------------------------------


@dataclass
class Checkpoint:
    """One published order. What is None follows from the rest."""

    as_of: str
    cells: list[dict[str, Any]]
    lines: list[dict[str, Any]]
    leaves: list[tuple[str, bytes]]  # text and salt; an empty text is a blank leaf
    run: str | None = None
    seed: bytes = SEED
    previous: str | None = None  # None: as it should be
    number: int | None = None
    size: int | None = None
    root: bytes | None = None


def a_line(ticket: str, cell: int, place: int | None, intake: str | None = None) -> dict[str, Any]:
    return {"cell": cell, "intake": intake, "place": place, "ticket": ticket}


def leaf_text(
    ticket: str, category: int, place: int, at: str, intake: str | None = None, number: int = 1
) -> str:
    return canonical(
        {
            "category": category,
            "intake": intake,
            "number": number,
            "ordered_at": at,
            "place": place,
            "ticket": ticket,
        }
    )


def queue_digest(text: str, salt: bytes) -> bytes:
    return sha(b"kezek/queue/1\n" + salt + text.encode()) if text else salt * 2


# --- a run --------------------------------------------------------------------------------------


@dataclass(eq=False)
class Applicant:
    """One leaf of a run, and what the run says that it decided."""

    ticket: str
    tier: str = "general"
    cohort: int = 2022
    age: int = 4
    ordered_at: str = "2026-07-01T09:00:00.000000Z"
    language: str = "kk"
    kind: str = "general"
    preferences: list[str] = field(default_factory=list)
    batch: str | None = None
    batch_size: int | None = None
    intake: str | None = None
    out_of_age: str | None = None
    own: str | None = None
    sen: bool = False
    siblings: list[str] = field(default_factory=list)
    since: str = ""
    # What was decided: position, turn, where, what came of it; `text` stands for the leaf's text.
    position: int = 0
    turn: int | None = None
    group_id: str | None = None
    to: str | None = None
    settled: str = "none"
    reason: str = ""
    preference: int | None = None
    waiting: list[str] = field(default_factory=list)
    passed: list[list[Any]] = field(default_factory=list)
    salt: bytes | None = None
    text: str | None = None
    opened_text: str | None = None
    opened_salt: bytes | None = None
    skipped: str | None = None
    category: int | None = None
    missing_tiyn: int | None = None
    held: str | None = None  # what the bundle says as `from`, where that is not `own`
    told: dict[str, Any] = field(default_factory=dict)  # what replaces parts of the opened outcome

    def leaf(self, run_id: str) -> str:
        names = (
            *("age", "batch", "batch_size", "cohort", "intake", "kind", "language", "ordered_at"),
            *("out_of_age", "own", "preferences", "sen", "siblings", "since", "ticket", "tier"),
        )
        said = {name: getattr(self, name) for name in names}
        return self.text or canonical({**said, "run": run_id})

    def row(self) -> dict[str, Any]:
        return {
            "from": self.held or self.own,
            "group_id": self.group_id,
            "settled": self.settled,
            "ticket": self.ticket,
            "to": self.to,
        }

    def opening(self, run_id: str) -> dict[str, Any]:
        outcome = {
            name: getattr(self, name)
            for name in (
                *("group_id", "passed", "position", "preference", "reason", "turn", "waiting"),
            )
        }
        outcome.update(
            {
                "category": self.category,
                "from": self.held or self.own,
                "missing_tiyn": self.missing_tiyn,
                "settled": self.settled,
                "skipped": self.skipped,
                "to": self.to,
                **self.told,
            }
        )
        return {
            "outcome": outcome,
            "salt": b64(self.opened_salt or self.salt or salt_of(self.ticket)),
            "text": self.opened_text or self.leaf(run_id),
            "ticket": self.ticket,
        }


def a_place(
    group_id: str, free: int, ages: tuple[int, int] = (4, 5), **said: Any
) -> dict[str, Any]:
    return {
        "age_from": ages[0],
        "awaited": said.get("awaited", 0),
        "age_to": ages[1],
        "free": free,
        "group_id": group_id,
        "kind": said.get("kind", "general"),
        "language": said.get("language", "kk"),
    }


TIERS = ["extraordinary", "first-priority", "general"]


def rules(cohorts: Iterable[int] = (2022, 2023), **said: Any) -> dict[str, Any]:
    years = list(cohorts)
    return {
        "ages_apart": True,
        "categories": [
            [tier, year, place * len(years) + number]
            for place, tier in enumerate(TIERS)
            for number, year in enumerate(years, 1)
        ],
        "first_count": 1,
        "lanes": [
            {"cohort": year, "tiers": tiers} for year in years for tiers in (TIERS[:1], TIERS[1:])
        ],
        "movers": True,
        "reading": "interleave",
        "reserve_per_mille": 0,
        "siblings_first": True,
        "swaps": True,
        "then_count": 3,
        "tiers": TIERS,
        "waiting_lists_max": 5,
        **said,
    }


@dataclass
class Run:
    """A run: what it read, what it decided, how it is told."""

    run_id: str = "run-2026-07-02"
    applicants: list[Applicant] = field(default_factory=list)
    places: list[dict[str, Any]] = field(default_factory=list)
    order: dict[str, Any] = field(default_factory=rules)
    seeds: list[dict[str, str]] = field(default_factory=list)
    carry_before: dict[str, int] = field(default_factory=dict)
    carry_after: dict[str, int] = field(default_factory=dict)
    state: str = "committed"
    money: dict[str, Any] | None = None
    cells: list[dict[str, Any]] = field(default_factory=list)
    checkpoint: int | None = 1
    proposed_at: str = "2026-07-02T13:00:00.000000Z"
    released_at: str | None = "2026-07-02T13:30:00.000000Z"
    ended_at: str = "2026-07-02T13:31:00.000000Z"
    seed: bytes = SEED
    more: dict[str, Any] = field(default_factory=dict)  # what replaces parts of both bundles
    public_more: dict[str, Any] = field(default_factory=dict)  # … of the public one
    whole_more: dict[str, Any] = field(default_factory=dict)  # … of the auditor's
    head_more: dict[str, Any] = field(default_factory=dict)
    note_more: dict[str, str] = field(default_factory=dict)
    openings: list[str] | None = None  # lines, where they are not those of the applicants
    public: bool = True

    def of(self, ticket: str) -> Applicant:
        return next(one for one in self.applicants if one.ticket == ticket)


@dataclass
class World:
    """Everything that is published of one queue."""

    programme: str = "preschool"
    area: str = "astana"
    checkpoints: list[Checkpoint] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    index: Callable[[dict[str, Any]], object] = lambda said: None

    def write(self, folder: Path) -> Path:
        """Write all files below a folder; return the queue's own. The kept keys lie beside."""
        place = folder / "queue" / self.programme / self.area
        place.mkdir(parents=True)
        (folder / "keys-kept").write_text(key_line())
        before, digests, listed = "-", {}, []
        for number, one in enumerate(self.checkpoints, 1):
            text = self.write_checkpoint(place, number, one, before)
            before = b64(sha(text.encode()))
            digests[number] = before
            listed.append(
                {
                    "as_of": one.as_of,
                    "number": number,
                    "run": one.run,
                    "size": one.size or len(one.leaves),
                }
            )
        previous = None
        ended = []
        for run in self.runs:
            digest = self.write_run(place, run, digests, previous)
            ended.append({"ended_at": run.ended_at, "run_id": run.run_id})
            previous = digest if run.public else previous
        index = {
            "area": self.area,
            "checkpoints": listed,
            "programme": self.programme,
            "runs": ended,
        }
        self.index(index)
        (place / "index.json").write_text(canonical(index))
        return place

    def write_checkpoint(self, place: Path, number: int, one: Checkpoint, before: str) -> str:
        folder = place / str(number)
        folder.mkdir()
        shown = one.number or number
        order = canonical(
            {"as_of": one.as_of, "cells": one.cells, "lines": one.lines, "number": shown}
        )
        leaves = [queue_digest(text, salt) for text, salt in one.leaves]
        root = one.root or root_and_paths(leaves)[0]
        size = one.size or len(leaves)
        text = (
            f"kezek/test/queue/{self.programme}/{self.area}\n{size}\n{b64(root)}\n"
            f"number {shown}\nas-of {one.as_of}\norder {b64(sha(order.encode()))}\n"
            f"pack preschool/astana@74ebba198482\nrun {one.run or '-'}\n"
            f"previous {one.previous or before}\n"
        )
        (folder / "note").write_text(signed(text, one.seed))
        (folder / "order.json").write_text(order)
        (folder / "leaves").write_text("".join(b64(leaf) + "\n" for leaf in leaves))
        return text

    def write_run(
        self, place: Path, run: Run, digests: dict[int, str], previous: str | None
    ) -> str:
        by_ticket = sorted(run.applicants, key=lambda one: one.ticket)
        leaves = [
            sha(
                b"kezek/run/1\n" + (one.salt or salt_of(one.ticket)) + one.leaf(run.run_id).encode()
            )
            for one in by_ticket
        ]
        bundle = {
            "format": "kezek/run/1",
            "run_id": run.run_id,
            "programme": self.programme,
            "area": self.area,
            "academic_year": 2026,
            "pack": "preschool/astana@74ebba198482",
            "pack_sha256": sha(b"pack").hex(),
            "engine": "places-2",
            "state": run.state,
            "mode": "auto",
            "proposed_at": run.proposed_at,
            "released_at": run.released_at,
            "ended_at": run.ended_at,
            "order": run.order,
            "seeds": run.seeds,
            "carry_before": run.carry_before,
            "carry_after": run.carry_after,
            "money": run.money,
            "places": run.places,
            "leaves": [b64(leaf) for leaf in leaves],
            "outcomes": [one.row() for one in by_ticket],
            "cells": run.cells,
            "checkpoint": {"note": digests[run.checkpoint], "number": run.checkpoint}
            if run.checkpoint
            else None,
            "previous": previous,
        }
        bundle.update(run.more)
        whole = canonical({**bundle, "salt": b64(salt_of(run.run_id)), **run.whole_more})
        shown = {**bundle, "whole": b64(sha(whole.encode())), **run.public_more}
        raw = canonical(shown).encode()
        told = {
            "size": str(len(leaves)),
            "root": b64(root_and_paths(leaves)[0]),
            "run": run.run_id,
            "bundle": b64(sha(raw)),
            "previous": bundle["previous"] or "-",
            **run.note_more,
        }
        text = (
            f"kezek/test/run/{self.programme}/{self.area}\n{told['size']}\n{told['root']}\n"
            f"run {told['run']}\nbundle {told['bundle']}\nprevious {told['previous']}\n"
        )
        folder = place / "runs" / run.run_id
        folder.mkdir(parents=True)
        if run.public:
            (folder / "bundle.json").write_bytes(raw)
            (folder / "note").write_text(signed(text, run.seed))
        lines = run.openings
        if lines is None:
            far = len(run.applicants) + 1
            order = sorted(
                run.applicants, key=lambda one: (one.own is None, one.position or far, one.ticket)
            )
            lines = [canonical(one.opening(run.run_id)) for one in order]
        head = {"format": "kezek/openings/1", "run_id": run.run_id, "whole": whole}
        lines = [canonical({**head, **run.head_more}), *lines]
        (place.parents[2] / f"{run.run_id}.openings").write_text("".join(x + "\n" for x in lines))
        return b64(sha(raw))


# --- the law, slowly ----------------------------------------------------------------------------


def fits(place: dict[str, Any], one: Applicant) -> bool:
    return (
        place["kind"] == one.kind
        and place["language"] == one.language
        and place["age_from"] <= one.age <= place["age_to"]
    )


def number_drawn(run: Run, one: Applicant) -> str:
    if one.intake is None:
        return ""
    seed = next(row["seed"] for row in run.seeds if row["intake"] == one.intake)
    return hashlib.sha256(f"kezek-draw-v1\n{seed}\n{one.ticket}".encode()).hexdigest()


def put_in_line(run: Run) -> list[Applicant]:
    """Give everybody position and turn; return movers and who waits, in the order of the line."""
    movers = sorted(
        (one for one in run.applicants if one.own is not None), key=lambda o: (o.since, o.ticket)
    )
    for position, one in enumerate(movers, 1):
        one.position, one.turn = position, None
    line: list[Applicant] = []
    order = run.order
    for lane in order["lanes"]:
        waiting = {
            tier: sorted(
                (
                    one
                    for one in run.applicants
                    if one.own is None
                    and not one.out_of_age
                    and (one.tier, one.cohort) == (tier, lane["cohort"])
                ),
                key=lambda one: (one.ordered_at, number_drawn(run, one), one.ticket),
            )
            for tier in lane["tiers"]
        }
        if len(lane["tiers"]) == 1 or order["reading"] == "reserve":
            both = [one for tier in lane["tiers"] for one in waiting[tier]]
            line += sorted(
                both, key=lambda one: (one.ordered_at, number_drawn(run, one), one.ticket)
            )
            continue
        round_of = [lane["tiers"][0]] * order["first_count"]
        round_of += [lane["tiers"][1]] * order["then_count"]
        turn = run.carry_before.get(str(lane["cohort"]), 0)
        while any(waiting.values()):
            if waiting[round_of[turn]]:
                one = waiting[round_of[turn]].pop(0)
                one.turn = turn
                line.append(one)
            turn = (turn + 1) % len(round_of)
    for position, one in enumerate(line, 1):
        one.position = position
    return movers + line


def decide(run: Run) -> None:
    """Decide a run by places: everybody asks, the weakest right leaves, until nobody has to ask."""
    line = put_in_line(run)
    places = {place["group_id"]: place for place in run.places}
    by_free = sorted(places.values(), key=lambda p: (-p["free"], p["group_id"]))
    room = {group: place["free"] for group, place in places.items()}
    for one in line:
        if one.own:
            room[one.own] = room.get(one.own, 0) + 1

    def wishes(one: Applicant) -> list[str]:
        stated = [g for g in one.preferences if g in places and fits(places[g], one)]
        if one.own:
            return [*(g for g in stated if g != one.own), one.own]
        rest = [p["group_id"] for p in by_free if fits(p, one)]
        return stated + [g for g in rest if g not in stated]

    def right(one: Applicant, group: str) -> tuple[int, int]:
        if one.own == group:
            return 0, line.index(one)
        near = run.order["siblings_first"] and group in one.siblings
        return (1 if near else 2), line.index(one)

    seat: dict[str, str] = {}
    fixed: dict[str, str] = {}
    lists = {one.ticket: wishes(one) for one in line}

    def last_of(group: str, inside: list[Applicant], most: int) -> Applicant:
        """Return who leaves: holders stay, then come those of the reserve, then the line."""
        home = [o for o in inside if o.own == group]
        holders = sum(1 for o in line if o.own == group)
        share = 0
        if run.order["reading"] == "reserve" and group in places:
            share = (places[group]["free"] * run.order["reserve_per_mille"] + 500) // 1000
        first = {lane["tiers"][0] for lane in run.order["lanes"] if len(lane["tiers"]) == 2}
        by_right = sorted(inside, key=lambda o: right(o, group))
        liked = [o for o in by_right if o.tier in first and o not in home]
        liked = liked[: max(0, min(share, most - holders))]
        rest = [o for o in by_right if o not in home and o not in liked]
        return [*home, *liked, *rest][-1]

    def settle(until: list[Applicant]) -> None:
        asking = [one for one in until if one.ticket not in seat and lists[one.ticket]]
        while asking:
            one = asking[0]
            seat[one.ticket] = group = lists[one.ticket].pop(0)
            inside = [o for o in until if seat.get(o.ticket) == group]
            taken = sum(1 for held in fixed.values() if held == group)
            if len(inside) > room[group] - taken:
                del seat[last_of(group, inside, room[group] - taken).ticket]
            asking = [o for o in until if o.ticket not in seat and lists[o.ticket]]

    decided: list[Applicant] = []
    for one in line:
        batch = [o for o in line if one.batch and o.batch == one.batch]
        if not batch:
            decided.append(one)
            settle(decided)
            continue
        if one is not batch[-1] or (one.batch_size or 0) > len(batch):
            continue
        if len(batch) == 1:
            decided.append(one)
            settle(decided)
            continue
        settle(decided)
        able = []
        for group in room:
            away = [o for o in decided if o.own == group and seat.get(o.ticket) != group]
            inside = [o for o in decided if seat.get(o.ticket) == group]
            taken = sum(1 for held in fixed.values() if held == group)
            free = room[group] - len(inside) - len(away) - taken
            if free >= len(batch) and all(group in wishes(o) for o in batch):
                able.append(group)
        stated = [g for o in batch for g in o.preferences if g in able]
        rest = [p["group_id"] for p in by_free if p["group_id"] in able]
        for o in batch:
            if able:
                fixed[o.ticket] = (stated or rest)[0]
    seat.update(fixed)
    before = dict(seat)
    rings = trade([o for o in line if o.own], seat, wishes) if run.order["swaps"] else set()
    tell(run, line, seat, rings, before)


def trade(
    movers: list[Applicant], seat: dict[str, str], wishes: Callable[[Applicant], list[str]]
) -> set[str]:
    """Swap rings of movers until there is none; return who swapped."""
    left, swapped = list(movers), set()
    while left:
        wanted = {}
        for one in left:
            for group in wishes(one)[: wishes(one).index(seat[one.ticket])]:
                owner = next((o for o in left if seat[o.ticket] == group), None)
                if owner:
                    wanted[one.ticket] = owner
                    break
        idle = [one for one in left if one.ticket not in wanted]
        if idle:
            left.remove(idle[0])
            continue
        ring, one = [], left[0]
        while one not in ring:
            ring.append(one)
            one = wanted[one.ticket]
        ring = ring[ring.index(one) :]
        seats = [seat[o.ticket] for o in ring]
        for o, group in zip(ring, [*seats[1:], seats[0]], strict=True):
            seat[o.ticket] = group
            swapped.add(o.ticket)
            left.remove(o)
    return swapped


def tell(
    run: Run,
    line: list[Applicant],
    seat: dict[str, str],
    rings: set[str],
    before: dict[str, str],
) -> None:
    """Write down what was decided, as the files say it; before: where all were before trading."""
    places = {place["group_id"]: place for place in run.places}
    numbers = {(row[0], row[1]): row[2] for row in run.order["categories"]}
    for one in run.applicants:
        one.category = numbers.get((one.tier, one.cohort))
        one.group_id = one.to = seat.get(one.ticket)
    for one in run.applicants:
        one.settled = "issued" if one.to else "none"
        if one.own:
            one.settled = "stays" if one.to == one.own else "moved"
            one.settled = "swapped" if one.ticket in rings else one.settled
            one.reason = one.settled
            wished = one.to in one.preferences
            better = one.preferences[: one.preferences.index(one.to)] if wished else one.preferences
            one.passed = [why_not(run, one, group, before) for group in better]
            continue
        choice = one.preferences.index(one.to) + 1 if one.to in one.preferences else None
        one.preference = choice
        fitting = [g for g in one.preferences if g in places and fits(places[g], one)]
        one.waiting = fitting[: run.order["waiting_lists_max"]] if one.to and not choice else []
        one.reason = "preferred" if choice else "other-group" if one.to else why_none(run, one)
        stated = one.preferences[: choice - 1] if choice else one.preferences
        one.passed = [why_not(run, one, group, before) for group in stated]
    run.carry_after = carried(run, line)
    run.cells = counted(run)


def why_not(run: Run, one: Applicant, group: str, before: dict[str, str]) -> list[Any]:
    place = next((place for place in run.places if place["group_id"] == group), None)
    if place is None:
        return [group, "closed", None, None]
    for part in ("kind", "language"):
        if place[part] != getattr(one, part):
            return [group, part, None, None]
    if not place["age_from"] <= one.age <= place["age_to"]:
        return [group, "age", None, None]
    inside = [o for o in run.applicants if before.get(o.ticket) == group and o.own != group]
    near = run.order["siblings_first"]
    inside.sort(key=lambda o: (not (near and group in o.siblings), o.own is None, o.position))
    last = inside[-1] if inside else None
    return [group, "full", last.category if last else None, last.ticket if last else None]


def why_none(run: Run, one: Applicant) -> str:
    if one.out_of_age:
        return one.out_of_age
    if one.batch:
        together = [o for o in run.applicants if o.batch == one.batch]
        if len(together) < (one.batch_size or 0):
            return "batch-incomplete"
        both = any(all(fits(p, o) for o in together) for p in run.places)
        return "no-place-together" if both else "batch-differs"
    places = [p for p in run.places if p["kind"] == one.kind]
    if not places:
        return "no-group-of-kind"
    places = [p for p in places if p["language"] == one.language]
    if not places:
        return "no-group-in-language"
    fitting = any(p["age_from"] <= one.age <= p["age_to"] for p in places)
    return "no-place-left" if fitting else "no-group-for-age"


def carried(run: Run, line: list[Applicant]) -> dict[str, int]:
    after = dict(run.carry_before)
    standing = {one.ticket: one.position for one in line}
    for one in line:
        if one.batch:
            standing[one.ticket] = max(o.position for o in line if o.batch == one.batch)
    for one in sorted(line, key=lambda o: (standing[o.ticket], o.position)):
        if one.settled == "issued" and one.turn is not None:
            of_round = run.order["first_count"] + run.order["then_count"]
            after[str(one.cohort)] = (one.turn + 1) % of_round
    return after


def counted(run: Run) -> list[dict[str, Any]]:
    """Return one cell of everybody: always large enough in these worlds."""
    waits = [one for one in run.applicants if one.own is None and not one.out_of_age]
    issued = sum(one.settled == "issued" for one in waits)
    known = sorted(
        {number for tier, year, number in run.order["categories"] for one in waits
         if (one.tier, one.cohort) == (tier, year)}
    )  # fmt: skip
    shown = [number if not 0 < number < 5 else None for number in (issued, len(waits) - issued)]
    return [
        {
            "categories": known,
            "vouchers": issued if None not in shown else None,
            "waiting": len(waits),
        }
    ]
