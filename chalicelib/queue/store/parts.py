"""What a run read, what it decided, and what became of it, part by part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from chalicelib.queue.rules import (
    Money,
    NotThere,
    Outcome,
    Place,
    Run,
    Seeker,
    Settled,
)
from chalicelib.queue.store.packing import (
    IN_A_PART,
    PARTS,
    opened,
    packed,
    parts_of,
    put_part,
)
from chalicelib.queue.store.ranks import IN_A_PAGE
from chalicelib.storage import keys
from chalicelib.storage.commit import Put


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


_OUTCOMES = msgspec.json.Decoder(list[Outcome])
_SETTLED = msgspec.json.Decoder(list[Settled])
_TOLD = msgspec.json.Decoder(dict[str, tuple[NotThere, ...]])
_INPUT = msgspec.json.Decoder(InputPart)
_HEAD = msgspec.json.Decoder(Input)


def input_parts(
    run_id: str, inputs: str, head: Input, seekers: Sequence[Seeker], places: Sequence[Place]
) -> list[Put]:
    """Describe what a run read: its head, then the queue, then the places."""
    contents: list[object] = [head]
    contents += [InputPart(seekers=tuple(part)) for part in parts_of(seekers, IN_A_PART)]
    contents += [InputPart(places=tuple(part)) for part in parts_of(places, IN_A_PART)]
    named = f"INPUT-{inputs[:12]}"
    return [put_part(keys.run_part(run_id, named, n), what) for n, what in enumerate(contents)]


def outcome_parts(run_id: str, inputs: str, outcomes: Sequence[Outcome]) -> list[Put]:
    """Describe what a run decided, in the order of serving."""
    named = f"OUTCOME-{inputs[:12]}"
    return [
        put_part(keys.run_part(run_id, named, n), part)
        for n, part in enumerate(parts_of(outcomes, IN_A_PART))
    ]


def result_part(run: Run, settled: Sequence[Settled]) -> Put:
    """Describe what became of a slice of the planned vouchers; its number is where it began."""
    key = keys.run_part(run.run_id, "RESULT", run.done)
    return PARTS.create(key, packed(key, settled))


def each_outcome(run: Run, *, start: int = 0) -> Iterator[Outcome]:
    """Yield what a run decided in the order of serving, from a number on. A read per part."""
    named = f"OUTCOME-{run.inputs[:12]}"
    for number in range(start // IN_A_PART, run.outcome_parts):
        outcomes = _OUTCOMES.decode(opened(PARTS.load(keys.run_part(run.run_id, named, number))))
        yield from outcomes[start % IN_A_PART if number == start // IN_A_PART else 0 :]


def each_input(run: Run) -> Iterator[InputPart]:
    """Yield what a run read: the queue, then the places. One query."""
    pk, sk = keys.run_part(run.run_id, input_of(run), 0)
    for kept in PARTS.each(pk, after=sk, upto=f"{input_of(run)}#~"):
        yield _INPUT.decode(opened(kept))


def load_input(run: Run) -> Input:
    """Return what a run read besides the queue and the places. One read."""
    return _HEAD.decode(opened(PARTS.load(keys.run_part(run.run_id, input_of(run), 0))))


def told_parts(run: Run, told: Mapping[str, Sequence[NotThere]]) -> list[Put]:
    """Describe why not there, of those who wait no more; told: by application, none without any."""
    pages: dict[int, dict[str, Sequence[NotThere]]] = {}
    for application_id, reasons in told.items():
        pages.setdefault(_told_page(run, application_id), {})[application_id] = reasons
    return [
        put_part(keys.run_part(run.run_id, _told_of(run), number), page)
        for number, page in sorted(pages.items())
    ]


def find_told(run: Run, application_id: str) -> tuple[NotThere, ...] | None:
    """Return why not there, of one who waits no more; None where nothing was told. One read."""
    number = _told_page(run, application_id)
    kept = PARTS.find(keys.run_part(run.run_id, _told_of(run), number))
    return _TOLD.decode(opened(kept)).get(application_id) if kept is not None else None


def _told_of(run: Run) -> str:
    return f"WHY-{run.inputs[:12]}"


def _told_page(run: Run, application_id: str) -> int:
    return keys.shard(application_id, shards=max(1, -(-run.planned // IN_A_PAGE)))


def each_settled(run: Run) -> Iterator[Settled]:
    """Yield what became of the planned vouchers so far. One query."""
    pk, _ = keys.run_part(run.run_id, "RESULT", 0)
    for kept in PARTS.each(pk, begins="RESULT#"):
        yield from _SETTLED.decode(opened(kept))


def load_seeker(run: Run, number: int) -> Seeker:
    """Return one of those a run read, by its number. One read."""
    key = keys.run_part(run.run_id, input_of(run), 1 + number // IN_A_PART)
    return _INPUT.decode(opened(PARTS.load(key))).seekers[number % IN_A_PART]


def input_of(run: Run) -> str:
    return f"INPUT-{run.inputs[:12]}"
