"""Runs as this very code decides and publishes them, over invented cities, without any table."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import random
from collections.abc import Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chalicelib.kernel.notes import signed_note
from chalicelib.queue.rules import Order, Place, Seeker, Settled, cells_of, plan_iteration
from chalicelib.queue.rules import bundles as made
from chalicelib.queue.rules.order import Lane
from chalicelib.queue.rules.ranks import waiting_by_category
from chalicelib.queue.rules.runs import Run, next_turns
from tests.verify.worlds import KEY_NAME, SEED, public_key

TIERS = ("extraordinary", "first-priority", "general")
COHORTS = (2021, 2022)
SEEDS = {"intake-1": "ab" * 32}


def order_of(**said: Any) -> Order:
    """Return rules of order of two cohorts and three tiers."""
    lanes = [Lane(c, tiers) for c in COHORTS for tiers in (TIERS[:1], TIERS[1:])]
    numbers = {(tier, c): n * 2 + m for n, tier in enumerate(TIERS) for m, c in enumerate(COHORTS)}
    told: dict[str, Any] = {
        "lanes": tuple(lanes),
        "tiers": TIERS,
        "categories": {key: number + 1 for key, number in numbers.items()},
        "waiting_lists_max": 3,
        "first_count": 1,
        "then_count": 3,
        "seeds": SEEDS,
        "movers": True,
        "swaps": True,
    }
    return Order(**{**told, **said})


def a_city(
    seed: int, *, waiting: int = 40, groups: int = 7, movers: int = 8, **said: Any
) -> tuple[list[Seeker], list[Place], Order]:
    """Return an invented city: who waits or asks to move, places, rules."""
    draw = random.Random(seed)
    ids = [f"group-{number}" for number in range(groups)]
    places = [
        Place(
            group_id=group_id,
            age_from=draw.choice((3, 4)),
            age_to=draw.choice((4, 5)),
            language=draw.choice(("kk", "kk", "ru")),
            kind="sanatorium" if group_id == ids[0] and draw.random() < 0.4 else "general",
            free=draw.randint(0, max(2, waiting // groups)),
            awaited=draw.choice((0, 0, 0, 1)),
        )
        for group_id in ids
    ]
    seekers = []
    for number in range(waiting):
        cohort = draw.choice(COHORTS)
        drawn = draw.random() < 0.2
        seekers.append(
            Seeker(
                application_id=f"application-{number}",
                ticket=f"{draw.randrange(36**8):08x}-{number:04d}",
                tier=draw.choice(TIERS),
                cohort=cohort,
                age=2025 - cohort,
                ordered_at=f"2025-08-01T09:00:{0 if drawn else draw.randrange(60):02d}.000000Z",
                language=draw.choice(("kk", "kk", "ru")),
                kind="sanatorium" if draw.random() < 0.05 else "general",
                preferences=tuple(draw.sample(ids, draw.randint(0, 3))),
                intake="intake-1" if drawn else None,
                siblings=tuple(draw.sample(ids, 1)) if draw.random() < 0.15 else (),
                out_of_age="too-old" if draw.random() < 0.03 else None,
            )
        )
    for number in range(max(1, waiting // 20)):
        many = draw.choice((2, 2, 3))
        at = sorted(draw.sample(range(waiting), many))
        if any(seekers[i].batch_id or seekers[i].out_of_age for i in at):
            continue
        size = many + (draw.random() < 0.15)
        for i in at:
            seekers[i] = dataclasses.replace(
                seekers[i],
                batch_id=f"batch-{number}",
                batch_size=size,
                cohort=seekers[at[0]].cohort,
                age=seekers[at[0]].age,
                language=seekers[at[0]].language,
            )
    for number in range(movers):
        own = draw.choice([*ids, "group-closed"])
        place = next((one for one in places if one.group_id == own), places[-1])
        seekers.append(
            Seeker(
                application_id=f"moving-{number}",
                ticket=f"{draw.randrange(36**8):08x}-m{number:03d}",
                tier=draw.choice(TIERS),
                cohort=2020,
                age=place.age_from,
                ordered_at="2024-08-01T09:00:00.000000Z",
                language=place.language,
                kind=place.kind,
                preferences=tuple(draw.sample([i for i in ids if i != own], draw.randint(1, 3))),
                own=own,
                voucher_id=f"voucher-{number}",
                since=f"20250701T0900-{draw.randrange(40):07d}",
            )
        )
    draw.shuffle(seekers)
    return seekers, places, order_of(**said)


def salt_of(application_id: str) -> bytes:
    return hashlib.sha256(application_id.encode()).digest()[:16]


def signed(text: str) -> bytes:
    key = Ed25519PrivateKey.from_private_bytes(SEED)
    return signed_note(text, [(KEY_NAME, public_key(), key.sign(text.encode()))]).encode()


def settled_of(outcomes: Sequence[Any], done: int) -> dict[str, Settled]:
    """Return what became of each: as planned up to `done` outcomes, nothing behind."""
    return {
        one.application_id: Settled(one.application_id, voucher_id="v", group_id=one.group_id)
        for one in outcomes[:done]
        if one.gets or one.moves
    }


def published(
    seekers: list[Seeker],
    places: list[Place],
    order: Order,
    *,
    carry: dict[int, int] | None = None,
    stopped: float | None = None,
) -> tuple[dict[str, bytes], bytes]:
    """Return a run's public files and its openings; stopped: after which part of its outcomes."""
    carry = carry or {2021: 2}
    plan = plan_iteration(seekers, places, order, carry)
    done = len(plan.outcomes) if stopped is None else int(len(plan.outcomes) * stopped)
    while 0 < done < len(plan.outcomes) and (
        plan.outcomes[done].batch_id is not None or plan.outcomes[done].ring is not None
    ):
        done += 1  # what is decided together is settled together
    settled = settled_of(plan.outcomes, done)
    given = [(o.cohort, o.turn) for o in plan.outcomes if o.gets and o.application_id in settled]
    waiting = waiting_by_category([one for one in seekers if one.own is None], order)
    run = Run(
        run_id="run-2025-09-02",
        programme="preschool",
        area="astana",
        state="committed" if stopped is None else "stopped",
        mode="auto",
        academic_year=2025,
        pack="preschool/astana@000000000000",
        engine="places-2",
        asked="",
        proposed_by="",
        proposed_at="2025-09-02T13:00:00.000000Z",
        inputs="",
        outcome="",
        input_parts=1,
        outcome_parts=1,
        planned=len(plan.outcomes),
        vouchers=plan.vouchers,
        places=0,
        carry_before=carry,
        carry_after=next_turns(carry, given, order),
        waiting_before=waiting,
        waiting_after={},
        released_at="2025-09-02T13:30:00.000000Z",
        ended_at="2025-09-02T13:40:00.000000Z",
    )
    read = made.Read(
        run=run,
        order=order,
        carry=carry,
        money=None,
        seekers=seekers,
        places=places,
        outcomes=plan.outcomes,
        settled=settled,
        intakes=(),
        cells=cells_of(waiting),
    )
    known = made.Known(pack_sha256="0" * 64, salt=b"s" * 16, ordinary="general")
    bundle = made.bundle_of(read, known, salt_of)
    leaves = {leaf.ticket: leaf for leaf in bundle.leaves}
    lines = [made.canonical(made.openings_head(run.run_id, bundle.whole))]
    lines += [
        made.canonical(made.opening_of(o, settled.get(o.application_id), leaves[o.ticket]))
        for o in plan.outcomes
    ]
    openings = b"".join(line + b"\n" for line in lines)
    if bundle.public is None:
        return {}, openings
    text = made.note_text(bundle, run, title="kezek/test/run/preschool/astana", previous=None)
    return {"bundle.json": bundle.public, "note": signed(text)}, openings


def a_place_file(
    number: int, text: str, salt: bytes, path: list[bytes], note: str
) -> dict[str, Any]:
    """Return a family's file of its place."""
    shown = [base64.b64encode(one).decode() for one in path]
    leaf = {"number": number, "salt": base64.b64encode(salt).decode(), "text": text}
    return {"format": "kezek/place/1", "leaf": leaf, "note": note, "path": shown}
